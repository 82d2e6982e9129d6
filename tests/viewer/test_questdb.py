"""The viewer on a server: the same answers as from a file, through the server's death."""

import json
import urllib.error
from urllib.parse import quote

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import from_date
from auction_bt.derive import derive
from auction_bt.store import RawMessage
from auction_bt.store.address import parse
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import DEMO, Shape, messages
from auction_bt.viewer.sources import Sources
from tests.page.conftest import DAYS
from tests.waiting import until

from .conftest import SYMBOL

CHART = f"/chart?symbol={quote(SYMBOL)}&from={DAYS[1]}"


@pytest.mark.db
def test_a_server_answers_as_a_file_does_and_may_die_and_return(questdb_alone, viewer, kept, ask, monkeypatch):
    monkeypatch.setenv("AUCTION_QUESTDB_READER_PASSWORD", questdb_alone.reader_password)
    dsn = questdb_alone.dsn()
    instrument = DEMO[Shape.BALANCED]
    with open_store(dsn, create=True) as store:
        store.put_instrument(instrument)
        for number, day in enumerate(DAYS):
            stream = messages(
                SYMBOL, day, Shape.BALANCED, 7 + number, tick=instrument.tick, lot=instrument.lot, kind=instrument.kind
            )
            store.add_raw(RawMessage(at, json.dumps(body), tuple(body.get("feeds", ()))) for at, body in stream)
        derive(store, [SYMBOL], [from_date(day) for day in DAYS])
    one = viewer("--store", dsn, "--state", str(kept.folder))
    symbol = quote(SYMBOL)
    for path in (CHART, f"/symbols/days?symbol={symbol}", f"/levels?symbol={symbol}&date={DAYS[1]}"):
        assert one.get(path) == ask(path)[1]
    assert one.get("/trades/1")["profile"] == ask("/trades/1")[1]["profile"] is not None
    assert {s["symbol"] for s in one.get("/feed")["symbols"]} == {SYMBOL}
    assert "test;pass" not in json.dumps(one.get("/status"))
    assert "***" in one.get("/status")["store"]["dsn"]

    events = one.listen()
    questdb_alone.kill()
    told = until(lambda: [data for name, data, _ in events if name == "status"], timeout=60)[0]
    assert told["store"]["ok"] is False
    with pytest.raises(urllib.error.HTTPError, match="503"):
        one.get(CHART)
    assert one.get("/runs")["total"] == 2
    questdb_alone.start()
    until(lambda: [data for name, data, _ in events if name == "status" and data["store"]["ok"]], timeout=60)
    until(lambda: one.get("/status")["store"]["ok"], timeout=60)
    assert one.get(CHART) == ask(CHART)[1]


@pytest.fixture
def shown(questdb, questdb_dsn, tmp_path, monkeypatch):
    """Return what the viewer reads of a store with one message in it, by the reader's password, and what it has told."""
    with open_store(questdb_dsn, create=True) as store:
        store.add_raw([RawMessage(1, "{}", ())])
    begun, told = [], []

    def show(password):
        monkeypatch.setenv("AUCTION_QUESTDB_READER_PASSWORD", password)
        begun.append(Sources.of(questdb_dsn, tmp_path, told.append))
        return begun[-1].store, told

    yield show
    for each in begun:
        each.close()


@pytest.mark.parametrize(
    "statement", ["INSERT INTO {}raw_symbol VALUES (2, 'X')", "DROP TABLE {}ticks", "CREATE TABLE {}mine (a INT)"]
)
def test_nothing_can_be_written_through_the_viewers_connection(shown, questdb, questdb_dsn, statement):
    store, told = shown(questdb.reader_password)
    prefix = parse(questdb_dsn).prefix
    before = store.ask(lambda s: len(list(s.raw(0, 9))))
    with pytest.raises(BadInput, match="user reader may only read"):
        store.ask(lambda s: s._server._sql.run(statement.format(prefix)))
    assert before == store.ask(lambda s: len(list(s.raw(0, 9)))) == 1
    assert told == []


def test_a_server_without_that_user_is_read_as_its_own_and_that_is_told_once(shown):
    store, told = shown("another")
    for _ in range(2):
        assert store.ask(lambda s: len(list(s.raw(0, 9)))) == 1
        store._thread.submit(store._let_go).result()  # as after an outage
    assert len(told) == 1
    assert "read as admin, who may write as well" in told[0]
    assert "AUCTION_QUESTDB_READER_PASSWORD" in told[0]
    assert "another" not in told[0]
    assert "test;pass" not in told[0]
