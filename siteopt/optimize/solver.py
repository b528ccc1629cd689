"""The only place that runs a solver: HiGHS through PuLP, its outcome, bound and gap read from HiGHS itself.

PuLP's own status is not used: it calls a time limit Optimal, and its variables read 0 where there is no solution.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import version

import highspy
import pulp

from siteopt.codes import Code
from siteopt.faults import Failure
from siteopt.log import next_lp, note

SEED = 0
"""Random seed of every run."""

TRIAL_SECONDS, TRIAL_ANSWER = 60.0, -20.0
"""Time of a trial, and the whole-numbered optimum (4, 0) of its problem; without integrality it would be -21."""

POLL_SECONDS = 0.1
"""How often it is looked whether to stop the second solver."""


class Outcome(StrEnum):
    """What a solve ended in."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    LIMIT = "limit"


@dataclass(frozen=True)
class Solve:
    """One run of the solver.

    Attributes
    ----------
    outcome : Outcome
    has_plan : bool
        Whether the variables of the problem hold a feasible solution.
    objective, bound : float
        In the units of the objective; nan where there is none.
    gap : float
        Relative gap as the solver gives it; inf where there is no plan.
    dual : mapping of row names to floats
        Of a linear relaxation: what one unit more on the right side adds to the objective.
    """

    outcome: Outcome
    has_plan: bool
    objective: float
    bound: float
    gap: float
    dual: Mapping[str, float] = field(default_factory=dict)


