"""A store whose messages were changed after they were derived is found out, and the changed message is named."""

import json
import shutil
import sqlite3

import pytest

from auction_bt.backtest import Request
from auction_bt.cli import main
from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.derive import derive
from auction_bt.parity import verify
from auction_bt.store.dsn import open_store
from auction_bt.verify import What
from tests.parity import FREE, MONDAY, filled, instruments, weekdays

DAYS = weekdays(MONDAY, 2)
FOUND = instruments(2)
ONE = FOUND[0].symbol
REQUEST = Request(tuple(i.symbol for i in FOUND), DAYS[-1], DAYS[-1], {**FREE, "period": 30})


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    path = tmp_path_factory.mktemp("honest") / "a.db"
    with filled(f"sqlite:///{path}", FOUND, DAYS):
        pass
    return path


@pytest.fixture
def path(honest, tmp_path):
    return shutil.copy(honest, tmp_path / "a.db")


def tampered(path, *statements):
    with sqlite3.connect(path) as db:
        for sql, values in statements:
            assert db.execute(sql, values).rowcount == 1
    db.close()


def rewritten(path, stamp, change):
    with sqlite3.connect(path) as db:
        body = json.loads(db.execute("SELECT raw_json FROM raw_wss_feed WHERE ts = ?", (stamp,)).fetchone()[0])
    change(body["feeds"][ONE]["fullFeed"]["marketFF"])
    tampered(path, ("UPDATE raw_wss_feed SET raw_json = ? WHERE ts = ?", (json.dumps(body), stamp)))


def verified(path):
    with open_store(f"sqlite:///{path}", readonly=True) as store:
        return verify(store, REQUEST)


def ticks(path):
    with open_store(f"sqlite:///{path}", readonly=True) as store:
        begin = day_start(from_date(DAYS[-1]))
        return store.ticks(ONE, begin, begin + 2**46)


