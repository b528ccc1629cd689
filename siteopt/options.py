"""Define the choices and defaults that the command line and Python share, without loading any library."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Method = Literal["search", "monolithic"]
"""Search site by site, or solve one MILP over all sites."""

PROOF_SECONDS = 120.0
"""Time limit of a proof unless the user gives one, s."""

LOCALE = Path(__file__).parent / "output" / "locale"
"""Folder with a catalogue of texts for each language other than English."""

LANGUAGES = ("en", *sorted(path.stem for path in LOCALE.glob("*.po")))
"""Codes of English and of every language that has a catalogue."""
