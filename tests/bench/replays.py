"""What a replay takes, beside the solve that it belongs to: ``python -m tests.bench.replays`` writes its table, too."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

import siteopt
from siteopt.plan import SitePlan
from siteopt.simulate.calendar import replay
from siteopt.simulate.electrical import simulate
from siteopt.simulate.events import SWING, events
from siteopt.simulate.orders import Orders
from siteopt.simulate.quality import sizing
from siteopt.simulate.replayed import lacking, replayed
from tests.bench import ROOT
from tests.bench.report import write_blocks

REPEATS = 3
"""Of which the fastest counts."""

FOLLOWED_S = 120.0


def fastest(call: Callable[[], object]) -> float:
    """Seconds of the fastest call."""
    seconds = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def solved(name: str, *settings: str) -> tuple[SitePlan, float]:
    """The best plan of an example, and the seconds of its solve with everything that belongs to it."""
    begun = time.perf_counter()
    best = siteopt.solve(siteopt.read_scenario(ROOT / "models" / f"{name}.toml", settings)).ranking.best
    seconds = time.perf_counter() - begun
    assert best is not None
    assert best.best is not None
    return best.best, seconds


def table() -> str:
    """What each part takes, and how often it fits into the solve without a class."""
    korea, _ = solved("korea")
    memphis, solve = solved("colossus", 'filter.regions=["TN"]')
    plain = {name: value for name, value in vars(memphis.instance.power_quality).items() if name != "iso_class"}
    bare = replace(memphis.instance, power_quality=type(memphis.instance.power_quality)("", **plain))
    instance, plan = memphis.instance, memphis.plan
    orders = Orders(plan.day, plan.units, plan.step)
    calendar = replay(instance, orders)
    machines = np.where(instance.of_kind("battery"), 0, plan.units[:, 2])
    demand, imported = float(calendar.demand_mw[2]), float(calendar.import_mw[2])
    found = events(instance, 2, plan.units[:, 2], plan.step[:, 2], demand, imported)
    swing = next(event for event in found if event.name == SWING)
    assert swing.checked_s is not None
    period = swing.checked_s[1]
    once = swing.load_s < period
    starts = np.arange(round(FOLLOWED_S / period))[:, None] * period
    load = (starts + swing.load_s[once]).ravel(), np.tile(swing.load_mw[once], len(starts))
    long = replace(swing, duration_s=FOLLOWED_S, load_s=load[0], load_mw=load[1])
    assert simulate(long, stride=1).time_s[-1] > FOLLOWED_S - 0.01
    asian = Orders(korea.plan.day, korea.plan.units, korea.plan.step)
    days = len(replay(korea.instance, asian).days.grid_mw)
    year = f"day by day: {days} days, {int(asian.units[:, -1].sum())} units (`korea`)"
    classes = len(swing.before.machines)
    parts: dict[str, Callable[[], object]] = {
        year: lambda: replay(korea.instance, asian),
        f"{FOLLOWED_S:.0f} s at 1 ms, {classes} classes of machines (Memphis)": lambda: simulate(long),
        "both replays of a plan: three milestones, with batteries and without": lambda: replayed(bare, orders),
        "a plan is judged and passes": lambda: lacking(instance, orders),
        "what a milestone lacks is sought (no batteries)": lambda: sizing(
            instance, 2, machines, plan.step[:, 2], demand, imported
        ),
    }
    rows = ["| what | seconds | share of the solve |", "| --- | --- | --- |"]
    for what, call in parts.items():
        seconds = fastest(call)
        rows.append(f"| {what} | {seconds:.3f} | {seconds / solve:.1%} |")
    rows.append(f"| solve of Memphis, replayed and judged | {solve:.3f} | 100.0% |")
    return "\n".join(rows)


if __name__ == "__main__":
    made = table()
    print(made)
    write_blocks(ROOT / "docs" / "performance.md", {"replays": made})