def a_trade(path):
    """The stamp of a message in the midst of the day which traded, as do its neighbours."""
    found = ticks(path)
    return int(found.seq[len(found) // 2])


def i1_of(body):
    return next(row for row in body["marketOHLC"]["ohlc"] if row["interval"] == "I1")


def test_an_honest_store_is_equal_and_gives_the_hashes(path, capsys):
    found = verified(path)
    assert found.is_equal
    assert all(first == second for first, second in found.hashes.values())
    assert found.compared[What.TICK].first > 2000
    assert found.compared[What.DECISION].first > 5
    assert found.compared[What.TRADE].first > 0
    again = verified(path)
    assert again == found
    words = ["--store", f"sqlite:///{path}", "--from-date", str(DAYS[-1]), "--to-date", str(DAYS[-1])]
    assert main(["verify", "--symbol", ONE, *words]) == 0
    told = capsys.readouterr().out
    assert told.startswith("EQUAL: 2 symbol-days of 1 symbol, ")
    assert found.hashes["rows"][0] not in told


def price(body):
    body["ltpc"]["ltp"] += 0.1


def volume(body):
    body["vtt"] = str(int(body["vtt"]) + 250)


def time(body):
    body["ltpc"]["ltt"] = str(int(body["ltpc"]["ltt"]) + 1)


@pytest.mark.parametrize(("change", "field"), [(price, "price"), (volume, "vtt"), (time, "ts")])
def test_a_changed_trade_is_named(path, change, field):
    stamp = a_trade(path)
    rewritten(path, stamp, change)
    found = verified(path)
    assert (found.difference.seq, found.difference.symbol, found.difference.what) == (stamp, ONE, What.TICK)
    assert field in found.difference.names
    assert found.difference.first is not None
    assert found.difference.second is not None
    assert str(stamp) in found.cause
    assert "run rebuild" in found.cause


def test_a_changed_minute_of_the_exchange_is_named(path):
    with open_store(f"sqlite:///{path}", readonly=True) as store:
        begin = day_start(from_date(DAYS[-1]))
        bars = store.bars(ONE, begin, begin + 2**46)
    middle = len(bars) // 2
    stamp = int(bars.known_seq[middle])

    def change(body):
        assert int(i1_of(body)["ts"]) * 1_000_000 == bars.ts[middle]
        i1_of(body)["high"] += 1

    rewritten(path, stamp, change)
    found = verified(path)
    assert (found.difference.seq, found.difference.symbol, found.difference.what) == (stamp, ONE, What.BAR)
    assert found.difference.names == ("high",)
    assert str(stamp) in found.cause


def test_a_missing_message_is_named_with_its_neighbours(path):
    stamp = a_trade(path)
    tampered(path, ("DELETE FROM raw_wss_feed WHERE ts = ?", (stamp,)), ("DELETE FROM raw_symbol WHERE ts = ?", (stamp,)))
    found = verified(path)
    assert (found.difference.seq, found.difference.symbol) == (stamp, ONE)
    assert found.difference.what in {What.GAP, What.TICK}  # it may have ended a silence
    assert found.difference.second is None
    assert found.cause.startswith("messages are missing between ")


def test_two_messages_in_each_others_place_are_named_by_the_first(path):
    found = ticks(path)
    middle = len(found) // 2
    first, second = found.seq[middle : middle + 2].tolist()
    with sqlite3.connect(path) as db:
        texts = [db.execute("SELECT raw_json FROM raw_wss_feed WHERE ts = ?", (s,)).fetchone()[0] for s in (first, second)]
    change = "UPDATE raw_wss_feed SET raw_json = ? WHERE ts = ?"
    tampered(path, (change, (texts[1], first)), (change, (texts[0], second)))
    seen = verified(path)
    assert (seen.difference.seq, seen.difference.symbol) == (first, ONE)
    assert "changed places" in seen.cause


def test_an_added_message_is_named(path):
    before = a_trade(path)
    with sqlite3.connect(path) as db:
        body = json.loads(db.execute("SELECT raw_json FROM raw_wss_feed WHERE ts = ?", (before,)).fetchone()[0])
    market = body["feeds"][ONE]["fullFeed"]["marketFF"]
    market["vtt"] = str(int(market["vtt"]) + 250)
    stamp = before + 1000
    tampered(
        path,
        ("INSERT INTO raw_wss_feed VALUES (?, ?)", (stamp, json.dumps(body))),
        ("INSERT INTO raw_symbol VALUES (?, ?)", (ONE, stamp)),
    )
    found = verified(path)
    assert (found.difference.seq, found.difference.what) == (stamp, What.TICK)
    assert found.difference.first is None
    assert "before the message at" in found.cause
    with open_store(f"sqlite:///{path}") as store:
        derive(store, [i.symbol for i in FOUND], [from_date(d) for d in DAYS])
    assert verified(path).is_equal


def test_a_changed_stored_bar_is_named_where_the_messages_are_whole(path):
    sql = "UPDATE bars_1m SET low = low - 1 WHERE symbol = ? AND ts = ?"
    ts = day_start(from_date(DAYS[-1])) + (10 * 60) * MINUTE_NS
    tampered(path, (sql, (ONE, ts)))
    found = verified(path)
    assert found.difference.what is What.BAR
    assert found.difference.first["ts"] == ts
    assert found.difference.names == ("low",)


def test_the_command_shows_both_sides_and_exits_by_what_it_found(path, tmp_path, capsys):
    stamp = a_trade(path)
    rewritten(path, stamp, price)
    words = ["--store", f"sqlite:///{path}", "--from-date", str(DAYS[-1]), "--to-date", str(DAYS[-1])]
    assert main(["verify", "--symbol", ONE, *words, "--json", str(tmp_path / "a.json")]) == 1
    told = capsys.readouterr().out
    assert told.startswith(f"DIFFERENT: the first is a tick of {ONE} at {DAYS[-1]} ")
    assert "stored" in told
    assert "messages now" in told
    assert "\n  * price " in told
    assert "\nLikely cause: " in told
    said = json.loads((tmp_path / "a.json").read_text())
    assert not said["equal"]
    assert said["difference"]["seq"] == stamp
    assert said["difference"]["fields"] == ["price"]
    assert main(["verify", "--symbol", ONE, *words[:2], "--from-date", "2020-01-01", "--to-date", "2020-01-02"]) == 3


def test_days_that_no_message_speaks_of_are_told_apart_from_changed_ones(path, capsys):
    before = day_start(from_date(DAYS[-1]))
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM raw_symbol WHERE ts < ?", (before,))
        db.execute("DELETE FROM raw_wss_feed WHERE ts < ?", (before,))
    found = verified(path)
    assert found.difference.seq < before
    assert f"has no messages on {DAYS[0]}" in found.cause
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM raw_symbol")
        db.execute("DELETE FROM raw_wss_feed")
    words = ["--store", f"sqlite:///{path}", "--from-date", str(DAYS[-1]), "--to-date", str(DAYS[-1])]
    assert main(["verify", "--symbol", ONE, *words]) == 3
    assert "no messages of" in capsys.readouterr().err


def test_messages_that_were_never_derived_are_a_case_for_rebuild(path, capsys):
    with sqlite3.connect(path) as db:
        for table in ("ticks", "bars_1m", "gaps", "days"):
            db.execute(f"DELETE FROM {table}")
    words = ["--store", f"sqlite:///{path}", "--from-date", str(DAYS[-1]), "--to-date", str(DAYS[-1])]
    assert main(["verify", "--symbol", ONE, *words]) == 3
    assert "run rebuild" in capsys.readouterr().err
