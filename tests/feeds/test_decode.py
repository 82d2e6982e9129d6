"""What one message says, whatever shape it has and whatever is wrong with it."""

import gzip
import json
from copy import deepcopy
from math import isnan, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.snapshot import Candle
from auction_bt.feeds.decode import FEED, MARKET_INFO, UNKNOWN, _snapshot, _usual, decode, symbols_of

MINUTE = 1_764_561_600_000  # ms, start of a minute
NS = 1_000_000


def i1(**changes):
    row = {"interval": "I1", "open": 101.0, "high": 103.0, "low": 100.0, "close": 102.0, "vol": "40", "ts": str(MINUTE)}
    row.update(changes)
    return {k: v for k, v in row.items() if v is not None}


def market(**changes):
    body = {
        "ltpc": {"ltp": 102.5, "ltt": str(MINUTE + 61_000), "ltq": "25", "cp": 99.0},
        "marketLevel": {"bidAskQuote": [{"bidQ": "1", "bidP": 102.4, "askQ": "2", "askP": 102.6}]},
        "marketOHLC": {"ohlc": [{"interval": "1d", "open": 1.0, "vol": "9", "ts": "1"}, i1()]},
        "atp": 101.5,
        "vtt": "123456",
        "oi": 75.0,
    }
    body.update(changes)
    body = {k: v for k, v in body.items() if v is not None}
    return {"feeds": {"X": {"fullFeed": {"marketFF": body}, "requestMode": "full_d5"}}, "currentTs": str(MINUTE + 61_500)}


def only(message):
    frame = decode(message)
    assert frame.kind == FEED
    (item,) = frame.items
    return item, frame.malformed


def test_a_full_frame_without_type_is_a_snapshot_with_every_field():
    item, malformed = only(market())
    assert malformed == ()
    assert (item.symbol, item.ltp, item.ltt_ns, item.ltq, item.vtt) == ("X", 102.5, (MINUTE + 61_000) * NS, 25, 123456)
    assert (item.has_book, item.bid, item.ask, item.oi, item.atp, item.is_index) == (True, 102.4, 102.6, 75.0, 101.5, False)
    assert item.i1 == Candle(MINUTE * NS, 101.0, 103.0, 100.0, 102.0, 40)


def test_current_ts_is_nanoseconds_and_none_where_it_is_not_said():
    assert decode(market()).current_ts == (MINUTE + 61_500) * NS
    assert decode({"feeds": {}}).current_ts is None


def test_market_info_is_told_apart_from_a_feed_without_symbols():
    assert decode({"type": "market_info", "currentTs": "1", "marketInfo": {"segmentStatus": {}}}).kind == MARKET_INFO
    assert decode({"marketInfo": {"segmentStatus": {}}}).kind == MARKET_INFO
    assert decode({"type": "live_feed", "currentTs": "1"}).kind == FEED
    assert decode({"feeds": {}, "marketInfo": {}}).kind == FEED


