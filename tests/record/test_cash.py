"""The calendar of payments: by hand, day by day for random plans, and what a stored one may not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import siteopt
from siteopt.equipment import KINDS
from siteopt.instance import Instance
from siteopt.plan import Plan
from siteopt.record.build import cost_of
from siteopt.record.build_cash import Payment, Terms, cash_of, payments
from siteopt.record.cash import Cash
from siteopt.record.run import PlanRecord
from siteopt.scenario import Scenario
from tests.examples import many
from tests.instances import chiller, generator, tiny
from tests.optimize.random_instances import instances
from tests.report import pages
from tests.worlds import write_world

MUSD = 1_000_000


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path = write_world(tmp_path_factory.mktemp("world"))
    return siteopt.read_scenario(path, ["project.start_date=2024-11-15"])


def plan_of(instance: Instance, day: Sequence[int], units: Any = None, step: Any = None, **flows: Any) -> Plan:
    """A plan with these units and steps in each phase, and no flows but those given."""
    phases = len(instance.phases(np.array(day)))
    none = np.zeros((instance.offers, phases))

    def by_phase(values: Any, rows: int, kind: type) -> np.ndarray:
        return np.zeros((rows, phases), kind) if values is None else np.array(values, kind).reshape(rows, phases)

    return Plan(
        np.array(day),
        by_phase(units, instance.offers, int),
        by_phase(step, len(instance.step_site), bool),
        flows.get("output_mw", none),
        np.array(flows.get("import_mw", np.zeros(phases))),
        none,
        np.zeros(phases),
        np.zeros(phases),
    )


def terms(instance: Instance, rent_musd: Any = 0.0, lead_days: Any = 0, term_days: float = 365.25) -> Terms:
    shape = (instance.offers,)
    return Terms(np.broadcast_to(rent_musd, shape).astype(float), np.broadcast_to(lead_days, shape), term_days)


def calendar(scenario: Scenario, instance: Instance, plan: Plan, found: Terms) -> Cash:
    return cash_of(scenario, instance, plan, found, cost_of(instance, plan).parts_usd)


def by_month(cash: Cash, part: str) -> tuple[dict[str, int], dict[str, int]]:
    """What is committed and what is paid for a part in the months in which anything is."""
    months = {f"{one.month:%Y-%m}": (one.committed_usd, one.paid_usd) for one in cash.months}
    committed, paid = ({month: told[at][part] for month, told in months.items() if part in told[at]} for at in (0, 1))
    return committed, paid


# by hand: day 0 is 15 November 2024


def test_a_purchase_is_committed_when_it_is_ordered_and_paid_on_arrival(scenario: Scenario) -> None:
    """Three units of two million arrive on 25 December, after 5 days on the road and 20 of lead: 30 November."""
    instance = tiny([generator(unit_cost_musd=2.0, arrival_day=40, transit_days=5)])
    cash = calendar(scenario, instance, plan_of(instance, [60], [[3]]), terms(instance, lead_days=20))
    assert by_month(cash, "generators") == ({"2024-11": 6 * MUSD}, {"2024-12": 6 * MUSD})
    assert (cash.peak.day, cash.peak.date) == (15, date(2024, 11, 30))
    assert (cash.peak.committed_usd, cash.peak.paid_usd) == (7 * MUSD, 1 * MUSD)  # the site is paid on day 0


def test_a_rent_is_paid_by_the_day_across_the_end_of_the_year(scenario: Scenario) -> None:
    """Two units from 16 December on, for 91.3125 days: 0.05 million each on arrival, 0.3 million each as rent."""
    instance = tiny([chiller(unit_cost_musd=0.35, arrival_day=31, transit_days=1)])
    found = terms(instance, rent_musd=0.3, lead_days=2, term_days=3 * 365.25 / 12)
    cash = calendar(scenario, instance, plan_of(instance, [60], [[2]]), found)
    committed, paid = by_month(cash, "chillers")
    assert committed == {"2024-12": 700_000}  # ordered on 13 December
    days = {"2024-12": 16, "2025-01": 31, "2025-02": 28, "2025-03": 16.3125}
    expected = {month: 600_000 * share / 91.3125 for month, share in days.items()}
    expected["2024-12"] += 100_000
    assert paid == pytest.approx(expected, abs=1)
    assert sum(paid.values()) == 700_000


def test_a_grid_step_is_committed_at_once_and_paid_when_it_is_ready(scenario: Scenario) -> None:
    steps = [
        {"ready_day": 60, "rise_mw": 5.0, "cost_musd": 2.0},
        {"ready_day": 90, "rise_mw": 5.0, "cost_musd": 4.0},
    ]
    instance = tiny(steps=steps)
    cash = calendar(scenario, instance, plan_of(instance, [61], step=[[True], [False]]), terms(instance))
    assert by_month(cash, "grid_steps") == ({"2024-11": 2 * MUSD}, {"2025-01": 2 * MUSD})  # and the unused one not


def test_the_site_is_committed_and_paid_on_its_handover(scenario: Scenario) -> None:
    instance = tiny(sites=[{"handover_day": 17, "site_cost_musd": 3.0}])
    cash = calendar(scenario, instance, plan_of(instance, [30]), terms(instance))
    assert by_month(cash, "site") == ({"2024-12": 3 * MUSD}, {"2024-12": 3 * MUSD})


def test_works_are_committed_at_the_handover_and_paid_until_the_last_milestone(scenario: Scenario) -> None:
    """Days 17 to 76 are the 60 days from 2 December to 30 January: as many in one month as in the other."""
    instance = tiny(sites=[{"handover_day": 17, "works_musd": (1.0, 2.0, 0.0, 3.0)}])
    cash = calendar(scenario, instance, plan_of(instance, [77]), terms(instance))
    assert by_month(cash, "halls") == ({"2024-12": MUSD}, {"2024-12": MUSD // 2, "2025-01": MUSD // 2})
    assert by_month(cash, "site_works")[1] == {"2024-12": 3 * MUSD // 2, "2025-01": 3 * MUSD // 2}
    assert by_month(cash, "liquid_loop") == ({}, {})


def test_gpus_are_committed_at_once_and_paid_as_they_are_delivered(scenario: Scenario) -> None:
    """Of 1,500 GPUs that are delivered, 1,000 are needed: 600 on 25 November, and 400 of those of 4 January."""
    instance = tiny(gpu_cost_musd=10.0)
    pace = replace(instance.pace, delivery_day=np.array([10, 50, 70]), delivered_gpus=np.array([600, 1500, 1800]))
    cash = calendar(scenario, replace(instance, pace=pace), plan_of(instance, [60]), terms(instance))
    assert by_month(cash, "gpus") == ({"2024-11": 10 * MUSD}, {"2024-11": 6 * MUSD, "2025-01": 4 * MUSD})
    assert cash.milestones[0].committed_usd == cash.milestones[0].paid_usd == 11 * MUSD


def test_energy_is_paid_over_the_operating_days_of_each_milestone(scenario: Scenario) -> None:
    """10 MW for 30 days from 5 December on, and 20 MW for 10 days from 25 December on, at 100 USD a MWh."""
    instance = tiny(
        sites=[{"grid_usd_per_mwh": 100.0, "compute_ready_day": [10, 30]}],
        it_mw=[10.0, 20.0],
        operating_days=np.array([30, 10]),
    )
    cash = calendar(scenario, instance, plan_of(instance, [20, 40], import_mw=[10.0, 20.0]), terms(instance))
    committed, paid = by_month(cash, "grid_energy")
    assert paid == committed == {"2024-12": 27 * 24_000 + 7 * 48_000, "2025-01": 3 * 24_000 + 3 * 48_000}


def test_each_milestone_says_what_is_committed_and_paid_by_the_end_of_its_day(scenario: Scenario) -> None:
    instance = tiny(
        [generator(unit_cost_musd=2.0, arrival_day=40)],
        sites=[{"compute_ready_day": [10, 30]}],
        it_mw=[10.0, 20.0],
    )
    units = [[1, 1]]
    for day, paid in ((39, 1), (40, 3)):
        cash = calendar(scenario, instance, plan_of(instance, [38, day], units), terms(instance, lead_days=40))
        told = [(one.milestone, one.committed_usd, one.paid_usd) for one in cash.milestones]
        assert told == [("m0", 3 * MUSD, 1 * MUSD), ("m1", 3 * MUSD, paid * MUSD)]


def test_the_calendar_ends_no_earlier_than_the_last_milestone(scenario: Scenario) -> None:
    cash = calendar(scenario, tiny(), plan_of(tiny(), [60]), terms(tiny()))
    assert [f"{one.month:%Y-%m}" for one in cash.months] == ["2024-11", "2024-12", "2025-01"]


# random plans


@st.composite
def plans(draw: st.DrawFn) -> tuple[Instance, Plan, Terms]:
    """A random instance of one site, any plan of the right shape, feasible or not, and terms of its offers."""
    instance = draw(instances(sites=1))
    instance = replace(instance, gpu_cost_musd=draw(st.sampled_from([0.0, 7.0, 1 / 3])))
    day = sorted(draw(st.integers(0, 60)) for _ in range(instance.milestones))
    phases = len(instance.phases(np.array(day)))
    units = [sorted(draw(st.integers(0, 3)) for _ in range(phases)) for _ in range(instance.offers)]
    step = [sorted(draw(st.booleans()) for _ in range(phases)) for _ in instance.step_site]
    flow = st.sampled_from([0.0, 1.0, 2.7])
    plan = plan_of(
        instance,
        day,
        units,
        step,
        output_mw=np.array([[draw(flow) for _ in range(phases)] for _ in range(instance.offers)]),
        import_mw=[draw(flow) for _ in range(phases)],
    )
    share = np.array([draw(st.sampled_from([0.0, 0.9, 1.0])) for _ in range(instance.offers)])
    lead = np.array([draw(st.integers(0, 40)) for _ in range(instance.offers)])
    found = Terms(share * instance.unit_cost_musd[0], lead, draw(st.sampled_from([3.04, 30.4375, 365.25, 1826.25])))
    return instance, plan, found


def day_by_day(found: Sequence[Payment], until: int) -> tuple[list[Counter[str]], list[Counter[str]]]:
    """What is committed, and what is paid, on each day, in US dollars: no closed form, one day after the other."""
    committed: list[Counter[str]] = [Counter() for _ in range(until)]
    paid: list[Counter[str]] = [Counter() for _ in range(until)]
    for one in found:
        left, day = one.days, one.first_day
        while left > 0:
            paid[day][one.part] += MUSD * one.musd * min(1.0, left) / one.days
            left, day = left - 1, day + 1
        if one.days == 0:
            paid[day][one.part] += MUSD * one.musd
        if one.committed_day is not None:
            committed[one.committed_day][one.part] += MUSD * one.musd
        elif one.days:
            for day in range(one.first_day, one.first_day + int(one.days)):
                committed[day][one.part] += MUSD * one.musd / one.days
    return committed, paid


@given(plans())
@many(200)
def test_payments_of_any_plan_are_those_of_its_days_and_add_up_to_its_cost(
    scenario: Scenario, drawn: tuple[Instance, Plan, Terms]
) -> None:
    instance, plan, found = drawn
    cost = cost_of(instance, plan)
    cash = cash_of(scenario, instance, plan, found, cost.parts_usd)
    assert cash.parts_usd() == {part: usd for part, usd in cost.parts_usd.items() if usd}

    listed = list(payments(instance, plan, found))
    sums: Counter[str] = Counter()
    for one in listed:
        assert one.committed_day is None or 0 <= one.committed_day <= one.first_day
        sums[one.part] += one.musd
    expected = plan.cost_parts_musd(instance)
    assert {part: sums[part] for part in expected} == pytest.approx(expected, rel=1e-9, abs=1e-12)

    start = scenario.project.start_date
    first, last = cash.months[0].month, cash.months[-1].month
    after = (last + timedelta(days=31)).replace(day=1)
    committed, paid = day_by_day(listed, (after - start).days)
    assert first == start.replace(day=1)
    totals = cash.totals()
    so_far: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    unpaid = []
    for day in range((after - start).days):
        for total, new in zip(so_far, (committed[day], paid[day]), strict=True):
            total.update(new)
        now, tomorrow = start + timedelta(days=day), start + timedelta(days=day + 1)
        rounding = len(KINDS) + 5
        unpaid.append(so_far[0].total() - so_far[1].total())
        if tomorrow.day == 1:
            told = totals[12 * (now.year - first.year) + now.month - first.month]
            assert told.committed_usd == pytest.approx(so_far[0].total(), abs=rounding)
            assert told.paid_usd == pytest.approx(so_far[1].total(), abs=rounding)
        for m, milestone in enumerate(cash.milestones):
            if plan.day[m] == day:
                assert milestone.committed_usd == pytest.approx(so_far[0].total(), abs=rounding)
                assert milestone.paid_usd == pytest.approx(so_far[1].total(), abs=rounding)
    assert cash.peak.unpaid_usd == pytest.approx(max(unpaid), abs=rounding)
    assert unpaid[cash.peak.day] == pytest.approx(max(unpaid), abs=rounding)


# what a stored calendar may not say


def test_terms_of_a_run_are_those_of_its_offers() -> None:
    """The small world rents chillers and batteries for a year: 5 chillers arrive by 14 January."""
    plan = pages.small().plan
    assert plan.cash is not None
    order = next(one for one in plan.orders if one.kind == "chiller")
    paid = [one.paid_usd.get("chillers", 0) for one in plan.cash.months]
    monthly = 30_000 * order.all_units
    haulage = order.cost_usd - 12 * monthly
    share = {0: 31 - order.arrives_day, 1: 28, 11: 31}  # day 0 is 1 January 2025
    for month, days in share.items():
        on_arrival = haulage if month == 0 else 0
        assert paid[month] == pytest.approx(on_arrival + 12 * monthly * days / 365.25, abs=1), month
    assert plan.cash.budget_usd == 1e9


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """The plan of the small world, with another value of its calendar."""
    document: dict[str, Any] = pages.small().document["plan"]
    *way, last = path
    place = document["cash"]
    for key in way:
        place = place[key]
    place[last] = to
    return document


def with_other_cost() -> dict[str, Any]:
    document: dict[str, Any] = pages.small().document["plan"]
    document["cost"]["parts_usd"]["site"] += 1
    return document


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (lambda: changed("months", 1, "month", to="2025-02-02"), "one month after the other"),
        (lambda: changed("months", 1, "month", to="2025-03-01"), "one month after the other"),
        (lambda: changed("months", 3, "paid_usd", "batteries", to=1_000_000), "before it is committed"),
        (lambda: changed("months", 3, "paid_usd", "batteries", to=1), "committed paid in the end"),
        (lambda: changed("months", 0, "committed_usd", "site", to=6_000_000), "committed paid in the end"),
        (lambda: changed("milestones", 0, "paid_usd", to=308_000_000), "no more paid than committed"),
        (lambda: changed("milestones", 0, "committed_usd", to=308_000_000), "no more committed than in the end"),
        (lambda: changed("peak", "paid_usd", to=302_000_000), "a peak on the day"),
        (lambda: changed("milestones", 0, "milestone", to="second run"), "by each milestone of the plan"),
        (lambda: changed("milestones", to=[]), "by each milestone of the plan"),
        (lambda: changed("months", to=[]), "at least 1 item"),
        (with_other_cost, "add up to each part"),
    ],
)
def test_a_calendar_that_contradicts_itself_or_its_plan_is_refused(document: Any, said: str) -> None:
    PlanRecord.model_validate(pages.small().document["plan"])
    with pytest.raises(ValidationError, match=said):
        PlanRecord.model_validate(document())


def test_a_plan_of_an_earlier_version_has_no_calendar() -> None:
    document: dict[str, Any] = pages.small().document["plan"]
    del document["cash"]
    assert PlanRecord.model_validate(document).cash is None


def test_an_example_world_pays_in_whole_dollars(tmp_path: Path) -> None:
    """Sums of rounded months, part by part, are the cost to the dollar, in any currency of the texts."""
    scenario = siteopt.read_scenario(write_world(tmp_path), ["project.currency=KRW", "project.currency_per_usd=1380"])
    plan = siteopt.solve(scenario).record.plan
    assert plan is not None
    assert plan.cash is not None
    assert plan.cash.parts_usd() == {part: usd for part, usd in plan.cost.parts_usd.items() if usd}
