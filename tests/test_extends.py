"""Scenarios that extend other files: what merges, which file a value comes from, and what its source is."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

import siteopt
from siteopt import InputError, Scenario
from siteopt.cli import app
from siteopt.examples import examples_root
from siteopt.parameters import Parameter, Support
from siteopt.scenario import PATHS, Name
from siteopt.scenario_file import read_scenario
from siteopt.toml_files import MOST_FILES, toml_files
from tests.worlds import SCENARIO, write_world

PARAMETERS = examples_root() / "models" / "parameters"
SHIPPED = sorted(path.name for path in PARAMETERS.glob("*.toml"))


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write a small world and some files beside it; returns the path of the file that extends the others."""
    write_world(folder)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "mine.toml"


def read(folder: Path, files: dict[str, str], *settings: str) -> Scenario:
    return read_scenario(write(folder, files), settings)


def told(folder: Path, files: dict[str, str], *settings: str) -> list[str]:
    """The issues, with the folder left out."""
    with pytest.raises(InputError) as error:
        read(folder, files, *settings)
    return [str(issue).replace(f"{folder.as_posix()}/", "") for issue in error.value.issues]


def of(scenario: Scenario, key: str) -> Parameter:
    (found,) = (one for one in scenario.parameters if one.key == key)
    return found


# merging


def test_a_scenario_holds_only_what_is_its_own(tmp_path: Path) -> None:
    scenario = read(tmp_path, {"mine.toml": 'extends = ["scenario.toml"]\n[project]\nname = "mine"\n'})
    before = read_scenario(tmp_path / "scenario.toml")
    assert scenario.project.name == "mine"
    assert scenario.project.model_copy(update={"name": "small"}) == before.project
    assert scenario.model_dump(exclude={"project", "path", "extended", "parameters"}) == before.model_dump(
        exclude={"project", "path", "extended", "parameters"}
    )


def test_later_wins(tmp_path: Path) -> None:
    files = {
        "first.toml": "[supply]\nspare_units = 2\ncircuity = 1.5\nyard_prep_days = 20\n",
        "second.toml": "[supply]\nspare_units = 3\ncircuity = 1.6\n",
        "mine.toml": 'extends = ["scenario.toml", "first.toml", "second.toml"]\n[supply]\nspare_units = 4\n',
    }
    supply = read(tmp_path, files).supply
    assert (supply.spare_units, supply.circuity, supply.yard_prep_days, supply.commissioning_days) == (4, 1.6, 20, 2)
    assert read(tmp_path, files, "supply.spare_units=5").supply.spare_units == 5


def test_sections_merge_and_lists_are_replaced(tmp_path: Path) -> None:
    text = """
extends = ["scenario.toml"]
[building.fitout_m2_per_day]
sound = 111
[[milestones]]
name = "all"
gpus = 20_000
operating_days = 7
[compute]
deliveries = [{ day = 3, gpus = 20_000 }]
"""
    scenario = read(tmp_path, {"mine.toml": f"{text}[[baselines]]\nname = 'b'\nmilestone = 'all'\n" + DAYS})
    rates = scenario.building.fitout_m2_per_day
    assert (rates.ready, rates.sound, rates.poor) == (5_000, 111, 400)
    assert [milestone.name for milestone in scenario.milestones] == ["all"]
    assert [(one.day, one.gpus) for one in scenario.compute.deliveries] == [(3, 20_000)]


DAYS = "days_low = 1\ndays_high = 2\n"


def test_a_file_of_several_is_read_once_below_all_that_extend_it(tmp_path: Path) -> None:
    files = {
        "base.toml": 'extends = ["scenario.toml"]\n[supply]\nspare_units = 2\ncircuity = 1.5\n',
        "left.toml": 'extends = ["base.toml"]\n[supply]\nspare_units = 3\n',
        "right.toml": 'extends = ["base.toml"]\n[supply]\ncircuity = 1.6\n',
        "mine.toml": 'extends = ["left.toml", "right.toml"]\n',
    }
    scenario = read(tmp_path, files)
    assert (scenario.supply.spare_units, scenario.supply.circuity) == (3, 1.6)
    assert scenario.extended == ("scenario.toml", "base.toml", "left.toml", "right.toml")


