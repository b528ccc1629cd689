"""The page in a real browser: nothing breaks, nothing leaves it, everything is seen, tables sort and search."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.report import pages
from tests.report.browser import needs_browser, opened

pytestmark = needs_browser

WIDTHS = (380, 820, 1440)
MOST_BYTES = 3_000_000
Written = Callable[..., Path]

OVERFLOWING = """() => {
  const root = document.documentElement, wide = root.clientWidth;
  const inside = (element) => element.closest(".scroll, .skip, [hidden]") === null;
  const sticksOut = Array.from(document.querySelectorAll("body *")).filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.right > wide + 1 && inside(element) && element.closest("svg") === null;
  });
  return {scroll: root.scrollWidth - wide, sticksOut: sticksOut.map((element) => element.outerHTML.slice(0, 80))};
}"""

DRAWINGS = """() => Array.from(document.querySelectorAll("figure")).map((figure) => {
  const shown = Array.from(figure.querySelectorAll("svg")).map((svg) => svg.getBoundingClientRect())
    .filter((box) => box.width > 0 && box.height > 0);
  return shown.map((box) => [box.left, box.right, box.height]);
})"""

TEXT_OUTSIDE = """() => Array.from(document.querySelectorAll("figure svg")).flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  if (frame.width === 0) return [];
  return Array.from(svg.querySelectorAll("text")).filter((text) => {
    const box = text.getBoundingClientRect();
    return box.width > 0 && (box.left < frame.left - 2 || box.right > frame.right + 2);
  }).map((text) => text.textContent);
})"""


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes the page of a run, and says where."""

    def write(name: str, language: str = "en") -> Path:
        path = tmp_path / "report.html"
        path.write_text(pages.page(name, language), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", pages.RUNS)
def test_page_fits_and_every_drawing_is_seen(chromium: Any, written: Written, name: str, width: int) -> None:
    path = written(name)
    assert path.stat().st_size < MOST_BYTES
    with opened(chromium, path, width) as watched:
        assert watched.page.evaluate(OVERFLOWING) == {"scroll": 0, "sticksOut": []}
        drawings = watched.page.evaluate(DRAWINGS)
        assert drawings
        for shown in drawings:
            ((left, right, height),) = shown
            assert left >= 0
            assert right <= width
            assert height > 50
        assert watched.page.evaluate(TEXT_OUTSIDE) == []
        assert len(watched.page.screenshot(full_page=True)) > 10_000


def test_first_screen_tells_site_dates_faster_and_cost(chromium: Any, written: Written) -> None:
    with opened(chromium, written("small")) as watched:
        for text in ("Alpha Works", "24 January 2025", "17.4 to 21.7 times faster", "USD 307.73 million", "proven"):
            box = watched.page.get_by_text(text).first.bounding_box()
            assert box["y"] + box["height"] <= 720, text
        last = watched.page.locator(".milestones li").last.bounding_box()
        assert last["y"] + last["height"] <= 720


def column(watched: Any, number: int) -> list[str]:
    cells = watched.page.locator(f"#sites tbody tr td:nth-child({number})").all()
    return [cell.get_attribute("data-key") for cell in cells]


def test_table_sorts_by_numbers_and_by_words_with_blanks_last(chromium: Any, written: Written) -> None:
    with opened(chromium, written("small")) as watched:
        buttons = watched.page.locator("#sites th button").all()
        headers = watched.page.locator("#sites th").all()
        cost, name = 3, 1
        buttons[cost].click()
        assert headers[cost].get_attribute("aria-sort") == "ascending"
        assert column(watched, cost + 1) == ["307727896", "310656566", ""]
        buttons[cost].click()
        assert headers[cost].get_attribute("aria-sort") == "descending"
        assert column(watched, cost + 1) == ["310656566", "307727896", ""]
        buttons[name].focus()
        watched.page.keyboard.press("Enter")
        assert headers[cost].get_attribute("aria-sort") == "none"
        assert column(watched, name + 1) == ["alpha works", "beta mill", "강진 공장"]
        watched.page.keyboard.press("Enter")
        assert column(watched, name + 1) == ["강진 공장", "beta mill", "alpha works"]


def test_numbers_sort_as_numbers(chromium: Any, written: Written) -> None:
    with opened(chromium, written("twelve milestones")) as watched:
        watched.page.evaluate("""() => {
          const cells = document.querySelectorAll("#sites tbody td:nth-child(3)");
          ["100", "9", "20"].forEach((key, row) => { cells[row].dataset.key = key; });
        }""")
        watched.page.locator("#sites th button").nth(2).click()
        assert column(watched, 3) == ["9", "20", "100"]


def test_search_narrows_counts_and_clears(chromium: Any, written: Written) -> None:
    with opened(chromium, written("small")) as watched:
        search, count = watched.page.locator("#search"), watched.page.locator("#count")
        shown = watched.page.locator("#sites tbody tr:visible")
        assert count.inner_text() == "3 rows"
        search.fill("UNKNOWN grid")
        assert shown.count() == 1
        assert count.inner_text() == "1 of 3 rows"
        assert "강진" in shown.inner_text()
        search.fill("강진")
        assert shown.count() == 1
        search.fill("nowhere")
        assert shown.count() == 0
        assert count.inner_text() == "0 of 3 rows"
        search.fill("")
        assert shown.count() == 3
        assert count.inner_text() == "3 rows"


def test_table_is_whole_without_script(chromium: Any, written: Written) -> None:
    with opened(chromium, written("small"), java_script_enabled=False) as watched:
        assert watched.page.locator("#sites tbody tr").count() == 3
        assert not watched.page.locator("#search").is_visible()


def test_names_that_look_like_a_script_do_nothing(chromium: Any, written: Written) -> None:
    with opened(chromium, written("a script for a name")) as watched:
        assert watched.page.locator("script").count() == 1
        assert watched.page.locator("img").count() == 0
        assert watched.page.locator("h1").inner_text() == pages.INJECTION


def test_korean_page_has_a_glyph_for_every_letter(chromium: Any, written: Written) -> None:
    """A missing glyph is drawn as the same box, whatever the letter: so unlike letters must differ."""
    with opened(chromium, written("korean names", "ko")) as watched:
        assert watched.page.evaluate("document.documentElement.lang") == "ko"
        differ = watched.page.evaluate("""() => {
          const draw = (letter) => {
            const canvas = document.createElement("canvas");
            const pen = canvas.getContext("2d");
            pen.font = "40px " + getComputedStyle(document.body).fontFamily;
            pen.fillText(letter, 10, 60);
            return canvas.toDataURL();
          };
          return draw("강") !== draw("진") && draw("강") !== draw("\\u0378");
        }""")
        assert differ


@pytest.mark.parametrize(
    ("name", "most"), [("small", 8), ("forty orders", 12), ("many candidates", 14), ("no site", 4)]
)
def test_page_prints_on_a_few_sheets(chromium: Any, written: Written, name: str, most: int) -> None:
    with opened(chromium, written(name)) as watched:
        paper = watched.page.pdf(format="A4", print_background=True)
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= most
        watched.page.emulate_media(media="print")
        assert watched.page.locator(".drawing.wide").first.is_visible()
        assert not watched.page.locator("#search").is_visible()
