"""The journal gives back what was written and lets nothing be changed."""

import sqlite3
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.breakdown import Breakdown
from auction_bt.core.decision import Decision
from auction_bt.core.errors import BadInput
from auction_bt.core.sharpe import Trials
from auction_bt.core.trade import EXIT_REASONS, Fill, Levels, Side, Trade
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import NAME, Journal

real = st.floats(allow_nan=False)
ns = st.integers(-(2**63), 2**63 - 1)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
money = st.decimals(allow_nan=False, allow_infinity=False)
levels = st.builds(Levels, real, real, real, text)
decisions = st.builds(
    Decision, ns, ns, text, text, st.sampled_from(Side), text, text, levels, text, ns, real,
    st.lists(st.tuples(real, ns), max_size=3).map(tuple), st.dictionaries(text, real, max_size=4),
)  # fmt: skip
fills = st.lists(st.builds(Fill, ns, ns, real, ns, st.sampled_from(EXIT_REASONS), text), max_size=4).map(tuple)
trades = st.builds(
    Trade, text, text, st.sampled_from(Side), text, text, levels, ns, ns, ns, real, ns, ns, real, real,
    st.sampled_from(EXIT_REASONS), money, money, money, real, real, real, fills,
)  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(decisions, max_size=4), st.lists(trades, max_size=4))
def test_decisions_and_trades_come_back_equal_and_in_order(tmp_path_factory, said, done):
    with Journal.open(tmp_path_factory.mktemp("state")) as journal:
        other = journal.start_run("{}")
        run = journal.start_run('{"cash": 5}')
        journal.append_trades(other, done)
        for part in (said, []):
            journal.append_decisions(run, part)
        journal.append_trades(run, done)
        assert journal.decisions(run) == said
        assert journal.trades(run) == done
        assert journal.decisions(other) == []
        assert [str(t.pnl_net) for t in journal.trades(other)] == [str(t.pnl_net) for t in done]
        assert journal.runs() == [(other, "{}"), (run, '{"cash": 5}')]


def _trade(paid="1.25"):
    charged = Breakdown(stt=Decimal(paid), brokerage=Decimal("40.00"))
    return Trade("PUT", "A", Side.SHORT, "fade", "bear", Levels(2.0, 3.0, 1.0, "prior"), 5, 1, 1, 2.5, 2, 2, 1.5, 3.0, "stop",
                 Decimal(5), charged.total, Decimal(5) - charged.total, 0.5, 1.0, 0.25, (), charged, Side.LONG)  # fmt: skip


def test_charges_come_back_by_kind_and_a_put_as_bought(tmp_path):
    with Journal.open(tmp_path) as journal:
        run = journal.start_run("{}")
        journal.append_trades(run, [_trade(), _trade("0")])
        back = journal.trades(run)
    assert [str(t.costs.stt) for t in back] == ["1.25", "0"]
    assert [(t.costs, t.position) for t in back] == [(t.costs, t.position) for t in (_trade(), _trade("0"))]


def _decision(**evidence):
    return Decision(
        1, 2, "A", "refuse", Side.LONG, "fade", "bull", Levels(float("nan"), 2.0, 1.0, "rolling"), "cost", evidence=evidence
    )


def test_levels_and_evidence_that_are_no_numbers_yet_come_back_as_such(tmp_path):
    with Journal.open(tmp_path) as journal:
        run = journal.start_run("{}")
        journal.append_decisions(run, [_decision(atr=float("nan"))])
        (back,) = journal.decisions(run)
    assert back.levels.poc != back.levels.poc
    assert back.evidence["atr"] != back.evidence["atr"]


