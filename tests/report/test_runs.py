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
from siteopt.output.runs import read_run
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
    charts = ("map", "schedule", "power", "cooling", "cost", "crews", "capacity_by_day", "frequency", "front")
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
