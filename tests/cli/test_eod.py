"""The end of a day against the simulated broker: trades and charges that are the same, and each way in which they are not."""

import argparse
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from auction_bt.brokers.indian import indian_charges
from auction_bt.cli import eod
from auction_bt.cli.configured import configured
from auction_bt.core.breakdown import Breakdown
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import DAY_NS, day_start
from auction_bt.core.leg import Leg
from auction_bt.core.trade import Fill, Levels, Side, Trade
from auction_bt.live.engine import LivePlan, Orders
from auction_bt.live.run_settings import run_settings
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from tests.sim.made import DAY, PLAIN, SHARE, at
from tests.sim.served import logged_in, market, order, serving

NOW = at(15, 55)
RELIANCE = Instrument(SHARE, Decimal("0.10"), name="RELIANCE")
PLAN = LivePlan((RELIANCE,), {}, Decimal(1_000_000), indian_charges(), day_start(DAY), Orders.UPSTOX)
SETTINGS = run_settings(PLAN, [Leg(RELIANCE, DAY, DAY, SHARE)])


def bought_and_sold(service):
    """Ten shares bought at 1,310.0 and sold at 1,312.0, and an order that was refused."""
    sdk = logged_in(service)
    service.broker.tick(SHARE, at(10, 0), 1310.0, 100)
    sdk.OrderApiV3.place_order(market(instrument_token=SHARE))
    service.broker.tick(SHARE, at(10, 0, 1), 1310.0, 100)
    sdk.OrderApiV3.place_order(market(instrument_token=SHARE, transaction_type="SELL"))
    service.broker.tick(SHARE, at(10, 0, 2), 1312.0, 100)
    sdk.OrderApiV3.place_order(order(instrument_token=SHARE, quantity=1_000_000))
    return [row.average_price for row in sdk.OrderApi.get_trade_history("2.0").data]


def ours(prices):
    paid = Breakdown()
    for price, buy in zip(prices, (True, False), strict=True):
        paid += indian_charges().of(RELIANCE, price, 10, buy=buy, day=DAY)
    gross = Decimal(str(prices[1] - prices[0])) * 10
    fills = (Fill(at(10, 0), at(10, 0), prices[0], 10, "entry"), Fill(at(10, 1), at(10, 1), prices[1], 10, "target1"))
    return Trade(SHARE, SHARE, Side.LONG, "fade", "balanced", Levels(1312.0, 1320.0, 1310.0, "rolling"), 10, at(10, 0), at(10, 0),
                 prices[0], at(10, 1), at(10, 1), prices[1], 1305.0, "target1", gross, paid.total, gross - paid.total, 0.0, 2.0,
                 0.4, fills, paid)  # fmt: skip


@pytest.fixture
def broker():
    with serving(now=at(10, 0)) as made:
        made.prices = bought_and_sold(made)
        made.broker.clock.now = NOW
        yield made


@pytest.fixture
def end(broker, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", broker.sessions.grant(NOW))
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".auction_bt").mkdir()
    with open_store("sqlite:///auction.db", create=True) as store:
        store.put_instrument(RELIANCE)

    def ended(*words, trade=None, now=NOW, **settings):
        with Journal.open(tmp_path / ".auction_bt") as journal:
            number = journal.start_run(json.dumps(SETTINGS | settings))
            journal.append_trades(number, [trade or ours(broker.prices)])
        words = ["--base-url", broker.url, *words]
        parser = argparse.ArgumentParser()
        eod.add_arguments(parser)
        args = configured(parser, words, parser.parse_intermixed_args(words))
        code = eod.run(args, lambda: now)
        return code, capsys.readouterr().out.splitlines()

    return ended


def of(lines, name):
    return [line for line in lines if line[6:].startswith(f"{name}: ")]


def test_a_folder_without_a_journal_is_nothing_to_do(run):
    code, _, error = run("eod", "--date", "2026-11-23")
    assert (code, error) == (3, "auction_bt: .auction_bt keeps no live run of 2026-11-23: `analyze` lists the runs there are\n")


