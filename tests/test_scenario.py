"""Scenario files: overrides, and faults in the user's words."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import date
from pathlib import Path

import pytest

from siteopt import InputError, Issue, Scenario, read_scenario
from siteopt.examples import examples_root
from siteopt.merging import Values
from siteopt.message_catalogue import Code
from siteopt.toml_files import MOST_BYTES, nodes_of, toml_files
from tests.worlds import SCENARIO

MODELS = sorted((examples_root() / "models").glob("*.toml"))


def read(folder: Path, *overrides: str, text: str = SCENARIO) -> Scenario:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return read_scenario(path, overrides)


def only_issue(folder: Path, *overrides: str, text: str = SCENARIO) -> Issue:
    with pytest.raises(InputError) as error:
        read(folder, *overrides, text=text)
    (issue,) = error.value.issues
    return issue


def test_override_of_a_number(tmp_path: Path) -> None:
    assert read(tmp_path).supply.spare_units == 1
    assert read(tmp_path, "supply.spare_units=2").supply.spare_units == 2


def test_override_of_an_entry_of_a_list(tmp_path: Path) -> None:
    scenario = read(tmp_path, "milestones.0.gpus=9000", "compute.deliveries.0.gpus=9_500")
    assert (scenario.milestones[0].gpus, scenario.compute.deliveries[0].gpus) == (9000, 9500)


def test_override_by_bare_text(tmp_path: Path) -> None:
    assert read(tmp_path, "project.name=other-one").project.name == "other-one"


def test_override_of_text_in_a_list(tmp_path: Path) -> None:
    assert read(tmp_path, "inputs.offers.0=more.csv").inputs.offers == ["more.csv"]


def test_override_by_a_list(tmp_path: Path) -> None:
    assert read(tmp_path, 'filter.regions=["TN", "TX"]').filter.regions == ["TN", "TX"]


def test_override_of_a_date(tmp_path: Path) -> None:
    scenario = read(tmp_path, "project.start_date=2026-02-27")
    assert scenario.date_of(3) == date(2026, 3, 2)


@pytest.mark.parametrize("text", ["supply.spare_units", "=2", "milestones.7.gpus=1", "project.name.first=x"])
def test_override_that_names_no_key(tmp_path: Path, text: str) -> None:
    issue = only_issue(tmp_path, text)
    assert (issue.file, issue.found) == ("--set", text)


@pytest.mark.parametrize(
    ("override", "known", "nearest"),
    [
        ("supply.spare_unit=2", "a key in section supply", "'spare_units'"),
        ("workloads.load_step_amplitude=0", "a section of the scenario", "'workload'"),
        ("milestones.0.gpu=5", "a key in section milestones", "'gpus'"),
        ("building.fitout_m2_per_day.sounds=5", "a key in section building.fitout_m2_per_day", "'sound'"),
        ("defaults.grid_mv=5", "a key in section defaults", "'grid_mw'"),
    ],
)
def test_unknown_key_names_the_nearest(tmp_path: Path, override: str, known: str, nearest: str) -> None:
    issue = only_issue(tmp_path, override)
    assert issue.column == override.partition("=")[0].removesuffix(".load_step_amplitude")
    assert issue.expected == f"{known}; did you mean {nearest}?"


def test_path_is_no_key(tmp_path: Path) -> None:
    assert only_issue(tmp_path, "path=elsewhere").column == "path"


def test_missing_key(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, text=SCENARIO.replace("load_step_amplitude = 0.3\n", "", 1))
    assert (issue.column, issue.found, issue.expected) == (
        "workload.load_step_amplitude",
        "",
        "key load_step_amplitude",
    )
    assert str(issue).endswith("workload.load_step_amplitude: missing key load_step_amplitude [E302]")


def test_missing_section(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, text=SCENARIO.replace("[crews]\nelectrical = 10\nmechanical = 10\n", ""))
    assert (issue.column, issue.expected) == ("crews", "section crews")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("milestones.0.gpus=many", "a whole number"),
        ("supply.circuity=0.5", "at least 1"),
        ("supply.max_fleet_share=25", "at most 1"),
        ("project.start_date=soon", "a date such as"),
        ("project.budget_usd=nan", "finite number"),
        ("project.name=../away", "letters, digits"),
        ("crews.electrical=inf", "finite number"),
        ("filter.status.0=empty", "a list"),
    ],
)
def test_wrong_value(tmp_path: Path, override: str, words: str) -> None:
    issue = only_issue(tmp_path, override)
    assert override.startswith(issue.column)
    assert words in issue.expected


def test_default_that_is_neither_number_nor_exclude(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, "defaults.gas_mw=lots")
    assert (issue.column, issue.found) == ("defaults.gas_mw", "lots")
    assert "a number" in issue.expected
    assert "or 'exclude'" in issue.expected


def test_every_issue_in_one_pass(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, "supply.circuity=0", "energy.gas_usd_per_gj=-1", "project.term_monts=3")
    columns = {issue.column for issue in error.value.issues}
    assert columns == {"supply.circuity", "energy.gas_usd_per_gj", "project.term_monts"}


@pytest.mark.parametrize(
    ("overrides", "column", "words"),
    [
        (["workload.load_factor=0.69"], "workload", "at least 0.7, which is 1 - swing"),
        (
            ['milestones=[{name="a",gpus=9,operating_days=1},{name="b",gpus=9,operating_days=1}]', "baselines=[]"],
            "milestones",
            "rise",
        ),
        (
            ['milestones=[{name="a b",gpus=8,operating_days=1},{name="A-b",gpus=9,operating_days=1}]', "baselines=[]"],
            "milestones",
            "differ",
        ),
        (["milestones.0.name=cost", "baselines=[]"], "milestones", "different"),
        (['objective.order=["cost", "first rum"]'], "objective.order", "did you mean 'first run'?"),
        (['objective.order=["cost", "cost"]'], "objective.order", "each name only once"),
        (["compute.deliveries=[{day=9,gpus=1},{day=8,gpus=2}]"], "compute.deliveries", "rise"),
        (["baselines.0.milestone=last"], "baselines.milestone", "one of first run, but found 'last'"),
        (["baselines.0.days_low=501"], "baselines", "days_high of at least 501, which is days_low"),
        (["project.currency_per_usd=1400"], "project.currency_per_usd", "1, because the currency is USD"),
        (["defaults.gas_mw=999999"], "defaults.gas_mw", "a number from 0 to 20,000 (MW thermal)"),
    ],
)
def test_values_that_contradict_each_other(tmp_path: Path, overrides: list[str], column: str, words: str) -> None:
    issue = only_issue(tmp_path, *overrides)
    assert issue.column == column
    assert words in issue.expected


def test_mean_load_of_exactly_one_less_the_swing(tmp_path: Path) -> None:
    assert read(tmp_path, "workload.load_factor=0.7").workload.load_factor == 0.7


def test_order_is_completed(tmp_path: Path) -> None:
    assert read(tmp_path).order == ("first run", "cost")
    assert read(tmp_path, 'objective.order=["cost"]').order == ("cost", "first run")


def test_not_toml(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, text="[project\n")
    assert (issue.row, issue.found) == (1, "[project")
    assert issue.expected.startswith("TOML (Expected ']'")


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_bytes('[project]\nname = "공장"\n'.encode("cp949"))
    with pytest.raises(InputError, match="a TOML file in UTF-8"):
        read_scenario(path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; expected a scenario file"):
        read_scenario(tmp_path / "absent.toml")


def test_money_in_the_currency_of_the_scenario(tmp_path: Path) -> None:
    text = SCENARIO.replace("term_months", 'currency = "KRW"\ncurrency_per_usd = 1400\nterm_months', 1)
    text = text.replace("budget_usd = 1e9", "budget_krw = 1.4e12")
    text = text.replace("gpu_price_usd = 30_000", "gpu_price_krw = 42e6")
    scenario = read(tmp_path, text=text)
    assert scenario.project.budget_usd == pytest.approx(1e9)
    assert scenario.workload.gpu_price_usd == pytest.approx(30_000)


def test_keys_of_thousands_of_parts_are_unknown_in_any_currency(tmp_path: Path) -> None:
    text = SCENARIO.replace("term_months", 'currency = "KRW"\ncurrency_per_usd = 1400\nterm_months', 1)
    deep = ".".join("a" * 5000)
    assert only_issue(tmp_path, text=f"{deep} = 1\n{text}").column == "a"
    assert only_issue(tmp_path, f"{deep}=1", text=text).column == "a"


def test_money_in_two_currencies(tmp_path: Path) -> None:
    text = SCENARIO.replace(
        "term_months", 'currency = "KRW"\ncurrency_per_usd = 1400\nbudget_krw = 1e12\nterm_months', 1
    )
    issue = only_issue(tmp_path, text=text)
    assert (issue.column, issue.expected) == (
        "project.budget_krw",
        "a key in section project; did you mean 'budget_usd'?",
    )


# hostile


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("project.start_date=1989-12-31", "a date not before 1990-01-01"),
        ("project.start_date=2101-01-01", "a date not after 2100-12-31"),
        ("project.budget_usd=1e16", "1,000,000,000,000,000"),
        ("project.budget_usd=1e400", "finite number"),
        ("milestones.0.gpus=100_000_001", "100,000,000"),
        ("milestones.0.gpus=1" + "0" * 30, "100,000,000"),
        ("milestones.0.gpus=0x" + "f" * 5000, "100,000,000"),
        ("compute.install_gpus_per_day=1e-400", "at least 0.000001"),
        ('inputs.candidates.0=""', "text"),
        ("compute.install_gpus_per_day=1e10", "1,000,000,000"),
        ("crews.electrical=1e6", "100,000"),
        ("supply.truck_km_per_day=0.001", "at least 1"),
        ("building.hall_m2_per_mw=1e9", "1,000,000"),
        ("energy.gas_usd_per_gj=1e12", "1,000,000,000"),
        ('milestones.0.name="a\\nb"', "visible letters"),
        ('milestones.0.name="a\\u202Eb"', "visible letters"),
        ('project.name="a\\n"', "letters, digits"),
        ("project.name=" + "x" * 100_000, "80 letters"),
        ("inputs.candidates.0=" + "x" * 100_000, "4096 letters"),
    ],
    ids=lambda text: text[:30],
)
def test_bounds_on_both_sides(tmp_path: Path, override: str, words: str) -> None:
    issue = only_issue(tmp_path, override)
    assert override.startswith(issue.column)
    assert words in issue.expected
    assert len(str(issue)) < 1000


@pytest.mark.parametrize(
    "text",
    [
        "milestones.²=1",
        "milestones.٣.gpus=1",
        "milestones.99999999999999999999.gpus=1",
        "milestones.-1.gpus=1",
        "project.name.first.second=1",
        "milestones=",
        "a\x00b=1",
        "\udcff=1",
        "=",
        "",
    ],
    ids=ascii,
)
def test_settings_that_are_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert all(str(issue).isprintable() for issue in error.value.issues)


VALUES = ["[" * 100_000, "9" * 5000, "{a=" * 50_000, '"' * 7, "'" * 3, "\x00", "\udcff"]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value[:5]))
def test_settings_of_values_that_are_none(tmp_path: Path, value: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, f"crews.electrical={value}")
    assert [issue.column for issue in error.value.issues] == ["crews.electrical"]


@pytest.mark.parametrize(
    ("content", "row", "words"),
    [
        (b"\xff\xfe[\0p\0", None, "UTF-16"),
        ("[project]\nname = '공장'\n".encode("cp949"), 2, "a byte that is not UTF-8 (0xb0)"),
        (b"[project]\nname = \n", 2, "name ="),
        (b"[project]\nname = [", 2, "name = ["),
        (b"a = " + b"[" * 100_000, None, "hundreds deep"),
        (b"a = " + b"9" * 5000, None, "a number has thousands of digits"),
        (b"\0", 1, "\0"),
    ],
    ids=range(7),
)
def test_files_that_are_no_scenario(tmp_path: Path, content: bytes, row: int | None, words: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_scenario(path)
    (issue,) = error.value.issues
    assert issue.row == row
    assert words in f"{issue.found} {issue.expected}"
    assert "TOML" in issue.expected


@pytest.mark.parametrize("depth", range(100, 1100, 100))
def test_brackets_within_brackets(tmp_path: Path, depth: int) -> None:
    with pytest.raises(InputError):
        read(tmp_path, text=SCENARIO.replace("[crews]", "[crews]\nmore = " + "[" * depth + "]" * depth, 1))


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO, encoding="utf-8-sig")
    assert read_scenario(path).project.name == "small"


def test_scenario_of_many_megabytes(tmp_path: Path) -> None:
    issue = only_issue(tmp_path, text="#" * (MOST_BYTES + 1))
    assert issue.code is Code.TOO_LARGE


def test_scenario_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder.*E102"):
        read_scenario(tmp_path)


def test_money_too_large_to_be_converted(tmp_path: Path) -> None:
    text = SCENARIO.replace("term_months", 'currency = "KRW"\ncurrency_per_usd = 1400\nterm_months', 1)
    issue = only_issue(tmp_path, text=text.replace("budget_usd = 1e9", f"budget_krw = {10**400}"))
    assert issue.column == "project.budget_usd"


def test_contradictions_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, "baselines.0.milestone=last", "baselines.0.days_low=501", "project.currency_per_usd=2")
    columns = {issue.column for issue in error.value.issues}
    assert columns == {"baselines.milestone", "baselines", "project.currency_per_usd"}
    with pytest.raises(InputError) as error:
        read(tmp_path, "defaults.gas_mw=-1", "defaults.grid_mw=1e9")
    assert {issue.column for issue in error.value.issues} == {"defaults.gas_mw", "defaults.grid_mw"}


SOURCE = re.compile(r"http|source|report|inferred|derived|estimate", re.IGNORECASE)
STRING = re.compile(r'"[^"]*"')


def unsourced(text: str, sourced: Container[int | None] = ()) -> list[str]:
    """Lines with a figure in their value, and no word of its source beside it or, as told, elsewhere."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        code, _, comment = STRING.sub('""', line).partition("#")
        key, _, value = code.partition("=")
        figure = re.search(r"\d", value if not key.lstrip().startswith("{") else code)
        if figure and number not in sourced and not SOURCE.search(comment):
            found.append(f"{number}: {line}")
    return found


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("gpus = 5  # estimate", 0),
        ("gpus = 5  # a good number", 1),
        ("gpus = 5", 1),
        ("start_date = 2024-05-03", 1),
        ("{ day = 6, gpus = 7 },", 1),
        ('name = "100k"', 0),
        ("# 5 = 6", 0),
        ("gpus = 5\ndays = 6", 1),
    ],
)
def test_unsourced_figures_are_found(line: str, count: int) -> None:
    assert len(unsourced(line, {2})) == count


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_every_figure_of_a_model_has_its_source(path: Path) -> None:
    sourced = {one.line for one in read_scenario(path).parameters if one.file == path.name and one.source}
    assert unsourced(path.read_text(encoding="utf-8"), sourced) == []


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_no_model_repeats_what_it_extends(path: Path) -> None:
    *extended, model = toml_files(path)
    shared = dict(nodes_of(Values(extended).data))
    given = dict(nodes_of(model.data))
    assert [key for key, value in given.items() if value == shared.get(key) and not isinstance(value, dict)] == []


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_every_model_is_a_scenario(path: Path) -> None:
    assert read_scenario(path).milestones
