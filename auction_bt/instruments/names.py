"""What people write for an instrument, and the one instrument it means on a day."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Final, Protocol

from auction_bt.core.errors import BadInput, UnknownSymbol
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import from_date, to_date

from .listing import FUTURE, Listing

# Exchanges in the order in which a name without one is looked for, and their segments: things held, then contracts.
EXCHANGES: Final = {
    "NSE": (("NSE_EQ", "NSE_INDEX"), ("NSE_FO", "NCD_FO", "NSE_COM")),
    "BSE": (("BSE_EQ", "BSE_INDEX"), ("BSE_FO", "BCD_FO")),
    "MCX": (("MCX_INDEX",), ("MCX_FO",)),
}
_CONTRACT: Final = re.compile(
    r"(?P<underlying>.+)-(?:(?P<future>FUT)|(?P<strike>\d+(?:\.\d+)?)(?P<right>CE|PE))"
    r"(?::(?P<when>\d{4}-\d{2}(?:-\d{2})?))?", re.IGNORECASE,
)  # fmt: skip
_SHOWN: Final = 5


class Book(Protocol):
    """What resolving a name asks of an instrument book; see `InstrumentBook`."""

    def master_day(self, day: int) -> int | None:
        """Return the day of the master that answers for `day`, or None."""
        ...

    def of_key(self, key: str, day: int) -> Listing | None:
        """Return what is listed under exactly this key."""
        ...

    def known_days(self, key: str) -> list[tuple[int, int]]:
        """Return the spans [first day, end day) in which a key is listed."""
        ...

    def with_symbol(self, text: str, day: int, segments: Sequence[str]) -> list[Listing]:
        """Return what has this trading symbol or index name."""
        ...

    def contracts(self, underlying: str, day: int, segments: Sequence[str], types: Sequence[str]) -> list[Listing]:
        """Return the contracts on an underlying, nearest expiry first."""
        ...

    def later_contracts(self, underlying: str, day: int, segments: Sequence[str], types: Sequence[str]) -> list[Listing]:
        """Return the contracts that later masters list first."""
        ...

    def names(self, day: int) -> list[str]:
        """Return what people call things."""
        ...

    def instrument(self, listing: Listing, day: int) -> Instrument:
        """Return the instrument a listing describes."""
        ...


class UnknownName(UnknownSymbol):
    """No master that was loaded lists this on the day asked for.

    Parameters
    ----------
    text : str
    day : int, IST day
    hint : str
        What could be meant, or done.
    """

    def __init__(self, text: str, day: int, hint: str) -> None:
        BadInput.__init__(self, f"unknown instrument {text!r} on {to_date(day)}: {hint}")


@dataclass(frozen=True, slots=True)
class ContractName:
    """The parts of a name like ``NIFTY-FUT``, ``NIFTY-FUT:2026-12``, ``NIFTY-26000CE:2026-12-01``.

    Parameters
    ----------
    exchange : str
        '' where the name says none.
    underlying, type : str
        ``NIFTY``; ``FUT``, ``CE`` or ``PE``.
    strike : Decimal or None, rupees
    when : str
        '', a month or a day.
    """

    exchange: str
    underlying: str
    type: str
    strike: Decimal | None
    when: str

    @classmethod
    def parse(cls, text: str) -> ContractName | None:
        """Return the parts, or None where `text` is no such name."""
        exchange, rest = split_exchange(text)
        match = _CONTRACT.fullmatch(rest)
        if match is None:
            return None
        when = match["when"] or ""
        try:
            if when:
                date.fromisoformat(when if len(when) == 10 else when + "-01")
        except ValueError:
            raise BadInput(f"{text!r}: {when} is no month or day: write YYYY-MM or YYYY-MM-DD after the colon") from None
        strike = None if match["strike"] is None else Decimal(match["strike"])
        return cls(exchange, match["underlying"], (match["future"] or match["right"]).upper(), strike, when)

    @property
    def is_continuous(self) -> bool:
        """Whether the name means another contract every month: a future without a month."""
        return self.type == FUTURE and not self.when

    def fits(self, listing: Listing) -> bool:
        """Return whether strike and time of a contract are those of the name."""
        if listing.expiry is None or (self.strike is not None and Decimal(listing.strike or 0) != self.strike):
            return False
        return to_date(listing.expiry).isoformat().startswith(self.when)


def resolve(book: Book, text: str, day: int) -> Instrument:
    """Return the instrument that `text` means on IST `day`.

    Parameters
    ----------
    text : str
        A key (``NSE_FO|51502``); a trading symbol (``RELIANCE``, ``BSE:RELIANCE``); an index (``NIFTY``, ``NIFTY 50``); the
        nearest future that has not expired (``NIFTY-FUT``), the one of a month or day (``BANKNIFTY-FUT:2026-12``,
        ``NIFTY-FUT:2026-12-29``); an option (``NIFTY-26000CE``, of the nearest expiry, or ``NIFTY-26000CE:2026-12-01``).

    Raises
    ------
    UnknownName
        Nothing; the message names what comes nearest.
    BadInput
        Several; the message lists them. Or there is no master that could know which contract was the nearest then.

    Notes
    -----
    A name without an exchange is looked for on the NSE, then the BSE, then the MCX, and the first to know it counts. On the
    expiry day itself a contract has not expired. Tokens are used again after expiry: a key means what the master of the day says.
    """
    text = text.strip()
    if "|" in text:
        listing = book.of_key(text, day)
        if listing is None:
            raise UnknownName(text, day, _spans(book, text) or "no master that was loaded has this key")
        return book.instrument(listing, day)
    contract = ContractName.parse(text)
    if contract is not None:
        found = contracts_of(book, text, contract, day)
        nearest = [each for each in found if each.expiry == found[0].expiry] if not contract.when else found
        return book.instrument(_only(text, nearest), day)
    exchange, rest = split_exchange(text)
    held = _first(exchange, lambda name: book.with_symbol(rest, day, EXCHANGES[name][0]))
    found = held or _first(exchange, lambda name: book.with_symbol(rest, day, EXCHANGES[name][1]))
    if not found:
        raise UnknownName(text, day, _nearest(book, rest, day))
    return book.instrument(_only(text, found), day)


def contracts_of(book: Book, text: str, name: ContractName, day: int) -> list[Listing]:
    """Return the contracts that a name can mean on IST `day` and that have not expired, nearest expiry first; at least one.

    Raises
    ------
    UnknownName
        There is none.
    BadInput
        The name says no month and no master of `day` or before was loaded: later ones cannot say what was nearest.
    """

    def listed(exchange: str) -> list[Listing]:
        found = book.contracts(name.underlying, day, EXCHANGES[exchange][1], (name.type,))
        alive = [each for each in found if (each.expiry or 0) >= day and name.fits(each)]
        if alive or not name.when:
            return alive
        later = book.later_contracts(name.underlying, day, EXCHANGES[exchange][1], (name.type,))
        return [each for each in later if (each.expiry or 0) >= day and name.fits(each)]

    if not name.when and book.master_day(day) is None:
        raise BadInput(
            f"{text!r} on {to_date(day)}: no instrument master of that day or before was loaded, so nobody can tell which "
            "contract was the nearest: name its month, or load one with `instruments --from FILE --date DAY`"
        )
    found = _first(name.exchange, listed)
    if not found:
        raise UnknownName(text, day, _no_contract(book, name, day))
    return found


def split_exchange(text: str) -> tuple[str, str]:
    """Return the exchange a name begins with, '' where there is none, and the rest."""
    head, colon, rest = text.partition(":")
    return (head.upper(), rest.strip()) if colon and head.upper() in EXCHANGES else ("", text)


def _first(exchange: str, find: Callable[[str], list[Listing]]) -> list[Listing]:
    return next((found for name in EXCHANGES if exchange in {"", name} and (found := find(name))), [])


def _only(text: str, found: list[Listing]) -> Listing:
    """Return the one; of several series of a share the usual one."""
    usual = [each for each in found if each.type in {"EQ", "A", "INDEX"}] if len(found) > 1 else found
    chosen = usual if len(usual) == 1 else found
    if len(chosen) > 1:
        listed = ", ".join(f"{each.key} {each.symbol}" for each in chosen[:_SHOWN])
        more = f" and {len(chosen) - _SHOWN:,} more" if len(chosen) > _SHOWN else ""
        raise BadInput(f"{text!r} can be {listed}{more}: give the key, or the day of expiry after a colon")
    return chosen[0]


def _no_contract(book: Book, name: ContractName, day: int) -> str:
    segments = [segment for exchange in EXCHANGES if name.exchange in {"", exchange} for segment in EXCHANGES[exchange][1]]
    known = [each for each in book.contracts(name.underlying, day, segments, (name.type,)) if (each.expiry or 0) >= day]
    if not known:
        return f"no {'future' if name.type == FUTURE else 'option'} on {name.underlying}; {_nearest(book, name.underlying, day)}"
    expiries = sorted({each.expiry for each in known if each.expiry is not None})
    if any(to_date(expiry).isoformat().startswith(name.when) for expiry in expiries):
        strikes = sorted({Decimal(each.strike) for each in known if each.strike}, key=lambda s: abs(s - (name.strike or 0)))
        return f"the nearest strikes are {', '.join(map(str, strikes[:_SHOWN]))}"
    return f"the expiries are {', '.join(to_date(expiry).isoformat() for expiry in expiries[:_SHOWN])}"


def _nearest(book: Book, text: str, day: int) -> str:
    folded = {name.casefold(): name for name in book.names(day)}
    near = [folded[n] for n in get_close_matches(text.casefold(), folded, n=3, cutoff=0.5)]
    return f"did you mean {' or '.join(near)}?" if near else "look for it with `instruments WORDS`"


def _spans(book: Book, key: str) -> str:
    spans = book.known_days(key)
    if not spans:
        return ""
    told = ", ".join(f"from {to_date(begin)}" + (f" to before {to_date(end)}" if end < from_date(date(2200, 1, 1)) else "")
                     for begin, end in spans[-2:])  # fmt: skip
    return f"the masters that were loaded list it {told}"