@pytest.mark.parametrize("table", ["runs", "decisions", "intents", "orders", "trades", "fills", "trials"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET rowid = 5", "UPDATE {} SET {key} = {key}"])
def test_nothing_in_the_journal_can_be_changed_or_deleted(tmp_path, table, statement):
    with Journal.open(tmp_path) as journal:
        run = journal.start_run("{}")
        journal.append_decisions(run, [_decision()])
        trade = Trade("A", "A", Side.LONG, "fade", "bull", Levels(1.0, 2.0, 0.5, "rolling"), 1, 1, 1, 1.0, 2, 2, 2.0, 0.5, "stop",
                      Decimal(1), Decimal(0), Decimal(1), 0.0, 1.0, 2.0, (Fill(1, 1, 1.0, 1, "entry"),))  # fmt: skip
        journal.append_trades(run, [trade])
        journal.append_trial(run, ["A"], 1, 2, "one", 0.5)
    with sqlite3.connect(tmp_path / NAME) as db:
        db.execute("INSERT INTO intents (run_id, seq, symbol, tag, payload) VALUES (1, 1, 'A', 't', '')")
        db.execute("INSERT INTO orders (run_id, seq, tag, order_id, state, payload) VALUES (1, 1, 't', 'o', 'open', '')")
        key = "trade_id" if table == "fills" else "run_id"
        if "rowid" not in statement or table not in {"fills", "trials"}:
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement.format(table, key=key))
    db.close()


def test_a_trade_that_cannot_be_written_takes_its_whole_batch_with_it(tmp_path):
    with Journal.open(tmp_path) as journal:
        run = journal.start_run("{}")
        with pytest.raises(OverflowError):
            journal.append_decisions(
                run, [_decision(), Decision(2**70, 2, "A", "enter", Side.LONG, "", "", Levels(1.0, 1.0, 1.0, ""))]
            )
        assert journal.decisions(run) == []


def test_every_append_reaches_the_disk_before_it_returns(tmp_path):
    with Journal.open(tmp_path) as journal:
        assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_reading_a_journal_that_is_not_there_makes_none(tmp_path):
    with pytest.raises(BadInput, match="no journal at"):
        Journal.open(tmp_path, readonly=True)
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_not_taken_for_a_journal(tmp_path):
    open_store(f"sqlite:///{tmp_path / NAME}", create=True).close()
    with pytest.raises(BadInput, match="not a journal"):
        Journal.open(tmp_path)


def test_trials_are_different_settings_on_days_and_symbols_that_overlap(tmp_path):
    with Journal.open(tmp_path) as journal:
        for symbols, begin, end, chosen, sharpe in (
            (["A"], 10, 20, "one", 0.1),
            (["B", "A"], 20, 30, "two", 0.3),
            (["A"], 5, 40, "one", 0.5),  # again: the last ratio counts
            (["A"], 15, 15, "three", None),
            (["A"], 15, 15, "four", float("nan")),
            (["A"], 31, 40, "later", 9.0),
            (["C"], 10, 30, "elsewhere", 9.0),
        ):
            journal.append_trial(journal.start_run("{}"), symbols, begin, end, chosen, sharpe)
        journal.append_trial(journal.start_run("{}"), ["A"], 15, 15, "one", None)  # no ratio takes the place of none

        found = journal.trials(["A", "B"], 15, 30)
        assert (found.count, found.variance) == (4, pytest.approx(0.02))
        assert journal.trials(["B"], 1, 20) == Trials(1, None)
        assert journal.trials(["B"], 1, 19) == journal.trials([], 1, 99) == Trials(0, None)


def test_journal_of_the_version_before_learns_of_trials_and_keeps_its_runs(tmp_path):
    with Journal.open(tmp_path) as journal:
        run = journal.start_run('{"cash": 5}')
        journal.append_decisions(run, [_decision()])
        journal.append_trades(run, [_trade()])
    with sqlite3.connect(tmp_path / NAME) as db:  # as version 1 made it
        db.execute("DROP TABLE trials")
        for column in ("costs", "position"):
            db.execute(f"ALTER TABLE trades DROP COLUMN {column}")
        db.execute("UPDATE schema_version SET version = 1")
    db.close()

    with Journal.open(tmp_path, readonly=True) as journal:
        assert journal.runs() == [(run, '{"cash": 5}')]
        assert journal.trades(run) == [_trade()]
        assert (journal.trades(run)[0].costs, journal.trades(run)[0].position) == (Breakdown(), None)
    with Journal.open(tmp_path) as journal:
        assert len(journal.decisions(run)) == 1
        journal.append_trades(run, [_trade()])
        assert [t.position for t in journal.trades(run)] == [None, Side.LONG]
        journal.append_trial(run, ["A"], 1, 2, "one", 0.5)
        assert journal.trials(["A"], 2, 3).count == 1
    with sqlite3.connect(tmp_path / NAME) as db, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("DELETE FROM trials")
    db.close()
