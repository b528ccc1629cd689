"""Say where a value of a scenario comes from: its file, its line, and the source that the file gives for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ESTIMATE = "estimate"
"""First word of a source that is no source: the author of the file has estimated the value."""

QUESTION = ("project", "inputs", "milestones", "objective", "baselines", "filter")
"""Sections that ask a question. The values of all other sections describe the world, so they need a source."""

NOTHING = "exclude"
"""Value of ``[defaults]`` that assumes nothing, so it needs no source."""


class Support(StrEnum):
    """What a value rests on."""

    SOURCE = "source"
    ESTIMATE = "estimate"
    NO_SOURCE = "no source"


@dataclass(frozen=True)
class Parameter:
    """Value of a scenario, with the place where it stands.

    Attributes
    ----------
    key : str
        Such as ``building.fitout_m2_per_day.sound``; money in the currency of the file. A list is one value.
    value
        As the file gives it.
    file : str
        File, relative to the scenario file; ``--set`` for a setting.
    line : int or None
        Line in the file, if it is known.
    source : str
        What the ``[sources]`` of the same file say about the value; empty if they say nothing.
    """

    key: str
    value: Any
    file: str
    line: int | None
    source: str

    @property
    def section(self) -> str:
        """Return the section of the scenario."""
        return self.key.partition(".")[0]

    @property
    def support(self) -> Support:
        """Return whether the value has a source, is an estimate, or has no source."""
        if not self.source:
            return Support.NO_SOURCE
        return Support.ESTIMATE if self.source.lower().startswith(ESTIMATE) else Support.SOURCE

    @property
    def decides(self) -> bool:
        """Return whether the value describes the world, so that the answer rests on it."""
        return self.section not in QUESTION and self.value != NOTHING

    def record(self) -> dict[str, Any]:
        """Return the value as a dict, for JSON."""
        return {**vars(self), "support": self.support.value, "decides": self.decides}
