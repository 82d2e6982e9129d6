"""What a user's text asks the broker's history for: a key, or the contracts that a name went through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import to_date
from auction_bt.instruments.book import InstrumentBook
from auction_bt.instruments.legs import legs
from auction_bt.instruments.names import ContractName, UnknownName, resolve

from .expired_key import ExpiredKey, key_of
from .windows import is_trading_day

LEAD_DAYS: Final = 7  # before the first day of a later leg: what a run fills its windows with


@dataclass(frozen=True, slots=True)
class Wanted:
    """A symbol to be fetched.

    Parameters
    ----------
    symbol : str
        As the store has it: a contract that has expired has the day of expiry in its key.
    days : range
        IST days.
    asked : str
        What the user wrote, with its days where it goes through several contracts.
    live : str
        The key of an expired contract while it lived, under which its candles may be stored already; else ''.
    """

    symbol: str
    days: range
    asked: str
    live: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a text asks for, and why a part of it cannot be said ('' where all can)."""

    wanted: tuple[Wanted, ...]
    untold: str = ""


def plan(book: InstrumentBook | None, text: str, days: range, today: int) -> Plan:
    """Return what `text` means on IST `days`.

    Parameters
    ----------
    book : InstrumentBook or None
    text : str
        A key, which is itself; a share or an index as of the last day; a contract as of the first one; a future without a
        month: its contracts, each up to where a run leaves it.
    days : range
    today : int, IST day
        Contracts whose expiry is before it are asked for by the broker's key of expired ones; legs that begin after it are
        left out.

    Raises
    ------
    UnknownSymbol, BadInput
        As `names.resolve`.
    """
    text = text.strip()
    if "|" in text:
        return Plan((Wanted(text, days, text),))
    if book is None:
        raise BadInput(f"{text!r} is no instrument key (like NSE_EQ|INE002A01018), and names need an instrument master: "
                       "get it with `instruments --refresh`")  # fmt: skip
    name = ContractName.parse(text)
    if name is None:
        return Plan((Wanted(resolve(book, text, days.stop - 1).symbol, days, text),))
    if not name.is_continuous:
        instrument = resolve(book, text, days.start)
        return Plan((_wanted(instrument, days, text, today),))
    found, untold = _legs(book, text, days)
    several = []
    for n, (instrument, first, last) in enumerate(found):
        if n and first > today:
            break
        begin = max(days.start, first - LEAD_DAYS) if n else first
        told = f"{text} {to_date(first)}..{to_date(last)}"
        several.append(_wanted(instrument, range(begin, last + 1), told, today))
    return Plan(tuple(several), untold)


def _wanted(instrument: Instrument, days: range, asked: str, today: int) -> Wanted:
    if instrument.contract is None or instrument.contract.expiry >= today or ExpiredKey.parse(instrument.symbol):
        return Wanted(instrument.symbol, days, asked)
    return Wanted(key_of(instrument.symbol, instrument.contract.expiry), days, asked, instrument.symbol)


def _legs(book: InstrumentBook, text: str, days: range) -> tuple[list[tuple[Instrument, int, int]], str]:
    # Of the days before the first master nobody can tell which contract was the nearest; the others are fetched.
    try:
        return legs(book, text, days.start, days.stop - 1, is_trading_day), ""
    except UnknownName:
        raise
    except BadInput as error:
        first = book.days()[0]
        if not days.start < first < days.stop:
            raise
        return legs(book, text, first, days.stop - 1, is_trading_day), str(error)
