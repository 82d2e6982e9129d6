"""What a user's symbols mean over some days: instruments of the store, and of each the days it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from .core.errors import BadInput, NothingToDo, UnknownSymbol
from .core.instrument import Instrument, Kind
from .core.ist import MINUTE_NS, day_start, to_date
from .core.leg import Leg
from .fetching.expired_key import ExpiredKey, key_of
from .fetching.windows import is_trading_day
from .importing.instruments import stored_instrument
from .instruments.book import InstrumentBook
from .instruments.legs import legs
from .instruments.names import ContractName, UnknownName, resolve
from .instruments.stored import StoredNames
from .instruments.tokens import joined, owners_of
from .market.roll import last_day_held
from .market.sessions import session_of
from .store import TickStore

_BEFORE_CLOSE: Final = 15 * MINUTE_NS  # where no rule says when a class is flat
_REFRESH: Final = "names beside the stored ones need an instrument master: get it with `instruments --refresh`"


def find_legs(store: TickStore, book: InstrumentBook | None, symbols: Iterable[str], days: range) -> tuple[Leg, ...]:
    """Return what to run for `symbols` on IST `days`: each of the store's symbols once.

    Raises
    ------
    BadInput
        As `legs_of`; an index; one symbol of the store for two spans of days.
    NothingToDo
        The store holds nothing of what a name means.
    """
    found: dict[str, Leg] = {}
    for text in symbols:
        meant = legs_of(store, book, text, days)
        _check_data(store, text, meant, days)
        for leg in meant:
            before = found.setdefault(leg.instrument.symbol, leg)
            if (before.first_day, before.last_day) != (leg.first_day, leg.last_day):
                raise BadInput(f"{leg.instrument.symbol} is meant twice: by {told(before)}, and by {told(leg)}: run them apart")
    return tuple(found.values())


def legs_of(store: TickStore, book: InstrumentBook | None, text: str, days: range) -> tuple[Leg, ...]:
    """Return what one symbol or name means on IST `days`: several legs for a continuous name, else one.

    Parameters
    ----------
    store : TickStore
    book : InstrumentBook or None
        The masters, where there are any.
    text : str
        A symbol or a name of the store; else what the masters list (`names.resolve`); else what stored contracts say.
    days : range

    Raises
    ------
    UnknownSymbol
        Neither knows it; the message names the nearest.
    BadInput
        It can mean several things, or the days belong to two contracts.
    NothingToDo
        None of `days` is a trading day, or the contract had expired.
    """
    text = text.strip()
    try:
        stored = store.instrument(text)
    except UnknownSymbol as unknown:
        return _resolved(store, book, text, days, unknown)
    return (_of_stored(store, book, stored, text, days),)


def one_leg(store: TickStore, book: InstrumentBook | None, text: str, days: range) -> Leg:
    """Return the one thing that `text` means on all of `days`; raise `BadInput` where these are several contracts'."""
    found = legs_of(store, book, text, days)
    if len(found) > 1:
        raise BadInput(f"{text} is several contracts in these days ({'; '.join(map(told, found))}): ask for the days of one")
    return found[0]


def tradables_of(store: TickStore, book: InstrumentBook | None, symbol: str, days: range) -> tuple[Instrument, ...]:
    """Return what may be traded on a signal: the one that `symbol` names, or, where it is empty, the store's options.

    Parameters
    ----------
    days : range
        The masters' word is that of the first, or of the first after it on which they list a key.

    Raises
    ------
    NothingToDo
        The store holds nothing on these days of the one that `symbol` names.
    """
    if symbol:
        leg = one_leg(store, book, symbol, days)
        if not leg.has_data and leg.instrument.kind is not Kind.INDEX:  # an index is refused for what it is
            raise _no_data(symbol, (leg,), days, store.days(leg.instrument.symbol))
        return (leg.instrument,)
    found = []
    for each in store.instruments():
        # A table imported by key is called a future until the masters say what it is.
        if each.kind is Kind.OPTION or (each.kind is Kind.FUTURE and each.contract is None):
            with suppress(NothingToDo):  # expired before these days
                found.append(_of_stored(store, book, each, each.symbol, days).instrument)
    return tuple(option for option in found if option.kind is Kind.OPTION)


def told(leg: Leg) -> str:
    """Return a leg for people: ``NIFTY-FUT 2026-10-27..2026-11-20 (NSE_FO|1234)``."""
    symbol = "" if leg.asked == leg.instrument.symbol else f" ({leg.instrument.symbol})"
    return f"{leg.asked} {to_date(leg.first_day)}..{to_date(leg.last_day)}{symbol}"


def roll_at(leg: Leg) -> int:
    """Return the ns at which a carried trade of a leg is closed; 0 for never."""
    if not leg.leave_day:
        return 0
    session = session_of(leg.instrument, leg.leave_day)
    return day_start(leg.leave_day) + (session.close - _BEFORE_CLOSE if session.flat_by is None else session.flat_by)


def no_volume(symbol: str) -> BadInput:
    """Return the error for what has no profile."""
    return BadInput(f"{symbol} has no volume, so it has no volume profile: trade its future, e.g. NIFTY-FUT for NIFTY 50")


def _check_data(store: TickStore, text: str, meant: tuple[Leg, ...], days: range) -> None:
    for leg in meant:
        if leg.instrument.kind is Kind.INDEX:
            raise no_volume(leg.instrument.symbol)
    if any(leg.has_data or (not leg.is_rolled and stored_instrument(store, leg.instrument.symbol)) for leg in meant):
        return  # what is stored for other days is told where it is read
    raise _no_data(text, meant, days)


