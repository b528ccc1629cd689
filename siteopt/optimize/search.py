"""Search over all sites: bound every site, then solve a small MILP for each site that could still rank.

At the end, every claim that decides a rank is confirmed by safe bounds or by a second setting of the solver.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from siteopt.instance import Instance, Ints, Pool
from siteopt.log import note
from siteopt.optimize.batches import BATCH, COMPARED, Batches
from siteopt.optimize.bottleneck import bottlenecks, days_saved, out_of_reach, why_not
from siteopt.optimize.bounds import bounds
from siteopt.optimize.clock import Clock, OutOfTime, Undecided
from siteopt.optimize.formulation import COST
from siteopt.optimize.pricing import Prices, priced
from siteopt.optimize.screening import Rank, Screening, chunks
from siteopt.optimize.single import (
    ROUGH,
    Answer,
    IncumbentCutoff,
    canonical,
    confirmed,
    cost_prices,
    first_plan,
    is_behind,
    sharpened,
    shortfall_prices,
    solve_site,
)
from siteopt.optimize.solver import solver_version
from siteopt.plan import LISTED, Ranking, SitePlan, SiteResult, Stage, relative_gap
from siteopt.record.base import RunOutcome, Standing
from siteopt.record.proof import Proof
from siteopt.record.reason import ReasonCode, because
from siteopt.stopwatch import Stopwatch

SAMPLE = 1024
"""Number of the most promising sites from which the first prices are taken."""

MORE = 4
"""Factor by which the number of sites that are priced at once grows until the first SAMPLE keep their bounds."""

PROBES = 12
"""Largest number of sites that give first prices."""

PRICES = 32
"""Largest number of prices that the search keeps: each one costs a pass over all open sites."""

LOOSE = 0.003
"""Prices are kept if they raise the bound of their own site by more than this share of its cost without GPUs."""


@dataclass(frozen=True)
class Progress:
    """Progress of a run: how many of its units (sites, stages or Pareto fronts) are closed."""

    closed: int
    total: int
    unit: str
    incumbent: str
    solves: int
    seconds: float


Report = Callable[[Progress], None]


def search(
    pool: Pool,
    clock: Clock | None = None,
    report: Report | None = None,
    top: int = 10,
    workers: int | None = None,
) -> Ranking:
    """Return the first ``top`` sites in the order of the objective, each with its proven best plan.

    A site needs no solver if its bound lies beyond the horizon, or is worse than the last of the first ``top``. Ties
    in days and cost go to the smaller site_id.

    Parameters
    ----------
    clock : Clock, optional
        Time limit, and a way to stop. When the time is up, the best plans so far are returned with their bounds, and
        the outcome is LIMIT.
    report : callable, optional
        Called after each batch of solved sites.
    top : int
        Number of ranks to prove.
    workers : int, optional
        Number of threads; by default the number of processors. The answer does not depend on it.
    """
    with searching(pool, clock or Clock(), report, top, workers) as optimiser:
        optimiser.chosen(pool)
        return optimiser.ranking()


@contextlib.contextmanager
def searching(
    pool: Pool, clock: Clock, report: Report | None = None, top: int = 10, workers: int | None = None
) -> Iterator[Search]:
    """Yield a search with its threads; the parameters are those of :func:`search`."""
    with ThreadPoolExecutor(workers or os.cpu_count()) as threads:
        yield Search(pool, clock, report, top, threads, Screening(pool, clock, threads), Batches(pool))


@dataclass
class Search:
    """State of a search, which goes on where it stands if minimum values of some sites rise.

    Attributes
    ----------
    in_time : whether the time has not run out
    is_bounded : whether all sites have bounds
    is_settled : whether the ranks are confirmed and the ties of the first one resolved
    found : best known plans, by the index of their site
    cannot : Instances of the sites that cannot serve, by the index of the site
    asked : sites that went to a solver
    canonical : sites whose plan is canonical
    sharpened : sites whose least cost was asked for after a plan within ROUGH of it
    undecided : sites that stay open because the solver contradicts itself or the time ran out
    watch : seconds spent in each step
    """

    pool: Pool
    clock: Clock
    report: Report | None
    top: int
    threads: ThreadPoolExecutor
    screening: Screening
    batches: Batches
    found: dict[int, SitePlan] = field(default_factory=dict)
    cannot: dict[int, Instance] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    undecided: set[int] = field(default_factory=set)
    canonical: set[int] = field(default_factory=set)
    sharpened: set[int] = field(default_factory=set)
    watch: Stopwatch = field(default_factory=Stopwatch)
    in_time: bool = True
    is_bounded: bool = False
    is_settled: bool = False

    @property
    def is_proven(self) -> bool:
        """Return whether the time did not run out, and the solver contradicted itself at no site."""
        return self.in_time and not self.undecided

    def chosen(self, pool: Pool, raised: Collection[int] = ()) -> SitePlan | None:
        """Return the plan that comes first, with no unit before it is needed; if the time runs out, the best so far.

        Parameters
        ----------
        pool : Pool
            The pool of the search, with higher minimum values at some sites.
        raised : indices of the sites whose minimum values rose since the last call
        """
        self.pool = pool
        if raised:
            self._reopen(raised)
            self.is_settled = False
        with self._until_the_end():
            self._close()
        first = min(self.found, key=self._rank, default=None)
        if first is None:
            return None
        self._resolve_ties(first, same_orders=True)
        return self.found[first]

    def _resolve_ties(self, first: int, *, same_orders: bool = False) -> None:
        """Replace the plan of a site by its canonical plan, or by the canonical plan with the same orders."""
        if self.is_proven and first not in self.canonical:
            with self._timed("ties"):
                self.found[first] = canonical(self.found[first], self.clock, same_orders=same_orders)
            if not same_orders:
                self.canonical.add(first)

    def contenders(self) -> Ints:
        """Return the sites with the best bounds, at most COMPARED of them."""
        able = np.flatnonzero(~self._unable_sites())
        return self.screening.by_bound(able)[:COMPARED]

    def best_of(self, site: int) -> SitePlan | None:
        """Return the best plan of a site, as far as it is known."""
        return self.found.get(site)

    def settled(self) -> SitePlan | None:
        """Return the plan that comes first, with every claim that decides a rank confirmed, and its ties resolved."""
        if not self.is_settled:
            with self._until_the_end():
                while self.in_time and not self._confirm():
                    self._close()
            self.is_settled = True
        return self.found[min(self.found, key=self._rank)] if self.found else None

    def ranking(self, earlier: SitePlan | None = None) -> Ranking:
        """Return the ranking, with every claim that decides a rank confirmed.

        Parameters
        ----------
        earlier : SitePlan, optional
            Plan to give if the time ran out before there was one.
        """
        self.settled()
        proven = self.is_proven
        if earlier is not None and not proven and not self.found:
            self.found[self.pool.site_id.index(earlier.instance.site_id[0])] = earlier
        self.screening.open[list(self.undecided)] = True
        with self._timed("reasons"):
            results = self._results(proven)
        best = results[0].best if results else None
        stages = () if best is None else best.stages if proven else self._bounded(best)
        return Ranking(
            self._outcome(proven),
            results,
            stages,
            len(self.screening.open),
            self.top,
            "search",
            solver_version(),
            len(self.asked),
            self.clock.solves,
            self.clock.elapsed,
            self.watch.seconds,
            self.clock.evidence,
            Proof(
                ranks=tuple(result.best.stored() for result in results if result.best is not None and proven),
                prices=tuple(prices.stored() for prices in self.screening.prices),
                branchings=self.clock.stored_branchings(),
            ),
        )

    @contextlib.contextmanager
    def _until_the_end(self) -> Iterator[None]:
        """Keep whether the time ran out."""
        try:
            yield
        except OutOfTime:
            self.in_time = False

    def _close(self) -> None:
        """Bound, price and solve until no site is open that could still rank."""
        if not self.is_bounded:
            with self._timed("bounds"):
                self.screening.bound()
            self.is_bounded = True
            with self._timed("prices"):
                self._probe()
        with self._timed("milps"):
            while True:
                open_sites = self._open_sites()
                vague = self._vague(open_sites)
                if vague:
                    self._sharpen(vague)
                elif len(open_sites):
                    self._solve(open_sites)
                else:
                    break

    def _vague(self, open_sites: Ints) -> list[int]:
        """Return the sites whose cost decides a rank, but is known only within ROUGH.

        It decides who is first, and it decides between sites with the same days unless the dearer one is known to cost
        more.
        """
        if self.screening.head.order[-1] != COST:
            return []
        ranked = [s for _, s in sorted(map(self._rank, self.found)) if self.found[s].proven]
        decides = set() if len(open_sites) else set(ranked[:1])
        open_days = self.screening.bounds.key[open_sites, :-1]
        for place, s in enumerate(ranked[: self.top]):
            key = self.found[s].key
            if not self.found[s].is_exact and (open_days == key[:-1]).all(axis=1).any():
                decides.add(s)
            for other in ranked[place + 1 :]:
                behind = self.found[other]
                if behind.key[:-1] != key[:-1]:
                    break
                if behind.least_key < key:
                    decides |= {s, other}
        return sorted(s for s in decides - self.sharpened if not self.found[s].is_exact)

    def _sharpen(self, sites: list[int]) -> None:
        """Find the least cost of some sites, on the days that they have."""

        def one(s: int) -> SitePlan | None:
            same = self.batches.inherited(s, self.found[s].instance, self.found)
            if same is not None and same.is_exact:
                return same
            try:
                return sharpened(self.found[s], self.clock)
            except Undecided:
                return None

        for s, best in zip(sites, list(self.threads.map(one, sites)), strict=True):
            if best is None:
                self.undecided.add(s)
            else:
                self.found[s] = best
        self.sharpened |= set(sites)

    def _reopen(self, raised: Collection[int]) -> None:
        """Forget the plans of sites whose minimum values rose; their keys are bounds now, and other sites may rank."""
        for s in raised:
            best = self.found.pop(s, None)
            self.canonical.discard(s)
            self.sharpened.discard(s)
            if best is not None and best.proven:
                self.screening.raise_to(np.array([s]), best.least_key)
        self.undecided -= set(raised)
        self.batches = Batches(self.pool)
        self.screening.reopen(self.pool, [*self.found, *self.cannot, *self.undecided])

    def _outcome(self, proven: bool) -> RunOutcome:
        """Return how the run ended; NO_SITE requires that every site is known to be unable to serve."""
        if proven and any(best.proven for best in self.found.values()):
            return RunOutcome.PROVEN
        return RunOutcome.NO_SITE if proven and self._unable_sites().all() else RunOutcome.LIMIT

    def _unable_sites(self) -> np.ndarray:
        """Return for each site whether it is known to be unable to serve; S, bool."""
        screening = self.screening
        unable = ~screening.bounds.can_serve(np.arange(len(screening.open)), screening.head.horizon_day)
        unable[list(self.cannot)] = True
        return unable

    @contextlib.contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        try:
            with self.watch.step(step):
                yield
        finally:
            note("step", step=step, seconds=round(self.watch.seconds[step], 4))

    def _rank(self, s: int) -> Rank:
        return self.found[s].key, s

    def _incumbent_cutoff(self) -> Rank | None:
        """Return the rank of the last of the first ``top`` plans known; None if there are fewer."""
        ranks = sorted(map(self._rank, self.found))
        return ranks[self.top - 1] if len(ranks) >= self.top else None

    def _open_sites(self, among: Ints | None = None) -> Ints:
        """Return the open sites that could still rank, best bound first, the first SAMPLE bounded by all prices.

        Prices only raise bounds, so no later site has a better one. Most sites are closed before they need a price.
        """
        cutoff, size = self._incumbent_cutoff(), SAMPLE
        while True:
            open_sites = self.screening.open_sites(cutoff, among, SAMPLE)
            if self.screening.is_priced(open_sites[:SAMPLE]):
                return open_sites
            self.screening.price(open_sites[:size], cutoff)
            size *= MORE

    def _probe(self) -> None:
        """Get first plans and prices from a sample of sites, each time from the one with the best bound.

        If there are more sites than the sample, go on until the best of the sample have plans: their cutoff closes most
        of the others with the first prices that they get.
        """
        block = self.screening.open_sites(None, least=SAMPLE)
        if len(block) <= self.top:
            return
        sample = block[np.unique(np.linspace(0, len(block) - 1, SAMPLE).astype(np.int64))]
        for _ in range(PROBES):
            nearest = self._open_sites(sample)[: self.top if len(block) > SAMPLE else 1]
            new = [s for s in nearest.tolist() if s not in self.found]
            if not new:
                return
            s = new[0]
            self.asked.add(s)
            instance = self.pool.exact(np.array([s]))
            days = self.screening.cost_days(np.array([s]))[0]
            best = first_plan(instance, days, self.clock)
            if best is not None:
                self.found[s] = best
            prices = _prices(instance, days, best)
            if not prices:
                return
            self.screening.prices += prices

    def _solve(self, open_sites: Ints) -> None:
        """Solve the sites with the best bounds, at most BATCH of them, and bound the sites that they dominate."""
        cutoff = self._incumbent_cutoff()

        def one(s: int) -> tuple[Answer | None, list[Prices]]:
            instance, bound = self.pool.exact(np.array([s])), self.screening.bounds.key[s]
            days = self.screening.cost_days(np.array([s]))[0]
            beat = None if cutoff is None else IncumbentCutoff(cutoff[0], s <= cutoff[1])
            same = self.batches.inherited(s, instance, self.found)
            if same is not None:
                return Answer(same), []
            try:
                answer = solve_site(instance, self.clock, bound, beat, 0.0 if s in exactly else ROUGH)
            except OutOfTime:
                return None, []
            learn = len(open_sites) > BATCH and len(self.screening.prices) < PRICES and not answer.worse
            return answer, self._lessons(s, instance, days, answer.best) if learn else []

        batch = self.batches.next(open_sites)
        self.asked.update(batch)
        exactly = {s for s, worse in batch.items() if len(worse.sites)} | set(filter(self._leads, list(batch)[:1]))
        for (s, worse), (answer, prices) in zip(batch.items(), self.threads.map(one, batch), strict=True):
            self.screening.open[s] = False
            if answer is None or (answer.best is not None and not answer.best.proven):
                self.undecided.add(s)
            if answer is None:
                continue
            if answer.best is not None:
                self.found[s] = answer.best
                if answer.best.proven:
                    self.screening.raise_to(worse.sites, answer.best.least_key, worse.dearer_musd)
            elif answer.worse and cutoff is not None:
                self.screening.raise_to(np.array([s, *worse.sites]), cutoff[0])
            else:
                self.cannot |= {each: self.pool.exact(np.array([each])) for each in (s, *worse.sites.tolist())}
                self.screening.open[worse.sites] = False
            self.screening.prices += prices
        self.clock.share_claims()
        if self.undecided and self.clock.is_over:
            raise OutOfTime
        if self.report:
            first = self.pool.site_id[min(map(self._rank, self.found))[1]] if self.found else ""
            closed = len(self.screening.open) - int(self.screening.open.sum())
            progress = Progress(closed, len(self.screening.open), "sites", first, self.clock.solves, self.clock.elapsed)
            self.report(progress)

    def _leads(self, s: int) -> bool:
        """Return whether the bound of a site allows it to be the first."""
        bound = tuple(self.screening.bounds.compared(np.array([s]))[0].tolist())
        return all(bound <= best.key for best in self.found.values())

    def _confirm(self) -> bool:
        """Confirm the claims that decide the ranks, and return whether the ranks still hold.

        Two claims are confirmed: the least cost of the first rank, and that no later rank comes before the one above
        it. Days, and sites that are worse than the ranks, were confirmed when they were solved. If a cheaper plan is
        found, the ranks may change, so they do not hold.
        """
        ranked = [s for _, s in sorted(map(self._rank, self.found)) if self.found[s].proven][: self.top]

        def one(place: int) -> SitePlan | None:
            s = ranked[place]
            try:
                if not place:
                    return confirmed(self.found[s], self.clock)
                above = ranked[place - 1]
                return is_behind(self.found[s], IncumbentCutoff(self.found[above].key, s < above), self.clock)
            except Undecided:
                return None

        if ranked:
            self._resolve_ties(ranked[0])  # which mostly shows that there is no cheaper plan, too
            self.clock.share_claims()
        with self._timed("confirmation"):
            checked = [one(place) for place in range(len(ranked))[:1]]
            self.clock.share_claims()  # what is shown at the first rank may hold at look-alike sites behind it
            checked += self.threads.map(one, range(1, len(ranked)))
        stands = True
        for s, best in zip(ranked, checked, strict=True):
            if best is None:
                self.undecided.add(s)
            else:
                if best.key != self.found[s].key:
                    stands = False
                    self.canonical.discard(s)
                self.found[s] = best
        return stands

    def _lessons(self, s: int, instance: Instance, days: Ints, best: SitePlan | None) -> list[Prices]:
        """Return the prices of a solved site; those of its cost only if they raise its bound of cost by a lot."""
        prices = _prices(instance, days, best)
        if best is None:
            return prices
        known = float(self.screening.bounds.key[s, self.screening.head.order.index(COST)])
        enough = known + LOOSE * (best.cost_musd - instance.gpu_cost_musd)
        return [some for some in prices if not some.cost or priced(instance, best.plan.day[None], some)[0] > enough]

    # results

    def _results(self, proven: bool) -> tuple[SiteResult, ...]:
        """Return the ranked sites, then the others by their bounds, then those that cannot serve; at most LISTED."""
        screening = self.screening
        ranked = [s for _, s in sorted(map(self._rank, self.found))]
        if proven:
            ranked = [s for s in ranked if self.found[s].proven][: self.top]
        behind = [self.threads.submit(self._ranked, place, s, proven) for place, s in enumerate(ranked) if place]
        results = [*(self._ranked(0, s, proven) for s in ranked[:1]), *(later.result() for later in behind)]
        late = self._unable_sites()
        rest = ~late
        rest[ranked] = False
        others = np.flatnonzero(rest)
        for s in screening.by_bound(others)[: LISTED - len(results)] if len(others) else ():
            results.append(self._other(int(s), proven, last=len(ranked)))
        return (*results, *self._unable(np.flatnonzero(late)[: LISTED - len(results)]))

    def _bounded(self, best: SitePlan) -> tuple[Stage, ...]:
        """Return the best plan's values with bounds that no site can beat, up to the first goal that is not proven.

        The bound of a goal holds for plans that reach the goals before it, so a goal after a gap has no bound.
        """
        screening, stages = self.screening, list[Stage]()
        rows = [tuple(stage.bound for stage in best.stages)]
        rows += [
            tuple(screening.bounds.key[s].tolist()) for s in screening.by_bound(np.flatnonzero(screening.open))[:1]
        ]
        for stage, bound in zip(best.stages, min(rows), strict=True):
            low = min(stage.value, bound)
            stages.append(Stage(stage.goal, stage.value, low, relative_gap(stage.value, low)))
            if stages[-1].gap:
                break
        return tuple(stages)

    def _ranked(self, place: int, s: int, proven: bool) -> SiteResult:
        best = self.found[s]
        limits = bounds(best.instance)
        standing = Standing.CHOSEN if not place else Standing.RANKED if best.proven else Standing.UNDECIDED
        result = SiteResult(self.pool.site_id[s], standing, limits.day[0], best.cost_bound_musd, best)
        if not best.proven:
            return result
        try:
            saved = () if place else days_saved(best, self.clock, self.threads.map)
            return replace(result, days_saved=saved, limited_by=bottlenecks(best, self.clock, saved))
        except OutOfTime:
            return result

    def _other(self, s: int, proven: bool, last: int) -> SiteResult:
        standing = Standing.NOT_RANKED if proven else Standing.UNDECIDED
        reason = because(ReasonCode.BOUND_IS_WORSE, rank=last) if proven else None
        known = self.screening.bounds
        cost = float(known.key[s, known.order.index(COST)])
        return SiteResult(self.pool.site_id[s], standing, known.day[s], cost, reason=reason)

    def _unable(self, sites: Ints) -> Iterator[SiteResult]:
        """Yield sites that cannot serve, each with the reason: found by the solver if solved, else by arithmetic."""
        for chunk in chunks(sites):
            instance = self.pool.exact(chunk)
            limits = bounds(instance)
            reasons = out_of_reach(instance, limits)
            for place, s in enumerate(map(int, chunk)):
                if s in self.cannot:
                    with contextlib.suppress(OutOfTime):
                        reasons[place] = why_not(self.cannot[s], self.clock)
            for s, day, reason in zip(chunk, limits.day, reasons, strict=True):
                yield SiteResult(self.pool.site_id[s], Standing.CANNOT_SERVE, day, np.nan, reason=reason)


def _prices(instance: Instance, days: Ints, best: SitePlan | None) -> list[Prices]:
    """Return prices of a site: of its cost if it has a plan, and of what is missing if ``days`` have no plan."""
    prices = [cost_prices(best)] if best is not None else []
    if best is None or (best.plan.day != days).any():
        prices.append(shortfall_prices(instance, days))
    return [some for some in prices if some is not None]
