"""Make the pictures of the documents: ``python docs/pictures.py`` (``make pictures``)."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import siteopt
from siteopt.output.charts.drawing import pictures
from siteopt.output.charts.electric import frequency
from siteopt.output.translations import Translations

ROOT = Path(__file__).parent.parent
COLOSSUS = ROOT / "models" / "colossus.toml"
PICTURES = ROOT / "docs" / "pictures"

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
COLOURS = 256
"""Enough for flat colours, and a third of the size."""
SCREEN = {"width": 1280, "height": 1080}

WINDOW_WIDTH, WINDOW_HEIGHT = 1400, 900

WINDOW = """
import os
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface

window = iface.mainWindow()


def arrange():
    docks = window.findChildren(QDockWidget)
    for dock in docks:
        dock.setVisible(dock.objectName() == "Layers")
    window.showNormal()
    window.resize(int(os.environ["WINDOW_WIDTH"]), int(os.environ["WINDOW_HEIGHT"]))
    window.resizeDocks([dock for dock in docks if dock.objectName() == "Layers"], [300], Qt.Horizontal)
    QTimer.singleShot(5000, keep)


def keep():
    window.grab().save(os.environ["PICTURE"])
    os._exit(0)


QTimer.singleShot(3000, arrange)
"""
"""Script that runs inside QGIS once the project is open, and saves the window with its map and legend."""


def report_picture(path: Path) -> None:
    """Draw the top of the report of the reference run in Chromium (needs Chromium and Playwright: ``make tools``).

    Raises
    ------
    FileNotFoundError
        If there is no Chromium.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise FileNotFoundError("no chromium on this machine: `make tools` installs it")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page_file = siteopt.solve(COLOSSUS).write(Path(folder) / "colossus") / "report.html"
        browser = driver.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        page = browser.new_page(viewport=SCREEN)
        page.goto(page_file.as_uri())
        picture = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    _keep(picture, path)


def qgis_picture(path: Path) -> None:
    """Draw the reference run as it opens in the QGIS desktop (needs QGIS and Xvfb: ``make tools``).

    Raises
    ------
    FileNotFoundError
        If QGIS made no picture.
    """
    run = siteopt.solve(COLOSSUS).write(ROOT / "runs" / "colossus")  # QGIS marks layers of a temporary folder
    with tempfile.TemporaryDirectory() as folder:
        script, window = Path(folder) / "window.py", Path(folder) / "window.png"
        script.write_text(WINDOW, encoding="utf-8")
        sizes = {"WINDOW_WIDTH": str(WINDOW_WIDTH), "WINDOW_HEIGHT": str(WINDOW_HEIGHT)}
        screen = ["xvfb-run", "-a", "-s", f"-screen 0 {WINDOW_WIDTH}x{WINDOW_HEIGHT}x24"]
        desktop = ["qgis", "--nologo", "--profiles-path", f"{folder}/profiles", "--code", str(script)]
        subprocess.run(
            [*screen, *desktop, str(run / "siteopt.qgz")],
            env={**os.environ, **sizes, "PICTURE": str(window)},
            check=False,  # the exit code does not tell success; the picture does
            timeout=120,
        )
        with Image.open(window) as picture:
            _keep(picture, path)


def frequency_picture(path: Path) -> None:
    """Draw the frequency at Memphis with and without batteries, as the report shows it."""
    memphis = siteopt.solve(siteopt.read_scenario(COLOSSUS, ['filter.regions=["TN"]']))
    assert memphis.record.plan is not None
    chart = frequency(memphis.record.plan, Translations.of(memphis.record))
    assert chart is not None
    picture = pictures([chart])[f"{chart.name}.png"]
    assert isinstance(picture, bytes)
    _keep(Image.open(io.BytesIO(picture)), path)


def _keep(picture: Image.Image, path: Path) -> None:
    """Save a picture with few colours, each near the original, since rare colours carry meaning."""
    few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    path.parent.mkdir(parents=True, exist_ok=True)
    few.save(path, optimize=True)


if __name__ == "__main__":
    report_picture(PICTURES / "report.png")
    qgis_picture(PICTURES / "qgis.png")
    frequency_picture(PICTURES / "frequency.png")
