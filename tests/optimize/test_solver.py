"""How runs of HiGHS end, and with which options."""

from __future__ import annotations

import numpy as np
import pytest

from siteopt.optimize import solver
from siteopt.optimize.program import Program
from siteopt.optimize.solver import Outcome, solve
from tests.optimize.test_safe import COVER, program


def test_a_program_without_a_point_is_infeasible_also_with_a_cutoff() -> None:
    # two equations that fractions meet and whole numbers do not; HiGHS then says that its bound is infinite
    rows = [
        ([19.0, 18.0, 1.0, -9.0, -1.0, 15.0], 55.0, 55.0),
        ([-7.0, -5.0, 22.0, -8.0, -7.0, -1.0], 2.0, 2.0),
    ]
    some = program([13.0, 8.0, 4.0, 4.0, 9.0, 11.0], rows, [6.0, 6.0, 8.0, 2.0, 5.0, 6.0])
    assert solve(some).outcome is Outcome.INFEASIBLE
    assert solve(some, target=1e4, cutoff=1e4).outcome is Outcome.INFEASIBLE


def test_a_target_and_a_cutoff_end_a_run() -> None:
    assert solve(COVER, target=5 + 20).outcome in (Outcome.TARGET, Outcome.OPTIMAL)
    beyond = solve(COVER, cutoff=5 + 3.0)
    assert beyond.outcome in (Outcome.CUTOFF, Outcome.OPTIMAL)
    assert beyond.bound > 5 + 3.0


def test_no_milp_of_a_heuristic_is_presolved(monkeypatch: pytest.MonkeyPatch) -> None:
    # presolve of such a MILP may never end, whatever the time limit
    made = []
    original = solver._highs

    def kept(some: Program, **options: object) -> object:
        made.append(original(some, **options))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(solver, "_highs", kept)
    assert np.isfinite(solve(COVER).objective)
    options = {name: made[0].getOptionValue(name)[1] for name in ("presolve", "mip_root_presolve_only")}
    assert options == {"presolve": "off", "mip_root_presolve_only": True}


def test_the_second_setting_shares_no_narrowing_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "tightened", lambda _: None)  # a narrowing that loses every point
    assert solve(COVER).outcome is Outcome.INFEASIBLE
    second = solve(COVER, seed=solver.SEED + 1)
    assert (second.outcome, second.objective) == (Outcome.OPTIMAL, pytest.approx(5 + 4))
