"""Define what all sections of a scenario share: how their keys are read, and common ranges of values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from siteopt import aliases

Rate = Annotated[float, Field(ge=1e-6, le=1e9)]
"""Rate: GPUs, MW or m2 a day."""

Price = Annotated[float, Field(ge=0, le=1e9)]
"""Price of one unit of something, in any currency."""

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0, le=3650)]


class Section(BaseModel):
    """Section of a scenario: its keys are fixed, and may have old names."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)
    old_names: ClassVar[Mapping[str, str]] = {}
    """Present names of keys by their old ones, which are read too."""

    @model_validator(mode="before")
    @classmethod
    def _with_present_names(cls, data: Any) -> Any:
        if wrong := aliases.twice(data, cls.old_names):
            raise ValueError("\n".join(wrong))
        return aliases.renamed(data, cls.old_names)
