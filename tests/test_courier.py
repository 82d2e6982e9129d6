"""Each message is in the store once, in order, whatever the store does; and no message stands in the way of the others."""

from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput, Fatal, Retryable
from auction_bt.courier import Courier
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.store.message_blocks import Kept
from auction_bt.store.spool import Spool
from tests.flaky import Flaky

EVER = (-(2**62), 2**62)


@pytest.fixture
def place(tmp_path_factory):
    """Return a function that makes a state folder with these texts in its spool, and an empty store's DSN."""

    def make(texts):
        state = tmp_path_factory.mktemp("state")
        with Spool.open(state) as spool:
            for ts, text in enumerate(texts):
                spool.append([Kept(ts, text, (text[0],))], [], [], ts)
        return state, f"sqlite:///{state / 'store.db'}"

    return make


def stored(dsn):
    with open_store(dsn, create=True) as store:
        return [(m.ts, m.text, m.symbols) for m in store.raw(*EVER)]


def carry(state, dsn, plan, poison, *, rows):
    """Carry everything, opening the store anew after each failure; return the couriers."""
    plan = iter(plan)
    couriers = []
    with Spool.open(state, durable=False) as spool:
        while True:
            with closing(Flaky(dsn, plan, poison)) as store:
                couriers.append(courier := Courier(spool, store, rows=rows))
                try:
                    courier.verify()
                    while courier.step():
                        pass
                    courier.save()
                except Retryable:
                    continue
                return couriers


acts = st.sampled_from(["ok", "ok", "down", "lie", "half", "lose"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["aa", "b", "ccc", "POISON"]), min_size=1, max_size=25),
    st.lists(acts, max_size=12),
    st.integers(1, 8),
)
def test_sent_is_stored_once_and_in_order_through_every_failure(place, texts, plan, rows):
    state, dsn = place(texts)
    couriers = carry(state, dsn, plan, {"POISON"}, rows=rows)
    assert stored(dsn) == [(ts, text, (text[0],)) for ts, text in enumerate(texts) if text != "POISON"]
    with Spool.open(state) as spool:
        dead = [(d.ts, d.raw, d.reason) for d in spool.dead_letters()]
        assert dead == [(ts, b"POISON", f"poison at {ts}") for ts, text in enumerate(texts) if text == "POISON"]
        assert spool.waiting() == 0
        assert spool.touched().get(0, set()) == {text[0] for text in texts if text != "POISON"}
    assert sum(c.buried for c in couriers) == texts.count("POISON")


def test_a_batch_is_halved_down_to_what_is_refused_and_no_further(place):
    state, dsn = place(["a"] * 63 + ["POISON"])
    calls = []

    class Counting(Flaky):
        def append_raw(self, messages):
            calls.append(len(messages))
            super().append_raw(messages)

    with Spool.open(state) as spool, closing(Counting(dsn, iter(()), {"POISON"})) as store:
        courier = Courier(spool, store)
        assert courier.step() == 64
        assert (courier.sent, courier.buried, courier.watermark) == (63, 1, 63)
        assert courier.step() == 0
    assert calls == [64, 32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1]


def test_another_message_at_the_same_stamp_is_a_dead_letter_and_the_first_stays(place):
    state, dsn = place(["a", "b", "c"])
    with open_store(dsn, create=True) as store:
        store.append_raw([RawMessage(1, "mine")])
        with Spool.open(state) as spool:
            Courier(spool, store).step()
            assert [(d.ts, d.reason) for d in spool.dead_letters()] == [(1, "another message stands at 1")]
    assert [(ts, text) for ts, text, _ in stored(dsn)] == [(0, "a"), (1, "mine"), (2, "c")]


def test_symbols_nobody_has_looked_for_are_looked_for(tmp_path):
    texts = ['{"feeds":{"B":{},"A":{}}}', "no JSON", '{"kind":"clock","ts":5}', "[" * 100_000, "kept"]
    with Spool.open(tmp_path) as spool, open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        spool.append([Kept(i, text, ("K",) if text == "kept" else None) for i, text in enumerate(texts)], [], [], 4)
        courier = Courier(spool, store)
        courier.step()
        assert [m.symbols for m in store.raw(*EVER)] == [("A", "B"), (), (), (), ("K",)]
        assert spool.touched() == {}
        courier.save()
        assert (spool.touched(), spool.watermark) == ({0: {"A", "B", "", "K"}}, 4)


@pytest.mark.parametrize("error", [BadInput("read-only"), Fatal("full"), Retryable("gone")])
def test_a_store_that_cannot_be_used_makes_no_dead_letters(place, error):
    state, dsn = place(["a", "b"])

    class Unusable(Flaky):
        def append_raw(self, messages):
            raise error

    with Spool.open(state) as spool, closing(Unusable(dsn, iter(()))) as store:
        courier = Courier(spool, store)
        with pytest.raises(type(error)):
            courier.step()
        assert (spool.waiting(), spool.dead_count(), courier.watermark) == (2, 0, -1)


def test_the_spool_forgets_only_what_is_old_and_in_the_store(place):
    state, dsn = place(["a"] * 10)
    with Spool.open(state) as spool, open_store(dsn, create=True) as store:
        courier = Courier(spool, store, rows=6)
        courier.step()
        assert courier.prune(4) == 4
        assert courier.prune(100) == 2  # the others were not sent
        assert courier.step() == 4
        store._db.execute("DELETE FROM raw_wss_feed WHERE ts >= 8")
        assert courier.prune(100) == 0  # two missing in the store: sent again, and kept until it is counted
        assert courier.sent_again == 4
        assert courier.prune(100) == 4
        assert spool.batch(-1, 100, 10, 100) == []
    assert len(stored(dsn)) == 10
