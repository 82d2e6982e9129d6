"""Before real orders: a list, a name typed, one bot an account, one trade at a time."""

import argparse
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from auction_bt.cli import live_main
from auction_bt.cli.real_orders import confirm, hold_account, most_open
from auction_bt.cli.sim import seeded
from auction_bt.core.errors import BadInput, Refused
from auction_bt.live import rehearsal
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.sim_process import SimProcess
from auction_bt.store.journal import Journal
from tests.waiting import until

DAY = date(2026, 3, 10)


def asked(tmp_path: Path, **given: object) -> argparse.Namespace:
    return argparse.Namespace(**{"state": tmp_path, "yes": False, "max_positions": 0, **given})


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auction_bt.cli.real_orders.has_terminal", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_the_first_time_shows_the_list_and_wants_the_account_s_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refused, match="nothing was sent"):
        confirm(asked(tmp_path), "AB1234", lambda _: "yes")
    assert "rehearsed with --orders sim" in capsys.readouterr().out
    confirm(asked(tmp_path, yes=True), "AB1234", lambda _: "AB1234")  # --yes does not leave the list out
    assert "with real money, for the first time" in capsys.readouterr().out
    confirm(asked(tmp_path), "AB1234", lambda _: "AB1234")
    said = capsys.readouterr().out
    assert "first time" not in said
    assert "at most 1 open trade at a time" in said


def test_without_a_terminal_only_who_has_confirmed_before_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auction_bt.cli.real_orders.has_terminal", lambda: False)
    with pytest.raises(Refused, match="run it once on a terminal"):
        confirm(asked(tmp_path, yes=True), "AB1234")
    (tmp_path / "real-orders").touch()
    confirm(asked(tmp_path, yes=True), "AB1234")
    with pytest.raises(Refused, match="add --yes"):
        confirm(asked(tmp_path), "AB1234")


@pytest.mark.parametrize(("wanted", "guard", "most"), [(0, 0, 1), (0, 5, 1), (3, 0, 3), (3, 5, 3), (9, 5, 5)])
def test_one_trade_at_a_time_until_more_is_said(wanted: int, guard: int, most: int) -> None:
    assert most_open(wanted, {"max_concurrent": guard}) == most
    assert most_open(wanted, {}) == (wanted or 1)


@pytest.mark.skipif(sys.platform == "win32", reason="another folder")
def test_one_bot_an_account_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    where = {"XDG_STATE_HOME": str(tmp_path)}
    code = ("import sys; from auction_bt.cli.real_orders import hold_account\n"
            f"lock = hold_account('AB1234', {where!r}); print('held', flush=True); sys.stdin.read()")  # fmt: skip
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Refused, match=f"another bot on this account \\(process {other.pid} on .*one at a time"):
            hold_account("AB1234", where)
        hold_account("CD5678", where).release()
        other.kill()
    hold_account("AB1234", where).release()
    with pytest.raises(BadInput, match="whose account"):
        hold_account("", where)


def test_addresses_of_alerts_are_no_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert live_main(["--alerts", "json://x", "--state", str(tmp_path)]) == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_real_orders_reach_a_broker_and_end_with_its_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state, before = tmp_path / "state", tmp_path / "before"
    dsn = f"sqlite:///{(tmp_path / 'a.db').as_posix()}"
    before.mkdir()
    rehearsal.fill_made_up(before, 7, list(seeded(1)), DAY, 3)
    Path(rehearsal.store_of(before).removeprefix("sqlite:///")).rename(tmp_path / "a.db")
    words = [
        "--seed",
        "7",
        "--instruments",
        "1",
        "--per-minute",
        "3",
        "--day",
        str(DAY),
        "--speed",
        "600",
        "--from-time",
        "13:30",
    ]
    with SimProcess(words) as sim:
        clock = MarketClock(sim.ready.now, sim.ready.speed)
        monkeypatch.setattr("auction_bt.cli.live.WorldClock", lambda: clock)
        monkeypatch.setattr("auction_bt.cli.live.time", SimpleNamespace(time_ns=clock))
        monkeypatch.setattr("auction_bt.cli.real_orders.has_terminal", lambda: True)
        monkeypatch.setattr("builtins.input", lambda _: "SIM001")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", sim.ready.token)
        code = live_main(["--orders", "upstox", "--symbol", "NSE_FO|SIM-1", "--store", dsn, "--state", str(state), "--base-url",
                          sim.ready.url, "--every", "1", "--set", "cost_multiple=0", "--set", "min_r=0"])  # fmt: skip
        printed = capsys.readouterr().out
        assert code == 0, printed
        until(lambda: sim.is_over)
    assert "UPSTOX ENTRIES-ON" in printed
    assert "order requests" in printed
    assert sim.last["orders"] > 2
    assert {key: qty for key, qty in sim.last["positions"].items() if qty} == {}
    assert all(tag.startswith("abt") for tag in sim.last["tags"])
    with Journal.open(state, readonly=True) as journal:
        assert {tag for _, _, tag, _ in journal.intents(0, 2**62)} == set(sim.last["tags"])
        assert {s.state for s in journal.orders(1)} >= {"place accepted", "complete", "cancel asked"}
