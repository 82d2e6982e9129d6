"""Parity as a command: identical where it should be, and the first difference named where one message was altered."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from auction_bt.backtest import Request
from auction_bt.cli import main
from auction_bt.core.errors import NothingToDo
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import day_start, from_date
from auction_bt.derive import derive
from auction_bt.store import RawMessage
from auction_bt.store.address import SqliteDsn, parse
from auction_bt.store.dsn import open_store
from auction_bt.store.questdb.server import Server
from auction_bt.synthetic import DEMO, Shape, merge, messages
from auction_bt.verify import verify

FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False}
DAYS = (date(2026, 3, 9), date(2026, 3, 10))
WEEK = tuple(date(2026, 3, day) for day in range(9, 14))
SYMBOL = next(iter(DEMO.values())).symbol


def stored(dsn: str, instruments: list[Instrument], days: tuple[date, ...], per_minute: int) -> str:
    shapes = list(Shape)
    with closing(open_store(dsn, create=True)) as store:
        for day in days:
            streams = [messages(i.symbol, day, shapes[n % 3], 7 + n, per_minute=per_minute) for n, i in enumerate(instruments)]
            store.add_raw(RawMessage(at, json.dumps(body), tuple(body.get("feeds", ()))) for at, body in merge(*streams))
        with store.writing():
            for instrument in instruments:
                store.put_instrument(instrument)
        derive(store, [i.symbol for i in instruments], [from_date(d) for d in days])
    return dsn


def alter(dsn: str, at: int, text: str | None) -> None:
    """Put another text in the place of a message, or take the message away."""
    place = parse(dsn)
    if isinstance(place, SqliteDsn):
        import sqlite3

        with closing(sqlite3.connect(place.path)) as connection, connection:
            if text is None:
                connection.execute("DELETE FROM raw_wss_feed WHERE ts = ?", (at,))
            else:
                connection.execute("INSERT OR REPLACE INTO raw_wss_feed VALUES (?, ?)", (at, text))
                connection.execute("INSERT OR IGNORE INTO raw_symbol VALUES (?, ?)", (SYMBOL, at))
        return
    with closing(Server(place)) as server:
        server.write([(server.name("raw_wss_feed"), {}, {"raw_json": text or "{}"}, at),
                      (server.name("raw_symbol"), {"symbol": SYMBOL}, {}, at)])  # fmt: skip
        server.settle(["raw_wss_feed", "raw_symbol"])


def trades_of(dsn: str, day: date) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the messages after 11:00 in which something was traded."""
    with closing(open_store(dsn, readonly=True)) as store:
        begin = day_start(from_date(day)) + 11 * 3600 * 10**9
        last = -1
        for message in store.raw(begin, begin + 3600 * 10**9, [SYMBOL]):
            body = json.loads(message.text)
            vtt = int(full(body)["vtt"]) if body.get("feeds") else last
            if vtt > last > 0:
                yield message.ts, body
            last = vtt


def full(body: dict[str, Any]) -> dict[str, Any]:
    return body["feeds"][SYMBOL]["fullFeed"]["marketFF"]


def command(dsn: str, tmp_path: Any, *more: str) -> tuple[int, dict[str, Any]]:
    out = tmp_path / "verdict.json"
    day = str(DAYS[-1])
    options = [f"--set={name}={value}" for name, value in FREE.items()]
    code = main(["verify", "--symbol", SYMBOL, "--from-date", day, "--to-date", day, "--store", dsn, "--state", str(tmp_path),
                 "--json", str(out), *options, *more])  # fmt: skip
    return code, json.loads(out.read_text())


@pytest.fixture
def two_days(new_dsn):
    return stored(new_dsn(), [next(iter(DEMO.values()))], DAYS, 6)


