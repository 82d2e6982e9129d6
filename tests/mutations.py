"""What goes wrong with a feed, done to a made-up one: each a function (messages, rng) -> messages, in the order of stamps."""

from copy import deepcopy

import numpy as np

from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, day_index, day_start

JUNK = (None, "", "abc", -1, float("nan"), [], {}, True, "9" * 30, 1e300, "-5", 0)


def rising(stream):
    """Sort by stamp and make stamps unique, as a recorder does."""
    last = -1
    for stamp, body in sorted(stream, key=lambda pair: pair[0]):
        last = max(stamp, last + 1)
        yield last, body


def chosen(stream, rng, share, feeds_only=True):
    """Return places of a share of the messages."""
    places = [i for i, (_, body) in enumerate(stream) if not feeds_only or body.get("feeds")]
    return rng.choice(places, max(1, int(len(places) * share)), replace=False).tolist() if places else []


def markets(body):
    for feed in (body.get("feeds") or {}).values():
        if isinstance(feed, dict) and "marketFF" in feed.get("fullFeed", {}):
            yield feed["fullFeed"]["marketFF"]


def duplicated(stream, rng):
    return stream + [
        (stream[i][0] + int(rng.integers(0, 3 * SECOND_NS)), deepcopy(stream[i][1])) for i in chosen(stream, rng, 0.05)
    ]


def swapped(stream, rng):
    for i in chosen(stream, rng, 0.05):
        if i + 1 < len(stream):
            (a, first), (b, second) = stream[i], stream[i + 1]
            stream[i], stream[i + 1] = (a, second), (b, first)
    return stream


def late(stream, rng):
    for i in chosen(stream, rng, 0.02):
        stream[i] = stream[i][0] + int(rng.integers(SECOND_NS, 150 * SECOND_NS)), stream[i][1]
    return stream


