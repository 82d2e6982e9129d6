"""A simulated exchange that sends many prepared frames a second; a process of its own for `bench_live`.

Frames of a few made-up symbols are written once, and sent under the keys of many: what is measured is the receiver.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, from_date
from auction_bt.market.sessions import session_of
from auction_bt.sim.books import Account
from auction_bt.sim.contract import contract_of
from auction_bt.sim.day import Day, Shown
from auction_bt.sim.floor import Floor
from auction_bt.sim.money import units
from auction_bt.sim.simulation import Simulation, Terms
from auction_bt.sim.socket_faults import MARKET
from auction_bt.synthetic import Shape, conflate, merge, tape
from auction_bt.upstox.frames import Frames

DAY = date(2026, 3, 10)
ORIGINALS = 10
CASH = Decimal(10**10)
_BEFORE_OPEN_NS = MINUTE_NS // 4


def instruments(count: int) -> list[Instrument]:
    """The symbols; their keys are all of one length, so that one can stand for another in a frame."""
    return [Instrument(f"NSE_FO|LOAD-{n:04d}", Decimal("0.10"), 50, Kind.FUTURE, f"LOAD-{n:04d}") for n in range(count)]


def frames(seconds: float, rate: float, speed: float, count: int) -> Iterator[Shown]:
    """The frames of the originals from the open on, as many as `count` symbols need for `rate` frames a second."""
    chosen = instruments(ORIGINALS)
    begin, _ = session_of(chosen[0], from_date(DAY)).bounds(from_date(DAY))
    end = begin + round(seconds * speed * 10**9)
    per_minute = max(1, round(rate / count * 60 / speed))
    shapes = (Shape.BALANCED, Shape.WALK)
    streams = [conflate(tape(i, DAY, shapes[n % 2], 7, per_minute=per_minute), 7, per_minute) for n, i in enumerate(chosen)]
    for at, message in merge(*(takewhile(lambda shown: shown[0] < end, stream) for stream in streams)):
        if at >= begin - _BEFORE_OPEN_NS:
            yield Shown(at, message)


class Prepared:
    """The player of prepared frames, on a thread of its own."""

    def __init__(self, simulation: Simulation, prepared: list[tuple[Shown, bytes]], count: int, every: int) -> None:
        self._simulation = simulation
        self._every = every  # ns of the market between two frames of a symbol
        self._prepared = prepared
        self._count = count
        self._floor = Floor(simulation.broker, simulation.day.keys)
        self._thread = Thread(target=self._run, name="load", daemon=True)
        self._stop = Event()
        self.played = 0
        self.is_over = False
        self.error: Exception | None = None
        self.late = 0.0
        self.took = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def wait_past(self) -> None:
        """There is none."""

    def _run(self) -> None:
        simulation, keys = self._simulation, [i.symbol for i in instruments(self._count)]
        server, clock = simulation.server, simulation.clock
        server.wait(lambda: len(server.keys) == self._count and server.count("portfolio") > 0, self._stop.is_set)
        clock.reach(self._prepared[0][0].at)
        clock.start()
        began = time.monotonic()
        subscriber = server._of(MARKET)[0]
        for at, n, key in self._timetable(keys):
            shown, frame = self._prepared[n]
            left = clock.wait(at)
            if left > 0 and self._stop.wait(left):
                return
            self.late = max(self.late, (clock() - at) / clock.speed / 1e9)
            (original, feed), = shown.message["feeds"].items()  # fmt: skip
            self._floor.show({**shown.message, "feeds": {key: feed}}, at)
            subscriber.put(frame.replace(original.encode(), key.encode()))
            self.played += 1
        self.took = time.monotonic() - began
        self.is_over = True

    def _timetable(self, keys: list[str]) -> list[tuple[int, int, str]]:
        """When which frame goes out under which key: those that stand for one symbol do not all speak at once."""
        found = []
        for n, (shown, _) in enumerate(self._prepared):
            (original,) = shown.message["feeds"]
            others = keys[keys.index(original) :: ORIGINALS]
            found += [(shown.at + self._every * j // len(others), n, key) for j, key in enumerate(others)]
        return sorted(found)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--seconds", "--rate", "--speed"):
        parser.add_argument(name, type=float)
    parser.add_argument("--count", type=int)
    args = parser.parse_args()
    chosen, day, write = instruments(args.count), from_date(DAY), Frames().encode
    shown = [s for s in frames(args.seconds, args.rate, args.speed, args.count) if s.message.get("feeds")]
    prepared = [(s, write(s.message)) for s in shown]
    contracts = tuple(contract_of(i, day, close=Decimal(2400), trading_symbol=i.name) for i in chosen)
    terms = Terms(account=Account(cash=units(CASH)), speed=args.speed)
    simulation = Simulation(Day(day, contracts, lambda: iter(shown)), terms)
    every = round(args.count / args.rate * args.speed * 1e9)
    simulation.player = load = Prepared(simulation, prepared, args.count, every)  # type: ignore[assignment]
    with simulation:
        ready = {
            "url": simulation.url,
            "token": simulation.grant(),
            "now": simulation.clock(),
            "frames": len(prepared) * args.count // ORIGINALS,
        }
        print(json.dumps(ready), flush=True)
        while not load.is_over and load.error is None and not load._stop.wait(0.1):
            pass
        print(json.dumps({"sent": load.played, "late_s": load.late, "took_s": load.took}), flush=True)
        sys.stdin.readline()
        print(json.dumps(simulation.account()), flush=True)


if __name__ == "__main__":
    main()