def test_days_that_were_derived_from_their_messages_are_identical(two_days, tmp_path, capsys):
    code, verdict = command(two_days, tmp_path)
    assert code == 0
    assert verdict["same"]
    assert verdict["difference"] is None
    assert min(count for a in verdict["accounts"].values() for count, _ in [a["stored_or_fast"]]) > 0
    assert f"identical: {verdict['hash']}" in capsys.readouterr().out
    assert command(two_days, tmp_path)[1] == verdict  # the second time through the day cache


def test_one_altered_message_is_named_with_both_sides_and_a_cause(two_days, tmp_path, capsys):
    at, body = next(trades_of(two_days, DAYS[-1]))
    full(body)["ltpc"]["ltp"] += 0.5
    alter(two_days, at, json.dumps(body))
    code, verdict = command(two_days, tmp_path)
    found = verdict["difference"]
    assert code == 1
    assert (found["kind"], found["seq"], found["symbol"], found["fields"]) == ("tick", at, SYMBOL, ["price"])
    assert found["right"]["price"] == pytest.approx(found["left"]["price"] + 0.5)
    text = capsys.readouterr().out
    assert f"first difference: a tick of {SYMBOL} at 2026-03-10 11:00:" in text
    assert "run rebuild" in text
    assert main(["verify", "--symbol", SYMBOL, "--from-date", "2026-03-09", "--to-date", "2026-03-09", "--store", two_days]) == 0


@pytest.mark.parametrize(
    ("what", "kind", "fields"),
    [
        ("volume", "tick", {"size", "vtt"}),
        ("time", "tick", {"ts"}),
        ("minute", "bar", {"high"}),
        ("book", "tick", {"bid"}),
        ("garbled", "tick", set()),
        ("gone", "tick", set()),
        ("swapped", "tick", set()),
        ("added", "tick", set()),
    ],
)
def test_each_kind_of_alteration_is_named_where_it_was_made(tmp_path, what, kind, fields):
    dsn = stored(f"sqlite:///{tmp_path / 'a.db'}", [next(iter(DEMO.values()))], DAYS, 6)
    found = trades_of(dsn, DAYS[-1])
    (at, body), (next_at, next_body) = next(found), next(found)
    market = full(body)
    if what == "volume":
        market["vtt"] = str(int(market["vtt"]) + 5)
    elif what == "time":
        market["ltpc"]["ltt"] = str(int(market["ltpc"]["ltt"]) - 1)
    elif what == "book":
        market["marketLevel"]["bidAskQuote"][0]["bidP"] -= 1.0
    elif what == "minute":
        # The first message that shows a minute is the one that counts.
        shown = {}
        for each_at, each in [(at, body), (next_at, next_body), *found]:
            (candle,) = [c for c in full(each)["marketOHLC"]["ohlc"] if c["interval"] == "I1"]
            shown.setdefault(candle["ts"], (each_at, each, candle))
        at, body, candle = list(shown.values())[2]
        candle["high"] += 5.0
    elif what == "added":
        market["vtt"] = str(int(market["vtt"]) + 1)
        at += 1
    if what == "swapped":
        alter(dsn, at, json.dumps(next_body))
        alter(dsn, next_at, json.dumps(body))
    else:
        alter(dsn, at, {"gone": None, "garbled": "{"}.get(what, json.dumps(body)))
    code, verdict = command(dsn, tmp_path)
    difference = verdict["difference"]
    assert code == 1
    assert (difference["kind"], difference["seq"], difference["symbol"]) == (kind, at, SYMBOL)
    assert fields <= set(difference["fields"])
    if what in {"gone", "garbled"}:
        assert difference["right"] is None
        assert ("is gone" if what == "gone" else "says something else") in difference["cause"]
    if what == "added":
        assert difference["left"] is None
    assert main(["verify", "--symbol", SYMBOL, "--from-date", "2026-03-09", "--to-date", "2026-03-09", "--store", dsn]) == 0


