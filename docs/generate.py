"""Write the generated blocks of the documents. Every figure in them comes from a run or from the schema.

``python docs/generate.py`` (``make docs``) rewrites them; a test fails where a document is out of date.
"""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import backtests

import siteopt
from siteopt import aliases
from siteopt.message_catalogue import Code
from siteopt.output.translations import Translations
from siteopt.record.reason import Reason
from siteopt.record.run import PlanRecord
from siteopt.schema import TABLES, markdown
from siteopt.simulate.judgement import CLASSES

ROOT = Path(__file__).parent.parent
COLOSSUS = ROOT / "models" / "colossus.toml"
FIRST_VERSION = ROOT / "tests" / "first_version" / "models" / "colossus.toml"
"""Reference scenario of the first version, several of whose values were inferred from the history of Memphis."""

MEMPHIS = 'filter.regions=["TN"]'
RENTALS_OFF = "supply.max_fleet_share=0"

HISTORY = {"first run": (80, "43 available"), "100k": (122, "120 to 150"), "200k": (214, "250")}
"""Day of each milestone, and MW, as they really were (docs/backtest.md has the sources)."""


@functools.cache
def _solve(*settings: str, scenario: Path = COLOSSUS) -> siteopt.Result:
    return siteopt.solve(siteopt.read_scenario(scenario, settings))


def _fit(*settings: str) -> PlanRecord:
    """Return the plan of the first version's reference scenario, with some settings."""
    plan = _solve(*settings, scenario=FIRST_VERSION).record.plan
    if plan is None:
        raise SystemExit(f"{FIRST_VERSION}: no plan")
    return plan


def _limited_by(reason: Reason | None) -> str:
    return Translations().reason(reason) if reason is not None else ""


def _table(head: list[str], rows: list[list[object]]) -> str:
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def memphis() -> str:
    """Compare the model's days for Memphis with what happened."""
    rows: list[list[object]] = []
    for found in _fit(MEMPHIS).milestones:
        day, mw = HISTORY[found.name]
        rows.append(
            [
                found.name,
                f"{found.gpus:,}",
                found.day,
                day,
                f"{found.day - day:+d}",
                f"{found.demand_mw:.1f}",
                mw,
                _limited_by(found.limited_by),
            ]
        )
    return _table(["milestone", "GPUs", "model day", "day", "difference", "model MW", "MW", "limited by"], rows)


def memphis_mix() -> str:
    """List the units that the model rents for Memphis."""
    found = _fit(MEMPHIS)
    rows = [[one.kind, one.model, one.depot, *one.units.values(), one.arrives_day] for one in found.orders]
    names = [f"units at {milestone.name}" for milestone in found.milestones]
    return _table(["kind", "model", "depot", *names, "arrives on day"], rows)


def rentals_off() -> str:
    """Compare Memphis with and without rented units."""
    with_rent, without = _fit(MEMPHIS), _fit(MEMPHIS, RENTALS_OFF)
    rows: list[list[object]] = [
        [one.name, one.day, other.day, other.day - one.day, f"{other.grid_mw:g}", _limited_by(other.limited_by)]
        for one, other in zip(with_rent.milestones, without.milestones, strict=True)
    ]
    return _table(
        ["milestone", "day with rentals", "day without", "days later", "grid MW in service", "limited by"], rows
    )


def ranking() -> str:
    """List every candidate of the reference scenario that can serve."""
    rows: list[list[object]] = [
        [
            site.rank,
            site.name,
            *(milestone.day for milestone in site.milestones),
            f"{site.cost_usd / 1e6:,.1f}",
            ", ".join(site.assumed),
        ]
        for site in _solve().record.ranking
        if site.rank is not None and site.cost_usd is not None
    ]
    milestones = _solve().record.milestone_names
    return _table(["rank", "site", *milestones, "cost, M USD", "assumed by the scenario"], rows)


def predictions(folder: Path = backtests.FOLDER) -> str:
    """Compare the predicted days of finished builds with what happened."""
    found = _predict(folder)
    head = ["build", "milestone", "days", "predicted days", "error", "limited by"]
    return f"{_table(head, [prediction_row(one) for one in found])}\n\n{backtests.summarize(found)}"


_predict = functools.cache(backtests.predict)


def prediction_row(one: backtests.Prediction) -> list[object]:
    """Return the cells of a prediction."""
    plus_minus = one.outcome.plus_minus_days
    return [
        one.outcome.build,
        one.outcome.milestone,
        f"{one.actual_days} ± {plus_minus}" if plus_minus else one.actual_days,
        "cannot serve" if one.predicted_days is None else one.predicted_days,
        "" if one.error_percent is None else f"{one.error_percent:+.0f} %",
        _limited_by(one.limited_by),
    ]


