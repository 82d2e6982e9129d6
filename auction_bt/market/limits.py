"""What an order may look like on a date: its price step, lot, largest quantity, price band, and how fast orders may follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .dated import DatedTable, OutsideKnownDates, Rule, load
from .day import time_of


@dataclass(frozen=True, slots=True)
class OrderRates:
    """How many requests may be sent.

    Parameters
    ----------
    second, minute, half_hour : int or None
        None: no limit of that length.
    """

    second: int
    minute: int | None
    half_hour: int | None


@dataclass(frozen=True, slots=True)
class Halt:
    """A market-wide stop.

    Parameters
    ----------
    minutes : int
        0: none.
    rest_of_day : bool
    """

    minutes: int
    rest_of_day: bool


def tick_of(of_class: str, close: Decimal, day: date) -> Decimal:
    """Return the price step in rupees.

    Parameters
    ----------
    of_class : str
        ``cash`` (shares and futures on them), ``index_future``, ``stock_option``, ``index_option``.
    close : Decimal, rupees
        Last close at the monthly review; the underlying's for options.

    Raises
    ------
    OutsideKnownDates
    """
    table = load("ticks", "class", "up_to")
    bounds = sorted({r.keys["up_to"] for r in table.rules if r.keys["class"] == of_class}, key=lambda b: Decimal(b or "Infinity"))
    for bound in bounds:
        if not bound or close <= Decimal(bound):
            return Decimal(table.on(day, **{"class": of_class, "up_to": bound})["tick"])
    raise OutsideKnownDates(f"table market/ticks.csv knows nothing of {of_class}")


def lot_of(underlying: str, expiry: date) -> Rule:
    """Return the ``lot`` (shares) of the contracts on `underlying` that expire on `expiry`; see `DatedTable.on`."""
    return _lots().on(expiry, underlying=underlying)


def freeze_of(underlying: str, day: date) -> Rule:
    """Return the largest ``quantity`` (shares) of one order; see `DatedTable.on`."""
    return load("freeze", "underlying").on(day, underlying=underlying)


def band_of(kind: str, day: date) -> Rule:
    """Return the price ``band`` (%) and where it is ``flex``-ed; see `DatedTable.on`."""
    return load("bands", "kind").on(day, kind=kind)


def halt_of(level: int, at: int, day: date) -> Halt:
    """Return the market-wide halt when the index has moved by `level` % at `at` (ns since IST midnight)."""
    table = load("halts", "level", "before")
    times = sorted({r.keys["before"] for r in table.rules if r.keys["level"] == str(level)})
    for before in times:
        if at < time_of(before):
            minutes = table.on(day, level=str(level), before=before)["minutes"]
            return Halt(0, True) if minutes == "day" else Halt(int(minutes or 0), False)
    return Halt(0, False)


def order_rates(group: str, day: date) -> OrderRates:
    """Return the rate limits of a group: ``orders``, ``orders_registered``, ``other``, ``exchange``; see `DatedTable.on`."""
    rule = load("order_rates", "group").on(day, group=group)
    minute, half_hour = (int(rule[name]) if rule[name] else None for name in ("minute", "half_hour"))
    return OrderRates(int(rule["second"]), minute, half_hour)


def _lots() -> DatedTable:
    return load("lots", "underlying")
