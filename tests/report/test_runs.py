"""A run's folder read back, by the command line: the page, the charts, and every fault with its message."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from siteopt.output.runs import MOST_FIELDS, MOST_VALUES, read_run
from tests.worlds import write_world


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, and a front of the same beside it."""
    folder = tmp_path_factory.mktemp("world")
    scenario = write_world(folder)
    siteopt.solve(scenario).write(folder / "small")
    siteopt.pareto(scenario).write(folder / "small-pareto")
    return folder / "small"


@pytest.fixture
def run(solved: Path, tmp_path: Path) -> Path:
    """A copy of the run that may be spoilt, with its front."""
    for name in ("small", "small-pareto"):
        shutil.copytree(solved.with_name(name), tmp_path / name)
    return tmp_path / "small"


def siteopt_says(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def rewrite(path: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_solve_writes_a_page(solved: Path) -> None:
    page = (solved / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "Alpha Works" in page


def test_report_writes_the_page_again_with_the_front_beside_it(run: Path) -> None:
    before = (run / "report.html").read_text(encoding="utf-8")
    assert siteopt_says("report", run) == (0, f"Report      {run / 'report.html'}\n")
    after = (run / "report.html").read_text(encoding="utf-8")
    assert 'id="front"' not in before
    assert 'id="front"' in after


def test_report_without_a_front_is_the_page_that_solve_wrote(run: Path) -> None:
    (run.with_name("small-pareto") / "pareto.json").unlink()
    before = (run / "report.html").read_bytes()
    siteopt_says("report", run)
    assert (run / "report.html").read_bytes() == before


def test_report_in_korean_to_a_file_of_its_own(run: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "report-ko.html"
    assert siteopt_says("report", run, "--lang", "ko", "--out", page)[0] == 0
    assert '<html lang="ko">' in page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["report-ko.html"]


def test_front_of_other_inputs_is_not_shown_but_told(run: Path) -> None:
    rewrite(
        run.with_name("small-pareto") / "pareto.json", lambda front: front["settings"].append("supply.spare_units=2")
    )
    siteopt_says("report", run)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'id="front"' not in page
    assert "The Pareto front in small-pareto has other inputs or settings" in page


def test_front_within_the_folder_comes_first(run: Path) -> None:
    (run.with_name("small-pareto") / "pareto.json").rename(run / "pareto.json")
    found = read_run(run)
    assert found.front_folder == "small"
    assert found.front_of_run is not None


def test_report_of_the_folder_of_a_front(run: Path) -> None:
    folder = run.with_name("small-pareto")
    assert siteopt_says("report", folder)[0] == 0
    assert "Pareto front: start day of first run and cost" in (folder / "report.html").read_text(encoding="utf-8")


def test_plot_writes_every_chart_as_png_and_svg(run: Path) -> None:
    code, output = siteopt_says("plot", run)
    assert code == 0
    names = {path.name for path in (run / "charts").iterdir()}
    charts = ("map", "schedule", "power", "cooling", "cost", "cash", "crews", "capacity_by_day", "frequency", "front")
    assert names == {f"{chart}.{kind}" for chart in charts for kind in ("png", "svg")}
    assert all(name in output for name in names)
    for chart in charts:
        assert (run / "charts" / f"{chart}.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        root = ElementTree.fromstring((run / "charts" / f"{chart}.svg").read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_plot_of_a_front_to_another_folder(run: Path, tmp_path: Path) -> None:
    assert siteopt_says("plot", run.with_name("small-pareto"), "--out", tmp_path / "slides")[0] == 0
    assert {path.name for path in (tmp_path / "slides").iterdir()} == {"front.png", "front.svg"}


def spoilt(name: str, text: str) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        (run / name).write_text(text, encoding="utf-8")

    return spoil


def changed(name: str, change: Callable[[Any], object]) -> Callable[[Path], None]:
    return lambda run: rewrite(run / name, change)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["report", "plot"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: (run / "plan.json").unlink(), "found no plan.json, expected the folder of a run"),
        (lambda run: (run / "plan.geojson").unlink(), "plan.geojson: found no file, expected a file of the run"),
        (spoilt("plan.json", "{"), "plan.json: found Expecting property name"),
        (spoilt("plan.json", "[]"), "plan.json: found a list, expected an object"),
        (spoilt("plan.geojson", "\x00"), "plan.geojson: found Expecting value"),
        (
            spoilt("plan.geojson", '{"features": [{"geometry": null}]}'),
            "plan.geojson:features.0.properties: found nothing",
        ),
        (
            changed("plan.json", lambda d: d.update(format_version=99)),
            "plan.json:format_version: found 99, expected 1, 2",
        ),
        (changed("plan.json", lambda d: d.pop("ranking")), "plan.json:ranking: found nothing"),
        (changed("plan.json", lambda d: d.update(ranking=3)), "plan.json:ranking: found 3"),
        (changed("plan.json", lambda d: d["plan"].pop("handover_day")), "plan.json:plan.handover_day: found nothing"),
        (changed("plan.json", lambda d: d["plan"].pop("replay")), "plan.json:plan.replay: found nothing"),
        (
            changed("plan.json", lambda d: d["plan"]["power_quality"].update(iso_class=3)),
            "plan.json:plan.power_quality.iso_class: found 3",
        ),
        (
            changed("plan.json", lambda d: d["plan"]["orders"][1].pop("serves")),
            "plan.json:plan.orders.1.serves: found nothing",
        ),
        (
            changed("plan.json", lambda d: d["plan"]["milestones"][0].update(day="soon")),
            "plan.json:plan.milestones.0.day: found ",
        ),
        (
            changed("plan.json", lambda d: d["plan"]["milestones"][0].update(it_mw=float("nan"))),
            "plan.json:plan.milestones.0.it_mw: found nan",
        ),
        (
            changed("plan.json", lambda d: d["plan"]["milestones"][0]["limited_by"].update(code="luck")),
            "plan.json:plan.milestones.0.limited_by.code: found ",
        ),
        (changed("plan.json", lambda d: d["plan"].update(colour="red")), "plan.json:plan.colour: found "),
    ],
)
def test_run_that_cannot_be_read_is_an_issue_and_nothing_is_written(
    run: Path, spoil: Callable[[Path], None], message: str, command: str
) -> None:
    spoil(run)
    before = (run / "report.html").read_bytes()
    code, output = siteopt_says(command, run)
    assert code == 2
    assert message in output
    assert "1 error; nothing was written" in output
    assert (run / "report.html").read_bytes() == before
    assert not (run / "charts").exists()


def test_every_value_that_cannot_be_read_is_an_issue_of_its_own(run: Path) -> None:
    def spoil(document: Any) -> None:
        document["plan"]["orders"][0]["unit_mw"] = "strong"
        del document["plan"]["orders"][0]["kind"]
        document["plan"]["orders"][1]["kind"] = "wheel"  # of a list, the first item with issues is named

    rewrite(run / "plan.json", spoil)
    code, output = siteopt_says("report", run)
    assert code == 2
    assert "plan.orders.0.unit_mw" in output
    assert "plan.orders.0.kind" in output
    assert "2 errors; nothing was written" in output


def put(*place: str | int, value: object) -> Callable[[Any], None]:
    """Put a value at a place of a document."""

    def change(document: Any) -> None:
        for part in place[:-1]:
            document = document[part]
        document[place[-1]] = value

    return change


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("plan", "milestones", 0, "day"), 10**9, "plan.milestones.0.day: found 1000000000"),
        (("plan", "milestones", 0, "day"), -1, "plan.milestones.0.day: found -1"),
        (("plan", "milestones", 0, "gpus"), 10**30, "plan.milestones.0.gpus: found 1000000"),
        (("plan", "milestones", 0, "it_mw"), 1e300, "plan.milestones.0.it_mw: found 1e+300"),
        (("plan", "milestones", 0, "name"), "", "plan.milestones.0.name: found ''"),
        (("plan", "milestones", 0, "name"), "other", "plan: expected what siteopt writes there (a replay and"),
        (("plan", "orders", 0, "longitude"), 181, "plan.orders.0.longitude: found 181"),
        (("plan", "orders", 0, "units"), {"other": 1}, "plan: expected what siteopt writes there (the units of each"),
        (("plan", "orders", 0, "units"), {"first run": 10**6}, "units.first run: found 1000000"),
        (("plan", "cost", "total_usd"), 5, "plan.cost: expected what siteopt writes there (a total that is the sum"),
        (("plan", "cost", "parts_usd"), {"gpus": 1, "luck": 2}, "plan.cost: expected what siteopt writes there (parts"),
        (("plan", "replay", "crews", 0, "crew"), 10**6, "plan.replay: expected what siteopt writes there (numbers of"),
        (("plan", "replay", "days", "day"), [0, 0], "plan.replay.days: expected what siteopt writes there (series"),
        (
            ("plan", "power_quality", "traces", 0, "band_hz"),
            [61, 59],
            "traces.0: expected what siteopt writes there (a",
        ),
        (("plan", "baselines", 0, "milestone"), "other", "plan: expected what siteopt writes there (baselines for"),
        (("plan",), None, "expected what siteopt writes there (a plan if the outcome is proven"),
        (("outcome",), "no site can serve", "expected what siteopt writes there (a plan if the outcome is proven"),
        (("ranking", 1, "milestones"), [], "expected what siteopt writes there (the same milestones for each site"),
        (("start_date",), "9999-12-31", "start_date: found '9999-12-31'"),
        (("currency",), "dollars", "currency: found 'dollars'"),
        (("currency_per_usd",), 0, "currency_per_usd: found 0"),
        (("scenario_path",), "a\0b", "scenario_path: found "),
        (("scenario",), "x" * 100_000, "scenario: found 'xxxx"),
        (("settings",), [1], "settings.0: found 1"),
        (("inputs",), None, "inputs: found None"),
        (("x" * 100_000,), 1, f"{'x' * 60}: found 1"),
        (("plan", "milestones"), {"a": 1}, "plan.milestones: found an object"),
    ],
)
def test_value_outside_the_range_of_its_field_is_an_issue_of_one_line(
    run: Path, place: tuple[str | int, ...], value: object, message: str
) -> None:
    rewrite(run / "plan.json", put(*place, value=value))
    with pytest.raises(siteopt.InputError) as raised:
        read_run(run)
    (line,) = str(raised.value).splitlines()
    assert message in line
    assert len(line) < 600


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"x": ' + "9" * 5000 + "}", "found a number of 5,000 digits"),
        ('{"x": ' + "[" * 100_000 + "]" * 100_000 + "}", "found brackets that are nested hundreds deep"),
        ('{"x": 1, "x": 2}', "found the field 'x' twice in one object"),
        ('{"x": "' + "y" * 1_000_000, "found Unterminated string"),
        ('"' + "y" * 1_000_000 + '"', "found 'yyyy"),
        (json.dumps({f"x{number}": 1 for number in range(MOST_FIELDS + 1)}), "found an object of more than"),
        ("[" + "0," * MOST_VALUES + "0,0]", f"or {MOST_VALUES:,} values"),
    ],
    ids=["digits", "brackets", "twice", "open", "text", "fields", "values"],
)
@pytest.mark.parametrize("name", ["plan.json", "plan.geojson"])
def test_text_that_siteopt_writes_nowhere_is_an_issue_of_one_line(
    run: Path, name: str, text: str, message: str
) -> None:
    (run / name).write_text(text, encoding="utf-8")
    with pytest.raises(siteopt.InputError) as raised:
        read_run(run)
    (line,) = str(raised.value).splitlines()
    assert message in line
    assert len(line) < 600


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 10**300], [0, 0]]]},
        {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 1], [0, float("nan")], [0, 0]]]]},
    ],
)
def test_area_that_cannot_be_drawn_is_an_issue(run: Path, geometry: object) -> None:
    area = {"type": "Feature", "geometry": geometry, "properties": {"role": "hall"}}
    rewrite(run / "plan.geojson", lambda document: document["features"].append(area))
    with pytest.raises(siteopt.InputError, match=r"plan\.geojson:features\.\d+\.geometry"):
        read_run(run)


