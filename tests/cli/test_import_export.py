"""export and data as a user runs them, and the way there and back."""

import json
from pathlib import Path

import pytest

from auction_bt.core.ist import MINUTE_NS
from auction_bt.store.dsn import open_store
from tests.importing.made import EVER, OPEN, bars_csv, content, feed, store, ticks_csv, write


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("what", ["ticks", "bars", "raw"])
def test_an_export_comes_back_exactly(run, what, suffix):
    lines = [json.dumps(feed(i, price=100 + i / 20, vtt=35 * (i // 2))) for i in range(100)] + [
        json.dumps(feed(99)).replace(" ", "  ")
    ]
    if what == "raw":
        write("a.jsonl", "\n".join(lines))
        run("import", "a.jsonl")
    elif what == "ticks":
        write(
            "a.csv",
            "ts,price,size,vtt,bid,oi\n"
            + "".join(f"{OPEN + i // 3},{100 + i / 7},{i + 1},{i if i % 2 else ''},{i}.1,\n" for i in range(99)),
        )
        run("import", "a.csv", "--symbol", "NSE_FO|1")
    else:
        write("a.csv", bars_csv())
        run("import", "a.csv", "--symbol", "NSE_FO|1")
    args = ["--symbol", "nse_fo|1", "--from-date", "2025-12-15", "--to-date", "2025-12-15", "--what", what]
    assert run("export", *args, "-o", f"x.{suffix}")[0] == 0
    code, _, error = run(
        "import", f"x.{suffix}", *([] if what == "raw" else ["--symbol", "NSE_FO|1"]), "--store", "sqlite:///b.db"
    )
    assert (code, error) == (0, "")
    with store() as a, open_store("sqlite:///b.db") as b:
        assert content(a, "NSE_FO|1") == content(b, "NSE_FO|1")
    assert " 0 stored" in run("import", f"x.{suffix}", *([] if what == "raw" else ["--symbol", "NSE_FO|1"]))[1]
    if suffix == "csv":
        assert run("export", *args)[1] == Path("x.csv").read_text()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_exported_ticks_of_a_recording_come_back_with_their_seq_and_the_first_of_the_day(run, suffix):
    write("a.jsonl", "\n".join(json.dumps(feed(i, vtt=35 * (i // 2))) for i in range(100)))
    run("import", "a.jsonl")
    run(
        "export",
        "--symbol",
        "NSE_FO|1",
        "--from-date",
        "2025-12-15",
        "--to-date",
        "2025-12-15",
        "--what",
        "ticks",
        "-o",
        f"x.{suffix}",
    )
    run("import", f"x.{suffix}", "--symbol", "NSE_FO|1", "--store", "sqlite:///b.db")
    with store() as a, open_store("sqlite:///b.db") as b:
        recorded, back = a.ticks("NSE_FO|1", *EVER), b.ticks("NSE_FO|1", *EVER)
        assert recorded.size[0] == 0
        for name in ("seq", "ts", "price", "size", "vtt"):
            assert getattr(back, name).tolist() == getattr(recorded, name).tolist()


def test_exported_columns_are_the_documented_ones(run):
    write("a.csv", ticks_csv([(OPEN, 10.05, 1), (OPEN, 10.1, 2)]))
    run("import", "a.csv", "--symbol", "A")
    args = ["export", "--symbol", "A", "--from-date", "2025-12-15", "--to-date", "2025-12-15"]
    assert run(*args, "--what", "ticks")[1].splitlines() == [
        "ts,seq,price,size,vtt,bid,ask,oi", f"{OPEN},{OPEN},10.05,1,,,,", f"{OPEN},{OPEN + 1},10.1,2,,,,",
    ]  # fmt: skip
    assert run(*args)[1].splitlines() == ["ts,open,high,low,close,volume,source", f'{OPEN},10.05,10.1,10.05,10.1,3,"ticks"']


def test_an_export_of_nothing_names_what_there_is_and_writes_no_file(run, bad, tmp_path):
    write("a.csv", bars_csv())
    run("import", "a.csv", "--symbol", "RELIANCE")
    args = ["--from-date", "2024-01-01", "--to-date", "2024-01-02", "-o", "x.csv"]
    error = bad("export", "--symbol", "RELIANCE", *args, code=3)
    assert "no bars of RELIANCE from 2024-01-01 to 2024-01-02: the store has 2025-12-15 to 2025-12-15" in error
    assert "no ticks of RELIANCE at all" in bad("export", "--symbol", "RELIANCE", "--what", "ticks", *args, code=3)
    assert "did you mean RELIANCE?" in bad("export", "--symbol", "RELIANS", *args)
    assert not list(tmp_path.glob("*x.csv*"))


def test_a_file_that_cannot_be_written_leaves_nothing_half_written(run, bad, tmp_path):
    write("a.csv", bars_csv())
    run("import", "a.csv", "--symbol", "A")
    args = ["export", "--symbol", "A", "--from-date", "2025-12-15", "--to-date", "2025-12-15", "-o"]
    assert "cannot be written" in bad(*args, "no/x.csv")
    Path("x.csv").mkdir()
    assert "cannot be written" in bad(*args, "x.csv")
    assert not list(tmp_path.glob("*.part"))


def test_data_shows_each_day_with_its_grade(run, bad):
    write("a.csv", bars_csv())
    write("t.csv", ticks_csv([(OPEN + i * MINUTE_NS, 10.05, 5) for i in range(375)]))
    run("import", "a.csv", "--symbol", "NSE_EQ|B", "--name", "bars")
    run("import", "t.csv", "--symbol", "NSE_EQ|T")
    out = run("data")[1]
    assert "NSE_EQ|B bars: equity, tick 0.05, lot 1" in out
    assert "bars only" in out
    assert "complete" in out
    _, out, _ = run("data", "--symbol", "NSE_EQ|T", "--json", "-")
    (day,) = json.loads(out)["symbols"][0]["days"]
    assert (day["day"], day["bars"], day["ticks"], day["grade"], day["seen"]) == ("2025-12-15", 375, 375, "A", 1.0)
    assert run("data", "--json", "x.json")[0] == 0
    assert json.loads(Path("x.json").read_text())["schema"] == 1
    bad("data", "--json", "no/x.json")


def test_data_of_an_empty_store_is_nothing_to_do(run, bad):
    open_store("sqlite:///auction.db", create=True).close()
    assert "holds no data" in bad("data", code=3)
