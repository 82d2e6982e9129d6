"""The instruments of a store as a book of names: enough to know which contracts a continuous name meant, without any master."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from auction_bt.core.instrument import Instrument, Kind

from .listing import FUTURE, Listing, Unit

_REST: Final = re.compile(r"[ -]FUT\b.*| \d.*", re.IGNORECASE | re.DOTALL)


class StoredNames:
    """What stored contracts say of themselves; see `names.Book`.

    Parameters
    ----------
    instruments : iterable of Instrument
        Of one store. Only those with a contract are found here.

    Notes
    -----
    Every day is answered alike: a contract's expiry is no news. Of a contract that nobody stored nothing is known, so the nearest
    one is the nearest that was stored.
    """

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        known = {i.symbol: i for i in instruments}
        # A contract may be stored under its key of old and under that of an expired one: the shorter one comes first.
        contracts = {i.contract: i for i in sorted(known.values(), key=lambda i: i.symbol, reverse=True) if i.contract}
        self._instruments = {i.symbol: i for i in contracts.values()}
        self._names = {i.symbol: _underlyings(i, known) for i in self._instruments.values()}

    def master_day(self, _: int) -> int | None:
        """Return 0: what is stored answers for every day."""
        return 0

    def of_key(self, key: str, _: int) -> Listing | None:
        """Return the stored contract of this key."""
        found = self._instruments.get(key)
        return None if found is None else _listing(found)

    def known_days(self, _: str) -> list[tuple[int, int]]:
        """Return nothing: a store does not keep days of masters."""
        return []

    def with_symbol(self, _: str, __: int, ___: Sequence[str]) -> list[Listing]:
        """Return nothing: whoever knows a stored name has asked the store."""
        return []

    def contracts(self, underlying: str, _: int, segments: Sequence[str], types: Sequence[str]) -> list[Listing]:
        """Return the stored contracts on an underlying, nearest expiry first."""
        wanted = underlying.casefold()
        listed = [_listing(i) for i in self._instruments.values() if wanted in self._names[i.symbol]]
        found = [each for each in listed if each.segment in segments and each.type in types]
        return sorted(found, key=lambda each: (each.expiry or 0, float(each.strike or 0), each.key))

    def later_contracts(self, _: str, __: int, ___: Sequence[str], ____: Sequence[str]) -> list[Listing]:
        """Return nothing: all are known on every day."""
        return []

    def names(self, _: int) -> list[str]:
        """Return the underlyings of stored contracts."""
        return sorted({name.upper() for names in self._names.values() for name in names if "|" not in name})

    def instrument(self, listing: Listing, _: int) -> Instrument:
        """Return the stored instrument."""
        return self._instruments[listing.key]


def _underlyings(instrument: Instrument, known: dict[str, Instrument]) -> frozenset[str]:
    # NIFTY FUT 29 DEC 26, NIFTY 26000 CE 01 DEC 26: the trading symbol begins with that of the underlying.
    assert instrument.contract is not None  # noqa: S101 - for the type checker
    key = instrument.contract.underlying
    own = known.get(key)
    texts = [_REST.sub("", instrument.name), key, key.partition("|")[2], "" if own is None else own.name]
    return frozenset(text.casefold() for text in texts if text)


def _listing(i: Instrument) -> Listing:
    c = i.contract
    assert c is not None  # noqa: S101 - for the type checker
    kind = c.right.value if c.right is not None else FUTURE if i.kind in {Kind.FUTURE, Kind.OTHER} else ""
    strike = "" if c.strike is None else str(c.strike)
    auction = None if i.closing_auction is None else int(i.closing_auction)
    segment = i.symbol.partition("|")[0]
    return Listing(i.symbol, segment, i.name, i.name, kind, c.underlying, "", c.expiry, strike, i.lot, 0, str(i.tick), auction,
                   Unit.RUPEES)  # fmt: skip
