"""Tables of bars and ticks into a store."""

import gzip
from pathlib import Path

import pytest

from auction_bt.core.bar import NEVER
from auction_bt.core.instrument import Kind
from auction_bt.core.ist import MINUTE_NS
from auction_bt.store.dsn import open_store
from tests.importing.made import EVER, OPEN, bars_csv, content, store, ticks_csv, write

BARS = ("ts,open,high,low,close,volume", "2026-11-20 09:15:00,100.05,100.50,100.00,100.20,1200")
TICKS = ("ts,price,size", "2026-11-20 09:15:00.250,100.05,50")


def test_bars_of_a_csv_are_stored_known_at_their_end(run):
    write("a.csv", bars_csv())
    code, out, _ = run("import", "a.csv", "--symbol", "NSE_FO|7", "--name", "NIFTY FUT")
    assert code == 0
    assert out.splitlines() == [
        "a.csv: 5 bars read, 5 stored, 0 already there",
        "  NSE_FO|7 NIFTY FUT: future (inferred), tick 0.05 (inferred), lot 100 (inferred); 2025-12-15; "
        "5 bars, 0 ticks now in the store for these days",
    ]
    with store() as s:
        bars = s.bars("NSE_FO|7", *EVER)
        assert bars.ts.tolist() == [OPEN + i * MINUTE_NS for i in range(5)]
        assert bars.known_seq.tolist() == [OPEN + (i + 1) * MINUTE_NS for i in range(5)]
    assert "5 bars read, 0 stored, 5 already there" in run("import", "a.csv", "--symbol", "NSE_FO|7")[1]


def test_bars_stamped_at_their_end_begin_a_minute_earlier(run):
    write("a.csv", bars_csv())
    run("import", "a.csv", "--symbol", "A", "--stamp", "end")
    with store() as s:
        assert s.bars("A", *EVER).ts[0] == OPEN - MINUTE_NS


