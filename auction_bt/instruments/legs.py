"""The contracts that a continuous name means over a range of days."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import to_date
from auction_bt.market.roll import contract_on

from .names import Book, ContractName, contracts_of, resolve

Leg: TypeAlias = tuple[Instrument, int, int]


def legs(book: Book, text: str, begin_day: int, end_day: int, is_trading_day: Callable[[int], bool]) -> list[Leg]:
    """Return what `text` means on each trading day of a range, as (instrument, first day, last day), in order of days.

    Parameters
    ----------
    book : Book
    text : str
        As `names.resolve` takes it. A future without a month is rolled (`market.roll`); anything else is one leg, of a
        contract up to its expiry.
    begin_day, end_day : int, IST day
        Both included.
    is_trading_day : callable
        Says of an IST day whether the exchange trades.

    Returns
    -------
    list of (Instrument, int, int)
        First and last trading day of each leg, both included. Rolled legs hold each trading day of the range once and end before
        their contract's expiry. The instrument is as listed on the leg's first day.

    Raises
    ------
    UnknownName, BadInput
        As `names.resolve`, for the first day on which no contract is known.

    Notes
    -----
    Causal: a day's contract follows from the master of that day or before.
    """
    days = [day for day in range(begin_day, end_day + 1) if is_trading_day(day)]
    if not days:
        return []
    name = None if "|" in text else ContractName.parse(text.strip())
    if name is None or not name.is_continuous:
        instrument = resolve(book, text, days[0])
        held = [day for day in days if instrument.contract is None or day <= instrument.contract.expiry]
        return [(instrument, held[0], held[-1])] if held else []
    found: list[Leg] = []
    asked: int | None = None
    known: list[Instrument] = []
    for day in days:
        if not known or book.master_day(day) != asked:
            asked = book.master_day(day)
            known = [book.instrument(each, day) for each in contracts_of(book, text, name, day)]
        chosen = contract_on(known, day, is_trading_day)
        if chosen is None:
            raise BadInput(f"{text!r} on {to_date(day)}: no contract is listed that may still be held then: "
                           "load a newer master with `instruments --from FILE --date DAY`")  # fmt: skip
        if found and found[-1][0].symbol == chosen.symbol:
            found[-1] = (found[-1][0], found[-1][1], day)
        else:
            found.append((chosen, day, day))
    return found
