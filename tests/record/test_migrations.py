"""Runs that siteopt 0.1 stored (format 1) are read, and say what they said; and any record is read back as it was."""

from __future__ import annotations

import copy
import html
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from siteopt.issues import InputError, Issue
from siteopt.message_catalogue import Code
from siteopt.options import LANGUAGES
from siteopt.output.ownership import is_signed
from siteopt.output.reporting import run_report
from siteopt.output.runs import read_record, read_run
from siteopt.output.translations import Translations
from siteopt.record.base import FORMAT_VERSION
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.reason import ReasonCode, because
from siteopt.record.run import PlanRecord, RunRecord
from siteopt.scenario import slug
from tests.record.archives import STORED, unpack
from tests.worlds import write_world

NAMES = ("colossus", "frugal", "korea")
MOST_BYTES = 400_000

Json = dict[str, Any]

_BEFORE = {"ranked": "solved", "not ranked": "ruled out", "undecided": "not settled"}
"""Standings as format 1 wrote them."""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    for name in NAMES:
        unpack(name, folder)
    return folder


@pytest.fixture
def korea(unpacked: Path, tmp_path: Path) -> Path:
    """The folder of a run of format 1, to be spoilt."""
    return Path(shutil.copytree(unpacked / "korea", tmp_path / "korea"))


def stored(path: Path) -> Json:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def record_of(folder: Path) -> RunRecord:
    record = read_run(folder).record
    assert record is not None
    return record


def plan_of(folder: Path) -> PlanRecord:
    plan = record_of(folder).plan
    assert plan is not None
    return plan


def test_the_archives_are_small_and_all_of_format_1(unpacked: Path) -> None:
    archives = sorted(STORED.iterdir())
    assert [path.name for path in archives] == [f"{name}.tar.xz" for name in NAMES]
    assert sum(path.stat().st_size for path in archives) < MOST_BYTES
    for path in (*unpacked.glob("*/plan.json"), *unpacked.glob("*/pareto.json")):
        assert stored(path)["format_version"] == 1


# what a stored run says

RENAMED = {
    "access_day": "handover_day",
    "access": "handover",
    "access_days": "handover_days",
    "battery_floor_mw": "min_battery_mw",
    "inertia_floor_mws": "min_inertia_mws",
    "rounds": "iterations",
    "floors": "minimum_support",
}
"""What is called by another name since format 1."""


