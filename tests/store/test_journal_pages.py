"""Pages of a journal say in SQL what the whole of it says in Python."""

import sqlite3
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from math import nan

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.breakdown import Breakdown
from auction_bt.core.decision import Decision, entry_of
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import day_index, day_start, to_datetime
from auction_bt.core.summary import summarise
from auction_bt.core.trade import Levels, Side, Trade
from auction_bt.result import trade_json
from auction_bt.store.journal import NAME, Journal
from auction_bt.store.journal_pages import WEEKDAYS, JournalPages, TradeFilter

LEVELS = Levels(100.0, 101.0, 99.0, "rolling")
START = day_start(20_000)  # a Friday
numbers = st.floats(-1e6, 1e6) | st.just(nan)
money = st.decimals(-(10**7), 10**7, places=2)


@st.composite
def a_trade(draw):
    entry = START + draw(st.integers(0, 8 * 86_400)) * 10**9
    is_open = draw(st.integers(0, 4)) == 0
    exit_ts = 0 if is_open else entry + draw(st.integers(0, 86_400)) * 10**9
    symbol, signal = draw(st.sampled_from([("A", "A"), ("B_1", "B_1"), ("PUT%", "A")]))
    gross, stt = draw(money), draw(st.decimals(0, 500, places=2))
    paid = Breakdown(stt=stt, brokerage=draw(st.sampled_from([Decimal(0), Decimal(20)])))
    return Trade(
        symbol, signal, draw(st.sampled_from(Side)), draw(st.sampled_from(["fade", "pullback"])),
        draw(st.sampled_from(["bull", "bear"])), LEVELS, draw(st.integers(1, 99)), entry, entry, draw(numbers), exit_ts,
        exit_ts, draw(numbers), draw(numbers), "open" if is_open else draw(st.sampled_from(["stop", "target1"])), gross,
        paid.total, gross - paid.total, draw(numbers), draw(numbers), draw(st.floats(-5, 5) | st.just(nan)), (), paid,
        draw(st.sampled_from([None, *Side])),
    )  # fmt: skip


