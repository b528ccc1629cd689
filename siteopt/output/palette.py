"""Define the colours and shapes of maps and reports: the palette of Okabe and Ito (2008), for any colour vision."""

from __future__ import annotations

from siteopt.equipment import KINDS
from siteopt.instance import WORKS
from siteopt.record.base import Standing

STANDING: dict[str, str] = {
    Standing.CHOSEN: "#D55E00",
    Standing.RANKED: "#0072B2",
    Standing.NOT_RANKED: "#56B4E9",
    Standing.UNDECIDED: "#F0E442",
    Standing.CANNOT_SERVE: "#000000",
    Standing.EXCLUDED: "#8A8A8A",
}
"""Colour of a site by its standing."""

MARKER: dict[str, str] = {
    Standing.CHOSEN: "star",
    Standing.RANKED: "circle",
    Standing.NOT_RANKED: "circle",
    Standing.UNDECIDED: "diamond",
    Standing.CANNOT_SERVE: "cross",
    Standing.EXCLUDED: "square",
}
"""Shape of a site by its standing, so that standings can be told apart without colour."""

OWN = "own"
"""Name of what a site has of its own: its switchgear and transformers, its towers."""

KIND: dict[str, str] = {"grid": "#0072B2", OWN: "#8A8A8A", **{kind.name: kind.colour for kind in KINDS}}
"""Colour of a source of power, cooling or distribution; some are also colours of sites, which are points, not lines."""

WORK: dict[str, str] = dict(zip(WORKS, ("#8C6D46", "#A88C68", "#C3AC8D", "#DDCDB5"), strict=True))
"""Colour of the works that make a site ready: browns, which are no colour of a kind of equipment."""

SEVERITY: dict[str, str] = {"error": "#D55E00", "warning": "#0072B2", "excluded": "#CC79A7", "assumed": "#E69F00"}
"""Colour of an issue of the input by its severity, of an unknown value and of an assumed one."""

INK = "#1F2A30"
"""Colour of text and outlines."""
LAND = "#F7F4ED"
WATER = "#D8E6EE"
BORDER = "#B5AFA3"
