"""Every kind of fault has a number of its own, and is in use."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from siteopt.message_catalogue import Code

PACKAGE = Path(__file__).parent.parent / "siteopt"


def codes_named() -> set[str]:
    """Every ``Code.NAME`` in the package."""
    nodes = (
        node
        for path in PACKAGE.rglob("*.py")
        if path.name != "message_catalogue.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
    return {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code"
    }


NAMED = codes_named()


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_code_is_used(code: Code) -> None:
    assert code.name in NAMED


def test_numbers_are_unique() -> None:
    numbers = [code.number for code in Code]
    assert len(numbers) > 30
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_code_says_what_why_and_what_helps(code: Code) -> None:
    assert re.fullmatch(r"[EW]\d{3}", code.number)
    assert code.is_warning == (code.number[0] == "W")
    assert code.title[-1] not in ".:"
    assert code.cause.endswith(".")
    assert code.cure.endswith(".")