def interrupted(stream, rng):
    """Minutes without any message."""
    for _ in range(4):
        begin = stream[int(rng.integers(len(stream)))][0]
        end = begin + int(rng.integers(MINUTE_NS // 2, 6 * MINUTE_NS))
        stream = [pair for pair in stream if not begin <= pair[0] < end] or stream
    return stream


def without_minutes(stream, rng):
    """Times in which the exchange's minutes do not come."""
    for _ in range(5):
        begin = stream[int(rng.integers(len(stream)))][0]
        end = begin + int(rng.integers(MINUTE_NS, 8 * MINUTE_NS))
        for stamp, body in stream:
            if begin <= stamp < end:
                for market in markets(body):
                    market.pop("marketOHLC", None)
    return stream


def older_minutes(stream, rng):
    shown = [m["marketOHLC"] for _, body in stream for m in markets(body) if "marketOHLC" in m]
    for i in chosen(stream, rng, 0.03):
        for market in markets(stream[i][1]):
            market["marketOHLC"] = deepcopy(shown[int(rng.integers(len(shown)))]) if shown else {}
    return stream


def thin(stream, rng):
    """One symbol of which little is heard."""
    symbols = sorted({s for _, body in stream for s in body.get("feeds") or {}})
    symbol = symbols[int(rng.integers(len(symbols)))]
    return [pair for pair in stream if symbol not in (pair[1].get("feeds") or {}) or rng.random() < 0.08]


def volume_back(stream, rng):
    for i in chosen(stream, rng, 0.03):
        for market in markets(stream[i][1]):
            if "vtt" in market:
                market["vtt"] = str(max(0, int(market["vtt"]) - int(rng.integers(0, 50_000))))
    return stream


def framed(stream, rng):
    """Messages of several symbols in one frame."""
    out = []
    for stamp, body in stream:
        if out and "feeds" in body and "feeds" in out[-1][1] and stamp - out[-1][0] < 2 * SECOND_NS and rng.random() < 0.7:
            before = out[-1][1]
            if not set(before["feeds"]) & set(body["feeds"]):
                both = list({**before["feeds"], **body["feeds"]}.items())
                rng.shuffle(both)
                out[-1] = stamp, {**body, "feeds": dict(both)}
                continue
        out.append((stamp, body))
    return out


def own_kinds(stream, rng):
    symbols = sorted({s for _, body in stream for s in body.get("feeds") or {}})
    for i in chosen(stream, rng, 0.05):
        stamp = stream[i][0] + 1
        told = int(stamp + rng.integers(-SECOND_NS, 20 * SECOND_NS))
        kind = ("clock", "clock", "command", "state")[int(rng.integers(4))]
        symbol = {"symbol": symbols[int(rng.integers(len(symbols)))]} if kind == "command" else {}
        stream = [*stream, (stamp, {"kind": kind, "ts": told, **symbol})]
    return stream


def pre_open(stream, rng):
    """Frames before the session, with trades of the auction and a book that crosses."""
    out = list(stream)
    for day in {day_index(stamp) for stamp, _ in stream}:
        for i in chosen(stream, rng, 0.01):
            body = deepcopy(stream[i][1])
            at = day_start(day) + int(rng.integers(9 * 60, 9 * 60 + 15)) * MINUTE_NS + int(rng.integers(MINUTE_NS))
            for market in markets(body):
                if rng.random() < 0.5:
                    market["ltpc"]["ltt"] = str(at // 1_000_000)
                    market["vtt"] = str(int(rng.integers(0, 3000)))
                market.pop("marketOHLC", None)
                market["marketLevel"] = {"bidAskQuote": [{"bidP": 2500.0, "askP": 2300.0, "bidQ": "1", "askQ": "1"}]}
            out.append((at, {**body, "currentTs": str(at // 1_000_000)}))
    return out


def earlier_day(stream, rng):
    for i in chosen(stream, rng, 0.03):
        for market in markets(stream[i][1]):
            market["ltpc"]["ltt"] = str(int(market["ltpc"]["ltt"]) - DAY_NS // 1_000_000 * int(rng.integers(1, 4)))
    return stream


def malformed(stream, rng):
    for i in chosen(stream, rng, 0.06):
        junk = JUNK[int(rng.integers(len(JUNK)))]
        body = stream[i][1]
        place = int(rng.integers(9))
        for market in list(markets(body)):
            if place < 3:
                market["ltpc"][("ltp", "ltt", "ltq")[place]] = junk
            elif place < 6:
                market[("vtt", "oi", "marketLevel")[place - 3]] = junk
            elif place == 6:
                market["marketOHLC"] = junk
            elif place == 7 and isinstance(market.get("marketOHLC"), dict):
                for row in market["marketOHLC"].get("ohlc", []):
                    row[("open", "high", "ts", "vol")[int(rng.integers(4))]] = junk
        if place == 8:
            for symbol in body["feeds"]:
                body["feeds"][symbol] = junk
    return stream


def without_clock(stream, rng):
    """Messages that lost the sender's clock, as split recordings do."""
    for i in chosen(stream, rng, 0.3):
        stream[i][1].pop("currentTs", None)
        stream[i][1].setdefault("type", "live_feed")
    return stream


def slow_recorder(stream, rng):
    by = int(rng.integers(-8 * SECOND_NS, 8 * SECOND_NS))
    return [(stamp + by, body) for stamp, body in stream]


def without_trades(stream, rng):
    """A symbol of which only books and the exchange's minutes come, for a while or all day."""
    symbols = sorted({s for _, body in stream for s in body.get("feeds") or {}})
    symbol = symbols[int(rng.integers(len(symbols)))]
    begin = stream[int(rng.integers(len(stream)))][0] if rng.random() < 0.6 else 0
    for stamp, body in stream:
        if stamp >= begin and isinstance((body.get("feeds") or {}).get(symbol), dict):
            for market in markets({"feeds": {symbol: body["feeds"][symbol]}}):
                market["ltpc"] = {}
    return stream


MUTATIONS = (
    duplicated, swapped, late, interrupted, without_minutes, older_minutes, thin, volume_back, framed, own_kinds, pre_open,
    earlier_day, malformed, without_clock, slow_recorder, without_trades,
)  # fmt: skip


def mutated(stream, names, seed):
    """Return `stream` after the named mutations, stamps unique and rising."""
    rng = np.random.default_rng(seed)
    stream = list(stream)
    for mutation in MUTATIONS:
        if mutation.__name__ in names:
            stream = list(rising(mutation(stream, rng)))
    return stream
