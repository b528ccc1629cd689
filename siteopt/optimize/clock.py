"""Share the remaining time, earlier answers, and counts of confirmed claims among the searches of one run."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from siteopt.instance import Instance, Ints
from siteopt.optimize.branching import Branchings
from siteopt.optimize.dominance import is_dominated
from siteopt.optimize.program import Program
from siteopt.optimize.solver import SEED, Solve, solve
from siteopt.plan import Evidence
from siteopt.record.proof import StoredBranchings

MOST_BRANCHINGS = 5000
"""Largest number of branchings of one claim that a run keeps; each takes about a hundred bytes."""

Answer = TypeVar("Answer")


class OutOfTime(Exception):
    """The time limit was reached, or the user asked to stop.

    Attributes
    ----------
    plan : Plan or None
        Best plan found so far, with its site if several sites are searched.
    bound_musd : float
        Lower bound of the objective of any plan: a cost (million USD), or a day if a day is minimised.
    """

    def __init__(self, plan: Any = None, bound_musd: float = -math.inf) -> None:
        super().__init__()
        self.plan, self.bound_musd = plan, bound_musd


class Undecided(OutOfTime):
    """Two answers of the solver contradict each other, and neither a plan nor a safe bound shows which is right."""


@dataclass(frozen=True)
class Claim:
    """A closed claim: the only site of an Instance has no plan on these days that costs less than a limit."""

    instance: Instance
    days: Ints
    limit_musd: float


@dataclass
class Clock:
    """Remaining time, the signal to stop, and the answers found so far. Threads may share a clock.

    Attributes
    ----------
    seconds : float
        Time limit.
    stop : threading.Event
        Set when the user asks to stop.
    solves : int
        Number of MILPs solved.
    evidence : Evidence
    branchings : mapping of (site_id, days) to Branchings
        Branchings that closed the claims about a site on these days.
    """

    seconds: float = math.inf
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    solves: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    branchings: dict[tuple[str, tuple[int, ...]], Branchings] = field(default_factory=dict)
    _claims: list[Claim] = field(default_factory=list)
    _fresh: list[Claim] = field(default_factory=list)
    _answers: dict[Hashable, Future[Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    @property
    def is_over(self) -> bool:
        """Return whether the time is up or the user asked to stop."""
        return self.stop.is_set() or self.elapsed >= self.seconds

    def solve(
        self,
        program: Program,
        gap: float = 0.0,
        *,
        target: float = -math.inf,
        cutoff: float = math.inf,
        seed: int = SEED,
    ) -> Solve:
        """Solve a program within the time left, or return the answer if the same program was solved before.

        The parameters are those of :func:`siteopt.optimize.solver.solve`. The outcome is LIMIT if the time runs out.

        Raises
        ------
        OutOfTime
            If the time is up before the solve begins.
        """

        def answer() -> Solve:
            with self._lock:
                self.solves += 1
            left = self.seconds - self.elapsed
            return solve(program, left, gap, self.stop, target=target, cutoff=cutoff, seed=seed)

        return self.once((program.fingerprint, gap, target, cutoff, seed), answer)

    def once(self, question: Hashable, answer: Callable[[], Answer]) -> Answer:
        """Return the answer to a question, which is computed only once in a run.

        If another thread is computing the answer, wait for it.

        Raises
        ------
        OutOfTime
            If the time is up.
        """
        if self.is_over:
            raise OutOfTime
        with self._lock:
            is_new = question not in self._answers
            found = self._answers.setdefault(question, Future())
        if is_new:
            try:
                found.set_result(answer())
            except BaseException as error:
                found.set_exception(error)
        return found.result()

    def claim(self, claim: Claim) -> None:
        """Keep a closed claim; :meth:`is_claimed` counts it from the next :meth:`share_claims` on."""
        with self._lock:
            self._fresh.append(claim)

    def share_claims(self) -> None:
        """Let the claims closed so far count; called where no thread is at work, so that timing decides nothing."""
        self._claims += self._fresh
        self._fresh.clear()

    def is_claimed(self, claim: Claim) -> bool:
        """Return whether a closed claim shows this one: at a site that dominates its site, on days no earlier.

        What the site itself costs more, every plan costs more.
        """
        return any(
            known.limit_musd + float(claim.instance.prepared_musd[0] - known.instance.prepared_musd[0])
            >= claim.limit_musd
            and (known.days >= claim.days).all()
            and is_dominated(known.instance, claim.instance)[0]
            for known in self._claims
        )

    def stored_branchings(self) -> tuple[StoredBranchings, ...]:
        """Return the branchings as ``plan.json`` stores them, without claims of more than MOST_BRANCHINGS."""
        kept = [(key, found) for key, found in sorted(self.branchings.items()) if len(found) <= MOST_BRANCHINGS]
        return tuple(StoredBranchings(site_id=site, days=days, branchings=dict(found)) for (site, days), found in kept)

    def confirmed(self, **counts: int) -> None:
        """Add to the counts of checked claims in ``evidence``, by their outcome."""
        with self._lock:
            now = {name: getattr(self.evidence, name) + more for name, more in counts.items()}
            self.evidence = replace(self.evidence, **now)
