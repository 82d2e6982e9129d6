"""record --feed: the broker's feed into the store, bars and all, and nothing decided."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from auction_bt.cli import live_main, main
from auction_bt.cli.sim import seeded
from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.sim_process import SimProcess
from auction_bt.store.dsn import open_store

DAY = date(2026, 3, 10)
KEY = "NSE_FO|SIM-1"


def test_a_day_of_the_feed_is_recorded_with_its_bars_and_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = f"sqlite:///{(tmp_path / 'a.db').as_posix()}"
    with SimProcess(["--seed", "7", "--instruments", "1", "--per-minute", "4", "--day", str(DAY), "--speed", "900",
                     "--from-time", "13:00"]) as sim:  # fmt: skip
        clock = MarketClock(sim.ready.now, sim.ready.speed)
        with open_store(dsn, create=True) as store:
            store.put_instrument(next(seeded(1)))
        monkeypatch.setattr("auction_bt.cli.record_feed.WorldClock", lambda: clock)
        monkeypatch.setattr("auction_bt.cli.tokens.find_token", lambda *_: SimpleNamespace(
            text=sim.ready.token, describe=lambda _: "a token"))  # fmt: skip
        code = main(["record", "--feed", "upstox", "--symbol", KEY, "--store", dsn, "--state", str(tmp_path / "s"), "--base-url",
                     sim.ready.url, "--every", "1"])  # fmt: skip
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert "recording 1 symbol" in printed
    assert "lost 0 | store OK" in printed.splitlines()[-1]
    with open_store(dsn, readonly=True) as store:
        begin, end = day_start(from_date(DAY)), day_start(from_date(DAY) + 1)
        messages = sum(1 for _ in store.raw(begin, end, [KEY]))
        assert messages > 500
        assert len(store.bars(KEY, begin, end)) > 350  # the morning from candles
        assert len(store.ticks(KEY, begin, end)) > 300


def test_a_simulated_broker_that_stands_by_itself_is_enough_for_a_day_on_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What docs/live.md says of `sim` as a server, its own clock in the place of this machine's.
    monkeypatch.chdir(tmp_path)
    with SimProcess(["--seed", "7", "--per-minute", "4", "--day", str(DAY), "--speed", "900", "--from-time", "13:00"]) as sim:
        clock = MarketClock(sim.ready.now, sim.ready.speed)
        monkeypatch.setattr("auction_bt.cli.live.WorldClock", lambda: clock)
        for module in ("live", "instruments"):
            monkeypatch.setattr(f"auction_bt.cli.{module}.time", SimpleNamespace(time_ns=clock))
        monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", sim.ready.token)
        there = ["--base-url", sim.ready.url, "--state", "sim"]
        assert main(["instruments", "--refresh", "SIM", *there]) == 0
        assert "master of 2026-03-10: 3 instruments" in capsys.readouterr().out
        code = live_main(["--symbol", "SIM-1", *there, "--store", "sqlite:///sim.db", "--every", "1"])
    printed, problem = capsys.readouterr()
    assert code == 0, printed + problem
    assert "paper: 1 symbol, 2026-03-10, recording to sqlite:///sim.db" in printed
    assert "good until 2026-03-11 03:30 IST" in printed
    with open_store("sqlite:///sim.db", readonly=True) as store:
        begin, end = day_start(from_date(DAY)), day_start(from_date(DAY) + 1)
        assert len(store.bars(KEY, begin, end)) > 350


@pytest.mark.parametrize("is_recorder", [True, False])
def test_who_comes_after_the_close_is_told_when_the_exchange_next_opens(
    is_recorder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    evening = MarketClock(day_start(from_date(DAY)) + 21 * 60 * MINUTE_NS, 1.0)
    with open_store("sqlite:///a.db", create=True) as store:
        store.put_instrument(next(seeded(1)))
    for module in ("live", "record_feed"):
        monkeypatch.setattr(f"auction_bt.cli.{module}.WorldClock", lambda: evening)
    monkeypatch.setattr("auction_bt.cli.live.time", SimpleNamespace(time_ns=evening))
    with SimProcess(["--seed", "7", "--instruments", "1", "--per-minute", "1", "--day", str(DAY), "--speed", "6000"]) as sim:
        monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", sim.ready.token)
        there = ["--symbol", KEY, "--store", "sqlite:///a.db", "--base-url", sim.ready.url, "--every", "1"]
        code = main(["record", "--feed", "upstox", *there]) if is_recorder else live_main(there)
    printed, problem = capsys.readouterr()
    assert code == 0, printed + problem
    assert "trading on 2026-03-10 ended at 15:30: it next opens on Wednesday, 2026-03-11; what is left of the day is" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--feed", "upstox"], "no symbol to record"),
        (["--symbol", KEY], "add --feed upstox"),
        (["--feed", "upstox", "--symbol", KEY], "no access token"),
    ],
)
def test_what_cannot_be_recorded_is_one_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UPSTOX_ACCESS_TOKEN", raising=False)
    assert main(["record", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_symbol_that_nobody_knows_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", "a.b.c")
    assert main(["record", "--feed", "upstox", "--symbol", "X"]) == 2
    assert "unknown symbol 'X'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
