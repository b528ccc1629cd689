"""Plans at one site in exact fractions: which rows they break, what they cost, and how to dispatch given units.

Written from docs/model.md alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from tests.exact.parameters import HAIR, HOURS, TRADES, Offer, Place, Question

HOURS_PER_YEAR_IN_THOUSANDS = Fraction("8.76")

Amounts = tuple[tuple[Fraction, ...], ...]
"""MW by offer and milestone."""


@dataclass(frozen=True)
class Plan:
    """A plan at one site; offers and steps as in its Place, everything by milestone.

    Attributes
    ----------
    days : tuple of int
    units : tuple of tuples of int
        On site, by offer and milestone.
    steps : tuple of tuples of int
        1 where a grid step is in service, by step and milestone.
    output_mw, heat_mw : Amounts
        By offer and milestone.
    import_mw : tuple of Fraction
    """

    days: tuple[int, ...]
    units: tuple[tuple[int, ...], ...]
    steps: tuple[tuple[int, ...], ...]
    output_mw: Amounts
    heat_mw: Amounts
    import_mw: tuple[Fraction, ...]


class Row(NamedTuple):
    """A row of the model: ``left`` must not exceed ``right`` at milestone ``m``.

    Attributes
    ----------
    load_mw : Fraction or int
        Its size, where that is not the larger of both sides: of a need in MW, the IT load.
    """

    name: str
    m: int
    left: Fraction | int
    right: Fraction | int
    load_mw: Fraction | int = 1

    @property
    def excess(self) -> Fraction:
        """By how much the row is exceeded, as a share of its size."""
        return (self.left - self.right) / Fraction(max(self.load_mw, 1, abs(self.left), abs(self.right)))

    @property
    def holds(self) -> bool:
        """Whether the row is exceeded by no more than a hair."""
        return self.excess <= HAIR


def _total(values: Iterable[Fraction | int]) -> Fraction:
    return sum(values, Fraction(0))


def cost_usd(place: Place, question: Question, plan: Plan) -> Fraction:
    """Return what a plan costs in all."""
    cost = place.cost_usd
    cost += _total(offer.cost_usd * units[-1] for offer, units in zip(place.offers, plan.units, strict=True))
    cost += _total(step.cost_usd * used[-1] for step, used in zip(place.steps, plan.steps, strict=True))
    for m, milestone in enumerate(question.milestones):
        hourly = place.grid_usd_per_mwh * plan.import_mw[m]
        hourly += _total(offer.usd_per_mwh * out[m] for offer, out in zip(place.offers, plan.output_mw, strict=True))
        cost += milestone.hours * hourly
    return cost


def broken(place: Place, question: Question, plan: Plan) -> list[Row]:
    """Return the rows that a plan breaks, the budget apart."""
    return [row for m in range(len(question.milestones)) for row in rows(place, question, plan, m) if not row.holds]


def rows(place: Place, question: Question, plan: Plan, m: int) -> Iterator[Row]:
    """Yield every row of the model at milestone ``m``, the budget apart, with the plan's values put in."""
    yield from _fleet_rows(place, question, plan, m)
    yield from _cooling_rows(place, question, plan, m)
    yield from _power_rows(place, question, plan, m)
    yield from _site_rows(place, plan, m)