def test_files_that_are_named_twice_at_each_of_twenty_levels_are_read_once(tmp_path: Path) -> None:
    names = [f"f{level}.toml" for level in range(20)]
    files = {
        name: f'extends = ["{other}", "{other}"]\n' for name, other in itertools.pairwise([*names, "scenario.toml"])
    }
    scenario = read(tmp_path, {**files, "mine.toml": 'extends = ["f0.toml"]\n'})
    assert scenario.extended == ("scenario.toml", *reversed(names))


def test_old_names_of_keys_merge_with_present_ones(tmp_path: Path) -> None:
    text = 'extends = ["scenario.toml"]\n[workload]\noverhead = 0.11\n[sources.workload]\noverhead = "estimate"\n'
    scenario = read(tmp_path, {"mine.toml": text})
    assert scenario.workload.auxiliary_load_fraction == 0.11
    found = of(scenario, "workload.auxiliary_load_fraction")
    assert (found.file, found.line, found.support) == ("mine.toml", 3, Support.ESTIMATE)


def test_a_later_file_may_give_an_amount_in_another_currency(tmp_path: Path) -> None:
    """30,000 USD in the first file; 28 million KRW at 1,400 in the second are 20,000 USD."""
    won = '[project]\ncurrency = "KRW"\ncurrency_per_usd = 1400\n[workload]\ngpu_price_krw = 28e6\n'
    files = {"mine.toml": f'extends = ["scenario.toml"]\n{won}'}
    scenario = read(tmp_path, files)
    assert scenario.workload.gpu_price_usd == pytest.approx(20_000)
    assert of(scenario, "workload.gpu_price_krw").file == "mine.toml"
    assert not [one for one in scenario.parameters if one.key == "workload.gpu_price_usd"]
    assert read(tmp_path, files, "workload.gpu_price_usd=17").workload.gpu_price_usd == 17
    (line,) = told(tmp_path, files, "workload.gpu_price_krw=-1")
    assert line.startswith("--set:workload.gpu_price_usd: found")


def test_a_currency_that_is_none_is_told_of_its_own_line(tmp_path: Path) -> None:
    files = {"mine.toml": "extends = ['scenario.toml']\n[project]\ncurrency = '\\1'\n"}
    assert [line.split(": ")[0] for line in told(tmp_path, files, "compute.deliveries=[{day=-1, gpus=9_999_999}]")] == [
        "mine.toml:3:project.currency",
        "--set:compute.deliveries.0.day",
    ]


# paths


def test_paths_are_relative_to_the_file_in_which_they_stand(tmp_path: Path) -> None:
    files = {
        "kit/tables.toml": """
[inputs]
candidates = ["../candidates.csv"]
offers = ["own.csv", "/absolute.csv", "https://example.org/x.csv"]
[filter]
within = "zone.gpkg|layername=zone"
away_from = { layer = "deep/rivers.gpkg", km = 1 }
[power_quality]
waveform = "wave.csv"
""",
        "kit/deep/more.toml": 'extends = ["../tables.toml"]\n[inputs]\ngrid_steps = ["steps.csv"]\n',
        "mine.toml": 'extends = ["scenario.toml", "kit/deep/more.toml"]\n[inputs]\nareas = ["areas.gpkg"]\n',
    }
    scenario = read(tmp_path, files, 'inputs.areas=["set.gpkg"]')
    assert scenario.files == (
        *("kit/deep/../../candidates.csv", "kit/deep/steps.csv", "kit/deep/../own.csv"),
        *("/absolute.csv", "https://example.org/x.csv", "set.gpkg"),
        *("kit/deep/../wave.csv", "kit/deep/../zone.gpkg|layername=zone", "kit/deep/../deep/rivers.gpkg"),
    )
    assert scenario.resolve(scenario.files[0]).resolve() == tmp_path / "candidates.csv"


