"""The most GPUs by a day: by hand, against brute force, and what may be called proven when time runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteopt.geodata.compute import Halls, compute_ready, queue_relaxed
from siteopt.instance import QUEUES, Instance
from siteopt.optimize import capacity
from siteopt.optimize.bounds import allowed, bounds
from siteopt.optimize.capacity import _Site, capacities
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock, OutOfTime
from siteopt.optimize.program import Program
from siteopt.optimize.solver import Solve
from siteopt.pace import Pace
from siteopt.plan import Capacities, CapacityPoint
from siteopt.record.base import RunOutcome
from siteopt.record.reason import Reason, ReasonCode, because
from tests.examples import many
from tests.instances import battery, generator, tiny
from tests.optimize import brute_force
from tests.optimize.random_instances import instances

thorough = many(25)

AT_ONCE = Pace(np.array([9]), np.array([20]), 1e6, 1e6, 1e6, 0)
"""Twenty GPUs on day 9, which are ready on day 10."""
TWO_LOTS = replace(AT_ONCE, delivery_day=np.array([9, 29]), delivered_gpus=np.array([5, 20]))
"""Five GPUs on day 9, and twenty in all on day 29."""


NOTHING = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Sized:
    """The question of a hand-made Instance with one milestone; each GPU draws as much as one of its milestone does."""

    instance_: Instance
    pace: Pace = AT_ONCE

    @property
    def site_id(self) -> Sequence[str]:
        return self.instance_.site_id

    def pool(self, gpus: Sequence[int]) -> Instance:
        one, count = self.instance_, len(gpus)
        share = np.array(gpus) / one.gpus[0]
        halls = Halls.standing(one.handover_day, 0, one.hall_gpus_per_day, one.hall_capacity_gpus)
        ready, queue = compute_ready(gpus, halls, self.pace)
        return replace(
            one,
            milestone=tuple(map(str, gpus)),
            gpus=np.array(gpus),
            it_mw=one.it_mw[0] * share,
            operating_days=np.repeat(one.operating_days, count),
            gpu_cost_musd=one.gpu_cost_musd * float(share[-1]),
            min_battery_mw=np.repeat(one.min_battery_mw, count, axis=1),
            min_inertia_mws=np.repeat(one.min_inertia_mws, count, axis=1),
            compute_ready_day=ready,
            compute_queue=queue,
            queue_relaxed_day=queue_relaxed(gpus, halls, self.pace, ready),
            option_site=NOTHING,
            option_shell=NOTHING,
            option_day=NOTHING,
            option_count=NOTHING,
            option_cost_musd=NOTHING,
            option_ready_day=np.zeros((0, count), dtype=np.int64),
            option_relaxed_day=np.zeros((0, count, len(QUEUES)), dtype=np.int64),
            order=(*range(count), -1),
        )

    def instance(self, site_id: str, gpus: Sequence[int]) -> Instance:
        return self.pool(gpus).take(np.array([self.site_id.index(site_id)]))


def one_mw_each(*offers: Any, sites: Sequence[Any] = ({},), pace: Pace = AT_ONCE, **more: Any) -> Sized:
    """A question in which each GPU draws a megawatt, at sites with a grid of 10 MW unless they say otherwise."""
    rows = [{"grid_mw": 10.0, **site} for site in sites]
    return Sized(tiny(offers, rows, it_mw=(1.0,), gpus=np.array([1]), **more), pace)


def found(question: Sized, day: int, *days: int, **more: Any) -> Capacities:
    most = int(question.pace.delivered_gpus[-1])
    return capacities(question, most, day, sorted({day, *days}), **more)


def sizes(points: Sequence[CapacityPoint]) -> list[tuple[int, int]]:
    assert all(point.proven for point in points)
    return [(point.day, point.gpus) for point in points]


# by hand


def test_grid_alone_trains_as_many_gpus_as_it_has_megawatts() -> None:
    (site,) = found(one_mw_each(), 20).sites
    assert sizes([site.asked]) == [(20, 10)]
    together = because(ReasonCode.LIMITS_TOGETHER, limits=("mean power", "peak power"))
    assert (site.rank, site.limited_by) == (1, together)


def test_before_the_gpus_there_are_none_and_a_step_brings_more() -> None:
    question = one_mw_each()
    steps = tiny(steps=[{"site": 0, "ready_day": 40, "rise_mw": 3.0}], sites=[{"grid_mw": 10.0}], it_mw=(1.0,))
    (site,) = found(replace(question, instance_=replace(steps, gpus=np.array([1]))), 20, 9, 10, 39, 40, 60).sites
    assert sizes(site.curve) == [(9, 0), (10, 10), (20, 10), (39, 10), (40, 13), (60, 13)]


def test_units_that_arrive_later_carry_more() -> None:
    question = one_mw_each(generator(arrival_day=30, available_units=4))
    (site,) = found(question, 29, 30).sites
    assert sizes(site.curve) == [(29, 10), (30, 14)]


def test_deliveries_limit_until_all_have_come() -> None:
    (site,) = found(one_mw_each(sites=[{"grid_mw": 50.0}], pace=TWO_LOTS), 20, 30).sites
    assert sizes(site.curve) == [(20, 5), (30, 20)]
    assert site.limited_by == because(ReasonCode.ANY_LIMIT, limits=("GPU deliveries",))


def test_all_gpus_that_are_delivered_are_the_most() -> None:
    (site,) = found(one_mw_each(sites=[{"grid_mw": 50.0}]), 20).sites
    assert sizes([site.asked]) == [(20, 20)]
    assert site.limited_by == because(ReasonCode.LIMIT, limit="GPU deliveries")


def limit_of(question: Sized, gpus: int) -> Reason | None:
    (site,) = found(question, 20).sites
    assert sizes([site.asked]) == [(20, gpus)]
    return site.limited_by


def only(limit: str) -> Reason:
    return because(ReasonCode.ANY_LIMIT, limits=(limit,))


def test_halls_limit() -> None:
    assert limit_of(one_mw_each(sites=[{"hall_capacity_gpus": 7.0}]), 7) == only("floor area")


def test_budget_limits() -> None:
    question = one_mw_each(generator(unit_cost_musd=2.0), budget_musd=1.0 + 2 * 3 + 1)
    assert limit_of(question, 13) == only("budget")


def test_the_price_of_the_gpus_is_within_the_budget() -> None:
    assert limit_of(one_mw_each(budget_musd=1.0 + 6.5, gpu_cost_musd=1.0), 6) == only("budget")


def test_swing_limits() -> None:
    question = one_mw_each(battery(available_units=2), sites=[{"grid_swing_mw": 1.0}], load_step_amplitude=0.5)
    assert limit_of(question, 6) == only("swing")


def test_yard_limits() -> None:
    question = one_mw_each(generator(footprint_m2=10.0), sites=[{"yard_m2": 45.0}])
    assert limit_of(question, 14) == only("yard")


def test_crews_limit() -> None:
    question = one_mw_each(generator(arrival_day=10, crew_days=5.0), crews=np.array([1.0, 1.0]))
    assert limit_of(question, 12) == only("crew")


def test_no_site_by_a_day_before_the_gpus() -> None:
    answer = found(one_mw_each(sites=[{}, {}]), 9)
    assert answer.outcome is RunOutcome.NO_SITE
    assert [(site.rank, site.asked.bound_gpus, site.curve) for site in answer.sites] == [(None, 0, ())] * 2


# several sites


def test_the_first_sites_are_ranked_and_the_others_bounded() -> None:
    answer = found(one_mw_each(sites=[{"grid_mw": float(mw)} for mw in (3, 8, 5, 8)]), 20, 60, top=2)
    assert answer.outcome is RunOutcome.PROVEN
    assert [(site.site_id, site.rank, site.asked.gpus) for site in answer.sites[:2]] == [("s1", 1, 8), ("s3", 2, 8)]
    assert [(site.site_id, site.rank, site.asked.bound_gpus) for site in answer.sites[2:]] == [
        ("s2", None, 5),
        ("s0", None, 3),
    ]
    assert all(site.curve == () and site.limited_by is None for site in answer.sites[2:])


def of_many(size: int = 20) -> Sized:
    """Sites whose bounds are all alike, since only the gas decides; the later ones have more."""
    gas = [{"grid_mw": 0.0, "gas_mw": 2.0 * number} for number in range(size)]
    return one_mw_each(generator(heat_rate_mj_per_kwh=7.2, available_units=20), sites=gas)


def test_sites_that_cannot_come_before_the_last_rank_are_closed_with_one_trial() -> None:
    question, clock = of_many(), Clock()
    backwards = replace(question, instance_=question.instance_.take(np.arange(20)[::-1]))
    backwards = replace(
        backwards, instance_=replace(backwards.instance_, site_id=tuple(f"s{number:02}" for number in range(20)))
    )
    answer = found(backwards, 20, top=1, clock=clock)
    assert answer.outcome is RunOutcome.PROVEN
    assert [(site.site_id, site.asked.gpus) for site in answer.sites[:1]] == [("s00", 19)]
    assert max(site.asked.bound_gpus for site in answer.sites[1:]) <= 19
    assert sum(clock.evidence.__dict__.values()) < 60


@pytest.mark.parametrize("fine", [1, 3, 100])
def test_coarse_bounds_change_nothing(monkeypatch: pytest.MonkeyPatch, fine: int) -> None:
    """With few numbers at once, the open sites are asked by arithmetic, too, after the first batch."""
    monkeypatch.setattr(capacity, "FINE", fine)
    monkeypatch.setattr(capacity, "COARSE", 1)
    answer = found(of_many(), 20, 60, top=3)
    assert answer.outcome is RunOutcome.PROVEN
    assert [(site.site_id, site.asked.gpus) for site in answer.sites[:3]] == [("s19", 19), ("s18", 18), ("s17", 17)]


def test_sites_that_are_worse_by_arithmetic_need_no_solver_even_with_coarse_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first bounds do not tell 12 MW from 11; the second do, once it is known that 12 GPUs can train."""
    monkeypatch.setattr(capacity, "FINE", 2)
    monkeypatch.setattr(capacity, "COARSE", 1)
    solved: list[str] = []
    monkeypatch.setattr(_Site, "narrowed", noting(solved, _Site.narrowed))
    answer = found(one_mw_each(sites=[{"grid_mw": 12.0}] + [{"grid_mw": 11.0}] * 30), 20, top=1)
    assert (answer.outcome, answer.sites[0].site_id, answer.sites[0].asked.gpus) == (RunOutcome.PROVEN, "s0", 12)
    assert len(set(solved)) == 8
    assert {site.asked.bound_gpus for site in answer.sites[1:]} <= {11, 12}


