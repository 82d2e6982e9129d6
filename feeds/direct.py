"""The usual feed message straight from its text: only what is wanted of it is made, and that in its type.

Most of a message is levels of the book, yesterday's prices and the like, at which nobody here looks.
"""

from __future__ import annotations

from collections.abc import Container
from math import nan
from typing import Final

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder

from auction_bt.core.limits import LARGEST_PRICE, LATEST_NS
from auction_bt.core.snapshot import Snapshot
from auction_bt.feeds.decode import DIGITS, FEED, MS, MS_DIGITS, Frame, is_good_name, recorded_at, usual_candle

# What a field is where it is left out is not in order and raises nothing: frames of hundreds have some that do not trade.


class _Trade(Struct, frozen=True, gc=False):
    ltp: float = nan
    ltt: str = ""
    ltq: str = ""


class _Quote(Struct, frozen=True, gc=False, rename={"bid": "bidP", "ask": "askP"}):
    bid: float = nan
    ask: float = nan


class _Book(Struct, frozen=True, gc=False, rename={"quotes": "bidAskQuote"}):
    quotes: list[_Quote] = []


class _Row(Struct, frozen=True, gc=False):
    interval: str = ""
    ts: str = ""
    vol: str = ""
    open: float = nan
    high: float = nan
    low: float = nan
    close: float = nan


class _Rows(Struct, frozen=True, gc=False):
    ohlc: list[_Row] = []


class _Market(Struct, frozen=True, gc=False, rename={"book": "marketLevel", "rows": "marketOHLC"}):
    ltpc: _Trade = _Trade()
    book: _Book = _Book()
    rows: _Rows = _Rows()
    vtt: str = ""
    atp: float = nan
    oi: float = nan


class _Full(Struct, frozen=True, gc=False, rename={"market": "marketFF", "index": "indexFF"}):
    market: _Market = _Market()
    index: Raw = Raw()


class _Feed(Struct, frozen=True, gc=False, rename={"full": "fullFeed"}):
    full: _Full = _Full()


_NAMES: Final = {"current": "currentTs", "key": "instrumentKey", "recorded": "_insertion_time"}


class _Message(_Feed, frozen=True, gc=False, rename=_NAMES):
    """A frame of feeds, or one symbol's feed with a recorder's words beside it."""

    feeds: dict[str, _Feed] | UnsetType = UNSET
    current: str | None = None
    key: str = ""
    recorded: str | None = None
    kind: Raw = Raw()


_decode: Final = Decoder(_Message).decode


def frame_of(text: str, symbols: Container[str] | None = None) -> Frame | None:
    """Return what `decode` says of a feed message in which everything is there and in order, None for any other text.

    Parameters
    ----------
    text : str
    symbols : container of str, optional
        Decode these alone.
    """
    try:
        message = _decode(text)
    except (ValueError, RecursionError):
        return None
    current, feeds = message.current, message.feeds
    now = recorded = None
    if current is not None:
        if len(current) != MS_DIGITS or not current.isdecimal() or not 0 < (ms := int(current)) < LATEST_NS // MS:
            return None
        now = ms * MS
    if feeds is UNSET:
        feeds = {message.key: message}
        faults: list[str] = []
        recorded = recorded_at(message.recorded, faults)
        if message.kind or faults:
            return None
    items = []
    for symbol, feed in feeds.items():
        if not is_good_name(symbol):
            return None
        if symbols is None or symbol in symbols:
            item = _snapshot(symbol, feed.full)
            if item is None:
                return None
            items.append(item)
    if len(items) > 1:
        items.sort()  # as `decode` does
    return Frame(FEED, now, recorded, tuple(items))


def _snapshot(symbol: str, full: _Full) -> Snapshot | None:
    # As `decode._usual` has it, less what the types say.
    market = full.market
    trade, quotes, rows, vtt, atp = market.ltpc, market.book.quotes, market.rows.ohlc, market.vtt, market.atp
    if full.index or not quotes or len(rows) != 2:
        return None
    ltp, ltt, ltq = trade.ltp, trade.ltt, trade.ltq
    bid, ask = quotes[0].bid, quotes[0].ask
    day, row = rows
    is_usual = (
        0 < ltp <= LARGEST_PRICE and 0 < bid < ask <= LARGEST_PRICE and 0 < atp <= LARGEST_PRICE
        and len(ltt) == MS_DIGITS and ltt.isdecimal()
        and len(ltq) < DIGITS > len(vtt) and ltq.isdecimal() and vtt.isdecimal()
        and row.interval == "I1" != day.interval
    )  # fmt: skip
    candle = usual_candle(row.ts, row.vol, row.open, row.high, row.low, row.close) if is_usual else None
    if candle is None or (at := int(ltt)) >= LATEST_NS // MS or not at:
        return None
    return Snapshot(symbol, ltp, at * MS, int(ltq), int(vtt), True, bid, ask, market.oi, atp, candle)