def test_an_index_has_prices_and_no_volume():
    candle = {"interval": "I1", "open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "ts": str(MINUTE)}
    body = {"ltpc": {"ltp": 10.5, "ltt": str(MINUTE), "cp": 9.0}, "marketOHLC": {"ohlc": [candle]}}
    item, malformed = only({"feeds": {"I": {"fullFeed": {"indexFF": body}}}})
    assert item.is_index
    assert item.vtt is None
    assert not item.has_book
    assert malformed == ()
    assert item.i1 == Candle(MINUTE * NS, 10.0, 11.0, 9.0, 10.5, 0)


def test_bare_ltpc_mode_has_a_price_and_nothing_else():
    item, malformed = only({"feeds": {"X": {"ltpc": {"ltp": 5.0, "ltt": "7", "ltq": "3", "cp": 4.0}}}})
    assert (item.ltp, item.ltt_ns, item.vtt, item.has_book, item.i1, malformed) == (5.0, 7 * NS, None, False, None, ())


def test_option_greeks_mode_has_volume_and_one_level():
    body = {"ltpc": {"ltp": 5.0, "ltt": "7"}, "firstDepth": {"bidP": 4.9, "askP": 5.1}, "vtt": "99", "oi": 15.0}
    item, _ = only({"feeds": {"X": {"firstLevelWithGreeks": body, "requestMode": "option_greeks"}}})
    assert (item.vtt, item.bid, item.ask, item.oi) == (99, 4.9, 5.1, 15.0)


def test_thirty_levels_are_read_like_five():
    levels = [{}] * 3 + [{"bidP": 1.0 + i, "askP": 90.0 + i} for i in range(27)]
    item, malformed = only(market(marketLevel={"bidAskQuote": levels}))
    assert (item.bid, item.ask, malformed) == (1.0, 90.0, ())


def test_a_recorders_flat_message_is_one_symbols_feed_with_the_recorders_naive_indian_stamp():
    flat = {**market()["feeds"]["X"], "instrumentKey": "NSE_EQ|X", "_insertion_time": "2025-12-15 09:32:48.880001"}
    frame = decode(flat)
    assert frame.items[0].symbol == "NSE_EQ|X"
    assert frame.items[0].vtt == 123456
    assert frame.malformed == ()
    assert (frame.current_ts, frame.recorded_ts) == (None, 1_765_771_368_880_001_000)
    assert decode({**flat, "_insertion_time": "2025-12-15T04:02:48.880001+00:00"}).recorded_ts == 1_765_771_368_880_001_000
    assert decode({**flat, "_insertion_time": "yesterday"}).malformed == ("_insertion_time",)


def test_symbols_of_one_frame_come_in_the_order_of_their_names():
    feed = {"ltpc": {"ltp": 1.0, "ltt": "1"}}
    assert [i.symbol for i in decode({"feeds": {"b": feed, "a": feed, "B": feed}}).items] == ["B", "a", "b"]


def test_symbols_not_asked_for_are_neither_decoded_nor_counted():
    frame = decode({"feeds": {"a": {"ltpc": {"ltp": "NaN"}}, "b": {"ltpc": {}}}}, {"b"})
    assert [i.symbol for i in frame.items] == ["b"]
    assert frame.malformed == ()


def test_an_unset_ltpc_is_no_fault_and_no_price():
    item, malformed = only({"feeds": {"X": {"ltpc": {}}}})
    assert isnan(item.ltp)
    assert item.ltt_ns == 0
    assert malformed == ()


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity", -1.0, "x", [], True, float("nan"), 10**400, 1e300, 10**9 + 1])
def test_a_price_that_is_none_is_left_out_and_counted(price):
    wrong = market(ltpc={"ltp": price or [0], "ltt": "7"})
    item, malformed = only(wrong)
    assert isnan(item.ltp)
    assert malformed == ("ltp",)


@pytest.mark.parametrize("value", ["NaN", -5, "-5", 1.5, "1_0", " 7", True, "9" * 25, 2**63, [], {}])
def test_a_count_that_is_none_is_left_out_and_counted(value):
    item, malformed = only(market(vtt=value))
    assert item.vtt is None
    assert malformed == ("vtt",)
    item, malformed = only(market(ltpc={"ltp": 1.0, "ltt": value}))
    assert item.ltt_ns == 0
    assert "ltt" in malformed


ODD = st.sampled_from([None, True, 0, 0.0, -0.0, 1, "1", "", " 7", "NaN", -1.0, 1e300, 5e-324, 10**400, "9" * 16, "9" * 15,
                       "1" * 13, str(MINUTE), MINUTE, [], {}, [{}], float("nan"), float("inf"), "\u0667" * 13])  # fmt: skip
PLACES = [
    ("ltpc",), ("ltpc", "ltp"), ("ltpc", "ltt"), ("ltpc", "ltq"), ("vtt",), ("atp",), ("oi",), ("marketLevel",),
    ("marketLevel", "bidAskQuote"), ("marketLevel", "bidAskQuote", 0), ("marketLevel", "bidAskQuote", 0, "bidP"),
    ("marketLevel", "bidAskQuote", 0, "askP"), ("marketOHLC",), ("marketOHLC", "ohlc"), ("marketOHLC", "ohlc", 1),
    ("marketOHLC", "ohlc", 0, "interval"), *(("marketOHLC", "ohlc", 1, key) for key in i1()),
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD, st.booleans()), max_size=3))
def test_the_quick_way_says_what_the_careful_one_says_or_nothing(changes):
    feed = market()["feeds"]["X"]
    feed["fullFeed"]["marketFF"]["ltpc"]["ltq"] = "25"
    for place, value, is_gone in changes:
        *way, last = place
        at = feed["fullFeed"]["marketFF"]
        try:
            for step in way:
                at = at[step]
            if is_gone:
                del at[last]
            else:
                at[last] = deepcopy(value)  # one that is kept would be changed for those after it
        except (KeyError, TypeError, IndexError):
            pass
    faults = []
    careful = _snapshot("X", feed, faults)
    quick = _usual("X", feed)
    if quick is not None:
        assert repr(quick) == repr(careful)
        assert faults == []
    if not changes:
        assert quick is not None


