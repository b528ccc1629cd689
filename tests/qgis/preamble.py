# ruff: noqa
# mypy: ignore-errors
"""Runs inside QGIS, before every script: the application, and what scripts need of it."""

import gc
import json
import sys

from qgis.core import *
from qgis.gui import QgsGui, QgsMapCanvas
from qgis.PyQt.QtCore import QDate, QDateTime, QSize, Qt, QTime
from qgis.PyQt.QtGui import QColor, QImage

_request = json.loads(sys.argv[1])
app = QgsApplication([], True)
app.initQgis()
project = QgsProject.instance()
globals().update(_request["given"])


def answer(value):
    """Hand a value back to the test."""
    with open(_request["answer"], "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)


def close():
    """End QGIS without a crash: what Python holds of it goes first."""
    for name, value in list(globals().items()):
        if isinstance(value, (QgsMapLayer, QgsMapCanvas, QgsFeature)) or name in ("labels", "feature"):
            del globals()[name]
    gc.collect()
    project.clear()
    app.exitQgis()


def opened(path, width=1400, height=900):
    """Open a project as the desktop does; returns a canvas that shows what it shows first."""
    canvas = QgsMapCanvas()
    canvas.resize(width, height)
    project.readProject.connect(canvas.readProject)
    project.read(path)
    return canvas


def layer(name):
    """A layer of the open project by its name in the GeoPackage."""
    return project.mapLayer("siteopt_layer_" + name)


def picture(layers, extent, crs, background="#ffffff", width=1400, height=900):
    """What layers look like, and the labels that were placed: (image, label positions, extent)."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setOutputSize(QSize(width, height))
    settings.setOutputDpi(96)
    settings.setDestinationCrs(crs)
    settings.setTransformContext(project.transformContext())
    settings.setLabelingEngineSettings(project.labelingEngineSettings())
    settings.setBackgroundColor(QColor(background))
    settings.setExtent(extent)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage(), job.takeLabelingResults().allLabels(), settings.visibleExtent()


def shown():
    """The layers that the open project draws, in its order."""
    root = project.layerTreeRoot()
    return [one for one in root.layerOrder() if root.findLayer(one.id()).isVisible()]


def colours(image, box=None):
    """Pixels by colour, of the image or of a box (left, top, right, bottom) of it."""
    left, top, right, bottom = box or (0, 0, image.width(), image.height())
    counts = {}
    for x in range(max(0, left), min(image.width(), right)):
        for y in range(max(0, top), min(image.height(), bottom)):
            name = image.pixelColor(x, y).name().upper()
            counts[name] = counts.get(name, 0) + 1
    return counts


def rendered(one, scale=2e7):
    """How many features of a layer its renderer draws."""
    context = QgsRenderContext()
    context.setRendererScale(scale)
    context.expressionContext().appendScopes(QgsExpressionContextUtils.globalProjectLayerScopes(one))
    renderer = one.renderer().clone()
    renderer.startRender(context, one.fields())
    count = 0
    for feature in one.getFeatures():
        context.expressionContext().setFeature(feature)
        count += renderer.willRenderFeature(feature, context)
    renderer.stopRender(context)
    return count


def categories(one):
    """Categories of a layer: value to (colour, shape or dashes)."""
    return {item.value(): look(item.symbol()) for item in one.renderer().categories()}


def look(symbol):
    """Colour of a symbol, and its shape or its dashes."""
    top = symbol.symbolLayer(symbol.symbolLayerCount() - 1)
    if symbol.type() == QgsSymbol.Marker:
        name = QgsSimpleMarkerSymbolLayerBase.encodeShape(top.shape())
        hollow = top.fillColor().alpha() == 0
        return [(top.strokeColor() if hollow else top.fillColor()).name().upper(), name]
    line = symbol.symbolLayer(1)
    return [line.color().name().upper(), line.customDashVector() if line.useCustomDashPattern() else []]


def tip(one, feature):
    """The map tip of a feature."""
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(one))
    context.setFeature(feature)
    return QgsExpression.replaceExpressionText(one.mapTipTemplate(), context)


def on_the_day(one, day):
    """The features of a layer that the Temporal Controller shows on a day."""
    begin = QDateTime(QDate.fromString(day, "yyyy-MM-dd"), QTime(0, 0), Qt.UTC)
    context = QgsVectorLayerTemporalContext()
    context.setLayer(one)
    span = QgsDateTimeRange(begin, begin.addDays(1), True, False)
    text = one.temporalProperties().createFilterString(context, span)
    assert text, one.name()
    return list(one.getFeatures(QgsFeatureRequest().setFilterExpression(text)))


def last_frame():
    """The last day that the Temporal Controller plays in the open project."""
    player = QgsTemporalNavigationObject()
    times = project.timeSettings()
    player.setTemporalExtents(times.temporalRange())
    player.setFrameDuration(QgsInterval(times.timeStep(), times.timeStepUnit()))
    frame = player.dateTimeRangeForFrameNumber(player.totalFrameCount() - 1)
    return frame.begin().toString("yyyy-MM-dd")
