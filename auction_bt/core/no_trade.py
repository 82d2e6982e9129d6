"""Days on which somebody does not want to trade, with the reason: results, budgets, elections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from .errors import BadInput
from .instrument import Instrument, Kind
from .ist import from_date

EVERYTHING: Final = "*"


@dataclass(frozen=True, slots=True)
class NoTrade:
    """Days without entries.

    Parameters
    ----------
    symbol : str
        Key or name of an instrument, or of what it is a contract on, in capitals; ``*`` for all.
    first, last : int, IST day
        Both included.
    reason : str
        For people.
    """

    symbol: str
    first: int
    last: int
    reason: str

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise BadInput(f"no_trade: the days of {self.symbol} ({self.reason}) end before they begin: swap them")


def parse_no_trade(text: str) -> tuple[NoTrade, ...]:
    """Return the list that a setting ``no_trade`` gives: ``symbol,from,to,reason`` entries between semicolons.

    Raises
    ------
    BadInput
        An entry with fewer parts, or a date that is none.
    """
    return tuple(_entry(part.strip()) for part in text.split(";") if part.strip())


def names_of(instrument: Instrument) -> frozenset[str]:
    """Return what a list may call an instrument, in capitals."""
    found = {instrument.symbol, instrument.name}
    if instrument.contract is not None:
        found.add(instrument.contract.underlying)
    # NSE_INDEX|Nifty 50 is called Nifty 50 by people.
    found |= {whole.rpartition("|")[2] for whole in found}
    if instrument.kind in {Kind.FUTURE, Kind.OPTION}:  # NIFTY-FUT or NIFTY 25500 CE 29 DEC 26: NIFTY, and its future
        first = re.split("[ -]", instrument.name or instrument.symbol)[0]
        found |= {first, f"{first}-FUT"} if instrument.kind is Kind.FUTURE else {first}
    return frozenset(name.upper() for name in found if name)


def _entry(text: str) -> NoTrade:
    parts = [part.strip() for part in text.split(",", 3)]
    if len(parts) < 4 or not parts[0]:
        raise BadInput(f"no_trade = {text!r} is no entry: write symbol,from,to,reason, e.g. *,2027-02-01,2027-02-01,budget")
    symbol, first, last, reason = parts
    return NoTrade(symbol.upper(), _day(first, text), _day(last, text), reason)


def _day(text: str, entry: str) -> int:
    try:
        return from_date(date.fromisoformat(text))
    except ValueError:
        raise BadInput(f"no_trade = {entry!r}: {text!r} is no date, write YYYY-MM-DD") from None
