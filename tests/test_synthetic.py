"""The made-up feed: shaped like the broker's, true to the tape it was cut from."""

import json
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import IST, MINUTE_NS, day_start, from_date
from auction_bt.router import LiveMarketRouter
from auction_bt.synthetic import DEMO, Shape, conflate, merge, messages, tape

DAY = date(2026, 11, 20)
TEN_PAISE = Instrument("NSE_FO|X", Decimal("0.10"), 250, Kind.FUTURE)


def market(message: dict) -> dict:
    (feed,) = message["feeds"].values()
    return feed["fullFeed"]["marketFF"]


def trading(stream) -> list[dict]:
    """The market part of every frame of today's trading."""
    return [market(m) for _, m in stream if "feeds" in m and "vtt" in market(m)]


def minutes_of(trades) -> dict[int, tuple]:
    """Minute candles by the plainest loop."""
    out: dict[int, list] = {}
    for ts, tick, size in zip(trades.ts.tolist(), trades.ticks.tolist(), trades.size.tolist(), strict=True):
        price = float(round(Decimal(tick) * trades.instrument.tick, 2))
        bar = out.setdefault(ts // MINUTE_NS * 60_000, [price, price, price, price, 0])
        bar[1], bar[2], bar[3], bar[4] = max(bar[1], price), min(bar[2], price), price, bar[4] + size
    return {k: tuple(v) for k, v in out.items()}


@pytest.fixture(scope="module", params=list(Shape))
def day(request):
    shape = request.param
    return tape(DEMO[shape], DAY, shape, 7), list(messages(DEMO[shape].symbol, DAY, shape, 7))


def test_equal_arguments_give_equal_bytes_and_other_seeds_symbols_and_days_do_not():
    def text(symbol="NSE_FO|X", on=DAY, seed=1):
        return json.dumps(list(messages(symbol, on, "walk", seed, per_minute=2)))

    assert text() == text()
    assert len({text(), text(seed=2), text(symbol="NSE_FO|Y"), text(on=date(2026, 11, 19))}) == 4


def test_messages_are_the_conflated_tape_of_the_same_seed(day):
    trades, stream = day
    assert stream == list(conflate(trades, 7))


def test_a_generator_may_be_given_instead_of_a_seed():
    a, b = (list(messages("NSE_FO|X", DAY, "walk", np.random.default_rng(3), per_minute=2)) for _ in range(2))
    assert a == b


def test_stamps_rise_strictly_and_follow_the_exchange_clock(day):
    _, stream = day
    assert all(a < b for (a, _), (b, _) in pairwise(stream))
    assert all(stamp > int(m["currentTs"]) * 1_000_000 for stamp, m in stream)


def test_market_status_comes_first_and_the_first_frame_has_no_type_and_no_trade_of_today(day):
    _, stream = day
    assert stream[0][1]["type"] == "market_info"
    assert "type" not in stream[1][1]
    snapshot = market(stream[1][1])
    assert int(snapshot["ltpc"]["ltt"]) * 1_000_000 < day_start(from_date(DAY))
    assert "vtt" not in snapshot
    assert {m["type"] for _, m in stream[2:]} == {"live_feed", "market_info"}


def test_whole_numbers_are_text_and_zeros_are_absent_as_the_decoder_leaves_them(day):
    def walk(value, key=""):
        if isinstance(value, dict):
            for k, v in value.items():
                walk(v, k)
        elif isinstance(value, list):
            for v in value:
                walk(v, key)
        else:
            assert isinstance(value, str | float), (key, value)
            assert value not in (0.0, "0", ""), key

    for _, message in day[1][::50]:
        walk(message)
        assert json.loads(json.dumps(message)) == message


def test_every_i1_is_the_true_last_minute_with_trades_before_the_message(day):
    trades, stream = day
    truth = minutes_of(trades)
    end_ms = trades.end // 1_000_000
    shown = set()
    for _, m in stream:
        if "feeds" not in m or "vtt" not in market(m):
            continue
        part = market(m)
        now = int(part["ltpc"]["ltt"]) // 60_000 * 60_000
        limit = now if int(m["currentTs"]) < end_ms else now + 1
        due = [k for k in truth if k < limit]
        i1 = [c for c in part["marketOHLC"]["ohlc"] if c["interval"] == "I1"]
        if not due:
            assert not i1
            continue
        (candle,) = i1
        assert int(candle["ts"]) == max(due)
        assert (*(candle[k] for k in ("open", "high", "low", "close")), int(candle["vol"])) == truth[int(candle["ts"])]
        shown.add(int(candle["ts"]))
    assert max(truth) in shown, "the last minute of the day must become known too"


def test_volume_of_the_day_rises_but_for_a_few_swapped_messages_and_ends_at_the_tapes(day):
    trades, stream = day
    vtt = [int(f["vtt"]) for f in trading(stream)]
    assert 1 <= sum(b < a for a, b in pairwise(vtt)) <= 3
    assert vtt[-1] == max(vtt) == int(trades.size.sum())


def test_price_time_and_volume_of_a_frame_are_one_moment_of_the_tape(day):
    trades, stream = day
    at_volume = dict(zip(np.cumsum(trades.size).tolist(), range(len(trades.ts)), strict=True))
    for frame in trading(stream)[::7]:
        n = at_volume[int(frame["vtt"])]
        assert TEN_PAISE.to_ticks(frame["ltpc"]["ltp"]) == trades.ticks[n]
        assert int(frame["ltpc"]["ltt"]) * 1_000_000 == trades.ts[n]
        assert int(frame["ltpc"]["ltq"]) == trades.size[n]
        turnover = float(trades.ticks[: n + 1] @ trades.size[: n + 1]) * 0.1
        assert frame["atp"] == pytest.approx(turnover / int(frame["vtt"]), abs=0.006)


def test_the_book_stands_uncrossed_around_the_last_price(day):
    for frame in trading(day[1])[::11]:
        levels = frame["marketLevel"]["bidAskQuote"]
        assert len(levels) == 5
        bids, asks = [q["bidP"] for q in levels], [q["askP"] for q in levels]
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]
        assert bids[0] <= frame["ltpc"]["ltp"] <= asks[0]


