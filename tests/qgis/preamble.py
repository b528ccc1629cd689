# ruff: noqa
# mypy: ignore-errors
"""Runs inside QGIS, before every script: the application, and what scripts need of it."""

import json
import sys

from qgis.core import *
from qgis.PyQt.QtCore import QSize
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
    """End QGIS without a crash: layers first."""
    project.clear()
    app.exitQgis()
