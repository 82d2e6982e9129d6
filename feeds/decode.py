"""From a parsed feed message to checked values. Pure: every message is answered with a `Frame`, none with an exception.

The shapes are those of the Upstox v3 market feed as its SDK turns protobuf into dicts, where 64-bit integers are text, zeros are
left out and NaN is the text ``NaN``; the same shapes one symbol at a time with the frame around them lost, as some recorders
keep them; and our own kinds.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite, isnan, nan
from typing import Any, Final, NamedTuple, TypeGuard

from auction_bt.core.ist import IST, MINUTE_NS
from auction_bt.core.limits import LARGEST_PRICE, LARGEST_VOLUME, LATEST_NS
from auction_bt.core.snapshot import Candle, Snapshot

OWN_KINDS: Final = frozenset({"clock", "command", "order", "candles", "funds", "gap", "state"})
FEED: Final = "feed"
MARKET_INFO: Final = "market_info"
UNKNOWN: Final = ""

MS: Final = 1_000_000
MS_DIGITS: Final = 13  # of milliseconds since 1970, from 2001 to 2286
DIGITS: Final = len(str(LARGEST_VOLUME))  # a number with fewer is a volume
_INT64_MAX: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_IST: Final = _EPOCH.astimezone(IST).replace(tzinfo=None)
_NOTHING: Final[Mapping[str, object]] = {}


class Frame(NamedTuple):
    """One message, decoded.

    Parameters
    ----------
    kind : str
        ``feed``, ``market_info``, one of `OWN_KINDS`, or empty where the shape is not known.
    current_ts : int or None, ns
        The sender's clock (`currentTs`, or `ts` of our own kinds), None where not said.
    recorded_ts : int or None, ns
        The recorder's stamp where the message carries one inside.
    items : tuple of Snapshot
        In the order of their symbols: the position is the symbol's rank.
    symbol : str
        The symbol one of our own kinds speaks of; empty for none.
    malformed : tuple of str
        Why parts were left out, one reason a part, from a closed list of texts.
    """

    kind: str
    current_ts: int | None = None
    recorded_ts: int | None = None
    items: tuple[Snapshot, ...] = ()
    symbol: str = ""
    malformed: tuple[str, ...] = ()


def decode(message: object, symbols: Container[str] | None = None) -> Frame:
    """Return what `message` says.

    Parameters
    ----------
    message : dict
        As parsed from JSON; anything else is answered with an unknown frame.
    symbols : container of str, optional
        Decode these alone.

    Notes
    -----
    The answer depends on this message and nothing before it; what carries over (the book, volume, known bars) is the business
    of `core.tracker` and `core.bar_builder`.
    """
    if not isinstance(message, dict):
        return Frame(UNKNOWN, malformed=("message is not an object",))
    faults: list[str] = []
    kind = message.get("kind")
    if isinstance(kind, str) and "feeds" not in message:
        return _own(kind, message, faults)
    current = _time(message.get("currentTs"), MS, faults, "currentTs") or None
    recorded = None
    items: tuple[Snapshot, ...] = ()
    feeds = message.get("feeds")
    shape = FEED
    if isinstance(feeds, dict):
        items = _items(feeds, symbols, faults)
    elif "instrumentKey" in message:
        recorded = recorded_at(message.get("_insertion_time"), faults)
        key = message["instrumentKey"]
        items = _items({key if isinstance(key, str) else "": message}, symbols, faults)
    elif feeds is not None:
        shape = UNKNOWN
        faults.append("feeds is not an object")
    elif message.get("type") == "market_info" or "marketInfo" in message:
        shape = MARKET_INFO
    elif current is None and message.get("type") != "live_feed":
        shape = UNKNOWN
        faults.append("message of no known shape")
    return Frame(shape, current, recorded, items, malformed=tuple(faults))


def symbols_of(message: object) -> tuple[str, ...]:
    """Return the symbols `message` speaks of, in order; empty where it speaks of all or of none."""
    if not isinstance(message, dict):
        return ()
    feeds = message.get("feeds")
    if isinstance(feeds, dict):
        return tuple(sorted(filter(_is_symbol, feeds)))
    kind = message.get("kind")
    if kind == "clock":
        return ()
    name = message.get("symbol" if isinstance(kind, str) else "instrumentKey")
    return (name,) if _is_symbol(name) else ()


def _own(kind: str, message: dict[str, object], faults: list[str]) -> Frame:
    if kind not in OWN_KINDS:
        return Frame(UNKNOWN, malformed=("message of an unknown kind",))
    ts = _time(message.get("ts"), 1, faults, "ts")
    if kind == "clock" and not ts:
        return Frame(UNKNOWN, malformed=(*faults, "clock without a time"))
    symbol = message.get("symbol") if kind != "clock" else None  # the hour is everybody's
    return Frame(kind, ts or None, symbol=symbol if _is_symbol(symbol) else "", malformed=tuple(faults))


def _items(feeds: dict[str, object], symbols: Container[str] | None, faults: list[str]) -> tuple[Snapshot, ...]:
    items = []
    for symbol, feed in feeds.items():
        if not _is_symbol(symbol):
            faults.append("symbol")
        elif symbols is None or symbol in symbols:
            if isinstance(feed, dict):
                items.append(_usual(symbol, feed) or _snapshot(symbol, feed, faults))
            else:
                faults.append("feed is not an object")
    if len(items) > 1:
        items.sort()  # symbols of one frame differ, so nothing after the symbol is compared
    return tuple(items)


def _is_symbol(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and is_good_name(name)


@lru_cache(8192)
def is_good_name(name: str) -> bool:
    """Return whether `name` can be a symbol's."""
    if name == "" or name != name.strip():
        return False
    # Half of a surrogate pair, which JSON can say, is no text that a file or a database can hold.
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)


