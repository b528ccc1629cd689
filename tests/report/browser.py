"""A real Chromium as a test client: Debian's, driven by Playwright, without a network."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    "--no-first-run",
)
TALL = {380: 800, 820: 1180, 1280: 720, 1440: 900}
"""Heights of windows by their widths."""


def installed() -> bool:
    """Whether there is a browser and what drives it; in CI there has to be."""
    if "CI" in os.environ:
        return True
    return importlib.util.find_spec("playwright") is not None and Path(CHROMIUM).exists()


needs_browser = pytest.mark.skipif(
    not installed(), reason="no Chromium or no Playwright on this machine: `make tools` installs them (Debian)"
)


@dataclass
class Watched:
    """A page, and everything that it said, asked for or broke."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def opened(chromium: Any, path: Path, width: int = 1280, **more: Any) -> Iterator[Watched]:
    """A page in a window of its own; at the end it must have said nothing, and asked for nothing but itself."""
    context = chromium.new_context(viewport={"width": width, "height": TALL[width]}, offline=True, **more)
    watched = Watched(context.new_page())
    watched.page.on("console", lambda message: watched.said.append(f"{message.type}: {message.text}"))
    watched.page.on("pageerror", lambda error: watched.said.append(f"error: {error}"))
    watched.page.on("dialog", lambda dialog: (watched.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    watched.page.on("request", lambda request: watched.asked.append(request.url))
    try:
        watched.page.goto(path.as_uri())
        yield watched
        assert watched.said == []
        assert watched.asked == [path.as_uri()]
    finally:
        context.close()