def noting(solved: list[str], narrowed: Any) -> Any:
    def noted(site: Any, *arguments: Any) -> Any:
        solved.append(site._site_id)
        return narrowed(site, *arguments)

    return noted


# against brute force


@st.composite
def questions(draw: st.DrawFn) -> Sized:
    """Random sites and offers, and GPUs that come in two lots; all of them together are the milestone."""
    one = draw(instances(milestones=1))
    most = draw(st.integers(1, 6))
    lots = np.array(sorted({draw(st.integers(1, most)), most}))
    pace = Pace(np.array([3, 20])[: len(lots)], lots, 1e9, draw(st.sampled_from([0.5, 2.0, 1e9])), 1e9, 1)
    rooms = [draw(st.sampled_from([2.0, np.inf])) for _ in range(one.sites)]
    return Sized(replace(one, gpus=np.array([most]), hall_capacity_gpus=np.array(rooms)), pace)


def first_day(question: Sized, s: int, gpus: int) -> int | None:
    """The first day of so many GPUs at a site by brute force; None if there is none."""
    first = next(brute_force.plans(question.instance(question.site_id[s], [gpus]), 0), None)
    return None if first is None else first[0][0]


def capacity_by(question: Sized, s: int, day: int) -> int:
    most = int(question.pace.delivered_gpus[-1])
    days = {gpus: first_day(question, s, gpus) for gpus in range(1, most + 1)}
    return max([gpus for gpus, first in days.items() if first is not None and first <= day], default=0)


