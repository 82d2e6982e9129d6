"""What every store must keep. A new implementation joins by a line in `STORES`."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import BAR_DTYPES, NEVER, Bar, BarColumns, Source
from auction_bt.core.errors import AuctionError, BadInput, Refused, UnknownSymbol
from auction_bt.core.instrument import Contract, Instrument, Kind, Right
from auction_bt.core.ist import DAY_NS, MINUTE_NS, day_index, day_start
from auction_bt.core.tick import TICK_DTYPES, TickColumns
from auction_bt.store import DayHoldings, Event, Gap, RawMessage
from auction_bt.store.address import parse
from auction_bt.store.dsn import open_store
from auction_bt.store.questdb.schema import TABLES
from auction_bt.store.questdb.server import Server

DAY = 20_437  # 2025-12-15
OPEN = day_start(DAY) + 9 * 3600 * 10**9 + 15 * MINUTE_NS
EVER = (-(2**62), 2**62)
STORES = ("sqlite", "questdb")


@pytest.fixture(params=STORES)
def new_store(request, tmp_path_factory):
    """Return a function that makes an empty store."""
    opened = []

    def make():
        dsn = f"sqlite:///{tmp_path_factory.mktemp('store') / 'a.db'}"
        opened.append(open_store(dsn, create=True))
        return opened[-1]

    if request.param == "sqlite":
        yield make
    else:
        places = []
        server = request.getfixturevalue("questdb")

        def make_on_server():
            # A store that was closed is emptied and used again: making tables is slow.
            for place, store in places:
                if is_closed(store):
                    places.remove((place, store))
                    empty(server, place)
                    break
            else:
                place = server.dsn(f"t{uuid4().hex[:10]}_")
            opened.append(open_store(place, create=True))
            places.append((place, opened[-1]))
            return opened[-1]

        yield make_on_server
    for store in opened:
        store.close()


def is_closed(store):
    try:
        store.last_raw()
    except AuctionError:
        return True
    return False


def empty(server, dsn):
    """Take the rows out of a store's tables."""
    names = [parse(dsn).prefix + t.name for t in TABLES if t.name != "schema_version"]
    for name in names:
        server.sql(f"TRUNCATE TABLE '{name}'")
    with closing(Server(parse(dsn))) as ours:  # a table is emptied some time after the statement returns
        ours.settle([t.name for t in TABLES])


def same(a, b):
    return type(a) is type(b) and all(
        getattr(a, n).dtype == getattr(b, n).dtype
        and np.array_equal(getattr(a, n), getattr(b, n), equal_nan=getattr(a, n).dtype == float)
        for n in type(a).__dataclass_fields__
    )


def ticks_at(*stamps, seq=None):
    n = len(stamps)
    ts = np.array(stamps, dtype=np.int64)
    return TickColumns(
        np.array(seq if seq is not None else stamps, dtype=np.int64), ts, 100 + np.arange(n) / 10, np.arange(n) + 1,
        np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=np.int64),
    )  # fmt: skip


def bar(ts, **changes):
    return replace(Bar("A", ts, 100.0, 101.0, 99.5, 100.5, 10, 9, ts + MINUTE_NS, Source.I1), **changes)


def everything(store):
    return [(m.ts, m.text) for m in store.raw(*EVER)]


# --- messages


def test_a_message_comes_back_byte_for_byte_at_its_own_stamp(new_store):
    store = new_store()
    text = '{"a": "₹ \\u20b9", \t"b":\r\n1e-7 }'
    assert store.add_raw([RawMessage(OPEN, text, ("B", "A"))]) == 1
    assert list(store.raw(*EVER)) == [RawMessage(OPEN, text, ("A", "B"))]


def test_equal_stamps_move_to_the_next_free_nanosecond_and_keep_their_order(new_store):
    store = new_store()
    store.add_raw([RawMessage(100, "x"), RawMessage(102, "y"), RawMessage(100, "b"), RawMessage(100, "a"), RawMessage(101, "c")])
    assert everything(store) == [(100, "x"), (101, "b"), (102, "y"), (103, "a"), (104, "c")]


def test_importing_again_adds_nothing_even_where_messages_were_moved(new_store):
    store = new_store()
    messages = [RawMessage(100, t) for t in "aabab"]
    assert store.add_raw(messages) == 5
    before = everything(store)
    assert store.add_raw(messages) == 0
    assert everything(store) == before