def test_a_day_that_the_broker_tells_the_same(end):
    _, lines = end()
    assert lines[0] == "run 1, upstox, 2026-11-23: 1 closed trade"
    assert lines[1].startswith("  net −₹")
    assert of(lines, "broker's trades") == ["PASS  broker's trades: the same of 1 instrument"]
    assert of(lines, "broker's charges")[0].startswith("PASS")
    assert of(lines, "positions") == ["PASS  positions: none held"]
    assert of(lines, "refused orders")[0].startswith("WARN  refused orders: 1 × ")


def test_a_trade_of_which_the_broker_knows_nothing(end, broker):
    one = ours(broker.prices)
    code, lines = end(trade=replace(one, fills=(*one.fills, Fill(9, 9, 1310.0, 5, "entry"), Fill(9, 9, 1310.0, 5, "stop"))))
    assert code == 1
    told = "RELIANCE: we bought 15 for ₹19,650.00, sold 15"
    assert told in of(lines, "broker's trades")[0]
    assert of(lines, "broker's trades")[0].startswith("FAIL")


def test_what_others_traded_is_found_and_costs_the_run_nothing(end, broker):
    broker.broker.clock.now = at(15, 0)
    sdk = logged_in(broker)
    for side in ("BUY", "SELL"):
        sdk.OrderApiV3.place_order(market(instrument_token=PLAIN, transaction_type=side))
        broker.broker.tick(PLAIN, at(15, 0, 1), 400.0, 100)
    broker.broker.clock.now = NOW
    code, lines = end()
    assert code == 1
    assert "find out who did" in of(lines, "broker's trades")[0]
    assert of(lines, "broker's charges")[0].startswith("PASS")


def test_charges_that_are_not_the_broker_s(end, broker):
    one = ours(broker.prices)
    code, lines = end(trade=replace(one, charges=one.charges + 2))
    assert (code, of(lines, "broker's charges")[0][:4]) == (1, "FAIL")
    _, lines = end(costs=indian_charges(multiple=2).name)
    assert of(lines, "broker's charges")[0].startswith("WARN  broker's charges: not compared")


def test_what_is_still_held(end, broker):
    broker.broker.clock.now = at(15, 0)
    logged_in(broker).OrderApiV3.place_order(market(instrument_token=SHARE))
    broker.broker.tick(SHARE, at(15, 0, 1), 1311.0, 100)
    broker.broker.clock.now = NOW
    code, lines = end()
    assert code == 1
    assert "RELIANCE +10" in of(lines, "positions")[0]
    assert "still open" in of(lines, "broker's trades")[0]


def test_a_broker_who_is_not_asked_or_does_not_answer_is_told(end):
    assert of(end("--offline")[1], "broker's trades")[0].startswith("WARN  broker's trades: not asked (--offline)")
    assert "no answer" in of(end("--base-url", "http://127.0.0.1:9")[1], "broker's trades")[0]
    _, lines = end("--date", "2026-11-23", now=NOW + DAY_NS)
    assert "the broker tells of today's alone" in of(lines, "broker's trades")[0]
    assert of(end(orders="paper")[1], "broker's trades")[0].startswith("PASS  broker's trades: none to compare")


def test_a_contract_note(end, broker, tmp_path):
    one = ours(broker.prices)
    path = tmp_path / "note.csv"
    path.write_text(f"kind,amount\nbrokerage,{one.costs.brokerage}\ntotal,{one.charges}\nnet,{one.pnl_net + 5}\n")
    code, lines = end("--contract-note", str(path))
    assert code == 1
    assert [of(lines, f"note: {name}")[0][:4] for name in ("brokerage", "total", "net")] == ["PASS", "PASS", "FAIL"]
    with pytest.raises(BadInput, match="sent no orders"):
        end("--contract-note", str(path), orders="paper")


def test_without_messages_nothing_is_proved(end):
    code, lines = end("--offline")
    assert code == 1
    assert of(lines, "recording RELIANCE")[0].startswith("FAIL  recording RELIANCE: nothing of the day is stored")
    assert of(lines, "verify")[0].startswith("FAIL")


def test_the_last_run_of_the_day_counts_and_a_day_without_one_is_nothing_to_do(end):
    end("--offline")
    assert end("--offline")[1][0].startswith("run 2, ")
    with pytest.raises(NothingToDo, match="no live run of 2026-11-20"):
        end("--date", "2026-11-20")
