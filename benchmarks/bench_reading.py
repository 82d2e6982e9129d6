"""How fast a day of ticks is read: from the day cache beside a bare memory-mapped file, from QuestDB beside a bare export.

Usage: python benchmarks/bench_reading.py [--ticks 1000000] [--runs 7] [--store questdb://user:password@host:8812/qdb?http=9000]

Without --store, a server is started where this machine can start one. Its tables are given a prefix and dropped at the end. The
bare export asks the server for the same columns of the same rows and leaves the same NumPy arrays. Runs alternate; quote ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pytest
import urllib3

from auction_bt.core.bar import BarColumns
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_start
from auction_bt.core.tick import TICK_DTYPES, TickColumns
from auction_bt.store import TickStore
from auction_bt.store.address import QuestDsn, parse
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.store.questdb.schema import TABLES, VIEWS
from auction_bt.store.questdb.server import Server
from tests.questdb import running

DAY = 20_437
SYMBOL = "NSE_FO|51502"
SPAN = day_start(DAY), day_start(DAY + 1)
CACHE_MS = 20.0  # over the bare read, a million ticks
EXPORT_RATIO = 1.3


def made(n: int) -> TickColumns:
    """A day of ticks as a feed leaves them: a walk on the price grid, a book around it, one in a thousand told a second late."""
    rng = np.random.default_rng(1)
    step = 22_000 * 10**9 // n
    seq = day_start(DAY) + 33_300 * 10**9 + np.arange(n, dtype=np.int64) * step + rng.integers(0, step, n)
    price = np.round(24_000 + np.cumsum(rng.integers(-2, 3, n)) * 0.05, 2)
    size = rng.integers(0, 20, n) * 75
    ts = seq - 60_000_000 - np.where(rng.random(n) < 0.001, 10**9, 0)
    return TickColumns(seq, ts, price, size, np.cumsum(size), price - 0.05, price + 0.05, np.full(n, 9e6), seq - step)


def alternating(works: dict[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median seconds of each, run in turn so that a busy machine disturbs all alike."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs + 1):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - begin)
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


def touch(columns: list[Any]) -> int:
    """Read every value of every column."""
    return sum(int(column.view(np.int64).sum()) for column in columns)


def listed(ticks: TickColumns) -> list[Any]:
    return [getattr(ticks, name) for name in TICK_DTYPES]


def put(store: TickStore, ticks: TickColumns) -> None:
    store.put_instrument(Instrument(SYMBOL, Decimal("0.05"), 75))
    store.put_derived(SYMBOL, range(DAY, DAY + 1), ticks, BarColumns.empty(), [])


def cached(ticks: TickColumns, folder: Path, runs: int) -> bool:
    """Time the cache; return whether it is fast enough."""
    with open_store(f"sqlite:///{folder / 'a.db'}", create=True) as store:
        put(store, ticks)
        cache = DayCache(folder / "cache", print, keep_free=0)
        cache.ticks(store, SYMBOL, *SPAN)
        (path,) = (folder / "cache").rglob("*.npy")

        def bare() -> int:
            return touch(list(np.load(path, mmap_mode="r")))

        def ours() -> int:
            return touch(listed(cache.ticks(store, SYMBOL, *SPAN)))

        assert ours() == bare() == touch(listed(ticks)), "columns differ"
        took = alternating({"bare": bare, "cache": ours, "store": lambda: store.ticks(SYMBOL, *SPAN)}, runs)
    over = (took["cache"] - took["bare"]) * 1e3 * 1e6 / len(ticks)
    print(f"bare np.load, mapped, all columns read  {took['bare'] * 1e3:8.1f} ms")
    print(f"the day cache, all columns read         {took['cache'] * 1e3:8.1f} ms   "
          f"{over:+.1f} ms a million ticks (at most {CACHE_MS:.0f})")  # fmt: skip
    print(
        f"the embedded store without it           {took['store'] * 1e3:8.1f} ms   {took['store'] / took['cache']:.1f} x the cache"
    )
    return over <= CACHE_MS


def exported(ticks: TickColumns, dsn: str, runs: int) -> bool:
    """Time a store on a server beside a bare export of its table; return whether it is fast enough."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = parse(dsn)
    assert isinstance(place, QuestDsn)
    http = urllib3.PoolManager()
    headers = urllib3.make_headers(basic_auth=f"{place.user}:{place.password}")
    names = list(TICK_DTYPES)
    query = (f"SELECT {', '.join(names)} FROM '{place.prefix}ticks' WHERE symbol = '{SYMBOL}' "
             f"AND ts >= {SPAN[0]} AND ts < {SPAN[1]}")  # fmt: skip

    def bare() -> list[Any]:
        fields = {"query": query, "fmt": "parquet", "compression_codec": "uncompressed"}
        answer = http.request("GET", f"http://{place.host}:{place.http}/exp", fields=fields, headers=headers, timeout=300)
        assert answer.status == 200, answer.data
        table = pq.read_table(pa.BufferReader(answer.data))
        columns = [table.column(n).cast(pa.int64()) if n == "ts" else table.column(n) for n in names]
        return [column.to_numpy() for column in columns]

    with open_store(dsn, create=True) as store:
        put(store, ticks)

        def ours() -> list[Any]:
            return listed(store.ticks(SYMBOL, *SPAN))

        # The bare export says nothing about order: rows of one seq each, so a sum is as good as the rows.
        assert touch(bare()) == touch(ours()) == touch(listed(ticks)), "columns differ"
        took = alternating({"bare": bare, "store": ours}, runs)
    ratio = took["store"] / took["bare"]
    print(f"bare /exp parquet to NumPy              {took['bare'] * 1e3:8.1f} ms")
    print(f"the store on QuestDB                    {took['store'] * 1e3:8.1f} ms   {ratio:.2f} x (at most {EXPORT_RATIO})")
    return ratio <= EXPORT_RATIO


@contextmanager
def own_tables(dsn: str) -> Iterator[str]:
    """Give a name of a store with tables of its own, dropped afterwards."""
    place = parse(dsn)
    if not isinstance(place, QuestDsn):
        raise SystemExit(f"--store {dsn}: the bare export is QuestDB's, give questdb://…")
    place = replace(place, prefix=f"bench{time.time_ns()}_")
    password = quote(place.password, safe="")
    try:
        yield (f"questdb://{quote(place.user, safe='')}:{password}@{place.host}:{place.port}/{place.database}"
               f"?http={place.http}&prefix={place.prefix}")  # fmt: skip
    finally:
        with closing(Server(place)) as server:
            for table in VIEWS:
                server.run(f"DROP VIEW IF EXISTS '{place.prefix}{table}_now'")
            for each in TABLES:
                server.run(f"DROP TABLE IF EXISTS '{place.prefix}{each.name}'")


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """Give the same on a server of our own."""
    with running(folder) as server:
        yield server.dsn("bench_")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ticks", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--store", default="")
    args = parser.parse_args()
    ticks = made(args.ticks)
    print(f"{len(ticks):,} ticks of one day, nine columns; medians of {args.runs}")
    with tempfile.TemporaryDirectory() as folder:
        is_fast = cached(ticks, Path(folder), args.runs)
        try:
            with own_tables(args.store) if args.store else started(Path(folder) / "questdb") as dsn:
                is_fast &= exported(ticks, dsn, args.runs)
        except pytest.skip.Exception as reason:
            print(reason)
    return 0 if is_fast else 1


if __name__ == "__main__":
    sys.exit(main())
