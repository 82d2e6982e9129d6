"""run_live: a whole rehearsal, proved; what is refused; a process that dies in the middle of it and goes on."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auction_bt.cli import live_main, main
from auction_bt.core.bar import Source
from auction_bt.core.errors import Refused
from auction_bt.core.ist import day_start, from_date
from auction_bt.live import rehearsal
from auction_bt.live.command_box import RUN_LOCK
from auction_bt.store.dsn import open_store
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.journal import Journal

ROOT = Path(__file__).resolve().parents[2]
# Little risk, so that the margin of two trades is there.
REHEARSAL = ("--orders", "sim", "--seed", "7", "--instruments", "2", "--per-minute", "3", "--every", "1",
             "--set", "risk_fraction=0.002")  # fmt: skip


def prove(state: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    folder = state / "rehearsal"
    capsys.readouterr()
    code = main(
        ["verify", "--run", "last", "--state", str(folder), "--store", f"sqlite:///{folder / 'auction.db'}", "--json", "-"]
    )
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (code == 0) == found["same"]
    return found


def test_a_rehearsal_in_lockstep_is_its_replay_and_the_backtest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert live_main([*REHEARSAL, "--lockstep", "--symbol", "NIFTY-FUT", "--state", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "a made-up day has symbols of its own: NIFTY-FUT left out" in printed
    assert "the exchange agrees" in printed
    assert "ALARM" not in printed
    assert "SIM ENTRIES-ON | day net" in printed
    found = prove(tmp_path, capsys)
    assert found["same"]
    counts = {(c["kind"], c["against"]): c["live"][0] for c in found["comparisons"]}
    assert counts["trade", "backtest"] == counts["trade", "replay"] > 5
    assert counts["decision", "replay"] > 20

    folder = tmp_path / "rehearsal"
    account = [
        "eod",
        "--offline",
        "--date",
        "2026-03-10",
        "--state",
        str(folder),
        "--store",
        f"sqlite:///{folder / 'auction.db'}",
    ]
    assert main(account) == 0
    assert "PASS  verify: live = replay = backtest" in capsys.readouterr().out

    # A trade that was not is found.
    with Journal.open(folder) as journal:
        journal.append_trades(1, journal.trades(1)[:1])
    assert not prove(tmp_path, capsys)["same"]
    assert main(["verify", "--run", "last", "--state", str(folder), "--store", f"sqlite:///{folder / 'auction.db'}"]) == 1
    assert "first difference: a trade" in capsys.readouterr().out
    assert main(account) == 1
    assert "FAIL  verify: a trade of the run and of the replay differ" in capsys.readouterr().out


def test_a_rehearsal_with_faults_ends_with_the_exchange_s_position(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "faults.toml"
    plan.write_text(
        '[[sockets]]\nkind = "cut"\nframe = 300\n[[sockets]]\nkind = "close"\nframe = 700\ncode = 1000\n'
        '[[sockets]]\nkind = "duplicate"\nframe = 500\ntimes = 3\n[[sockets]]\nkind = "garbage"\nframe = 600\n'
        '[[sockets]]\nkind = "cut"\nframe = 10\non = "portfolio"\n'
        '[[faults]]\nkind = "token"\ncall = 1\non = "place"\n'
    )
    words = [*REHEARSAL, "--speed", "900", "--faults", str(plan), "--state", str(tmp_path / "state")]
    assert live_main(words) == 0
    printed = capsys.readouterr().out
    assert "the exchange agrees" in printed
    assert "ALARM market feed disconnected" in printed
    # The first order meets a token that has died, the later ones and the feed go on with the next.
    assert "Invalid token used" in printed.partition("logged in anew")[0]
    assert int(re.findall(r"the exchange agrees: (\d+) orders", printed)[0]) > 5
    found = prove(tmp_path / "state", capsys)
    assert found["same"], found
    assert {c["against"] for c in found["comparisons"]} == {"replay"}


def test_a_late_start_asks_for_the_minutes_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert live_main([*REHEARSAL, "--speed", "900", "--from-time", "14:00", "--state", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "the exchange agrees" in printed
    assert "stale bar" not in printed
    for symbol in ("NSE_FO|SIM-1", "NSE_FO|SIM-2"):
        turns = re.findall(rf"^(\S+)  {re.escape(symbol)}  regime (.*)$", printed, re.MULTILINE)
        assert "→" not in turns[0][1]  # how it stands, and not each change of the morning
        assert [at for at, _ in turns].count(turns[0][0]) == 1
    folder = tmp_path / "rehearsal"
    day = from_date(date(2026, 3, 10))
    assert main(["data", "--store", f"sqlite:///{folder / 'auction.db'}", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    days = [day for symbol in told["symbols"] for day in symbol["days"] if day["day"] == "2026-03-10"]
    # Minutes in which nothing was traded have no bar.
    assert len(days) == 2
    assert all(day["bars"] > 330 for day in days)
    with open_store(f"sqlite:///{folder / 'auction.db'}", readonly=True) as store:
        bars = store.bars("NSE_FO|SIM-1", day_start(day), day_start(day + 1))
    before = bars.source == Source.CANDLES
    assert 250 < before.sum() < 290  # 09:15 to 14:00
    assert (np.diff(bars.ts) > 0).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--orders", "upstox", "--symbol", "NIFTY-FUT"], "no access token"),
        (["--symbol", "NIFTY-FUT"], "no access token: set UPSTOX_ACCESS_TOKEN"),
        ([], "no symbol to run"),
        (["--lockstep"], "--lockstep is for a rehearsal: add --orders sim"),
        (["--seed", "7"], "--seed is for a rehearsal: add --orders sim"),
        ([*REHEARSAL, "--speed", "max"], "--speed max would end the day"),
        ([*REHEARSAL, "--every", "0"], "--every 0 must be"),
        ([*REHEARSAL, "--lockstep", "--faults", "3"], "nothing goes wrong"),
        (["--orders", "sim", "--store", "sqlite:///none.db"], "none.db"),
        ([*REHEARSAL, "--day", "2026-03-08"], "closed on 2026-03-08"),
    ],
)
def test_what_cannot_be_run_is_one_clear_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UPSTOX_ACCESS_TOKEN", raising=False)
    assert live_main(words) in {1, 2, 3}
    printed = capfd.readouterr().err.strip().splitlines()
    assert said in " ".join(printed), printed
    assert "Traceback" not in " ".join(printed)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "0"], "--speed 0 must be a number above 0, or max: 1 is the world's pace, 60 a minute in a second"),
        (["--speed", "fast"], "--speed fast must be a number above 0, or max: 1 is the world's pace, 60 a minute in a second"),
        (["--from-time", "25:10"], "--from-time '25:10' is no time: write HH:MM"),
        (["--faults", "nosuch"], "nosuch: cannot be read as a plan of faults"),
        (["--lockstep", "--faults", "5"], "in lockstep nothing goes wrong: leave out the faults or --lockstep"),
        (["--per-minute", "0"], "--per-minute 0 must be"),
        (["--seed", "-3"], "seed must be 0 or more, not -3"),
        (["--viewer", "foo"], "--viewer 'foo' must be HOST:PORT, as 127.0.0.1:8765"),
        (["--viewer", ":99999"], "--viewer ':99999' must be HOST:PORT, as 127.0.0.1:8765"),
    ],
)
def test_what_a_rehearsal_cannot_do_is_one_line_and_the_one_before_stays(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "state" / "rehearsal"
    rehearsal.fresh_folder(kept.parent, print)
    before = sorted(kept.iterdir())
    assert live_main([*REHEARSAL, "--state", "state", *words]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"auction_bt: {said}")
    assert printed.err.count("\n") == 1
    assert sorted(kept.iterdir()) == before


def test_a_start_that_fails_by_its_symbol_or_its_token_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for token, said in (("", "no access token"), ("a.b.c", "unknown symbol 'X'")):
        monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", token)
        assert live_main(["--symbol", "X"]) == 2
        assert said in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_says_what_it_throws_away(tmp_path: Path) -> None:
    said: list[str] = []
    folder = rehearsal.fresh_folder(tmp_path, said.append)
    assert said == []
    with Journal.open(folder) as journal:
        for _ in range(2):
            journal.start_run("{}")
    assert rehearsal.fresh_folder(tmp_path, said.append) == folder
    assert said == [f"a rehearsal begins its day anew: {folder} is emptied of the one before, 2 kept runs with it"]
    assert not (folder / "journal.db").exists()


def test_a_rehearsal_that_runs_is_not_thrown_away(tmp_path: Path) -> None:
    folder = rehearsal.fresh_folder(tmp_path, print)
    with FolderLock.take(folder, RUN_LOCK, "run"), pytest.raises(Refused, match=r"another rehearsal runs on .*: stop it first"):
        rehearsal.fresh_folder(tmp_path, print)
    assert (folder / RUN_LOCK).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize(("way", "said"), [("flatten", "leaving "), ("keep", "no trade is opened any more")])
def test_a_word_to_stop_is_obeyed_and_says_what_stays(way: str, said: str, tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-u",
        str(ROOT / "run_live.py"),
        *REHEARSAL,
        "--speed",
        "60",
        "--every",
        "0.2",
        "--from-time",
        "10:00",
        "--on-exit",
        way,
        "--state",
        str(tmp_path),
    ]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        has_asked = False
        for line in process.stdout:
            lines.append(line)
            if not has_asked and "| open 1 trades" in line:
                has_asked = True
                process.send_signal(signal.SIGINT)
        process.wait(60)
    printed = "".join(lines)
    assert process.returncode == 0, printed
    assert f"stopping: {said}" in printed
    assert "the exchange agrees" in printed
    assert (", flat" in printed.split("the exchange agrees")[1]) == (way == "flatten")
    assert ("rests at the exchange, its targets do not" in printed) == (way == "keep")
    assert "ALARM not flat" not in printed