def test_the_feed_is_conflated_as_the_real_one_is(day):
    frames = trading(day[1])
    last = [f["ltpc"] for f in frames]
    only_book = sum(a == b for a, b in pairwise(last)) / len(last)
    seen = sum(int(b["ltq"]) for a, b in pairwise(last) if a["ltt"] != b["ltt"])
    assert 0.29 <= only_book <= 0.89
    assert 0.09 <= seen / int(frames[-1]["vtt"]) <= 0.39
    repeats = sum(a == b for (_, a), (_, b) in pairwise(day[1]))
    assert 5 <= repeats <= 100


def test_trades_keep_to_the_session_of_their_date():
    for on, close in ((date(2026, 7, 31), 15 * 60 + 30), (DAY, 15 * 60 + 40)):
        trades = tape(TEN_PAISE, on, "walk", 1)
        start = day_start(from_date(on))
        assert trades.begin == start + (9 * 60 + 15) * MINUTE_NS
        assert trades.begin <= trades.ts[0]
        assert trades.ts[-1] < trades.end == start + close * MINUTE_NS


@pytest.mark.parametrize("day", [date(2026, 11, 21), date(2026, 11, 24), date(2026, 11, 8)])
def test_no_day_is_made_up_on_which_the_exchange_is_closed_or_its_hours_are_unknown(day):
    with pytest.raises(BadInput, match=f"the exchange is closed on {day}"):
        tape(TEN_PAISE, day, "walk", 5)


def test_a_balanced_day_is_a_bell_around_its_value_and_a_trend_day_is_not():
    def closeness(shape):
        """Median over days of |open - close| against the day's range, and of volume in the middle third of the range."""
        rows = []
        for d in (2, 3, 4, 5, 6, 9, 11, 12, 13, 16, 17, 18):
            t = tape(TEN_PAISE, date(2026, 11, d), shape, 5, per_minute=6)
            low, high = t.ticks.min(), t.ticks.max()
            middle = t.size[(t.ticks > low + (high - low) / 3) & (t.ticks < high - (high - low) / 3)].sum() / t.size.sum()
            rows.append((abs(t.ticks[-1] - t.ticks[0]) / (high - low), middle))
        return np.median(rows, axis=0)

    balanced, trend = closeness("balanced"), closeness("trend")
    assert balanced[0] < 0.35 < 0.75 < trend[0]
    assert balanced[1] > 0.55
    assert balanced[1] > trend[1] + 0.15


