"""Write a QGIS project: its layers and their groups, how they look, and what the map shows first."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from xml.etree.ElementTree import Element

from siteopt.output import qml
from siteopt.output.basemap import Box
from siteopt.output.layer import Layer
from siteopt.output.palette import WATER
from siteopt.output.qml import element
from siteopt.output.styles import Style, style_elements

MERCATOR = (3857, 3857, "+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +no_defs")
WGS84 = (3452, 4326, "+proj=longlat +datum=WGS84 +no_defs")
"""Each CRS as QGIS finds it without a network: QGIS's own number, the EPSG code, and the PROJ definition."""

VERSION = "3.22.16"
"""Version of QGIS: the oldest one that the tests use. A newer QGIS says that it would write the project differently."""

ZIPPED = (1980, 1, 1, 0, 0, 0)
"""Time at which the project says it was zipped; it is fixed, so that equal runs give equal bytes."""

_RADIUS_M = 6_378_137.0
_LAST_LATITUDE = 85.0
_MARGIN = 0.02


@dataclass(frozen=True)
class Shown:
    """A layer in a project.

    Attributes
    ----------
    source : str
        Data source as the provider reads it, relative to the project.
    height : int
        A layer with a greater height is drawn above the others, wherever it is in the tree.
    more : tuple of Element
        Further elements of the layer beside its style, such as the widgets of its form.
    """

    layer: Layer
    style: Style
    source: str
    provider: str = "ogr"
    read_only: bool = True
    height: int = 0
    more: tuple[Element, ...] = ()

    @property
    def id(self) -> str:
        """Return the id of the layer. It needs more than ten characters.

        Otherwise QGIS makes another id and leaves the layer out of the tree.
        """
        return f"siteopt_layer_{self.layer.name}"


@dataclass(frozen=True)
class Group:
    """A group of the layer tree; of layers with equal height, the first one is drawn on top."""

    name: str
    layers: tuple[Shown, ...]
    visible: bool = True
    expanded: bool = True


def project(
    title: str, description: str, groups: Sequence[Group], view: Box, days: tuple[str, str] | None = None
) -> bytes:
    """Return the bytes of a ``.qgz`` file.

    Parameters
    ----------
    view : Box
        Area that the map shows first.
    days : (first, last), ISO dates, optional
        Period that the Temporal Controller plays, day by day.
    """
    layers = [shown for group in groups for shown in group.layers]
    root = element("qgis", version=VERSION, projectname=title)
    root.append(element("title", title))
    root.append(element("projectCrs", None, _crs(MERCATOR)))
    root.append(element("layer-tree-group", None, *map(_tree_group, groups), _order(groups)))
    root.append(_canvas(view))
    root.append(element("projectlayers", None, *map(_map_layer, layers)))
    root.append(_properties(title, view))
    root.append(element("projectMetadata", None, element("title", title), element("abstract", description)))
    if days is not None:
        root.append(_times(*days))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("siteopt.qgs", ZIPPED), qml.xml(root), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _crs(crs: tuple[int, int, str]) -> Element:
    number, epsg, proj4 = crs
    made = element("spatialrefsys", None, element("proj4", proj4), element("srsid", number), element("srid", epsg))
    made.append(element("authid", f"EPSG:{epsg}"))
    return made


def _tree_group(group: Group) -> Element:
    checked = "Qt::Checked" if group.visible else "Qt::Unchecked"
    made = element("layer-tree-group", name=group.name, expanded=int(group.expanded), checked=checked)
    for shown in group.layers:
        entry = element("layer-tree-layer", id=shown.id, name=shown.layer.title, checked="Qt::Checked")
        entry.set("expanded", str(int(group.expanded)))
        entry.set("source", qml.clean(shown.source))
        entry.set("providerKey", shown.provider)
        made.append(entry)
    return made


def _order(groups: Sequence[Group]) -> Element:
    """Return the order of drawing: by height, and within one height by the order of the tree."""
    layers = sorted((shown for group in groups for shown in group.layers), key=lambda shown: -shown.height)
    return element("custom-order", None, *(element("item", shown.id) for shown in layers), enabled=1)