@pytest.mark.data
def test_nearly_every_recorded_message_goes_the_quick_way_and_says_the_same(shared_data):
    total = quick_ones = 0
    for path in sorted(shared_data("upstox-capture-20251215").glob("*_data.json.gz")):
        with gzip.open(path, "rt") as file:
            for message in json.load(file):
                faults = []
                careful = _snapshot("X", message, faults)
                quick = _usual("X", message)
                total += 1
                quick_ones += quick is not None
                assert quick is None or (repr(quick), []) == (repr(careful), faults)
    assert quick_ones > 0.9 * total


def test_counts_may_be_numbers_or_text():
    assert only(market(vtt=7))[0].vtt == only(market(vtt="7"))[0].vtt == only(market(vtt=7.0))[0].vtt == 7


def test_no_book_is_told_apart_from_an_empty_one():
    assert not only(market(marketLevel=None))[0].has_book
    item, malformed = only(market(marketLevel={"bidAskQuote": [{}, {}]}))
    assert item.has_book
    assert isnan(item.bid)
    assert isnan(item.ask)
    assert malformed == ()


@pytest.mark.parametrize(
    ("levels", "bid", "ask"),
    [
        ([{"bidP": 10.0, "askP": 11.0}], 10.0, 11.0),
        ([{"bidP": 10.0}], 10.0, nan),
        ([{"askP": 10.0}], nan, 10.0),
        ([{"bidP": 11.0, "askP": 11.0}], nan, nan),
        ([{"bidP": 12.0, "askP": 11.0}], nan, nan),
        ([{"bidP": 0.0, "askP": 11.0}, {"bidP": 9.0, "askP": 12.0}], 9.0, 11.0),
    ],
)
def test_best_prices_are_the_first_above_zero_and_a_crossed_book_has_none(levels, bid, ask):
    item, malformed = only(market(marketLevel={"bidAskQuote": levels}))
    assert [repr(item.bid), repr(item.ask)] == [repr(bid), repr(ask)]
    assert malformed == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"low": 104.0}, "I1 prices"),
        ({"high": "NaN"}, "I1 prices"),
        ({"close": "NaN"}, "I1 prices"),
        ({"open": None}, "I1 prices"),
        ({"close": 103.5}, "I1 prices"),
        ({"low": -1.0}, "I1 prices"),
        ({"high": "Infinity"}, "I1 prices"),
        ({"high": 1e17}, "I1 prices"),
        ({"vol": "x"}, "I1 ts or vol"),
        ({"ts": None}, "I1 ts or vol"),
        ({"ts": str(MINUTE + 1)}, "I1 ts or vol"),
        ({"ts": "9" * 19}, "I1 ts or vol"),
    ],
)
def test_a_minute_that_can_be_no_bar_is_left_out_and_the_rest_stays(change, reason):
    item, malformed = only(market(marketOHLC={"ohlc": [i1(**change)]}))
    assert item.i1 is None
    assert item.vtt == 123456
    assert malformed == (reason,)