def renamed(fields: Json) -> Json:
    return {RENAMED.get(name, name): value for name, value in fields.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_run_is_the_same(unpacked: Path, name: str) -> None:
    before, record = stored(unpacked / name / "plan.json"), record_of(unpacked / name)
    assert record.format_version == FORMAT_VERSION == 2
    now = record.model_dump(mode="json")
    plain = ("siteopt_version", "scenario", "scenario_path", "settings", "start_date", "currency", "currency_per_usd")
    plain += ("outcome", "method", "objective", "commissioning_days", "candidates", "eligible", "ranks_asked")
    for field in (*plain, "warnings"):
        assert now[field] == before[field], field
    prices = now["proof"].pop("prices"), before["proof"].pop("prices")
    assert {rank.pop("cost_bound_musd") for rank in now["proof"]["ranks"]} == {None}
    assert now["proof"] == renamed(before["proof"])
    for one, old in zip(*prices, strict=True):
        needs, spares = one.pop("needs"), one.pop("spares")
        named = {
            "cooling": "heat",
            "mean power": "mean",
            "peak power": "peak",
            "swing": "swing",
            "ride through": "ride",
        }
        assert needs == {name: old.pop(field) for name, field in named.items()}
        assert spares == {"cooling": old.pop("heat_spare"), "mean power": old.pop("mean_spare")}
        assert one.pop("cooling_margin") == old.pop("chiller_margin")
        assert one == old
    assumed = [
        {**one, "column": RENAMED.get(one["column"], one["column"]), "share_of": ""} for one in before["assumptions"]
    ]
    assert now["assumptions"] == assumed
    assert [one.model_dump(exclude_none=True) for one in record.inputs] == before["inputs"]


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_is_the_same(unpacked: Path, name: str) -> None:
    before, plan = stored(unpacked / name / "plan.json"), plan_of(unpacked / name)
    now = plan.model_dump(mode="json")
    for field in ("site_id", "site_name", "access_day", "access", "orders", "grid_steps", "baselines"):
        assert now[RENAMED.get(field, field)] == before[field], field
    assert (plan.longitude, plan.latitude) == (before["site_longitude"], before["site_latitude"])
    assert {"total": plan.cost.total_usd, **plan.cost.parts_usd} == before["cost_usd"]
    assert len(plan.milestones) == len(before["milestones"])
    translations = Translations()
    for milestone, one in zip(now["milestones"], before["milestones"], strict=True):
        equipment, saved = milestone.pop("equipment_mw"), milestone.pop("days_saved")
        assert milestone.pop("limited_by")
        assert milestone.pop("requirements") == []
        assert (milestone.pop("power_cap"), milestone.pop("speed")) == (1, 1)
        for kind, field in (("generator", "generators_mw"), ("chiller", "chillers_mw"), ("battery", "batteries_mw")):
            assert equipment[kind] == one.pop(field)
        assert [(each["limit"], each["days"]) for each in saved] == list(one.pop("days_saved").items())
        bottleneck = one.pop("bottleneck")
        assert milestone == one
        (typed,) = (each for each in plan.milestones if each.name == one["name"])
        assert typed.limited_by is not None
        assert translations.reason(typed.limited_by) == bottleneck
        assert typed.limited_by == because(ReasonCode.LIMIT, limit=bottleneck)  # each of these is one limit


@pytest.mark.parametrize("name", NAMES)
def test_the_ranking_is_the_same(unpacked: Path, name: str) -> None:
    before, record = stored(unpacked / name / "plan.json"), record_of(unpacked / name)
    features = stored(unpacked / name / "sites.geojson")["features"]
    names = [milestone["name"] for milestone in before["milestones"]]
    assert list(record.milestone_names) == names
    translations, standings = Translations(), set()
    for site, row, feature in zip(record.ranking, before["ranking"], features, strict=True):
        standings.add(site.standing)
        now: Json = {field: getattr(site, field) for field in ("site_id", "name", "rank", "cost_usd", "cost_bound_usd")}
        now |= {
            "standing": _BEFORE.get(str(site.standing), str(site.standing)),
            "reason": translations.reasons(site.reasons),
        }
        for one in site.milestones:
            field = slug(one.milestone)
            now[f"day_{field}"], now[f"bound_day_{field}"] = one.day, one.bound_day
            now[f"date_{field}"] = None if one.date is None else one.date.isoformat()
            now[f"bottleneck_{field}"] = None if one.limited_by is None else translations.reason(one.limited_by)
        now["assumed"] = list(site.assumed)
        assert now == row | {"assumed": [RENAMED.get(one, one) for one in row["assumed"].split(", ") if one]}
        assert [one.milestone for one in site.milestones] == names
        assert {reason.code for reason in site.reasons} <= {ReasonCode.STORED_TEXT}
        assert feature["properties"]["site_id"] == site.site_id
        assert [site.longitude, site.latitude] == feature["geometry"]["coordinates"]
    assert len(standings) > 2


@pytest.mark.parametrize("name", NAMES)
def test_the_replay_is_the_same(unpacked: Path, name: str) -> None:
    before, plan = stored(unpacked / name / "plan.json")["replay"], plan_of(unpacked / name)
    now = plan.replay.model_dump(mode="json")
    for field in ("crews", "cost_usd", "within_budget"):
        assert now[field] == before[field], field
    for milestone, one in zip(plan.replay.milestones, before["milestones"], strict=True):
        assert Translations().reasons(milestone.reasons) == one.pop("reason") != ""
        assert milestone.model_dump(mode="json", exclude={"reasons"}) == one
    days, series = plan.replay.days, before["days"]
    kinds = {"generators_mw": "generator", "chillers_mw": "chiller", "batteries_mw": "battery"}
    for place, day in enumerate(series["day"]):
        there = days.at(day)
        for field, kind in kinds.items():
            assert days.equipment_mw[kind][there] == series[field][place]
        assert days.networked_gpus[there] == series["networked_gpus"][place]
        assert days.training_gpus[there] == series["training_gpus"][place]
        # format 1 had the grid serve before the site is handed over
        assert days.grid_mw[there] == (series["grid_mw"][place] if day >= plan.handover_day else 0.0)
    assert list(days.day) == sorted({*series["day"], plan.handover_day})
    assert days.grid_mw[days.at(plan.handover_day - 1)] == 0.0
    assert days.grid_mw[days.at(plan.handover_day)] == series["grid_mw"][0] > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_electricity_is_the_same(unpacked: Path, name: str) -> None:
    before, plan = stored(unpacked / name / "plan.json")["power_quality"], plan_of(unpacked / name)
    now = plan.power_quality.model_dump(mode="json")
    assert now.pop("iso_class") == before.pop("class")
    failed = now.pop("without_batteries")
    told = [f"{one['event']} ({one['mode']})" for one in failed.pop("failed")]
    for events in [one["events"] for one in now["milestones"]]:
        assert {event.pop(name) for event in events for name in ("import_beyond_s", "schedule_mw")} <= {None}
        assert {tuple(event.pop("figures")) for event in events} <= {()}
        assert {event.pop("lost_mw") for event in events} <= {0.0}
    assert {one.pop("forming_mw") for one in now["milestones"]} == {0.0}
    assert now.pop("units_lost_together") == 1
    metered = ("import_limit_mw", "import_beyond_s", "overrun_s")
    assert {trace.pop(name) for trace in now["traces"] for name in metered} <= {None}
    assert failed | {"failed": told} == before.pop("without_batteries")
    for one in before["milestones"]:
        for event in one["events"]:
            event["iso_class"] = event.pop("class")
    assert now == renamed(before) | {"milestones": [renamed(one) for one in before["milestones"]]}


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_is_the_same(unpacked: Path, name: str) -> None:
    before, record = stored(unpacked / name / "plan.json")["certificate"], record_of(unpacked / name)
    now = record.certificate.model_dump(mode="json")
    assert now["recomputed"] == {
        "rows": before["rows_recomputed"],
        "worst_excess": before["worst_excess"],
        "valid": before["valid"],
    }
    assert now["environment"] == {field: before[field] for field in ("random_seed", "python", "packages")}
    assert now["second_solver"] is None
    for field in ("solver", "sites_solved", "milps_solved", "seconds", "seconds_by_step", "stages", "evidence"):
        assert now[field] == before[field], field


def test_the_front_is_that_of_its_run(unpacked: Path) -> None:
    before, run = stored(unpacked / "colossus-pareto" / "pareto.json"), read_run(unpacked / "colossus")
    front = run.front_of_run
    assert front is not None
    assert front == run.front == read_run(unpacked / "colossus-pareto").front
    assert run.front_folder == "colossus-pareto"
    assert front.format_version == FORMAT_VERSION
    now = front.model_dump(mode="json")
    plain = ("siteopt_version", "scenario", "settings", "start_date", "currency", "currency_per_usd", "outcome")
    for field in (*plain, "milestone", "milestones", "warnings"):
        assert now[field] == before[field], field
    assert now["line"] == before["front"]
    assert [one.model_dump(exclude_none=True) for one in front.inputs] == before["inputs"]
    points = [point for site in now["sites"] for point in site["points"]]
    assert len(points) > len(front.joint) > 1
    for point, one in zip(points, before["points"], strict=True):
        told = {name: value for name, value in point.items() if name not in ("other_days", "best_at_value")}
        assert not point["best_at_value"]
        assert told | {f"day_{slug(name)}": day for name, day in point["other_days"].items()} == one
    for site, one in zip(now["sites"], before["sites"], strict=True):
        assert all(site[field] == one[field] for field in ("site_id", "name", "longitude", "latitude", "rank"))
        assert (site["proven"], site["line"]) == (one["proven"], one["line"])
        ends = {"fastest": site["points"][0], "cheapest": site["points"][-1]}
        for end, point in ends.items():
            assert all(one[f"{end}_{field}"] == point[field] for field in ("day", "date", "cost_usd"))
    certificate = before["certificate"]
    assert front.certificate.recomputed is not None
    assert front.certificate.recomputed.rows == certificate["rows_recomputed"]
    assert front.certificate.environment.packages == certificate["packages"]
    assert front.certificate.milps_solved == certificate["milps_solved"]


def test_a_run_without_a_front_has_none(unpacked: Path) -> None:
    run = read_run(unpacked / "korea")
    assert run.front is None
    assert run.front_of_run is None


# what is made from it


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_its_page_is_written(unpacked: Path, name: str, language: str) -> None:
    page, record = run_report(unpacked / name, language), record_of(unpacked / name)
    assert is_signed(page.encode())
    assert f'<html lang="{language}"' in page
    translations, plan = Translations.of(record, language), plan_of(unpacked / name)
    for milestone in plan.replay.milestones:
        assert html.escape(translations.reasons(milestone.reasons), quote=False) in html.unescape(page)
    assert translations.date(plan.milestones[0].date) in page
    for site in record.ranking[:10]:
        assert site.name in html.unescape(page)
    has_front = name == "colossus"
    assert ('id="front"' in page) == has_front


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_its_front_is_written(unpacked: Path, language: str) -> None:
    page = run_report(unpacked / "colossus-pareto", language)
    assert is_signed(page.encode())
    assert f'<html lang="{language}"' in page
    front = read_run(unpacked / "colossus-pareto").front
    assert front is not None
    for site in front.sites:
        assert site.name in html.unescape(page)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_written_in_the_present_format_and_read_again(unpacked: Path, tmp_path: Path, name: str) -> None:
    record = record_of(unpacked / name)
    text = record.model_dump_json(indent=1)
    assert RunRecord.model_validate_json(text) == record
    folder = Path(shutil.copytree(unpacked / name, tmp_path / name))
    (folder / "sites.geojson").unlink()  # the record has the places of the sites
    (folder / "plan.json").write_text(text, encoding="utf-8")
    assert stored(folder / "plan.json")["format_version"] == 2
    assert read_run(folder).record == record
    assert run_report(folder) == run_report(Path(shutil.copytree(unpacked / name, tmp_path / "as it was")))


def test_a_front_is_written_in_the_present_format_and_read_again(unpacked: Path, tmp_path: Path) -> None:
    front = read_run(unpacked / "colossus-pareto").front
    assert front is not None
    text = front.model_dump_json(indent=1)
    assert FrontRecord.model_validate_json(text) == front
    (tmp_path / "pareto.json").write_text(text, encoding="utf-8")
    assert read_run(tmp_path).front == front


# what cannot be read


def edited(path: Path, change: Callable[[Json], object]) -> Path:
    found = stored(path)
    change(found)
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def issues_of(folder: Path) -> tuple[Issue, ...]:
    """The faults of a run that cannot be read; the command tells them, and no traceback."""
    with pytest.raises(InputError) as raised:
        read_run(folder)
    result = CliRunner().invoke(app, ["report", str(folder)])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    for issue in raised.value.issues:
        assert issue.code is Code.NOT_A_RUN
        assert str(issue) in result.stderr
    assert not (folder / "report.html").exists()
    return raised.value.issues


LACKING: dict[str, Callable[[Json], object]] = {
    "candidates": lambda found: found.pop("candidates"),
    "ranking": lambda found: found.pop("ranking"),
    "replay": lambda found: found.pop("replay"),
    "milestones.0.gpus": lambda found: found["milestones"][0].pop("gpus"),
    "milestones.0.bottleneck": lambda found: found["milestones"][0].pop("bottleneck"),
    "orders.0.offer_id": lambda found: found["orders"][0].pop("offer_id"),
    "ranking.3.cost_usd": lambda found: found["ranking"][3].pop("cost_usd"),
    "ranking.3.reason": lambda found: found["ranking"][3].pop("reason"),
    "ranking.3.day_100k": lambda found: found["ranking"][3].pop("day_100k"),
    "certificate.solver": lambda found: found["certificate"].pop("solver"),
    "certificate.valid": lambda found: found["certificate"].pop("valid"),
    "replay.days.grid_mw": lambda found: found["replay"]["days"].pop("grid_mw"),
    "replay.milestones.1.reason": lambda found: found["replay"]["milestones"][1].pop("reason"),
    "power_quality.class": lambda found: found["power_quality"].pop("class"),
    "power_quality.traces": lambda found: found["power_quality"].pop("traces"),
}


@pytest.mark.parametrize("field", LACKING)
def test_a_field_that_is_missing_is_told(korea: Path, field: str) -> None:
    edited(korea / "plan.json", LACKING[field])
    (issue,) = issues_of(korea)
    assert field.rpartition(".")[2] in str(issue)


@pytest.mark.parametrize(
    ("change", "column", "found"),
    [
        (lambda found: found["milestones"][0].update(gpus="many"), "milestones.0.gpus", "'many'"),
        (lambda found: found["orders"][0].update(kind="wheel"), "orders.0.kind", "'wheel'"),
        (lambda found: found["ranking"][2].update(standing="lying"), "ranking.2.standing", "'lying'"),
        (lambda found: found.update(outcome="guessed"), "outcome", "'guessed'"),
        (lambda found: found.update(ranking=[]), "features", "ValueError"),
        (lambda found: found.update(ranking={"a": 1}), "features", "TypeError"),
        (lambda found: found.update(replay=7), "replay", "7"),
    ],
)
def test_a_value_that_is_otherwise_is_told(
    korea: Path, change: Callable[[Json], object], column: str, found: str
) -> None:
    edited(korea / "plan.json", change)
    (issue,) = issues_of(korea)
    assert issue.column.endswith(column)
    assert found in issue.found


def test_the_places_of_the_sites_are_needed(korea: Path) -> None:
    edited(korea / "sites.geojson", lambda found: found["features"].pop())
    (issue,) = issues_of(korea)
    assert (Path(issue.file).name, issue.column) == ("sites.geojson", "features")
    edited(korea / "sites.geojson", lambda found: found.pop("features"))
    (issue,) = issues_of(korea)
    assert "features" in issue.found
    (korea / "sites.geojson").unlink()
    (issue,) = issues_of(korea)
    assert (Path(issue.file).name, issue.found) == ("sites.geojson", "no file")


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 0, "2", None])
@pytest.mark.parametrize("name", ["korea/plan.json", "colossus-pareto/pareto.json"])
def test_a_format_that_is_not_known_is_refused(unpacked: Path, tmp_path: Path, name: str, version: object) -> None:
    folder = Path(shutil.copytree((unpacked / name).parent, tmp_path / "run"))
    edited(folder / Path(name).name, lambda found: found.update(format_version=version))
    (issue,) = issues_of(folder)
    assert (issue.column, issue.found) == ("format_version", repr(version))
    assert "1, 2, which this siteopt reads; solve it again" in str(issue)