@thorough
@given(questions(), st.integers(0, 45))
def test_capacity_is_brute_force(question: Sized, day: int) -> None:
    answer = found(question, day, 0, 15, 30, 45, top=2)
    assert answer.outcome in (RunOutcome.PROVEN, RunOutcome.NO_SITE)
    true = {site: capacity_by(question, s, day) for s, site in enumerate(question.site_id)}
    ranked = [site for site in answer.sites if site.rank is not None]
    assert [(site.site_id, site.asked.gpus) for site in ranked] == sorted(
        ((site, gpus) for site, gpus in true.items() if gpus), key=lambda pair: (-pair[1], pair[0])
    )[:2]
    assert all(site.asked.gpus <= true[site.site_id] <= site.asked.bound_gpus for site in answer.sites)
    for site in ranked:
        s = question.site_id.index(site.site_id)
        assert sizes(site.curve) == [(on, capacity_by(question, s, on)) for on in sorted({day, 0, 15, 30, 45})]


@thorough
@given(questions())
def test_fewer_gpus_never_hurt(question: Sized) -> None:
    for s in range(len(question.site_id)):
        days = [first_day(question, s, gpus) for gpus in range(1, int(question.pace.delivered_gpus[-1]) + 1)]
        able = [day for day in days if day is not None]
        assert days == [*sorted(able), *[None] * (len(days) - len(able))]
        every = question.instance(question.site_id[s], range(1, len(days) + 1))
        assert (bounds(every).day[0, : len(able)] <= able).all()


