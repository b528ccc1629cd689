"""How many random instances a test draws."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ALL = os.environ.get("SITEOPT_EXAMPLES") == "all"
"""Whether tests draw all their instances, as ``make slow`` does, or a part of them, as ``make test`` does."""

PART = 4
"""One in so many instances is drawn in ``make test``."""


def many(number: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator of a test that draws so many random instances in ``make slow``."""
    drawn = settings(max_examples=number if ALL else number // PART, suppress_health_check=list(HealthCheck))
    return lambda test: pytest.mark.random(drawn(test))
