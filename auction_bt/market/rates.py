"""The rates of Indian charges from the dated tables: of one day, or of all days."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import from_date
from auction_bt.core.tariff import Brokerage, Exchange, Key, Note, Rates, Segment, Sides, Tariff

from .dated import DatedTable, OutsideKnownDates, Rule, load

STANDARD: Final = "upstox"
_PER: Final = {"percent": 100, "fees": 100, "lakh": 100_000, "crore": 10_000_000, "order": 1, "scrip-day": 1}
_EVERY: Final = ("brokerage", "stt", "transaction", "ipft", "sebi", "stamp", "gst")
_SOME: Final = {
    Segment.DELIVERY: ("dp",),
    Segment.INTRADAY: ("square_off",),
    Segment.FUTURES: ("square_off",),
    Segment.OPTIONS: ("square_off", "exercise"),
}


def plans() -> tuple[str, ...]:
    """Return the names of the brokerage plans there are."""
    return tuple(dict.fromkeys(rule.keys["plan"] for rule in _brokerage().rules))


@cache
def tariff(plan: str = STANDARD) -> Tariff:
    """Return all rates under a plan; days outside the tables have the nearest known rate, marked as extrapolated.

    Raises
    ------
    BadInput
        No such plan.
    """
    if plan not in plans():
        raise BadInput(f"no brokerage plan {plan!r}: there are {', '.join(plans())}")
    keys: list[Key] = [(segment, exchange, "") for segment, exchange in product(Segment, Exchange)]
    keys.append((Segment.OPTIONS, Exchange.BSE, "other"))
    return Tariff(plan, {key: _card(plan, key) for key in keys})  # a plain dict: a run may be sent to another process


def rates_on(day: date, segment: Segment, exchange: Exchange, plan: str = STANDARD, group: str = "") -> Rates:
    """Return the rates of one day.

    Raises
    ------
    OutsideKnownDates
        A table does not know that day; the message names it.
    BadInput
        No such plan.
    """
    rates = tariff(plan).on(from_date(day), segment, exchange, group)
    for note in rates.notes:
        if note.extrapolated:
            table, about = _about(note.kind, plan, (segment, exchange, group))
            table.on(day, **about)  # says what it knows
    return rates


def _brokerage() -> DatedTable:
    return load("brokerage", "plan", "segment")


def _about(kind: str, plan: str, key: Key) -> tuple[DatedTable, dict[str, str]]:
    # The table of a kind of charge, and by which keys it is found there: the narrowest row that there is.
    segment, exchange, group = key
    if kind == "brokerage":
        return _brokerage(), {"plan": plan, "segment": segment.value}
    table = load("charges", "charge", "exchange", "segment")
    shares = segment in {Segment.DELIVERY, Segment.INTRADAY}
    names = [f"{segment.value}-{group}"] * bool(group) + [segment.value] + ["equity"] * shares + ["all"]
    for name, where in product(names, (exchange.value, "all")):
        about = {"charge": kind, "exchange": where, "segment": name}
        if table.history(**about):
            return table, about
    raise OutsideKnownDates(f"table market/{table.name}.csv knows no {kind} of {segment.value} on {exchange.value}")


def _card(plan: str, key: Key) -> tuple[Rates, ...]:
    rules = {}
    for kind in _EVERY + _SOME[key[0]]:
        table, about = _about(kind, plan, key)
        rules[kind] = table.history(**about)
    begins = {rule.valid_from for history in rules.values() for rule in history}
    ends = {history[-1].valid_to for history in rules.values()}
    days = sorted(begins | {end + timedelta(days=1) for end in ends if end is not None})
    # Before the first change of all, nothing is known at all.
    return tuple(_rates(day, rules) for day in (days[0] - timedelta(days=1), *days))


def _rates(day: date, rules: dict[str, list[Rule]]) -> Rates:
    chosen = {kind: _nearest(history, day) for kind, history in rules.items()}
    sides = {kind: _sides(rule) for kind, rule in chosen.items() if kind != "brokerage"}
    percent = chosen["brokerage"]["percent"]
    return Rates(
        begin=from_date(day),
        brokerage=Brokerage(Decimal(chosen["brokerage"]["flat"]), Decimal(percent) / 100 if percent else None),
        stt=sides["stt"],
        transaction=sides["transaction"],
        ipft=sides["ipft"],
        sebi=sides["sebi"],
        stamp=sides["stamp"],
        gst=sides["gst"].sell,
        exercise=sides.get("exercise", Sides()).buy,
        dp=sides.get("dp", Sides()).sell,
        square_off=sides.get("square_off", Sides()).sell,
        notes=tuple(
            Note(kind, rule.certainty.value, from_date(rule.valid_from), not rule.holds_on(day)) for kind, rule in chosen.items()
        ),
    )


def _nearest(history: list[Rule], day: date) -> Rule:
    return next((rule for rule in history if rule.holds_on(day)), history[0] if day < history[0].valid_from else history[-1])


def _sides(rule: Rule) -> Sides:
    per = _PER[rule["per"]]
    return Sides(Decimal(rule["buy"]) / per, Decimal(rule["sell"]) / per)
