"""The profile command, on real stores."""

import argparse
import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest

from auction_bt.cli import profile as command
from auction_bt.core.bar import Bar, BarColumns
from auction_bt.core.errors import BadInput, NothingToDo, UnknownSymbol
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_index, day_start, from_date
from auction_bt.core.tick import Tick, TickColumns
from auction_bt.store.dsn import open_store

DAY = from_date(dt.date(2024, 1, 15))
OPEN = day_start(DAY) + (9 * 60 + 15) * MINUTE_NS
FUTURE = Instrument("NSE_FO|1", Decimal("0.05"), 50, Kind.FUTURE, "NIFTY-FUT")
SHARE = Instrument("NSE_EQ|2", Decimal("0.05"), 1, Kind.EQUITY)
INDEX = Instrument("NSE_INDEX|3", Decimal("0.05"), 1, Kind.INDEX, "NIFTY")


def ticks_of(symbol, prints):
    return TickColumns.of([Tick(symbol, ts + i, ts, price, size) for i, (ts, price, size) in enumerate(prints)])


@pytest.fixture
def dsn(tmp_path):
    where = f"sqlite:///{tmp_path / 'auction.db'}"
    second = [
        (OPEN - SECOND_NS, 90.0, 10_000),  # pre-open
        (OPEN, 100.0, 25),
        (OPEN + SECOND_NS, 100.05, 30),
        (OPEN + 2 * SECOND_NS, 100.1, 20),
        (OPEN + 3 * SECOND_NS, 100.15, 0),  # only the price moved
        (OPEN + 375 * MINUTE_NS - 1, 100.25, 5),
        (OPEN + 375 * MINUTE_NS, 110.0, 10_000),  # the closing auction
    ]
    bars = [
        Bar(FUTURE.symbol, OPEN, 100.0, 100.15, 100.0, 100.1, 60, 60),
        Bar(FUTURE.symbol, OPEN + 24 * 60 * MINUTE_NS, 100.2, 100.3, 100.1, 100.2, 11),
        Bar(FUTURE.symbol, OPEN + (24 * 60 - 1) * MINUTE_NS, 80.0, 80.0, 80.0, 80.0, 500),  # before the open
    ]
    quiet = BarColumns.of([Bar(INDEX.symbol, OPEN, 1.0, 2.0, 1.0, 2.0, 0)])
    with open_store(where, create=True) as store:
        for instrument in (FUTURE, SHARE, INDEX):
            store.put_instrument(instrument)
        store.put_derived(
            FUTURE.symbol,
            range(DAY, DAY + 2),
            ticks_of(FUTURE.symbol, second),
            BarColumns.of(sorted(bars, key=lambda b: b.ts)),
            [],
        )
        store.put_derived(INDEX.symbol, range(DAY, DAY + 1), TickColumns.empty(), quiet, [])
        store.put_derived(SHARE.symbol, range(DAY, DAY + 1), ticks_of(SHARE.symbol, [(OPEN, 10.0, 5)]), BarColumns.empty(), [])
    return where


def run(dsn, *options, symbol="NSE_FO|1", begin="2024-01-15", end="2024-01-15"):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(["--symbol", symbol, "--from-date", begin, "--to-date", end, "--store", dsn, *options])
    return command.run(args)


def as_json(capsys, dsn, *options, **where):
    assert run(dsn, "--json", "-", *options, **where) == 0
    return json.loads(capsys.readouterr().out)


def test_ticks_of_the_session_and_no_others_are_counted(dsn, capsys):
    got = as_json(capsys, dsn)
    assert got["rows"] == [[100.0, 25], [100.05, 30], [100.1, 20], [100.25, 5]]
    assert (got["poc"], got["vah"], got["val"], got["total_volume"]) == (100.05, 100.1, 100.0, 80)
    (day,) = got["quality"]["days"]
    assert (day["source"], day["volume"], day["outside_session"], day["off_grid"]) == ("ticks", 80, 2, 0)
    assert {k: got[k] for k in ("schema", "symbol", "from", "to", "method", "source", "value_area", "tick_size")} == {
        "schema": 1, "symbol": "NSE_FO|1", "from": "2024-01-15", "to": "2024-01-15", "method": "two_row", "source": "auto",
        "value_area": 0.7, "tick_size": 0.05,
    }  # fmt: skip


