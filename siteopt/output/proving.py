"""Put the verdict of a proof check into lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from siteopt.output.words import Words
from siteopt.record.proof import CheckedGoal, CheckedRank, CheckedSites, Means, ProofReport


def proving(report: ProofReport) -> str:
    """Return the verdict in a few lines of text."""
    return "\n".join(_lines(report))


def _lines(report: ProofReport) -> Iterator[str]:
    yield f"{report.scenario}: {_verdict(report)}, {report.nodes:,} linear programs in {report.seconds:.1f} s"
    for path in report.changed_inputs:
        yield f"Changed     {path} is not what it was when the plan was made; checked as it is now"
    if report.floors:
        yield f"Relative    to what power quality was found to ask for at {', '.join(report.floors)} (docs/model.md)"
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
        return "WRONG: do not use this plan, and report it"
    if report.proven:
        return (
            "proven without trust in a solver"
            if report.ranks
            else "no site can serve, proven without trust in a solver"
        )
    if report.first_proven:
        return "the first rank is proven without trust in a solver, the others in part"
    return "proven in part"


def _rank(rank: CheckedRank, rows: int) -> Iterator[str]:
    holds = {True: "holds", False: "DOES NOT HOLD", None: "not looked for in the time given"}[rank.holds]
    more = f": {rows:,} rows recomputed" if rank.rank == 1 and rank.holds else ""
    yield f"{f'{rank.rank}.':<12}{rank.name} ({rank.site_id}), its plan {holds}{more}"
    yield f"            {'; '.join(_goal(goal, rank) for goal in rank.goals)}"


def _goal(goal: CheckedGoal, rank: CheckedRank) -> str:
    if goal.goal == "cost":
        return f"cost {_cost(goal, rank)}"
    if goal.means is Means.OPEN:
        return f"{goal.goal} before day {goal.value:.0f} not excluded yet"
    if goal.means is Means.WRONG:
        return f"{goal.goal} CAN START before day {goal.value:.0f}"
    return f"{goal.goal} not before day {goal.value:.0f} ({_means(goal)})"


def _cost(goal: CheckedGoal, rank: CheckedRank) -> str:
    if goal.means is Means.WRONG:
        return "CAN BE LESS"
    gap = goal.value - goal.bound
    if goal.means is not Means.OPEN:
        return f"not less by {max(10, gap):.0f} US dollars ({_means(goal)})"
    share = gap / rank.decided_usd if rank.decided_usd > 0 else 1.0
    return f"not less by {share:.3%} of what the plan decides, so far ({Words().count(goal.nodes, 'linear program')})"


def _means(goal: CheckedGoal) -> str:
    return f"branching, {Words().count(goal.nodes, 'linear program')}" if goal.means is Means.BRANCHING else goal.means


def _sites(head: str, sites: CheckedSites, what: str) -> str:
    """Return a line on how many sites cannot do something, counted by the means that showed it."""
    shown = {Means.ARITHMETIC: sites.arithmetic, Means.PRICES: sites.prices, Means.BRANCHING: sites.branching}
    by = ", ".join(f"{count:,} by {means}" for means, count in shown.items() if count)
    count = sum(shown.values())
    words = f"{count:,} cannot {what}" + (f" ({by})" if by else "")
    if sites.open:
        words += f"; not finished: {', '.join(sites.open[:10])}" + (" ..." if len(sites.open) > 10 else "")
    if sites.wrong:
        words += f"; WRONG of {', '.join(sites.wrong)}"
    return f"{head} {words}"
