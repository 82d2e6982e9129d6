"""How fast messages are recorded: through recorder, spool and forwarder, beside the bare QuestDB client.

Usage: python benchmarks/bench_recorder.py [--messages 50000] [--runs 5] [--store questdb://user:password@host:8812/qdb?http=9000]

Without --store, a server is started where this machine can start one, else the embedded store is measured alone. The tables are
given a prefix and dropped at the end. Runs alternate on one machine: quote ratios.

``on the disk`` is until the last message is durable in the spool, which is when it counts as recorded; ``in the store`` until the
store has taken it too. The bare client writes one table; the recorder writes each message's symbols beside it as well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pytest
from questdb import Sender, TimestampNanos

from auction_bt.feeds.decode import symbols_of
from auction_bt.forwarder import Forwarder
from auction_bt.recorder import Recorder
from auction_bt.store.address import QuestDsn, parse
from auction_bt.store.dsn import open_store
from auction_bt.store.questdb.schema import TABLES, VIEWS
from auction_bt.store.questdb.server import Server
from tests.questdb import running
from tests.waiting import until

BEGIN = 1_765_770_300 * 10**9
RATIO = 0.8
PREFIX = "bench_recorder_"
GIVEN, FOUND = "symbols given", "symbols looked for"


def texts(count: int) -> list[str]:
    """Messages as a full feed sends them, about 1 KB each."""

    def level(i: int) -> list[dict[str, object]]:
        return [{"bidQ": str(75 * (i + k)), "bidP": 24_000.05 - k, "askQ": str(75 * k), "askP": 24_000.1 + k} for k in range(5)]

    def message(i: int) -> dict[str, object]:
        ltpc = {"ltp": 24_000.05 + i % 40 * 0.05, "ltt": str(BEGIN // 10**6 + i), "ltq": "75", "cp": 23_900.0}
        ohlc = [{"interval": name, "open": 24_000.0, "high": 24_010.0, "low": 23_990.0, "close": 24_005.0, "vol": str(i),
                 "ts": str(BEGIN // 10**6)} for name in ("1d", "I1")]  # fmt: skip
        full = {"ltpc": ltpc, "marketLevel": {"bidAskQuote": level(i)}, "optionGreeks": {"delta": 0.5, "theta": -9.1},
                "marketOHLC": {"ohlc": ohlc}, "atp": 24_001.2, "vtt": str(75 * i), "oi": 9e6, "iv": 0.11}  # fmt: skip
        return {"type": "live_feed", "feeds": {f"NSE_FO|{50_000 + i % 20}": {"fullFeed": {"marketFF": full}}},
                "currentTs": str(BEGIN // 10**6 + i)}  # fmt: skip

    return [json.dumps(message(i), separators=(",", ":")) for i in range(count)]


class Stamps:
    """A clock of its own for each run, so that no run overwrites another's rows."""

    def __init__(self) -> None:
        self.at = BEGIN

    def __call__(self) -> int:
        self.at += 100_000
        return self.at


def bare(place: QuestDsn, messages: list[str], clock: Stamps, rows: int) -> float:
    """Seconds the client takes alone."""
    conf = (f"http::addr={place.host}:{place.http};username={place.user};password={place.password.replace(';', ';;')};"
            "protocol_version=2;auto_flush=off;")  # fmt: skip
    begin = time.perf_counter()
    with Sender.from_conf(conf) as sender:
        buffer = sender.new_buffer()
        for count, text in enumerate(messages, 1):
            buffer.row(f"{place.prefix}bare", columns={"raw_json": text}, at=TimestampNanos(clock()))
            if count % rows == 0:
                sender.flush(buffer)
        sender.flush(buffer)
    return time.perf_counter() - begin


def recorded(dsn: str, messages: list[str], symbols: list[tuple[str, ...]] | None, clock: Stamps) -> tuple[float, float]:
    """Seconds until all is on the disk, and until all is in the store."""
    known: list[tuple[str, ...] | None] = list(symbols or [None] * len(messages))
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        forwarder = Forwarder(state, lambda: open_store(dsn, create=True), "benchmark", time.time_ns,
                              gives_way=lambda: recorder.is_behind)  # fmt: skip
        recorder = Recorder(state, clock, told=forwarder.wake)
        recorder.start()
        forwarder.start()
        until(lambda: forwarder.state.is_up, 120)
        begin = time.perf_counter()
        for text, names in zip(messages, known, strict=True):
            recorder.put(text, names)
        assert recorder.wait_committed(recorder.last, 600)
        on_disk = time.perf_counter() - begin
        until(lambda: forwarder.forwarded == recorder.last, 600)
        in_store = time.perf_counter() - begin
        recorder.close()
        assert forwarder.finish(60)
        assert (recorder.recorded, forwarder.sent, forwarder.buried) == (len(messages),) * 2 + (0,)
    return on_disk, in_store