@pytest.mark.parametrize("vol", [None, "0"])
def test_a_minute_without_trades_is_what_the_exchange_says_it_was(vol):
    item, malformed = only(market(marketOHLC={"ohlc": [i1(vol=vol)]}))
    assert item.i1.volume == 0
    assert malformed == ()


@pytest.mark.parametrize("rows", [[], [{}], [{"interval": "I1"}], [{"interval": "I1", "ts": str(MINUTE)}]])
def test_empty_minutes_are_no_fault(rows):
    item, malformed = only(market(marketOHLC={"ohlc": rows}))
    assert item.i1 is None
    assert malformed == ()


def test_of_several_reported_minutes_the_last_counts():
    later = i1(ts=str(MINUTE + 60_000), close=101.0)
    for rows in ([i1(), later], [later, i1()]):
        assert only(market(marketOHLC={"ohlc": rows}))[0].i1.close == 101.0


def test_our_own_kinds_carry_their_time_in_nanoseconds():
    frame = decode({"kind": "clock", "ts": 1_765_771_368_880_001_000})
    assert (frame.kind, frame.current_ts) == ("clock", 1_765_771_368_880_001_000)
    frame = decode({"kind": "order", "symbol": "X", "status": "complete"})
    assert (frame.kind, frame.symbol, frame.current_ts) == ("order", "X", None)
    assert decode({"kind": "clock", "ts": "soon"}).kind == UNKNOWN
    assert decode({"kind": "dance"}).malformed == ("message of an unknown kind",)


@pytest.mark.parametrize(
    "message",
    [
        None, 7, "text", [], {}, {"feeds": 3}, {"feeds": {"X": 3}}, {"feeds": {"": {"ltpc": {}}}},
        {"feeds": {" X": {"ltpc": {}}}},
        {"feeds": {"X": {}}}, {"type": []}, {"type": "dance"}, {"instrumentKey": []}, {"instrumentKey": 3, "ltpc": {}},
        {"feeds": {"X": {"fullFeed": []}}}, {"feeds": {"X": {"fullFeed": {"marketFF": 3}}}},
    ],
)  # fmt: skip
def test_what_is_no_message_is_counted(message):
    frame = decode(message)
    assert frame.malformed
    assert all(isnan(item.ltp) for item in frame.items)


def test_symbols_of_a_message_are_named_without_decoding_it():
    assert symbols_of({"feeds": {"b": 1, "a": 2, "": 3}}) == ("a", "b")
    assert symbols_of({"instrumentKey": "X"}) == ("X",)
    assert symbols_of({"kind": "order", "symbol": "X"}) == ("X",)
    assert symbols_of({"kind": "clock", "ts": 1}) == symbols_of({"marketInfo": {}}) == symbols_of(7) == ()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["NaN", "I1", str(MINUTE)]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["feeds", "ltpc", "ltp", "ltt", "vtt", "fullFeed", "marketFF", "indexFF", "marketLevel",
                         "bidAskQuote", "bidP",
                         "marketOHLC", "ohlc", "interval", "open", "ts", "kind", "type", "currentTs", "instrumentKey",
                         "_insertion_time", "firstLevelWithGreeks", "firstDepth", "X"]),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


def paths(part, here=()):
    yield here
    for key, inner in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from paths(inner, (*here, key))


@settings(deadline=None)
@given(JUNK)
def test_nothing_that_looks_like_a_message_raises(message):
    decode(message)


@settings(deadline=None)
@given(st.data())
def test_one_damaged_part_never_raises_and_never_invents_a_value(data):
    message = json.loads(json.dumps(market()))
    *way, last = data.draw(st.sampled_from([p for p in paths(message) if p]))
    part = message
    for key in way:
        part = part[key]
    part[last] = data.draw(JUNK)
    for item in decode(message).items:
        assert isnan(item.ltp) or 0 < item.ltp < float("inf")
        assert item.ltt_ns >= 0
        assert item.vtt is None or 0 <= item.vtt < 2**63
        assert isnan(item.bid) or isnan(item.ask) or item.bid < item.ask
