"""Settings of the whole suite."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from siteopt.log import FOLDER
from siteopt.output.charts import drawing, engine
from tests import shared_runs

settings.register_profile("siteopt", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("siteopt")


@pytest.fixture(scope="session", autouse=True)
def _engine_of_the_session() -> Iterator[None]:
    """The chart engine starts once, in the process of the tests; ``own_engine`` gives a test what users have."""
    answer = drawing._answer
    drawing._answer = lambda asked: json.dumps(engine.drawings(asked.splitlines())).encode()
    yield
    drawing._answer = answer


_OWN_ENGINE = drawing._answer


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are drawn in a process of their own."""
    monkeypatch.setattr(drawing, "_answer", _OWN_ENGINE)


@pytest.fixture(scope="session", autouse=True)
def _shared_runs(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> None:
    """The processes of a run share the scenarios that one of them has solved."""
    own = tmp_path_factory.getbasetemp()
    is_worker = hasattr(pytestconfig, "workerinput")  # whose folder is in that of the run
    shared_runs.folder = (own.parent if is_worker else own) / "shared"
    shared_runs.folder.mkdir(exist_ok=True)


@pytest.fixture(scope="session", autouse=True)
def _logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves a log with the user's own."""
    os.environ[FOLDER] = str(tmp_path_factory.mktemp("logs"))
    yield
    del os.environ[FOLDER]
