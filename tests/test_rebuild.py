"""Derived tables are what their messages say, and a rebuild makes them so again."""

import json
from dataclasses import replace
from datetime import date

import pytest

from auction_bt.cli import main
from auction_bt.core.bar import Bar, BarColumns
from auction_bt.core.ist import DAY_NS, SECOND_NS, day_start, from_date
from auction_bt.core.tick import TickColumns
from auction_bt.derive import derive
from auction_bt.feeds.decode import symbols_of
from auction_bt.rebuild import DayState, rebuild, recorded_days, state_of
from auction_bt.store import RawMessage
from auction_bt.store.address import parse
from auction_bt.store.dsn import open_store

DAY = from_date(date(2025, 12, 15))
OPEN = day_start(DAY) + 33_300 * SECOND_NS
A, B = "NSE_FO|1", "NSE_EQ|B"
EVER = (0, 2**62)


def message(at, symbol, i, said=None):
    body = {"ltpc": {"ltp": 100.0 + i % 7, "ltt": str((at if said is None else said) // 10**6)}, "vtt": str(10 * (i + 1))}
    parsed = {"feeds": {symbol: {"fullFeed": {"marketFF": body}}}, "currentTs": str((at if said is None else said) // 10**6)}
    return RawMessage(at, json.dumps(parsed), symbols_of(parsed))


def clock(at):
    return RawMessage(at, json.dumps({"kind": "clock", "ts": at}), ())


def recording():
    """Three days of two symbols, a wake-up on each, seven recorded days in all."""
    found = []
    for day in range(7):
        begin = OPEN + day * DAY_NS
        found.append(clock(begin))
        for i in range(30):
            found += [message(begin + (1 + 20 * i) * SECOND_NS, A, i)] + (
                [message(begin + (2 + 20 * i) * SECOND_NS, B, i)] if day < 3 else []
            )
    return found


@pytest.fixture(params=["sqlite", "questdb"])
def dsn(request, tmp_path):
    """The address of a store with a derived recording and imported bars on the day before."""
    where = f"sqlite:///{tmp_path / 'a.db'}" if request.param == "sqlite" else request.getfixturevalue("questdb_dsn")
    with open_store(where, create=True) as store:
        store.add_raw(recording())
        derive(store, [A, B], range(DAY, DAY + 7))
        imported = BarColumns.of([Bar(A, OPEN - DAY_NS, 1.0, 2.0, 1.0, 2.0, 5)])
        store.put_derived(A, range(DAY - 1, DAY), TickColumns.empty(), imported, [])
    return where


def everything(dsn):
    with open_store(dsn, readonly=True) as store:
        return {s: {d: state_of(store, s, d) for d in store.days(s)} for s in (A, B)}, store.events(*EVER)


def made_anew(dsn, check=False, symbols=(A, B), days=None):
    with open_store(dsn, readonly=check) as store:
        return rebuild(store, recorded_days(store, symbols, days), check=check)


def spoil(dsn):
    """Change a bar, lose a day, lose the wake-ups of a day."""
    with open_store(dsn) as store:
        day = day_start(DAY), day_start(DAY + 1)
        bars = store.bars(A, *day)
        bars = replace(bars, close=bars.close + 1)
        store.put_derived(A, range(DAY, DAY + 1), store.ticks(A, *day), bars, store.gaps(A, *day))
        store.put_derived(B, range(DAY + 1, DAY + 2), TickColumns.empty(), BarColumns.empty(), [])
        store.put_events(day_start(DAY + 2), day_start(DAY + 3), [])


def test_what_was_derived_is_equal_and_nothing_is_written(dsn):
    before = everything(dsn)
    for check in (True, False):
        report = made_anew(dsn, check)
        assert report.differences == ()
        assert (report.symbols, report.symbol_days, report.event_days) == (2, 10, 7)
    assert everything(dsn) == before


def test_what_differs_is_named_by_a_check_and_made_anew_by_a_rebuild(dsn):
    whole = everything(dsn)
    spoil(dsn)
    spoiled = everything(dsn)
    checked = made_anew(dsn, check=True)
    assert everything(dsn) == spoiled
    assert [(d.symbol, d.day) for d in checked.differences] == [("", DAY + 2), (B, DAY + 1), (A, DAY)]
    events, lost, changed = checked.lines()[:3]
    assert events == "events 2025-12-17: 0 → 1"
    assert lost.startswith(f"{B} 2025-12-16: nothing → 30 ticks, ")
    assert changed.count(" ticks, ") == 2
    assert "3 differ from what is stored (nothing was written)" in checked.lines()[-1]
    rebuilt = made_anew(dsn)
    assert rebuilt.differences == checked.differences
    assert everything(dsn) == whole
    assert made_anew(dsn, check=True).differences == ()


def test_only_days_and_symbols_asked_for_are_touched(dsn):
    spoil(dsn)
    assert made_anew(dsn, symbols=(B,), days=range(DAY, DAY + 1)).differences == ()
    assert [(d.symbol, d.day) for d in made_anew(dsn, symbols=(A,), days=range(DAY, DAY + 2)).differences] == [(A, DAY)]
    assert [(d.symbol, d.day) for d in made_anew(dsn).differences] == [("", DAY + 2), (B, DAY + 1)]


def test_messages_out_of_place_keep_their_rows_whichever_days_are_made_anew(dsn):
    with open_store(dsn) as store:
        store.add_raw([message(OPEN + 5 * DAY_NS + 9_000 * SECOND_NS, B, 40, said=OPEN + 9_000 * SECOND_NS)])
        derive(store, [B], [DAY + 5])
    whole = everything(dsn)
    for days in (range(DAY, DAY + 1), range(DAY + 5, DAY + 6), None):
        assert made_anew(dsn, check=True, days=days).differences == ()
        assert made_anew(dsn, days=days).differences == ()
    assert everything(dsn) == whole


def test_a_bar_that_waits_across_days_derived_apart_is_the_same(dsn):
    # More recorded days than are derived at a time: the last bar of the fifth is known on the sixth.
    with open_store(dsn, readonly=True) as store:
        bars = store.bars(A, day_start(DAY + 4), day_start(DAY + 5))
    assert int(bars.known_seq[-1]) >= day_start(DAY + 5)
    assert made_anew(dsn, check=True, symbols=(A,)).differences == ()


def test_the_command_says_it_by_its_exit_code(dsn, capsys):
    words = ["rebuild", "--store", dsn]
    assert main([*words, "--check"]) == 0
    assert "all equal by counts and seals" in capsys.readouterr().out
    spoil(dsn)
    assert main([*words, "--check", "--symbol", A]) == 1
    assert f"{A} 2025-12-15: " in capsys.readouterr().out
    assert main(words) == 0
    assert "3 differed" not in capsys.readouterr().err
    assert main([*words, "--check"]) == 0
    assert main([*words, "--from-date", "2024-01-01", "--to-date", "2024-01-02"]) == 3
    assert "the store has 2025-12-15 to 2025-12-21" in capsys.readouterr().err
    assert main([*words, "--symbol", "nobody"]) == 2


def test_rows_lost_on_a_server_are_said_and_come_back(questdb, questdb_dsn):
    with open_store(questdb_dsn, create=True) as store:
        store.add_raw(recording())
        derive(store, [A, B], range(DAY, DAY + 7))
    whole = everything(questdb_dsn)
    table = parse(questdb_dsn).prefix + "ticks"
    questdb.sql(f"ALTER TABLE '{table}' DROP PARTITION LIST '2025-12-16'")
    questdb.settled(table)
    checked = made_anew(questdb_dsn, check=True)
    assert [(d.symbol, d.day, d.before) for d in checked.differences] == [
        (s, DAY + 1, "damaged, rows are missing") for s in (B, A)
    ]
    assert made_anew(questdb_dsn).differences == checked.differences
    assert everything(questdb_dsn) == whole


def test_a_day_without_its_seal_is_sealed_again(tmp_path):
    where = f"sqlite:///{tmp_path / 'a.db'}"
    with open_store(where, create=True) as store:
        store.add_raw(recording())
        derive(store, [A], [DAY])
        store._db.execute("DELETE FROM days")
    report = made_anew(where, symbols=(A,), days=range(DAY, DAY + 1))
    assert len(report.differences) == 1
    assert "not sealed" in report.differences[0].before
    assert made_anew(where, symbols=(A,), days=range(DAY, DAY + 1)).differences == ()


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (DayState(), "nothing"),
        (DayState(kept_seal=3), "nothing, where rows were"),
        (DayState(1000, 2, 3, 255, 255), "1,000 ticks, 2 bars, 3 gaps (silences, late joins), seal 00000000000000ff"),
        (DayState(1, 2, 3, 255, 0), "1 ticks, 2 bars, 3 gaps (silences, late joins), seal 00000000000000ff, not sealed"),
        (DayState(1, 2, 3, 255, 7), "1 ticks, 2 bars, 3 gaps (silences, late joins), seal 00000000000000ff, not as sealed"),
        (DayState(kept_seal=3, is_readable=False), "damaged, rows are missing"),
    ],
)
def test_a_state_is_a_phrase(state, says):
    assert str(state) == says
