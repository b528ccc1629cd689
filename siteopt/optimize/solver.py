"""Run the solvers HiGHS and CBC; no other module calls a solver.

HiGHS gets arrays, and its outcome, bound and gap are read from HiGHS itself. An answer of a solver is not accepted
without a check: :mod:`siteopt.optimize.fixed_days` says which.
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

from siteopt.instance import Floats
from siteopt.issues import Failure
from siteopt.log import next_lp, note
from siteopt.message_catalogue import Code
from siteopt.optimize.program import Program, program_of
from siteopt.optimize.propagation import tightened
from siteopt.tolerances import GAP_MUSD, SOLVER_TOLERANCE

SEED = 0
"""Random seed of every run; a second setting uses the next number, and the program as it is, without narrowing."""

TRIAL_SECONDS, TRIAL_ANSWER = 60.0, -20.0
"""Time limit of a trial, and the least objective of its problem, at (4, 0); the relaxation has -21."""

OPTIONS = {"output_flag": False, "threads": 1, "presolve": "off", "mip_root_presolve_only": True}
"""Options of every run.

Without the last one, HiGHS presolves the MILPs of its own heuristics even where presolve is off; and there, the
strengthening of rows may go on for ever (seen in 1.16.0), whatever the time limit.
"""

POLL_SECONDS = 0.1
"""Seconds between two checks for the signal to stop the second solver."""


class Outcome(StrEnum):
    """How a solve ended."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    TARGET = "target reached"
    CUTOFF = "bound beyond the cutoff"
    LIMIT = "limit"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Solve:
    """Result of one run of a solver.

    Attributes
    ----------
    outcome : Outcome
    objective, bound : float
        In the units of the objective; nan if there is none.
    gap : float
        Relative gap from the solver; inf if there is no plan.
    values : array by column, or None
        The best feasible solution.
    dual : mapping of row names to floats
        Duals of a linear relaxation: the change of the objective for one more unit on the right side.
    """

    outcome: Outcome
    objective: float = math.nan
    bound: float = math.nan
    gap: float = math.inf
    values: Floats | None = None
    dual: Mapping[str, float] = field(default_factory=dict)

    @property
    def has_plan(self) -> bool:
        """Return whether there is a feasible solution."""
        return self.values is not None


