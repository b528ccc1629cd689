"""The documents tell the truth: generated figures are those of a run, examples run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from siteopt.cli import app
from siteopt.message_catalogue import Code
from tests.shared_runs import solved_once

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "data" / "README.md", *(ROOT / "docs").glob("*.md")])


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate"] = module
    sys.path.insert(0, str(ROOT / "docs"))
    spec.loader.exec_module(module)
    module._solve = lambda *settings, scenario=module.COLOSSUS: solved_once(scenario, *settings)
    return module


GENERATOR = _generator()


HELD_ELSEWHERE = {*GENERATOR.BACKTEST, GENERATOR.explain}
"""Blocks that other tests run: of the back-tests, and of the commands of the README."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "key", [key for key, make in GENERATOR.BLOCKS.items() if make not in HELD_ELSEWHERE], ids=" ".join
)
def test_generated_block_is_up_to_date(key: tuple[str, str]) -> None:
    assert GENERATOR.block(*key) == GENERATOR.BLOCKS[key](), "run: make docs"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (path.parent / link).exists(), link


@pytest.mark.slow
def test_readme_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = "".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)).splitlines()
    commands = [line.split("#")[0] for line in lines if line.startswith(("siteopt ", "cd mysites"))]
    assert len(commands) > 3
    said: dict[str, str] = {}
    monkeypatch.chdir(tmp_path)
    for command in map(shlex.split, commands):
        if command[0] == "cd":
            monkeypatch.chdir(tmp_path / command[1])
            continue
        result = CliRunner().invoke(app, command[1:])
        assert result.exit_code == 0, result.output
        said[command[1]] = result.stdout
    assert f"```\n{said['explain']}```" == GENERATOR.block("README.md", "explain"), "run: make docs"
    assert (tmp_path / "mysites" / "runs" / "spare2" / "plan.json").is_file()


@pytest.mark.slow
def test_readme_python_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})
    assert "frugal: proven" in capsys.readouterr().out


def test_every_code_is_in_the_document_of_errors() -> None:
    headings = re.findall(r"^### (\w\d+): ", GENERATOR.errors(), re.MULTILINE)
    assert sorted(headings) == sorted(code.number for code in Code)
