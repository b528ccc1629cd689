"""The Instance of the shipped data, against numbers worked out by hand."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

import siteopt
from siteopt import Dataset, InputError
from siteopt.geodata.distances import WGS84
from siteopt.geodata.variants import Variants
from siteopt.instance import Instance
from siteopt.record.reason import Quantity, ReasonCode, because
from siteopt.schema import CANDIDATES
from tests.first_version import MODELS, ROOT
from tests.worlds import OFFERS, SITES, Row, changed, write_world

MODEL = MODELS / "colossus.toml"
MEMPHIS, HOUSTON = (-90.16, 35.06), (-95.37, 29.76)
ELECTROLUX = "us-memphis-electrolux"


def haversine_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    (lon1, lat1), (lon2, lat2) = (tuple(map(math.radians, place)) for place in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


def shipped(*overrides: str) -> Dataset:
    return siteopt.load(siteopt.read_scenario(MODEL, overrides))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return shipped()


def at(data: Dataset, site: str, offer: str) -> tuple[int, int]:
    return data.instance.site_id.index(site), data.instance.offer_id.index(offer)


def assumed(data: Dataset, site: str) -> tuple[str, ...]:
    return tuple(data.assumed.columns[data.assumed.loc[site]])


def small(folder: Path, *overrides: str, sites: Sequence[Row] = SITES, offers: Sequence[Row] = OFFERS) -> Dataset:
    return siteopt.load(siteopt.read_scenario(write_world(folder, sites, offers), overrides))


def assert_identical(one: Instance, other: Instance) -> None:
    np.testing.assert_equal(asdict(one), asdict(other))


def test_distance_is_that_of_a_sphere_within_the_flattening() -> None:
    metres = WGS84.inv(*MEMPHIS, *HOUSTON)[2]
    assert metres / 1000 == pytest.approx(haversine_km(MEMPHIS, HOUSTON), rel=0.006)
    assert 700 < metres / 1000 < 850


def test_transit_is_whole_days_of_trucking(data: Dataset) -> None:
    # about 767 km, by roads 958 km, at 800 km a day
    days = math.ceil(haversine_km(MEMPHIS, HOUSTON) * 1.25 / 800)
    assert days == 2
    s, o = at(data, ELECTROLUX, "ch_ac500_houston")
    assert data.instance.transit_days[s, o] == days


def test_arrival_waits_for_the_yard(data: Dataset) -> None:
    # lead 2 and 2 days on the road, but the keys come on day 5 and the yard takes 14 more
    assert data.instance.arrival_day[at(data, ELECTROLUX, "ch_ac500_houston")] == 5 + 14


def test_arrival_waits_for_the_lead(data: Dataset) -> None:
    assert data.instance.arrival_day[at(data, ELECTROLUX, "gt_smt130_houston")] == 30 + 2


def test_ready_counts_the_installation(data: Dataset) -> None:
    assert data.instance.ready_day[at(data, ELECTROLUX, "gt_smt130_houston")] == 30 + 2 + 10


def test_generators_and_nothing_else_wait_for_the_air_permit(tmp_path: Path) -> None:
    data = small(tmp_path, sites=changed(SITES, "site_id", "beta", air_permit_days=100))
    waiting = {offer for offer in data.instance.offer_id if data.instance.arrival_day[at(data, "beta", offer)] == 100}
    assert waiting == {"gen_rented", "gen_bought"}
    assert data.instance.arrival_day[0].max() < 100


def test_a_share_of_what_is_rented_may_be_had(data: Dataset) -> None:
    instance = data.instance
    for o, offer in enumerate(instance.offer_id):
        count = data.offers.at[offer, "count"]
        rented = pd.notna(data.offers.at[offer, "rent_usd_per_month"])
        assert instance.available_units[o] == (math.floor(count * 0.25) if rented else count), offer


def test_fleet_of_a_share_that_binary_numbers_miss(tmp_path: Path) -> None:
    # 0.29 x 100 is 28.999... in binary
    data = small(tmp_path, "supply.max_fleet_share=0.29", offers=changed(OFFERS, "offer_id", "chiller", count=100))
    assert data.instance.available_units[data.instance.offer_id.index("chiller")] == 29


def test_cost_of_a_rented_unit(data: Dataset) -> None:
    # 24 months of 726,000, as much again a month to mobilise, and four loads at 4 USD a road km
    usd = 24 * 726_000 + 726_000 + 4 * 4 * 1.25 * haversine_km(MEMPHIS, HOUSTON)
    assert data.instance.unit_cost_musd[at(data, ELECTROLUX, "gt_smt130_houston")] == pytest.approx(usd / 1e6, rel=1e-5)


def test_cost_of_a_bought_unit(data: Dataset) -> None:
    usd = 3_660_000 + 183_000 + 2 * 4 * 1.25 * haversine_km(MEMPHIS, HOUSTON)
    assert data.instance.unit_cost_musd[at(data, ELECTROLUX, "re_j620_qpac_houston")] == pytest.approx(
        usd / 1e6, rel=1e-4
    )


def test_blank_trailers_is_one_load(tmp_path: Path) -> None:
    one = small(tmp_path / "one", offers=changed(OFFERS, "offer_id", "gen_rented", trailers=1))
    blank = small(tmp_path / "blank", offers=changed(OFFERS, "offer_id", "gen_rented", trailers=""))
    assert_identical(one.instance, blank.instance)


def test_load_and_money_of_the_milestones(data: Dataset) -> None:
    np.testing.assert_allclose(data.instance.it_mw, [31.04, 97.0, 194.0])
    assert data.instance.gpu_cost_musd == pytest.approx(7000)


def test_rise_of_the_steps_of_memphis(data: Dataset) -> None:
    instance = data.instance
    mine = instance.step_site == instance.site_id.index(ELECTROLUX)
    assert list(instance.step_rise_mw[mine]) == [35, 100, 150]
    assert instance.step_ready_day[mine][0] == 90


def test_unknown_leaves_a_site_out_with_its_reason(data: Dataset) -> None:
    assert data.excluded["us-belvidere-stellantis"] == because(ReasonCode.UNKNOWN_FIGURES, columns=("grid_mw",))
    both = because(ReasonCode.UNKNOWN_FIGURES, columns=("grid_mw", "floor_area_m2"))
    assert data.excluded["us-ecorse-greatlakes"] == both
    assert "us-belvidere-stellantis" not in data.instance.site_id


def test_every_candidate_is_eligible_or_left_out(data: Dataset) -> None:
    assert set(data.instance.site_id) | set(data.excluded.index) == set(data.sites.index)
    assert not set(data.instance.site_id) & set(data.excluded.index)


def test_assumed_columns_are_listed(data: Dataset) -> None:
    assert assumed(data, ELECTROLUX) == ()
    assert assumed(data, "us-jay-androscoggin") == (
        "handover_days",
        "gas_mw",
        "air_permit_days",
        "grid_usd_per_mwh",
        "site_cost_usd",
    )


def test_assumed_value_is_the_scenarios(data: Dataset) -> None:
    instance = data.instance
    assert instance.gas_mw[instance.site_id.index("us-jay-androscoggin")] == 100


def test_unknown_grid_may_be_assumed() -> None:
    data = shipped("defaults.grid_mw=20")
    assert "us-belvidere-stellantis" in data.instance.site_id
    assert "grid_mw" in assumed(data, "us-belvidere-stellantis")


def test_nothing_is_unknown_where_all_is_assumed(tmp_path: Path) -> None:
    columns = {column.name for column in CANDIDATES if column.assumable} - {"condition", "grid_usd_per_mwh"}
    assume = [f"defaults.{name}=7" for name in columns] + ["defaults.condition=poor"]
    sites = [{**site, "nox_limit_t_per_year": 90} for site in changed(SITES, "site_id", "alpha", condition="")]
    data = small(tmp_path, *assume, sites=sites)
    assert data.excluded.empty
    assert {site: assumed(data, site) for site in data.instance.site_id} == {
        "alpha": ("condition",),
        "beta": (),
        "gamma": ("grid_mw",),
    }


def test_dates_between_which_a_site_can_be_taken(data: Dataset) -> None:
    assert data.excluded["us-cedarsprings-gp"] == because(ReasonCode.NOT_YET_AVAILABLE, found="2025-08-01")
    assert data.excluded["us-lordstown-gm"] == because(ReasonCode.NO_LONGER_AVAILABLE, found="2021-11-01")


@pytest.mark.parametrize(
    ("start", "eligible"), [("2024-05-31", 0), ("2024-06-01", 1), ("2024-06-30", 1), ("2024-07-01", 0)]
)
def test_both_ends_of_the_dates_count(tmp_path: Path, start: str, eligible: int) -> None:
    sites = changed(SITES, "site_id", "alpha", available_from="2024-06-01", available_until="2024-06-30")
    data = small(tmp_path, f"project.start_date={start}", sites=sites)
    assert ("alpha" in data.instance.site_id) == eligible


def test_carbon_adds_to_the_price_of_fuel(tmp_path: Path) -> None:
    # 9 MJ/kWh of gas at 4 USD and of diesel at 25 USD per GJ, with 56.1 and 74.1 kg of CO2 at 50 USD/t
    offers = (*OFFERS, {**OFFERS[0], "offer_id": "set", "fuel": "diesel"})
    known = [
        dict(zip(one.offer_id, one.fuel_usd_per_mwh.tolist(), strict=True))
        for one in (
            small(tmp_path / f"{price}", f"energy.carbon_usd_per_t={price}", offers=offers).instance
            for price in (0, 50)
        )
    ]
    assert (known[0]["gen_rented"], known[0]["set"]) == pytest.approx((9 * 4, 9 * 25))
    assert (known[1]["gen_rented"], known[1]["set"]) == pytest.approx((9 * (4 + 2.805), 9 * (25 + 3.705)))


def test_demand_belongs_to_the_price_of_energy(tmp_path: Path) -> None:
    # alpha gives both prices, beta only that of energy; what the scenario says of both is for a site without any
    sites = changed(SITES, "site_id", "alpha", demand_usd_per_mw_month=9_000)
    settings = ["energy.demand_usd_per_mw_month=7305", "energy.grid_usd_per_mwh=30"]
    instance = small(tmp_path / "both", *settings, sites=sites).instance
    assert instance.demand_usd_per_mw_month.tolist() == [9_000, 0]
    assert instance.import_usd_per_mwh.tolist() == pytest.approx([60 + 9_000 / 730.5, 60])
    data = small(tmp_path / "none", *settings, sites=changed(sites, "site_id", "beta", grid_usd_per_mwh=""))
    assert data.instance.demand_usd_per_mw_month.tolist() == [9_000, 7_305]
    assert data.instance.import_usd_per_mwh.tolist()[1] == 40
    # a lever on the price of energy leaves the demand as it is
    vary = Variants(data, "beta")
    (lever,) = (lever for lever in vary.levers if lever.column == "grid_usd_per_mwh")
    varied = vary([lever.moved(10)])
    assert (varied.grid_usd_per_mwh[0], varied.demand_usd_per_mw_month[0]) == pytest.approx((29, 7_305))


def test_a_generator_delivers_what_it_does_not_use_itself(tmp_path: Path) -> None:
    # a tenth of 2.5 MW; the fuel and the emissions of the whole output are those of what is left
    own, plain = (small(tmp_path / str(share), offers=_using(share)).instance for share in (0.1, ""))
    o = own.offer_id.index("gen_rented")
    assert own.rating_mw[0, o] == pytest.approx(0.9 * plain.rating_mw[0, o])
    assert plain.rating_mw[0, o] == 2.5
    for name, value in (("heat_rate_mj_per_kwh", 9), ("nox_g_per_kwh", 0.3), ("fuel_usd_per_mwh", 36)):
        assert (getattr(own, name)[o], getattr(plain, name)[o]) == pytest.approx((value / 0.9, value))
    others = [one for one in range(own.offers) if own.offer_id[one] != "gen_rented"]
    assert np.array_equal(own.rating_mw[:, others], plain.rating_mw[:, others])
    # the rule for the stack is about what is entered
    strict = small(tmp_path / "strict", "supply.max_nox_g_per_kwh=0.3", offers=_using(0.1)).instance
    assert "gen_rented" in strict.offer_id


def _using(share: object) -> Sequence[Row]:
    return changed(OFFERS, "offer_id", "gen_rented", own_use_share=share)


def test_filter_by_status(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "alpha", status="occupied")
    data = small(tmp_path, 'filter.status=["vacant", "idle"]', sites=sites)
    assert data.excluded["alpha"] == because(ReasonCode.NOT_ADMITTED, column="status", found="occupied")
    assert data.instance.site_id == ("beta",)


def test_filter_by_condition(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "alpha", condition="none")
    sites = changed(sites, "site_id", "beta", condition="")
    data = small(tmp_path, 'filter.condition=["ready", "sound"]', 'defaults.condition="sound"', sites=sites)
    assert data.excluded["alpha"] == because(ReasonCode.NOT_ADMITTED, column="condition", found="none")
    assert data.excluded["beta"] == because(ReasonCode.NOT_ADMITTED, column="condition", found="")


def test_filter_by_country(tmp_path: Path) -> None:
    data = small(tmp_path, 'filter.countries=["US"]', "defaults.grid_mw=9")
    assert data.excluded.to_dict() == {"gamma": because(ReasonCode.NOT_ADMITTED, column="country", found="KR")}


def test_filter_by_region(tmp_path: Path) -> None:
    left_out = because(ReasonCode.NOT_ADMITTED, column="region", found="TN")
    assert small(tmp_path, 'filter.regions=["TX"]').excluded["alpha"] == left_out


def area(path: Path, geometry: shapely.Geometry, crs: int = 4326) -> None:
    geopandas.GeoDataFrame(geometry=[geometry], crs=4326).to_crs(crs).to_file(path)


def test_filter_within_a_layer(tmp_path: Path) -> None:
    area(tmp_path / "texas.gpkg", shapely.box(-107, 26, -93, 36), crs=3857)
    data = small(tmp_path, "filter.within=texas.gpkg", "defaults.grid_mw=9")
    outside = because(ReasonCode.OUTSIDE_LAYER, layer="texas.gpkg")
    assert data.excluded.to_dict() == {"alpha": outside, "gamma": outside}


@pytest.mark.parametrize(("km", "left_out"), [(760, False), (790, True)])
def test_filter_away_from_a_layer(tmp_path: Path, km: int, left_out: bool) -> None:
    # Memphis to Houston is about 776 km on the ground
    area(tmp_path / "houston.geojson", shapely.Point(-95.37, 29.76))
    away = f'filter.away_from={{ layer = "houston.geojson", km = {km} }}'
    data = small(tmp_path, away, "defaults.grid_mw=9")
    distance = Quantity(amount=km, unit="km")
    assert data.excluded["beta"] == because(ReasonCode.TOO_NEAR_LAYER, layer="houston.geojson", distance=distance)
    assert ("alpha" in data.excluded) == left_out
    assert "gamma" not in data.excluded


def test_filter_layer_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        small(tmp_path, "filter.within=absent.gpkg")
    assert [issue.file for issue in error.value.issues] == ["absent.gpkg"]


def copied(folder: Path) -> Path:
    for name in ("data", "models"):
        shutil.copytree(ROOT / name, folder / name)
    return folder / "models" / MODEL.name


def test_order_of_rows_changes_nothing(tmp_path: Path, data: Dataset) -> None:
    model = copied(tmp_path)
    for path in (tmp_path / "data").glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.sample(frac=1, random_state=7).to_csv(path, index=False)
    shuffled = siteopt.load(siteopt.read_scenario(model))
    assert_identical(data.instance, shuffled.instance)


def test_order_of_columns_changes_nothing(tmp_path: Path, data: Dataset) -> None:
    model = copied(tmp_path)
    for path in (tmp_path / "data").glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table[table.columns[::-1]].to_csv(path, index=False)
    assert_identical(data.instance, siteopt.load(siteopt.read_scenario(model)).instance)


def in_won(rows: Sequence[Row], rate: int) -> list[Row]:
    """Rows with their money in won, in columns of that name."""
    won = []
    for row in rows:
        names = {name: name.replace("usd", "krw") for name in row}
        won.append({names[k]: v * rate if names[k] != k and isinstance(v, int | float) else v for k, v in row.items()})
    return won


def test_won_is_dollars_by_the_rate(tmp_path: Path) -> None:
    rate = 1400
    won = ["project.currency=KRW", f"project.currency_per_usd={rate}"]
    sites, offers = in_won(SITES, rate), in_won(OFFERS, rate)
    assert "rent_krw_per_month" in offers[0]
    before = small(tmp_path / "usd").instance
    after = small(tmp_path / "krw", *won, sites=sites, offers=offers).instance
    for name in ("unit_cost_musd", "site_cost_musd", "grid_usd_per_mwh"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=1e-12, err_msg=name)


def test_inputs_are_listed_with_their_digests(data: Dataset) -> None:
    assert [one.path for one in data.inputs] == [
        "colossus.toml",
        "../data/candidates_us.csv",
        "../data/offers_us.csv",
        "../data/grid_steps.csv",
    ]
    assert all(len(one.sha256) == 64 for one in data.inputs)


def test_filter_layer_without_geometry(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"plain.csv: found a .csv file, expected a layer \(.geojson"):
        small(tmp_path, "filter.within=plain.csv")