def test_two_orders_of_one_offer_are_an_issue(run: Path) -> None:
    rewrite(run / "plan.json", lambda document: document["plan"]["orders"].append(document["plan"]["orders"][0]))
    with pytest.raises(siteopt.InputError, match="one order for each offer"):
        read_run(run)


def test_millions_of_wrong_items_are_one_issue(run: Path) -> None:
    rewrite(run / "plan.json", put("ranking", value=[{}] * 1_000_000))
    with pytest.raises(siteopt.InputError) as raised:
        read_run(run)
    assert {issue.column.rpartition(".")[0] for issue in raised.value.issues} == {"ranking.0"}


def test_name_that_is_too_long_is_no_folder() -> None:
    with pytest.raises(siteopt.InputError, match="found no folder"):
        read_run(Path("a" * 5000))


def test_bytes_that_are_no_text_are_an_issue(run: Path) -> None:
    (run / "plan.json").write_bytes(b"\xff\xfe\x00")
    assert siteopt_says("report", run)[0] == 2


def test_no_folder_is_an_issue(tmp_path: Path) -> None:
    code, output = siteopt_says("report", tmp_path / "nowhere")
    assert code == 2
    assert "found no folder, expected the folder of a run" in output


def test_page_that_cannot_be_written_is_an_issue(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert siteopt_says("report", run, "--out", tmp_path / "file" / "page.html")[0] == 2


def test_the_command_line_starts_without_the_library_of_charts() -> None:
    look = (
        "import sys, siteopt.cli; print([name for name in ('altair', 'vl_convert', 'jinja2') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
