"""Register each kind of equipment and each requirement of a milestone once; everything else iterates over both.

A new kind is one entry of KINDS, and a new requirement one entry of REQUIREMENTS. Model, bounds, prices, certificate,
replay, explanation, tables, maps and charts read what a kind supplies and what a requirement asks for from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

COOLING, MEAN_POWER, PEAK_POWER = "cooling", "mean power", "peak power"
SWING, RIDE_THROUGH = "swing", "ride through"
DISTRIBUTION, COOLANT_DISTRIBUTION = "distribution", "coolant distribution"
BATTERY_POWER, INERTIA = "battery power", "inertia"
CURTAILMENT, CURTAILED_ENERGY = "curtailment", "energy in a curtailment"
POWER_QUALITY = "power quality"

SOURCES = "sources"
"""Stage of what brings power to the site: generators, and grid steps, which stand beside them."""

DISPATCHED = (COOLING, MEAN_POWER)
"""Requirements that are met by what runs, which the plan chooses; the others are met by what is there."""


class Amount(NamedTuple):
    """What one unit supplies: its rating in MW (if ``per_mw``), times a field of the Instance (if there is one)."""

    field: str = ""
    per_mw: bool = True


@dataclass(frozen=True)
class Kind:
    """Kind of equipment of an offer.

    Attributes
    ----------
    name, plural : str
        Words for one unit and for several; ``name`` is what the column ``kind`` of the offers says.
    supplies : mapping of a requirement to Amount
        What one unit supplies to each requirement that this kind helps to meet.
    columns : tuple of str
        Columns of the offers that may not be blank for this kind.
    stage : str
        Stage of the plant in which its units stand. Units of one stage stand in parallel, and one team commissions
        them; stages stand in series or beside each other, and their teams work at the same time.
    colour : str
        Colour in maps and charts, as ``#RRGGBB``.
    dash : tuple of float
        Length of the dashes of a line, and of the gaps between them, in pixels; a gap of 0 is a solid line.
    """

    name: str
    plural: str
    supplies: Mapping[str, Amount]
    columns: tuple[str, ...]
    stage: str
    colour: str
    dash: tuple[float, float]


@dataclass(frozen=True)
class Requirement:
    """Something that each milestone needs at its site: ``own + sum(supply x units) >= need``.

    The need is ``product of the fields in need + of_demand x demand_mw``, where ``demand_mw`` is the peak demand.

    Attributes
    ----------
    name, unit : str
    statement : str
        The inequality, in words and symbols.
    need : tuple of str
        Fields of the Instance whose product is the part of the need that no choice changes; it broadcasts to S x M.
    of_demand : float
        Share of the peak demand that is needed besides.
    own : tuple of str
        Fields of the Instance with what the site itself supplies (S or S x M), and what each grid step adds to it (L),
        if steps do; empty if the site supplies nothing.
    asked_by : str
        Field of the Instance that is 0 if the scenario does not ask for it: then it has no rows and no prices, and
        offers that supply nothing else are left out. Empty if every scenario asks for it.
    spared : bool
        Whether it has to be met without the spare units, too.
    where : str
        Field of the Instance (S, bool) with the sites at which it holds; empty if it holds at all of them.
    family : str
        Constraint family that it belongs to; empty if it is a family of its own.
    at_every_site : bool
        Whether it holds at every site from the start, so that bounds and prices can count it. Those of power quality
        are found for a few sites only; those of a curtailment hold where import is not firm.
    """

    name: str
    unit: str
    statement: str
    need: tuple[str, ...] = ()
    of_demand: float = 0.0
    own: tuple[str, ...] = ()
    asked_by: str = ""
    spared: bool = False
    where: str = ""
    family: str = ""
    at_every_site: bool = True

    @property
    def limit(self) -> str:
        """Return the name of its constraint family, which is how a limit of a milestone is told."""
        return self.family or self.name


GRID, FIRM_GRID = ("import_limit_mw", "step_rise_mw"), ("grid_mw", "step_rise_mw")
GRID_SWING = ("grid_swing_mw", "step_rise_swing_mw")
"""Fields of the Instance with what the grid supplies: MW in all, firm MW, and how much of a swing it tolerates."""

REQUIREMENTS: list[Requirement] = [
    Requirement(
        COOLING,
        "MW of heat",
        "Remove the heat, also without the spare units: ``own_heat_mw + sum(cap_mw x units) - spare >= heat_mw``, where"
        " ``heat_mw = it_mw x (heat_fraction + tower_heat_fraction)``.",
        need=("heat_mw",),
        own=("own_heat_mw",),
        spared=True,
    ),
    Requirement(
        MEAN_POWER,
        "MW",
        "Meet the mean demand, also without the spare units: ``grid + sum(firm_mw x units) - spare >= mean_mw``, where"
        " ``mean_mw = demand_mw - it_mw x (1 - load_factor)``.",
        need=("it_mw", "mean_below_peak"),
        of_demand=1.0,
        own=GRID,
        spared=True,
    ),
    Requirement(
        PEAK_POWER,
        "MW",
        "Cover the peak demand: ``grid + sum(firm_mw x units) + sum(battery MW x units) >= demand_mw``.",
        of_demand=1.0,
        own=GRID,
    ),
    Requirement(
        SWING,
        "MW",
        "Follow the swing of the load with batteries, generators and the grid: ``sum(battery MW x units)"
        " + sum(step_fraction x firm_mw x units) + grid swing in service >= load_step_amplitude x it_mw``.",
        need=("it_mw", "load_step_amplitude"),
        own=GRID_SWING,
    ),
    Requirement(
        RIDE_THROUGH,
        "MWh",
        "Ride through on batteries: ``sum(energy_mwh x units) >= it_mw x ride_through_minutes / 60``.",
        need=("it_mw", "ride_through_hours"),
    ),
    Requirement(
        DISTRIBUTION,
        "MW",
        "Distribute the peak demand: ``distribution_mw + sum(MW x units of substations) >= demand_mw``.",
        of_demand=1.0,
        own=("distribution_mw",),
        asked_by="distribution_asked",
    ),
    Requirement(
        COOLANT_DISTRIBUTION,
        "MW of heat",
        "Bring the heat of the racks into the water loop: ``sum(MW x units of CDUs) >= it_mw x liquid_heat_fraction``.",
        need=("it_mw", "liquid_heat_fraction"),
        asked_by="liquid_heat_fraction",
    ),
    Requirement(
        BATTERY_POWER,
        "MW",
        "Have the battery power that power quality asks for: ``sum(battery MW x units) >= min_battery_mw``.",
        need=("min_battery_mw",),
        family=POWER_QUALITY,
        at_every_site=False,
    ),
    Requirement(
        INERTIA,
        "MW s",
        "Have the inertia that power quality asks for: ``sum(inertia_s x MW x units) >= min_inertia_mws`` over"
        " generators, grid-forming batteries and condensers (MVA).",
        need=("min_inertia_mws",),
        family=POWER_QUALITY,
        at_every_site=False,
    ),
    Requirement(
        CURTAILMENT,
        "MW",
        "Carry the mean demand while non-firm import is curtailed: ``firm grid + sum(firm_mw x units)"
        " + sum(battery MW x units) >= mean_mw``, unless the job may stop.",
        need=("it_mw", "mean_below_peak"),
        of_demand=1.0,
        own=FIRM_GRID,
        where="must_carry_curtailment",
        at_every_site=False,
    ),
    Requirement(
        CURTAILED_ENERGY,
        "MW",
        "Carry the mean demand to the end of the curtailment: ``firm grid + sum(firm_mw x units)"
        " + sum(energy_mwh x units) / hours in a row >= mean_mw``.",
        need=("it_mw", "mean_below_peak"),
        of_demand=1.0,
        own=FIRM_GRID,
        where="must_carry_curtailment",
        family=CURTAILMENT,
        at_every_site=False,
    ),
]
"""Requirements, in the order in which they are counted and named."""

_MW = Amount()

KINDS: list[Kind] = [
    Kind(
        "generator",
        "generators",
        {
            **dict.fromkeys((MEAN_POWER, PEAK_POWER, CURTAILMENT, CURTAILED_ENERGY), _MW),
            SWING: Amount("step_fraction"),
            INERTIA: Amount("inertia_s"),
        },
        ("fuel", "heat_rate_mj_per_kwh", "nox_g_per_kwh", "step_fraction"),
        stage=SOURCES,
        colour="#E69F00",
        dash=(1, 0),
    ),
    Kind("chiller", "chillers", {COOLING: _MW}, ("cop",), stage="cooling", colour="#009E73", dash=(7, 2)),
    Kind(
        "battery",
        "batteries",
        {
            **dict.fromkeys((PEAK_POWER, SWING, BATTERY_POWER, CURTAILMENT), _MW),
            RIDE_THROUGH: Amount("energy_mwh", per_mw=False),
            CURTAILED_ENERGY: Amount("mw_through_curtailment", per_mw=False),
            INERTIA: Amount("inertia_s"),
        },
        ("energy_mwh",),
        stage="storage",
        colour="#CC79A7",
        dash=(2, 2),
    ),
    Kind("substation", "substations", {DISTRIBUTION: _MW}, (), stage="distribution", colour="#D55E00", dash=(12, 3)),
    Kind("cdu", "cdus", {COOLANT_DISTRIBUTION: _MW}, (), stage="coolant distribution", colour="#56B4E9", dash=(4, 4)),
    Kind(
        "condenser",
        "condensers",
        {INERTIA: Amount("inertia_s")},
        ("inertia_s", "own_load_share"),
        stage="condensers",
        colour="#000000",
        dash=(9, 4),
    ),
]
"""Kinds of equipment, in the order in which tables and legends show them. Colours: Okabe and Ito (2008)."""


def register(kind: Kind, *requirements: Requirement) -> None:
    """Add a kind of equipment, and requirements that it is the first to supply, before any other module is imported.

    Raises
    ------
    ValueError
        As in :func:`check`.
    """
    REQUIREMENTS.extend(requirements)
    KINDS.append(kind)
    check()


def check() -> None:
    """Check that the registered kinds and requirements fit together.

    Raises
    ------
    ValueError
        If a name occurs twice, a kind supplies nothing or something that nobody requires, or nothing supplies a
        requirement: rows of such a kind would change no answer, and nothing would say so. Also if a kind supplies a
        dispatched requirement by anything but its rating, which is what the model, the prices and the replay run.
    """
    names = [*(kind.name for kind in KINDS), *(one.name for one in REQUIREMENTS)]
    wrong = [f"{name} is registered twice" for name in sorted({name for name in names if names.count(name) > 1})]
    required, supplied = {one.name for one in REQUIREMENTS}, {name for kind in KINDS for name in kind.supplies}
    wrong += [f"a {kind.name} supplies nothing" for kind in KINDS if not kind.supplies]
    wrong += [f"{name} is supplied, and no requirement" for name in sorted(supplied - required)]
    wrong += [f"nothing supplies {name}" for name in sorted(required - supplied)]
    wrong += [
        f"a {kind.name} has to supply {name} by its rating"
        for kind in KINDS
        for name in DISPATCHED
        if kind.supplies.get(name, _MW) != _MW
    ]
    if wrong:
        raise ValueError("; ".join(wrong))


def suppliers(requirement: str) -> Iterator[Kind]:
    """Yield the kinds that supply a requirement."""
    return (kind for kind in KINDS if requirement in kind.supplies)


def stages() -> list[str]:
    """Return the names of the stages of the plant, in the order of the kinds."""
    return list(dict.fromkeys(kind.stage for kind in KINDS))


def beside() -> list[Requirement]:
    """Return the requirements with equipment of their own, which supplies neither peak power nor cooling."""
    shown = [kind for name in (PEAK_POWER, COOLING) for kind in suppliers(name)]
    return [one for one in REQUIREMENTS if not any(kind in shown for kind in suppliers(one.name))]


def of_family(family: str) -> list[Requirement]:
    """Return the requirements of a constraint family."""
    return [one for one in REQUIREMENTS if one.limit == family]


check()