def memphis_blind() -> str:
    """Compare the blind prediction of Memphis, and the fit of the first version, with what happened."""
    fitted = _fit(MEMPHIS).milestones
    blind = [one for one in _predict(backtests.FOLDER) if one.outcome.build == "memphis"]
    rows: list[list[object]] = []
    for one, fit in zip(blind, fitted, strict=True):
        _, milestone, actual, predicted, error, _ = prediction_row(one)
        fit_error = 100 * (fit.day - one.actual_days) / one.actual_days
        rows.append([milestone, actual, predicted, error, fit.day, f"{fit_error:+.0f} %"])
    return _table(["milestone", "days", "predicted blind", "error", "fitted", "error of the fit"], rows)


def outcomes() -> str:
    """List what happened at each build, with who dates it and where."""
    rows: list[list[object]] = [
        [
            one.build,
            one.milestone,
            one.mw,
            one.date.isoformat(),
            one.plus_minus_days or "",
            one.dated_by,
            one.sources,
            one.notes,
        ]
        for one in backtests.read_outcomes()
    ]
    return _table(["build", "milestone", "MW of IT", "date", "± days", "dated by", "source", "notes"], rows)


def left_out() -> str:
    """List the parameters that rest on each build, and what replaces them."""
    rows: list[list[object]] = [
        [one.build, f"{one.topic}: {one.parameter}", f"`{one.used_for}`" if one.used_for else "", one.replaced_by]
        for one in backtests.read_left_out()
    ]
    return _table(["build", "parameter", "decides", "replaced by"], rows)


def make_run() -> str:
    """Return what the reference run prints, without its seconds."""
    return "```\n" + re.sub(r"in [\d.]+ s, ", "in a few seconds, ", str(_solve())) + "\n```"


def explain() -> str:
    """Explain why the second site does not win the reference run."""
    return f"```\n{siteopt.explain(COLOSSUS, 'us-eugene-hynix')}\n```"