def test_messages_that_came_after_the_tables_were_derived_are_named(tmp_path):
    dsn = stored(f"sqlite:///{tmp_path / 'a.db'}", [next(iter(DEMO.values()))], DAYS, 6)
    with closing(open_store(dsn)) as store:
        symbol, days = SYMBOL, range(from_date(DAYS[-1]), from_date(DAYS[-1]) + 1)
        cut = day_start(days.start) + 14 * 3600 * 10**9
        begin, end = day_start(days.start), day_start(days.stop)
        ticks, bars, gaps = store.ticks(symbol, begin, end), store.bars(symbol, begin, end), store.gaps(symbol, begin, end)
        store.put_derived(symbol, days, ticks.take(ticks.ts < cut), bars.take(bars.ts < cut), gaps)
    code, verdict = command(dsn, tmp_path)
    assert code == 1
    assert verdict["difference"]["left"] is None
    assert verdict["difference"]["seq"] >= cut - 10**10
    assert "derived before this message was there" in verdict["difference"]["cause"]


def test_days_without_messages_have_nothing_to_be_held_against(tmp_path):
    dsn = stored(f"sqlite:///{tmp_path / 'a.db'}", [next(iter(DEMO.values()))], DAYS, 6)
    with closing(open_store(dsn)) as store:
        for day in (from_date(d) for d in DAYS):
            begin, end = day_start(day), day_start(day + 1)
            bars = store.bars(SYMBOL, begin, end)
            store.put_instrument(Instrument("COPY", DEMO[Shape.BALANCED].tick, 1, Kind.FUTURE))
            store.put_derived("COPY", range(day, day + 1), store.ticks(SYMBOL, begin, end), bars, [])
        with pytest.raises(NothingToDo, match="no messages of COPY"):
            verify(store, Request(("COPY",), DAYS[-1], DAYS[-1]))


@pytest.fixture(scope="module")
def week(new_lasting_dsn):
    """A week of twenty symbols on one socket."""
    one = next(iter(DEMO.values()))
    instruments = [replace(one, symbol=f"NSE_FO|{n}", name=f"Demo {n}") for n in range(20)]
    return stored(new_lasting_dsn(), instruments, WEEK, 2), tuple(i.symbol for i in instruments)


@pytest.mark.parametrize(
    "settings",
    [
        {"rule": "original"},
        {"rule": "auction", **FREE},
        {"rule": "original", "period": 45, "levels": "flat", "quality_floor": 0.5, **FREE},
    ],
)
def test_a_week_of_twenty_symbols_is_identical(week, settings):
    dsn, symbols = week
    if dsn.startswith("questdb") and settings != {"rule": "original"}:
        settings, symbols = {**settings, "period": 30}, symbols[::4]  # the store is proved by the first; the rules by SQLite
    elif settings != {"rule": "original"}:
        symbols = symbols[::2]
    with closing(open_store(dsn, readonly=True)) as store:
        found = verify(store, Request(symbols, WEEK[0], WEEK[-1], settings | {"max_concurrent": 5}))
    counts = {a.kind: a.left_count for a in found.accounts}
    assert found.is_same, found
    assert counts["bar"] > 1_500 * len(symbols)
    assert counts["decision"] > 100


@pytest.mark.data
@pytest.mark.parametrize("rule", ["original", "auction"])
def test_a_recorded_day_is_identical_together_and_apart(shared_data, new_dsn, rule):
    dsn = new_dsn()
    folder = shared_data("upstox-capture-20251215")
    assert main(["import", *map(str, sorted(folder.glob("*_data.json.gz"))), "--store", dsn]) == 0
    symbols = ("NSE_EQ|INE027H01010", "NSE_FO|51502")
    day = date(2025, 12, 15)
    with closing(open_store(dsn, readonly=True)) as store:
        for chosen in (symbols, symbols[:1], symbols[1:]):
            found = verify(
                store, Request(chosen, day, day, {**FREE, "rule": rule, "period": 60, "quantity": 35, "own_profile": True})
            )
            assert found.is_same, found
            assert {a.kind: a.left_count for a in found.accounts}["trade"] > 0