def _usual(symbol: str, feed: dict[str, Any]) -> Snapshot | None:
    """Return the snapshot of a feed in which everything is there and in order, None where anything is not.

    Nearly all messages are such, and this takes a fifth of the time of `_snapshot`, which says the same of them.
    """
    try:
        body = feed["fullFeed"]["marketFF"]
        ltpc = body["ltpc"]
        ltp, ltt, ltq = ltpc["ltp"], ltpc["ltt"], ltpc["ltq"]
        vtt, atp, oi = body["vtt"], body["atp"], body.get("oi", nan)
        quote = body["marketLevel"]["bidAskQuote"][0]
        bid, ask = quote["bidP"], quote["askP"]
        day, row = body["marketOHLC"]["ohlc"]
        said = row["ts"], row["vol"], row["open"], row["high"], row["low"], row["close"]
        is_usual = (
            type(ltp) is type(bid) is type(ask) is type(atp) is type(oi) is float
            and 0 < ltp <= LARGEST_PRICE and 0 < bid < ask <= LARGEST_PRICE and 0 < atp <= LARGEST_PRICE
            and (isfinite(oi) or "oi" not in body)
            and type(ltt) is str and len(ltt) == MS_DIGITS and ltt.isdecimal()
            and type(ltq) is type(vtt) is str and len(ltq) < DIGITS > len(vtt) and ltq.isdecimal() and vtt.isdecimal()
            and row["interval"] == "I1" != day["interval"] and "indexFF" not in feed["fullFeed"]
        )  # fmt: skip
        candle = usual_candle(*said) if is_usual else None
    except (KeyError, TypeError, IndexError, AttributeError, ValueError):
        return None
    if candle is None or (at := int(ltt)) >= LATEST_NS // MS or not at:
        return None
    return Snapshot(symbol, ltp, at * MS, int(ltq), int(vtt), True, bid, ask, oi, atp, candle)


@lru_cache(8192, typed=True)  # True is no price, though it equals one
def usual_candle(ts: object, volume: object, opened: object, high: object, low: object, close: object) -> Candle | None:
    """Return the candle of a row in which everything is there; the same comes with every message until the next is complete."""
    if not (type(ts) is type(volume) is str and type(opened) is type(high) is type(low) is type(close) is float):
        return None
    row = {"ts": ts, "vol": volume, "open": opened, "high": high, "low": low, "close": close}
    return _candle(row, [])


def _snapshot(symbol: str, feed: dict[str, object], faults: list[str]) -> Snapshot:
    body: Mapping[str, object]
    is_index = False
    has_book = False
    bid = ask = nan
    if "fullFeed" in feed:
        full = _part(feed, "fullFeed", faults)
        is_index = "indexFF" in full
        body = _part(full, "indexFF" if is_index else "marketFF", faults)
        if "marketLevel" in body:
            level = body["marketLevel"]
            quotes = level.get("bidAskQuote", []) if isinstance(level, dict) else None
            if isinstance(quotes, list):
                has_book = True
                bid, ask = _best(quotes, faults)
            else:
                faults.append("marketLevel")
    elif "firstLevelWithGreeks" in feed:
        body = _part(feed, "firstLevelWithGreeks", faults)
        if "firstDepth" in body:
            has_book = True
            bid, ask = _best([body["firstDepth"]], faults)
    else:
        body = feed
        if "ltpc" not in feed:
            faults.append("feed without a known part")
    ltpc = _part(body, "ltpc", faults)
    ltp = _price(ltpc.get("ltp"), faults, "ltp")
    ltt = _time(ltpc.get("ltt"), MS, faults, "ltt")
    if not isnan(ltp) and not ltt and not ltpc.get("ltt"):
        faults.append("ltp without ltt")
    vtt: int | None = None
    if (said := body.get("vtt")) is not None and (vtt := _volume(said)) is None:
        faults.append("vtt")
    return Snapshot(
        symbol,
        ltp,
        ltt,
        _count(ltpc.get("ltq"), faults, "ltq"),
        vtt,
        has_book,
        bid,
        ask,
        _number(body.get("oi"), faults, "oi"),
        _price(body.get("atp"), faults, "atp"),
        _i1(body["marketOHLC"], faults) if "marketOHLC" in body else None,
        is_index,
    )