def mercator(view: Box) -> tuple[float, float, float, float]:
    """Return west, south, east and north of a box in metres of EPSG:3857, with a margin."""
    west, south, east, north = view
    low, high = (max(-_LAST_LATITUDE, min(_LAST_LATITUDE, latitude)) for latitude in (south, north))
    x = [_RADIUS_M * math.radians(longitude) for longitude in (west, east)]
    y = [_RADIUS_M * math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)) for latitude in (low, high)]
    across, up = ((end - start) * _MARGIN for start, end in (x, y))
    return (x[0] - across, y[0] - up, x[1] + across, y[1] + up)


def _extent(view: Box) -> list[Element]:
    values = zip(("xmin", "ymin", "xmax", "ymax"), mercator(view), strict=True)
    return [element(name, f"{value:.3f}") for name, value in values]


def _canvas(view: Box) -> Element:
    extent = element("extent", None, *_extent(view))
    crs = element("destinationsrs", None, _crs(MERCATOR))
    return element("mapcanvas", None, element("units", "meters"), extent, element("rotation", 0), crs, **_CANVAS)


_CANVAS = {"name": "theMapCanvas", "annotationsVisible": 1}


def _map_layer(shown: Shown) -> Element:
    layer = shown.layer
    made = element("maplayer", type="vector", geometry=layer.geometry, **shown.style.attributes)
    made.set("styleCategories", "AllStyleCategories")
    made.set("readOnly", str(int(shown.read_only)))
    made.append(element("id", shown.id))
    made.append(element("datasource", shown.source))
    made.append(element("title", layer.title))
    made.append(element("abstract", layer.description))
    made.append(element("layername", layer.title))
    made.append(element("srs", None, _crs(WGS84)))
    made.append(element("provider", shown.provider, encoding="UTF-8"))
    made.extend(style_elements(shown.style, layer.fields))
    made.extend(shown.more)
    return made


def _properties(title: str, view: Box) -> Element:
    """Return the settings: background, distances on the ellipsoid, relative paths, a headline and a scale bar."""
    red, green, blue = qml.rgba(WATER).split(",")[:3]
    settings: dict[str, dict[str, tuple[str, object]]] = {
        "Gui": {f"CanvasColor{name}Part": ("int", value) for name, value in zip(_RGB, (red, green, blue), strict=True)},
        "Measure": {"Ellipsoid": ("QString", "EPSG:7030")},
        "PAL": {"ShowingPartialsLabels": ("bool", "false"), "PlacementEngineVersion": ("int", 1)},
        "Paths": {"Absolute": ("bool", "false")},
        "SpatialRefSys": {"ProjectionsEnabled": ("int", 1)},
        "TitleLabel": {
            "Enabled": ("bool", "true"),
            "Label": ("QString", title),
            "Placement": ("int", 4),  # top, in the middle
            "BackgroundColor": ("QString", qml.rgba("#FFFFFF", 0.9)),
        },
        "ScaleBar": {
            "Enabled": ("bool", str(view[2] - view[0] < _MEASURABLE_DEG).lower()),
            "Placement": ("int", 0),
            "Style": ("int", 3),
        },
    }
    made = element("properties")
    for scope, entries in settings.items():
        made.append(element(scope, None, *(element(name, value, type=kind) for name, (kind, value) in entries.items())))
    return made


_MEASURABLE_DEG = 120.0
"""Width of a map, in degrees, from which QGIS measures its scale bar around the other side of the Earth."""
_RGB = ("Red", "Green", "Blue")


def _times(first: str, last: str) -> Element:
    """Return the range and the step of the Temporal Controller; the last day is its last frame."""
    end = date.fromisoformat(last) + timedelta(days=1)
    span = element("TemporalRange", None, element("start", f"{first}T00:00:00Z"), element("end", f"{end}T00:00:00Z"))
    step = {"timeStep": 1, "timeStepUnit": "d", "frameRate": 4, "cumulativeTemporalRange": 0}
    return element("ProjectTimeSettings", None, span, **step)
