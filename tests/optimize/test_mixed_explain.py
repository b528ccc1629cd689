"""What explanations say of limits by calendar day, in tiny cases, and how ``make exact`` sees that one is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from siteopt.findings import LIMIT, Findings
from siteopt.instance import Instance
from siteopt.optimize import explain
from siteopt.optimize.clock import Clock
from siteopt.optimize.search import search
from tests.instances import tiny
from tests.optimize.mixed_explain import ArrayVariants, wrong
from tests.optimize.mixed_instances import drawn


def gap(first: float) -> Instance:
    """Ten MW are needed. A dear site has them; a cheap one has so many at first, 4 from day 40 and 12 from day 50."""
    changes = [{"site": 1, "day": 40, "grid_mw": 4.0}, {"site": 1, "day": 50, "grid_mw": 12.0}]
    sites: list[dict[str, Any]] = [{"compute_ready_day": 20}, {"grid_mw": first, "site_cost_musd": 0.5}]
    return tiny(sites=sites, changes=changes)


def explained(instance: Instance) -> Findings:
    vary = ArrayVariants(instance.take(np.array([1])))
    return explain.findings(instance, 1, vary.levers, vary, Clock())


@pytest.mark.parametrize(("first", "since"), [(12.0, 40), (10.0, 40), (9.0, 0)])
def test_a_limit_that_falls_is_raised_from_the_latest_day_that_is_enough(first: float, since: int) -> None:
    # from day 0 on, there are 4 MW at the least, as from day 40 on: 6 more are enough from then on, or else from day 0
    found = explained(gap(first))
    assert found.site.best is not None
    assert list(found.site.best.plan.day) == [50]
    limits = [change for (change,) in found.changes if change.lever.column == LIMIT]
    assert [(one.lever.now, one.value, one.lever.since) for one in limits] == [(4, 10, since)]


def said(instance: Instance) -> list[str]:
    return list(wrong(instance, 1, search(instance)))


def test_true_explanations_pass() -> None:
    assert said(gap(12.0)) == said(gap(9.0)) == said(drawn(4)) == []


def test_wrong_explanations_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    smallest = explain._least

    def largest(chosen: Sequence[Any], *_: object) -> tuple[Any, ...]:
        return tuple(lever.moved(lever.notches) for lever in chosen)

    def too_small(*given: Any) -> tuple[Any, ...]:
        return tuple(change.lever.moved(1) for change in smallest(*given))

    for least, words in ((largest, "one notch less is enough"), (too_small, "not enough")):
        monkeypatch.setattr(explain, "_least", least)
        assert any(words in issue for issue in said(gap(12.0)))
    monkeypatch.setattr(explain, "_least", smallest)
    monkeypatch.setattr(explain, "changes_to", lambda *_: iter(()))
    assert any("not said" in issue for issue in said(gap(12.0)))
