"""Make the JSON Schema of every stored or printed record from its model. The package contains the files.

``python -m siteopt.record.schemas`` writes the files again; a test fails if one is out of date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from siteopt.record.base import FORMAT_VERSION, Record
from siteopt.record.capacity import CapacityRecord
from siteopt.record.explanation import ExplanationRecord
from siteopt.record.pareto_front import FrontRecord
from siteopt.record.proof import ProofReport
from siteopt.record.run import RunRecord
from siteopt.record.verification import VerificationRecord

FOLDER = Path(__file__).with_name("schemas")

RECORDS: dict[str, type[Record]] = {
    "plan": RunRecord,
    "pareto": FrontRecord,
    "capacity": CapacityRecord,
    "explain": ExplanationRecord,
    "verify": VerificationRecord,
    "prove": ProofReport,
}
"""Records by the name of their file, or of the command whose ``--json`` prints them."""


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a record.

    Parameters
    ----------
    name : str
        One of RECORDS.
    """
    found = RECORDS[name].model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def files() -> dict[Path, str]:
    """Return the text of every schema file by its path."""
    return {
        FOLDER / f"{name}-{FORMAT_VERSION}.schema.json": json.dumps(schema(name), indent=1) + "\n" for name in RECORDS
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
