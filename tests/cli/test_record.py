"""The record command as its users meet it: what it prints, what it keeps, how it ends."""

import io
import json
import os
import signal
import sys
import time

import pytest

from auction_bt.core.ist import MINUTE_NS
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.store.message_blocks import Kept
from auction_bt.store.spool import Spool
from tests.dsns import new_dsn  # noqa: F401  fixtures are found by name
from tests.importing.made import EVER, OPEN, feed, write
from tests.recording import child  # noqa: F401  fixtures are found by name
from tests.waiting import until

LINES = [json.dumps(feed(i)) for i in range(0, 300, 2)]
DATES = ["--from-date", "2025-12-15", "--to-date", "2025-12-15"]
FILE = "\n".join(LINES) + "\n"


def stored(dsn="sqlite:///auction.db"):
    with open_store(dsn, readonly=True) as store:
        return [(m.ts, m.text) for m in store.raw(*EVER)]


def derived(dsn):
    with open_store(dsn, readonly=True) as store:
        (instrument,) = store.instruments()
        ticks, bars = store.ticks("NSE_FO|1", *EVER), store.bars("NSE_FO|1", *EVER)
        return instrument, ticks.price.tolist(), bars.ts.tolist(), store.gaps("NSE_FO|1", *EVER), list(store.raw(*EVER))


def test_a_file_recorded_is_a_file_imported(run, new_dsn):  # noqa: F811
    a, b = new_dsn(), new_dsn()
    write("a.jsonl", FILE)
    code, out, error = run("record", "a.jsonl", "--store", a)
    assert (code, error) == (0, "")
    assert "150 messages recorded, 150 sent to the store" in out
    assert "NSE_FO|1: option (inferred), tick 0.05 (inferred), lot 35 (inferred)" in out
    assert "150 ticks, 5 bars" in out
    assert run("import", "a.jsonl", "--store", b)[0] == 0
    assert derived(a) == derived(b)
    code, out, _ = run("record", "a.jsonl", "--store", a)
    assert code == 0
    assert "nothing new in a.jsonl" in out
    assert derived(a) == derived(b)


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_file_that_was_recorded_is_there_already_when_it_is_imported(run, new_dsn, end):  # noqa: F811
    dsn = new_dsn()
    # Two of one stamp, two alike, and one that comes late: all of them are moved by the recorder.
    lines = [*LINES[:50], LINES[50].replace("0.5", "0.6"), *LINES[50:80], LINES[79], LINES[70].replace("0.5", "0.7"), *LINES[80:]]
    write("a.jsonl", "\n".join(lines) + end)
    assert run("record", "a.jsonl", "--store", dsn)[0] == 0
    before = derived(dsn)
    assert len(before[-1]) == 153
    code, out, _ = run("import", "a.jsonl", "--store", dsn)
    assert code == 0
    assert "153 messages read, 0 stored, 153 already there (153 of them recorded by record)" in out
    assert derived(dsn) == before
    assert "0 stored, 153 already there\n" in run("import", "a.jsonl", "--store", dsn)[1]
    assert run("export", "--store", dsn, "--symbol", "NSE_FO|1", *DATES, "--what", "raw", "-o", "raw.csv")[0] == 0
    assert "0 stored, 153 already there\n" in run("import", "raw.csv", "--store", dsn)[1]
    assert derived(dsn) == before
    write("b.jsonl", "\n".join([*lines, json.dumps(feed(400))]))
    assert "154 messages read, 1 stored, 153 already there\n" in run("import", "b.jsonl", "--store", dsn)[1]


def test_a_pipe_recorded_at_its_own_stamps_is_there_already_and_at_stamps_of_receipt_it_is_not(child, run):  # noqa: F811
    write("a.jsonl", FILE)
    assert child("--stamp", "own").communicate(FILE.encode(), timeout=60)[1] == b""
    assert "0 stored, 150 already there (150 of them recorded by record)" in run("import", "a.jsonl")[1]
    assert len(stored()) == 150
    process = child("--store", "sqlite:///b.db", "--state", "other")
    assert process.communicate(FILE.encode(), timeout=60)[1] == b""
    assert "150 stored, 0 already there\n" in run("import", "a.jsonl", "--store", "sqlite:///b.db")[1]
    assert "0 stored, 150 already there\n" in run("import", "a.jsonl", "--store", "sqlite:///b.db")[1]