def _fleet_rows(place: Place, question: Question, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of days, fleets, arrivals and crews."""
    day, ready = plan.days[m], place.ready_day[m]
    before = max(0, m - 1)
    yield Row("horizon", m, day, question.horizon_day)
    yield Row("order of days", m, plan.days[before], day)
    yield Row("GPUs", m, question.horizon_day + 1 if ready is None else ready, day)
    for offer, units in zip(place.offers, plan.units, strict=True):
        yield Row("fleet", m, units[m], offer.available_units if offer.first_day <= day else 0)
        yield Row("units stay", m, units[before], units[m])
        yield Row("signs", m, 0, units[m])
    for number, (step, used) in enumerate(zip(place.steps, plan.steps, strict=True)):
        yield Row("grid step", m, used[m], int(step.first_day <= day))
        yield Row("grid steps stay", m, used[before], used[m])
        yield Row("grid step by step", m, used[m], plan.steps[number - 1][m] if number else 1)
        yield Row("signs", m, 0, used[m])
    for trade in TRADES:
        some = [pair for pair in zip(place.offers, plan.units, strict=True) if pair[0].trade == trade]
        for first in {offer.arrival_day for offer, _ in some}:
            work = _total(offer.crew_days * units[m] for offer, units in some if offer.arrival_day >= first)
            window = max(0, day - question.commissioning_days - first)
            yield Row("crews", m, work, question.crews[trade] * window)


def _of_kind(place: Place, kind: str) -> list[tuple[int, Offer]]:
    return [(o, offer) for o, offer in enumerate(place.offers) if offer.kind == kind]


def _spare_mw(question: Question, plan: Plan, some: Sequence[tuple[int, Offer]], m: int) -> Fraction:
    """Return what is lost where the spare units are out: the largest of the kind on site, so many times."""
    return question.spare_units * max(
        (offer.rating_mw for o, offer in some if plan.units[o][m] > 0), default=Fraction(0)
    )


def _cooling_rows(place: Place, question: Question, plan: Plan, m: int) -> Iterator[Row]:
    some = _of_kind(place, "chiller")
    heat, load = question.milestones[m].heat_mw, question.milestones[m].it_mw
    yield Row("heat", m, heat, _total(plan.heat_mw[o][m] for o, _ in some), load)
    for o, offer in some:
        yield Row("heat of an offer", m, plan.heat_mw[o][m], offer.rating_mw * plan.units[o][m])
        yield Row("signs", m, 0, plan.heat_mw[o][m])
    there = _total(offer.rating_mw * plan.units[o][m] for o, offer in some)
    yield Row("spare cooling", m, heat, there - _spare_mw(question, plan, some, m), load)


def _power_rows(place: Place, question: Question, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of mean power, peak power, swing and ride-through."""
    milestone, load = question.milestones[m], question.milestones[m].it_mw
    generators, batteries = _of_kind(place, "generator"), _of_kind(place, "battery")
    draw = _total(offer.draw * plan.heat_mw[o][m] for o, offer in _of_kind(place, "chiller"))
    mean = milestone.mean_base_mw + draw
    supply = plan.import_mw[m] + _total(plan.output_mw[o][m] for o, _ in generators)
    grid = place.grid_mw + _total(step.rise_mw * used[m] for step, used in zip(place.steps, plan.steps, strict=True))
    swing = place.swing_mw + _total(step.swing_mw * used[m] for step, used in zip(place.steps, plan.steps, strict=True))
    firm = _total(offer.rating_mw * plan.units[o][m] for o, offer in generators)
    battery = _total(offer.rating_mw * plan.units[o][m] for o, offer in batteries)
    yield Row("mean power, enough", m, mean, supply, load)
    yield Row("mean power, no more", m, supply, mean, load)
    yield Row("import", m, plan.import_mw[m], grid)
    yield Row("signs", m, 0, plan.import_mw[m])
    for o, offer in generators:
        yield Row("output of an offer", m, plan.output_mw[o][m], offer.rating_mw * plan.units[o][m])
        yield Row("signs", m, 0, plan.output_mw[o][m])
    yield Row("spare power", m, mean, grid + firm - _spare_mw(question, plan, generators, m), load)
    yield Row("peak power", m, milestone.base_mw + draw, grid + firm + battery, load)
    steps = _total(offer.step_mw * plan.units[o][m] for o, offer in generators)
    yield Row("swing", m, milestone.swing_mw, battery + steps + swing, load)
    energy = _total(offer.energy_mwh * plan.units[o][m] for o, offer in batteries)
    yield Row("ride through", m, milestone.ride_mwh, energy)


def _site_rows(place: Place, plan: Plan, m: int) -> Iterator[Row]:
    """Yield the rows of gas, air, water and yard."""
    pairs = list(enumerate(place.offers))
    yield Row("gas", m, _total(offer.gas_mw * plan.units[o][m] for o, offer in pairs), place.gas_mw)
    if place.nox_t_per_year is not None:
        nox = _total(offer.nox_kg_per_mwh * plan.output_mw[o][m] for o, offer in pairs)
        yield Row("air", m, nox * HOURS_PER_YEAR_IN_THOUSANDS, place.nox_t_per_year)
    water = _total(offer.water_m3_per_mwh * plan.heat_mw[o][m] for o, offer in pairs)
    yield Row("water", m, water * HOURS, place.water_m3_per_day)
    yield Row("yard", m, _total(offer.footprint_m2 * plan.units[o][m] for o, offer in pairs), place.yard_m2)


# Dispatch of given units


def dispatched(
    place: Place,
    question: Question,
    days: Sequence[int],
    units: Sequence[Sequence[int]],
    steps: Sequence[Sequence[int]],
) -> Plan | None:
    """Return the cheapest plan with these days, units and grid steps; None where nothing covers a need.

    Rows that only units and days decide are not looked at; :func:`broken` does so. The draw of the chillers is least
    first: less draw relaxes every other row and costs no more.
    """
    by_milestone = [_dispatch(place, question, units, steps, m) for m in range(len(question.milestones))]
    found = [one for one in by_milestone if one is not None]
    if len(found) < len(by_milestone):
        return None
    heat, output, imported = zip(*found, strict=True)
    return Plan(
        tuple(days),
        tuple(map(tuple, units)),
        tuple(map(tuple, steps)),
        tuple(zip(*output, strict=True)),
        tuple(zip(*heat, strict=True)),
        tuple(imported),
    )


def _dispatch(
    place: Place, question: Question, units: Sequence[Sequence[int]], steps: Sequence[Sequence[int]], m: int
) -> tuple[list[Fraction], list[Fraction], Fraction] | None:
    """Return heat and output by offer, and the import, at one milestone."""
    milestone = question.milestones[m]
    nothing = Source(Fraction(0), Fraction(0), Fraction(0))
    there = [offer.rating_mw * max(0, units[o][m]) for o, offer in enumerate(place.offers)]
    chillers = [
        Source(there[o], offer.draw, offer.water_m3_per_mwh * HOURS) if offer.kind == "chiller" else nothing
        for o, offer in enumerate(place.offers)
    ]
    heat = cover(chillers, milestone.heat_mw, place.water_m3_per_day)
    if heat is None:
        return None
    mean = milestone.mean_base_mw + _total(offer.draw * mw for offer, mw in zip(place.offers, heat, strict=True))
    generators = [
        Source(there[o], offer.usd_per_mwh, offer.nox_kg_per_mwh * HOURS_PER_YEAR_IN_THOUSANDS)
        if offer.kind == "generator"
        else nothing
        for o, offer in enumerate(place.offers)
    ]
    grid = place.grid_mw + _total(step.rise_mw * used[m] for step, used in zip(place.steps, steps, strict=True))
    found = cover([*generators, Source(grid, place.grid_usd_per_mwh, Fraction(0))], mean, place.nox_t_per_year)
    return None if found is None else (heat, found[:-1], found[-1])


class Source(NamedTuple):
    """What can cover a part of a need, at a price, and what it takes of a limited good, for each MW."""

    limit: Fraction
    price: Fraction
    takes: Fraction


def cover(sources: Sequence[Source], need: Fraction, limit: Fraction | None) -> list[Fraction] | None:
    """Return how much of each source covers a need at the least cost, within a limit of what they take.

    Where nothing covers the need exactly, need and limit give way by a hair. A price ``p`` on what is taken makes it a
    matter of sorting: the cheapest first. The right ``p`` is the least at which the limit holds, and there two such
    mixes, which cost the same, are mixed so that the limit is just met.
    """
    for hair in (Fraction(0), HAIR):
        wanted = max(Fraction(0), need - hair * max(1, need))
        allowed = None if limit is None else limit + hair * max(1, limit)
        prices = sorted({Fraction(0), *_even_prices(sources)})
        for p in prices:
            thrifty = _cheapest(sources, wanted, p, least_first=True)
            if thrifty is None:
                break
            least = _taken(sources, thrifty)
            if allowed is None or least <= allowed:
                return _mixed(sources, thrifty, _cheapest(sources, wanted, p, least_first=False), p, allowed)
    return None


def _even_prices(sources: Sequence[Source]) -> Iterator[Fraction]:
    """Yield the prices on what is taken at which two sources cost the same."""
    some = [source for source in sources if source.limit]
    for one in some:
        for other in some:
            if one.price < other.price and one.takes > other.takes:
                yield (other.price - one.price) / (one.takes - other.takes)


def _cheapest(sources: Sequence[Source], need: Fraction, p: Fraction, least_first: bool) -> list[Fraction] | None:
    """Cover a need by the cheapest sources first; of equally cheap ones that which takes least, or most."""
    sign = 1 if least_first else -1
    order = sorted(
        range(len(sources)), key=lambda i: (sources[i].price + p * sources[i].takes, sign * sources[i].takes)
    )
    amounts = [Fraction(0)] * len(sources)
    for i in order:
        amounts[i] = min(sources[i].limit, need)
        need -= amounts[i]
    return amounts if need <= 0 else None


def _taken(sources: Sequence[Source], amounts: Sequence[Fraction]) -> Fraction:
    return _total(source.takes * amount for source, amount in zip(sources, amounts, strict=True))


def _mixed(
    sources: Sequence[Source],
    thrifty: list[Fraction],
    lavish: list[Fraction] | None,
    p: Fraction,
    allowed: Fraction | None,
) -> list[Fraction]:
    """Mix two covers that cost the same at price ``p`` so that the limit is met; without a price the first will do."""
    if not p or allowed is None or lavish is None:
        return thrifty
    least, most = _taken(sources, thrifty), _taken(sources, lavish)
    share = min(Fraction(1), (allowed - least) / (most - least)) if most > least else Fraction(0)
    return [one + share * (other - one) for one, other in zip(thrifty, lavish, strict=True)]
