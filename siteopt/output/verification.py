"""What a verification found: the document, and the lines that a person reads."""

from __future__ import annotations

from collections.abc import Iterator

from siteopt.output.document import Document
from siteopt.output.summary import counted, replay_lines


def verification(document: Document) -> str:
    """The verdict in a few lines of text."""
    return "\n".join(_lines(document))


def _lines(document: Document) -> Iterator[str]:
    verdict = "holds" if document["holds"] else "does not hold"
    yield f"{document['scenario']}: the plan for {document['site_name']} ({document['site_id']}) {verdict}"
    for path in document["changed_inputs"]:
        yield f"Changed     {path} is not what it was when the plan was made; replayed as it is now"
    yield from replay_lines(document)
    if not document["changes"]:
        return
    for change in document["changes"]:
        yield f"With        {change['text']}" + ("" if change["concerns"] else " (the plan does not use it)")
    for slip in document["slips"]:
        yield f"Slips       {slip['name']}: {_slip(slip)}"
    if not document["slips"]:
        yield "Slips       nothing: every milestone starts as before"


def _slip(slip: Document) -> str:
    day = "never" if slip["day_with"] is None else f"day {slip['day_with']}"
    words = f"day {slip['day']} becomes {day}"
    if slip["days_later"] is not None:
        late = slip["days_later"]
        words += f", {counted(abs(late), 'day')} {'later' if late > 0 else 'sooner'}"
    because = [
        f"{one['change']}" + (f" ({one['days_later']:+d} alone)" if one["days_later"] is not None else " (never alone)")
        for one in slip["because"]
    ]
    words += f"; because of {', '.join(because)}" if because else "; only the changes together"
    return words + (f". {slip['reason']}" if slip["reason"] else "")
