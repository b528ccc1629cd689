"""What siteopt does with a fourth kind of equipment; run by ``tests/test_equipment.py`` in a process of its own."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from siteopt.instance import Instance
from siteopt.optimize.certificate import certify
from siteopt.optimize.clock import Clock
from siteopt.optimize.fixed_days import FixedDays
from siteopt.optimize.monolithic import monolithic
from siteopt.optimize.price_bound import price_bound
from siteopt.optimize.pricing import priced
from siteopt.optimize.search import search
from siteopt.optimize.single import cost_prices, solve_site
from siteopt.output.translations import Translations
from siteopt.record.base import RunOutcome
from siteopt.simulate.dispatch import unmet
from siteopt.simulate.orders import Orders
from siteopt.simulate.replayed import replayed
from tests.instances import OFFER, battery, chiller, generator, tiny
from tests.optimize.test_pricing import DAY, prices
from tests.worlds import OFFER as ON_DISK
from tests.worlds import OFFERS, SITES, changed, write_world


def transformer(**more: Any) -> dict[str, Any]:
    """Ten transformers of 2 MW, on site from day 0, at a million each."""
    return {**OFFER, "kind": "transformer", "rating_mw": 2.0, **more}


def needed(instance: Instance) -> list[int]:
    """The transformers that cover the peak demand of each milestone of the best plan, which both methods find."""
    found, other = search(instance), monolithic(instance)
    assert found.outcome is other.outcome is RunOutcome.PROVEN
    assert found.best is not None
    assert other.best is not None
    assert found.best.best is not None
    assert other.best.best is not None
    assert found.best.best.key == other.best.best.key
    plan = found.best.best.plan
    assert certify(found.best.best.instance, plan).valid
    return plan.units[instance.of_kind("transformer")].sum(axis=0).tolist()


# by hand


def test_the_demand_is_stepped_down() -> None:
    # 10 MW of load: five transformers of 2 MW at a million each, beside the site of a million
    instance = tiny([transformer()])
    assert needed(instance) == [5]
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    assert best.best.cost_musd == pytest.approx(1 + 5)
    assert best.best.plan.cost_parts_musd(instance)["transformers"] == pytest.approx(5)


def test_the_draw_of_the_chillers_is_stepped_down_too() -> None:
    # 10 MW of load and 10 of heat at a COP of 4: 12.5 MW, so seven transformers
    assert needed(tiny([transformer(), chiller(cop=4.0, available_units=20)], heat_fraction=1.0)) == [7]


def test_late_transformers_limit_the_day() -> None:
    instance = tiny([transformer(arrival_day=20, install_days=3), generator()], commissioning_days=2)
    best = search(instance).best
    assert best is not None
    assert best.best is not None
    assert list(best.best.plan.day) == [25]
    assert tuple(map(Translations().reason, best.limited_by)) == ("step down",)


def test_too_few_transformers() -> None:
    (site,) = search(tiny([transformer(available_units=4)])).results
    assert site.reason is not None
    assert Translations().reason(site.reason) == "step down for m0: 8.0 MW by day 60, 10.0 needed, 2.0 short"
    (site,) = search(tiny([generator(), battery()])).results
    assert site.reason is not None
    assert Translations().reason(site.reason) == "step down for m0: 0.0 MW by day 60, 10.0 needed, 10.0 short"


def test_the_certificate_counts_transformers() -> None:
    best = search(tiny([transformer()])).best
    assert best is not None
    assert best.best is not None
    plan = best.best.plan
    (violation,) = certify(best.best.instance, replace(plan, units=plan.units - 1)).violations
    assert (violation.family, violation.left, violation.right) == ("step down", pytest.approx(10), pytest.approx(8))


def test_the_replay_counts_transformers() -> None:
    instance, nothing = tiny([transformer(arrival_day=15)]), np.zeros(0, dtype=bool)
    four, five = np.array([4]), np.array([5])
    assert [Translations().reason(one.reason) for one in unmet(instance, 0, four, nothing, four)] == [
        "step down: 2.0 MW short"
    ]
    assert unmet(instance, 0, five, nothing, five) == []
    orders = Orders(units=five[:, None], step=np.zeros((0, 1), dtype=bool), day=np.array([15]))
    found = replayed(instance, orders)
    assert found.calendar.day.tolist() == [15]
    assert found.calendar.days.equipment_mw["transformer"].tolist() == [0.0] * 15 + [10.0]
    assert found.calendar.cost_parts_musd["transformers"] == pytest.approx(5)


def test_prices_by_hand() -> None:
    # 10 MW at a price; each of ten transformers gives 2 MW and costs a million
    instance = tiny([transformer()])
    for price, bound in ((0.5, 1 + 5.0), (0.4, 1 + 4.0), (0.6, 1 + 6.0 - 10 * 0.2)):
        some = prices(step_down=price)
        assert priced(instance, DAY, some) == pytest.approx([bound])
        assert price_bound(instance, DAY, some) == pytest.approx([bound], abs=1e-6)
        assert price_bound(instance, DAY, some) < bound
    best = solve_site(instance, Clock()).best
    assert best is not None
    found = cost_prices(best)
    assert found is not None
    assert found.needs["step down"] == pytest.approx([0.5])


@given(st.data())
def test_prices_never_exceed_the_least_cost(data: st.DataObject) -> None:
    several = st.integers(0, 8)
    offers = [
        transformer(available_units=data.draw(several), unit_cost_musd=data.draw(st.sampled_from([0.5, 1.0, 1.7]))),
        transformer(available_units=data.draw(several), rating_mw=3.0, arrival_day=data.draw(st.integers(0, 20))),
        generator(available_units=data.draw(several)),
        battery(available_units=data.draw(several)),
    ]
    instance = tiny(
        offers, [{"grid_mw": data.draw(st.sampled_from([2.0, 8.0, 12.0]))}], load_step_amplitude=0.2, spare_units=1
    )
    price = st.sampled_from([0.0, 0.2, 0.5, 1.0])
    some = prices(step_down=data.draw(price), peak_power=data.draw(price), mean_power_spare=data.draw(price))
    found = FixedDays(instance, DAY[0], Clock()).cheapest()
    if found.plan is not None:
        assert priced(instance, DAY, some)[0] <= found.value + 1e-9
        assert price_bound(instance, DAY, some)[0] <= found.value
    if search(instance).outcome is RunOutcome.PROVEN:
        needed(instance)


# the whole way


TRANSFORMERS = ON_DISK | {
    "offer_id": "transformer",
    "kind": "transformer",
    "unit_mw": 3,
    "count": 20,
    "trade": "electrical",
    "crew_days": 2,
    "footprint_m2": 60,
    "rent_usd_per_month": 9_000,
    "lead_days": 40,
}


def command(*arguments: object, code: int = 0) -> str:
    """What a command says; it has to end with this exit code."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"), offers=(*OFFERS, TRANSFORMERS))


