"""Streams of feed messages that went wrong in every way a feed, a recorder or a clock can."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.random import Generator

from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, day_index, day_start, from_date
from auction_bt.feeds.decode import symbols_of
from auction_bt.market.sessions import session_of
from auction_bt.store import RawMessage
from auction_bt.synthetic import DEMO, Shape, merge, messages

Stamped = tuple[int, Any]  # a message's stamp, and the message: a dict, or a text that is no JSON
DAYS = (date(2026, 3, 6), date(2026, 3, 9), date(2026, 3, 10))
INSTRUMENTS = (*DEMO.values(), Instrument("NSE_FO|DEMO-OTHER", *(getattr(DEMO[Shape.WALK], n) for n in ("tick", "lot", "kind"))))
SHAPES = (*DEMO, Shape.BALANCED)


@dataclass(frozen=True)
class Stretch:
    """Where something goes wrong: messages [begin, end) of a stream, those of one symbol or of all."""

    begin: int
    end: int
    symbol: str | None
    rng: Generator

    def hit(self, stream: list[Stamped], share: float = 1.0) -> list[int]:
        """The places of the messages that are struck."""
        found = [i for i in range(self.begin, self.end) if self.is_of(stream[i][1])]
        return [i for i in found if share >= 1 or self.rng.random() < share]

    def is_of(self, body: Any) -> bool:
        return self.symbol is None or (self.symbol in _feeds(body))

    def feeds(self, body: Any) -> Iterator[dict[str, Any]]:
        """The parts of a message to be changed."""
        for symbol, feed in _feeds(body).items():
            part = feed
            for key in ("fullFeed", "marketFF"):
                part = part.get(key) if isinstance(part, dict) else None
            if self.symbol in (None, symbol) and isinstance(part, dict):
                yield part


def _feeds(body: Any) -> dict[str, Any]:
    feeds = body.get("feeds") if isinstance(body, dict) else None
    return feeds if isinstance(feeds, dict) else {}


def _rows(part: dict[str, Any]) -> list[dict[str, Any]]:
    ohlc = part.get("marketOHLC")
    rows = ohlc.get("ohlc") if isinstance(ohlc, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _i1(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in _rows(part) if row.get("interval") == "I1"]


def _shift(owner: Any, key: str, by: int) -> None:
    """Add to a whole number, where there is one."""
    if isinstance(owner, dict) and isinstance(owner.get(key), str) and owner[key].isdecimal():
        owner[key] = str(max(0, int(owner[key]) + by))


Trouble = Callable[[list[Stamped], Stretch], list[Stamped]]


def _each(change: Callable[[dict[str, Any], Stretch], None], share: float = 1.0) -> Trouble:
    # Change the parts of the messages struck, each a copy of its own.
    def trouble(stream: list[Stamped], s: Stretch) -> list[Stamped]:
        for i in s.hit(stream, share):
            at, body = stream[i][0], deepcopy(stream[i][1])
            for part in s.feeds(body):
                change(part, s)
            stream[i] = at, body
        return stream

    return trouble


def duplicate(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    for i in reversed(s.hit(stream, 0.2)):
        later = min(i + int(s.rng.integers(1, 6)), len(stream))
        stream.insert(later, (stream[later - 1][0] + 1, stream[i][1]))
    return stream


def swap(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    for i in s.hit(stream, 0.2):
        if i + 1 < len(stream):
            (first, one), (second, two) = stream[i], stream[i + 1]
            stream[i], stream[i + 1] = (first, two), (second, one)
    return stream


def late(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    struck = set(s.hit(stream, 0.1))
    moved = [(stream[i][0] + int(s.rng.integers(1, 600)) * SECOND_NS, stream[i][1]) for i in struck]
    return [m for i, m in enumerate(stream) if i not in struck] + moved


def silence(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    struck = set(s.hit(stream))
    return [m for i, m in enumerate(stream) if i not in struck]


def thin(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    struck = set(s.hit(stream, 0.85))
    return [m for i, m in enumerate(stream) if i not in struck]


def slow_recorder(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    # The recorder's clock is behind the exchange's, or before it: for the whole stream, so that the order stays.
    off = int(s.rng.integers(-90, 90)) * SECOND_NS
    return [(at + off, body) for at, body in stream]


def one_frame(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    out: list[Stamped] = []
    for i, (at, body) in enumerate(stream):
        before = out[-1][1] if out else None
        if s.begin <= i < s.end and _feeds(before) and _feeds(body) and not set(_feeds(before)) & set(_feeds(body)):
            out[-1] = at, {**body, "feeds": {**before["feeds"], **body["feeds"]}}
        else:
            out.append((at, body))
    return out


def _between(make: Callable[[int, Stretch], Any]) -> Trouble:
    # Put messages of our own making between the others.
    def trouble(stream: list[Stamped], s: Stretch) -> list[Stamped]:
        for i in reversed(s.hit(stream, 0.05)):
            at = stream[i][0] + int(s.rng.integers(1, SECOND_NS))
            stream.append((at, make(at, s)))
        return stream

    return trouble


def _named(s: Stretch) -> dict[str, str]:
    return {"symbol": str(s.rng.choice([i.symbol for i in INSTRUMENTS]))} if s.rng.random() < 0.5 else {}


def _no_i1(part: dict[str, Any], _: Stretch) -> None:
    for row in _i1(part):
        row["interval"] = "I5"


def _shifted_i1(part: dict[str, Any], s: Stretch) -> None:
    for row in _i1(part):
        _shift(row, "ts", int(s.rng.integers(-4, 3)) * 60_000)


def _other_i1(part: dict[str, Any], s: Stretch) -> None:
    for row in _i1(part):
        _shift(row, "vol", 250)
        row["high"] = 2**13


def _volume_back(part: dict[str, Any], s: Stretch) -> None:
    _shift(part, "vtt", -int(s.rng.integers(0, 100_000)))


def _volume_ahead(part: dict[str, Any], s: Stretch) -> None:
    _shift(part, "vtt", int(s.rng.integers(0, 10**7)))


def _no_volume(part: dict[str, Any], _: Stretch) -> None:
    part.pop("vtt", None)


def _earlier_trade(part: dict[str, Any], s: Stretch) -> None:
    _shift(part.get("ltpc"), "ltt", -int(s.rng.integers(0, 240)) * 1000)


def _ltt_of_yesterday(part: dict[str, Any], s: Stretch) -> None:
    _shift(part.get("ltpc"), "ltt", -86_400_000)


def _wild_price(part: dict[str, Any], s: Stretch) -> None:
    _times(part, float(s.rng.choice([0.5, 0.99, 1.01, 3.0])))


def _off_grid(part: dict[str, Any], s: Stretch) -> None:
    _times(part, 1 + 2e-5 * float(s.rng.random()))


def _times(part: dict[str, Any], factor: float) -> None:
    ltpc = part.get("ltpc")
    if isinstance(ltpc, dict) and isinstance(ltpc.get("ltp"), float):
        ltpc["ltp"] *= factor


def _no_book(part: dict[str, Any], s: Stretch) -> None:
    if s.rng.random() < 0.5:
        part.pop("marketLevel", None)
    elif isinstance(part.get("marketLevel"), dict):
        part["marketLevel"]["bidAskQuote"] = []


JUNK = ("x", "", -1, 0, 1e300, 1e17, None, [], {}, True, "NaN", "99999999999999999999", 2**70, "\ud800")


def _malformed(part: dict[str, Any], s: Stretch) -> None:
    where = part
    while where:
        key = str(s.rng.choice(sorted(where)))
        inner = _i1(part)[0] if key == "marketOHLC" and _i1(part) else where[key]
        if isinstance(inner, dict) and s.rng.random() < 0.8:
            where = inner
        else:
            where[key] = JUNK[s.rng.integers(len(JUNK))]
            return


def bad_frame(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    for i in s.hit(stream, 0.1):
        at, body = stream[i]
        if not _feeds(body):
            continue
        form = int(s.rng.integers(5))
        if form == 0:
            body = {k: v for k, v in body.items() if k != "currentTs"}
        elif form == 1:
            body = {**body, "currentTs": JUNK[s.rng.integers(len(JUNK))]}
        elif form == 2:
            body = {**body, "feeds": JUNK[s.rng.integers(len(JUNK))]}
        elif form == 3:
            body = {**body, "feeds": dict.fromkeys(body["feeds"], JUNK[s.rng.integers(len(JUNK))])}
        else:
            body = json.dumps(body)[:-3]
        stream[i] = at, body
    return stream


def other_day(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    """Whole frames of yesterday or tomorrow, sender's clock and trades alike."""
    days = int(s.rng.choice([-1, 1]))
    for i in s.hit(stream, 0.05):
        at, body = stream[i][0], deepcopy(stream[i][1])
        _shift(body, "currentTs", days * 86_400_000)
        for part in s.feeds(body):
            for owner, key in [(part.get("ltpc"), "ltt"), *((row, "ts") for row in _rows(part))]:
                _shift(owner, key, days * 86_400_000)
        stream[i] = at, body
    return stream


