"""The only place that runs a solver: HiGHS on arrays, its outcome, bound and gap read from HiGHS itself; and CBC.

What comes back is a witness and not a verdict: :mod:`siteopt.optimize.fixed_days` says what it takes to believe it.
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
from typing import Any

import highspy
import numpy as np
import pulp

from siteopt.codes import Code
from siteopt.faults import Failure
from siteopt.instance import Floats
from siteopt.log import next_lp, note
from siteopt.optimize.program import Program, program_of
from siteopt.tolerances import GAP_MUSD, SOLVER_TOLERANCE

SEED = 0
"""Random seed of every run; a second setting has the next one."""

TRIAL_SECONDS, TRIAL_ANSWER = 60.0, -20.0
"""Time of a trial, and the whole-numbered optimum (4, 0) of its problem; without integrality it would be -21."""

POLL_SECONDS = 0.1
"""How often it is looked whether to stop the second solver."""


class Outcome(StrEnum):
    """What a solve ended in."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    TARGET = "target reached"
    CUTOFF = "bound beyond the cutoff"
    LIMIT = "limit"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Solve:
    """One run of the solver.

    Attributes
    ----------
    outcome : Outcome
    objective, bound : float
        In the units of the objective; nan where there is none.
    gap : float
        Relative gap as the solver gives it; inf where there is no plan.
    values : array by column, or None
        The best feasible solution.
    dual : mapping of row names to floats
        Of a linear relaxation: what one unit more on the right side adds to the objective.
    """

    outcome: Outcome
    objective: float = math.nan
    bound: float = math.nan
    gap: float = math.inf
    values: Floats | None = None
    dual: Mapping[str, float] = field(default_factory=dict)

    @property
    def has_plan(self) -> bool:
        """Whether there is a feasible solution."""
        return self.values is not None


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


def _highs(program: Program, *, relax: bool, tolerance: float, **options: Any) -> highspy.Highs:
    """Return a HiGHS that holds a program, its rows divided by their size so that tolerances are shares of it."""
    with _silent_stdout():
        highs = highspy.Highs()  # type: ignore[no-untyped-call]
    for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance", "mip_feasibility_tolerance"):
        options[name] = tolerance
    for name, value in {"output_flag": False, "threads": 1, "presolve": "off", **options}.items():
        highs.setOptionValue(name, value)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.columns), len(program.rows)
    model.col_cost_, model.col_lower_, model.col_upper_ = program.cost, program.lower, program.upper
    if not relax:
        kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
        model.integrality_ = [kinds[bool(whole)] for whole in program.whole]
    model.row_lower_, model.row_upper_ = program.low / program.size, program.high / program.size
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_ = program.first, program.column
    model.a_matrix_.value_ = program.value / program.size[program.row]
    highs.passModel(model)
    return highs


def solve(
    program: Program,
    seconds: float = math.inf,
    gap: float = 0.0,
    stop: threading.Event | None = None,
    *,
    relax: bool = False,
    target: float = -math.inf,
    cutoff: float = math.inf,
    seed: int = SEED,
) -> Solve:
    """Solve to optimality, or until a target, a cutoff or a limit is reached.

    Parameters
    ----------
    gap : float
        Relative gap that is near enough.
    stop : threading.Event, optional
        Set it to end the run with what it has.
    relax : bool
        Solve the linear relaxation, for its duals.
    target : float
        End with TARGET at the first solution that is no more than this.
    cutoff : float
        End with CUTOFF where the bound is more than this.
    """
    begin = time.monotonic()
    limit = {} if math.isinf(seconds) else {"time_limit": max(0.0, seconds)}
    options = {"random_seed": seed, "mip_rel_gap": gap, "mip_abs_gap": GAP_MUSD, **limit}
    highs = _highs(program, relax=relax, tolerance=SOLVER_TOLERANCE, **options)
    lp = _kept(highs, program)

    raised: list[BaseException] = []

    def is_over(event: Any) -> None:
        try:
            found, bound = event.data_out.mip_primal_bound, event.data_out.mip_dual_bound
            over = (stop is not None and stop.is_set()) or found + program.constant <= target
            event.interrupt(over or bound + program.constant > cutoff)
        except BaseException as error:  # a signal: HiGHS would take what is raised here for an error of its own
            raised.append(error)
            event.interrupt(True)

    if not relax:
        highs.cbMipInterrupt.subscribe(is_over)
    highs.run()
    if raised:
        raise raised[0]
    result = _read(highs, program, relax, target, cutoff)
    size = {"rows": len(program.rows), "columns": len(program.columns), "relaxed": relax, "lp": lp}
    spent = round(time.monotonic() - begin, 4)
    note("solver", logging.DEBUG, outcome=result.outcome, plan=result.has_plan, seconds=spent, **size)
    return result