@pytest.fixture(scope="module")
def run(world: Path) -> Path:
    folder = world.parent / "run"
    told = command("solve", world, "--out", folder)
    assert "proven" in told
    assert "limited by step down" in told
    assert "Transformers" in told
    return folder


def rows(path: Path) -> Sequence[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_plan_is_written_with_transformers(run: Path) -> None:
    plan = json.loads((run / "plan.json").read_text(encoding="utf-8"))["plan"]
    (milestone,) = plan["milestones"]
    (stepped_down,) = [one for one in milestone["requirements"] if one["requirement"] == "step down"]
    units = [order for order in plan["orders"] if order["kind"] == "transformer"]
    there = sum(order["unit_mw"] * order["units"]["first run"] for order in units)
    assert there == milestone["equipment_mw"]["transformer"] == stepped_down["supplied"]
    assert stepped_down["needed"] == milestone["demand_mw"]
    assert there - 3 < milestone["demand_mw"] <= there
    assert milestone["limited_by"]["values"]["limit"] == "step down"
    assert plan["cost"]["parts_usd"]["transformers"] == sum(order["cost_usd"] for order in units)
    assert [row["kind"] for row in rows(run / "orders.csv")].count("transformer") == len(units)
    assert "transformer (Model)" in {row["what"] for row in rows(run / "schedule.csv")}


def test_layers_and_styles_show_transformers(run: Path) -> None:
    hauls = gpd.read_file(run / "plan.geojson")
    assert "transformer" in set(hauls["kind"])
    depots = gpd.read_file(run / "siteopt.gpkg", layer="depots")
    assert (depots["transformer_mw"] > 0).any()
    milestones = gpd.read_file(run / "siteopt.gpkg", layer="milestones")
    assert (milestones["transformers_mw"] > 0).all()
    assert "transformer" in (run / "plan.qml").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_draws_transformers(run: Path, language: str) -> None:
    page = run.parent / f"{language}.html"
    command("report", run, "--out", page, "--lang", language)
    text = page.read_text(encoding="utf-8")
    assert "#F0E442" in text
    assert "transformers" in text.lower()
    assert "step down" in text.lower()


def test_verify_prove_and_explain_know_transformers(run: Path, world: Path) -> None:
    assert "as planned" in command("verify", run, "--scenario", world)
    assert "proven" in command("prove", run, "--scenario", world)
    winner = json.loads((run / "plan.json").read_text(encoding="utf-8"))["plan"]["site_id"]
    other = next(str(site["site_id"]) for site in SITES if site["site_id"] not in (winner, "gamma"))
    assert "Transformers" in command("explain", world, other)
    fewer = write_world(world.parent / "fewer", offers=(*OFFERS, {**TRANSFORMERS, "count": 4}))
    assert "step down" in command("explain", fewer, winner)
    lacking = write_world(world.parent / "none")
    assert "step down" in command("solve", lacking, code=3)


def test_the_front_and_the_package_know_transformers(world: Path, run: Path) -> None:
    assert "proven" in command("pareto", world, "--milestone", "first run", "--out", world.parent / "front")
    result = siteopt.solve(siteopt.read_scenario(world))
    assert "transformer" in set(result.orders["kind"])
    assert result.milestones["transformer_mw"].tolist() == [12.0]


def test_a_blank_that_a_transformer_needs_is_told(world: Path) -> None:
    blank = write_world(
        world.parent / "blank", offers=changed((*OFFERS, TRANSFORMERS), "offer_id", "transformer", vendor="")
    )
    assert "for a transformer" in command("check", blank, code=2)
