from __future__ import annotations

import pytest

from siteopt.geodata.commas import too_many
from siteopt.schema import CANDIDATES, OFFERS

HEADER = ("site_id", "name", "country", "latitude", "longitude", "status", "floor_area_m2", "yard_area_m2", "notes")
FINE = ("a", "Works", "US", "35.5", "-90.25", "vacant", "50000", "900", "by rail")


def row(**cells: str) -> list[str]:
    """The fine row with other cells, as it is read where they have commas and no quotes."""
    return ",".join({**dict(zip(HEADER, FINE, strict=True)), **cells}.values()).split(",")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"floor_area_m2": "50,000"}, "; is there a comma in the number of floor_area_m2?"),
        ({"floor_area_m2": "1,250,000"}, "; is there a comma in the number of floor_area_m2?"),
        ({"latitude": "35,5"}, "; is there a comma in the number of latitude?"),
        ({"latitude": "35,5", "longitude": "-90,25"}, "; is there a comma in the number of latitude or longitude?"),
        ({"notes": "by rail, by road"}, "; is there a comma in notes? Put the text in quotes"),
        ({"name": "Works, Old"}, "; is there a comma in site_id or name or country? Put the text in quotes"),
        ({"notes": "1, 2, 3, 4, 5, 6"}, ""),
    ],
)
def test_columns_with_commas_too_many(cells: dict[str, str], words: str) -> None:
    assert too_many(row(**cells), HEADER, CANDIDATES) == words


def test_columns_that_are_not_known_take_any_text() -> None:
    assert too_many(["a", "b", "c"], ["x", "y"], OFFERS) == "; is there a comma in x or y? Put the text in quotes"
