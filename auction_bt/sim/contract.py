"""What is traded at the simulated exchange on one day: its price grid, its limits and its hours."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, day_start, to_date
from auction_bt.market.dated import OutsideKnownDates
from auction_bt.market.day import time_of
from auction_bt.market.limits import band_of, freeze_of
from auction_bt.market.sessions import hours_of, phases_of, square_off_of

from .money import units

_EXCHANGES: Final = {"NSE_EQ": "NSE", "BSE_EQ": "BSE", "NSE_FO": "NFO", "BSE_FO": "BFO", "NSE_INDEX": "NSE", "BSE_INDEX": "BSE"}
_SINCE_STOPS_END: Final = date(2026, 8, 3)
_CHEAP_OPTION: Final = 50 * 10_000


class Phase(StrEnum):
    """What orders meet at an hour."""

    CLOSED = "closed"
    COLLECTING = "collecting"  # of an auction: limit and market orders
    LIMIT_ONLY = "limit only"
    MATCHING = "matching"  # of an auction: all that fills does so at one price
    CONTINUOUS = "continuous"


_PHASE_OF: Final = {
    "pre_open_orders": Phase.COLLECTING, "pre_open_limit_only": Phase.LIMIT_ONLY, "pre_open_match": Phase.MATCHING,
    "continuous": Phase.CONTINUOUS, "auction_reference": Phase.CLOSED, "auction_orders": Phase.COLLECTING,
    "auction_limit_only": Phase.LIMIT_ONLY, "auction_match": Phase.MATCHING,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hours:
    """When what is possible on one day, in ns since 1970.

    Parameters
    ----------
    begins : tuple of int
        When each phase begins, ascending.
    phases : tuple of Phase
    square_off : int
        When the broker closes intraday positions; 0: never.
    stops_end : int
        When the exchange cancels stop orders; 0: never.
    """

    begins: tuple[int, ...]
    phases: tuple[Phase, ...]
    square_off: int = 0
    stops_end: int = 0

    def __post_init__(self) -> None:
        if len(self.begins) != len(self.phases) or list(self.begins) != sorted(self.begins):
            raise BadInput("phases of a day follow each other, each from its own time on")

    def at(self, now: int) -> Phase:
        """Return the phase at `now`."""
        place = bisect_right(self.begins, now) - 1
        return self.phases[place] if place >= 0 else Phase.CLOSED

    @property
    def open(self) -> int:
        """When continuous trading begins; 0 where it never does."""
        return next((begin for begin, phase in zip(self.begins, self.phases, strict=True) if phase is Phase.CONTINUOUS), 0)

    @property
    def end(self) -> int:
        """From when on nothing happens any more."""
        return self.begins[-1] if self.begins else 0


@dataclass(frozen=True, slots=True)
class Contract:
    """One thing that is traded, as of one day.

    Parameters
    ----------
    instrument : Instrument
    trading_symbol : str
    exchange : str
        As orders name it: ``NSE``, ``BSE``, ``NFO``, ``BFO``.
    hours : Hours
    tick : int, units
    lot : int, shares
    freeze : int, shares
        The largest order; 0: any.
    close : int, units
        Of the day before; 0 where nobody knows.
    low, high : int, units
        The price band; 0 where there is none.
    isin : str
    """

    instrument: Instrument
    trading_symbol: str
    exchange: str
    hours: Hours
    tick: int
    lot: int
    freeze: int = 0
    close: int = 0
    low: int = 0
    high: int = 0
    isin: str = ""

    @property
    def key(self) -> str:
        """The instrument key."""
        return self.instrument.symbol

    @property
    def segment(self) -> str:
        """``NSE_EQ`` and the like; '' for data from elsewhere."""
        head, bar, _ = self.key.partition("|")
        return head if bar else ""


def contract_of(
    instrument: Instrument,
    day: int,
    *,
    trading_symbol: str = "",
    close: Decimal | None = None,
    freeze: int = 0,
    hours: Hours | None = None,
) -> Contract:
    """Return `instrument` as it trades on IST day `day`.

    Parameters
    ----------
    instrument : Instrument
    day : int, IST day
    trading_symbol : str
        Defaults to the instrument's name.
    close : Decimal or None, rupees
        Of the day before; without it there is no price band.
    freeze : int, shares
        As the master of the day says; 0: our table's, where it has one.
    hours : Hours or None
        Instead of those of our tables.

    Notes
    -----
    The band of a share with derivatives is the exchange's 10 %, which is moved there when the price comes near it; here it stands
    still. A share without them has one of four bands that no table names: here the widest.
    """
    before = units(close) if close is not None else 0
    low, high = _band(instrument, before, to_date(day))
    head, bar, tail = instrument.symbol.partition("|")
    return Contract(
        instrument, trading_symbol or instrument.name or instrument.symbol, _EXCHANGES.get(head, "NSE"),
        hours if hours is not None else _hours(instrument, day), units(instrument.tick), instrument.lot,
        freeze or _freeze(instrument, to_date(day)), before, low, high, tail if bar and head.endswith("_EQ") else "",
    )  # fmt: skip


def _hours(instrument: Instrument, day: int) -> Hours:
    found = hours_of(instrument, day)
    session, start, when = found.session, day_start(day), to_date(day)
    if session.is_closed:
        return Hours((), ())
    if session.is_whole_day:
        return Hours((start,), (Phase.CONTINUOUS,))
    is_regular = found.day is None or not found.day.windows
    rules = [rule for rule in phases_of(found.of_class, when) if rule.keys["phase"] in _PHASE_OF] if is_regular else []
    spans = [(time_of(rule["begin"]), time_of(rule["end"]), _PHASE_OF[rule.keys["phase"]]) for rule in rules]
    if not any(phase is Phase.CONTINUOUS for *_, phase in spans):
        edges = [session.open, *(edge for pause in session.pauses for edge in pause), session.close]
        spans = [(edges[i], edges[i + 1], Phase.CONTINUOUS) for i in range(0, len(edges), 2)]
    timeline: dict[int, Phase] = {}
    for begin, end, phase in spans:  # where one phase ends and none begins, the market is closed
        timeline[begin] = phase
        timeline.setdefault(end, Phase.CLOSED)
    stops_end = session.close if found.of_class == "cash_auction" and when >= _SINCE_STOPS_END and is_regular else 0
    order = sorted(timeline)
    return Hours(
        tuple(start + at for at in order), tuple(timeline[at] for at in order),
        start + _square_off(found.of_class, when, session.close, is_regular), start + stops_end if stops_end else 0,
    )  # fmt: skip


def _square_off(of_class: str, day: date, close: int, is_regular: bool) -> int:
    if is_regular:
        try:
            return min(time_of(square_off_of(of_class, day)["broker"]), close)
        except OutsideKnownDates:
            pass
    return close - 5 * MINUTE_NS


def _freeze(instrument: Instrument, day: date) -> int:
    if instrument.contract is None or "_INDEX|" not in instrument.contract.underlying:
        return 0
    name = instrument.name.split(" ")[0].upper()
    try:
        return int(freeze_of(name, day)["quantity"])
    except OutsideKnownDates:
        return 0


def _band(instrument: Instrument, close: int, day: date) -> tuple[int, int]:
    if not close:
        return 0, 0
    tick = units(instrument.tick)
    if instrument.kind is Kind.OPTION:
        width = 20 * 10_000 if close <= _CHEAP_OPTION else close * 40 // 100
    elif instrument.kind is Kind.EQUITY and instrument.closing_auction is False:
        width = close * 20 // 100
    elif instrument.kind in {Kind.EQUITY, Kind.FUTURE}:
        try:
            width = int(close * Decimal(band_of("fno_stock", day)["band"]) / 100)
        except OutsideKnownDates:
            width = close * 10 // 100
    else:
        return 0, 0
    return max(tick, -(-(close - width) // tick) * tick), (close + width) // tick * tick
