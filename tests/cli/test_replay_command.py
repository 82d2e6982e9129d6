"""The replay command: what it tells, that it is the same run, and its keys on a real terminal."""

import io
import json
import os
import re
import shutil
import sys
from contextlib import contextmanager
from datetime import date

import pytest

from auction_bt.cli.replay import Watch
from auction_bt.cli.screen import Screen
from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.core.news import Turned
from auction_bt.core.regime import Regime
from auction_bt.derive import derive
from auction_bt.feeds.decode import symbols_of
from auction_bt.pace import Pace
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.synthetic import DEMO, Shape, merge, messages
from tests.importing.made import ENVIRONMENT

DAYS = (date(2026, 3, 9), date(2026, 3, 10))
NAMES = [i.symbol for i in list(DEMO.values())[:2]]
DATES = ["--from-date", str(DAYS[1]), "--to-date", str(DAYS[1])]
LOOSE = ["--set", "period=30", "--set", "cost_multiple=0", "--set", "stop_cost_multiple=0", "--set", "min_r=0"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Return a folder with a store of two symbols' two days."""
    folder = tmp_path_factory.mktemp("replayed")
    with open_store(f"sqlite:///{folder / 'auction.db'}", create=True) as store:
        for number, day in enumerate(DAYS):
            pairs = list(DEMO.items())[:2]
            stream = merge(*(messages(i.symbol, day, shape, 3 + number, per_minute=4) for shape, i in pairs))
            store.add_raw(RawMessage(at, json.dumps(body), symbols_of(body)) for at, body in stream)
        for instrument in list(DEMO.values())[:2]:
            store.put_instrument(instrument)
        derive(store, NAMES, [from_date(d) for d in DAYS])
    return folder


@pytest.fixture
def words(recorded, tmp_path):
    """Return the options of a run on that store, with a state folder of its own."""
    both = [w for name in NAMES for w in ("--symbol", name)]
    return [*both, *DATES, *LOOSE, "--store", f"sqlite:///{recorded / 'auction.db'}", "--state", str(tmp_path / "state")]


def test_a_replay_is_the_backtest_and_tells_what_happens(run, words, tmp_path):
    code, out, error = run("replay", *words)
    assert (code, error) == (0, "")
    _, backtest, _ = run("backtest", *words, "--engine", "replay")
    told, summary = out.split("\n\n", 1)
    assert summary.split("\nKept")[0] == backtest.split("\nKept")[0]
    with Journal.open(tmp_path / "state", readonly=True) as journal:
        first, second = (number for number, _ in journal.runs())
        decisions, trades = journal.decisions(first), journal.trades(first)
        assert repr(decisions) == repr(journal.decisions(second))
        assert repr(trades) == repr(journal.trades(second))
    assert len(trades) > 3
    lines = told.splitlines()
    assert lines[0] == "Tue 10 Mar 2026"
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d  NSE_FO\|DEMO-\w+  (signal|refused|filled|closed|regime|leaving|lapsed) +\S.*", x)
               for x in lines[1:])  # fmt: skip
    count = {word: sum(f"  {word} " in line for line in lines) for word in ("signal", "refused", "filled", "closed", "regime")}
    assert count["signal"] == sum(d.action == "enter" for d in decisions)
    assert count["refused"] == sum(d.action == "refuse" for d in decisions)
    assert count["filled"] == sum(len(t.fills) for t in trades)
    assert count["closed"] == sum(not t.is_open for t in trades)
    assert count["regime"] > 3
    assert [x[:8] for x in lines[1:]] == sorted(x[:8] for x in lines[1:])
    assert re.search(r" (bought|sold) qty [\d,]+ \([\d,]+ lots?\) at ", told)
    assert "share" not in told


@pytest.mark.parametrize("speed", ["0", "-3", "nan"])
def test_a_speed_that_is_none_is_refused_in_one_line(bad, words, speed):
    assert "must be above 0" in bad("replay", *words, "--speed", speed)


def test_a_fast_replay_by_the_stamps_says_the_same(run, words):
    _, out, _ = run("replay", *words, "--speed", "1e9")
    assert out.split("\nKept")[0] == run("replay", *words)[1].split("\nKept")[0]


if sys.platform == "win32":
    pytest.skip("what follows needs a pseudo-terminal", allow_module_level=True)

import fcntl  # noqa: E402
import pty  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
import termios  # noqa: E402
import time  # noqa: E402