def _kept(highs: highspy.Highs, program: Program) -> str | None:
    """Return the name of the LP file that holds a program, where such files are asked for."""
    try:
        path = next_lp()
        if path is None:
            return None
        for each, names in ((highs.passColName, program.columns), (highs.passRowName, program.rows)):
            for index, name in enumerate(names):
                each(index, name)
        path.touch()  # HiGHS does not say why it cannot write
        with _silent_stdout():
            highs.writeModel(str(path))
    except OSError as error:
        note("no LP file", logging.WARNING, reason=str(error))
        return None
    return path.name


def _read(highs: highspy.Highs, program: Program, relax: bool, target: float, cutoff: float) -> Solve:
    """Return what HiGHS says of a run, in its own words and numbers."""
    info, solution, constant = highs.getInfo(), highs.getSolution(), program.constant
    plan = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    objective = info.objective_function_value + constant if plan else math.nan
    bound = objective if relax or not math.isfinite(info.mip_dual_bound) else info.mip_dual_bound + constant
    outcome = _outcome(highs.getModelStatus(), plan, objective <= target, bound > cutoff)
    if outcome is Outcome.INFEASIBLE:
        return Solve(outcome)
    gap = (0.0 if relax else info.mip_gap) if plan else math.inf
    values = np.array(solution.col_value) if plan else None
    dual = dict(zip(program.rows, (np.array(solution.row_dual) / program.size).tolist(), strict=True)) if relax else {}
    return Solve(outcome, objective, bound, gap, values, dual)


def _outcome(status: highspy.HighsModelStatus, plan: bool, on_target: bool, beyond: bool) -> Outcome:
    """Return what a run ended in, by the state of HiGHS and by what we stopped it for."""
    states = highspy.HighsModelStatus
    if status == states.kInterrupt and (on_target or beyond):
        return Outcome.TARGET if on_target else Outcome.CUTOFF
    known = {
        states.kOptimal: Outcome.OPTIMAL if plan else Outcome.FAILED,
        states.kInfeasible: Outcome.INFEASIBLE,
        states.kUnboundedOrInfeasible: Outcome.INFEASIBLE,
        states.kTimeLimit: Outcome.LIMIT,
        states.kInterrupt: Outcome.LIMIT,
    }
    return known.get(status, Outcome.FAILED)


@dataclass(frozen=True, eq=False)
class Vertex:
    """What the linear relaxation says between some bounds; nothing of it is trusted.

    Attributes
    ----------
    is_infeasible : bool
        HiGHS says so; ``price`` is then a ray.
    values : array by column, or None
    price : array by row, or None
        Duals, from which :func:`siteopt.optimize.safe.lower_bound` makes a bound that holds.
    """

    is_infeasible: bool
    values: Floats | None = None
    price: Floats | None = None


class Relaxation:
    """The linear relaxation of a program, solved again and again between other bounds."""

    def __init__(self, program: Program, cutoff: float = math.inf, tolerance: float = SOLVER_TOLERANCE) -> None:
        self._program, self._cutoff = program, cutoff - program.constant
        self._highs = _highs(program, relax=True, tolerance=tolerance)
        self._columns = np.arange(len(program.columns), dtype=np.int32)

    def solve(self, lower: Floats, upper: Floats, *, whole_way: bool = False) -> Vertex | None:
        """Return the optimal vertex, or a ray; None where HiGHS has neither.

        Beyond the cutoff only duals are returned, unless it is asked to go the whole way.
        """
        highs, states = self._highs, highspy.HighsModelStatus
        highs.setOptionValue("objective_bound", math.inf if whole_way else self._cutoff)
        highs.changeColsBounds(len(self._columns), self._columns, lower, upper)
        highs.run()
        status = highs.getModelStatus()
        if status == states.kInfeasible:
            _, is_there, ray = highs.getDualRay()  # type: ignore[attr-defined]
            return Vertex(True, price=np.array(ray) / self._program.size if is_there else None)
        solution = highs.getSolution()
        if not solution.dual_valid:
            return None
        price = np.array(solution.row_dual) / self._program.size
        if status == states.kOptimal:
            return Vertex(False, np.array(solution.col_value), price)
        return Vertex(False, price=price) if status == states.kObjectiveBound else None


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
            return Solve(Outcome.LIMIT)
        if not os.path.exists(answer):
            raise SolverError("CBC ended without an answer")
        status, values, *_, found = solver.readsol_MPS(answer, problem, variables, columns, rows)
    if status == pulp.LpStatusInfeasible:
        return Solve(Outcome.INFEASIBLE)
    if found not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        return Solve(Outcome.LIMIT)
    problem.assignVarsVals(values)
    objective = float(pulp.value(problem.objective) or 0.0)
    plan = np.array([variable.varValue or 0.0 for variable in problem.variables()])
    if found == pulp.LpSolutionOptimal:
        return Solve(Outcome.OPTIMAL, objective, objective, 0.0, plan)
    return Solve(Outcome.LIMIT, objective, values=plan)


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
    return solve(program_of(problem, {}), TRIAL_SECONDS)


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
