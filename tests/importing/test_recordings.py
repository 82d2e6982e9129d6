"""Recordings of the feed into a store."""

import gzip
import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from tests.importing.made import ENVIRONMENT, EVER, OPEN, content, feed, store, write


def test_a_recording_as_lines_is_kept_byte_for_byte(run):
    lines = [json.dumps(feed(i), indent=None) + " " for i in range(70)]
    write("a.jsonl", "\n".join([*lines[:35], "", *lines[35:]]) + "\n" + '{"type": "live_fe')
    code, out, _ = run("import", "a.jsonl")
    assert code == 0
    assert "70 messages read, 70 stored" in out
    assert "NSE_FO|1: option (inferred), tick 0.05 (inferred), lot 35 (inferred); 2025-12-15; 2 bars, 70 ticks now in" in out
    assert "the last line is cut off" in out
    with store() as s:
        assert [m.text for m in s.raw(*EVER)] == lines
        assert [m.ts for m in s.raw(*EVER)] == [OPEN + i * 10**9 + 7 * 10**6 for i in range(70)]
    assert "0 stored, 70 already there" in run("import", "a.jsonl")[1]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_recording_as_an_array_is_kept_as_compact_json(run, indent):
    body = [
        feed(i)["feeds"]["NSE_FO|1"] | {"instrumentKey": "NSE_FO|1", "_insertion_time": f"2025-12-15 09:15:{i:02}.5"}
        for i in range(40)
    ]
    write("a.json.gz", json.dumps(body, indent=indent))
    assert run("import", "a.json.gz")[0] == 0
    with store() as s:
        kept = list(s.raw(*EVER))
        assert [json.loads(m.text) for m in kept] == body
        assert [m.text for m in kept] == [json.dumps(b, separators=(",", ":")) for b in body]
        assert [m.ts for m in kept] == [OPEN + i * 10**9 + 5 * 10**8 for i in range(40)]
        assert kept[0].symbols == ("NSE_FO|1",)


def test_a_recording_without_any_clock_is_stamped_by_its_last_trades(run):
    bodies = [{k: v for k, v in feed(i).items() if k != "currentTs"} for i in range(5)]
    write("a.json", json.dumps(bodies))
    assert run("import", "a.json")[0] == 0
    with store() as s:
        assert [m.ts for m in s.raw(*EVER)] == [OPEN + i * 10**9 for i in range(5)]


