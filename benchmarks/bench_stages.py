"""What a message and a bar of a live day cost, stage by stage, in one thread: processor time, no socket, no second thread.

Usage: python benchmarks/bench_stages.py [--instruments 250] [--minutes 4] [--rate 250] [--orders sim] [--profile bars.prof]

The frames are those of `bench_live`. A message that closes no bar and one that does are told apart by the engine itself; "least"
is the tenth part that took least, which other work on the machine has disturbed least.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_live import EAGER, fill
from google.protobuf.json_format import MessageToDict
from load_exchange import CASH, DAY, ORIGINALS, frames, instruments
from upstox_client.feeder.proto.MarketDataFeedV3_pb2 import FeedResponse

from auction_bt.brokers.indian import indian_charges
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.leg import Leg
from auction_bt.feeds.decode import symbols_of
from auction_bt.live import rehearsal
from auction_bt.live.engine import LiveAuctionEngine, LivePlan, Orders
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.source import LiveSource, Received
from auction_bt.live.warm import warm_days
from auction_bt.parsing import dump
from auction_bt.recorder import Recorder
from auction_bt.router import LiveMarketRouter
from auction_bt.store.dsn import open_store
from auction_bt.upstox.frames import Frames


class Nothing:
    """A sink that takes no notice."""

    def on_tick(self, tick: Any) -> None:
        """Take it."""

    on_bar = on_event = on_gap = on_tick


class Unwritten(Recorder):
    """A recorder whose writer never runs: what is left is what the engine's thread pays."""

    def _has_room(self, text: str) -> bool:  # noqa: ARG002
        if len(self._queue) >= 1000:
            self._queue.clear()
            self._held = 0
        return True


def wire(count: int, minutes: float, rate: float) -> list[tuple[int, bytes]]:
    """The frames as they come from the socket, in their order, each with its time."""
    keys, write = [i.symbol for i in instruments(count)], Frames().encode
    found, n = [], 0
    for shown in frames(minutes * 60, rate, 1.0, count):
        if not shown.message.get("feeds"):
            continue
        (original,), frame = shown.message["feeds"], write(shown.message)
        for j, key in enumerate(keys[keys.index(original) :: ORIGINALS]):
            found.append((shown.at + j, n, frame.replace(original.encode(), key.encode())))
            n += 1
    found.sort()
    return [(at, frame) for at, _, frame in found]


def each(work: Callable[[Any], Any], items: list[Any]) -> float:
    """Return the processor time of one item, us: the least of twenty parts, which the neighbours have disturbed least."""
    gc.collect()
    gc.freeze()  # what waits here is no part of a live day
    took, size = [], len(items) // 20
    for n in range(20):
        part = items[n * size : (n + 1) * size]
        begin = time.thread_time_ns()
        for item in part:
            work(item)
        took.append((time.thread_time_ns() - begin) / size / 1000)
    return min(took)


class Timed:
    """A source of decoded messages that knows how long the engine took over each."""

    def __init__(self, messages: Iterator[Received], profile: cProfile.Profile | None) -> None:
        self._messages = messages
        self._profile = profile
        self.bars: Callable[[], int] = lambda: 0
        self.plain: list[int] = []
        self.closing: list[int] = []
        self.is_over = False
        self._before = self._at = 0

    def next(self, timeout: float) -> Received | None:  # noqa: ARG002
        """Give the next message, and note what the one before has cost."""
        took = time.thread_time_ns() - self._at
        now = self.bars()
        if self._at:
            (self.closing if now > self._before else self.plain).append(took)
        else:  # the day goes live
            gc.collect()
            gc.freeze()
            if self._profile is not None:
                self._profile.enable()
        found = next(self._messages, None)
        if found is None:
            self.is_over = True
            if self._profile is not None:
                self._profile.disable()
        self._before, self._at = now, time.thread_time_ns()
        return found

    def tell(self, message: Any) -> None:
        """Take no notice."""


def engine_costs(folder: Path, count: int, decoded: list[Received], orders: Orders, profile: Any) -> dict[str, Any]:
    chosen, day = instruments(count), from_date(DAY)
    plan = LivePlan(tuple(chosen), EAGER, CASH, indian_charges(), day_start(day), orders)
    legs = tuple(Leg(i, day, day, i.symbol) for i in chosen)
    with open_store(rehearsal.store_of(folder)) as store:
        warm = list(warm_days(store, legs, day, plan.settings))
    source = Timed(iter(decoded), profile)
    asked: list[Any] = []
    engine = LiveAuctionEngine(plan, source, warm, send=asked.append)
    feeds = engine._cerebro.datas
    last = feeds[-1]
    known = engine._cerebro.grow
    bars = [0]

    def grow(strategy: Any) -> None:
        bars[0] += 1
        known(strategy)

    engine._cerebro.grow = grow  # type: ignore[method-assign]
    source.bars = lambda: bars[0]
    engine.run()
    gc.unfreeze()
    assert len(last.bars) > 0
    return {
        "engine, plain us": statistics.median(source.plain) / 1000,
        "engine, plain least us": statistics.quantiles(source.plain, n=10)[0] / 1000,
        "engine, bar us": statistics.median(source.closing) / 1000,
        "engine, bar least us": statistics.quantiles(source.closing, n=10)[0] / 1000,
        "plain": len(source.plain), "bars": len(source.closing), "decisions": len(engine.decisions), "asked": len(asked),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instruments", type=int, default=250)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=250.0)
    parser.add_argument("--orders", type=Orders, default=Orders.SIM)
    parser.add_argument("--profile", type=Path)
    args = parser.parse_args()
    sent = wire(args.instruments, args.minutes, args.rate)
    decode = Frames().decode
    messages = [decode(frame) for _, frame in sent]
    received = [Received(at, message) for (at, _), message in zip(sent, messages, strict=True)]
    profile = cProfile.Profile() if args.profile else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, args.instruments)
        found: dict[str, Any] = {"messages": len(sent)}
        some, texts = [frame for _, frame in sent[:20_000]], [dump(m) for m in messages[:20_000]]
        clock = MarketClock(sent[0][0], 1.0)
        recorder = Unwritten(folder, clock)
        found["decode us"] = each(decode, some)
        found["by MessageToDict us"] = each(lambda frame: MessageToDict(FeedResponse.FromString(frame)), some)
        found["write as JSON us"] = each(dump, messages[:20_000])
        found["record us"] = each(lambda text: recorder.record(text, ("A",)), texts)
        found["symbols us"] = each(symbols_of, messages[:20_000])
        source = LiveSource(recorder, decode, clock)
        found["put us"] = each(source.put_frame, some)
        found["source, all us"] = each(lambda _: source.next(1.0), some)
        router = LiveMarketRouter(Nothing(), symbols={i.symbol for i in instruments(args.instruments)})
        found["router us"] = each(lambda r: router.on_message(r.message, r.seq), received[:20_000])
        found |= engine_costs(folder, args.instruments, received, args.orders, profile)
    if profile is not None:
        profile.dump_stats(args.profile)
    for key, value in found.items():
        print(f"  {key:26s} {value:10.2f}" if isinstance(value, float) else f"  {key:26s} {value:10d}")


if __name__ == "__main__":
    main()
