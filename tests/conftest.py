"""Settings of the whole suite."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from siteopt.log import FOLDER

settings.register_profile("siteopt", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("siteopt")


@pytest.fixture(scope="session", autouse=True)
def _logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves a log with the user's own."""
    os.environ[FOLDER] = str(tmp_path_factory.mktemp("logs"))
    yield
    del os.environ[FOLDER]
