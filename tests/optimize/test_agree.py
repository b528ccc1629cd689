"""Optimizer and judge, worked out by hand, and against floors that are known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from siteopt.instance import Instance, Pool
from siteopt.optimize.agree import Agreement, Floors, Judge, Raised, agree
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.search import search
from siteopt.plan import Ranking, SitePlan
from siteopt.record.base import RunOutcome
from siteopt.record.reason import ReasonCode, because
from tests.cases import battery, generator, tiny
from tests.optimize import brute_force
from tests.optimize.random_cases import instances
from tests.optimize.test_exact import assert_same, key, thorough

TWO_SITES = [{"site_cost_musd": 1.0}, {"site_cost_musd": 3.0}]


def never() -> bool:
    return False


def agreed(
    pool: Pool,
    judge: Judge,
    most_rounds: int = 100,
    optimise: Callable[[Pool], Ranking] = search,
    is_over: Callable[[], bool] = never,
) -> Agreement:
    return agree(pool, optimise, judge, most_rounds, is_over)


def batteries(mw: float, milestones: int = 1) -> Floors:
    return Floors(np.full(milestones, mw), np.zeros(milestones))


def there(found: SitePlan) -> Floors:
    """What a plan has of batteries and inertia."""
    case, units = found.case, found.plan.units
    each = case.rating_mw[0][:, None] * units
    spinning = (case.inertia_s[:, None] * each)[case.of_kind("generator")]
    return Floors(each[case.of_kind("battery")].sum(axis=0), spinning.sum(axis=0))


def needs(case: Instance) -> Judge:
    """A judge that knows the floors of every site of an Instance beforehand, and asks for them."""

    def judge(found: SitePlan) -> Floors | None:
        s, has = case.site_id.index(found.case.site_id[0]), there(found)
        asked = Floors(case.battery_floor_mw[s], case.inertia_floor_mws[s])
        reached = (has.battery_mw >= asked.battery_mw - 1e-6) & (has.inertia_mws >= asked.inertia_mws - 1e-6)
        return None if reached.all() else asked

    return judge


def free(case: Instance) -> Instance:
    """The same without floors."""
    nothing = np.zeros((case.sites, case.milestones))
    return replace(case, battery_floor_mw=nothing, inertia_floor_mws=nothing)


def said(found: Agreement) -> list[tuple[str, float, bool]]:
    return [(judged.site_id, judged.cost_musd, judged.floors is None) for judged in found.rounds]


def test_a_plan_that_passes_ends_it() -> None:
    pool = tiny([battery()], TWO_SITES)
    found = agreed(pool, lambda _: None)
    assert said(found) == [("s0", pytest.approx(1), True)]
    assert found.passes
    assert found.pool is pool
    assert found.ranking.solves == search(pool).solves
    assert list(found.rounds[0].day) == [10]


def test_floors_are_raised_at_the_chosen_site_alone() -> None:
    # s0 needs three batteries and then costs 4 million; s1 at 3 million is chosen, needs two and costs 5; so s0 it is
    asked = {"s0": 3.0, "s1": 2.0}
    case = tiny([battery()], TWO_SITES, battery_floor_mw=np.array([[3.0], [2.0]]))
    found = agreed(free(case), needs(case))
    assert said(found) == [("s0", pytest.approx(1), False), ("s1", pytest.approx(3), False), ("s0", 4, True)]
    assert found.passes
    assert [float(judged.floors.battery_mw[0]) for judged in found.rounds if judged.floors] == list(asked.values())
    assert found.pool.exact(np.array([1, 0])).battery_floor_mw.tolist() == [[2.0], [3.0]]
    assert found.ranking.best is not None
    assert found.ranking.best.best is not None
    assert found.ranking.best.best.case.battery_floor_mw.tolist() == [[3.0]]


def test_a_site_that_is_never_chosen_is_never_judged() -> None:
    judged = []

    def judge(found: SitePlan) -> None:
        judged.append(found.case.site_id[0])

    agreed(tiny([battery()], TWO_SITES), judge)
    assert judged == ["s0"]


def test_nothing_can_serve() -> None:
    found = agreed(tiny([battery()], TWO_SITES), lambda _: batteries(np.inf))
    assert [judged.site_id for judged in found.rounds] == ["s0", "s1"]
    assert found.ranking.outcome is RunOutcome.NO_SITE
    assert not found.passes
    endless = because(ReasonCode.QUALITY_UNATTAINABLE, milestone="m0", limit="battery power")
    assert [result.reason for result in found.ranking.results] == [endless, endless]


@pytest.mark.parametrize("asked", [1.0, 0.001])
def test_each_round_has_another_plan_whatever_the_judge_asks_for(asked: float) -> None:
    # asked for no more than there is, the floor rises by 0.1 MW above it: one battery more each time, up to all ten
    found = agreed(tiny([battery()]), lambda _: batteries(asked))
    assert [judged.cost_musd for judged in found.rounds] == pytest.approx([1 + count for count in range(11)])
    assert found.ranking.outcome is RunOutcome.NO_SITE
    assert found.pool.exact(np.array([0])).battery_floor_mw == pytest.approx(10.1)


def test_large_floors_rise_by_a_share() -> None:
    # three batteries of 100 MW are there, and 300 MW asked for: 303
    case = tiny([battery(rating_mw=100.0)], battery_floor_mw=np.array([[300.0]]))
    found = agreed(case, lambda _: batteries(300.00001), most_rounds=2)
    assert said(found) == [("s0", pytest.approx(4), False), ("s0", pytest.approx(5), False)]
    assert found.pool.exact(np.array([0])).battery_floor_mw == pytest.approx(303.0)


def test_only_what_is_asked_for_rises() -> None:
    # 4 MW s are there at the second milestone; no batteries are asked for, and nothing at the first
    offers = [generator(inertia_s=2.0), battery()]
    case = tiny(offers, [{"grid_mw": 10.0}], it_mw=(10.0, 12.0))
    asked = Floors(np.zeros(2), np.array([0.0, 3.0]))
    found = agreed(case, lambda _: asked, most_rounds=2)
    raised = found.pool.exact(np.array([0]))
    assert raised.battery_floor_mw.tolist() == [[0.0, 0.0]]
    assert raised.inertia_floor_mws[0] == pytest.approx([0.0, 4.1])
    assert said(found) == [("s0", pytest.approx(3), False), ("s0", pytest.approx(4), False)]


def test_a_floor_never_falls() -> None:
    # first two batteries are asked for, then inertia of 3 MW s and nothing else: both stay
    def judge(found: SitePlan) -> Floors | None:
        has = there(found)
        if has.battery_mw[0] < 2:
            return batteries(2.0)
        return Floors(np.zeros(1), np.full(1, 3.0)) if has.inertia_mws[0] < 3 else None

    found = agreed(tiny([generator(), battery()]), judge)
    assert said(found) == [("s0", pytest.approx(1), False), ("s0", 3, False), ("s0", 6, True)]


def test_it_ends_when_no_round_or_no_time_is_left() -> None:
    pool = tiny([battery()])
    for found in (
        agreed(pool, lambda _: batteries(1.0), most_rounds=1),
        agreed(pool, lambda _: batteries(1.0), is_over=lambda: True),
        agreed(pool, lambda _: batteries(1.0), optimise=lambda it: replace(search(it), outcome=RunOutcome.LIMIT)),
    ):
        assert len(found.rounds) == 1
        assert found.rounds[0].floors is not None
        assert not found.passes
        assert found.pool is pool
        assert found.ranking.best is not None


def test_a_limit_without_a_plan() -> None:
    def optimise(pool: Pool) -> Ranking:
        none = {"outcome": RunOutcome.LIMIT, "results": ()}
        return replace(search(pool), **(none if isinstance(pool, Raised) else {}))

    found = agreed(tiny([battery()]), lambda _: batteries(1.0), optimise=optimise)
    assert len(found.rounds) == 1
    assert found.ranking.outcome is RunOutcome.LIMIT
    assert not found.passes


def test_a_judge_must_ask_for_something() -> None:
    with pytest.raises(ValueError, match="the plan at s0 does not pass, and the check requires nothing"):
        agreed(tiny([battery()]), lambda _: batteries(0.0))


def test_a_raised_pool_is_its_pool_but_for_its_floors() -> None:
    case = tiny([battery()], [{}, {}, {}], battery_floor_mw=np.array([[1.0], [2.0], [3.0]]))
    raised = Raised(case, {1: Floors(np.array([1.5]), np.array([7.0])), 2: batteries(4.0)})
    assert raised.site_id == case.site_id
    for part in (raised.exact(np.array([2, 0, 1])), raised.optimistic(np.array([2, 0, 1]))):
        assert part.site_id == ("s2", "s0", "s1")
        assert part.battery_floor_mw.tolist() == [[4.0], [1.0], [2.0]]
        assert part.inertia_floor_mws.tolist() == [[0.0], [0.0], [7.0]]
    assert raised.exact(np.array([0])).battery_floor_mw.tolist() == [[1.0]]
    assert raised.exact(np.zeros(0, dtype=np.int64)).sites == 0
    assert case.battery_floor_mw.tolist() == [[1.0], [2.0], [3.0]]


@thorough
@given(instances())
def test_the_answer_is_that_of_floors_known_beforehand(case: Instance) -> None:
    found = agreed(free(case), needs(case))
    assert_same(key(found.ranking), brute_force.best(case))
    assert found.passes == (found.ranking.best is not None)
    assert len(found.rounds) <= 2 * case.sites
    sites = [judged.site_id for judged in found.rounds]
    assert_same(key(found.ranking), key(agreed(free(case), needs(case), optimise=monolithic).ranking))
    assert all(judged.floors is not None for judged in found.rounds[: -1 if found.passes else None])
    assert all(sites.count(site) <= 2 for site in sites)
