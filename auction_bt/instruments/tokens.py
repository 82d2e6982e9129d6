"""Which contract a key meant on which days: the exchange gives a token again after its contract has expired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from auction_bt.core.instrument import Contract, Instrument

from .listing import Listing

_ALTERED: Final = 7  # days: an expiry that moves, moves by less; a token does not come back to the same contract so soon


class Versions(Protocol):
    """What this asks of an instrument book; see `InstrumentBook`."""

    def of_key(self, key: str, day: int) -> Listing | None:
        """Return what is listed under exactly this key."""
        ...

    def known_days(self, key: str) -> list[tuple[int, int]]:
        """Return the spans [first day, end day) in which a key is listed."""
        ...

    def instrument(self, listing: Listing, day: int) -> Instrument:
        """Return the instrument a listing describes."""
        ...


@dataclass(frozen=True, slots=True)
class Owner:
    """A contract, and the days on which its key meant it.

    Parameters
    ----------
    instrument : Instrument
        With its contract, as listed on the day asked about, or first.
    since, until : int, IST day
        Both included; `until` is the day of expiry.
    """

    instrument: Instrument
    since: int
    until: int


def owners_of(book: Versions | None, key: str, day: int, stored: Instrument | None = None) -> list[Owner]:
    """Return the contracts that a key was given to, oldest first; none for what does not expire.

    Parameters
    ----------
    book : Versions or None
    key : str
    day : int, IST day
        As of which their lots and price steps are told.
    stored : Instrument, optional
        What a store says of the key: a contract that no master lists counts as well.

    Notes
    -----
    From the day after one contract's expiry a key means the next one: while a contract lives its token is not given away, and a
    version that comes up meanwhile is the same contract, altered.
    """
    groups: list[list[tuple[int, Instrument]]] = []
    for begin, _ in () if book is None else book.known_days(key):
        listing = book.of_key(key, begin) if book is not None else None
        if book is None or listing is None or listing.expiry is None:
            continue
        found = begin, book.instrument(listing, begin)
        if groups and begin <= _expiry(groups[-1][-1][1]) and _is_alike(groups[-1][-1][1], found[1]):
            groups[-1].append(found)
        else:
            groups.append([found])
    contracts = [(_expiry(versions[-1][1]), _as_of(versions, day)) for versions in groups]
    if stored is not None and stored.contract is not None and not any(_is_same(stored, each) for _, each in contracts):
        contracts.append((stored.contract.expiry, stored))
    owners: list[Owner] = []
    for until, instrument in sorted(contracts, key=lambda each: each[0]):
        owners.append(Owner(instrument, owners[-1].until + 1 if owners else 0, until))
    return owners


def joined(stored: Instrument | None, listed: Instrument | None) -> Instrument | None:
    """Return what a store and a master say of one thing together.

    Notes
    -----
    What the store says counts, as far as it says anything: a table that was imported knows neither contract nor closing auction,
    where it gave no lot it says 1, and a lot that was read off its sizes may be several. Of two price steps the finer one fits
    the prices of both. Where the store's row speaks of another contract, the key's owner before or after, the master's counts.
    """
    if stored is None or listed is None:
        return stored or listed
    tick = min(stored.tick, listed.tick)
    if stored.contract is not None and not _is_same(stored, listed):
        return replace(listed, symbol=stored.symbol, tick=tick)
    is_told = stored.contract is not None or listed.contract is None
    return replace(
        stored,
        tick=tick,
        lot=listed.lot if stored.lot == 1 or (not is_told and stored.lot % listed.lot == 0) else stored.lot,
        kind=stored.kind if is_told else listed.kind,
        contract=stored.contract or listed.contract,
        closing_auction=listed.closing_auction if stored.closing_auction is None else stored.closing_auction,
        name=stored.name or listed.name,
    )


def _as_of(versions: Sequence[tuple[int, Instrument]], day: int) -> Instrument:
    return next((each for begin, each in reversed(versions) if begin <= day), versions[0][1])


def _expiry(instrument: Instrument) -> int:
    return instrument.contract.expiry if instrument.contract is not None else 0


def _what(contract: Contract | None) -> tuple[object, ...] | None:
    return None if contract is None else (contract.underlying, contract.strike, contract.right)


def _is_alike(one: Instrument, other: Instrument) -> bool:
    return _what(one.contract) == _what(other.contract)


def _is_same(one: Instrument, other: Instrument) -> bool:
    return _is_alike(one, other) and abs(_expiry(one) - _expiry(other)) <= _ALTERED