def alternating(works: dict[str, Callable[[], Any]], runs: int) -> dict[str, list[Any]]:
    """Results of each, run in turn so that a busy machine disturbs all alike; the first round warms up."""
    found: dict[str, list[Any]] = {name: [] for name in works}
    for _ in range(runs + 1):
        for name, work in works.items():
            found[name].append(work())
    return {name: results[1:] for name, results in found.items()}


def ours(dsn: str, messages: list[str], clock: Stamps) -> dict[str, Callable[[], Any]]:
    """The two ways to record: with the symbols, as a live feed has them, and without, as from a pipe."""
    symbols = [symbols_of(json.loads(text)) for text in messages]
    return {GIVEN: lambda: recorded(dsn, messages, symbols, clock), FOUND: lambda: recorded(dsn, messages, None, clock)}


def on_sqlite(messages: list[str], runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = Stamps()
        dsn = f"sqlite:///{folder}/a.db"
        found = alternating(ours(dsn, messages, clock), runs)
    for name, results in found.items():
        tell(f"embedded store, {name}", results, len(messages))


def tell(name: str, found: list[tuple[float, float]], count: int) -> tuple[float, float]:
    rates = tuple(count / statistics.median(column) for column in zip(*found, strict=True))
    print(f"{name:36s} {rates[0]:9,.0f} messages/s on the disk, {rates[1]:9,.0f} in the store")
    return rates[0], rates[1]


def on_server(dsn: str, messages: list[str], runs: int) -> bool:
    place = parse(dsn)
    assert isinstance(place, QuestDsn)
    clock = Stamps()
    with emptied(place) as server:
        open_store(dsn, create=True).close()
        server.run(f"CREATE TABLE {place.prefix}bare (ts TIMESTAMP_NS, raw_json VARCHAR) TIMESTAMP(ts) PARTITION BY DAY WAL "
                   "DEDUP UPSERT KEYS(ts)")  # fmt: skip
        found = alternating(
            {
                "bare 1,000": lambda: bare(place, messages, clock, 1_000),
                "bare 10,000": lambda: bare(place, messages, clock, 10_000),
            }
            | ours(dsn, messages, clock),
            runs,
        )
    rates = {name: len(messages) / statistics.median(found[name]) for name in ("bare 1,000", "bare 10,000")}
    for name, rate in rates.items():
        print(f"{name + ' rows a flush':36s} {rate:9,.0f} messages/s")
    best = max(rates.values())
    is_good = True
    for name in (GIVEN, FOUND):
        on_disk, in_store = tell(f"recorder, {name}", found[name], len(messages))
        print(
            f"{'over the faster bare':36s} {on_disk / best:9.2f} on the disk (goal {RATIO}), {in_store / best:9.2f} in the store"
        )
        is_good = is_good and on_disk >= RATIO * best
    return is_good


@contextmanager
def emptied(place: QuestDsn) -> Iterator[Server]:
    """The server, without the benchmark's tables before and after."""
    with closing(Server(place)) as server:
        drop(server, place)
        try:
            yield server
        finally:
            drop(server, place)


def drop(server: Server, place: QuestDsn) -> None:
    for view in VIEWS:
        server.run(f"DROP VIEW IF EXISTS {place.prefix}{view}_now")
    for name in [*(t.name for t in TABLES), "bare"]:
        server.run(f"DROP TABLE IF EXISTS {place.prefix}{name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--store")
    args = parser.parse_args()
    messages = texts(args.messages)
    print(f"{args.messages:,} messages of {sum(map(len, messages)) / len(messages):,.0f} bytes, median of {args.runs} runs")
    on_sqlite(messages, args.runs)
    if args.store:
        is_good = on_server(f"{args.store}{'&' if '?' in args.store else '?'}prefix={PREFIX}", messages, args.runs)
    else:
        try:
            with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "questdb") as live:
                is_good = on_server(live.dsn(PREFIX), messages, args.runs)
        except pytest.skip.Exception as error:
            print(f"QuestDB left out: {error}")
            return
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
