"""Charts are drawn in a process of its own, and whatever becomes of it, the page comes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from siteopt.message_catalogue import Code
from siteopt.output.charts import drawing
from siteopt.output.charts.base import ACROSS, DOWN, NARROW, WIDE, Chart, Frame, Spec, texts
from siteopt.output.charts.drawing import NotDrawn, pictures, svgs
from siteopt.output.report import NoChartsWarning, report
from siteopt.output.translations import Translations
from tests.report import pages


def chart(text: str = "hello") -> Chart:
    def draw(width: int) -> Spec:
        label = {"x": 10, "y": 10, "text": text, "color": "black"}
        return Frame(width, 40).around([texts(ACROSS, DOWN, [label])])

    return Chart("trial", "A title", "What it shows.", draw)


@pytest.mark.usefixtures("own_engine")
def test_own_process_draws_what_the_one_of_the_tests_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    found = svgs([chart("가 < & \u2028")], [WIDE, NARROW])
    picture = pictures([chart()])["trial.png"]
    monkeypatch.undo()
    assert found == svgs([chart("가 < & \u2028")], [WIDE, NARROW])
    assert picture == pictures([chart()])["trial.png"]
    assert "가 &lt; &amp;" in found[0][0]


ENGINES = {
    "import os, signal; os.kill(os.getpid(), signal.SIGTRAP)": "was ended by SIGTRAP",
    "raise SystemExit(3)": "ended with exit code 3",
    "import time; time.sleep(60)": "did not finish within 0.5 s",
    "print('nonsense')": "cannot be read",
    "": "cannot be read",
    "print('[' * 100_000)": "cannot be read",
    "print('{}')": "other things than the drawings",
    "print('[]')": "other things than the drawings",
    "print('[1]')": "other things than the drawings",
    "import sys; sys.stdout.buffer.write(b'[\\xff]')": "cannot be read",
    "print('[\"<svg\"]')": "something else than an SVG",
    "print('[\"<html/>\"]')": "something else than an SVG",
}


@pytest.mark.usefixtures("own_engine")
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("source", ENGINES)
def test_engine_that_fails_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    (tmp_path / "engine.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(drawing, "ENGINE", tmp_path / "engine.py")
    monkeypatch.setattr(drawing, "SECONDS", 0.5 if "sleep" in source else 60.0)
    with pytest.raises(NotDrawn, match=ENGINES[source]) as caught:
        svgs([chart()], [WIDE])
    assert caught.value.code is Code.NO_CHARTS


@pytest.mark.usefixtures("own_engine")
@pytest.mark.parametrize("program", ["", "/no/such/python"])
def test_engine_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(NotDrawn, match="cannot be started"):
        svgs([chart()], [WIDE])


@pytest.mark.parametrize("answer", ['["", "<svg xmlns=\'http://www.w3.org/2000/svg\'/>"]', '["aGVsbG8=", ""]'])
def test_picture_that_is_none_is_seen(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(drawing, "_answer", lambda asked: answer.encode())
    with pytest.raises(NotDrawn, match="something else than a PNG"):
        pictures([chart()])


def test_page_without_charts_has_captions_and_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(asked: bytes) -> bytes:
        raise NotDrawn("it was ended by SIGTRAP")

    whole = report(pages.small().run, pages.small().plan_features, Translations())
    monkeypatch.setattr(drawing, "_answer", dies)
    for language, said in (("en", "could not be drawn"), ("ko", "그리지 못했습니다")):
        with pytest.warns(NoChartsWarning, match=r"ended by SIGTRAP \[W406\]"):
            page = report(pages.small().run, pages.small().plan_features, Translations(language))
        assert "<svg" not in page
        assert page.count(said) == whole.count('class="drawing wide"') > 3
        if language == "en":
            assert "6 units are delivered from 1 depot" in page
            assert page.count("<figcaption>") == whole.count("<figcaption>")
