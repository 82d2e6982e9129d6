"""The preflight against the simulated broker: a line for everything, and an exit code that a timer can go by."""

import argparse

import pytest

from auction_bt.cli import preflight
from auction_bt.cli.configured import configured
from auction_bt.core.errors import NothingToDo
from auction_bt.core.ist import DAY_NS
from auction_bt.instruments.download import download
from auction_bt.sim.sessions import Scope
from tests.sim.made import FUTURE, SHARE, at
from tests.sim.served import logged_in, order, serving

NOW = at(8, 55)


@pytest.fixture
def broker():
    with serving(now=NOW, static_ips=("127.0.0.1",)) as made:
        yield made


@pytest.fixture
def look(broker, tmp_path, monkeypatch, capfd, run):
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", broker.sessions.grant(NOW))
    monkeypatch.chdir(tmp_path)
    download(f"{broker.url}/market-quote/instruments/exchange/complete.json.gz", tmp_path / "m.gz")
    assert run("instruments", "--from", "m.gz", "--date", "2026-11-23")[0] == 0

    capfd.readouterr()

    def looked(*words, now=NOW, sent=True, symbols=(FUTURE, SHARE)):
        words = [*(w for s in symbols for w in ("--symbol", s)), "--base-url", broker.url, "--orders", "upstox", *words]
        parser = argparse.ArgumentParser()
        preflight.add_arguments(parser)
        args = configured(parser, words, parser.parse_intermixed_args(words))
        told = []
        monkeypatch.setattr(
            preflight, "sender_of", lambda _: (lambda *said: told.append(said) or sent) if sent is not None else None
        )
        code = preflight.run(args, lambda: now)
        looked.told = told
        return code, capfd.readouterr().out.splitlines()

    return looked


def of(lines, name):
    return [line for line in lines if line[6:].startswith(f"{name}: ")]


def test_a_day_that_can_begin(look, tmp_path):
    before = set(tmp_path.rglob("*"))
    code, lines = look()
    assert code == 0, lines
    assert [line.split()[0] for line in lines[:-1] if "sessions" not in line] == ["PASS"] * (len(lines) - 2)
    names = [line[6:].split(":")[0] for line in lines[:-1]]
    assert names == ["token", "segments", "static IP", "funds", "positions", "orders", "clock", "sessions", "rules",
                     "contract NIFTY FUT 29 DEC 26", "contract RELIANCE", "expiry", "disk", "alert"]  # fmt: skip
    assert lines[-1].startswith("2026-11-23: ")
    assert {path.name for path in set(tmp_path.rglob("*")) - before} <= {"instruments.db-shm", "instruments.db-wal"}


def test_without_an_alert_channel_that_is_told(look):
    code, lines = look(sent=None)
    assert code == 0
    assert of(lines, "alert") == [
        "WARN  alert: no alert channel is configured: nobody is told when it stops: docs/operations.md says how"
    ]


def test_an_alert_that_does_not_arrive_fails_and_what_fails_is_sent(look, monkeypatch):
    code, lines = look(sent=False)
    assert code == 1
    assert of(lines, "alert") == ["FAIL  alert: a test could not be sent: look at the addresses, and at the network"]
    monkeypatch.delenv("UPSTOX_ACCESS_TOKEN")
    code, lines = look()
    assert code == 1
    assert look.told[-1][0] == "auction_bt: preflight failed"
    assert "token" in look.told[-1][1]


def test_what_is_held_and_what_waits_stops_real_orders_alone(look, broker):
    broker.broker.clock.now = at(10, 0)
    logged_in(broker).OrderApiV3.place_order(order(instrument_token=SHARE, price=1300.0))
    broker.broker.clock.now = NOW
    code, lines = look()
    assert code == 1
    assert "FAIL  orders: waiting before the day begins: RELIANCE BUY 10" in of(lines, "orders")[0]
    assert look("--orders", "paper")[0] == 0


def test_money_that_is_less_than_counted_on(look):
    code, lines = look("--cash", "99,00,000")
    assert code == 0
    assert "and the run counts on ₹99,00,000.00" in of(lines, "funds")[0]


@pytest.mark.parametrize(("seconds", "level"), [(0, "PASS"), (10, "WARN"), (-10, "WARN"), (100, "FAIL"), (-100, "FAIL")])
def test_a_clock_that_is_off(look, seconds, level):
    code, lines = look(now=NOW + seconds * 10**9)
    assert of(lines, "clock")[0].startswith(level)
    assert code == (level == "FAIL")


def test_another_address_and_none(look, broker):
    broker.static_ips = ("1.1.1.1",)
    assert of(look()[1], "static IP")[0].startswith("WARN")  # behind a router, as far as loopback tells
    broker.static_ips = ()
    code, lines = look()
    assert (code, of(lines, "static IP")[0][:4]) == (1, "FAIL")


@pytest.mark.parametrize("scope", [Scope.FULL, Scope.EXTENDED])
def test_a_token_the_broker_does_not_know_and_one_that_only_reads(look, broker, monkeypatch, scope):
    token = broker.sessions.grant(NOW, scope)
    if scope is Scope.FULL:
        broker.sessions.logout(token)
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", token)
    code, lines = look()
    assert code == 1
    said = "the broker refuses the token (401 UDAPI100050" if scope is Scope.FULL else "it gives no orders"
    assert said in of(lines, "token")[0]
    assert not any(token in line for line in lines)


def test_no_token_no_symbols_no_broker(look, broker, monkeypatch):
    monkeypatch.delenv("UPSTOX_ACCESS_TOKEN")
    code, lines = look(symbols=())
    assert code == 1
    assert "no access token" in of(lines, "token")[0]
    assert "give --symbol" in of(lines, "symbols")[0]
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", broker.sessions.grant(NOW))
    code, lines = look("--base-url", "http://127.0.0.1:9")
    assert code == 1
    assert "no answer" in of(lines, "network")[0]
    assert "no answer" in of(lines, "sessions")[0]


def test_a_closed_day_is_nothing_to_do(look):
    with pytest.raises(NothingToDo, match="it next opens on Monday, 2026-11-23") as caught:
        look(now=NOW - 2 * DAY_NS)
    assert caught.value.exit_code == 3


def test_a_name_nobody_knows(look):
    code, lines = look("--symbol", "NIFTI-FUT")
    assert code == 1
    assert "NIFTI" in of(lines, "symbols")[0]
