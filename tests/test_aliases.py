"""Old spellings of columns, keys and Python names are read as the present ones, without an issue."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas
import numpy as np
import pytest

import siteopt
from siteopt import aliases
from siteopt.message_catalogue import Code
from siteopt.output.folder import write_folder
from siteopt.output.ownership import MANIFEST
from siteopt.schema import CANDIDATES, TABLES
from tests.worlds import write_world

KEYS = [(section, old, new) for section, names in aliases.KEYS.items() for old, new in names.items()]
COLUMNS = [(table, old, new) for table, names in aliases.COLUMNS.items() for old, new in names.items()]


def respelt(path: Path, new: str, old: str) -> None:
    """Write a file again with one name in its old spelling."""
    text = path.read_text(encoding="utf-8")
    assert re.search(rf"\b{new}\b", text)
    path.write_text(re.sub(rf"\b{new}\b", old, text), encoding="utf-8")


def key_of(section: str, name: str) -> str:
    return f"{section}.0.{name}" if section == "milestones" else f"{section}.{name}"


def value_of(scenario: siteopt.Scenario, section: str, name: str) -> float:
    node = getattr(scenario, section)
    return getattr(node[0] if isinstance(node, list | tuple) else node, name)


@pytest.mark.parametrize(("section", "old", "new"), KEYS)
def test_a_key_of_a_file(tmp_path: Path, section: str, old: str, new: str) -> None:
    path = write_world(tmp_path)
    if section == "defaults":
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("[defaults]\n", "[defaults]\nhandover_days = 9\n"), encoding="utf-8")
    known = siteopt.read_scenario(path)
    respelt(path, new, old)
    assert siteopt.read_scenario(path) == known


@pytest.mark.parametrize(("section", "old", "new"), KEYS)
def test_a_key_of_a_setting(tmp_path: Path, section: str, old: str, new: str) -> None:
    path = write_world(tmp_path)
    for name in (old, new):
        found = siteopt.read_scenario(path, [f"{key_of(section, name)}=1"])
        assert value_of(found, section, new) == 1


@pytest.mark.parametrize(("section", "old", "new"), KEYS)
def test_a_key_of_a_change(tmp_path: Path, section: str, old: str, new: str) -> None:
    data = siteopt.load(siteopt.read_scenario(write_world(tmp_path)))
    found = data.with_changes([siteopt.Change("scenario", "", key_of(section, old), 1)])
    assert value_of(found.scenario, section, new) == 1


@pytest.mark.parametrize(("section", "old", "new"), [one for one in KEYS if one[0] != "defaults"])
def test_both_spellings_of_a_key_are_an_issue(tmp_path: Path, section: str, old: str, new: str) -> None:
    path = write_world(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"(?m)^({new} = .*)$", rf"\1\n{old} = 1", text), encoding="utf-8")
    with pytest.raises(siteopt.InputError) as raised:
        siteopt.read_scenario(path)
    issue = raised.value.issues[0]
    assert (issue.code, issue.column) == (Code.BAD_VALUE, key_of(section, new))
    assert old in issue.expected


def test_a_scenario_of_python(tmp_path: Path) -> None:
    known = siteopt.read_scenario(write_world(tmp_path))
    data = known.model_dump(by_alias=True)
    for section, old, new in KEYS:
        for node in data[section] if isinstance(data[section], list | tuple) else [data[section]]:
            node[old] = node.pop(new)
    assert siteopt.Scenario.model_validate(data) == siteopt.Scenario.model_validate(known.model_dump(by_alias=True))


@pytest.mark.parametrize(("table", "old", "new"), COLUMNS)
def test_a_column(tmp_path: Path, table: str, old: str, new: str) -> None:
    scenario = siteopt.read_scenario(write_world(tmp_path))
    known = siteopt.load(scenario)
    respelt(tmp_path / f"{table}.csv", new, old)
    found = siteopt.load(scenario)
    assert found.sites[new].equals(known.sites[new])
    assert old not in found.sites
    assert found.warnings == known.warnings


def test_both_spellings_of_a_column_are_an_issue(tmp_path: Path) -> None:
    scenario = siteopt.read_scenario(write_world(tmp_path))
    path = tmp_path / "candidates.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{header},access_days", *(f"{row},3" for row in rows)]), encoding="utf-8")
    with pytest.raises(siteopt.InputError) as raised:
        siteopt.load(scenario)
    (issue,) = raised.value.issues
    assert (issue.code, issue.column) == (Code.COLUMN_TWICE, "access_days")
    assert "handover_days" in f"{issue.found} {issue.expected}"


def test_a_column_of_a_frame_and_of_a_change(tmp_path: Path) -> None:
    data = siteopt.load(siteopt.read_scenario(write_world(tmp_path)))
    frame = data.sites.reset_index(drop=True).rename(columns={"handover_days": "access_days"})
    assert siteopt.load(data.scenario, candidates=frame).sites["handover_days"].equals(data.sites["handover_days"])
    later = data.with_changes([siteopt.Change("candidates", "alpha", "access_days", 77.0)])
    assert later.sites.at["alpha", "handover_days"] == 77.0
    assert np.array_equal(later.sites["handover_days"].drop("alpha"), data.sites["handover_days"].drop("alpha"))


def test_a_column_that_a_shapefile_has_cut(tmp_path: Path) -> None:
    scenario = write_world(tmp_path)
    known = siteopt.load(siteopt.read_scenario(scenario))
    frame = known.sites.reset_index(drop=True)[["site_id", "name", "longitude", "latitude", "handover_days"]]
    points = geopandas.points_from_xy(frame.pop("longitude"), frame.pop("latitude"), crs=4326)
    layer = geopandas.GeoDataFrame(frame.rename(columns={"handover_days": "access_day"}), geometry=points)
    layer.to_file(tmp_path / "sites.shp")
    found = siteopt.load(siteopt.read_scenario(scenario, ['inputs.candidates=["sites.shp"]', "inputs.grid_steps=[]"]))
    assert found.sites["handover_days"].tolist() == known.sites["handover_days"].tolist()


@pytest.mark.parametrize(("old", "new"), aliases.PYTHON.items())
def test_a_name_of_python(old: str, new: str) -> None:
    assert getattr(siteopt, old) is getattr(siteopt, new)
    assert new in siteopt.__all__
    assert old not in dir(siteopt)


def test_an_attribute() -> None:
    error = siteopt.InputError([siteopt.Issue(Code.NO_KEY, "a.toml", None, "", "", "")])
    assert error.faults == error.issues != ()
    with pytest.raises(AttributeError, match="'InputError' object has no attribute 'other'"):
        _ = error.other


def test_a_map_of_issues_takes_the_place_of_an_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name in aliases.FILES:
        (folder / name).write_text('{"features": []}', encoding="utf-8")
    write_folder(folder, {"issues.geojson": "{}"})
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, "issues.geojson"]


def test_aliases_lead_to_what_there_is() -> None:
    tables = {table.name: table for table in TABLES}
    for table, old, new in COLUMNS:
        assert new in tables[table].names
        assert old not in tables[table].names
    assert CANDIDATES.name in aliases.COLUMNS