class SolverError(Failure):
    """The solver ended in a state that siteopt cannot use."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.SOLVER, message)


_BANNER = threading.Lock()


@contextlib.contextmanager
def _silent_stdout() -> Iterator[None]:
    """Suppress the banner that highspy writes to standard output when it starts: the banner would break JSON.

    Only one thread at a time may do so, since all threads share standard output.
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
    """Return a HiGHS that holds a program, with rows divided by their size so that tolerances are shares of it."""
    with _silent_stdout():
        highs = highspy.Highs()  # type: ignore[no-untyped-call]
    for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance", "mip_feasibility_tolerance"):
        options[name] = tolerance
    for name, value in {**OPTIONS, **options}.items():
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
        Relative gap at which to stop.
    stop : threading.Event, optional
        Set it to end the run with the best answer so far.
    relax : bool
        Solve the linear relaxation, for its duals.
    target : float
        End with TARGET at the first solution whose objective is no more than this.
    cutoff : float
        End with CUTOFF when the bound is more than this.
    """
    begin, lp = time.monotonic(), _kept(program, relax=relax)
    limit = {} if math.isinf(seconds) else {"time_limit": max(0.0, seconds)}
    options = {"random_seed": seed, "mip_rel_gap": gap, "mip_abs_gap": GAP_MUSD, **limit}
    tight = program if relax or seed != SEED else tightened(program)
    highs = _highs(tight or program, relax=relax, tolerance=SOLVER_TOLERANCE, **options)

    raised: list[BaseException] = []

    def is_over(event: Any) -> None:
        try:
            found, bound = event.data_out.mip_primal_bound, event.data_out.mip_dual_bound
            over = (stop is not None and stop.is_set()) or found + program.constant <= target
            beyond = math.isfinite(bound) and bound + program.constant > cutoff  # infinite: HiGHS ends as infeasible
            event.interrupt(over or beyond)
        except BaseException as error:  # a signal: HiGHS would report an exception here as its own error
            raised.append(error)
            event.interrupt(True)

    if not relax:
        highs.cbMipInterrupt.subscribe(is_over)
    if tight is not None:
        highs.run()
    if raised:
        raise raised[0]
    result = Solve(Outcome.INFEASIBLE) if tight is None else _read(highs, tight, relax, target, cutoff)
    size = {"rows": len(program.rows), "columns": len(program.columns), "relaxed": relax, "lp": lp}
    spent = round(time.monotonic() - begin, 4)
    note("solver", logging.DEBUG, outcome=result.outcome, plan=result.has_plan, seconds=spent, **size)
    return result


def _kept(program: Program, *, relax: bool) -> str | None:
    """Write a program to an LP file if the user wants such files, and return the name of the file.

    Return None if no file is wanted, or if it cannot be written, which is noted as a warning.
    """
    try:
        path = next_lp()
        if path is None:
            return None
        highs = _highs(program, relax=relax, tolerance=SOLVER_TOLERANCE)
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
    """Return the result of a run of HiGHS."""
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
    """Return how a run ended, from the status of HiGHS and from our reason to stop it."""
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
    """Answer of the linear relaxation between some bounds of its variables; it is not trusted.

    Attributes
    ----------
    is_infeasible : bool
        Whether HiGHS says that there is no point; ``price`` is then a ray.
    values : array by column, or None
    price : array by row, or None
        Duals, from which :func:`siteopt.optimize.safe.lower_bound` computes a bound that holds.
    """

    is_infeasible: bool
    values: Floats | None = None
    price: Floats | None = None


class Relaxation:
    """The linear relaxation of a program, solved many times with different bounds of its variables."""

    def __init__(self, program: Program, cutoff: float = math.inf, tolerance: float = SOLVER_TOLERANCE) -> None:
        self._program, self._cutoff = program, cutoff - program.constant
        self._highs = _highs(program, relax=True, tolerance=tolerance)
        self._columns = np.arange(len(program.columns), dtype=np.int32)

    def solve(self, lower: Floats, upper: Floats, *, whole_way: bool = False) -> Vertex | None:
        """Return the optimal vertex, or a ray; None if HiGHS has neither.

        If the objective goes beyond the cutoff, only duals are returned, unless ``whole_way`` is set.
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
    """Solve a problem with CBC; its bound is known only if CBC finishes.

    Raises
    ------
    SolverError
        If there is no CBC for this machine, or it fails.
    """
    solver = pulp.COIN_CMD(path=pulp.PULP_CBC_CMD.pulp_cbc_path, msg=False)
    if not solver.available():
        raise SolverError("there is no CBC for this machine")
    # not through PuLP, which leaves the process and its files behind if interrupted
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
    """Run a command and return whether it ended before ``stop`` was set; otherwise kill it.

    Ctrl-C in a terminal goes to siteopt only.

    Raises
    ------
    SolverError
        If the command ends with a code other than 0.
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
    """Return the name of the second solver, for the certificate."""
    return f"CBC as bundled with PuLP {version('pulp')}"


def solver_version() -> str:
    """Return the name and the versions of the solver, for the certificate."""
    with _silent_stdout():
        number = highspy.Highs().version()  # type: ignore[no-untyped-call]
    return f"HiGHS {number} (highspy {version('highspy')}, PuLP {version('pulp')})"


def _first(problem: pulp.LpProblem) -> Solve:
    return solve(program_of(problem, {}), TRIAL_SECONDS)


def _second(problem: pulp.LpProblem) -> Solve:
    return second_opinion(problem, TRIAL_SECONDS)


SOLVERS: Mapping[str, Callable[[pulp.LpProblem], Solve]] = {"HiGHS": _first, "CBC": _second}
"""Every solver by name. The first one is required; the others check it."""


def trial(name: str) -> str:
    """Test a solver with a problem whose answer is known, and return the solver's name and version.

    Raises
    ------
    SolverError
        If the solver fails, or finds another answer.
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
