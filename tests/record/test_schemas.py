"""The JSON Schemas: they are those of the models, and what siteopt writes and prints keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

import siteopt
from siteopt.cli import app
from siteopt.record.schemas import FOLDER, RECORDS, files
from tests.worlds import write_world


def test_stored_schemas_are_those_of_the_models() -> None:
    made = files()
    assert {path.name for path in FOLDER.iterdir()} == {path.name for path in made}
    for path, text in made.items():
        assert json.loads(path.read_text(encoding="utf-8")) == json.loads(text), path.name


def test_every_schema_is_one() -> None:
    for text in files().values():
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What siteopt writes and prints of a small world, by the names of the records."""
    folder = tmp_path_factory.mktemp("world")
    scenario = write_world(folder)
    siteopt.solve(siteopt.read_scenario(scenario, ['power_quality.class="G2"'])).write(folder / "run")
    siteopt.pareto(scenario).write(folder / "front")
    siteopt.capacity(scenario, 200).write(folder / "capacity")

    def printed(*arguments: object) -> Any:
        return json.loads(CliRunner().invoke(app, [str(one) for one in (*arguments, "--json")]).stdout)

    (folder / "changed.csv").write_text("offer_id,lead_days\nchiller,60\n", encoding="utf-8")
    return {
        "plan": json.loads((folder / "run" / "plan.json").read_text(encoding="utf-8")),
        "pareto": json.loads((folder / "front" / "pareto.json").read_text(encoding="utf-8")),
        "capacity": json.loads((folder / "capacity" / "capacity.json").read_text(encoding="utf-8")),
        "explain": printed("explain", scenario, "beta"),
        "verify": printed("verify", folder / "run", "--with", folder / "changed.csv", "--scenario", scenario),
        "prove": printed("prove", folder / "run", "--scenario", scenario),
    }


@pytest.mark.parametrize("name", RECORDS)
def test_what_is_written_keeps_its_schema(written: dict[str, Any], name: str) -> None:
    (path,) = FOLDER.glob(f"{name}-*.schema.json")
    found = jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
    assert list(found.iter_errors(written[name])) == []
    spoilt = {**written[name], "more": 1}
    assert list(found.iter_errors(spoilt))


@pytest.mark.parametrize("name", RECORDS)
def test_what_is_written_is_read_back_as_it_was(written: dict[str, Any], name: str) -> None:
    model = RECORDS[name]
    record = model.model_validate(written[name])
    assert model.model_validate_json(record.model_dump_json()) == record
    assert json.loads(record.model_dump_json()) == written[name]


def test_schemas_lie_in_the_package() -> None:
    assert FOLDER.parent == Path(siteopt.__file__).parent / "record"