@settings(max_examples=25, deadline=None)
@given(
    price=st.floats(50, 80_000),
    tick=st.sampled_from(["0.05", "0.1", "0.5", "1", "5"]),
    lot=st.integers(1, 900),
    per_minute=st.integers(1, 4),
    shape=st.sampled_from(list(Shape)),
    seed=st.integers(0, 2**32),
)
def test_every_price_is_on_the_grid_for_any_instrument(price, tick, lot, per_minute, shape, seed):
    grid = Decimal(tick)
    if price / float(tick) < 150:
        return
    stream = list(messages("NSE_EQ|ANY", DAY, shape, seed, price, tick, per_minute, lot, Kind.EQUITY))
    for frame in trading(stream)[:: max(1, len(stream) // 20)]:
        prices = [frame["ltpc"]["ltp"], frame["ltpc"]["cp"]]
        prices += [c[k] for c in frame["marketOHLC"]["ohlc"] for k in ("open", "high", "low", "close")]
        prices += [q[k] for q in frame["marketLevel"]["bidAskQuote"] for k in ("bidP", "askP") if k in q]
        assert all(Decimal(repr(p)) % grid == 0 for p in prices)
        assert int(frame["vtt"]) % lot == 0


def test_merging_keeps_order_makes_stamps_unique_and_says_each_status_once():
    one = list(messages("NSE_FO|A", DAY, "walk", 1, per_minute=3))
    two = [(stamp, m) for stamp, m in one if "feeds" in m]  # every stamp collides
    merged = list(merge(one, two))
    assert all(a < b for (a, _), (b, _) in pairwise(merged))
    assert len(merged) == len(one) + len(two)
    status = [m for _, m in merge(one, messages("NSE_FO|B", DAY, "trend", 1, per_minute=3)) if "marketInfo" in m]
    assert [list(m["marketInfo"]["segmentStatus"].values()) for m in status] == [
        ["PRE_OPEN_END"],
        ["NORMAL_OPEN"],
        ["NORMAL_CLOSE"],
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": "sideways"}, "balanced, trend, walk"),
        ({"per_minute": 0}, "1 or more"),
        ({"start_price": 0.0}, "start price"),
        ({"start_price": float("nan")}, "start price"),
        ({"seed": -1}, "seed"),
        ({"tick": "0"}, "tick size"),
    ],
)
def test_what_cannot_be_made_is_refused_at_the_call_in_one_line(change, said):
    with pytest.raises(BadInput, match=said):
        messages(**({"symbol": "NSE_FO|X", "day": DAY, "shape": "walk", "seed": 1} | change))


def test_the_demo_instruments_say_that_they_are_synthetic():
    assert set(DEMO) == set(Shape)
    assert all("synthetic" in i.name and "DEMO" in i.symbol for i in DEMO.values())


def test_the_day_of_a_message_is_the_day_asked_for():
    for stamp, _ in messages("NSE_FO|X", DAY, "walk", 1, per_minute=1):
        assert datetime.fromtimestamp(stamp // 10**9, IST).date() == DAY


class Kept:
    """A sink that keeps what the router says."""

    def __init__(self):
        self.ticks, self.bars, self.gaps = [], [], []
        self.on_tick, self.on_bar, self.on_gap = self.ticks.append, self.bars.append, self.gaps.append

    def on_event(self, event):
        raise AssertionError(f"no events of our own here: {event}")


def test_the_router_reads_the_tapes_minutes_and_volume_from_it():
    trades = tape(DEMO[Shape.WALK], DAY, "walk", 7)
    kept = Kept()
    router = LiveMarketRouter(kept)
    for stamp, message in conflate(trades, 7):
        router.on_message(message, stamp)
    router.flush()
    truth = minutes_of(trades)
    assert {b.ts // 1_000_000: (b.open, b.high, b.low, b.close, b.volume) for b in kept.bars} == truth
    joined = sum(g.volume for g in kept.gaps if g.kind == "joined")
    assert sum(t.size for t in kept.ticks) + joined == trades.size.sum()
    assert 0 < joined < trades.size.sum() // 100
    assert sum(g.kind == "silence" for g in kept.gaps) < 25
