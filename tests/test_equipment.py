"""The registry of equipment and requirements; a fourth kind goes all the way through, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from siteopt import equipment
from siteopt.equipment import KINDS, REQUIREMENTS, Amount, Kind, Requirement
from siteopt.schema import OFFERS
from tests.instances import generator, tiny

ROOT = Path(__file__).parent.parent


def flywheel(**supplies: Amount) -> Kind:
    return Kind("flywheel", "flywheels", supplies, (), stage="storage", colour="#000000", dash=(1, 0))


SPINNING = Requirement("spinning", "MW s", "``sum(MW x units) >= demand_mw``", of_demand=1.0)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of this test alone."""
    monkeypatch.setattr(equipment, "KINDS", list(KINDS))
    monkeypatch.setattr(equipment, "REQUIREMENTS", list(REQUIREMENTS))


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("kind", "requirements", "message"),
    [
        (flywheel(), (), "a flywheel supplies nothing"),
        (flywheel(spinning=Amount()), (), "spinning is supplied, and no requirement"),
        (flywheel(swing=Amount()), (SPINNING,), "nothing supplies spinning"),
        (flywheel(cooling=Amount("cop")), (), "a flywheel has to supply cooling by its rating"),
        (replace(flywheel(swing=Amount()), name="battery"), (), "battery is registered twice"),
        (flywheel(swing=Amount()), (replace(SPINNING, name="swing"),), "swing is registered twice"),
    ],
)
def test_what_nothing_supplies_with_is_no_kind(kind: Kind, requirements: tuple[Requirement, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        equipment.register(kind, *requirements)


def test_an_instance_holds_registered_kinds_only() -> None:
    instance = tiny([generator()])
    with pytest.raises(ValueError, match="no kind of equipment"):
        replace(instance, kind=np.array([len(KINDS)]))


def test_kinds_need_columns_of_the_offers() -> None:
    assert {name for kind in KINDS for name in kind.columns} <= set(OFFERS.names)
    assert OFFERS["energy_mwh"].required_for == ("battery",)


@pytest.mark.slow
def test_a_fourth_kind_goes_all_the_way() -> None:
    """With one more entry in the registry: solved, certified, priced, replayed, explained, proven, written, drawn."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "tests.fourth.kind", "tests/fourth/checks.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