def _no_data(text: str, meant: tuple[Leg, ...], days: range, held: Sequence[int] = ()) -> NothingToDo:
    what = ", ".join(f"{leg.instrument.symbol} ({leg.instrument.name or leg.instrument.kind})" for leg in meant)
    other = f" of these days, only of {to_date(held[0])} to {to_date(held[-1])}" if held else ""
    return NothingToDo(f"{text} is {what}, and the store holds no data of it{other}: get some with `fetch --symbol {text} "
                       f"--from-date {to_date(days.start)} --to-date {to_date(days.stop - 1)}`, or `record` it")  # fmt: skip


# ---------------------------------------------------------------- what the store knows
def _of_stored(store: TickStore, book: InstrumentBook | None, stored: Instrument, text: str, days: range) -> Leg:
    symbol, first, last = stored.symbol, days.start, days.stop - 1
    expired = ExpiredKey.parse(symbol)
    owners = owners_of(book, symbol if expired is None else expired.key, first, stored)
    held = store.days(symbol)
    if not owners:
        instrument = joined(stored, _listed(book, stored, first)) or stored
        return Leg(instrument, first, last, text, has_data=_holds(held, first, last))
    if expired is not None:  # the key names the day: what its token was later is another's
        owners = [replace(each, since=0) for each in owners if each.until == expired.expiry] or owners
    left = [each for each in owners if each.until >= first]
    if not left:
        raise NothingToDo(f"{text}: {owners[-1].instrument.name or symbol} expired on {to_date(owners[-1].until)}: "
                          "choose days up to then")  # fmt: skip
    owner = left[0]
    if len(left) > 1 and _holds(held, owner.until + 1, last):
        raise BadInput(f"{symbol} is {_named(owner.instrument)} up to {to_date(owner.until)}, and {_named(left[1].instrument)} "
                       f"after that: the exchange uses tokens again; choose days of one of the two")  # fmt: skip
    instrument = joined(stored, owner.instrument) or stored
    last = min(last, owner.until)
    return Leg(instrument, first, last, text, owner.since, _last_held(instrument), has_data=_holds(held, first, last))


def _listed(book: InstrumentBook | None, stored: Instrument, day: int) -> Instrument | None:
    # What the masters say of a stored symbol: of a key, or of a name under which somebody imported a table.
    symbol = stored.symbol
    if book is None:
        return None
    if "|" in symbol:
        listing = book.of_key(symbol, day)
        return None if listing is None else book.instrument(listing, day)
    try:
        name, found = ContractName.parse(symbol), resolve(book, symbol, day)
    except BadInput:  # a name of the user's own
        return None
    # Which expiry an option of the nearest one was of, nobody has said: its price would be read by the wrong time.
    is_sure = found.kind is stored.kind and (name is None or name.strike is None or bool(name.when))
    return replace(found, symbol=symbol) if is_sure and found.kind is not Kind.INDEX else None


def _holds(held: list[int], first: int, last: int) -> bool:
    return any(first <= day <= last for day in held)


def _named(instrument: Instrument) -> str:
    return instrument.name or f"a contract on {instrument.contract.underlying if instrument.contract else '?'}"


def _last_held(instrument: Instrument) -> int:
    return last_day_held(instrument.contract, is_trading_day) if instrument.contract else 0


# ---------------------------------------------------------------- what the masters know, or the stored contracts
def _resolved(
    store: TickStore, book: InstrumentBook | None, text: str, days: range, unknown: UnknownSymbol
) -> tuple[Leg, ...]:  # fmt: skip
    first, last = days.start, days.stop - 1
    stored = StoredNames(store.instruments())
    errors: list[BadInput] = []
    for names in (stored,) if book is None else (book, stored):
        try:
            found = legs(names, text, first, last, is_trading_day)
        except BadInput as error:
            errors.append(error)
            continue
        if not found:
            raise NothingToDo(f"{text}: no trading day from {to_date(first)} to {to_date(last)} on which it was listed")
        name = None if "|" in text else ContractName.parse(text)
        is_rolled = name is not None and name.is_continuous
        return tuple(
            _leg(store, book, instrument, (begin, end), text, is_rolled=is_rolled, is_last=end == found[-1][2])
            for instrument, begin, end in found
        )
    if not isinstance(errors[0], UnknownName):
        raise errors[0]  # names something; which, could not be said
    if book is None:
        raise UnknownSymbol.of(f"{unknown}; {_REFRESH}")
    raise UnknownSymbol.of(f"{unknown}; nor does the instrument master know it: {errors[0]}")


def _leg(
    store: TickStore, book: InstrumentBook | None, listed: Instrument, days: tuple[int, int], text: str, *, is_rolled: bool,
    is_last: bool,
) -> Leg:  # fmt: skip
    begin, end = days
    instrument = _as_stored(store, listed, begin, end)
    since = 0
    if instrument.symbol == listed.symbol and listed.contract is not None:
        owners = owners_of(book, listed.symbol, begin, listed)
        since = next((each.since for each in owners if each.since <= begin <= each.until), 0)
    leave = end if is_rolled and not is_last else _last_held(instrument)
    return Leg(instrument, begin, end, text, since, leave, is_rolled, _holds(store.days(instrument.symbol), begin, end))


def _as_stored(store: TickStore, listed: Instrument, begin: int, end: int) -> Instrument:
    # A contract's candles may have been fetched while it lived, or after: then they are under another key.
    symbols = [listed.symbol]
    if listed.contract is not None and ExpiredKey.parse(listed.symbol) is None:
        symbols.append(key_of(listed.symbol, listed.contract.expiry))
    symbol = max(symbols, key=lambda each: sum(begin <= day <= end for day in store.days(each)))
    return joined(stored_instrument(store, symbol), replace(listed, symbol=symbol)) or listed
