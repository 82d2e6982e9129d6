"""Each check says how it stands and what to do."""

import argparse
import os
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest

from auction_bt import doctor
from auction_bt.cli import arguments, main
from auction_bt.cli import doctor as command
from auction_bt.core.bar import Bar, BarColumns
from auction_bt.core.ist import DAY_NS, day_start, from_date
from auction_bt.core.tick import TickColumns
from auction_bt.doctor import INSTRUMENT_DAY, Level, RecordedDay
from auction_bt.store import RawMessage
from auction_bt.store.address import parse
from auction_bt.store.dsn import open_store
from auction_bt.store.message_blocks import Kept
from auction_bt.store.questdb.health import examine
from auction_bt.store.spool import NAME as SPOOL
from auction_bt.store.spool import Spool

ROOT = Path(__file__).resolve().parents[1]
DAY = 20_437
NOON = day_start(DAY) + 43_200 * 10**9
GB = 10**9
BUSY = RecordedDay("2025-12-15", 40_000, 1000.0)


@pytest.mark.parametrize(
    ("finding", "level", "says"),
    [
        (doctor.python((3, 11, 7)), "PASS", "3.11.7"),
        (doctor.python((3, 10, 2)), "FAIL", "3.10.2 is too old: install 3.11 or newer"),
        (doctor.clock(NOON), "PASS", "sane"),
        (doctor.clock(0), "FAIL", "the year 1970: set it"),
        (doctor.clock(2**63 - 1), "FAIL", "the year 2262"),
        (doctor.server_clock(-2 * GB), "PASS", "within 2 s"),
        (doctor.server_clock(2_100_000_000), "WARN", "2.1 s ahead of this machine's: keep both by NTP"),
        (doctor.server_clock(-90 * GB), "WARN", "90.0 s behind"),
        (doctor.loopback("127.0.0.1"), "PASS", "on this machine"),
        (doctor.loopback("localhost"), "PASS", "on this machine"),
        (doctor.loopback("::1"), "PASS", "on this machine"),
        (doctor.loopback("db.lan"), "WARN", "127.0.0.1:9000 db.lan) and 127.0.0.1"),
        (doctor.disk("disk", 80 * GB), "PASS", "80.0 GB free"),
        (doctor.disk("disk", 4 * GB), "WARN", "archive --older-than 30d"),
        (doctor.disk("disk", 10**8), "FAIL", "100.0 MB free: make room now"),
        (doctor.days_left(100 * GB, None), "PASS", "3,497 to 5,128 days of one instrument"),
        (doctor.days_left(GB // 2, None), "WARN", "make room before recording"),
        (doctor.days_left(52 * GB, BUSY), "PASS", "1,000 days like 2025-12-15 (40,000 messages, 52.0 MB"),
        (doctor.days_left(GB, BUSY), "WARN", "19 days"),
        (doctor.days_left(GB // 10, BUSY), "FAIL", "2 days"),
        (doctor.state_folder("s", is_there=False, is_writable=True, mode=0), "PASS", "can be made"),
        (doctor.state_folder("s", is_there=False, is_writable=False, mode=0), "FAIL", "cannot be made: give its permissions"),
        (doctor.state_folder("s", is_there=True, is_writable=False, mode=0o555), "FAIL", "cannot be written"),
        (doctor.state_folder("s", is_there=True, is_writable=True, mode=0o700), "PASS", "private"),
        (doctor.state_folder("s", is_there=True, is_writable=True, mode=0o755), "PASS", "chmod 700 s keeps it private"),
        (doctor.state_folder("s", is_there=True, is_writable=True, mode=0o775), "WARN", "may be written by others"),
    ],
)  # fmt: skip
def test_a_check_says_how_it_stands_and_what_to_do(finding, level, says):
    assert finding.level == level
    assert says in finding.told
    assert str(finding) == f"{level}  {finding.what}: {finding.told}"


def test_messages_that_wait_and_dead_letters_are_said():
    assert [f.level for f in doctor.spool(0, 0, "x")] == [Level.PASS]
    waiting, dead = doctor.spool(1_234, 2, "questdb://admin@h:8812/qdb?http=9000")
    assert "1,234 messages wait for questdb://admin@h:8812/qdb?http=9000" in waiting.told
    assert "2 dead letters" in dead.told
    assert {waiting.level, dead.level} == {Level.WARN}


@pytest.mark.parametrize(
    ("requirement", "name", "bounds"),
    [
        ("numpy<3,>=1.26", "numpy", [(">=", "1.26"), ("<", "3")]),
        ("urllib3!=2.6.0,<3,>=2", "urllib3", [("!=", "2.6.0"), (">=", "2"), ("<", "3")]),
        ("pyarrow>=15", "pyarrow", [(">=", "15")]),
        ("upstox-python-sdk (<3,>=2.30)", "upstox-python-sdk", [(">=", "2.30"), ("<", "3")]),
        ('pytest[x]>=8; extra == "test"', "pytest", [(">=", "8")]),
        ("flask", "flask", []),
    ],
)
def test_a_requirement_is_a_name_and_bounds(requirement, name, bounds):
    assert doctor.parsed(requirement) == (name, bounds)
    assert doctor.is_always_needed(requirement) == ("extra" not in requirement)


@pytest.mark.parametrize(
    ("installed", "bounds", "does"),
    [
        ("2.4.6", [(">=", "1.26"), ("<", "3")], True),
        ("3.0", [("<", "3")], False),
        ("1.9.78.123", [(">=", "1.9.78.123")], True),
        ("1.9.78", [(">=", "1.9.78.123")], False),
        ("2.6.0", [("!=", "2.6.0")], False),
        ("2.6", [("!=", "2.6.0")], False),
        ("2.10", [(">", "2.9")], True),
        ("2.10", [("<=", "2.9")], False),
        ("2.0rc1", [("==", "2.0.0")], True),
        ("1.5", [("~=", "1.4")], True),
        ("2.0", [("~=", "1.4")], False),
        ("odd", [(">=", "1")], False),
        ("odd", [], True),
    ],
)
def test_a_version_keeps_to_bounds_or_not(installed, bounds, does):
    assert doctor.fits(installed, bounds) == does


def test_packages_that_are_missing_or_too_old_say_how_to_get_them():
    (good,) = doctor.packages([("numpy>=1.26", "2.0"), ("flask", "3")])
    assert (good.level, good.told) == (Level.PASS, "2 installed in the versions needed")
    missing, old = doctor.packages([("numpy<3,>=1.26", None), ("pyarrow>=15", "14.0.2"), ("flask", "3")])
    assert missing.told == "numpy is missing: run make install, or pip install 'numpy>=1.26,<3'"
    assert old.told == "pyarrow 14.0.2 does not fit: run make install, or pip install 'pyarrow>=15'"
    assert {missing.level, old.level} == {Level.FAIL}


# --- the command


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Return a function that runs doctor in an empty folder and returns its code and lines."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = main(["doctor", *words])
        out, error = capsys.readouterr()
        assert error == ""
        return code, out.splitlines()

    return call


@pytest.fixture
def today(monkeypatch):
    """Return a function that makes it noon of a day."""

    def be(*day):
        noon = day_start(from_date(date(*day))) + DAY_NS // 2
        monkeypatch.setattr("time.time_ns", lambda: noon)

    return be


def line(lines, what):
    (found,) = [each for each in lines if each[6:].startswith(f"{what}: ")]
    return found


def test_a_new_place_passes_with_one_thing_to_do(told, tmp_path, today):
    today(2026, 10, 5)
    code, lines = told()
    assert code == 0
    assert line(lines, "store").startswith("WARN  store: no store at sqlite:///auction.db: import or record")
    assert line(lines, "packages").startswith("PASS")
    assert "by rule of thumb" in line(lines, "days left")
    assert lines[-1].endswith("1 to look at, 0 failed")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("day", "known", "hours"),
    [
        ((2026, 10, 5), "PASS", []),
        ((2026, 11, 22), "PASS", []),
        ((2026, 11, 23), "PASS", ["2026-12-07 (unverified)"]),
        ((2026, 12, 1), "PASS", ["2026-12-07 (unverified)"]),
        ((2026, 12, 2), "WARN", ["2026-12-07 (unverified)"]),
        ((2026, 12, 7), "WARN", []),
        ((2027, 1, 4), "WARN", []),
        ((2026, 8, 25), "PASS", ["2026-09-07 (sure)"]),
        ((2026, 8, 28), "PASS", ["2026-09-07 (sure)", "2026-09-11 (unverified)"]),
    ],
)
def test_days_that_run_out_and_hours_that_change_are_told_in_time(told, today, day, known, hours):
    today(*day)
    _, lines = told()
    assert line(lines, "calendar").startswith(f"{known}  calendar: the exchanges' days are known to 2026-12-31")
    assert ("AUCTION_CALENDAR" in line(lines, "calendar")) == (known == "WARN")
    found = [each for each in lines if each[6:].startswith("hours: ")]
    assert [each.partition("from ")[2].partition(":")[0] for each in found] == hours
    assert all(each.startswith("WARN") for each in found)


def test_the_users_own_calendar_counts_and_a_bad_one_fails(told, today, tmp_path, monkeypatch):
    today(2026, 12, 10)
    monkeypatch.setenv("AUCTION_CALENDAR", "own.csv")
    file = tmp_path / "own.csv"
    assert line(told()[1], "calendar").startswith("FAIL  calendar: AUCTION_CALENDAR names own.csv, which cannot be read")
    file.write_text(
        "date,kind,windows,bse_windows,name,certainty,source\n2027-06-30,known,,,,sure,x\n2027-01-26,holiday,,,,sure,x\n"
    )
    assert line(told()[1], "calendar") == "PASS  calendar: the exchanges' days are known to 2027-06-30"


def test_a_recorded_day_is_what_days_left_are_measured_by(told):
    with open_store("sqlite:///auction.db", create=True) as store:
        store.append_raw([RawMessage(NOON + i, "x" * 1000, ("A",)) for i in range(1000)])
        store.put_derived(
            "A", range(DAY, DAY + 1), TickColumns.empty(), BarColumns.of([Bar("A", NOON, 1.0, 1.0, 1.0, 1.0, 1)]), []
        )
    code, lines = told()
    assert code == 0
    assert "last message 2025-12-15 12:00:00 IST" in line(lines, "store")
    assert "days like 2025-12-15 (1,000 messages, 1.3 MB with what is made of them)" in line(lines, "days left")
    with open_store("sqlite:///auction.db") as store:
        store.archive(DAY + 1)
    assert "days like 2025-12-15 (1,000 messages, 1.3 MB" in line(told()[1], "days left")


@pytest.mark.parametrize(
    ("dsn", "says"),
    [
        ("auction.db", "is no DSN"),
        ("sqlite:///other.db", "not a store"),
        ("sqlite:///folder", "is a folder"),
    ],
)
def test_a_store_that_cannot_be_opened_fails_with_the_cure(told, tmp_path, dsn, says):
    (tmp_path / "other.db").write_text("hello")
    (tmp_path / "folder").mkdir()
    code, lines = told("--store", dsn)
    assert code == 1
    assert line(lines, "store").startswith("FAIL")
    assert says in line(lines, "store")


def test_what_recording_left_is_counted_without_touching_it(told, tmp_path):
    state = tmp_path / "s"
    state.mkdir()
    assert not [each for each in told("--state", "s")[1] if "spool" in each]
    with Spool.open(state) as spool:
        spool.aim("questdb://h")
        assert line(told("--state", "s")[1], "spool") == "PASS  spool: nothing waits, no dead letters"
        spool.append([Kept(ts, "{}", ()) for ts in (1, 2, 3)], [], [], 3)
        spool.arrived(1, [])
    path = state / SPOOL
    before = path.read_bytes()
    code, lines = told("--state", "s")
    assert code == 0
    assert "2 messages wait for questdb://h" in line(lines, "spool")
    assert path.read_bytes() == before
    with Spool.open(state) as spool:
        spool.bury(RawMessage(2, "{}"), "no reason")
    lines = [each for each in told("--state", "s")[1] if "spool" in each]
    assert "1 messages wait" in lines[0]
    assert "1 dead letters" in lines[1]
    path.write_text("hello")
    code, lines = told("--state", "s")
    assert code == 1
    assert "is not a spool" in line(lines, "spool")


def test_a_state_that_is_a_file_fails(told, tmp_path):
    (tmp_path / "s").write_text("")
    code, lines = told("--state", "s")
    assert code == 1
    assert line(lines, "state").startswith("FAIL  state: s cannot be ")


def test_the_defaults_are_those_of_every_command():
    parser = argparse.ArgumentParser()
    arguments.add_store(parser)
    arguments.add_state(parser)
    mine = argparse.ArgumentParser()
    command.add_arguments(mine)
    assert vars(parser.parse_args([])) == vars(mine.parse_args([]))


def test_missing_packages_are_said_by_a_python_that_has_none(tmp_path):
    # No site-packages: neither numpy nor our own metadata; then with metadata that ask for what is not there.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-S", "-m", "auction_bt", "doctor"]
    info = tmp_path / "lib" / "auction_bt-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: auction-bt\nVersion: 1.0\nRequires-Dist: numpy>=1.26\n")
    for path, says in ((str(ROOT), ""), (f"{info.parent}{os.pathsep}{ROOT}", "numpy is missing: run make install")):
        done = subprocess.run(
            words, env=environment | {"PYTHONPATH": path}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        assert says in done.stdout
    assert done.returncode == 1
    assert "WARN  store: not looked at because packages are missing" in done.stdout


# --- on a server


def test_a_server_is_asked_for_everything(told, questdb, questdb_dsn):
    code, lines = told("--store", questdb_dsn)
    assert code == 0
    assert line(lines, f"port {questdb.pg} (SQL)").startswith("PASS")
    assert "QuestDB 9." in line(lines, f"port {questdb.http} (HTTP)")
    assert "within 2 s of the server's" in next(each for each in lines if "server's" in each)
    assert line(lines, "store").startswith("WARN  store: no store at questdb://admin@127.0.0.1")
    with open_store(questdb_dsn, create=True) as store:
        store.append_raw([RawMessage(NOON, "{}", ("A",))])
        assert store.raw_count(0, 2**62) == 1
    code, lines = told("--store", questdb_dsn)
    assert code == 0
    assert "last message 2025-12-15 12:00:00 IST" in line(lines, "store")
    assert "days like 2025-12-15 (1 messages" in line(lines, "days left")
    assert not [each for each in lines if "test;pass" in each or "test%3Bpass" in each]


def test_each_fault_of_a_server_is_a_line(told, questdb, questdb_dsn, free_port):
    wrong = questdb_dsn.replace("test%3Bpass", "secret")
    code, lines = told("--store", wrong)
    assert code == 1
    assert "wrong user or password" in line(lines, f"port {questdb.pg} (SQL)")
    assert line(lines, f"port {questdb.http} (HTTP)").startswith("WARN")
    assert "secret" not in "".join(lines)
    code, lines = told("--store", questdb_dsn.replace(f"http={questdb.http}", f"http={free_port}"))
    assert code == 1
    assert f"nothing listens on 127.0.0.1:{free_port}" in line(lines, f"port {free_port} (HTTP)")
    code, lines = told("--store", questdb_dsn.replace(f":{questdb.pg}/", f":{free_port}/"))
    assert code == 1
    assert "start the server (make questdb)" in line(lines, f"port {free_port} (SQL)")


def test_a_suspended_table_fails_with_the_statement_that_mends_it(told, questdb, questdb_dsn):
    open_store(questdb_dsn, create=True).close()
    name = f"{parse(questdb_dsn).prefix}ticks"
    questdb.sql(f"ALTER TABLE '{name}' SUSPEND WAL")
    code, lines = told("--store", questdb_dsn)
    assert code == 1
    assert f"run ALTER TABLE {name} RESUME WAL there" in line(lines, "tables")
    questdb.sql(f"ALTER TABLE '{name}' RESUME WAL")


def test_a_server_whose_clock_is_off_is_noticed(questdb_dsn):
    health = examine(parse(questdb_dsn), lambda: 0)
    assert health.offset > 10**18
    assert version("auction-bt")
    assert INSTRUMENT_DAY[0] < INSTRUMENT_DAY[1]