def pre_open(stream: list[Stamped], s: Stretch) -> list[Stamped]:
    """Frames of the auction before the open, some with a print of today."""
    extra: list[Stamped] = []
    for i in s.hit(stream, 0.05):
        at, body = stream[i]
        early = day_start(day_index(at)) + 9 * 60 * MINUTE_NS + (at % (10 * MINUTE_NS))
        copy = deepcopy(body)
        for part in s.feeds(copy):
            copy["currentTs"] = str(early // 1_000_000)
            trade = early - SECOND_NS - (DAY_NS if s.rng.random() < 0.5 else 0)
            part["ltpc"] = {"ltp": 2400.0, "ltt": str(trade // 1_000_000)}
            part["vtt"] = str(int(s.rng.integers(0, 5)) * 250)
            part.pop("marketOHLC", None)
        extra.append((early, copy))
    return stream + extra


TROUBLES: dict[str, Trouble] = {
    "duplicate": duplicate,
    "swap": swap,
    "late": late,
    "silence": silence,
    "thin": thin,
    "slow recorder": slow_recorder,
    "one frame": one_frame,
    "market info": _between(lambda at, s: {"type": "market_info", "currentTs": str(at // 1_000_000), "marketInfo": {}}),
    "clock": _between(lambda at, s: {"kind": "clock", "ts": at + int(s.rng.integers(-600, 60)) * SECOND_NS, **_named(s)}),
    "command": _between(lambda at, s: {"kind": "command", "ts": at, "do": "halt", **_named(s)}),
    "no I1": _each(_no_i1),
    "shifted I1": _each(_shifted_i1, 0.3),
    "other I1": _each(_other_i1, 0.3),
    "volume back": _each(_volume_back, 0.3),
    "volume ahead": _each(_volume_ahead, 0.02),
    "no volume": _each(_no_volume, 0.5),
    "earlier trade": _each(_earlier_trade, 0.3),
    "yesterday's trade": _each(_ltt_of_yesterday, 0.3),
    "wild price": _each(_wild_price, 0.02),
    "off the grid": _each(_off_grid, 0.3),
    "no book": _each(_no_book, 0.5),
    "malformed": _each(_malformed, 0.2),
    "bad frame": bad_frame,
    "other day": other_day,
    "pre-open": pre_open,
}  # fmt: skip


Spell = tuple[str, int, float, float, bool]  # name, seed, where it begins, how long it is (as shares), whether of one symbol


def made(seed: int, symbols: int, per_minute: int, minutes: int, spells: list[Spell]) -> list[RawMessage]:
    """Return the first `minutes` minutes and the end of three sessions, with `spells` done to them in turn."""
    stream: list[Stamped] = []
    for number, day in enumerate(DAYS):
        opening, closing = session_of(INSTRUMENTS[0], from_date(day)).bounds(from_date(day))
        each = (
            messages(i.symbol, day, shape, seed + number, per_minute=per_minute)
            for i, shape in zip(INSTRUMENTS[:symbols], SHAPES, strict=False)
        )
        stream += [
            (at, body)
            for at, body in merge(*each)
            if not opening + (minutes if number else 15) * MINUTE_NS < at < closing - 5 * MINUTE_NS
        ]
    for name, own_seed, begin, length, alone in spells:
        rng = np.random.default_rng(own_seed)
        symbol = INSTRUMENTS[int(rng.integers(symbols))].symbol if alone else None
        first = int(begin * len(stream))
        stretch = Stretch(first, min(len(stream), first + 2 + int(length * len(stream))), symbol, rng)
        stream = sorted(TROUBLES[name](stream, stretch), key=lambda m: m[0])
    out, last = [], -1
    for at, body in stream:
        last = max(at, last + 1)
        text = body if isinstance(body, str) else json.dumps(body)
        out.append(RawMessage(last, text, symbols_of(body)))
    return out


def streams(fewest: int = 1) -> st.SearchStrategy[tuple[int, int, int, int, list[Spell]]]:
    """Arguments of `made`: where a test fails, what is shown is the list of its troubles, and that is what shrinks."""
    spell = st.tuples(st.sampled_from(sorted(TROUBLES)), st.integers(0, 999), st.floats(0, 1), st.floats(0, 1), st.booleans())
    return st.tuples(
        st.integers(0, 999),
        st.integers(fewest, 4),
        st.sampled_from([4, 8]),
        st.sampled_from([60, 150]),
        st.lists(spell, max_size=6),
    )
