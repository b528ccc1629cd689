"""Turn charts into SVG and PNG, drawn by ``engine.py`` in a process of its own."""

from __future__ import annotations

import base64
import binascii
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from siteopt.issues import Failure
from siteopt.log import note
from siteopt.message_catalogue import Code
from siteopt.output.charts.base import FONT, WIDE, Chart, Spec
from siteopt.output.ownership import signed

SECONDS = 120.0
"""Longest wait for the drawings of a page, which take about a second."""
ENGINE = Path(__file__).with_name("engine.py")
PNG = b"\x89PNG\r\n\x1a\n"
LOGGED = 2000
"""Maximum number of letters of the engine's own messages that the log keeps."""

_SVG = "http://www.w3.org/2000/svg"
_NOISE = ("role", "class", "pointer-events", "aria-roledescription", "aria-hidden", "aria-label")


class NotDrawn(Failure):
    """The charts cannot be drawn on this machine; ``why`` says how the chart engine failed."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(
            Code.NO_CHARTS,
            f"the charts cannot be drawn on this machine: the chart engine failed, {why}; nothing was changed",
        )


def svgs(charts: Sequence[Chart], widths: Sequence[int], prefix: str = "") -> list[list[str]]:
    """Return each chart as SVG without script, once for each width; the ``<title>`` of a mark gives its meaning.

    Parameters
    ----------
    prefix : str
        Text before every id, so that one page can hold many drawings.

    Raises
    ------
    NotDrawn
        If the charts cannot be drawn on this machine.
    """
    wanted = [(chart, width) for chart in charts for width in widths]
    found = iter(_drawn([("svg", chart.draw(width)) for chart, width in wanted]))
    return [[_svg(chart, next(found), f"{prefix}{chart.name}{width}-") for width in widths] for chart in charts]


def pictures(charts: Sequence[Chart]) -> dict[str, str | bytes]:
    """Return each chart as PNG and SVG, by file name.

    Raises
    ------
    NotDrawn
        If the charts cannot be drawn on this machine.
    """
    wanted: list[tuple[str, Spec]] = []
    for chart in charts:
        found = chart.draw(WIDE)
        wanted += [("png", found | {"config": found["config"] | {"font": FONT}}), ("svg", found)]
    drawn = iter(_drawn(wanted))
    files: dict[str, str | bytes] = {}
    for chart in charts:
        files[f"{chart.name}.png"] = signed(_png(next(drawn)))
        files[f"{chart.name}.svg"] = signed(_svg(chart, next(drawn), f"{chart.name}{WIDE}-").encode())
    return files


def _drawn(wanted: Sequence[tuple[str, Spec]]) -> list[str]:
    """Return the drawings of the engine, in the order of the specifications; raise NotDrawn if there are none."""
    asked = "".join(f"{kind} {json.dumps(one)}\n" for kind, one in wanted).encode()
    try:
        found = json.loads(_answer(asked))
    except (ValueError, RecursionError):
        raise NotDrawn("its answer cannot be read") from None
    if not (isinstance(found, list) and len(found) == len(wanted) and all(isinstance(one, str) for one in found)):
        raise NotDrawn("its answer holds other things than the drawings")
    return found


def _answer(asked: bytes) -> bytes:
    """Return what the engine answers; raise NotDrawn if it does not end well."""
    command = [sys.executable, "-P", str(ENGINE)]
    try:
        # in a session of its own, because Ctrl-C asks this process to stop, and not the engine
        ended = subprocess.run(
            command, input=asked, capture_output=True, timeout=SECONDS, check=False, start_new_session=True
        )
    except subprocess.TimeoutExpired:
        raise NotDrawn(f"it did not finish within {SECONDS:g} s") from None
    except OSError as error:
        raise NotDrawn(f"it cannot be started ({error.strerror})") from None
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip()
        note("chart engine", code=ended.returncode, stderr=said[-LOGGED:])
        raise NotDrawn(f"it {_end(ended.returncode)}")
    return ended.stdout


def _end(code: int) -> str:
    """Return how a process with this exit code ended, in words."""
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended with exit code {code}"


def _png(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        found = b""
    if not found.startswith(PNG):
        raise NotDrawn("its answer holds something else than a PNG")
    return found


def _svg(chart: Chart, text: str, prefix: str) -> str:
    """Return the SVG of the engine for a page: without noise, and with its meaning."""
    ElementTree.register_namespace("", _SVG)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        root = ElementTree.Element("nothing")
    if root.tag != f"{{{_SVG}}}svg":
        raise NotDrawn("its answer holds something else than an SVG")
    _clean(root, prefix)
    root.set("font-family", FONT)
    root.set("role", "img")
    root.set("aria-label", f"{chart.title}. {chart.caption}")
    return ElementTree.tostring(root, encoding="unicode")


def _clean(root: ElementTree.Element, prefix: str) -> None:
    """Remove parts that a browser does not need, turn descriptions into titles, and make ids unique."""
    for parent in list(root.iter()):
        for child in list(parent):
            if (child.tag == f"{{{_SVG}}}path" and not child.get("d")) or _is_empty_frame(child):
                parent.remove(child)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    own = {name: f"{prefix}{number}" for number, name in enumerate(ids)}  # Vega numbers ids across drawings
    for element in root.iter():
        described = element.get("aria-label") if element.get("aria-roledescription") == "what" else None
        for name in (*_NOISE, "font-family"):
            element.attrib.pop(name, None)
        if described:
            title = ElementTree.Element(f"{{{_SVG}}}title")
            title.text = described
            element.insert(0, title)
        for name, value in list(element.attrib.items()):
            if name == "id":
                element.set(name, own[value])
            elif value.startswith("url(#"):
                element.set(name, f"url(#{own[value[5:-1]]})")


def _is_empty_frame(element: ElementTree.Element) -> bool:
    return element.get("class") == "background" and not element.get("fill") and not element.get("stroke")