def test_a_day_without_ticks_is_measured_by_its_candles(dsn, capsys):
    got = as_json(capsys, dsn, begin="2024-01-16", end="2024-01-16")
    assert got["rows"] == [[100.1, 2], [100.15, 2], [100.2, 3], [100.25, 2], [100.3, 2]]
    both = as_json(capsys, dsn, end="2024-01-31")
    assert [d["source"] for d in both["quality"]["days"]] == ["ticks", "candles"]
    assert both["total_volume"] == 80 + 11
    assert dict(map(tuple, both["rows"]))[100.1] == 20 + 2


def test_a_source_is_kept_to(dsn, capsys):
    candles = as_json(capsys, dsn, "--source", "candles", end="2024-01-16")
    assert candles["total_volume"] == 60 + 11
    assert as_json(capsys, dsn, "--source", "ticks", end="2024-01-16")["total_volume"] == 80


def test_methods_shares_and_rows_are_used(dsn, capsys):
    assert as_json(capsys, dsn, "--value-area", "0.4")["vah"] == 100.05
    assert as_json(capsys, dsn, "--method", "original")["method"] == "original"
    grouped = as_json(capsys, dsn, "--ticks-per-row", "2")
    assert grouped["rows"] == [[100.0, 55], [100.1, 20], [100.2, 5]]
    assert (grouped["val"], grouped["poc"], grouped["vah"]) == (100.0, 100.0, 100.25)


def test_a_histogram_shows_every_row_and_marks_the_levels(dsn, capsys):
    assert run(dsn, symbol="nifty-fut") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("NSE_FO|1 (NIFTY-FUT)")
    assert "POC 100.05  VAH 100.10  VAL 100.00  volume 80" in lines[1]
    by_price = {line.split()[0]: line for line in lines if line[:3].isdigit() and line[3] == "."}
    assert list(by_price) == ["100.25", "100.20", "100.15", "100.10", "100.05", "100.00"]
    assert by_price["100.05"].endswith("POC")
    assert by_price["100.10"].endswith("VAH")
    assert by_price["100.00"].endswith("VAL")
    assert "█" in by_price["100.05"]
    assert "░" in by_price["100.25"]
    assert by_price["100.05"].count("█") > by_price["100.00"].count("█") > by_price["100.10"].count("█") > 0


def test_many_rows_are_put_together_for_the_eye_with_exact_levels(tmp_path, capsys):
    where = f"sqlite:///{tmp_path / 'many.db'}"
    prints = [(OPEN + i, round(100 + i * 0.05, 2), 1 + (i == 777) * 10_000) for i in range(1000)]
    with open_store(where, create=True) as store:
        store.put_instrument(FUTURE)
        store.put_derived(FUTURE.symbol, range(DAY, DAY + 1), ticks_of(FUTURE.symbol, prints), BarColumns.empty(), [])
    run(where)
    out = capsys.readouterr().out
    assert "POC 138.85  VAH 138.85  VAL 138.85" in out
    assert 30 < len(out.splitlines()) < 60
    assert "each line: 25 ticks from the price shown up" in out
    (marked,) = [line for line in out.splitlines() if line.endswith("VAH POC VAL")]
    assert marked.startswith("138.75")


def test_a_terminal_without_blocks_gets_signs(dsn):
    with open_store(dsn) as store:
        measured = command.measure(store, FUTURE, range(DAY, DAY + 1))
    text = "\n".join(measured.as_text(60, blocks=False))
    assert text.isascii()
    assert "#" in text
    assert max(map(len, text.splitlines()[4:])) <= 60


def test_json_goes_to_a_file_too(dsn, tmp_path, capsys):
    target = tmp_path / "p.json"
    assert run(dsn, "--json", str(target)) == 0
    assert "POC" in capsys.readouterr().out
    assert json.loads(target.read_text())["poc"] == 100.05
    with pytest.raises(BadInput, match="cannot write"):
        run(dsn, "--json", str(tmp_path / "none" / "p.json"))


