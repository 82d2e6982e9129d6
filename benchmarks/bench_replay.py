"""Replay beside bare parsing: messages a second of `orjson.loads`, of the router alone, and of the whole replay.

    python benchmarks/bench_replay.py [recording ...]    (default: a synthetic day of one symbol, 60 messages a minute)

Reading from a store is left out: texts are in memory. Processor time, so that other work on the machine counts less; medians.
"""

import json
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import orjson

from auction_bt.backtest import Engine, Request, _run, read
from auction_bt.cli import main
from auction_bt.core.ist import from_date, to_date
from auction_bt.derive import derive
from auction_bt.router import LiveMarketRouter
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import DEMO, Shape, messages

RUNS = 5


class Nothing:
    """A sink that takes no notice."""

    def on_tick(self, tick):
        pass

    on_bar = on_event = on_gap = on_tick


def filled(dsn):
    if len(sys.argv) > 1:
        main(["import", *sys.argv[1:], "--store", dsn])
        return
    instrument = DEMO[Shape.BALANCED]
    day = date(2026, 3, 10)
    with open_store(dsn, create=True) as store:
        stream = messages(instrument.symbol, day, Shape.BALANCED, 1, per_minute=60)
        store.add_raw(RawMessage(at, json.dumps(body), tuple(body.get("feeds", ()))) for at, body in stream)
        store.put_instrument(instrument)
        derive(store, [instrument.symbol], [from_date(day)])


def timed(work):
    begin = time.process_time()
    work()
    return time.process_time() - begin


with tempfile.TemporaryDirectory() as folder:
    dsn = f"sqlite:///{Path(folder) / 'a.db'}"
    filled(dsn)
    with open_store(dsn, readonly=True) as store:
        symbols = tuple(i.symbol for i in store.instruments())
        days = [to_date(d) for d in store.days(symbols[0])]
        request = Request(symbols, days[0], days[-1], {"period": 60}, engine=Engine.REPLAY)
        data = list(read(store, request))
        recorded = list(store.raw(0, 2**62))
    texts = [m.text for m in recorded]

    def parse():
        for text in texts:
            orjson.loads(text)

    def route():
        router = LiveMarketRouter(Nothing())
        for message in recorded:
            router.on_message(message.text, message.ts)

    def replay():
        _run(data, request, lambda: iter(recorded))

    works = {"orjson.loads": parse, "router": route, "replay": replay}
    replay()  # compiled and warm
    taken = {name: [] for name in works}
    for _ in range(RUNS):
        for name, work in works.items():
            taken[name].append(timed(work))
    bars = sum(len(d.bars) for d in data)
    print(f"{len(texts):,} messages of {statistics.mean(map(len, texts)):,.0f} characters, {bars:,} bars, medians of {RUNS} runs")
    for name, seconds in taken.items():
        ratio = statistics.median(a / b for a, b in zip(taken["orjson.loads"], seconds, strict=True))
        print(f"{name:<14} {len(texts) / statistics.median(seconds):>10,.0f} messages/s   {ratio:6.3f} of orjson.loads")
