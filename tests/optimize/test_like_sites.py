"""More sites than ranks, alike but for a few days: the first rank is the same whether the others are ranked or not.

A bound of the key that is too high for one site hides it, and only where there are more sites than ranks.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from siteopt.instance import Instance
from siteopt.optimize.search import search
from siteopt.record.base import RunOutcome
from tests.instances import battery, chiller, generator, tiny
from tests.optimize.test_exact import key

ONCE_WRONG = [67, 295]
"""Drawn worlds that the search got wrong when it kept bounds of a key entry by entry."""


def like_sites(number: int) -> Instance:
    """Four to nine sites of one kind and two to four milestones; the sites differ in when things are there."""
    r = random.Random(number)
    count, milestones = r.randint(4, 9), r.choice([2, 3, 4])
    site = {
        "grid_mw": r.choice([0.0, 3.0, 6.0]),
        "grid_swing_mw": r.choice([0.0, 2.0, 5.0]),
        "gas_mw": r.choice([4.0, 9.0, np.inf]),
        "yard_m2": r.choice([4.0, 8.0, np.inf]),
        "water_m3_per_day": r.choice([50.0, 120.0, np.inf]),
        "grid_usd_per_mwh": r.choice([0.0, 40.0]),
    }
    sites = [site | {"compute_ready_day": sorted(r.choices(range(13), k=milestones))} for _ in range(count)]

    def common() -> dict[str, object]:
        first = r.randint(0, 30)
        return {
            "available_units": r.randint(0, 4),
            "trade": r.choice(["electrical", "mechanical"]),
            "crew_days": r.choice([0.0, 3.0, 7.0]),
            "footprint_m2": r.choice([0.0, 1.0, 2.0]),
            "arrival_day": [first + r.choice([0, 0, 1, 3]) for _ in range(count)],
            "install_days": r.randint(0, 4),
            "rating_mw": r.choice([2.0, 3.5, 6.0]),
            "unit_cost_musd": r.choice([0.5, 1.0, 4.0]),
        }

    def power() -> dict[str, object]:
        fuel = r.choice([0.0, 90.0])
        return generator(**common(), gas=r.random() < 0.5, step_fraction=r.choice([0.1, 0.5]), fuel_usd_per_mwh=fuel)

    def cold() -> dict[str, object]:
        return chiller(**common(), cop=r.choice([2.0, 4.0]), water_m3_per_mwh=r.choice([0.0, 1.0]))

    offers = [power(), power(), cold(), cold()]
    offers += [battery(**common(), energy_mwh=r.choice([0.5, 2.0])) for _ in range(2)]
    swing = r.choice([0.0, 0.4])
    return tiny(
        offers,
        sites,
        it_mw=[4.0, 5.0, 6.0, 7.0][:milestones],
        auxiliary_load_fraction=r.choice([0.0, 0.1]),
        load_step_amplitude=swing,
        load_factor=1 - swing / 2,
        heat_fraction=r.choice([0.0, 0.5, 1.0]),
        crews=np.array([r.choice([0.5, 1.0, 2.5, np.inf]) for _ in range(2)]),
        spare_units=r.randint(0, 1),
        ride_through_minutes=r.choice([0.0, 10.0, 20.0]),
        commissioning_days=r.randint(0, 2),
        operating_days=np.array([30, 60, 30, 60][:milestones]),
        budget_musd=1000.0,
        horizon_day=60,
    )


@pytest.mark.parametrize("number", ONCE_WRONG)
def test_the_first_rank_does_not_depend_on_their_number(number: int) -> None:
    instance = like_sites(number)
    alone, among = search(instance, top=1, workers=1), search(instance, top=instance.sites, workers=1)
    assert among.outcome is RunOutcome.PROVEN
    assert key(alone) == key(among)
    assert alone.results[0].site_id == among.results[0].site_id