def test_a_file_that_was_imported_is_not_recorded_once_more(run, new_dsn):  # noqa: F811
    dsn = new_dsn()
    for count, told in ((150, "use import, which puts older ones"), (3, "in the store already: use import")):
        write(f"{count}.jsonl", "\n".join(LINES[-count:]))
        assert run("import", f"{count}.jsonl", "--store", dsn)[0] == 0
        before = derived(dsn)
        code, _, error = run("record", f"{count}.jsonl", "--store", dsn)
        assert (code, told in error, error.count("\n")) == (2, True, 1)
        assert derived(dsn) == before
    write("more.jsonl", "\n".join([json.dumps(feed(300)), json.dumps(feed(301))]))
    assert run("record", "more.jsonl", "--store", dsn)[0] == 0
    assert len(derived(dsn)[-1]) == 152


def test_a_pipe_that_goes_back_by_a_message_is_not_cut_off(child):  # noqa: F811
    for lines, rest in ((LINES, ""), (LINES[-1:], "1 stamps moved on")):
        process = child("--stamp", "own")
        out, error = process.communicate("\n".join([*lines, ""]).encode(), timeout=60)
        assert (process.returncode, error, rest in out.decode()) == (0, b"", True)


def test_recorded_prices_tighten_the_price_step_unless_it_is_given(run, new_dsn):  # noqa: F811
    dsn = new_dsn()

    def recorded(name, prices, begin, *words):
        write(name, "\n".join(json.dumps(feed(begin + i, price=p)) for i, p in enumerate(prices)))
        code, out, _ = run("record", name, "--store", dsn, *words)
        assert code == 0
        return out

    idle = {"feeds": {"NSE_FO|9": {"fullFeed": {"marketFF": {"ltpc": {"cp": 9.0}}}}}, "currentTs": str(OPEN // 10**6)}
    write("idle.jsonl", json.dumps(idle))
    _, out, _ = run("record", "idle.jsonl", "--store", dsn)
    assert "  NSE_FO|9: no message has a price yet, so no instrument is made of it\n" in out
    assert "NSE_FO|1: option (inferred), tick 0.05 (inferred)" in recorded("a.jsonl", [100, 101], 10)
    with open_store(dsn, create=True) as store:
        assert [i.symbol for i in store.instruments()] == ["NSE_FO|1"]
    assert "  tick of NSE_FO|1 tightened 0.05 → 0.01 by finer prices\n" in recorded("b.jsonl", [100.01, 102, 103], 100)
    assert "tick of" not in recorded("c.jsonl", range(100, 140), 200)
    out = recorded("d.jsonl", [107.5, 108], 300, "--tick", "0.5", "--lot", "75")
    assert "% of the prices are not multiples of tick 0.5: give the right one with import --tick" in out
    with open_store(dsn, create=True) as store:
        assert [(str(i.tick), i.lot) for i in store.instruments()] == [("0.5", 75)]


def test_a_price_step_without_the_end_that_needs_it_is_refused(run):
    write("a.jsonl", FILE)
    code, _, error = run("record", "a.jsonl", "--no-derive", "--tick", "0.05")
    assert (code, "leave that out" in error, error.count("\n")) == (2, True, 1)


def test_a_file_that_grows_is_recorded_in_parts_to_the_same_days(run, new_dsn):  # noqa: F811
    a, b = new_dsn(), new_dsn()
    for end in (40, 41, 150):
        write("a.jsonl", "\n".join(LINES[:end]) + "\n")
        assert run("record", "a.jsonl", "--store", a)[0] == 0
    assert run("import", "a.jsonl", "--store", b)[0] == 0
    assert derived(a) == derived(b)


def test_standard_input_is_stamped_at_receipt_byte_for_byte(child, monkeypatch, tmp_path):  # noqa: F811
    texts = [' {"a": 1.50,\t"b": "₹"} ', "{no JSON", '{"kind":"clock","ts":5}']
    process = child()
    out, error = process.communicate("\r\n".join([*texts, ""]).encode(), timeout=60)
    assert (process.returncode, error) == (0, b"")
    assert "recording standard input to sqlite:///" in out.decode()
    found = stored(f"sqlite:///{tmp_path}/auction.db")
    assert [text for _, text in found] == texts
    now = os.stat(tmp_path / "auction.db").st_mtime_ns
    assert all(now - 60 * 10**9 < ts <= now + 10**9 for ts, _ in found)


def test_each_group_is_acknowledged_and_the_first_line_tells_where_to_go_on(child):  # noqa: F811
    process = child("--ack", "--no-derive")
    assert process.stdout.readline() == b"-1 0\n"
    for count, line in enumerate(LINES[:3], 1):
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline().split()[1] == b"%d" % count
    process.stdin.close()
    assert process.wait(30) == 0
    assert b"3 messages recorded" in process.stderr.read()
    again = child("--ack", "--no-derive")
    stamp, count = again.stdout.readline().split()
    assert (int(stamp) > 10**18, count) == (True, b"3")
    again.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_everything_in_the_store(child, tmp_path, number):  # noqa: F811
    process = child("--ack")
    process.stdin.write(FILE.encode())
    process.stdin.flush()
    until(lambda: process.stdout.readline().split()[1] == b"150", 30)
    process.send_signal(number)
    assert process.wait(30) == 0
    assert [text for _, text in stored(f"sqlite:///{tmp_path}/auction.db")] == LINES
    assert b"150 messages recorded, 150 sent" in process.stderr.read()


def test_the_reader_of_acknowledgements_may_go_away(child, tmp_path):  # noqa: F811
    process = child("--ack", "--no-derive")
    process.stdout.readline()
    process.stdout.close()
    process.stdin.write(FILE.encode())
    process.stdin.flush()
    assert process.wait(30) == 1
    with Spool.open(tmp_path / ".auction_bt") as spool:
        kept = [m.text for m in spool.batch(-1, EVER[1], 10**6, 10**9)]
    assert kept == LINES[: len(kept)]
    assert kept


def test_a_line_cut_off_by_its_writers_death_is_kept_apart(child, tmp_path):  # noqa: F811
    process = child("--no-derive")
    process.stdin.write(LINES[0].encode() + b"\n" + LINES[1][:50].encode())
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "1 dead letters" in out.decode()
    assert "cut off at the end of the input" in out.decode()
    assert [text for _, text in stored(f"sqlite:///{tmp_path}/auction.db")] == LINES[:1]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_file_without_any_message_is_bad_input_in_one_line(run, tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00\xff no\nmessage\n")
    code, _, error = run("record", name)
    assert code == 2
    hint = " (no gzip file, whatever its name says)" if name.endswith("gz") else ""
    assert error.startswith(f"auction_bt: {name}{hint}: none of 2 lines could be kept as a message, the last: no JSON ")
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("auction.db*"))


def test_a_pipe_without_any_message_is_bad_input_and_one_with_some_is_recorded(child):  # noqa: F811
    for sent, code in (b"nonsense\n", 2), (b"nonsense\n[1]\n" + FILE.encode(), 0):
        process = child()
        out, _ = process.communicate(sent, timeout=60)
        assert (process.returncode, b"dead letters" in out) == (code, True)


def test_a_file_with_some_messages_is_recorded(run):
    write("a.jsonl", "no message\n" + FILE)
    code, out, error = run("record", "a.jsonl")
    assert (code, error, "1 dead letters" in out) == (0, "", True)


def test_what_the_store_refuses_altogether_is_bad_input(run, tmp_path):
    (tmp_path / ".auction_bt").mkdir()
    with Spool.open(tmp_path / ".auction_bt") as spool:
        spool.append([Kept(OPEN, "{}", ())], [], [], OPEN)
    with open_store("sqlite:///auction.db", create=True) as store:
        store.append_raw([RawMessage(OPEN, "another")])
    write("a.jsonl", "\n")
    code, _, error = run("record", "a.jsonl")
    assert (code, "none of 1 lines could be kept as a message, the last: another message stands at" in error) == (2, True)


def test_saved_messages_in_a_pipe_are_told_from_live_ones(child):  # noqa: F811
    told = "these messages are of 2025-12-15 09:15 and are stamped now: they stand on today, their bars on that day, where no"
    now = json.dumps({**feed(0), "currentTs": str(time.time_ns() // 10**6)}) + "\n"
    own = ("--stamp", "own", "--store", "sqlite:///b.db", "--state", "b")
    saved = ((), FILE, 1), ((), '{"a": 1}\nb\n' + FILE, 1)
    for words, sent, count in (*saved, ((), now + FILE, 0), (("--stamp", "receive"), FILE, 0), (own, FILE, 0)):
        out, _ = child(*words).communicate(sent.encode(), timeout=60)
        assert out.decode().count(told) == count


def test_a_second_recorder_of_a_state_folder_is_refused_by_name(child, run):  # noqa: F811
    process = child("--ack")
    process.stdout.readline()
    code, out, error = run("record")
    assert (code, out) == (1, "")
    assert error.startswith(f"auction_bt: another recorder (process {process.pid} on ")
    assert error.count("\n") == 1


def test_a_second_recorder_of_a_store_is_refused_by_name(child, run, tmp_path):  # noqa: F811
    process = child("--ack")
    process.stdout.readline()
    code, _, error = run("record", "--state", "other")
    assert code == 1
    assert f":{tmp_path / '.auction_bt'}) writes to this store: stop it" in error
    process.stdin.close()
    assert process.wait(30) == 0
    write("a.jsonl", FILE)
    assert run("record", "a.jsonl", "--state", "other")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["nowhere.jsonl"], 2, "no file nowhere.jsonl"),
        (["."], 2, "is a folder"),
        (["--store", "nonsense"], 2, "is no DSN"),
        (["--store", "sqlite:///no/such/folder/a.db"], 2, "there is no folder"),
        (["a.jsonl", "--state", "a.jsonl/x"], 2, "cannot be written"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(run, words, code, told):
    write("a.jsonl", FILE)
    got, _, error = run("record", *words)
    assert got == code
    assert told in error
    assert error.count("\n") == 1


def test_a_store_that_is_none_of_ours_is_refused_and_untouched(run):
    write("a.jsonl", FILE)
    write("auction.db", "something else")
    code, _, error = run("record", "a.jsonl")
    assert (code, "not a store" in error) == (2, True)
    with open("auction.db") as file:
        assert file.read() == "something else"


def test_nothing_recorded_leaves_no_store(run, tmp_path, monkeypatch):
    write("a.jsonl", "\n")
    assert run("record", "a.jsonl")[0] == 0
    assert not (tmp_path / "auction.db").exists()


def test_an_older_file_is_sent_to_import(run):
    write("a.jsonl", FILE)
    with open_store("sqlite:///auction.db", create=True) as store:
        store.add_raw([RawMessage(OPEN + 60 * MINUTE_NS, "{}")])
    code, _, error = run("record", "a.jsonl")
    assert code == 2
    assert "use import" in error
    assert len(stored()) == 1


def test_one_stamp_of_the_future_in_the_store_moves_no_other(child, tmp_path):  # noqa: F811
    future = 7 * 10**18
    with open_store(f"sqlite:///{tmp_path / 'auction.db'}", create=True) as store:
        store.add_raw([RawMessage(future, "{}")])
    out, _ = child("--no-derive").communicate(b"{}\n", timeout=30)
    assert "the store has messages of the future, up to 2191-10-" in out.decode()
    ((ts, text),) = stored(f"sqlite:///{tmp_path}/auction.db")  # the other lies beyond
    assert (ts < 3 * 10**18, text) == (True, "{}")


def test_another_store_gets_the_file_too_but_not_while_messages_wait_for_the_first(run, tmp_path):
    write("a.jsonl", FILE)
    assert run("record", "a.jsonl")[0] == 0
    assert run("record", "a.jsonl", "--store", "sqlite:///b.db")[0] == 0
    assert stored() == stored("sqlite:///b.db")
    with Spool.open(tmp_path / ".auction_bt") as spool:
        spool.append([Kept(OPEN + 10**12, "{}", ())], [], [], OPEN + 10**12)
    code, _, error = run("record", "a.jsonl")
    assert code == 2
    assert "1 messages" in error
    assert "b.db: record to that store first" in error


def test_gaps_between_runs_become_events_of_the_day(child, tmp_path):  # noqa: F811
    for _ in range(2):
        process = child()
        process.communicate(b"{}\n", timeout=30)
        assert process.returncode == 0
    with open_store(f"sqlite:///{tmp_path}/auction.db", readonly=True) as store:
        (event,) = store.events(*EVER)
        first, gap, second = [m.ts for m in store.raw(*EVER)]
    body = json.loads(event.payload)
    assert (event.kind, event.seq, body["reason"], body["begin"], body["end"]) == ("gap", gap, "recorder was down", first, gap)
    assert second == gap + 1


def test_on_a_terminal_one_line_tells_how_it_stands(run, monkeypatch):
    shown = io.StringIO()
    shown.isatty = lambda: True
    write("a.jsonl", FILE)
    monkeypatch.setattr(sys, "stderr", shown)
    assert run("record", "a.jsonl")[0] == 0
    assert "messages, " in shown.getvalue()
    assert "in the spool, store OK" in shown.getvalue()