MAPS = {"cost_usd", "stage_units", "days_saved", "units", "packages", "seconds_by_step", "branchings", "prices"}
"""Fields whose names are data."""
ENDS = {f"{end}_{field}" for end in ("fastest", "cheapest") for field in ("day", "date", "cost_usd")}
UNREAD = {"stage_units", "corner_points", "points_on_front", *ENDS}
"""Fields of format 1 that follow from others."""
LATER = {"evidence", "proof", "ranks", "floors", "branchings", "prices"}
"""Fields that format 1 did not have from the beginning."""
CALLED = {"day_100k": "100k", "day_200k": "200k", "rows_recomputed": "rows", **RENAMED}
"""How the present format calls a field of a front, or of a certificate."""


def fields(found: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every field of a document, in lists of the last item."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield (*place, name)
            if name not in MAPS:
                yield from fields(value, (*place, name))
    elif isinstance(found, list) and found:
        yield from fields(found[-1], (*place, len(found) - 1))


@pytest.mark.parametrize(
    ("name", "model"), [("frugal/plan.json", RunRecord), ("colossus-pareto/pareto.json", FrontRecord)]
)
def test_every_field_that_is_missing_is_told(
    unpacked: Path, tmp_path: Path, name: str, model: type[RunRecord] | type[FrontRecord]
) -> None:
    folder = Path(shutil.copytree((unpacked / name).parent, tmp_path / "run"))
    path, whole = folder / Path(name).name, stored(unpacked / name)
    untold, tried = [], 0
    for place in fields(whole):
        *above, last = map(str, place)
        if last in UNREAD | LATER:
            continue
        spoilt = copy.deepcopy(whole)
        inner: Any = spoilt
        for step in place[:-1]:
            inner = inner[step]
        del inner[place[-1]]
        path.write_text(json.dumps(spoilt), encoding="utf-8")
        tried += 1
        try:
            read_record(path, model)
        except InputError as error:
            if last in str(error) or CALLED.get(last, last) in str(error):
                continue
        untold.append((*above, last))
    assert untold == []
    assert tried > 40


# any record is read back as it was

WORLDS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "with a class": ('power_quality.class="G2"',),
    "in won": ('project.currency="KRW"', "project.currency_per_usd=1391.5"),
    "without rentals": ("supply.max_fleet_share=0",),
    "no site": ("project.horizon_days=5",),
    "cost first": ('objective.order=["cost", "first run"]',),
}


@pytest.mark.parametrize("world", WORLDS)
def test_a_record_is_read_back_as_it_was(tmp_path: Path, world: str) -> None:
    result = siteopt.solve(siteopt.read_scenario(write_world(tmp_path), WORLDS[world]))
    record = result.record
    assert RunRecord.model_validate_json(record.model_dump_json()) == record
    assert RunRecord.model_validate(record.model_dump(mode="json")) == record
    assert read_run(result.write(tmp_path / "run")).record == record


@pytest.mark.parametrize("seconds", [60, 0])
def test_a_record_of_a_front_is_read_back_as_it_was(tmp_path: Path, seconds: float) -> None:
    front = siteopt.pareto(write_world(tmp_path), seconds=seconds)
    assert FrontRecord.model_validate_json(front.record.model_dump_json()) == front.record
    assert read_run(front.write(tmp_path / "front")).front == front.record


def test_a_record_without_a_plan_yet_is_read_back_as_it_was(tmp_path: Path) -> None:
    result = siteopt.solve(write_world(tmp_path), seconds=0)
    assert result.record.plan is None
    assert RunRecord.model_validate_json(result.record.model_dump_json()) == result.record
