"""Stored tables made from recorded messages: the same whatever was derived when."""

import gzip
import json
from contextlib import ExitStack
from dataclasses import fields
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import NEVER, Bar, BarColumns, Source
from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, day_start, from_date
from auction_bt.core.tick import TickColumns
from auction_bt.derive import derive
from auction_bt.feeds.decode import decode, symbols_of
from auction_bt.router import LiveMarketRouter
from auction_bt.store import Event, RawMessage
from auction_bt.store.sqlite import SqliteStore

DAY = from_date(date(2025, 12, 15))
OPEN = day_start(DAY) + (9 * 60 + 15) * MINUTE_NS
SYMBOLS = ("a", "b")
NOON = (12 * 60) * MINUTE_NS


def message(at, symbols=("a",), price=100.0, vtt=None, i1=None, said=None, ltt=None, day_shift=0):
    """Return a message stamped `at` (ns) that says it is `said` (default: what the stamp says), its trade at `ltt`."""
    now = (at if said is None else said) + day_shift * DAY_NS
    body = {"ltpc": {"ltp": price, "ltt": str((now if ltt is None else ltt) // 1_000_000)}}
    if vtt is not None:
        body["vtt"] = str(vtt)
    if i1 is not None:
        row = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "vol": "50", "ts": str(i1 // 1_000_000)}
        body["marketOHLC"] = {"ohlc": [{"interval": "I1", **row}]}
    said_now = {} if said is False else {"currentTs": str(now // 1_000_000)}
    return raw(at, {"feeds": {s: {"fullFeed": {"marketFF": body}} for s in symbols}, **said_now})


def raw(at, parsed):
    return RawMessage(at, json.dumps(parsed), symbols_of(parsed))


def fresh(stack):
    folder = stack.enter_context(TemporaryDirectory())
    return stack.enter_context(SqliteStore.open(Path(folder) / "store.db", create=True))


@pytest.fixture
def store():
    """Return an empty store."""
    with ExitStack() as stack:
        yield fresh(stack)


def tables(store):
    """Return every row of every derived table as text."""
    everything = -(2**62), 2**62
    rows = []
    for symbol in SYMBOLS:
        for columns in (store.ticks(symbol, *everything), store.bars(symbol, *everything)):
            rows += [(symbol, *row) for row in zip(*(getattr(columns, f.name).tolist() for f in fields(columns)), strict=True)]
        rows += store.gaps(symbol, *everything)
    return [repr(row) for row in [*rows, *store.events(*everything)]]


class Tape:
    """Keeps ticks, bars, gaps and events apart."""

    def __init__(self):
        self.ticks, self.bars, self.gaps, self.events = [], [], [], []

    def on_tick(self, tick):
        self.ticks.append(tick)

    def on_bar(self, bar):
        self.bars.append(bar)

    def on_gap(self, gap):
        self.gaps.append(gap)

    def on_event(self, event):
        self.events.append(event)


def test_what_is_stored_is_what_the_router_says(store):
    messages = [
        message(OPEN + i * 20 * SECOND_NS, SYMBOLS, 100.0 + i % 5, 10 * i, OPEN + (i // 3 - 1) * MINUTE_NS) for i in range(60)
    ]
    wake = {"kind": "clock", "ts": OPEN + 5 * SECOND_NS}
    messages += [raw(OPEN + SECOND_NS, wake)]
    store.add_raw(messages)
    report = derive(store, SYMBOLS, [DAY])
    tape = Tape()
    router = LiveMarketRouter(tape)
    for each in store.raw(0, NEVER):
        router.on_message(each.text, each.ts)
    router.flush()
    for symbol in SYMBOLS:
        ticks = TickColumns.of([t for t in tape.ticks if t.symbol == symbol])
        bars = BarColumns.of([b for b in tape.bars if b.symbol == symbol])
        stored = store.ticks(symbol, 0, NEVER), store.bars(symbol, 0, NEVER)
        for mine, its in zip((ticks, bars), stored, strict=True):
            assert [getattr(mine, f.name).tolist() for f in fields(mine) if f.name not in {"bid", "ask", "oi"}] == [
                getattr(its, f.name).tolist() for f in fields(its) if f.name not in {"bid", "ask", "oi"}
            ]
        assert store.gaps(symbol, 0, NEVER) == [g for g in tape.gaps if g.symbol == symbol]
    assert (
        store.events(0, NEVER) == tape.events == [Event(OPEN + SECOND_NS, "clock", "", json.dumps(wake, separators=(",", ":")))]
    )
    assert (report.ticks, report.bars, report.events) == (len(tape.ticks), len(tape.bars), 1)
    assert report.days == {"a": (DAY,), "b": (DAY,)}
    assert "symbol-days" in "\n".join(report.lines())


def test_the_last_bar_of_a_day_is_known_on_the_next_recorded_day_whichever_is_derived(store):
    store.add_raw(
        [message(OPEN, vtt=1), message(OPEN + 7 * DAY_NS, vtt=2, ltt=OPEN), message(OPEN + 7 * DAY_NS + SECOND_NS, vtt=2)]
    )
    derive(store, ["a"], [DAY])
    bars = store.bars("a", 0, NEVER)
    assert bars.known_seq.tolist() == [OPEN + 7 * DAY_NS + SECOND_NS]


def test_a_day_derived_before_the_next_was_recorded_is_completed_when_that_is_derived(store):
    store.add_raw([message(OPEN, vtt=1)])
    derive(store, ["a"], [DAY])
    assert store.bars("a", 0, NEVER).known_seq.tolist() == [NEVER]
    store.add_raw([message(OPEN + 3 * DAY_NS, vtt=1)])
    report = derive(store, ["a"], [DAY + 3])
    assert store.bars("a", 0, NEVER).known_seq.tolist() == [OPEN + 3 * DAY_NS, NEVER]
    assert report.days == {"a": (DAY, DAY + 3)}
    store.add_raw([message(OPEN + DAY_NS, vtt=1)])
    assert derive(store, ["a"], [DAY + 1]).days == {"a": (DAY, DAY + 1)}
    assert store.bars("a", 0, NEVER).known_seq.tolist() == [OPEN + DAY_NS, OPEN + 3 * DAY_NS, NEVER]


def test_days_without_messages_and_other_symbols_are_left_as_they_are(store):
    imported = BarColumns.of([Bar("a", OPEN, 1.0, 1.0, 1.0, 1.0, 5)])
    store.put_derived("a", range(DAY, DAY + 1), TickColumns.empty(), imported, [])
    store.add_raw([message(OPEN, ("b",), vtt=1), raw(OPEN + 1, {"kind": "clock", "ts": OPEN})])
    assert derive(store, ["a"], [DAY]).days == {}
    assert store.bars("a", 0, NEVER).source.tolist() == [Source.CANDLES]
    assert len(store.bars("b", 0, NEVER)) == 0


def test_deriving_again_replaces_and_never_adds(store):
    store.add_raw([message(OPEN + i * SECOND_NS, SYMBOLS, vtt=i) for i in range(90)])
    derive(store, SYMBOLS, [DAY])
    once = tables(store)
    derive(store, SYMBOLS, [DAY])
    assert tables(store) == once


def test_deriving_one_symbol_keeps_the_events_of_all(store):
    store.add_raw([message(OPEN, vtt=1), raw(OPEN + 1, {"kind": "order", "symbol": "b", "status": "open"})])
    derive(store, ["a"], [DAY])
    assert [e.symbol for e in store.events(0, NEVER)] == ["b"]


def test_a_rehearsal_recorded_later_than_the_days_it_plays_belongs_to_those_days(store):
    later = OPEN + 300 * DAY_NS
    played = [message(later + i * SECOND_NS, vtt=i, day_shift=-300) for i in range(3)]
    played += [message(later + (10 + i) * SECOND_NS, vtt=i, day_shift=-299) for i in range(3)]
    store.add_raw(played)
    report = derive(store, ["a"], [DAY + 300])
    assert report.days == {"a": (DAY, DAY + 1, DAY + 300)}
    assert store.ticks("a", OPEN, OPEN + DAY_NS).ts.tolist() == [OPEN + i * SECOND_NS for i in range(3)]
    assert store.bars("a", 0, NEVER).known_seq.tolist() == [later + 10 * SECOND_NS, NEVER]


@pytest.mark.parametrize("waits", [False, True])
def test_a_day_derived_again_keeps_what_a_later_rehearsal_of_it_recorded(store, waits):
    own = [message(OPEN, vtt=5), message(OPEN + MINUTE_NS, vtt=6, i1=None if waits else OPEN)]
    own += [] if waits else [message(OPEN + MINUTE_NS + SECOND_NS, vtt=6, i1=OPEN + MINUTE_NS, ltt=OPEN + MINUTE_NS)]
    rehearsal = [message(OPEN + 30 * DAY_NS + (i + 5) * MINUTE_NS, vtt=i, day_shift=-30) for i in range(2)]
    store.add_raw([*own, message(OPEN + 3 * DAY_NS, vtt=1), *rehearsal])
    derive(store, ["a"], [DAY, DAY + 3, DAY + 30])
    once = tables(store)
    assert len(store.ticks("a", OPEN, OPEN + DAY_NS)) == 4
    for day in (DAY, DAY + 3, DAY + 30):
        derive(store, ["a"], [day])
        assert tables(store) == once


def test_a_minute_reported_on_a_later_day_of_stamps_belongs_to_its_own_day(store):
    later = OPEN + 30 * DAY_NS
    shown = message(later + 5 * MINUTE_NS, day_shift=-30, i1=OPEN + 2 * MINUTE_NS, ltt=OPEN - DAY_NS)
    store.add_raw([message(OPEN, vtt=5), message(OPEN + DAY_NS, vtt=5), shown])
    for days in ([DAY], [DAY + 1], [DAY + 30], [DAY]):
        derive(store, ["a"], days)
    assert store.bars("a", OPEN, OPEN + DAY_NS).known_seq.tolist() == [OPEN + DAY_NS, later + 5 * MINUTE_NS]


def test_what_a_damaged_time_said_of_tomorrow_gives_way_to_what_tomorrow_says(store):
    damaged = [message(OPEN + i * MINUTE_NS, price=9.0, vtt=i, day_shift=1) for i in (1, 2)]
    true = [message(OPEN + DAY_NS + i * MINUTE_NS, vtt=i) for i in range(4)]
    store.add_raw([message(OPEN, vtt=5), *damaged, *true])
    derive(store, ["a"], [DAY])
    bars = store.bars("a", OPEN + DAY_NS, OPEN + 2 * DAY_NS)
    assert bars.close.tolist() == [100.0] * 4
    assert (bars.known_seq >= OPEN + DAY_NS).all()


def test_only_days_that_are_needed_are_read(store):
    store.add_raw([message(OPEN + d * DAY_NS + i * SECOND_NS, vtt=i) for d in range(9) for i in range(5)])
    read = []
    derive(store, ["a"], [DAY + 1, DAY + 7], read.append)
    assert read == [DAY + 1, DAY + 7]
    assert derive(store, ["a"], [DAY + 4]).messages == 5 + 1


# --- in any order


@st.composite
def recordings(draw, odd=False):
    """Return the messages of a few days: two symbols, together or apart, some days without one of them or without trades."""
    out = []
    for day in sorted(draw(st.sets(st.integers(0, 5), min_size=1, max_size=4))):
        volume = {"a": 0, "b": 50}
        at = OPEN + day * DAY_NS
        for _ in range(draw(st.integers(1, 8))):
            at += draw(st.sampled_from([SECOND_NS, 12 * SECOND_NS, MINUTE_NS, NOON]))
            if draw(st.integers(0, 7)) == 0:
                out.append(raw(at, {"kind": "clock", "ts": at}))
                continue
            symbols = draw(st.sampled_from([("a",), ("b",), ("a", "b")]))
            step = draw(st.sampled_from([0, 3, 20]))
            for s in symbols:
                volume[s] += step
            shift = draw(st.sampled_from([0, 0, 0, -1, 1, -400, 2])) if odd else 0
            minute = at - at % MINUTE_NS + shift * DAY_NS
            out.append(
                message(
                    at,
                    symbols,
                    price=100.0 + draw(st.integers(0, 3)),
                    vtt=draw(st.sampled_from([volume[symbols[0]], volume[symbols[0]], None])),
                    i1=draw(st.sampled_from([None, minute - MINUTE_NS, minute - MINUTE_NS, minute, minute - DAY_NS])),
                    ltt=draw(st.sampled_from([None, None, None, at - DAY_NS, at - MINUTE_NS + shift * DAY_NS])),
                    day_shift=shift,
                )
            )
    return out


SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def stamp_days(messages):
    return sorted({(m.ts - day_start(0)) // DAY_NS for m in messages})


def check_any_order(messages, data):
    days = stamp_days(messages)
    with ExitStack() as stack:
        whole, parts = fresh(stack), fresh(stack)
        for store in (whole, parts):
            store.add_raw(messages)
        derive(whole, SYMBOLS, days)
        jobs = [(s, d) for s in SYMBOLS for d in days]
        for symbol, day in data.draw(st.permutations(jobs)) + data.draw(st.lists(st.sampled_from(jobs), max_size=4)):
            derive(parts, [symbol], [day])
        assert tables(parts) == tables(whole)


@SLOW
@given(recordings(), st.data())
def test_days_derived_one_by_one_in_any_order_are_the_days_derived_at_once(messages, data):
    check_any_order(messages, data)


@SLOW
@given(recordings(odd=True), st.data())
def test_that_holds_for_messages_which_speak_of_other_days_than_their_stamps(messages, data):
    check_any_order(messages, data)


@SLOW
@given(recordings(), st.data())
def test_days_recorded_and_derived_one_after_the_other_in_any_order_are_the_days_derived_at_once(messages, data):
    days = stamp_days(messages)
    with ExitStack() as stack:
        whole, parts = fresh(stack), fresh(stack)
        whole.add_raw(messages)
        derive(whole, SYMBOLS, days)
        for day in data.draw(st.permutations(days)):
            parts.add_raw([m for m in messages if day_start(day) <= m.ts < day_start(day + 1)])
            derive(parts, SYMBOLS, [day])
        assert tables(parts) == tables(whole)


@pytest.mark.data
def test_a_recording_derived_in_halves_of_its_symbols_is_the_recording_derived_whole(shared_data, store):
    folder = shared_data("upstox-capture-20251215")
    messages = []
    for path in sorted(folder.glob("*_data.json.gz")):
        with gzip.open(path) as file:
            some = json.load(file)[:4000]
        messages += [RawMessage(decode(parsed).recorded_ts, json.dumps(parsed), symbols_of(parsed)) for parsed in some]
    store.add_raw(messages)
    names = sorted({m.symbols[0] for m in messages})

    def all_rows():
        return [
            getattr(table, f.name).tobytes()
            for name in names
            for table in (store.ticks(name, 0, NEVER), store.bars(name, 0, NEVER))
            for f in fields(table)
        ]

    report = derive(store, names, [DAY])
    once = all_rows()
    for name in names:
        derive(store, [name], [DAY])
    assert all_rows() == once
    assert report.ticks == sum(len(store.ticks(name, 0, NEVER)) for name in names) > 1000
