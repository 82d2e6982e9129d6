"""A live day under load: sockets, recorder, store, 250 strategies and orders, against a simulated exchange in another process.

Usage: python benchmarks/bench_live.py [--instruments 250] [--seconds 60] [--rate 5000 --rate 1000] [--speed 6] [--attached]

One message a frame, which is the worst case: the broker's own frames carry several. The market runs `--speed` times faster than
the world, so bars close, and strategies decide, as many times more often than they ever will. With `--attached` another process
holds the market's socket and records, as `record --feed` does; the run reads along, and a frame has arrived when that process has
read it.

The way of an order is from its frame's arrival in this process to its being asked for, and from the disk to the broker's client.
What lies between is told beside it: the sender's queue, the disk's `fsync`, and how long the broker's own limits of requests hold
a burst back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from load_exchange import CASH, DAY, ORIGINALS, instruments

from auction_bt.brokers.indian import indian_charges
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.leg import Leg
from auction_bt.live import rehearsal
from auction_bt.live.assembly import LiveRun, recording_of
from auction_bt.live.door import Door
from auction_bt.live.engine import LivePlan, Orders
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.recording import OwnRecording, Place
from auction_bt.parsing import dump
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
    asked: list[tuple[int, int]] = field(default_factory=list)  # of each request: seq of its message, and when it was asked for
    arrived: dict[int, int] = field(default_factory=dict)  # by the seq of a message in which requests were asked for
    told: dict[str, int] = field(default_factory=dict)  # of a message that this process gives the recorder to record: when
    own: dict[int, int] = field(default_factory=dict)  # by its seq, when it comes back
    waiting: int = 0  # most of the recorder's messages
    behind: int = 0  # most of the messages not yet in the store
    busy: dict[str, tuple[int, int]] = field(default_factory=dict)  # ns of processor time at the first look and the last
    due: float = 0.0

    def look_at_threads(self) -> None:
        """Note twice a second what each thread has used; of one that is over, what it had used when it was last seen."""
        if time.monotonic() < self.due:
            return
        self.due = time.monotonic() + 0.5
        for thread in threading.enumerate():
            with suppress(OSError, AttributeError):
                used = (Path("/proc/self/task") / str(thread.native_id) / "schedstat").read_text().split()[0]
                self.busy.setdefault(thread.name, (int(used), int(used)))
                self.busy[thread.name] = self.busy[thread.name][0], int(used)


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


def run(count: int, seconds: float, rate: float, speed: float, attached: bool) -> dict[str, Any]:
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
            if not attached:
                return _measured(folder, count, speed, exchange, ready, None)
            words = ["--folder", name, "--count", str(count), "--speed", str(speed)]
            with subprocess.Popen([sys.executable, str(HERE / "load_recorder.py"), *words], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) as recorder:  # fmt: skip
                try:
                    tell(recorder, json.dumps(ready))
                    hear(recorder)
                    return _measured(folder, count, speed, exchange, ready, recorder)
                finally:
                    recorder.kill()
        finally:
            exchange.kill()
            exchange.wait()
            exchange.stdout.close()
            exchange.stdin.close()


def tell(process: Any, text: str = "") -> None:
    process.stdin.write(text + "\n")
    process.stdin.flush()


def hear(process: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def _measured(
    folder: Path, count: int, speed: float, exchange: Any, ready: dict[str, Any], other: Any
) -> dict[str, Any]:  # fmt: skip
    chosen, day, seen = instruments(count), from_date(DAY), Watched()
    place = Place(rehearsal.store_of(folder), folder, ready["url"], lambda: ready["token"], MarketClock(ready["now"], speed))
    plan = LivePlan(tuple(chosen), EAGER, CASH, indian_charges(), day_start(day), Orders.SIM)
    legs = tuple(Leg(i, day, day, i.symbol) for i in chosen)
    alarms: list[str] = []

    def look(live: LiveRun) -> float:
        flow = recording.source.flow
        seen.look_at_threads()
        if isinstance(recording, OwnRecording):
            seen.waiting = max(seen.waiting, recording.recorder.waiting)
            seen.behind = max(seen.behind, recording.recorder.recorded - recording.forwarder.sent)
        if flow.taken >= ready["frames"] and live.is_quiet and (time.monotonic_ns() - flow.at) > 2e9:
            live.session.engine.stop()
        return 0.2

    recording = recording_of(place, plan, None if other is None else Door.of(folder), alarms.append)
    live = LiveRun(place, plan, legs, recording, on_news=lambda _: None, on_alarm=alarms.append, look=look)
    _watch(live, seen)
    live.run()
    sent = hear(exchange)
    tell(exchange)
    account = hear(exchange)
    flow = recording.source.flow
    if isinstance(recording, OwnRecording):
        of_recorder = {
            "frames": recording.market.counts.frames, "dropped": flow.dropped, "lost": recording.recorder.lost,
            "recorded": recording.recorder.recorded, "stored": recording.was_sent, "recorder waiting": seen.waiting,
            "store behind": seen.behind,
        }  # fmt: skip
    else:
        tell(other)
        of_recorder = hear(other)
        pairs = array("q", (folder / "arrivals").read_bytes())
        seen.arrived = dict(zip(pairs[::2], pairs[1::2], strict=True)) | seen.own
    assert live.sender is not None
    engine = live.session.engine
    ours = {s.instrument.symbol: size for s in engine.strategies if (size := engine.broker.positions[s.data].size)}
    ours |= {symbol: keeper.held * keeper.side.sign for symbol, keeper in engine.broker.keepers.items()}
    ours = {symbol: size for symbol, size in ours.items() if size}
    waits = live.sender.waits
    told = zip(seen.asked, waits, strict=False)
    ways = sorted(asked - seen.arrived[seq] + call for (seq, asked), (*_, call) in told if seq in seen.arrived)
    theirs = {symbol: size for symbol, size in account["positions"].items() if size}
    return {
        **sent, **of_recorder, "taken": flow.taken, "most waiting for the engine": flow.most,
        "decisions": len(engine.decisions), "requests": len(waits), "measured": len(ways),
        "ways ms": [round(quantile(ways, q) / 1e6, 2) for q in (0.5, 0.9, 0.99, 1.0)],
        "queue and disk ms": [round(quantile(sorted(w for w, *_ in waits), q) / 1e6, 2) for q in (0.5, 0.99)],
        "broker's limits ms": [round(quantile(sorted(w for _, w, _ in waits), q) / 1e6, 2) for q in (0.5, 0.99)],
        "threads us": {
            name: us for name, (a, b) in seen.busy.items() if (us := round((b - a) / max(1, flow.taken) / 1e3, 1)) >= 0.5
        },
        "same position": ours == theirs or f"{ours} here, {theirs} there", "alarms": alarms[:3],
    }  # fmt: skip


def _watch(live: LiveRun, seen: Watched) -> None:
    source = live.recording.source
    take, send, tell = source.next, live.sender.send, source.tell  # type: ignore[union-attr]

    def next_(timeout: float) -> Any:
        received = take(timeout)
        if received is not None:
            if not seen.at and isinstance(received.message, str):  # nobody shows an attached run's clock the frames
                live.place.clock.see(received.seq)
            seen.at = received.at
            if (at := seen.told.pop(str(received.message), None)) is not None:
                seen.own[received.seq] = at
        return received

    def asked(action: Any) -> None:
        seq = live.session.engine.seq
        seen.asked.append((seq, time.monotonic_ns()))
        seen.arrived[seq] = seen.at
        send(action)

    def told(message: Any, *rest: Any) -> None:
        seen.told[dump(dict(message))] = time.monotonic_ns()
        tell(message, *rest)

    source.next = next_  # type: ignore[method-assign]
    if not isinstance(live.recording, OwnRecording):
        source.tell = told  # type: ignore[method-assign]
    live.sender.send = asked  # type: ignore[union-attr, method-assign]


def quantile(values: list[int], share: float) -> float:
    return float(values[min(len(values) - 1, int(share * len(values)))]) if values else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instruments", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, action="append")
    parser.add_argument("--speed", type=float, default=6.0)
    parser.add_argument("--attached", action="store_true")
    args = parser.parse_args()
    for rate in args.rate or [1000.0, 5000.0]:
        found = run(args.instruments, args.seconds, rate, args.speed, args.attached)
        where = ", recorded elsewhere" * args.attached
        print(
            f"\n{args.instruments} instruments, {rate:,.0f} messages/s wanted, {args.seconds:g} s, market x{args.speed:g}{where}"
        )
        for name, value in found.items():
            print(f"  {name:18s} {value}")


if __name__ == "__main__":
    main()