def prove() -> str:
    """Return what a proof of the small scenario prints, without its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        frugal = COLOSSUS.with_name("frugal.toml")
        _solve(scenario=frugal).write(Path(folder) / "run")
        report = str(siteopt.prove(Path(folder) / "run", scenario=frugal))
    return "```\n" + re.sub(r"in [\d.]+ s", "in a few seconds", report) + "\n```"


def capacity() -> str:
    """Return the most GPUs by a day before the milestone of the small scenario, without the seconds."""
    found = str(siteopt.capacity(siteopt.read_scenario(COLOSSUS.with_name("frugal.toml")), "2027-03-01"))
    return "```\n" + re.sub(r"[\d.]+ s$", "a few seconds", found, count=1, flags=re.MULTILINE) + "\n```"


def classes() -> str:
    """Return the limits of ISO 8528-5 that the replay uses."""
    rows: list[list[object]] = [
        ["frequency dip", *(f"{one.dip:.0%}" for one in CLASSES.values())],
        ["frequency rise", *(f"{one.rise:.0%}" for one in CLASSES.values())],
        ["recovery", *(f"{one.recovery_s:g} s" for one in CLASSES.values())],
        ["steady band, total width", *(f"{one.steady_band:.1%}" for one in CLASSES.values())],
        ["tolerance band, total width", *(f"{one.tolerance_band:.1%}" for one in CLASSES.values())],
        ["droop", *(f"{one.droop:.0%}" for one in CLASSES.values())],
    ]
    return _table(["", *CLASSES], rows)


def replays() -> str:
    """List every milestone of every example as planned and as replayed, with its power quality."""
    rows: list[list[object]] = []
    for path in sorted(COLOSSUS.parent.glob("*.toml")):
        found = (_solve() if path == COLOSSUS else _solve(scenario=path)).record
        if found.plan is None:
            raise SystemExit(f"{path}: no plan")
        quality = {one.name: ", ".join(one.kept) for one in found.plan.power_quality.milestones}
        for one in found.plan.replay.milestones:
            days = [one.planned_day, one.day, one.bound_day]
            rows.append([found.scenario, one.name, *days, Translations().reasons(one.reasons), quality[one.name]])
    return _table(["scenario", "milestone", "planned", "replayed", "not before", "waited for", "G2 kept"], rows)


def memphis_electricity() -> str:
    """List the electrical events at Memphis at the last milestone."""
    found = _fit(MEMPHIS).power_quality
    failed = {(one.event, one.mode) for one in found.without_batteries.failed}
    rows: list[list[object]] = [
        [
            f"{one.event}, {one.mode}",
            f"{one.lowest_hz:.2f} to {one.highest_hz:.2f}",
            f"{one.rocof_hz_per_s:.1f}",
            one.iso_class or "none",
            "fails" if (one.event, one.mode) in failed else "",
        ]
        for one in found.milestones[-1].events
    ]
    return _table(["event at 200k", "Hz", "Hz/s", "class", "without batteries"], rows)


def memphis_swing() -> str:
    """Return the routine swing at Memphis with and without batteries, and the iterations of the reference scenario."""
    said = [
        f"* {'With' if one.batteries else 'Without'} its batteries, {one.event} at {one.milestone}"
        f" ({one.mode}): {min(one.hz):.2f} to {max(one.hz):.2f} Hz"
        for one in _fit(MEMPHIS).power_quality.traces
    ]
    reference = _fit()
    quality = reference.power_quality
    before = quality.before
    if before is None:
        raise SystemExit(f"{FIRST_VERSION}: the class changes nothing")
    more = (reference.cost.total_usd - before.cost_usd) / 1e6
    later = [one.day - day for one, day in zip(reference.milestones, before.days, strict=True)]
    said.append(
        f"* The reference scenario, {reference.site_name}: {quality.iterations} iterations, {more:,.1f} M USD and"
        f" {', '.join(map(str, later))} days more than the plan without the class"
    )
    return "\n".join(said)


GROUPS = {
    "E1": "Files",
    "E2": "Tables and layers",
    "E3": "The scenario",
    "E4": "Outputs",
    "E5": "The solver and the machine",
    "E9": "siteopt itself",
    "W": "Warnings",
}
"""First characters of the numbers of each group, and its title."""


def errors() -> str:
    """Return every error and every warning, by number."""
    lines = []
    for begins, title in GROUPS.items():
        codes = sorted((code for code in Code if code.number.startswith(begins)), key=lambda code: code.number)
        lines += [f"\n## {title}"] if codes else []
        for code in codes:
            lines.append(f"\n### {code.number}: {code.title}\n* **Cause**: {code.cause}\n* **Fix**: {code.cure}")
    return "\n".join(lines).strip()


def old_names() -> str:
    """Return every name that is still read in its old spelling."""
    rows: list[list[object]] = []
    every = {"column of": aliases.COLUMNS, "key of": aliases.KEYS, "attribute of": aliases.ATTRIBUTES}
    for where, tables in every.items():
        for place, names in tables.items():
            rows += [[f"`{old}`", f"`{new}`", f"{where} `{place}`"] for old, new in names.items()]
    rows += [[f"`siteopt.{old}`", f"`siteopt.{new}`", "Python"] for old, new in aliases.PYTHON.items()]
    return _table(["old name", "name", "where"], rows)


BACKTEST = {predictions, memphis_blind}
"""Blocks whose runs take minutes; ``tests/test_backtests.py`` holds them, not ``tests/test_docs.py``."""

BLOCKS: dict[tuple[str, str], Callable[[], str]] = {
    ("README.md", "make run"): make_run,
    ("README.md", "explain"): explain,
    ("docs/backtest.md", "predictions"): predictions,
    ("docs/backtest.md", "memphis blind"): memphis_blind,
    ("docs/backtest.md", "memphis"): memphis,
    ("docs/backtest.md", "memphis mix"): memphis_mix,
    ("docs/backtest.md", "rentals off"): rentals_off,
    ("docs/backtest.md", "ranking"): ranking,
    ("docs/backtest.md", "outcomes"): outcomes,
    ("docs/backtest.md", "left out"): left_out,
    ("docs/guide.md", "capacity"): capacity,
    ("docs/guide.md", "prove"): prove,
    ("docs/replay.md", "classes"): classes,
    ("docs/replay.md", "replays"): replays,
    ("docs/replay.md", "memphis electricity"): memphis_electricity,
    ("docs/replay.md", "memphis swing"): memphis_swing,
    ("docs/errors.md", "errors"): errors,
    ("docs/glossary.md", "old names"): old_names,
    **{("data/README.md", f"columns: {table.name}"): lambda table=table: markdown(table) for table in TABLES},
}


def block(path: str, name: str) -> str:
    """Return the text of a document between ``<!-- name -->`` and ``<!-- end -->``."""
    return _pattern(name).search((ROOT / path).read_text(encoding="utf-8"))["text"].strip()  # type: ignore[index]


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(f"(?P<start><!-- {re.escape(name)} -->\n)(?P<text>.*?)(?P<end><!-- end -->)", re.DOTALL)


def main() -> None:
    """Rewrite every block."""
    for (path, name), make in BLOCKS.items():
        document = ROOT / path
        text = document.read_text(encoding="utf-8")
        written, count = _pattern(name).subn(lambda m, make=make: f"{m['start']}{make()}\n{m['end']}", text)  # type: ignore[misc]
        if count != 1:
            raise SystemExit(f"{path}: {count} blocks named {name!r}, expected 1")
        document.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