some = st.lists(a_trade(), max_size=12)
slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def filled(folder, trades, others=()):
    """A run of `trades` with another's trades before and between; the pages, and the run's number."""
    with Journal.open(folder) as journal:
        other, run = journal.start_run("{}"), journal.start_run('{"cash": 1000000.0}')
        for part in (trades[: len(trades) // 2], trades[len(trades) // 2 :]):
            journal.append_trades(other, others)
            journal.append_trades(run, part)
    return JournalPages.open(folder, readonly=True), run


def matches(trade, chosen):
    row = f"{trade.symbol} {trade.signal_symbol} {trade.side.value} {trade.setup} {trade.regime} {trade.reason}"
    at = to_datetime(trade.entry_ts).strftime("%Y-%m-%d %H:%M:%S")
    day = day_index(trade.entry_ts if trade.is_open else trade.exit_ts)
    return (
        all(w.casefold() in f"{row} {at}".casefold() for w in chosen.words.split())
        and chosen.is_open in {None, trade.is_open}
        and chosen.symbol in {"", trade.signal_symbol}
        and chosen.day in {None, day}
    )


@slow
@given(some, some, st.builds(TradeFilter, st.sampled_from(["", "fade", "LONG stop", "%", "_", "a", "2024-10-0", "!"]),
                             st.sampled_from([None, True, False]), st.sampled_from(["", "A", "B_1"]),
                             st.none() | st.integers(20_000, 20_009)))  # fmt: skip
def test_a_filter_finds_what_python_finds(tmp_path_factory, trades, others, chosen):
    pages, run = filled(tmp_path_factory.mktemp("j"), trades, others)
    with pages:
        page = pages.trade_page(run, chosen)
        every = list(pages.every_trade(run, chosen))

    wanted = [(n, t) for n, t in enumerate(trades, 1) if matches(t, chosen)]
    assert [(n, t) for _, n, t in page.rows] == wanted
    assert every == [t for _, t in wanted]
    assert page.total == len(wanted)
    assert page.net == pytest.approx(float(sum((t.pnl_net for _, t in wanted if not t.is_open), Decimal(0))))


@slow
@given(some, st.sampled_from(["number", "symbol", "pnl_net", "entry_ts", "mae", "r_multiple", "levels", "position"]),
       st.booleans(), st.integers(1, 5))  # fmt: skip
def test_pages_of_a_sorted_list_make_the_list(tmp_path_factory, trades, sort, descending, limit):
    pages, run = filled(tmp_path_factory.mktemp("j"), trades)
    with pages:
        found = []
        while more := pages.trade_page(run, TradeFilter(), sort=sort, descending=descending, limit=limit, offset=len(found)).rows:
            assert len(more) <= limit
            found += more

    def key(pair):
        number, trade = pair
        value = number if sort == "number" else trade_json(trade)[sort]
        return number if sort == "number" else (trade.position.value if trade.position else None) if sort == "position" else value

    rows = list(enumerate(trades, 1))
    known = sorted(
        (r for r in rows if key(r) is not None), key=lambda r: (key(r), -r[0] if descending else r[0]), reverse=descending
    )
    assert [(n, t) for _, n, t in found] == known + [r for r in rows if key(r) is None]


@slow
@given(some, some)
def test_sums_are_those_of_a_summary(tmp_path_factory, trades, others):
    pages, run = filled(tmp_path_factory.mktemp("j"), trades, others)
    with pages:
        totals, groups, paid = pages.totals_of(run), pages.groups_of(run), pages.charges_of(run)
        closed = pages.closed(run)

    summary = summarise(trades, [], cash=Decimal(1_000_000), cost_name="x1")
    for name in ("trades", "open_trades", "gross", "charges", "net", "r_mean", "r_total"):
        wanted = getattr(summary, name)
        if name == "r_total" and summary.r_mean is None:
            wanted = None
        assert totals[name] == (wanted if wanted is None else pytest.approx(float(wanted), abs=0.006)), name
    assert totals["win_rate"] == (summary.win_rate if summary.trades else None)
    assert paid == {kind: pytest.approx(float(paid)) for kind, paid in summary.charges_by_kind}
    for name in ("side", "setup", "regime", "reason", "symbol"):
        wanted = {g.name: (g.trades, float(g.net), g.win_rate) for g in getattr(summary, f"by_{name}") if g.trades}
        found = {g["name"]: (g["trades"], g["net"], g["win_rate"]) for g in groups[name]}
        assert found.keys() == wanted.keys()
        assert all(found[k] == pytest.approx(wanted[k]) for k in wanted)
    over = [t for t in trades if not t.is_open]
    assert {g["name"]: g["trades"] for g in groups["hour"]} == Counter(
        f"{(h := to_datetime(t.entry_ts).hour):02}:00–{h:02}:59" for t in over
    )
    assert {g["name"]: g["trades"] for g in groups["weekday"]} == Counter(
        WEEKDAYS[to_datetime(t.entry_ts).weekday()] for t in over
    )
    assert {g["name"]: g["trades"] for g in groups["day"]} == Counter(f"{to_datetime(t.exit_ts):%Y-%m-%d}" for t in over)
    assert [round(net, 2) for _, net in closed] == [float(t.pnl_net) for t in sorted(over, key=lambda t: t.exit_ts)]


def decision(seq, action="enter", symbol="A", ts=None, reason=""):
    return Decision(seq, seq if ts is None else ts, symbol, action, Side.LONG, "fade", "bull", LEVELS, reason)


def trade(entry_seq, symbol="A", **values):
    end = entry_seq + 9
    one = Trade(symbol, symbol, Side.LONG, "fade", "bull", LEVELS, 1, entry_seq, entry_seq, 1.0, end, end, 2.0, 0.5, "stop",
                Decimal(1), Decimal(0), Decimal(1), 0.0, 0.0, 1.0, ())  # fmt: skip
    return replace(one, **values)


def test_the_decision_of_a_trade_is_found_as_among_all_of_them(tmp_path):
    decisions = [
        decision(s, **more)
        for s, more in ((1, {}), (2, {"symbol": "B"}), (3, {"action": "refuse"}), (4, {}), (4, {"ts": 9}), (7, {}))
    ]
    trades = [trade(0), trade(2), trade(4), trade(6), trade(2, "B"), trade(9)]
    with Journal.open(tmp_path) as journal:
        run, other = journal.start_run("{}"), journal.start_run("{}")
        journal.append_decisions(other, [decision(5)])
        journal.append_decisions(run, decisions)
        journal.append_trades(run, trades)
    with JournalPages.open(tmp_path, readonly=True) as pages:
        found = [pages.trade(n) for n in range(1, 7)]
        with pytest.raises(LookupError, match="no trade 7"):
            pages.trade(7)

    assert [(r, n, t) for r, n, t, _ in found] == [(run, n, t) for n, t in enumerate(trades, 1)]
    assert [d for *_, d in found] == [entry_of(t, decisions) for t in trades]


def test_decisions_are_paged_newest_first_and_counted_by_reason(tmp_path):
    said = [decision(i, "refuse" if i % 3 else "enter", reason="cost" if i % 2 else "r_multiple") for i in range(10)]
    with Journal.open(tmp_path) as journal:
        run = journal.start_run("{}")
        journal.append_decisions(run, said)
    with JournalPages.open(tmp_path, readonly=True) as pages:
        page, reasons = pages.decision_page(run, action="refuse", limit=2, offset=1)
        none, _ = pages.decision_page(run, words="cost xyz")
        assert pages.days(run) == [0]
        assert pages.symbols(run) == ["A"]

    refused = [d for d in said if d.action == "refuse"]
    assert [d for _, d in page.rows] == refused[::-1][1:3]
    assert page.total == len(refused)
    assert dict(reasons) == Counter(d.reason for d in refused)
    assert none.total == 0


def test_what_is_new_is_named(tmp_path):
    with Journal.open(tmp_path) as journal, JournalPages.open(tmp_path, readonly=True) as pages:
        run = journal.start_run('{"symbols": ["RELIANCE"]}')
        before = pages.newest()
        assert pages.newest() == before
        journal.append_trades(run, [trade(1)])
        second = journal.start_run('{"symbols": ["INFY"]}')
        assert pages.newest() != before
        assert pages.since(*before) == [run, second]
        assert pages.since(*pages.newest()) == []
        assert [row[0] for row in pages.run_page("", 10, 0).rows] == [second, run]
        assert [row[0] for row in pages.run_page("reliance", 10, 0).rows] == [run]
        assert pages.run_page("", 1, 1).rows == [(run, '{"symbols": ["RELIANCE"]}', 1, 0, 1.0)]


def test_trades_that_were_open_between_two_times_are_those_of_a_chart(tmp_path):
    over, still, later = trade(10), trade(30, exit_ts=0, exit_seq=0), trade(90)
    with Journal.open(tmp_path) as journal:
        run = journal.start_run("{}")
        journal.append_trades(run, [over, still, later, trade(40, "B")])
    with JournalPages.open(tmp_path, readonly=True) as pages:
        assert [t for *_, t in pages.trades_between(run, "A", 20, 90)] == [still]
        assert [t for *_, t in pages.trades_between(run, "A", 19, 91)] == [over, still, later]


def test_a_journal_of_an_older_version_is_paged_too(tmp_path):
    with Journal.open(tmp_path) as journal:
        run = journal.start_run("{}")
        journal.append_trades(run, [trade(1)])
    with sqlite3.connect(tmp_path / NAME) as db:  # as version 2 made it
        for column in ("costs", "position"):
            db.execute(f"ALTER TABLE trades DROP COLUMN {column}")
        db.execute("UPDATE schema_version SET version = 2")
    db.close()
    with JournalPages.open(tmp_path, readonly=True) as pages:
        assert pages.trade_page(run, TradeFilter(), sort="position").rows == [(1, 1, trade(1))]
        assert pages.charges_of(run) is None


def test_nothing_else_is_sorted_by(tmp_path):
    pages, run = filled(tmp_path, [])
    with pages, pytest.raises(BadInput, match=r"sort='id; DROP TABLE trades': trades are sorted by charges, "):
        pages.trade_page(run, TradeFilter(), sort="id; DROP TABLE trades")
