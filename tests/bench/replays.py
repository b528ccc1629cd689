"""What a replay takes, beside the solve that it belongs to: ``python -m tests.bench.replays`` writes its table, too."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

import siteopt
from siteopt.plan import SitePlan
from siteopt.simulate.calendar import replay
from siteopt.simulate.electrical import simulate, simulated
from siteopt.simulate.events import SWING, events
from siteopt.simulate.orders import Orders
from siteopt.simulate.quality import sizing
from siteopt.simulate.replayed import lacking, replayed
from tests.bench import ROOT
from tests.bench.report import write_blocks
from tests.first_version import MODELS

REPEATS = 3
"""Of which the fastest counts."""

FOLLOWED_S = 120.0


def fastest(call: Callable[[], object]) -> float:
    """CPU seconds of the fastest call, none of which finds what an earlier one simulated."""
    seconds = []
    for _ in range(REPEATS):
        simulated.cache_clear()
        begun = time.process_time()
        call()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def solved(name: str, *settings: str) -> tuple[SitePlan, float]:
    """The best plan of an example, and the CPU seconds of its solve with everything that belongs to it."""
    begun = time.process_time()
    best = siteopt.solve(siteopt.read_scenario(MODELS / f"{name}.toml", settings)).ranking.best
    seconds = time.process_time() - begun
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
    once = [(time_s, mw) for time_s, mw in zip(swing.load_s, swing.load_mw, strict=True) if time_s < period]
    starts = [place * period for place in range(round(FOLLOWED_S / period))]
    load_s = tuple(start + time_s for start in starts for time_s, _ in once)
    load_mw = tuple(mw for _, mw in once) * len(starts)
    long = replace(swing, duration_s=FOLLOWED_S, load_s=load_s, load_mw=load_mw)
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
    rows = ["| what | CPU seconds | share of the solve |", "| --- | --- | --- |"]
    for what, call in parts.items():
        seconds = fastest(call)
        rows.append(f"| {what} | {seconds:.3f} | {seconds / solve:.1%} |")
    rows.append(f"| solve of Memphis, replayed and judged | {solve:.3f} | 100.0% |")
    return "\n".join(rows)


if __name__ == "__main__":
    made = table()
    print(made)
    write_blocks(ROOT / "docs" / "performance.md", {"replays": made})