def test_a_message_that_comes_twice_in_a_file_is_two_messages(new_store):
    store = new_store()
    assert store.add_raw([RawMessage(5, "a")]) == 1
    assert store.add_raw([RawMessage(5, "a"), RawMessage(5, "a")]) == 1
    assert everything(store) == [(5, "a"), (6, "a")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abc")), max_size=12), max_size=4))
def test_overlapping_files_lose_nothing_and_store_nothing_twice(new_store, parts):
    with closing(new_store()) as store:
        for part in parts:
            store.add_raw(RawMessage(ts, text) for ts, text in part)
        # The k-th of equal messages of one file is the k-th of another.
        most = Counter()
        for part in parts:
            most |= Counter(part)
        kept = everything(store)
        assert Counter(text for _, text in kept) == Counter(text for (_, text), n in most.items() for _ in range(n))
        assert [ts for ts, _ in kept] == sorted({ts for ts, _ in kept})
        for part in parts:
            assert store.add_raw([RawMessage(ts, text) for ts, text in part]) == 0


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abc")), max_size=15))
def test_an_export_of_a_store_comes_back_to_it_and_to_a_new_one(new_store, part):
    with closing(new_store()) as store, closing(new_store()) as other:
        store.add_raw([RawMessage(ts, text) for ts, text in part])
        exported = list(store.raw(*EVER))
        assert store.add_raw(exported, placed=True) == 0
        assert other.add_raw(exported, placed=True) == len(exported)
        assert everything(other) == everything(store)
        assert other.add_raw(exported, placed=True) == 0


def test_a_failing_source_of_messages_leaves_nothing_behind(new_store):
    store = new_store()

    def broken():
        yield RawMessage(1, "a")
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        store.add_raw(broken())
    assert everything(store) == []
    assert store.add_raw([RawMessage(1, "a")]) == 1


def test_replay_by_symbol_has_its_messages_and_those_about_all(new_store):
    store = new_store()
    store.add_raw(
        [RawMessage(1, "a", ("A",)), RawMessage(2, "b", ("B",)), RawMessage(3, "ab", ("A", "B")), RawMessage(4, "all"),
         RawMessage(5 + DAY_NS, "late a", ("A",))]
    )  # fmt: skip
    assert [m.text for m in store.raw(0, 2**62, ["A"])] == ["a", "ab", "all", "late a"]
    assert [m.text for m in store.raw(2, 5, ["B"])] == ["b", "ab", "all"]
    assert [m.text for m in store.raw(0, 2**62, ["nobody"])] == ["all"]
    assert [m.symbols for m in store.raw(3, 5)] == [("A", "B"), ()]
    assert store.raw_days("A") == [0, 1]
    assert store.raw_days("nobody") == []


def test_writing_while_reading_messages_is_allowed(new_store):
    store = new_store()
    store.add_raw([RawMessage(i * MINUTE_NS, str(i), ("A",)) for i in range(100)])
    seen = 0
    for message in store.raw(0, 100 * MINUTE_NS):
        store.put_events(message.ts, message.ts + 1, [Event(message.ts, "clock", "", "{}")])
        seen += 1
    assert seen == 100 == len(store.events(*EVER))


# --- messages as a recorder stamped them


def test_recorded_messages_stand_at_their_stamps_and_may_be_sent_again(new_store):
    store = new_store()
    sent = [RawMessage(10, '{"a":"\\\\ \\n ₹"}', ("A", "B")), RawMessage(11, "", ()), RawMessage(13, "x'y\\", ("A",))]
    assert store.last_raw() == -1
    assert store.raw_count(*EVER) == 0
    store.append_raw(sent)
    store.append_raw(sent[1:])
    store.append_raw([])
    assert store.raw_count(*EVER) == 3
    assert store.raw_count(10, 13) == 2
    assert list(store.raw(*EVER)) == sent
    assert store.last_raw() == 13
    assert store.raw_days("B") == [0]


def test_a_recorded_message_never_takes_the_place_of_another(new_store):
    store = new_store()
    store.append_raw([RawMessage(10, "a", ("A",))])
    assert store.raw_count(*EVER) == 1
    with pytest.raises(Refused, match="another message stands at 10"):
        store.append_raw([RawMessage(9, "b"), RawMessage(10, "b")])
    assert dict(everything(store))[10] == "a"


def test_a_text_that_is_no_text_is_refused_and_the_others_can_be_sent_without_it(new_store):
    store = new_store()
    with pytest.raises(Refused):
        store.append_raw([RawMessage(1, "a"), RawMessage(2, "\ud800")])
    store.append_raw([RawMessage(1, "a"), RawMessage(3, "c")])
    assert store.raw_count(*EVER) == 2


def test_importing_what_was_recorded_puts_it_beside_and_never_over_it(new_store):
    store = new_store()
    store.append_raw([RawMessage(10, "a"), RawMessage(11, "b")])
    assert store.raw_count(*EVER) == 2
    assert store.add_raw([RawMessage(10, "c")]) == 1
    assert everything(store) == [(10, "a"), (11, "b"), (12, "c")]
    assert store.add_raw(list(store.raw(*EVER)), placed=True) == 0


def recognised(store, *messages, placed=False):
    """Import messages; return how many were new, and the stamps of the recorded ones among them."""
    told = []
    return store.add_raw([RawMessage(*m) for m in messages], placed=placed, recognised=told.append), told


def test_a_recorded_message_that_is_imported_is_there_already(new_store):
    store = new_store()
    store.append_raw([RawMessage(10, "a", ("A",)), RawMessage(11, "b"), RawMessage(12, "a", ("A",)), RawMessage(20, "a")])
    assert store.raw_count(*EVER) == 4
    # At its stamp, and where it was moved to for another that stood there; not where nothing stands, nor beyond a free stamp.
    assert recognised(store, (10, "a", ("A",)), (10, "b")) == (0, [10, 11])
    assert recognised(store, (10, "a", ("A",)), (10, "b")) == (0, [])
    assert recognised(store, (10, "a", ("A",)), (10, "a", ("A",)), (10, "a", ("A",))) == (1, [12])
    assert everything(store) == [(10, "a"), (11, "b"), (12, "a"), (13, "a"), (20, "a")]
    assert recognised(store, (19, "a"), (20, "c"), (20, "a"), (20, "a")) == (3, [20])
    assert recognised(store, (19, "a"), (20, "c"), (20, "a"), (20, "a")) == (0, [])
    assert everything(store)[-4:] == [(19, "a"), (20, "a"), (21, "c"), (22, "a")]
    assert [m.symbols for m in store.raw(10, 14)] == [("A",), (), ("A",), ("A",)]


def test_each_recorded_message_is_recognised_once_whatever_else_is_imported(new_store):
    store = new_store()
    store.append_raw([RawMessage(10, "a"), RawMessage(11, "a")])
    assert store.raw_count(*EVER) == 2
    assert recognised(store, (11, "a")) == (0, [11])
    assert recognised(store, (10, "a"), (10, "a")) == (1, [10])
    assert everything(store) == [(10, "a"), (11, "a"), (12, "a")]
    # An export of it, and what the same file says in another order, add nothing.
    assert recognised(store, *everything(store), placed=True) == (0, [])
    assert recognised(store, (10, "a"), (11, "a"), (10, "a")) == (0, [])


def test_an_export_of_what_was_recorded_leaves_it_to_be_recognised(new_store):
    store = new_store()
    store.append_raw([RawMessage(10, "a"), RawMessage(11, "b")])
    assert store.raw_count(*EVER) == 2
    assert recognised(store, (10, "a"), (11, "b"), placed=True) == (0, [])
    assert recognised(store, (10, "a"), (10, "b")) == (0, [10, 11])


def test_what_was_recorded_is_recognised_over_midnight_and_within_one_write(new_store):
    store = new_store()
    midnight = DAY * DAY_NS
    store.append_raw([RawMessage(midnight - 1, "a"), RawMessage(midnight, "b"), RawMessage(midnight + 1, "a")])
    assert store.raw_count(*EVER) == 3
    with store.writing():
        assert recognised(store, (midnight - 1, "a"), (midnight - 1, "b"))[0] == 0
        assert recognised(store, (midnight - 1, "a"), (midnight - 1, "a")) == (0, [midnight + 1])
    assert recognised(store, (midnight, "b"), (midnight + 1, "a")) == (2, [])
    assert [text for _, text in everything(store)] == ["a", "b", "a", "b", "a"]


def test_what_came_late_is_recognised_where_a_recorder_put_it(new_store):
    store = new_store()
    file = [(10, "a"), (30, "b"), (20, "late"), (25, "later"), (40, "c"), (30, "last")]
    store.append_raw([RawMessage(*m) for m in ((10, "a"), (30, "b"), (31, "late"), (32, "later"), (40, "c"), (41, "last"))])
    assert store.raw_count(*EVER) == 6
    assert recognised(store, *file[:2]) == (0, [10, 30])
    assert recognised(store, *file) == (0, [31, 32, 40, 41])
    assert recognised(store, *file) == (0, [])


def test_a_recorded_message_is_recognised_after_it_was_archived(new_store):
    store = new_store()
    early = OPEN - 3 * DAY_NS
    store.append_raw([RawMessage(early + i, "ab"[i % 2]) for i in range(4)])
    assert store.raw_count(*EVER) == 4
    assert archived(store) == [(DAY - 3, 4)]
    assert recognised(store, *[(early, text) for text in "aabb"]) == (0, [early, early + 2, early + 1, early + 3])
    assert recognised(store, (early, "b"), (early, "c")) == (1, [])
    assert store.raw_count(*EVER) == 5


def test_one_holder_has_a_lease_until_it_ends_or_is_given_back(new_store):
    store = new_store()
    assert store.claim("recorder", "one:1", now=100, until=200) == "one:1"
    assert store.claim("recorder", "two", now=150, until=250) == "one:1"
    assert store.claim("other", "two", now=150, until=250) == "two"
    assert store.claim("recorder", "one:1", now=150, until=300) == "one:1"
    assert store.claim("recorder", "two", now=250, until=350) == "one:1"
    assert store.claim("recorder", "two", now=300, until=400) == "two"
    store.release("recorder", "one:1")
    assert store.claim("recorder", "one:1", now=310, until=400) == "two"
    store.release("recorder", "two")
    assert store.claim("recorder", "one:1", now=310, until=400) == "one:1"


# --- messages compressed


def archived(store, before=DAY):
    return [(d.day, d.messages) for d in store.archive(before)]


def test_archived_messages_are_read_counted_and_found_as_before(new_store):
    store = new_store()
    sent = [
        RawMessage(OPEN - 3 * DAY_NS + i * 7 * 10**9, f'{{"i": {i}, "₹": "\\n"}}', ("A",) if i % 3 else ("A", "B"))
        for i in range(700)
    ]
    sent += [RawMessage(OPEN - 2 * DAY_NS, ""), RawMessage(OPEN, "today", ("A",))]
    store.append_raw(sent)
    assert store.raw_count(*EVER) == 702
    seen = []
    days = store.archive(DAY, seen.append)
    assert [(d.day, d.messages) for d in days] == [(DAY - 3, 700), (DAY - 2, 1)]
    assert days[0].bytes_after < days[0].bytes_before
    assert set(seen) == {DAY - 3, DAY - 2}
    assert list(store.raw(*EVER)) == sent
    assert list(store.raw(sent[100].ts, sent[612].ts)) == sent[100:612]
    assert list(store.raw(*EVER, ["B"])) == [m for m in sent if "B" in m.symbols or not m.symbols]
    assert store.raw_count(*EVER) == 702
    assert store.raw_count(sent[99].ts + 1, sent[612].ts) == 512
    assert store.last_raw() == OPEN
    assert store.raw_days("A") == [DAY - 3, DAY]
    assert archived(store) == []
    assert archived(store, DAY + 2) == [(DAY, 1)]
    assert store.last_raw() == OPEN
    assert store.size().total > 0


def test_what_comes_late_finds_its_place_among_archived_messages(new_store):
    store = new_store()
    early = OPEN - 3 * DAY_NS
    store.add_raw([RawMessage(early + i, str(i), ("A",)) for i in range(0, 20, 2)])
    store.append_raw([RawMessage(early + 30, "r")])
    assert store.raw_count(*EVER) == 11
    assert archived(store) == [(DAY - 3, 11)]
    before = everything(store)
    # The same again is the same, whichever way it comes.
    assert store.add_raw([RawMessage(early + i, str(i), ("A",)) for i in range(0, 20, 2)]) == 0
    assert store.add_raw(list(store.raw(*EVER)), placed=True) == 0
    store.append_raw([RawMessage(early + 30, "r"), RawMessage(early + 4, "4", ("A",))])
    with pytest.raises(Refused, match="another message stands"):
        store.append_raw([RawMessage(early + 4, "other")])
    assert everything(store) == before
    # A new one goes to its stamp or beside it.
    assert store.add_raw([RawMessage(early + 4, "late"), RawMessage(early + 4, "later")]) == 2
    store.append_raw([RawMessage(early + 11, "eleven"), RawMessage(early - 1, "first"), RawMessage(early + 31, "last")])
    assert store.raw_count(*EVER) == 16
    kept = dict(everything(store))
    assert (kept[early + 5], kept[early + 7], kept[early + 11]) == ("late", "later", "eleven")
    assert (kept[early - 1], kept[early + 31]) == ("first", "last")
    late = everything(store)
    archived(store)
    assert everything(store) == late


steps = st.lists(
    st.one_of(
        st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab")), max_size=6),
        st.tuples(st.integers(0, 9), st.sampled_from("abc")),
        st.just("archive"),
    ),
    max_size=8,
)


def written(store, step):
    """Return how many messages were new, or why one was refused."""
    try:
        return store.add_raw(RawMessage(*m) for m in step) if isinstance(step, list) else store.append_raw([RawMessage(*step)])
    except Refused as error:
        return str(error)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_nobody_can_tell_what_was_archived_when(new_store, steps):
    with closing(new_store()) as store, closing(new_store()) as other:
        for step in steps:
            if step == "archive":
                store.archive(DAY)
                continue
            said = []
            for each in (store, other):
                said.append(written(each, step))
                assert each.raw_count(*EVER) == len(everything(each))
            assert said[0] == said[1]
        assert everything(store) == everything(other)
        assert [store.raw_count(i, i + 3) for i in range(10)] == [other.raw_count(i, i + 3) for i in range(10)]
        assert store.last_raw() == other.last_raw()


# --- derived tables


def test_an_empty_store_has_nothing_and_says_so(new_store):
    store = new_store()
    assert list(store.raw(*EVER)) == []
    assert len(store.ticks("A", *EVER)) == 0
    assert len(store.bars("A", *EVER)) == 0
    assert (store.gaps("A", *EVER), store.days("A"), store.raw_days("A"), store.holdings(), store.events(*EVER)) == (
        [],
        [],
        [],
        [],
        [],
    )
    assert store.instruments() == []
    with pytest.raises(UnknownSymbol, match="empty"):
        store.instrument("A")


finite = st.floats(allow_nan=False, allow_infinity=False)
anything = st.floats()
whole = st.integers(-(2**63), 2**63 - 1)


@st.composite
def tick_columns(draw):
    n = draw(st.integers(0, 30))
    seqs = sorted(draw(st.sets(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n)))
    inside = st.integers(OPEN, OPEN + DAY_NS // 4)
    kinds = {"seq": None, "ts": inside, "price": anything, "size": whole, "vtt": whole, "bid": anything, "ask": anything,
             "oi": anything, "clock": whole}  # fmt: skip
    lists = {k: seqs if v is None else draw(st.lists(v, min_size=n, max_size=n)) for k, v in kinds.items()}
    return TickColumns(**{k: np.array(v, dtype=TICK_DTYPES[k]) for k, v in lists.items()})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tick_columns())
def test_ticks_come_back_to_the_bit(new_store, ticks):
    with closing(new_store()) as store:
        store.put_derived("A", range(DAY, DAY + 1), ticks, BarColumns.empty(), [])
        assert same(store.ticks("A", *EVER), ticks)
        middle = OPEN + DAY_NS // 8
        assert same(store.ticks("A", OPEN, middle), ticks.take(ticks.ts < middle))
        assert same(store.ticks("A", middle, EVER[1]), ticks.take(ticks.ts >= middle))


def test_ticks_of_many_blocks_and_days_come_back_in_seq_order(new_store):
    store = new_store()
    n = 150_000
    ts = OPEN + np.arange(n) * (3 * DAY_NS // n)
    ticks = replace(ticks_at(*ts.tolist()), price=np.random.default_rng(1).normal(100, 1, n))
    first, last = day_index(int(ts[0])), day_index(int(ts[-1]))
    store.put_derived("A", range(first, last + 1), ticks, BarColumns.empty(), [])
    assert same(store.ticks("A", *EVER), ticks)
    assert store.days("A") == list(range(first, last + 1))


def test_bars_come_back_equal_with_every_extreme_value(new_store):
    store = new_store()
    bars = BarColumns.of(
        [bar(OPEN), bar(OPEN + MINUTE_NS, known_seq=NEVER, source=Source.TICKS, low=5e-324, high=1.7e308, volume=2**62)]
    )
    store.put_derived("A", range(DAY, DAY + 1), TickColumns.empty(), bars, [])
    assert same(store.bars("A", *EVER), bars)
    assert len(store.bars("A", OPEN, OPEN + MINUTE_NS)) == 1
    assert {c: getattr(store.bars("A", *EVER), c).dtype for c in BAR_DTYPES} == BAR_DTYPES


def test_putting_days_replaces_these_days_of_this_symbol_and_nothing_else(new_store):
    store = new_store()
    for symbol in ("A", "B"):
        for day in range(DAY - 1, DAY + 2):
            at = day_start(day) + 5
            store.put_derived(
                symbol,
                range(day, day + 1),
                ticks_at(at),
                BarColumns.of([bar(day_start(day))]),
                [Gap(symbol, at, at + 1, "silence")],
            )
    fresh = OPEN + 7
    store.put_derived("A", range(DAY, DAY + 1), ticks_at(fresh, fresh + 1), BarColumns.empty(), [])
    assert store.ticks("A", *EVER).ts.tolist() == [day_start(DAY - 1) + 5, fresh, fresh + 1, day_start(DAY + 1) + 5]
    assert store.bars("A", *EVER).ts.tolist() == [day_start(DAY - 1), day_start(DAY + 1)]
    assert len(store.gaps("A", *EVER)) == 2
    assert (len(store.ticks("B", *EVER)), len(store.bars("B", *EVER)), len(store.gaps("B", *EVER))) == (3, 3, 3)


@pytest.mark.parametrize(
    ("ticks", "bars"),
    [
        (ticks_at(day_start(DAY) - 1), BarColumns.empty()),
        (ticks_at(day_start(DAY + 1)), BarColumns.empty()),
        (TickColumns.empty(), BarColumns.of([bar(day_start(DAY + 1))])),
        (ticks_at(OPEN, OPEN + 1, seq=[9, 9]), BarColumns.empty()),
        (ticks_at(OPEN, OPEN + 1, seq=[9, 8]), BarColumns.empty()),
    ],
)
def test_rows_outside_the_days_or_out_of_order_are_a_programming_error_and_change_nothing(new_store, ticks, bars):
    store = new_store()
    store.put_derived("A", range(DAY, DAY + 1), ticks_at(OPEN), BarColumns.empty(), [])
    with pytest.raises(ValueError, match="A: "):
        store.put_derived("A", range(DAY, DAY + 1), ticks, bars, [])
    assert store.ticks("A", *EVER).ts.tolist() == [OPEN]


def test_a_seal_names_what_a_day_holds(new_store):
    store, other = new_store(), new_store()
    days = range(DAY, DAY + 3)
    assert store.seals("A", days) == {}
    ticks = ticks_at(OPEN, OPEN + 1, OPEN + DAY_NS)
    store.put_derived("A", days, ticks, BarColumns.of([bar(OPEN)]), [Gap("A", OPEN, OPEN + 9, "joined", 5)])
    before = store.seals("A", days)
    assert list(before) == [DAY, DAY + 1]
    other.put_derived("A", days, ticks, BarColumns.of([bar(OPEN)]), [Gap("A", OPEN, OPEN + 9, "joined", 5)])
    assert other.seals("A", days) == before
    store.put_derived("A", range(DAY, DAY + 1), ticks.take(ticks.ts < OPEN + 1), BarColumns.of([bar(OPEN)]), [])
    after = store.seals("A", days)
    assert after[DAY] != before[DAY]
    assert after[DAY + 1] == before[DAY + 1]
    assert store.seals("B", days) == {}
    store.put_derived("A", days, TickColumns.empty(), BarColumns.empty(), [])
    assert store.seals("A", days) == {}
    assert len(store.ticks("A", *EVER)) == 0
    assert store.days("A") == []


def test_events_of_one_seq_keep_their_order_and_a_range_is_replaced(new_store):
    store = new_store()
    events = [Event(5, "clock", "", "b"), Event(5, "clock", "", "a"), Event(7, "order", "A", "c")]
    store.put_events(0, 10, events)
    assert store.events(0, 10) == events
    store.put_events(6, 8, [])
    assert store.events(0, 10) == events[:2]
    with pytest.raises(ValueError, match="outside"):
        store.put_events(0, 5, events)


def test_gaps_come_back_by_their_beginning(new_store):
    store = new_store()
    gaps = [Gap("A", OPEN, OPEN + 20, "joined", 5), Gap("A", OPEN + 30, OPEN + DAY_NS, "silence")]
    store.put_derived("A", range(DAY, DAY + 1), TickColumns.empty(), BarColumns.empty(), gaps[::-1])
    assert store.gaps("A", *EVER) == gaps
    assert store.gaps("A", OPEN, OPEN + 30) == gaps[:1]


def test_holdings_count_what_there_is_by_symbol_and_day(new_store):
    store = new_store()
    store.add_raw([RawMessage(OPEN, "a", ("A",)), RawMessage(OPEN + 1, "b", ("A", "B")), RawMessage(OPEN + 2, "all")])
    store.put_derived("A", range(DAY, DAY + 1), ticks_at(OPEN, OPEN + 1), BarColumns.of([bar(OPEN)]),
                      [Gap("A", OPEN, OPEN + 9, "joined", 5), Gap("A", OPEN + 9, OPEN + 10, "silence")])  # fmt: skip
    assert store.holdings() == [DayHoldings("A", DAY, 1, 2, 2, 1, 10, 9), DayHoldings("B", DAY, 0, 0, 1, 0, 0, 0)]
    assert store.holdings("B") == store.holdings()[1:]


# --- instruments


def test_an_instrument_is_found_by_symbol_or_name_in_any_case(new_store):
    store = new_store()
    first = Instrument("NSE_FO|51502", Decimal("0.05"), 35, Kind.OPTION, "NIFTY 26000 PE")
    store.put_instrument(first)
    for text in ("NSE_FO|51502", "nse_fo|51502", "nifty 26000 pe"):
        assert store.instrument(text) == first
    store.put_instrument(changed := replace(first, tick=Decimal("0.10")))
    assert store.instruments() == [changed]
    with pytest.raises(UnknownSymbol, match=r"NIFTY 26000 PE"):
        store.instrument("nifty 26000")
    store.put_instrument(Instrument("X", Decimal("0.05"), name="nifty 26000 PE"))
    with pytest.raises(BadInput, match=r"is the name of NSE_FO\|51502, X"):
        store.instrument("NIFTY 26000 PE")


@pytest.mark.parametrize("auction", [None, False, True])
@pytest.mark.parametrize(
    "contract",
    [
        None,
        Contract("NSE_INDEX|Nifty 50", 20_786),
        Contract("NSE_EQ|INE002A01018", 20_786, Decimal("1312.50"), Right.PUT),
    ],
)
def test_contract_and_auction_come_back_as_they_were_put(new_store, contract, auction):
    store = new_store()
    put = Instrument("NSE_FO|1", Decimal("0.05"), 65, Kind.OPTION, "", contract, auction)
    store.put_instrument(put)
    assert store.instruments() == [put]
    store.put_instrument(plain := Instrument("NSE_FO|1", Decimal("0.05"), 65, Kind.FUTURE))
    assert store.instrument("NSE_FO|1") == plain


# --- transactions


def test_a_write_held_together_is_kept_whole_or_not_at_all(new_store):
    store = new_store()

    def half_way():
        with store.writing():
            store.add_raw([RawMessage(1, "a", ("A",))])
            store.put_instrument(Instrument("A", Decimal(1)))
            store.put_derived("A", range(DAY, DAY + 1), ticks_at(OPEN), BarColumns.empty(), [])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_way()
    assert everything(store) == []
    assert store.instruments() == []
    assert store.holdings() == []
    with store.writing():
        store.add_raw([RawMessage(1, "a")])
    assert everything(store) == [(1, "a")]


def test_a_closed_store_says_so_in_one_line(new_store):
    store = new_store()
    store.close()
    with pytest.raises(AuctionError, match="closed"):
        store.holdings()
