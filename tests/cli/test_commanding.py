"""halt, resume and flatten: to a bot that runs, to one that does not, and to the broker without one."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from auction_bt.cli import main
from auction_bt.live.command_box import RUN_LOCK, Command, CommandBox
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import LOCK
from auction_bt.upstox.token import Token
from tests.cli.test_live import REHEARSAL, ROOT
from tests.sim.made import FUTURE, SHARE
from tests.sim.served import logged_in, order, serving


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_a_running_bot_obeys_and_says_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "rehearsal"
    words = [sys.executable, "-u", str(ROOT / "run_live.py"), *REHEARSAL, "--speed", "240", "--every", "0.2", "--from-time",
             "10:00", "--state", str(tmp_path)]  # fmt: skip
    lines: list[str] = []
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "| open 1 trades" in line:
                break
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
        reader.start()
        try:
            assert main(["flatten", "--state", str(state)]) == 0
            assert capsys.readouterr().out.strip() == "flat"
            assert main(["resume", "nowhere", "--state", str(state)]) == 1
            assert "no symbol nowhere in this run: it trades SIM-1, SIM-2" in capsys.readouterr().out
            assert main(["resume", "--state", str(state)]) == 0
            assert "trades are opened again" in capsys.readouterr().out
            assert main(["flatten", "sim-1", "--state", str(state)]) == 0
            assert main(["halt", "--state", str(state)]) == 0
            assert "no new trade is opened" in capsys.readouterr().out
            assert main(["resume", "--state", str(state)]) == 0
            assert "still blocked: NSE_FO|SIM-1 (flattened)" in capsys.readouterr().out
        finally:
            process.send_signal(2)
            process.wait(60)
            reader.join()
    printed = "".join(lines)
    assert process.returncode == 0, printed
    assert "flatten (command line): flat" in printed
    assert "ENTRIES-OFF (flattened)" in printed
    assert "the exchange agrees" in printed


def test_a_word_to_a_bot_that_does_not_run_is_its_first_at_the_next_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "journal.db").touch()
    assert main(["halt", "--state", str(tmp_path)]) == 3, "nobody has taken it"
    assert capsys.readouterr().out == f"no bot runs on {tmp_path}: the next start there begins with it\n"
    waiting = CommandBox(tmp_path).waiting()
    assert [(c.what, c.by) for c in waiting] == [("halt", "command line")]


@pytest.mark.parametrize("what", ["halt", "resume"])
def test_a_folder_on_which_nothing_has_ever_run_is_refused(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "nowhere", tmp_path / "empty"):
        assert main([what, "--state", str(folder)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == (f"auction_bt: {folder} is no state folder (nothing has ever run on it), and no word was left: "
                            "give the bot's --state\n")  # fmt: skip
    assert os.listdir(tmp_path) == ["empty"]
    assert os.listdir(tmp_path / "empty") == []


def test_the_bot_of_a_rehearsal_is_named_where_the_folder_around_it_was_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", "a.b.c")
    folder = tmp_path / "rehearsal"
    with FolderLock.take(folder, RUN_LOCK, "run"):
        assert main(["halt", "--state", str(tmp_path)]) == 3
        assert f"; a rehearsal's bot runs on {folder}: give --state {folder} for that one" in capsys.readouterr().out
        assert main(["flatten", "--state", str(tmp_path), "--base-url", "http://127.0.0.1:9"]) == 1
        assert f"a rehearsal's bot runs on {folder}" in capsys.readouterr().out
    assert main(["halt", "--state", str(tmp_path)]) == 3
    assert "rehearsal" not in capsys.readouterr().out.replace(str(tmp_path), "")


def test_the_box_keeps_the_order_and_what_is_no_command_does_not_stay(tmp_path: Path) -> None:
    box = CommandBox(tmp_path)
    names = [box.post(Command(what, "X", "viewer")) for what in ("halt", "resume", "flatten")]
    (tmp_path / "commands" / "1.json").write_text("{")
    (tmp_path / "commands" / "2.json").write_text('{"what": "buy"}')
    assert [c.name for c in box.waiting()] == names
    assert not (tmp_path / "commands" / "1.json").exists()
    box.drop(names[0])
    box.tell(names[0], "done")
    assert not box.take_back(names[0], 0)
    box.accept(names[1])
    assert not box.take_back(names[1], 0), "it is in hand"
    assert [c.name for c in box.waiting()] == names[1:], "and is obeyed after a crash"
    box.drop(names[1])
    assert box.take_back(names[2], 0)
    assert box.waiting() == []
    assert box.answer(names[0], 0) == "done"
    assert box.answer(names[0], 0) is None


def test_without_a_bot_what_is_ours_is_flattened_and_what_is_not_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "journal.db").touch()
    with serving() as service:
        api = logged_in(service).OrderApiV3
        tick = service.broker.tick

        def market() -> None:
            for key, price in ((FUTURE, 25_000.0), (SHARE, 1310.0)):
                tick(key, service.broker.clock(), price, 10_000, price - 0.1, price + 0.1, traded=True)

        market()
        future = {"instrument_token": FUTURE, "quantity": 65, "order_type": "MARKET", "price": 0.0}
        api.place_order(order(**future, tag="abt1e1"))
        api.place_order(order(order_type="MARKET", price=0.0, tag="mine"))
        market()
        stop = {**future, "order_type": "SL-M", "trigger_price": 24_900.0, "transaction_type": "SELL"}
        api.place_order(order(**stop, tag="abt1s2"))
        token = Token.of(service.sessions.grant(service.broker.clock()), "here")  # of a day that is over
        monkeypatch.setattr("auction_bt.cli.flatten.token_of", lambda *_: token)
        done = threading.Event()

        def trade_on() -> None:
            while not done.wait(0.05):
                market()

        thread = threading.Thread(target=trade_on)
        thread.start()
        try:
            assert main(["flatten", "--state", str(tmp_path), "--base-url", service.url]) == 0
        finally:
            done.set()
            thread.join()
        printed = capsys.readouterr().out
        assert "take back abt1s2" in printed
        assert "+65 at market" in printed
        assert "flat: nothing of the bot's is open" in printed
        assert [c.what for c in CommandBox(tmp_path).waiting()] == ["halt"], "and its next start opens nothing"
        held = {p.key: p.quantity for p in service.broker.read(lambda exchange, _: list(exchange.books.positions()))}
        assert {key: qty for key, qty in held.items() if qty} == {SHARE: 10}
        assert main(["flatten", "--state", str(tmp_path), "--base-url", service.url]) == 0, "again is no harm"
        assert "+65 at market" not in capsys.readouterr().out


def test_a_run_that_takes_no_word(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auction_bt.cli.commanding._TAKEN_S", 0.2)
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", "a.b.c")
    with FolderLock.take(tmp_path, RUN_LOCK, "run"):
        assert main(["resume", "--state", str(tmp_path)]) == 1
        assert "takes no word" in capsys.readouterr().err
        assert CommandBox(tmp_path).waiting() == [], "nothing is left to be done hours later"
        assert main(["flatten", "--state", str(tmp_path), "--base-url", "http://127.0.0.1:9"]) == 1
    said = capsys.readouterr()
    assert "takes no word: doing it from here" in said.out
    assert "the broker cannot be reached" in said.err
    assert [c.what for c in CommandBox(tmp_path).waiting()] == ["halt"]


def test_flatten_without_a_broker_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", "a.b.c")
    state = tmp_path / "nowhere"
    assert main(["flatten", "--state", str(state), "--base-url", "http://127.0.0.1:9"]) == 1
    said = capsys.readouterr()
    assert "the broker cannot be reached" in said.err
    assert f"{state} is no state folder" in said.out
    assert not state.exists()


def test_a_recorder_alone_is_no_bot(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", "a.b.c")
    with FolderLock.take(tmp_path, LOCK, "recorder"):
        assert main(["halt", "--state", str(tmp_path)]) == 3
        assert "the next start there begins with it" in capsys.readouterr().out
        assert main(["flatten", "--state", str(tmp_path), "--base-url", "http://127.0.0.1:9"]) == 1
    assert "no bot runs" in capsys.readouterr().out