def _part(parent: Mapping[str, object], key: str, faults: list[str]) -> Mapping[str, object]:
    part = parent.get(key)
    if isinstance(part, dict):
        return part
    if part is not None:
        faults.append(key)
    return _NOTHING


def _best(quotes: list[object], faults: list[str]) -> tuple[float, float]:
    bid = ask = nan
    for quote in quotes:
        if not isinstance(quote, dict):
            faults.append("depth level")
            continue
        if isnan(bid):
            bid = _price(quote.get("bidP"), faults, "bidP")
        if isnan(ask):
            ask = _price(quote.get("askP"), faults, "askP")
        if not (isnan(bid) or isnan(ask)):
            break
    # A pre-open book crosses until it is matched: nobody can trade at either price.
    return (nan, nan) if bid >= ask else (bid, ask)


def _i1(ohlc: object, faults: list[str]) -> Candle | None:
    rows = ohlc.get("ohlc", []) if isinstance(ohlc, dict) else None
    if not isinstance(rows, list):
        faults.append("marketOHLC")
        return None
    best: Candle | None = None
    for row in rows:
        if not isinstance(row, dict):
            faults.append("ohlc row")
        elif row.get("interval") == "I1":
            candle = _candle(row, faults)
            if candle is not None and (best is None or candle.ts > best.ts):
                best = candle
    return best


def _candle(row: dict[str, object], faults: list[str]) -> Candle | None:
    said = [row.get(key) for key in ("open", "high", "low", "close")]
    if not any(said):
        return None  # the row of a symbol that has not traded: its zeros are left out
    opened, high, low, close = map(_real, said)
    ts = _whole(row.get("ts", 0))
    volume = _volume(row.get("vol", 0))
    if ts is None or volume is None or not 0 < ts < LATEST_NS // MS or ts * MS % MINUTE_NS:
        faults.append("I1 ts or vol")
    elif not (0 < low <= opened <= high <= LARGEST_PRICE and low <= close <= high):  # False for NaN wherever it stands
        faults.append("I1 prices")
    else:
        return Candle(ts * MS, opened, high, low, close, volume)
    return None


def _whole(value: object) -> int | None:
    """Return a whole number within int64 and not below 0, None for anything else."""
    if isinstance(value, str):
        if not value.isdecimal() or len(value) > 19:
            return None
        number = int(value)
    elif isinstance(value, bool):
        return None
    elif isinstance(value, int):
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    else:
        return None
    return number if 0 <= number <= _INT64_MAX else None


def _volume(value: object) -> int | None:
    """Return a whole number that can be a volume, None for anything else."""
    number = _whole(value)
    return number if number is not None and number <= LARGEST_VOLUME else None


def _real(value: object) -> float:
    """Return a finite number, NaN for anything else."""
    if isinstance(value, float):
        number = value
    elif isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return nan
    else:
        return nan
    return number if isfinite(number) else nan


def _count(value: object, faults: list[str], reason: str) -> int:
    if value is None:
        return 0
    number = _volume(value)
    if number is None:
        faults.append(reason)
        return 0
    return number


def _time(value: object, unit: int, faults: list[str], reason: str) -> int:
    if value is None:
        return 0
    number = int(value) if type(value) is str and len(value) == MS_DIGITS and value.isdecimal() else _whole(value)
    if number is None or number >= LATEST_NS // unit:
        faults.append(reason)
        return 0
    return number * unit


def _number(value: object, faults: list[str], reason: str) -> float:
    if value is None:
        return nan
    number = _real(value)
    if isnan(number):
        faults.append(reason)
    return number


def _price(value: object, faults: list[str], reason: str) -> float:
    if not value and value is not False:
        return nan  # 0 is left out on the wire: no price
    number = _real(value)
    if 0 < number <= LARGEST_PRICE:
        return number
    if number != 0:
        faults.append(reason)
    return nan


def recorded_at(value: object, faults: list[str]) -> int | None:
    """Return a recorder's own stamp in ns, None where there is none."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            since = moment - (_EPOCH if moment.tzinfo else _EPOCH_IN_IST)
            ts = (since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) * 1000
        except (ValueError, OverflowError):
            ts = -1
        if 0 < ts < LATEST_NS:
            return ts
    faults.append("_insertion_time")
    return None
