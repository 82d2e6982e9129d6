"""One row of an instrument master, and the instrument it describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from auction_bt.core.instrument import Contract, Instrument, Kind, Right
from auction_bt.core.ist import day_index

MS_NS: Final = 1_000_000
SHARES: Final = frozenset({"NSE_EQ", "BSE_EQ"})
DERIVATIVES: Final = frozenset({"NSE_FO", "BSE_FO"})
STEPPED: Final = SHARES | DERIVATIVES
FUTURE: Final = "FUT"
OPTIONS: Final = ("CE", "PE")
# Rows of an index have no price step. 0.01 is what every index value of the feed is a multiple of.
INDEX_TICK: Final = Decimal("0.01")
_LONGEST: Final = 200  # characters of a text; the longest real one has some 60
_LARGEST: Final = 10**12
_NUMBERS: Final = frozenset({int, float})  # and not bool, which JSON keeps apart
_EXPIRIES_MS: Final = (631_152_000_000, 7_258_118_400_000)  # 1990 to 2199


class Unit(StrEnum):
    """What the numbers in column `tick_size` of a whole master count.

    Notes
    -----
    The broker's page does not say. Rows seen in the wild count paise: 5.0 stands at contracts that trade in steps of 0.05
    rupees, 1.0 at bonds that trade in steps of 0.01. One row cannot tell: 5.0 is the step of the dearest shares in rupees too.
    But no share, and no contract on shares or indices, has a step below one paisa, and most have one below a rupee. So a master
    counts rupees where most steps of these are below 1, else paise; a lone one below 1 in a master of paise counts rupees.
    """

    PAISE = "paise"
    RUPEES = "rupees"


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of a master, as it stands there.

    Parameters
    ----------
    key : str
        The broker's instrument key.
    segment, symbol, name, type : str
        ``NSE_FO``; ``NIFTY FUT 29 DEC 26``; ``NIFTY``; ``FUT`` (``EQ`` and other series, ``INDEX``, ``CE``, ``PE``).
    underlying, underlying_symbol : str
        Key and trading symbol of what a contract is on; '' where there is none.
    expiry : int or None, IST day
    strike : str, rupees
        Decimal text, '' where there is none.
    lot, freeze : int, shares
        `freeze` is the largest order, 0 where the master does not say.
    tick : str
        As in the master, in `unit`; '' where there is none.
    cas_eligible : int or None
        1 or 0 as the master says whether the share's day ends in the closing auction; None before it said so (2026-08-01).
    unit : Unit
        Of `tick`.
    """

    key: str
    segment: str
    symbol: str
    name: str
    type: str
    underlying: str
    underlying_symbol: str
    expiry: int | None
    strike: str
    lot: int
    freeze: int
    tick: str
    cas_eligible: int | None
    unit: Unit = Unit.PAISE

    @property
    def kind(self) -> Kind:
        """Class of instrument; what trades on other hours than shares (commodities, currencies) is OTHER."""
        if self.segment.endswith("_INDEX"):
            return Kind.INDEX
        if self.segment in SHARES:
            return Kind.EQUITY
        if self.segment in DERIVATIVES and self.type in {FUTURE, *OPTIONS}:
            return Kind.FUTURE if self.type == FUTURE else Kind.OPTION
        return Kind.OTHER

    @property
    def price_step(self) -> Decimal:
        """The smallest price step, rupees."""
        if not self.tick:
            return INDEX_TICK
        step = Decimal(self.tick)
        is_paise = self.unit is Unit.PAISE and not (step < 1 and self.segment in STEPPED)
        return (step / 100 if is_paise else step).normalize() + Decimal(0)  # 10 and not 1E+1

    def to_instrument(self, closing_auction: bool | None) -> Instrument:
        """Return the instrument; whether its day ends in the closing auction is for the book to say."""
        contract = None
        if self.expiry is not None:
            right = Right(self.type) if self.type in OPTIONS and self.strike else None
            strike = Decimal(self.strike) if right else None
            contract = Contract(self.underlying or self.underlying_symbol, self.expiry, strike, right)
        return Instrument(self.key, self.price_step, self.lot, self.kind, self.symbol, contract, closing_auction)


COLUMNS: Final = (
    "key", "segment", "symbol", "name", "type", "underlying", "underlying_symbol", "expiry", "strike", "lot", "freeze", "tick",
    "cas_eligible",
)  # fmt: skip


def columns_of(row: Mapping[str, Any]) -> tuple[Any, ...] | str:
    """Return the values of `COLUMNS` that a row of a master holds, or why it cannot be used.

    Notes
    -----
    A tuple and not a `Listing`: a master has 200,000 rows, and nearly all of them are those of the day before.
    """
    key = row.get("instrument_key")
    if not isinstance(key, str) or "|" not in key or key != key.strip() or len(key) > _LONGEST:
        return "no instrument_key"
    segment, symbol, name, kind = (
        row.get("segment") or "", row.get("trading_symbol") or "", row.get("name") or "", row.get("instrument_type") or "",
    )  # fmt: skip
    underlying = row.get("underlying_key") or row.get("asset_key") or ""
    named = row.get("underlying_symbol") or row.get("asset_symbol") or ""
    for text in (segment, symbol, name, kind, underlying, named):
        if type(text) is not str or len(text) > _LONGEST:
            return "a text is no text"
    expiry = row.get("expiry")
    if expiry is not None:
        if type(expiry) not in _NUMBERS or not _EXPIRIES_MS[0] <= expiry < _EXPIRIES_MS[1]:
            return "the expiry is no time"
        expiry = day_index(int(expiry) * MS_NS)
    lot, freeze = row.get("lot_size") or 0, row.get("freeze_quantity") or 0
    tick, strike = row.get("tick_size") or 0, row.get("strike_price") or 0
    for number in (lot, freeze, tick, strike):
        if type(number) not in _NUMBERS or not 0 <= number < _LARGEST:
            return "a number is no number"
    if kind in OPTIONS and (not strike or expiry is None):
        return "an option without strike or expiry"
    flag = row.get("cas_eligible")
    return (
        key, segment or key.partition("|")[0], symbol or name or key, name, kind, underlying, named, expiry,
        f"{strike:.12g}" if strike and kind in OPTIONS else "", max(1, int(lot)), int(freeze), f"{tick:.12g}" if tick else "",
        None if flag is None else int(bool(flag)),
    )  # fmt: skip