def test_a_symbol_without_any_price_is_no_instrument_yet(run):
    idle = {"feeds": {"NSE_FO|9": {"fullFeed": {"marketFF": {"ltpc": {"cp": 99.0}}}}}, "currentTs": str(OPEN // 10**6)}
    write("idle.jsonl", json.dumps(idle))
    code, out, _ = run("import", "idle.jsonl")
    assert (code, out.splitlines()) == (0, [
        "idle.jsonl: 1 messages read, 1 stored, 0 already there",
        "  NSE_FO|9: no message has a price yet, so no instrument is made of it",
    ])  # fmt: skip
    with store() as s:
        assert s.instruments() == []
    write("more.jsonl", json.dumps(feed(2, key="NSE_FO|9")))
    assert "NSE_FO|9: option (inferred), tick 0.05 (inferred)" in run("import", "more.jsonl")[1]


def test_one_symbol_of_a_recording_can_be_taken_alone(run, bad):
    write("a.jsonl", "\n".join(json.dumps(feed(i, f"NSE_EQ|{i % 2}")) for i in range(10)))
    assert "no message about NSE_EQ|5: it is about NSE_EQ|0, NSE_EQ|1" in bad("import", "a.jsonl", "--symbol", "NSE_EQ|5")
    out = run("import", "a.jsonl", "--symbol", "NSE_EQ|1")[1]
    assert "10 messages read, 5 stored" in out
    assert "5 left out: about other instruments" in out
    with store() as s:
        assert [i.symbol for i in s.instruments()] == ["NSE_EQ|1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "the JSON array is cut off after message 0"),
        ("[]", "no message about any instrument"),
        (json.dumps([feed(0), feed(1)])[:-9], "message 2 is no JSON or cut off"),
        ('[{"a": 1}]', "1 of 1 messages rejected: message of no known shape"),
        ("[1, 2, 3]", "3 of 3 messages rejected: not a JSON object (first at number 1)"),
        ("{}\n{}\n", "message of no known shape"),
        ("{]\n", "not JSON"),
        (json.dumps({"feeds": {"A": {}}}), "no time in the message"),
    ],
)
def test_a_recording_that_cannot_be_used_is_refused_whole(bad, text, says):
    write("a.json", text)
    assert says in bad("import", "a.json")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_an_import_killed_at_any_moment_is_completed_by_the_next(run):
    write("a.jsonl", "\n".join(json.dumps(feed(i, price=100 + i % 50 / 20)) for i in range(4000)))
    started = time.perf_counter()
    whole = [sys.executable, "-m", "auction_bt", "import", "a.jsonl", "--store", "sqlite:///whole.db"]
    subprocess.run(whole, env=ENVIRONMENT, check=True, capture_output=True)
    took = time.perf_counter() - started
    with open_store("sqlite:///whole.db") as s:
        expected = content(s, "NSE_FO|1")
    chance = random.Random(7)
    for i in range(6):
        name = f"sqlite:///k{i}.db"
        process = subprocess.Popen([*whole[:-1], name], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(took * chance.uniform(0.3, 1))
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        assert run("import", "a.jsonl", "--store", name)[0] == 0
        with open_store(name) as s:
            assert content(s, "NSE_FO|1") == expected


@pytest.mark.data
def test_two_instruments_of_a_real_recording_live_in_one_store(run, shared_data):
    folder = shared_data("upstox-capture-20251215")
    out = run("import", *sorted(folder.glob("*_data.json.gz")))[1]
    assert "15,924 messages read, 15,924 stored, 0 already there" in out
    assert "21,243 messages read, 21,243 stored, 0 already there" in out
    assert "NSE_EQ|INE027H01010: equity (inferred), tick 0.10 (inferred), lot 1" in out
    assert "NSE_FO|51502: option (inferred), tick 0.05 (inferred), lot 35 (inferred)" in out
    with store() as s:
        assert sum(1 for _ in s.raw(*EVER)) == 15_924 + 21_243
        both = [content(s, i.symbol) for i in s.instruments()]
    assert run("data")[1].count("traded before our first message at 09:32:4") == 2
    out = run("import", folder / "NSE_FO_51502_data.json.gz")[1]
    assert "0 stored, 21,243 already there" in out
    with store() as s:
        assert [content(s, i.symbol) for i in s.instruments()] == both


@pytest.mark.data
def test_real_ticks_and_bars_are_stored_whole(run, shared_data):
    spy = sorted(shared_data("lean-spy-ticks-2013").glob("*.parquet"))
    out = run("import", *spy, "--symbol", "SPY", "--tz", "America/New_York")[1]
    assert "250,601 stored" in out
    assert "451,545 stored" in out
    assert "SPY: other (inferred), tick 0.01 (inferred)" in out
    out = run("import", *shared_data("lean-gc-ticks-2013").glob("*.parquet"), "--symbol", "GC", "--tz", "UTC")[1]
    assert "39,702 ticks read, 39,610 stored" in out
    assert "92 left out: size 0, not a trade" in out
    for name, symbol, rows, said in (
        (
            "nifty-fut-1min-2020/NIFTY_F1_1min.csv.gz",
            "NSE_FO|NF",
            5_249,
            "future (inferred), tick 0.05 (inferred), lot 75 (inferred)",
        ),
        ("lean-yesbank-1min-2019/YESBANK_1min.csv.gz", "NSE_EQ|YES", 45_961, "equity (inferred), tick 0.05 (inferred), lot 1"),
        (
            "lean-nifty50-index-1min-2019/NIFTY50_index_1min.csv",
            "NSE_INDEX|N",
            1_509,
            "index (inferred), tick 0.05 (inferred), lot 1",
        ),
    ):
        out = run("import", shared_data(name), "--symbol", symbol)[1]
        assert f"{rows:,} bars read, {rows:,} stored, 0 already there" in out
        assert said in out
    with store() as s:
        t = s.ticks("SPY", *EVER)
        tables = [pq.read_table(f) for f in spy]
        assert t.price.tolist() == pa.concat_tables(tables)["price"].to_pylist()
        assert t.size.tolist() == pa.concat_tables(tables)["size"].to_pylist()
        assert (np.diff(t.seq) > 0).all()
        assert int(s.bars("SPY", *EVER).volume.sum()) == int(t.size.sum())


@pytest.mark.data
def test_the_cumulative_column_of_a_real_file_gives_the_same_volume(run, shared_data):
    path = shared_data("nifty-fut-1min-2020/NIFTY_F1_1min.csv.gz")
    run("import", path, "--symbol", "A")
    out = run("import", path, "--symbol", "A", "--map", "volume=cum_volume", "--cumulative-volume")[1]
    assert "0 stored, 5,249 already there" in out


@pytest.mark.data
def test_a_stored_message_differs_in_nothing_from_the_recorded_one(run, shared_data):
    path = shared_data("upstox-capture-20251215/NSE_EQ_INE027H01010_data.json.gz")
    run("import", path)
    with gzip.open(path) as file:
        recorded = json.load(file)
    with store() as s:
        kept = list(s.raw(*EVER))
    assert isinstance(kept[0], RawMessage)
    assert sorted(json.dumps(json.loads(m.text)) for m in kept) == sorted(map(json.dumps, recorded))