def names_of_files(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every key of a scenario whose type is a name of a file."""
    found = set()
    for name, kind in get_type_hints(model, include_extras=True).items():
        for part in (kind, *get_args(kind)):
            if part is Name or Name in get_args(part):
                found.add(f"{prefix}{name}")
            elif isinstance(part, type) and issubclass(part, BaseModel):
                found |= names_of_files(part, f"{prefix}{name}.")
    return found


def test_every_key_that_names_files_is_known() -> None:
    assert names_of_files(Scenario) == set(PATHS)


# issues


def test_an_issue_names_the_file_and_the_line_of_the_value(tmp_path: Path) -> None:
    files = {
        "rates.toml": '# rates\n[building]\nhall_m2_per_mw = 0\n[[milestones]]\nname = "a"\ngpus = 5\n'
        "operating_days = 1\n[[milestones]]\nname = 'b'\ngpus = 1.5\noperating_days = 1\n[grit]\nx = 1\n",
        "mine.toml": 'extends = ["scenario.toml", "rates.toml"]\n\n[supply]\ncircuity = 9\n',
    }
    assert told(tmp_path, files, "crews.electrical=-1") == [
        "rates.toml:10:milestones.1.gpus: found '1.5', expected a whole number [E304]",
        "rates.toml:3:building.hall_m2_per_mw: found '0', expected at least 1 [E304]",
        "--set:crews.electrical: found '-1', expected at least 0, or a list in square brackets [E304]",
        "mine.toml:4:supply.circuity: found '9', expected at most 3 [E304]",
        "rates.toml:12:grit: unknown key 'grit', expected a section of the scenario; did you mean 'grid'? [E303]",
    ]


def test_a_missing_key_is_missing_from_the_scenario(tmp_path: Path) -> None:
    base = SCENARIO.replace("spare_units = 1\n", "").replace("operating_days = 30\n", "")
    assert told(tmp_path, {"base.toml": base, "mine.toml": 'extends = ["base.toml"]\n'}) == [
        "base.toml:27:milestones.0.operating_days: missing key operating_days [E302]",
        "mine.toml:supply.spare_units: missing key spare_units [E302]",
    ]


def test_a_contradiction_is_told_of_the_last_file_that_has_a_part_in_it(tmp_path: Path) -> None:
    files = {"mine.toml": 'extends = ["scenario.toml"]\n[workload]\nload_factor = 0.5\n'}
    (line,) = told(tmp_path, files)
    assert line == "mine.toml:2:workload: expected a load_factor of at least 0.7, which is 1 - swing [E304]"
    (line,) = told(tmp_path, {"mine.toml": 'extends = ["scenario.toml"]'}, "workload.load_factor=0.5")
    assert line.startswith("--set:workload: expected a load_factor")


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    files = {"bad.toml": "[supply\n", "mine.toml": 'extends = ["none.toml", "bad.toml", "."]\n'}
    with pytest.raises(InputError) as error:
        read(tmp_path, files)
    missing, bad, folder = map(str, error.value.issues)
    mine = tmp_path / "mine.toml"
    told = f"no such file; expected a scenario file, which {mine} extends [E101]"
    assert missing == f"{tmp_path / 'none.toml'}: {told}"
    assert bad.startswith(f"{tmp_path / 'bad.toml'}:1: '[supply' is not valid TOML")
    assert "it is a folder" in folder


def test_a_ring_is_named(tmp_path: Path) -> None:
    files = {
        "kit/a.toml": 'extends = ["b.toml"]\n',
        "kit/b.toml": 'extends = ["../kit/a.toml"]\n',
        "mine.toml": 'extends = ["scenario.toml", "kit/a.toml"]\n',
    }
    expected = "files that do not extend each other in a ring (kit/a.toml -> kit/b.toml -> kit/../kit/a.toml) [E307]"
    assert told(tmp_path, files) == [f"kit/b.toml:1:extends: found 'kit/../kit/a.toml', expected {expected}"]


def test_a_file_does_not_extend_itself(tmp_path: Path) -> None:
    (line,) = told(tmp_path, {"mine.toml": 'extends = ["mine.toml"]\n'})
    assert line.endswith("in a ring (mine.toml -> mine.toml) [E307]")


def test_a_ring_over_a_link_is_found(tmp_path: Path) -> None:
    path = write(tmp_path, {"mine.toml": 'extends = ["link/mine.toml"]\n'})
    try:
        (tmp_path / "link").symlink_to(tmp_path)
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(InputError, match=r"ring \(mine.toml -> link/mine.toml\)"):
        read_scenario(path)


def test_there_is_an_end_to_the_number_of_files(tmp_path: Path) -> None:
    files = {f"f{number}.toml": f'extends = ["f{number + 1}.toml"]\n' for number in range(MOST_FILES + 5)}
    (line,) = told(tmp_path, {**files, "mine.toml": 'extends = ["f0.toml"]\n'})
    assert line.endswith(f"extends: found one more file, expected a scenario of at most {MOST_FILES} files [E105]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('extends = "scenario.toml"\n', "mine.toml:1:extends: found 'scenario.toml', expected a list of files"),
        ("extends = [1]\n", "mine.toml:1:extends: found '1', expected a list of files"),
        ('extends = [""]\n', "mine.toml:1:extends: expected a list of files"),
        ('extends = ["a\\u0000b"]\n', "mine.toml:1:extends: found 'a\\\\x00b', expected a list of files"),
        ("extends = [0x" + "f" * 5000 + "]\n", "mine.toml:1:extends: found 'a number of thousands of digits'"),
        ('extends = ["scenario.toml"]\nsources = 3\n', "mine.toml:2:sources: found '3', expected a section"),
        ('extends = ["scenario.toml"]\n[sources]\ncrews = 3\n', "mine.toml:3:sources.crews: found '3', expected text"),
        (
            'extends = ["scenario.toml"]\n[supply]\ncircuity = 1.2\n[sources]\n"supply.circuty" = "estimate"\n',
            "mine.toml:5:sources.supply.circuty: unknown key 'supply.circuty', expected a key with a value in this file"
            "; did you mean 'supply.circuity'?",
        ),
        (
            'extends = ["scenario.toml"]\n[sources]\n"supply.circuity" = "estimate"\n',
            "mine.toml:3:sources.supply.circuity: unknown key 'supply.circuity', expected a key with a value in this",
        ),
        (
            f'extends = ["scenario.toml"]\n[sources]\n{".".join("a" * 5000)} = "estimate"\n',
            "mine.toml:sources.a.a.a.a.a.a.a.a.a: found 'a section', expected text",
        ),
        (SCENARIO.replace("[inputs]", 'extends = ["x.toml"]\n[inputs]'), "extends belongs above the first section"),
        (f'extend = ["x.toml"]\n{SCENARIO}', "unknown key 'extend', expected a section of the scenario; did you mean"),
    ],
)
def test_what_is_wrong_with_extends_and_sources(tmp_path: Path, text: str, words: str) -> None:
    (line,) = told(tmp_path, {"mine.toml": text})
    assert words in line


# sources


SOURCED = """
extends = ["scenario.toml"]
[supply]
circuity = 1.4
spare_units = 2
truck_km_per_day = 700
[building]
hall_m2_per_mw = 400
[building.fitout_m2_per_day]
sound = 500
[sources]
supply = "Estimate of a haulier"
"supply.circuity" = "https://example.org/roads"
building.fitout_m2_per_day.sound = "estimate: four teams"
"""


def test_a_value_has_the_source_that_its_own_file_gives(tmp_path: Path) -> None:
    files = {
        "sourced.toml": SOURCED,
        "mine.toml": 'extends = ["sourced.toml"]\n[building.fitout_m2_per_day]\nsound = 600\npoor = 100\n'
        '[sources]\n"building.fitout_m2_per_day.poor" = "estimate: half"\n',
    }
    scenario = read(tmp_path, files, "supply.truck_km_per_day=900")
    found = {one.key: (one.value, one.file, one.line, one.support.value) for one in scenario.parameters}
    assert found["supply.circuity"] == (1.4, "sourced.toml", 4, "source")
    assert found["supply.spare_units"] == (2, "sourced.toml", 5, "estimate")
    assert found["supply.truck_km_per_day"] == (900, "--set", None, "no source")
    assert found["supply.yard_prep_days"] == (3, "scenario.toml", 60, "no source")
    assert found["building.hall_m2_per_mw"] == (400, "sourced.toml", 8, "no source")
    assert found["building.fitout_m2_per_day.sound"] == (600, "mine.toml", 3, "no source")
    assert found["building.fitout_m2_per_day.poor"] == (100, "mine.toml", 4, "estimate")


def test_an_entry_of_a_list_that_a_setting_changes_makes_the_list_one_of_the_setting(tmp_path: Path) -> None:
    scenario = read(tmp_path, {"mine.toml": 'extends = ["scenario.toml"]\n'}, "milestones.0.gpus=9000")
    assert of(scenario, "milestones").file == "--set"
    assert of(scenario, "compute.deliveries").file == "scenario.toml"


def test_a_section_that_a_setting_replaces_is_one_of_the_setting(tmp_path: Path) -> None:
    scenario = read(tmp_path, {"mine.toml": SCENARIO}, "crews={electrical=3, mechanical=4}")
    assert (of(scenario, "crews.electrical").file, of(scenario, "crews.mechanical").file) == ("--set", "--set")


def test_no_line_is_taken_from_a_text_of_several_lines(tmp_path: Path) -> None:
    text = '\n[a]\nlong = """\n[b]\nx = 1\n"""\ny = 2 # """ no text\n[ "b" . c ] # comment\n"x y" = 3\nz.u = 4\n'
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    (file,) = toml_files(tmp_path / "x.toml")
    assert {key: line for key, line in file.lines.items() if key not in ("b.c.x y", "b.c.z.u", "b.c")} == {
        "a": 2,
        "a.long": 3,
        "a.y": 7,
    }


def test_changed_values_come_from_no_file(tmp_path: Path) -> None:
    data = siteopt.load(read(tmp_path, {"mine.toml": 'extends = ["scenario.toml"]\n'}))
    changed = data.with_changes([siteopt.Change("scenario", "", "supply.spare_units", 2)]).scenario
    assert changed.parameters == ()
    assert changed.extended == ("scenario.toml",)


# what a run and check say


def test_the_files_are_among_the_inputs_of_a_run(tmp_path: Path) -> None:
    path = write(tmp_path, {"kit/a.toml": "[supply]\nspare_units = 0\n", "mine.toml": MINE})
    inputs = siteopt.load(read_scenario(path)).inputs
    assert [one.path for one in inputs][:3] == ["mine.toml", "scenario.toml", "kit/a.toml"]
    assert inputs[2].sha256 == hashlib.sha256((tmp_path / "kit" / "a.toml").read_bytes()).hexdigest()


MINE = 'extends = ["scenario.toml", "kit/a.toml"]\n'


def test_check_lists_estimates_and_what_has_no_source(tmp_path: Path) -> None:
    path = write(tmp_path, {"mine.toml": SOURCED})
    done = CliRunner().invoke(app, ["check", str(path)])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert "Parameters that decide: 31; with a source 1, estimates 3, without a source 27" in lines
    assert "  estimate   building (mine.toml): fitout_m2_per_day.sound = 500" in lines
    assert "  estimate   supply (mine.toml): spare_units = 2, truck_km_per_day = 700" in lines
    assert "  no source  building (mine.toml): hall_m2_per_mw = 400" in lines
    assert "circuity" not in done.stdout


def test_check_lists_every_value(tmp_path: Path) -> None:
    path = write(tmp_path, {"mine.toml": SOURCED})
    lines = CliRunner().invoke(app, ["check", str(path), "--values"]).stdout.splitlines()
    assert "  supply.circuity = 1.4 (mine.toml:4): https://example.org/roads" in lines
    assert '  inputs.offers = ["offers.csv"] (scenario.toml:11): no source' in lines
    assert '  project.name = "small" (scenario.toml:2): no source' in lines


def test_check_gives_every_value_as_json(tmp_path: Path) -> None:
    path = write(tmp_path, {"mine.toml": SOURCED})
    done = CliRunner().invoke(app, ["check", str(path), "--json", "--set", "project.start_date=2026-01-02"])
    parameters = {one["key"]: one for one in json.loads(done.stdout)["parameters"]}
    assert parameters["project.start_date"]["value"] == "2026-01-02"
    assert parameters["building.fitout_m2_per_day.sound"] == {
        "key": "building.fitout_m2_per_day.sound",
        "value": 500,
        "file": "mine.toml",
        "line": 10,
        "source": "estimate: four teams",
        "support": "estimate",
        "decides": True,
    }


def test_an_exclusion_assumes_nothing(tmp_path: Path) -> None:
    text = 'extends = ["scenario.toml"]\n[defaults]\ngrid_mw = "exclude"\ngas_mw = 5\n'
    scenario = read(tmp_path, {"mine.toml": text})
    assert not of(scenario, "defaults.grid_mw").decides
    assert of(scenario, "defaults.gas_mw").decides


# the parameters that are shipped

TINY = """
[project]
name = "tiny"
start_date = 2026-01-01
term_months = 12
budget_usd = 1e9
[inputs]
candidates = ["candidates.csv"]
offers = ["offers.csv", "cdu.csv"]
[[milestones]]
name = "all"
gpus = 1_000
operating_days = 30
[compute]
deliveries = [{ day = 10, gpus = 1_000 }]
"""

CDUS = """\
offer_id,kind,unit_mw,count,latitude,longitude,lead_days,install_days,trade,crew_days,footprint_m2,rent_usd_per_month
cdu,cdu,1.3,4,32.8,-96.8,10,2,mechanical,1,5,9000
"""


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_parameters_go_on_top_of_a_scenario(tmp_path: Path, name: str) -> None:
    text = f'extends = ["scenario.toml", "{(PARAMETERS / name).as_posix()}"]\n'
    scenario = read(tmp_path, {"mine.toml": text})
    assert {Path(one.file).name for one in scenario.parameters} >= {name, "scenario.toml"}
    assert siteopt.load(scenario).instance.sites > 0


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "generic.toml"])
def test_parameters_of_a_country_are_complete(tmp_path: Path, name: str) -> None:
    """A scenario needs only what is its own: the question, and the deliveries of GPUs."""
    text = f'extends = ["{(PARAMETERS / name).as_posix()}"]\n{TINY}'
    scenario = read(tmp_path, {"mine.toml": text, "cdu.csv": CDUS})
    assert siteopt.solve(scenario).outcome is siteopt.RunOutcome.PROVEN
    bare = [one.key for one in scenario.parameters if one.decides and one.support is Support.NO_SOURCE]
    assert bare == ["compute.deliveries"]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_parameter_has_a_source_or_is_an_estimate(name: str) -> None:
    file = next(one for one in toml_files(PARAMETERS / name) if one.name == name)
    assert file.sources
    assert [key for key, text in file.sources.items() if "http" not in text and "estimate" not in text] == []


def test_shipped_parameters_do_not_rest_on_memphis() -> None:
    """So that a blind back-test of Memphis may use them."""
    for name in SHIPPED:
        for file in toml_files(PARAMETERS / name):
            assert [key for key, text in file.sources.items() if "Memphis" in text or "Colossus" in text] == []


def test_init_copies_the_parameters(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["init", str(tmp_path / "mine")]).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "mine" / "models" / "parameters").iterdir()) == SHIPPED