class Terminal:
    """A pseudo-terminal with a program on it."""

    def __init__(self, command, cwd):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, b"\x32\x00\xc8\x00\0\0\0\0")  # 50 lines of 200 columns
        self.mode = termios.tcgetattr(self.slave)
        self.text = ""
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave, cwd=cwd, env={**ENVIRONMENT, "TERM": "dumb"},
            start_new_session=True, preexec_fn=self._control,  # noqa: PLW1509 - no threads here
        )  # fmt: skip

    def _control(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def see(self, pattern, timeout=60.0):
        """Wait until what was printed since the last call matches; return the match, and forget all up to its end."""
        end = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            assert time.monotonic() < end, f"never saw {pattern!r} in {self.text[-3000:]!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.master, 65536).decode(errors="replace")
                except OSError:  # Linux's way to say that the other end is closed
                    pytest.fail(f"ended before {pattern!r}: {self.text[-3000:]!r}")
        self.text = self.text[found.end() :]
        return found

    def press(self, keys):
        os.write(self.master, keys.encode())

    def ended(self):
        """Wait for the end; return the exit code."""
        end = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < end, self.text[-3000:]
            if select.select([self.master], [], [], 0.05)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")
        while select.select([self.master], [], [], 0.2)[0]:
            self.text += os.read(self.master, 65536).decode(errors="replace")
        return self.process.returncode

    @property
    def is_as_found(self):
        return termios.tcgetattr(self.slave) == self.mode

    @property
    def is_ours(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)


@contextmanager
def terminal(command, cwd):
    t = Terminal(command, cwd)
    try:
        yield t
    finally:
        if t.process.poll() is None:
            os.killpg(t.process.pid, signal.SIGKILL)
            t.process.wait()
        os.close(t.master)
        os.close(t.slave)


def replaying(words, *more):
    return [sys.executable, "-m", "auction_bt", "replay", *words, *more]


def test_keys_pause_step_go_to_the_next_bar_and_quit_with_the_summary_so_far(words, tmp_path):
    with terminal(replaying(words, "--speed", "1"), tmp_path) as t:
        t.see(r"×1  .*0 open trades  \[space pause")
        assert t.is_ours
        t.press(" ")
        t.see("paused")
        for step in ("s", "\x1b[C", "\x1bOC"):
            t.press(step)
            t.see(r"\n?\d\d:\d\d:\d\d\.\d{3}  (NSE_FO\|DEMO-\w+ ltp [\d,.]+ \w|market info).*? → \S")
        t.press("b")
        t.see(r"\d\d:\d\d:\d\d\.\d{3}  [^\r\n]* → [^\r\n]*bar \d\d:\d\d is known \((I1|ticks)\)")
        t.press("+")
        t.see("paused at ×2 ")
        t.press(" ")
        t.see("IST  ×2 ")
        t.press("--")
        t.see("×0.5 ")
        t.press("xyz\x1b[A")  # mean nothing
        t.press("q")
        t.see("Ended early: .* nothing is kept.*Net after charges.*Other regime +not run")
        assert t.ended() == 0
        assert t.is_as_found
    assert not (tmp_path / "state" / "journal.db").exists()


def test_the_status_is_never_of_an_earlier_moment_than_the_line_above_it():
    out, instrument = io.StringIO(), DEMO[Shape.WALK]
    watch = Watch([instrument], Pace(lambda: 0), Screen(out, has_status=True))
    begin = day_start(from_date(DAYS[1])) + 10 * 60 * MINUTE_NS
    for message in watch.messages(RawMessage(begin + i * MINUTE_NS, "{}") for i in range(30)):
        watch.tell(Turned(message.ts, message.ts, instrument.symbol, None, Regime.BALANCED, 1.0, 2.0, 3.0))
    shown = re.findall(r"(\d\d:\d\d:\d\d)(  NSE| IST)", out.getvalue())
    assert len(shown) > 59
    assert [stamp for stamp, _ in shown] == sorted(stamp for stamp, _ in shown)


def test_full_speed_runs_to_its_end_with_a_status_and_gives_the_terminal_back(words, tmp_path):
    with terminal(replaying(words), tmp_path) as t:
        t.see("full speed")
        t.see("Kept: every decision")
        assert t.ended() == 0
        assert t.is_as_found


@pytest.mark.parametrize("how", ["ctrl-c", "term", "hup"])
def test_however_it_ends_the_terminal_is_as_it_was(words, tmp_path, how):
    with terminal(replaying(words, "--speed", "1"), tmp_path) as t:
        t.see("×1 ")
        assert t.is_ours
        if how == "ctrl-c":
            t.press("\x03")
            t.see("auction_bt: interrupted")
            assert t.ended() == 130
        else:
            number = signal.SIGTERM if how == "term" else signal.SIGHUP
            t.process.send_signal(number)
            assert t.ended() == -number
        assert t.is_as_found


@pytest.mark.skipif(shutil.which("bash") is None, reason="a shell with job control is needed")
def test_ctrl_z_gives_the_shell_its_terminal_and_fg_goes_on(words, tmp_path):
    bash = [shutil.which("bash"), "--norc", "--noprofile", "-i"]
    with terminal(bash, tmp_path) as t:
        quoted = " ".join(f"'{w}'" for w in replaying(words, "--speed", "1"))
        t.press(f"PS1=; {quoted}\n")
        t.see("×1  ")
        t.press("\x1a")
        t.see("Stopped")
        t.press("stty -a; echo over\n")
        assert " icanon" in t.see(r"speed.*?\nover").group()
        t.press("fg\n")
        t.see("×1  ")
        t.press(" ")
        t.see("paused")
        t.press("q")
        t.see("Ended early")
        t.press("stty -a; echo over\n")
        assert " icanon" in t.see(r"speed.*?\nover").group()


def test_in_a_pipe_there_are_lines_alone(words, tmp_path):
    done = subprocess.run(replaying(words), cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert "\r" not in done.stdout
    assert "messages/s" not in done.stdout
    assert done.stderr == ""