class SolverError(Failure):
    """The solver ended in a state that siteopt cannot use."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.SOLVER, message)


_BANNER = threading.Lock()


@contextlib.contextmanager
def _silent_stdout() -> Iterator[None]:
    """Keep the banner away that highspy writes to standard output when it starts: it would break JSON.

    One thread at a time, since standard output is one for all.
    """
    with _BANNER:
        sys.stdout.flush()
        kept, sink = os.dup(1), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 1)
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            os.close(sink)


class _Highs(pulp.HiGHS):  # type: ignore[misc]
    """PuLP's HiGHS, which hands the model over in one call instead of a call for each row and column.

    ``stop`` ends a run early; ``relax`` drops the integrality.
    """

    stop: threading.Event | None = None
    relax = False

    def createAndConfigureSolver(self, lp: pulp.LpProblem) -> None:
        with _silent_stdout():
            super().createAndConfigureSolver(lp)
        stop = self.stop
        if stop is not None:
            lp.solverModel.cbMipInterrupt.subscribe(lambda event: event.interrupt(stop.is_set()))

    def buildSolverModel(self, lp: pulp.LpProblem) -> None:
        variables, rows = lp.variables(), lp.constraints()
        for index, variable in enumerate(variables):
            variable.index = index
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(variables), len(rows)
        model.col_cost_ = [lp.objective.get(variable, 0.0) for variable in variables]
        model.col_lower_ = [-math.inf if v.lowBound is None else v.lowBound for v in variables]
        model.col_upper_ = [math.inf if v.upBound is None else v.upBound for v in variables]
        kinds = {} if self.relax else {pulp.LpInteger: highspy.HighsVarType.kInteger}
        model.integrality_ = [kinds.get(v.cat, highspy.HighsVarType.kContinuous) for v in variables]
        starts, indices, values, lower, upper = [0], [], [], [], []
        for number, row in enumerate(rows):
            row.index = number
            for variable, value in row.items():
                indices.append(variable.index)
                values.append(value)
            starts.append(len(indices))
            low, high = row.getLb(), row.getUb()
            lower.append(-math.inf if low is None else low)
            upper.append(math.inf if high is None else high)
        if not all(map(math.isfinite, (*values, *model.col_cost_))):
            raise SolverError("a coefficient of the model is not finite")
        model.row_lower_, model.row_upper_ = lower, upper
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = starts, indices, values
        lp.solverModel.passModel(model)


def solve(
    problem: pulp.LpProblem,
    seconds: float = math.inf,
    gap: float = 0.0,
    stop: threading.Event | None = None,
    *,
    relax: bool = False,
) -> Solve:
    """Solve to proven optimality, or until the time is up or ``stop`` is set.

    Parameters
    ----------
    gap : float
        Relative gap that is near enough; with 0, the answer is proven.
    relax : bool
        Solve the linear relaxation, for its duals.

    Raises
    ------
    SolverError
        Where HiGHS fails, or ends in a state that is neither of the outcomes.
    """
    lp, begin = _kept(problem), time.monotonic()
    result = _solve(problem, seconds, gap, stop, relax)
    size = {"rows": problem.numConstraints(), "columns": problem.numVariables(), "relaxed": relax, "lp": lp}
    spent = round(time.monotonic() - begin, 4)
    note("solver", logging.DEBUG, outcome=result.outcome, plan=result.has_plan, seconds=spent, **size)
    return result


def _kept(problem: pulp.LpProblem) -> str | None:
    """The name of the LP file that holds the problem, where such files are asked for."""
    try:
        path = next_lp()
        if path is None:
            return None
        problem.deepcopy().writeLP(str(path))  # a copy, for PuLP adds to rows that are empty
    except OSError as error:
        note("no LP file", logging.WARNING, reason=str(error))
        return None
    return path.name


def _solve(problem: pulp.LpProblem, seconds: float, gap: float, stop: threading.Event | None, relax: bool) -> Solve:
    limit = None if math.isinf(seconds) else max(0.0, seconds)
    solver = _Highs(msg=False, gapRel=gap, gapAbs=1e-6, threads=1, timeLimit=limit, random_seed=SEED, presolve="off")
    solver.stop, solver.relax = stop, relax
    try:
        problem.solve(solver)
    except pulp.PulpError as error:
        raise SolverError(str(error)) from error
    highs = problem.solverModel
    info, status = highs.getInfo(), highs.getModelStatus()
    plan = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    states = highspy.HighsModelStatus
    constant = problem.objective.constant
    objective = info.objective_function_value + constant if plan else math.nan
    if status == states.kOptimal and plan:
        if relax:
            dual = {row.name: row.pi for row in problem.constraints()}
            return Solve(Outcome.OPTIMAL, True, objective, objective, 0.0, dual)
        bound = info.mip_dual_bound + constant if math.isfinite(info.mip_dual_bound) else objective
        return Solve(Outcome.OPTIMAL, True, objective, bound, info.mip_gap)
    if status in (states.kInfeasible, states.kUnboundedOrInfeasible):
        return Solve(Outcome.INFEASIBLE, False, math.nan, math.nan, math.inf)
    if status in (states.kTimeLimit, states.kInterrupt):
        return Solve(Outcome.LIMIT, plan, objective, info.mip_dual_bound + constant, info.mip_gap if plan else math.inf)
    raise SolverError(f"HiGHS ended in the state {highs.modelStatusToString(status)}")


def second_opinion(problem: pulp.LpProblem, seconds: float, stop: threading.Event | None = None) -> Solve:
    """The same problem by CBC; its bound is not known unless it ends.

    Raises
    ------
    SolverError
        Where there is no CBC for this machine, or it fails.
    """
    solver = pulp.COIN_CMD(path=pulp.PULP_CBC_CMD.pulp_cbc_path, msg=False)
    if not solver.available():
        raise SolverError("there is no CBC for this machine")
    # not by PuLP, which leaves the process and its files behind where it is interrupted
    with tempfile.TemporaryDirectory(prefix="siteopt-") as folder:
        model, answer = os.path.join(folder, "model.mps"), os.path.join(folder, "answer.sol")
        variables, columns, rows, _ = problem.writeMPS(model, rename=1)
        options = f"-sec {max(0.0, seconds)} -ratio 0 -allow 1e-06 -threads 1 -timeMode elapsed -solve"
        command = [solver.path, model, *options.split(), "-printingOptions", "all", "-solution", answer]
        if not _ended(command, stop):
            return Solve(Outcome.LIMIT, False, math.nan, math.nan, math.inf)
        if not os.path.exists(answer):
            raise SolverError("CBC ended without an answer")
        status, values, *_, found = solver.readsol_MPS(answer, problem, variables, columns, rows)
    if status == pulp.LpStatusInfeasible:
        return Solve(Outcome.INFEASIBLE, False, math.nan, math.nan, math.inf)
    problem.assignVarsVals(values)
    plan = found in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    objective = float(pulp.value(problem.objective) or 0.0) if plan else math.nan
    if found == pulp.LpSolutionOptimal:
        return Solve(Outcome.OPTIMAL, True, objective, objective, 0.0)
    return Solve(Outcome.LIMIT, plan, objective, math.nan, math.inf)


def _ended(command: list[str], stop: threading.Event | None) -> bool:
    """Whether a program ran to its end before ``stop`` was set; in any case it has ended.

    Ctrl-C in a terminal goes to us alone.
    """
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            while stop is None or not stop.is_set():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    if process.wait(POLL_SECONDS) != 0:
                        raise SolverError(f"CBC ended with the code {process.returncode}")
                    return True
        finally:
            process.kill()
    return False


def second_solver() -> str:
    """Name of the second solver, for the certificate."""
    return f"CBC as bundled with PuLP {version('pulp')}"


def solver_version() -> str:
    """Name and versions of the solver, for the certificate."""
    with _silent_stdout():
        number = highspy.Highs().version()  # type: ignore[no-untyped-call]
    return f"HiGHS {number} (highspy {version('highspy')}, PuLP {version('pulp')})"


def _first(problem: pulp.LpProblem) -> Solve:
    return solve(problem, TRIAL_SECONDS)


def _second(problem: pulp.LpProblem) -> Solve:
    return second_opinion(problem, TRIAL_SECONDS)


SOLVERS: Mapping[str, Callable[[pulp.LpProblem], Solve]] = {"HiGHS": _first, "CBC": _second}
"""Every solver by its name; the first is needed, the others check it."""


def trial(name: str) -> str:
    """Have a solver solve a problem whose answer is known; returns its version.

    Raises
    ------
    SolverError
        Where it fails, or finds another answer.
    """
    problem = pulp.LpProblem("trial")
    x, y = (problem.add_variable(letter, 0, 10, pulp.LpInteger) for letter in "xy")
    problem += -5 * x - 4 * y
    problem += 6 * x + 4 * y <= 24
    problem += x + 2 * y <= 6
    found = SOLVERS[name](problem)
    if found.outcome is not Outcome.OPTIMAL or abs(found.objective - TRIAL_ANSWER) > 1e-6:
        raise SolverError(f"{name} finds {found.objective} where {TRIAL_ANSWER} is the answer ({found.outcome})")
    return solver_version() if name == "HiGHS" else second_solver()