@thorough
@given(instances(), st.integers(0, 45))
def test_bounds_of_one_day_are_those_of_all_days(instance: Instance, day: int) -> None:
    assert (allowed(instance, day) == (bounds(instance).day <= day)).all()


@thorough
@given(questions(), st.integers(0, 45))
def test_capacity_never_falls_and_its_plans_hold(question: Sized, day: int) -> None:
    for site in found(question, day, *range(0, 46, 5)).sites:
        gpus = [point.gpus for point in site.curve]
        assert gpus == sorted(gpus)
        for point in site.curve:
            assert (point.plan is not None) == (point.gpus > 0)
            if point.instance is not None and point.plan is not None:
                assert point.instance.gpus.tolist() == [point.gpus]
                assert certify(point.instance, point.plan).valid
                assert point.plan.day[0] <= point.day


def facts(answer: Capacities) -> list[tuple[Any, ...]]:
    return [
        (site.site_id, site.rank, site.limited_by, *((p.day, p.gpus, p.bound_gpus) for p in (site.asked, *site.curve)))
        for site in answer.sites
    ]


@thorough
@given(questions(), st.integers(0, 45))
def test_workers_change_nothing(question: Sized, day: int) -> None:
    assert facts(found(question, day, 10, workers=1)) == facts(found(question, day, 10, workers=2))


# when the time runs out


@dataclass
class Tired(Clock):
    """A clock whose time is up after a number of MILPs."""

    most: int = 0

    @property
    def is_over(self) -> bool:
        return self.solves >= self.most

    def solve(self, program: Program, gap: float = 0.0, **more: Any) -> Solve:
        if self.solves >= self.most:
            raise OutOfTime
        return super().solve(program, gap, **more)


def test_without_time_there_is_a_bound_and_no_more() -> None:
    answer = found(one_mw_each(), 20, clock=Clock(0))
    (site,) = answer.sites
    assert answer.outcome is RunOutcome.LIMIT
    assert (site.rank, site.asked.gpus, site.asked.bound_gpus, site.curve) == (None, 0, 10, ())


@thorough
@given(questions(), st.integers(0, 45), st.integers(1, 8))
def test_what_is_called_proven_is_so_with_all_the_time(question: Sized, day: int, most: int) -> None:
    whole = {site.site_id: site.asked.gpus for site in found(question, day, 20, top=3).sites}
    cut = found(question, day, 20, top=3, clock=Tired(most=most), workers=1)
    for site in cut.sites:
        assert site.asked.gpus <= whole[site.site_id] <= site.asked.bound_gpus
    if cut.outcome is RunOutcome.PROVEN:
        ranked = [(site.site_id, site.asked.gpus) for site in cut.sites if site.rank is not None]
        assert ranked == sorted(((s, gpus) for s, gpus in whole.items() if gpus), key=lambda one: (-one[1], one[0]))