def test_cumulative_volume_becomes_each_minutes_own_and_starts_anew_each_day(run):
    ts = ["2025-12-15 09:15", "2025-12-15 09:16", "2025-12-15 09:17", "2025-12-16 09:15", "2025-12-16 09:16"]
    write("a.csv", bars_csv(ts=ts, volume=[10, 30, 30, 7, 9]))
    assert run("import", "a.csv", "--symbol", "A", "--cumulative-volume")[0] == 0
    with store() as s:
        assert s.bars("A", *EVER).volume.tolist() == [10, 20, 0, 7, 2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_found_by_their_names_however_written(run, delimiter):
    text = "Symbol,Date,Time,Open,HIGH,Low, Close ,Volume\nX,20251215,09:15,10,11,9,10.5,5\n"
    write("a.csv.gz", "\ufeff" + text.replace(",", delimiter) + "\n\n")
    code, out, error = run("import", "a.csv.gz")
    assert (code, error) == (0, "")
    assert "1 bars read, 1 stored" in out
    with store() as s:
        assert (s.bars("X", *EVER).ts.tolist(), s.bars("X", *EVER).close.tolist()) == ([OPEN], [10.5])


def test_a_few_bad_rows_are_counted_by_reason_with_their_first_line_and_the_rest_is_stored(run):
    n = 1000
    ts = [1765770300 + 60 * i for i in range(n)]
    columns = {"ts": ts, "open": [10.0] * n, "high": [11.0] * n, "low": [9.5] * n, "close": [10.5] * n, "volume": [100] * n}
    columns["ts"][3] = "never"
    columns["close"][5] = "nan"
    columns["close"][7] = -1
    columns["volume"][9] = -4
    columns["volume"][11] = 1.5
    columns["high"][13] = 9.6
    columns["ts"][15] = columns["ts"][14]
    columns["ts"][17] += 30
    write("a.csv", bars_csv(n, **columns).replace("\n", "\n\n", 1) + "1,2\n")
    code, out, _ = run("import", "a.csv", "--symbol", "A")
    assert code == 0
    for line in (
        "a.csv: 1,001 bars read, 992 stored, 0 already there",
        "  2 rejected: the price is missing or not above 0 (first at line 8)",
        "  2 rejected: the volume is missing, negative or no whole number (first at line 12)",
        "  1 rejected: the time cannot be read (first at line 6)",
        "  1 rejected: another number of columns than the header (first at line 1,003)",
        "  1 rejected: open or close outside low to high (first at line 16)",
        "  1 rejected: the minute came before in this file (first at line 18)",
    ):
        assert line in out.splitlines()
    assert "does not begin at a full minute" in out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (bars_csv(close=["nan"] * 5), "5 of 5 rows rejected: the price is missing or not above 0 (first at line 2)"),
        (bars_csv(volume=[1, 2, -3, 4, 5]), "1 of 5 rows rejected: the volume is missing, negative"),
        (bars_csv(close=None), "neither a price nor open, high, low, close; the columns are ts, open, high, low, volume"),
        (bars_csv(ts=None, t=list("abcde")), "no column for ts; the columns are open, high, low, close, volume, t:"),
        (bars_csv(ts=["x"] * 5), "the time cannot be read"),
        (bars_csv(ts=[1765770300 + 300 * i for i in range(5)]), "the bars are 5 minutes long"),
        (bars_csv(ts=[1765770300 + 30 + 60 * i for i in range(5)]), "--stamp end"),
        ("ts,open,high,low,close,volume\n", "has no rows"),
        ("", "is empty"),
        ("a,b\n1,2,3\n1,2\n", "neither a price"),
        ("ts,price\n" + "1,2,3\n" * 9, "9 of 9 rows rejected: another number of columns"),
        ("ts,price,size\n1765770300,5,0\n", "every row has size 0"),
        ("ts,price,size\n1765770300,5,0.00026\n", "no whole number"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_whole(bad, text, says):
    write("a.csv", text)
    assert says in bad("import", "a.csv", "--symbol", "A")


def test_wrong_columns_are_answered_with_a_header_and_a_row_that_are_understood(bad, run):
    cases = (
        ("a,b\n1,2\n", [BARS, TICKS]),
        ("time_of,price\n1,2\n", [TICKS]),
        ("open,high,low,close\n1,2,0.5,1\n", [BARS]),
    )
    for text, likes in cases:
        write("a.csv", text)
        said = bad("import", "a.csv", "--symbol", "A")
        assert [like for like in (BARS, TICKS) if f"{like[0]} and rows like {like[1]}" in said] == likes
    for number, like in enumerate((BARS, TICKS)):
        write("b.csv", "\n".join(like) + "\n")
        assert " 1 stored" in run("import", "b.csv", "--symbol", f"B{number}")[1]


def test_a_file_that_is_refused_does_not_undo_those_before_it_and_says_so(run):
    for name in "abcdefg":
        write(f"{name}.csv", bars_csv())
    write("z.csv", "a,b\n1,2\n")
    code, out, error = run("import", "a.csv", "z.csv", "b.csv", "--symbol", "A")
    assert (code, out.count(" read,"), error.count("\n")) == (2, 1, 1)
    assert error.startswith("auction_bt: z.csv: neither a price")
    assert error.endswith(" (a.csv before it: imported, and kept)\n")
    with store() as s:
        assert len(s.bars("A", *EVER)) == 5
    error = run("import", *(f"{name}.csv" for name in "abcdefgz"), "--symbol", "A")[2]
    assert error.endswith(" (a.csv, b.csv, c.csv, d.csv, e.csv and 2 more before it: imported, and kept)\n")


def test_a_table_must_say_what_was_traded_and_not_mix_symbols(bad, run):
    write("a.csv", bars_csv())
    assert "give --symbol KEY" in bad("import", "a.csv")
    write("b.csv", bars_csv(symbol=list("XXYYY")))
    assert "holds 2 symbols (X, Y): choose one" in bad("import", "b.csv")
    assert "2 bars read, 2 stored" in run("import", "b.csv", "--symbol", "X")[1]


def test_the_map_option_names_columns_that_are_not_found(bad, run):
    write("a.csv", "when,paid,how_many\n2025-12-15 09:15:00,10.05,3\n")
    assert "the columns are when, paid, how_many" in bad("import", "a.csv", "--symbol", "A")
    assert "--map ts=wen: no such column" in bad("import", "a.csv", "--symbol", "A", "--map", "ts=wen,price=paid")
    code, out, _ = run("import", "a.csv", "--symbol", "A", "--map", "ts=when,price=paid,size=how_many")
    assert code == 0
    assert "1 ticks read, 1 stored" in out


def test_a_price_step_that_does_not_fit_is_a_warning(run):
    whole = [100, 103, 106, 109, 112]
    write("a.csv", bars_csv(open=whole, high=[100.05, 103.05, 106.05, 109, 112], low=whole, close=whole))
    code, out, _ = run("import", "a.csv", "--symbol", "A", "--tick", "1")
    told = "warning: 38% of the prices are not multiples of tick 1: give the right one with import --tick"
    assert (code, told in out) == (0, True)
    assert told in run("data")[1]
    code, out, _ = run("doctor")
    assert f"WARN  tick: A: {told.removeprefix('warning: ')}" in out
    words = ["--symbol", "A", "--from-date", "2025-12-15", "--to-date", "2025-12-15", "--set", "period=2"]
    assert f"auction_bt: {told[:9]}A: {told[9:]}" in run("backtest", *words)[2]
    assert "tick 0.05, lot 5" in run("import", "a.csv", "--symbol", "A", "--tick", "0.05", "--lot", "5")[1]
    assert all("multiples" not in "".join(run(*line)[1:]) for line in (["data"], ["doctor"], ["backtest", *words]))


def test_a_price_step_that_most_prices_do_not_fit_is_refused_and_nothing_made(bad, tmp_path):
    write("a.csv", bars_csv())
    said = bad("import", "a.csv", "--symbol", "A", "--tick", "3")
    assert "100% of the prices are not multiples of --tick 3: give the right one, or none" in said
    assert not (tmp_path / "auction.db").exists()


def test_days_on_which_nothing_trades_are_told_of(run):
    saturdays = [1_765_770_300 + 60 * i + 5 * 86_400 for i in range(5)]
    write("a.csv", bars_csv(ts=saturdays))
    code, out, _ = run("import", "a.csv", "--symbol", "A")
    assert code == 0
    assert "warning: 2025-12-20 is no trading day (Saturday): is the file's zone, or its date, another one?" in out
    assert "no trading day" not in run("import", "a.csv", "--symbol", "US", "--tz", "America/New_York")[1]
    write("b.csv", bars_csv())
    assert "no trading day" not in run("import", "b.csv", "--symbol", "A")[1]


def test_finer_prices_tighten_a_price_step_and_nothing_coarsens_it(run):
    def told(name, *words, **columns):
        write(name, bars_csv(40, ts=[f"2025-12-15 {10 + i // 60}:{i % 60:02}:00" for i in range(40)], **columns))
        return run("import", name, "--symbol", "A", *words)[1]

    whole = [200.0 + i for i in range(40)]
    halves = [p + 0.5 * (i % 2) for i, p in enumerate(whole)]
    assert "tick 1 (inferred)" in told("whole.csv", open=whole, high=[p + 1 for p in whole], low=whole, close=whole)
    out = told("halves.csv", open=halves, high=halves, low=whole, close=whole)
    assert "  tick of A tightened 1 → 0.5 by finer prices\n" in out
    out = told("few.csv", open=[10.25] * 40, high=[11] * 40, low=[10] * 40, close=[10.25] * 40)
    assert "tick 0.05, lot 1" in out
    assert "  tick of A tightened 0.5 → 0.05 by finer prices\n" in out
    out = told("whole.csv", open=whole, high=[p + 1 for p in whole], low=whole, close=whole)
    assert ("tick 0.05, lot 1" in out, "tighten" in out) == (True, False)
    assert "tick 2, lot 1" in told("whole.csv", "--tick", "2", open=whole, high=whole, low=whole, close=whole)


def test_adjusted_prices_make_no_step_that_no_exchange_has(run):
    write("a.csv", bars_csv())
    assert "tick 0.05 (inferred)" in run("import", "a.csv", "--symbol", "NSE_EQ|A")[1]
    write("b.csv", bars_csv(ts=[f"2025-12-16 09:1{i}" for i in range(5)], close=[10.1234, 10.2345, 10.3456, 10.4567, 10.5678]))
    out = run("import", "b.csv", "--symbol", "NSE_EQ|A")[1]
    assert "tick 0.05, lot 1" in out
    assert "% of the prices are not multiples of tick 0.05" in out


@pytest.mark.parametrize(
    ("symbol", "zone", "kind"),
    [
        ("NSE_EQ|X", "UTC", Kind.EQUITY), ("BSE_EQ|X", "Asia/Kolkata", Kind.EQUITY), ("NSE_INDEX|Nifty 50", "UTC", Kind.INDEX),
        ("MCX_FO|5", "Asia/Kolkata", Kind.FUTURE), ("RELIANCE", "Asia/Kolkata", Kind.EQUITY),
        ("ES", "America/Chicago", Kind.OTHER), ("NIFTY-FUT", "Asia/Kolkata", Kind.FUTURE),
        ("BANKNIFTY-FUT:2026-12", "Asia/Kolkata", Kind.FUTURE), ("NIFTY26000CE", "Asia/Kolkata", Kind.OPTION),
        ("NICE", "Asia/Kolkata", Kind.EQUITY), ("ES-FUT", "America/Chicago", Kind.OTHER),
    ],
)  # fmt: skip
def test_the_kind_follows_from_the_symbol_and_the_zone(run, symbol, zone, kind):
    write("a.csv", bars_csv())
    run("import", "a.csv", "--symbol", symbol, "--tz", zone)
    with store() as s:
        assert s.instrument(symbol).kind is kind


@pytest.mark.parametrize("cut", [5, 40, -5])
def test_a_damaged_gzip_file_is_refused(bad, cut):
    data = gzip.compress(bars_csv().encode())
    Path("a.csv.gz").write_bytes(data[:cut])
    assert "damaged or cut off" in bad("import", "a.csv.gz", "--symbol", "A")


def test_files_that_are_nothing_we_know_are_refused(bad, tmp_path):
    Path("a.bin").write_bytes(bytes(range(256)))
    assert "no recording, CSV or Parquet" in bad("import", "a.bin", "--symbol", "A")
    Path("a.parquet").write_bytes(b"PAR1 and then nothing")
    assert "Parquet file is damaged" in bad("import", "a.parquet", "--symbol", "A")
    Path("a.csv").write_bytes(b"ts,price,size\n1765770300,\xff\xfe,1\n")
    bad("import", "a.csv", "--symbol", "A")
    Path("folder").mkdir()
    assert "is a folder" in bad("import", "folder", "--symbol", "A")
    assert "no time zone" in bad("import", "a.csv", "--symbol", "A", "--tz", "Mars/Base")


def test_ticks_with_equal_stamps_keep_the_files_order_and_make_bars(run):
    rows = [
        (OPEN, 10.0, 1),
        (OPEN, 10.5, 2),
        (OPEN, 10.0, 1),
        (OPEN + 1, 9.5, 4),
        (OPEN + MINUTE_NS, 10, 0),
        (OPEN + 2 * MINUTE_NS, 10, 1),
    ]
    write("a.csv", ticks_csv(rows))
    out = run("import", "a.csv", "--symbol", "A")[1]
    assert "6 ticks read, 5 stored" in out
    assert "1 left out: size 0, not a trade" in out
    with store() as s:
        t, b = s.ticks("A", *EVER), s.bars("A", *EVER)
        assert t.seq.tolist() == [OPEN, OPEN + 1, OPEN + 2, OPEN + 3, OPEN + 2 * MINUTE_NS]
        assert t.price.tolist() == [10.0, 10.5, 10.0, 9.5, 10.0]
        assert (b.volume.tolist(), b.known_seq.tolist()) == ([8, 1], [OPEN + 2 * MINUTE_NS, NEVER])
    assert "0 stored, 5 already there" in run("import", "a.csv", "--symbol", "A")[1]


def test_two_overlapping_tick_files_are_one_series(run):
    rows = [(OPEN + i * 10**9 // 3, 10 + i % 5, 1 + i % 3) for i in range(300)]
    write("a.csv", ticks_csv(rows[:200]))
    write("b.csv", ticks_csv(rows[100:]))
    write("all.csv", ticks_csv(rows))
    out = run("import", "a.csv", "b.csv", "--symbol", "A")[1]
    assert "b.csv: 200 ticks read, 100 stored, 100 already there" in out
    with store() as s:
        parts = content(s, "A")
    run("import", "all.csv", "--symbol", "A", "--store", "sqlite:///b.db")
    with open_store("sqlite:///b.db") as s:
        assert content(s, "A") == parts
