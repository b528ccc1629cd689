"""What a notebook shows: a result, a front and an explanation by themselves, and the plan on a map."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

import siteopt
from tests.report import pages
from tests.report.test_report import Text
from tests.worlds import SITES, changed, write_world

HAS_FOLIUM = importlib.util.find_spec("folium") is not None


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> siteopt.Result:
    sites = changed(SITES, "site_id", "beta", name=pages.INJECTION)
    return siteopt.solve(write_world(tmp_path_factory.mktemp("world"), sites))


def test_result_shows_its_headline_map_and_first_ranks(result: siteopt.Result) -> None:
    html = result._repr_html_()
    found = Text(html)
    assert "10,000 GPUs start training on 24 January 2025 (day 23)" in found.text
    assert pages.INJECTION in found.text
    assert not any(tag in ("script", "img", "link") for tag, _ in found.elements)
    ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


def test_styles_do_not_leave_the_result(result: siteopt.Result) -> None:
    styles = result._repr_html_().split("<style>")[1].split("</style>")[0]
    for rule in styles.strip().splitlines():
        for selector in rule.split("{")[0].split(","):
            assert selector.strip().startswith(".siteopt-result")


def test_result_without_a_plan_shows_itself() -> None:
    assert "None of 3 candidates" in pages._nothing("project.horizon_days=15", 60)._repr_html_()


def test_front_shows_itself(tmp_path: Path) -> None:
    html = siteopt.pareto(write_world(tmp_path))._repr_html_()
    assert "The earliest start is day 23 at Alpha Works" in html
    assert "<svg" in html


def test_explanation_shows_its_lines(tmp_path: Path) -> None:
    sites = changed(SITES, "site_id", "beta", name=pages.INJECTION)
    html = siteopt.explain(write_world(tmp_path, sites), "beta")._repr_html_()
    assert html.startswith("<pre>Site")
    assert "<script>" not in html


@pytest.mark.skipif(
    not (HAS_FOLIUM or "CI" in os.environ), reason="no folium on this machine: `pip install siteopt[notebook]`"
)
def test_plan_can_be_explored(result: siteopt.Result) -> None:
    html = result.plan.explore().get_root().render()
    assert "Alpha Works" in html
    assert "LineString" in html
