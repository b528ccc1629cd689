"""Draw specifications of Vega-Lite in a process of its own: ``drawing.py`` runs this file and imports nothing of it.

The engine (V8) ends its whole process if it gets too little memory, so it must not run in the process of a run. This
file imports nothing of siteopt, because the process should start quickly and need little memory.
"""

import base64
import json
import sys
from collections.abc import Iterable
from typing import BinaryIO

import vl_convert

SCALE = 2
"""Pixels of a PNG for each pixel of the chart."""


def drawings(asked: Iterable[bytes]) -> list[str]:
    """Return the drawing of each line, which holds ``svg`` or ``png``, a space, and a specification; PNG in base64."""
    found = []
    for line in asked:
        kind, specification = line.decode().split(" ", 1)
        if kind == "svg":
            found.append(vl_convert.vegalite_to_svg(specification))
        else:
            found.append(base64.b64encode(vl_convert.vegalite_to_png(specification, scale=SCALE)).decode())
    return found


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Read lines from the source and write their drawings into the sink, as a JSON list."""
    sink.write(json.dumps(drawings(source)).encode())


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
