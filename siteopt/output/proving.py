"""Put the result of a proof check into lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from siteopt.output.translations import Translations
from siteopt.record.proof import CheckedGoal, CheckedRank, CheckedSites, Means, ProofReport


def proving(report: ProofReport) -> str:
    """Return the result in a few lines of text."""
    return "\n".join(_lines(report))


def _lines(report: ProofReport) -> Iterator[str]:
    yield f"{report.scenario}: {_verdict(report)}, {report.nodes:,} linear programs in {report.seconds:.1f} s"
    for path in report.changed_inputs:
        yield f"Changed     {path} has changed since the plan was made; the check reads it as it is now"
    if report.minimum_support:
        sites = ", ".join(report.minimum_support)
        yield f"Depends on  minimum battery power or inertia for power quality at {sites} (docs/model.md)"
    for rank in report.ranks:
        yield from _rank(rank, report.rows_recomputed)
        if rank.rank == 1:
            yield _sites("Other sites", report.first, "come before it")
    if not report.ranks:
        yield _sites("Sites      ", report.first, "serve")
    if report.last is not None:
        yield _sites("Not ranked ", report.last, f"come before rank {report.last.rank}")


def _verdict(report: ProofReport) -> str:
    if report.is_wrong:
        return "WRONG: do not use this plan, and please report it"
    if report.proven:
        return (
            "proven without relying on a solver"
            if report.ranks
            else "no site can serve, proven without relying on a solver"
        )
    if report.first_proven:
        return "the first rank is proven without relying on a solver, the others in part"
    return "proven in part"


def _rank(rank: CheckedRank, rows: int) -> Iterator[str]:
    holds = {True: "holds", False: "DOES NOT HOLD", None: "was not checked in time"}[rank.holds]
    more = f": {rows:,} rows recomputed" if rank.rank == 1 and rank.holds else ""
    yield f"{f'{rank.rank}.':<12}{rank.name} ({rank.site_id}), its plan {holds}{more}"
    yield f"            {'; '.join(_goal(goal, rank) for goal in rank.goals)}"


def _goal(goal: CheckedGoal, rank: CheckedRank) -> str:
    if goal.goal == "cost":
        return f"cost: {_cost(goal, rank)}"
    if goal.means is Means.OPEN:
        return f"{goal.goal} before day {goal.value:.0f} not ruled out yet"
    if goal.means is Means.WRONG:
        return f"{goal.goal} CAN START before day {goal.value:.0f}"
    return f"{goal.goal} not before day {goal.value:.0f} ({_means(goal)})"


def _cost(goal: CheckedGoal, rank: CheckedRank) -> str:
    if goal.means is Means.WRONG:
        return "THERE IS A CHEAPER PLAN"
    gap = goal.value - goal.bound
    if goal.means is not Means.OPEN:
        return f"no plan is cheaper by {max(10, gap):,.0f} US dollars or more ({_means(goal)})"
    share = gap / rank.decided_usd if rank.decided_usd > 0 else 1.0
    nodes = Translations().count(goal.nodes, "linear program")
    return f"no plan is cheaper by {share:.3%} or more of what the plan decides, so far ({nodes})"


def _means(goal: CheckedGoal) -> str:
    return (
        f"branching, {Translations().count(goal.nodes, 'linear program')}"
        if goal.means is Means.BRANCHING
        else goal.means
    )


def _sites(head: str, sites: CheckedSites, what: str) -> str:
    """Return a line with the number of sites that are shown unable to do something, counted by means."""
    shown = {Means.ARITHMETIC: sites.arithmetic, Means.PRICES: sites.prices, Means.BRANCHING: sites.branching}
    by = ", ".join(f"{count:,} by {means}" for means, count in shown.items() if count)
    count = sum(shown.values())
    words = f"{count:,} cannot {what}" + (f" ({by})" if by else "")
    if sites.open:
        words += f"; not finished: {', '.join(sites.open[:10])}" + (" ..." if len(sites.open) > 10 else "")
    if sites.wrong:
        words += f"; WRONG for {', '.join(sites.wrong)}"
    return f"{head} {words}"
