"""Make the pictures of the documents: ``python docs/pictures.py`` (``make pictures``)."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import siteopt

ROOT = Path(__file__).parent.parent
COLOSSUS = ROOT / "models" / "colossus.toml"
PICTURES = ROOT / "docs" / "pictures"

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
COLOURS = 128
"""Enough for flat colours, and half the size."""
SCREEN = {"width": 1280, "height": 1080}


def report_picture(path: Path) -> None:
    """The top of the report of the reference run, as Chromium shows it (needs Chromium and Playwright: ``make tools``).

    Raises
    ------
    FileNotFoundError
        Where there is no Chromium.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise FileNotFoundError("no chromium on this machine: `make tools` installs it")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page_file = siteopt.solve(COLOSSUS).write(Path(folder) / "colossus") / "report.html"
        browser = driver.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        page = browser.new_page(viewport=SCREEN)
        page.goto(page_file.as_uri())
        picture = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    report_picture(PICTURES / "report.png")
