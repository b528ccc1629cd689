from __future__ import annotations

from pathlib import Path

import pytest

from siteopt.message_catalogue import Code
from tests.broken import broken_files, checked, recorded

FILES = broken_files()
TOLD = recorded()


def test_every_file_has_its_message_and_there_are_many() -> None:
    assert sorted(TOLD) == FILES
    assert len(FILES) >= 200


@pytest.mark.parametrize("name", FILES)
def test_broken_file_gets_its_message(name: str, tmp_path: Path) -> None:
    done = checked(name, tmp_path)
    assert done.exit_code == 2
    assert done.output.splitlines() == TOLD[name]


@pytest.mark.parametrize("name", FILES)
def test_message_names_the_place_and_a_code(name: str) -> None:
    *issues, count = TOLD[name]
    assert count.endswith("; nothing was written")
    numbers = {code.number for code in Code if code is not Code.UNEXPECTED}
    assert all(line.rpartition("[")[2].rstrip("]") in numbers for line in issues if not line.startswith("warning"))
    assert not any("Traceback" in line for line in TOLD[name])
