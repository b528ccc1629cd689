"""Other ways to the same answer, on the same Instance: ``-m tests.bench.peers PEER SCENARIO SECONDS``.

A peer takes an Instance and a time limit, and gives its proven best plan, None where no site can serve, or raises
OutOfTime where it did not end. Its plan has to pass the certificate.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pulp

from siteopt.instance import Instance
from siteopt.optimize.bounds import Bounds, bounds
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.program import Program
from siteopt.optimize.single import solve_site
from siteopt.optimize.solver import Outcome, Solve, SolverError
from siteopt.plan import SitePlan
from siteopt.record.base import RunOutcome
from tests.bench.cpsat import cpsat
from tests.bench.measure import load_instance

THREADS = 2


def one_milp_highs(instance: Instance, seconds: float) -> SitePlan | None:
    """One MILP over all sites and days, a stage for each goal, with HiGHS."""
    ranking = monolithic(instance, Clock(seconds))
    if ranking.outcome is RunOutcome.LIMIT:
        raise OutOfTime
    return ranking.plan


def one_milp_cbc(instance: Instance, seconds: float) -> SitePlan | None:
    """The same MILPs in the same stages, with the CBC that PuLP carries."""
    with mock.patch("siteopt.optimize.clock.solve", _cbc):
        return one_milp_highs(instance, seconds)


def _cbc(program: Program, seconds: float = math.inf, gap: float = 0.0, *_: object, **__: object) -> Solve:
    """What ``siteopt.optimize.solver.solve`` does, with CBC."""
    path, problem = pulp.PULP_CBC_CMD.pulp_cbc_path, _problem(program)
    problem.solve(pulp.COIN_CMD(path=path, msg=False, timeLimit=seconds, gapRel=gap, threads=THREADS))
    # PuLP calls a plan found before the time limit optimal too, and only its solution's status tells them apart
    if problem.status == pulp.LpStatusOptimal and problem.sol_status == pulp.LpSolutionOptimal:
        value = pulp.value(problem.objective) or 0.0
        values = np.array([variable.varValue or 0.0 for variable in problem.variables()])
        return Solve(Outcome.OPTIMAL, value, value, 0.0, values)
    if problem.status == pulp.LpStatusInfeasible:
        return Solve(Outcome.INFEASIBLE)
    if problem.status in (pulp.LpStatusOptimal, pulp.LpStatusNotSolved):
        return Solve(Outcome.LIMIT)
    raise SolverError(f"CBC ended in the state {pulp.LpStatus[problem.status]}")


def _problem(program: Program) -> pulp.LpProblem:
    """Return a program as a problem of PuLP, its variables in the same order."""
    problem = pulp.LpProblem("peer")
    kinds = [pulp.LpInteger if whole else pulp.LpContinuous for whole in program.whole]
    limits = zip(program.columns, program.lower.tolist(), program.upper.tolist(), kinds, strict=True)
    variables = [problem.add_variable(*one) for one in limits]
    terms = zip(variables, program.cost.tolist(), strict=True)
    problem.setObjective(pulp.LpAffineExpression(list(terms), constant=program.constant))
    for row in range(len(program.rows)):
        part = slice(program.first[row], program.first[row + 1])
        left = [(variables[at], value) for at, value in zip(program.column[part], program.value[part], strict=True)]
        for sense, right in ((pulp.LpConstraintGE, program.low[row]), (pulp.LpConstraintLE, program.high[row])):
            if np.isfinite(right):
                problem.addConstraint(pulp.LpConstraint(pulp.LpAffineExpression(left), sense, None, float(right)))
    return problem


def every_site_by_bisection(instance: Instance, seconds: float) -> SitePlan | None:
    """Each site by itself, from the day on which its GPUs are ready, without any bound from what the site needs.

    That day is part of the model and no bound of the search: the MILPs rest on it.
    """
    clock, plans = Clock(seconds), []
    for s in range(instance.sites):
        one = instance.take(np.array([s]))
        with mock.patch("siteopt.optimize.single.bounds", _unbounded):
            best = solve_site(one, clock).best
        if best is not None and not best.proven:
            raise OutOfTime
        plans += [best] if best is not None else []
    return min(plans, key=lambda found: found.key, default=None)


def _unbounded(instance: Instance) -> Bounds:
    """Return as bounds no more than when the GPUs are ready."""
    ready = instance.compute_ready_day + instance.commissioning_days
    return replace(bounds(instance), day=np.maximum.accumulate(ready, axis=1))


PEERS: dict[str, Callable[[Instance, float], SitePlan | None]] = {
    "one MILP, HiGHS": one_milp_highs,
    "one MILP, CBC": one_milp_cbc,
    "CP-SAT": cpsat,
    "every site, no bounds": every_site_by_bisection,
}


def run(peer: str, scenario: Path, seconds: float) -> dict[str, Any]:
    """Let a peer solve a scenario.

    Returns
    -------
    dict
        ``ended`` (proven), ``broke_off`` (the solver failed, as it may where memory runs out), ``seconds``, and
        ``site``, ``days``, ``cost_musd`` (None, [] and None without a plan).

    Raises
    ------
    ValueError
        Where the plan of the peer breaks a row.
    """
    instance = load_instance(scenario)
    begun = time.monotonic()
    found, ended, broke_off = None, False, False
    try:
        found, ended = PEERS[peer](instance, seconds), True
    except OutOfTime:
        pass
    except (pulp.PulpSolverError, MemoryError):
        broke_off = True
    spent = time.monotonic() - begun
    if found is not None and not (certificate := certify(found.instance, found.plan)).valid:
        raise ValueError(f"the plan of {peer} breaks {certificate.violations[0]}")
    return {
        "ended": ended,
        "broke_off": broke_off,
        "seconds": spent,
        "site": found.instance.site_id[0] if found else None,
        "days": found.plan.day.tolist() if found else [],
        "cost_musd": found.cost_musd if found else None,
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))))