@pytest.mark.parametrize(
    ("options", "where", "error", "words"),
    [
        ([], {"symbol": "NSE_FO|9"}, UnknownSymbol, "NSE_FO|1"),
        ([], {"symbol": "NSE_INDEX|3"}, BadInput, "has no volume"),
        ([], {"symbol": "NSE_INDEX|3"}, BadInput, "use its future, e.g. NIFTY-FUT"),
        ([], {"begin": "2023-01-01", "end": "2023-12-31"}, NothingToDo, "the store has 2024-01-15 to 2024-01-16"),
        ([], {"begin": "2024-01-16"}, BadInput, "after --to-date"),
        ([], {"begin": "15.01.2024"}, BadInput, "YYYY-MM-DD"),
        (["--source", "ticks"], {"begin": "2024-01-16", "end": "2024-01-16"}, BadInput, "--source candles"),
        (["--source", "candles"], {"symbol": "NSE_EQ|2"}, BadInput, "--source ticks"),
        (["--value-area", "70"], {}, BadInput, "value_area 70"),
        (["--ticks-per-row", "0"], {}, BadInput, "ticks_per_row 0"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(dsn, options, where, error, words):
    with pytest.raises(error) as caught:
        run(dsn, *options, **where)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_prices_off_the_grid_are_counted_and_said(tmp_path, capsys):
    where = f"sqlite:///{tmp_path / 'off.db'}"
    with open_store(where, create=True) as store:
        store.put_instrument(FUTURE)
        store.put_derived(
            FUTURE.symbol,
            range(DAY, DAY + 1),
            ticks_of(FUTURE.symbol, [(OPEN, 100.02, 3), (OPEN, 100.05, 1)]),
            BarColumns.empty(),
            [],
        )
    run(where)
    assert "1 prices were off the grid of 0.05, and rounded to it" in capsys.readouterr().out


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "tick", "zone"),
    [
        ("lean-spy-ticks-2013/SPY_20131007_trades.parquet", "0.01", "America/New_York"),
        ("lean-gc-ticks-2013/GCZ13_20131007_trades.parquet", "0.1", "UTC"),
    ],
)
def test_recorded_ticks_through_the_store_are_counted_exactly(shared_data, tmp_path, capsys, name, tick, zone):
    frame = pq.read_table(shared_data(name), columns=["ts", "price", "size"]).to_pandas()
    ts = (
        frame.ts.dt.tz_localize(zone)
        .dt.tz_convert("UTC")
        .dt.tz_localize(None)
        .to_numpy()
        .astype("datetime64[ns]")
        .astype(np.int64)
    )
    n = len(frame)
    seq = np.maximum.accumulate(ts - np.arange(n)) + np.arange(n)
    price, size, none = frame.price.to_numpy(np.float64), frame["size"].to_numpy(np.int64), np.full(n, np.nan)
    columns = TickColumns(seq, ts, price, size, np.full(n, -1), none, none, none, np.zeros(n, np.int64))
    instrument = Instrument("X", Decimal(tick), 1, Kind.OTHER)
    first, last = int(day_index(ts[0])), int(day_index(ts[-1]))
    where = f"sqlite:///{tmp_path / 'ticks.db'}"
    with open_store(where, create=True) as store:
        store.put_instrument(instrument)
        store.put_derived("X", range(first, last + 1), columns, BarColumns.empty(), [])
    got = as_json(capsys, where, symbol="X", begin="2013-10-06", end="2013-10-09")
    rows, place = np.unique(np.rint(price / float(tick)).astype(np.int64), return_inverse=True)
    counted = np.zeros(len(rows), np.int64)
    np.add.at(counted, place, size)
    digits = -int(Decimal(tick).as_tuple().exponent)
    want = [[float(f"{k * float(tick):.{digits}f}"), v] for k, v in zip(rows.tolist(), counted.tolist(), strict=True) if v]
    assert got["rows"] == want
    assert got["total_volume"] == int(size.sum())
    assert got["poc"] in {p for p, v in want if v == max(v for _, v in want)}
