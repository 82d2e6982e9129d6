"""A live day under load: sockets, recorder, store, 250 strategies and orders, against a simulated exchange in another process.

Usage: python benchmarks/bench_live.py [--instruments 250] [--seconds 60] [--rate 5000 --rate 1000] [--speed 6]

One message a frame, which is the worst case: the broker's own frames carry several. The market runs `--speed` times faster than
the world, so bars close, and strategies decide, as many times more often than they ever will.

The way of an order is from its frame's arrival in this process to its being asked for, and from the disk to the broker's client.
What lies between is told beside it: the sender's queue, where the broker's own limits of requests hold a burst back, and the
disk's `fsync`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from load_exchange import CASH, DAY, ORIGINALS, instruments

from auction_bt.brokers.indian import indian_charges
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.leg import Leg
from auction_bt.live import rehearsal
from auction_bt.live.assembly import LiveRun
from auction_bt.live.engine import LivePlan, Orders
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.recording import OwnRecording, Place
from auction_bt.store.dsn import open_store

HERE = Path(__file__).resolve().parent
# Every signal is taken, however little it offers: the load has orders in it.
EAGER = {
    "max_concurrent": 5,
    "cost_multiple": 0.0,
    "stop_cost_multiple": 0.0,
    "min_r": 0.0,
    "entry_from_min": 0,
    "risk_fraction": 0.0001,
}


@dataclass
class Watched:
    """What was seen on the way."""

    at: int = 0  # arrival of the message in hand
    ways: list[int] = field(default_factory=list)  # ns, from arrival to the request asked for
    waiting: int = 0  # most of the recorder's messages
    behind: int = 0  # most of the messages not yet in the store


def fill(folder: Path, count: int) -> None:
    """A quiet day before, for the windows: of the originals, and the same for whoever stands for them."""
    originals = instruments(ORIGINALS)
    rehearsal.fill_made_up(folder, 7, originals, DAY, 4)
    with open_store(rehearsal.store_of(folder)) as store:
        day = max(store.days(originals[0].symbol))
        begin, end = day_start(day), day_start(day + 1)
        for n, instrument in enumerate(instruments(count)[ORIGINALS:]):
            like = originals[n % ORIGINALS].symbol
            store.put_instrument(instrument)
            store.put_derived(
                instrument.symbol, range(day, day + 1), store.ticks(like, begin, end), store.bars(like, begin, end), []
            )


def run(count: int, seconds: float, rate: float, speed: float) -> dict[str, Any]:
    """One run; what it was."""
    words = ["--count", str(count), "--seconds", str(seconds), "--rate", str(rate), "--speed", str(speed)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, count)
        exchange = subprocess.Popen([sys.executable, str(HERE / "load_exchange.py"), *words], text=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
        assert exchange.stdout is not None
        assert exchange.stdin is not None
        try:
            ready = json.loads(exchange.stdout.readline())
            return _measured(folder, count, speed, exchange, ready)
        finally:
            exchange.kill()
            exchange.wait()
            exchange.stdout.close()
            exchange.stdin.close()


def _measured(folder: Path, count: int, speed: float, exchange: Any, ready: dict[str, Any]) -> dict[str, Any]:
    chosen, day, seen = instruments(count), from_date(DAY), Watched()
    place = Place(rehearsal.store_of(folder), folder, ready["url"], lambda: ready["token"], MarketClock(ready["now"], speed))
    plan = LivePlan(tuple(chosen), EAGER, CASH, indian_charges(), day_start(day), Orders.SIM)
    legs = tuple(Leg(i, day, day, i.symbol) for i in chosen)
    alarms: list[str] = []

    def look(live: LiveRun) -> float:
        flow, recorder = recording.source.flow, recording.recorder
        seen.waiting = max(seen.waiting, recorder.waiting)
        seen.behind = max(seen.behind, recorder.recorded - recording.forwarder.sent)
        if flow.taken > ready["frames"] and live.is_quiet and (time.monotonic_ns() - flow.at) > 2e9:
            live.session.engine.stop()
        return 0.2

    recording = OwnRecording(place, plan.day, plan.instruments, alarms.append)
    live = LiveRun(place, plan, legs, recording, on_news=lambda _: None, on_alarm=alarms.append, look=look)
    _watch(live, seen)
    live.run()
    sent = json.loads(exchange.stdout.readline())
    exchange.stdin.write("\n")
    exchange.stdin.flush()
    account = json.loads(exchange.stdout.readline())
    assert live.sender is not None
    engine = live.session.engine
    ours = {s.instrument.symbol: size for s in engine.strategies if (size := engine.broker.positions[s.data].size)}
    waits, flow = live.sender.waits, recording.source.flow
    ways = sorted(way + call for way, (_, call) in zip(seen.ways, waits, strict=False))
    return {
        **sent, "taken": flow.taken, "frames": recording.market.counts.frames, "dropped": flow.dropped,
        "lost": recording.recorder.lost, "recorded": recording.recorder.recorded, "stored": recording.was_sent,
        "most waiting": flow.most, "recorder waiting": seen.waiting, "store behind": seen.behind,
        "decisions": len(engine.decisions), "requests": len(waits),
        "ways ms": [round(quantile(ways, q) / 1e6, 2) for q in (0.5, 0.9, 0.99, 1.0)],
        "queue and disk ms": [round(quantile(sorted(w for w, _ in waits), q) / 1e6, 2) for q in (0.5, 0.99)],
        "same position": ours == {k: q for k, q in account["positions"].items() if q}, "alarms": alarms[:3],
    }  # fmt: skip


def _watch(live: LiveRun, seen: Watched) -> None:
    take, send = live.recording.source.next, live.sender.send  # type: ignore[union-attr]

    def next_(timeout: float) -> Any:
        received = take(timeout)
        seen.at = received.at if received is not None else 0
        return received

    def asked(action: Any) -> None:
        seen.ways.append(time.monotonic_ns() - seen.at)
        send(action)

    live.recording.source.next = next_  # type: ignore[method-assign]
    live.sender.send = asked  # type: ignore[union-attr, method-assign]


def quantile(values: list[int], share: float) -> float:
    return float(values[min(len(values) - 1, int(share * len(values)))]) if values else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instruments", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, action="append")
    parser.add_argument("--speed", type=float, default=6.0)
    args = parser.parse_args()
    for rate in args.rate or [1000.0, 5000.0]:
        found = run(args.instruments, args.seconds, rate, args.speed)
        print(f"\n{args.instruments} instruments, {rate:,.0f} messages/s wanted, {args.seconds:g} s, market at x{args.speed:g}")
        for name, value in found.items():
            print(f"  {name:18s} {value}")


if __name__ == "__main__":
    main()
