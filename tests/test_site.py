"""The site of the documents names all that is public, and every page."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import siteopt

DOCS = Path(__file__).parent.parent / "docs"


def test_every_public_name_is_in_the_reference() -> None:
    reference = (DOCS / "api.rst").read_text(encoding="utf-8")
    described = re.findall(r"^\.\. auto(?:function|class|exception):: (\w+)$", reference, re.MULTILINE)
    assert sorted(described) == sorted(set(siteopt.__all__) - {"__version__"})


def test_every_record_of_the_reference_is_there() -> None:
    reference = (DOCS / "api.rst").read_text(encoding="utf-8")
    records = re.findall(r"^\.\. autoclass:: ([\w.]+)\.(\w+)$", reference, re.MULTILINE)
    assert records
    for module, name in records:
        assert hasattr(import_module(module), name), f"{module}.{name}"


def test_every_document_is_a_page_of_the_site() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = {line for block in re.findall(r"```{toctree}\n(.*?)```", index, re.DOTALL) for line in block.splitlines()}
    pages = [
        path.relative_to(DOCS).with_suffix("").as_posix() for path in (*DOCS.glob("*.md"), *DOCS.glob("*/*.ipynb"))
    ]
    assert set(pages) - {"index"} <= listed
