"""Messages in, ticks and bars out: on damaged streams and on a real recording."""

import csv
import gzip
import json
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import Source
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_start, from_date
from auction_bt.core.tracker import Outcome
from auction_bt.router import LiveMarketRouter
from auction_bt.store import Gap

OPEN = day_start(from_date(date(2025, 12, 15))) + (9 * 60 + 15) * MINUTE_NS
CAPTURE = "upstox-capture-20251215"
SYMBOLS = ("NSE_EQ_INE027H01010", "NSE_FO_51502")


class Tape:
    """Keeps all it is told, in order."""

    def __init__(self):
        self.told = []

    def on_tick(self, tick):
        self.told.append(("tick", tick))

    def on_bar(self, bar):
        self.told.append(("bar", bar))

    def on_event(self, event):
        self.told.append(("event", event))

    def on_gap(self, gap):
        self.told.append(("gap", gap))

    def of(self, kind, symbol=None):
        return [what for k, what in self.told if k == kind and (symbol is None or what.symbol == symbol)]


def run(messages, **how):
    """Feed (stamp, message) pairs; return the tape and the router."""
    tape = Tape()
    router = LiveMarketRouter(tape, **how)
    for stamp, message in messages:
        router.on_message(message, stamp)
    return tape, router


def feed(at, /, **symbols):
    """Return (stamp, message) of second `at`; a symbol is (price, vtt, second of the trade, minute of the I1)."""
    feeds = {}
    for symbol, (price, vtt, ltt, i1) in symbols.items():
        body = {"ltpc": {"ltp": price, "ltt": str((OPEN + round(ltt * SECOND_NS)) // 1_000_000)}}
        if vtt is not None:
            body["vtt"] = str(vtt)
        if i1 is not None:
            row = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "vol": "50"}
            body["marketOHLC"] = {"ohlc": [{"interval": "I1", **row, "ts": str((OPEN + i1 * MINUTE_NS) // 1_000_000)}]}
        feeds[symbol] = {"fullFeed": {"marketFF": body}, "requestMode": "full_d5"}
    now = OPEN + round(at * SECOND_NS)
    return now, {"type": "live_feed", "feeds": feeds, "currentTs": str(now // 1_000_000)}


def test_in_one_message_gaps_come_first_then_the_tick_then_its_bars():
    tape, _ = run([feed(1, X=(100.0, 10, 0.5, None)), feed(61, X=(101.0, 15, 60.5, 0))])
    assert [kind for kind, _ in tape.told] == ["gap", "tick", "gap", "tick", "bar"]
    assert tape.of("gap") == [
        Gap("X", OPEN + SECOND_NS, OPEN + SECOND_NS, "joined", 10),
        Gap("X", OPEN + SECOND_NS, OPEN + 61 * SECOND_NS, "silence"),
    ]
    (bar,) = tape.of("bar")
    assert (bar.source, bar.volume, bar.known_seq) == (Source.I1, 50, OPEN + 61 * SECOND_NS)


def test_symbols_of_one_message_share_its_seq_in_the_order_of_their_names():
    tape, _ = run([feed(1, b=(1.0, 1, 0, None), a=(2.0, 1, 0, None))])
    assert [(t.symbol, t.seq) for t in tape.of("tick")] == [("a", OPEN + SECOND_NS), ("b", OPEN + SECOND_NS)]


def test_stamps_that_do_not_increase_are_moved_to_the_next_free_ns_and_counted():
    tape, router = run([(100, feed(i, X=(100.0, i, i, None))[1]) for i in range(1, 4)])
    assert [t.seq for t in tape.of("tick")] == [100, 101, 102]
    assert router.report.moved_stamps == 2


def test_without_a_stamp_the_injected_clock_gives_one_and_without_a_clock_the_message():
    moments = iter([500, 400, 600])
    tape, _ = run([(None, feed(i, X=(100.0, i, i, None))[1]) for i in range(1, 4)], clock=lambda: next(moments))
    assert [t.seq for t in tape.of("tick")] == [500, 501, 600]
    tape, _ = run([(None, feed(i, X=(100.0, i, i, None))[1]) for i in range(1, 4)])
    assert [t.seq for t in tape.of("tick")] == [OPEN + i * SECOND_NS for i in range(1, 4)]


def test_our_own_messages_become_events_with_the_message_as_their_payload():
    order = {"kind": "order", "symbol": "X", "status": "complete", "note": "a\u20b9"}
    tape, router = run([(5, {"kind": "clock", "ts": 5}), (6, order), (7, json.dumps(order))])
    events = tape.of("event")
    assert [(e.seq, e.kind, e.symbol) for e in events] == [(5, "clock", ""), (6, "order", "X"), (7, "order", "X")]
    assert [json.loads(e.payload) for e in events[1:]] == [order, order]
    assert events[1].payload == events[2].payload
    assert router.report.events == 3


def test_clock_messages_move_the_clock_of_every_symbol_even_of_those_not_yet_seen():
    wake = {"kind": "clock", "ts": OPEN + 30 * SECOND_NS}
    tape, _ = run([feed(1, a=(1.0, 1, 0, None)), (OPEN + 2 * SECOND_NS, wake), feed(3, a=(1.0, 2, 2, None), b=(1.0, 1, 2, None))])
    assert [t.clock for t in tape.of("tick")] == [0, OPEN + 30 * SECOND_NS, OPEN + 30 * SECOND_NS]


@pytest.mark.parametrize(
    "message", ["", "{", b"\xff\xfe", "[1", "[" * 100_000, "nul", "9" * 5000, "[]", "7", None, 7, {"feeds": {"X": []}}, {1: 2}]
)
def test_what_is_no_message_is_counted_and_the_next_one_is_taken(message):
    tape, router = run([(1, message), feed(1, X=(100.0, 1, 0, None))])
    assert len(tape.of("tick")) == 1
    assert sum(router.report.malformed.values()) == 1
    assert "malformed parts left out: " in "\n".join(router.report.lines())


def test_reasons_are_of_a_closed_list_whatever_the_garbage_says():
    _, router = run([(i + 1, {"kind": f"dance {i}", "feed": i}) for i in range(100)])
    assert len(router.report.malformed) == 1


def test_a_report_is_a_snapshot_of_the_moment_it_was_asked_for():
    _, router = run([feed(1, X=(100.0, 10, 0, None)), feed(2, X=(100.0, 10, 0, None))])
    report = router.report
    router.on_message(*reversed(feed(3, X=(100.0, 12, 1, None))))
    assert (report.messages, report.ticks, report.book_updates, report.late) == (2, 1, 1, 0)
    assert (router.report.messages, router.report.ticks) == (3, 2)
    with pytest.raises(TypeError):
        report.joined["X"] = 1
    assert report.lines()[0] == "2 messages: 2 snapshots, 0 market status, 0 own"


def test_flush_tells_of_open_minutes_and_changes_nothing():
    tape, router = run([feed(1, b=(1.0, 1, 0, None), a=(2.0, 1, 0, None))])
    router.flush()
    assert [b.symbol for b in tape.of("bar")] == ["a", "b"]
    assert router.report.bars == {}
    router.on_message(*reversed(feed(61, a=(2.0, 2, 60, None))))
    assert replace(tape.of("bar")[0], known_seq=OPEN + 61 * SECOND_NS) == tape.of("bar")[2]


# --- streams


@st.composite
def streams(draw):
    """Return (stamp, message) pairs of two symbols with duplicates, swaps, volume going back, missing parts and garbage."""
    state = {"a": [0.0, 100], "b": [0.0, 0]}
    out, at = [], 0.0
    for _ in range(draw(st.integers(0, 40))):
        at += draw(st.sampled_from([0.2, 0.9, 3.0, 14.0, 65.0]))
        parts = {}
        for symbol in draw(st.sampled_from([("a",), ("b",), ("a", "b")])):
            state[symbol][0] = max(0.0, at - draw(st.sampled_from([0.1, 2.0, 70.0])))
            state[symbol][1] = max(0, state[symbol][1] + draw(st.sampled_from([0, 0, 1, 5, 40, -7])))
            vtt = draw(st.sampled_from([state[symbol][1]] * 4 + [None]))
            i1 = draw(st.sampled_from([int(at // 60) - 1] * 3 + [None, int(at // 60), 0]))
            parts[symbol] = (100.0 + draw(st.integers(-3, 3)), vtt, state[symbol][0], i1)
        out.append(feed(at, **parts))
        if draw(st.integers(0, 9)) == 0:
            out.append(
                draw(st.sampled_from([out[-1], (at, {"kind": "clock", "ts": OPEN + round(at * SECOND_NS)}), (at, "junk")]))
            )
        if len(out) > 1 and draw(st.integers(0, 9)) == 0:
            out[-1], out[-2] = out[-2], out[-1]
        if draw(st.integers(0, 9)) == 0:
            damage(draw, out[-1][1])
    return [(OPEN + i * SECOND_NS, message) for i, (_, message) in enumerate(out)]


def damage(draw, message):
    """Replace one part anywhere by something that does not belong there."""
    here = message
    while isinstance(here, dict) and here:
        key = draw(st.sampled_from(sorted(here)))
        if isinstance(here[key], dict) and draw(st.integers(0, 3)):
            here = here[key]
        elif draw(st.booleans()):
            here[key] = draw(st.sampled_from([None, "NaN", "Infinity", -1, 0, 1e300, 10**30, [], {}, [7], "x", True, "9" * 30]))
            return
        else:
            del here[key]
            return


@settings(deadline=None)
@given(streams())
def test_no_stream_raises_and_volume_is_never_more_than_was_said(stream):
    tape, router = run(stream)
    router.flush()
    for symbol in "ab":
        ticks, bars = tape.of("tick", symbol), tape.of("bar", symbol)
        assert sum(t.size for t in ticks) <= max((t.vtt for t in ticks if t.size), default=0)
        assert all(t.size >= 0 for t in ticks)
        assert [t.seq for t in ticks] == sorted({t.seq for t in ticks})
        assert [b.known_seq for b in bars] == sorted(b.known_seq for b in bars)
        assert len({b.ts for b in bars}) == len(bars)
        assert sum(b.tick_volume for b in bars) <= sum(t.size for t in ticks)
    assert router.report.ticks == len(tape.of("tick"))
    assert router.report.lines()


@settings(deadline=None)
@given(streams(), st.data())
def test_what_was_told_does_not_depend_on_what_comes_later(stream, data):
    cut = data.draw(st.integers(0, len(stream)))
    before, _ = run(stream[:cut])
    whole, _ = run(stream)
    assert repr(whole.told[: len(before.told)]) == repr(before.told)


@settings(deadline=None)
@given(streams())
def test_parsed_messages_and_their_text_say_the_same(stream):
    parsed, _ = run(stream)
    text, _ = run([(s, m if isinstance(m, str) else json.dumps(m)) for s, m in stream])
    data, _ = run([(s, (m if isinstance(m, str) else json.dumps(m)).encode()) for s, m in stream])
    assert repr(parsed.told) == repr(text.told) == repr(data.told)


@settings(deadline=None)
@given(streams())
def test_two_symbols_together_are_what_they_are_apart(stream):
    together, _ = run(stream)
    for symbol in "ab":
        alone, _ = run(stream, symbols={symbol})
        mine = [(k, what) for k, what in together.told if what.symbol in {symbol, ""}]
        assert repr(alone.told) == repr(mine)


# --- a real recording


@pytest.fixture(scope="module", params=SYMBOLS)
def recording(request, shared_data):
    """Return name, messages and what the router made of them with the recorder's stamps."""
    folder = shared_data(CAPTURE)
    with gzip.open(folder / f"{request.param}_data.json.gz") as file:
        messages = json.load(file)
    tape, router = run([(None, m) for m in messages])
    return folder / request.param, messages, tape, router


def of(message):
    return message["fullFeed"]["marketFF"]


@pytest.mark.data
def test_reported_minutes_of_a_recording_are_the_exchanges_row_by_row(recording):
    path, _, tape, _ = recording
    with path.with_name(f"{path.name}_I1_reported_bars.csv").open() as file:
        rows = [
            (int(r["ts"]) * 1_000_000, *(float(r[k]) for k in ("open", "high", "low", "close")), int(r["vol"]))
            for r in csv.DictReader(file)
        ]
    bars = [b for b in tape.of("bar") if b.source is Source.I1]
    assert [(b.ts, b.open, b.high, b.low, b.close, b.volume) for b in bars] == rows
    assert len(rows) > 350


@pytest.mark.data
def test_sizes_of_a_recording_add_up_to_the_volume_it_saw(recording):
    _, messages, tape, router = recording
    said = [int(of(m)["vtt"]) for m in messages]
    seen = max(said) - said[0]
    assert sum(t.size for t in tape.of("tick")) == seen
    bars = tape.of("bar") + router.open_bars()
    assert sum(b.tick_volume for b in bars) == seen
    assert sum(router.report.joined.values()) == said[0]


@pytest.mark.data
def test_the_running_average_price_of_a_recording_ends_at_the_exchanges(recording):
    _, messages, tape, _ = recording
    volume = int(of(messages[0])["vtt"])
    money = of(messages[0])["atp"] * volume
    for tick in tape.of("tick"):
        money += tick.price * tick.size
        volume += tick.size
    assert money / volume == pytest.approx(of(messages[-1])["atp"], rel=0.0005)


@pytest.mark.data
def test_messages_of_a_recording_in_which_nothing_traded_are_no_ticks(recording):
    _, messages, tape, router = recording
    moved, top_ltt, top_vtt = 0, -1, -1
    for m in messages:
        ltt, vtt = int(of(m)["ltpc"]["ltt"]), int(of(m)["vtt"])
        moved += ltt > top_ltt or vtt > top_vtt
        top_ltt, top_vtt = max(ltt, top_ltt), max(vtt, top_vtt)
    assert len(tape.of("tick")) == moved < len(messages)
    assert router.report.book_updates + router.report.late == len(messages) - moved
    assert router.report.outcomes.keys() <= {Outcome.TICK, Outcome.BOOK, Outcome.LATE}


@pytest.mark.data
def test_a_recording_is_the_same_with_stamps_from_outside_and_with_a_bad_message_between(recording):
    _, messages, tape, _ = recording
    part = messages[:3000]
    stamps = []
    for m in part:
        at = datetime.fromisoformat(m["_insertion_time"] + "+05:30")
        stamps.append(round(at.timestamp() * 1e6) * 1000)
    again, _ = run([p for s, m in zip(stamps, part, strict=True) for p in ((s, m), (s + 1, "{"))])
    told = tape.told[: len(again.told)]
    assert [(k, w._replace(seq=0) if k == "tick" else None) for k, w in again.told] == [
        (k, w._replace(seq=0) if k == "tick" else None) for k, w in told
    ]
