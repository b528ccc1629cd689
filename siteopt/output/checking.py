"""Say what ``siteopt check`` found: which sites take part, and which parameters the answer rests on."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence

import pandas as pd

from siteopt.output.translations import Translations
from siteopt.parameters import Parameter, Support
from siteopt.toml_files import text_of

SHOWN = 100
"""Maximum number of excluded sites, and of sites with assumed values, that are listed; the others are counted."""

LETTERS = 60
"""Maximum number of letters of a value; a longer one is shortened, or its entries are counted."""


def site_lines(excluded: pd.Series, assumed: pd.DataFrame) -> Iterator[str]:
    """Yield which sites are excluded, and of which ones the scenario fills blanks.

    Parameters
    ----------
    excluded : Series of Reason
        By site_id.
    assumed : DataFrame of bool
        Whether a blank is filled; sites by columns.
    """
    filled, translations = assumed[assumed.any(axis=1)], Translations()
    for site, reason in excluded[:SHOWN].items():
        yield f"  excluded  {site}: {translations.reason(reason)}"
    for site, columns in filled[:SHOWN].iterrows():
        yield f"  assumed   {site}: {', '.join(columns.index[columns])}"
    for what, more in (("excluded", len(excluded) - SHOWN), ("assumed ", len(filled) - SHOWN)):
        if more > 0:
            yield f"  {what}  {more:,} more"


def parameter_lines(parameters: Sequence[Parameter], *, all_values: bool) -> Iterator[str]:
    """Yield on how much knowledge the deciding parameters stand, and which of them are estimates or have no source.

    Parameters
    ----------
    all_values : bool
        Whether to list every value instead, with its file, its line and its source.
    """
    deciding = [one for one in parameters if one.decides]
    count = Counter(one.support for one in deciding)
    told = f"with a source {count[Support.SOURCE]:,}, estimates {count[Support.ESTIMATE]:,}"
    yield f"Parameters that decide: {len(deciding):,}; {told}, without a source {count[Support.NO_SOURCE]:,}"
    if all_values:
        for one in parameters:
            place = one.file if one.line is None else f"{one.file}:{one.line}"
            yield text_of(f"  {one.key} = {_value(one)} ({place}): {one.source or Support.NO_SOURCE}")
        return
    for support in (Support.ESTIMATE, Support.NO_SOURCE):
        listed = sorted((one for one in deciding if one.support is support), key=lambda one: (one.section, one.file))
        for (section, file), group in itertools.groupby(listed, key=lambda one: (one.section, one.file)):
            values = ", ".join(f"{one.key.removeprefix(f'{section}.')} = {_value(one)}" for one in group)
            yield text_of(f"  {support:9}  {section} ({file}): {values}")


def _value(parameter: Parameter) -> str:
    """Return a value as its file holds it, if it is not too long."""
    value = parameter.value
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | list | bool) else f"{value}"
    if len(text) <= LETTERS:
        return text
    return f"{len(value):,} entries" if isinstance(value, list) else f"{text[:LETTERS]}..."
