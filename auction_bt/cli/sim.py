"""The `sim` command: the simulated Upstox on loopback."""

from __future__ import annotations

import argparse
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import clock_text, day_start, to_date
from auction_bt.importing.importer import Importer, Options
from auction_bt.sim.books import Account
from auction_bt.sim.day import Day, day_of_seed, day_of_store
from auction_bt.sim.faults import FaultPlan, plan_of_seed, read_plan
from auction_bt.sim.history import Candle, Past
from auction_bt.sim.matching import AS_BACKTESTED, STRICT
from auction_bt.sim.money import units
from auction_bt.sim.simulation import Simulation, Terms
from auction_bt.sim.socket_faults import SocketFault, read_socket_faults, socket_faults_of_seed
from auction_bt.store import TickStore
from auction_bt.store.dsn import open_store

from .arguments import add_store, day_of

HELP: Final = (
    "Serve a simulated Upstox on this machine alone: its REST calls, both websockets and an exchange that meets orders with a "
    "day's ticks, from a store, recordings, or a seed. Point any Upstox client at it; none of it is real."
)
_LOOK_S: Final = 0.2
_SEEDED: Final = 3
_LAST_PORT: Final = 2**16 - 2  # the sockets' is the one after it
_SEEDED_DAY: Final = date(2026, 3, 10)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_store(parser)
    parser.add_argument(
        "--day", metavar="DATE", help="the day of the store to play, or to make up (default: the last one stored)"
    )
    parser.add_argument("--symbol", action="append", default=[], metavar="KEY", help="play these alone; may be given again")
    parser.add_argument("--recording", action="append", type=Path, default=[], metavar="FILE",
                        help="play recordings instead of a store; may be given again")  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="N", help="play a made-up day instead; same seed, same day")
    parser.add_argument("--instruments", type=int, default=_SEEDED, metavar="N", help="of a made-up day (default %(default)s)")
    parser.add_argument("--per-minute", type=int, default=20, metavar="N",
                        help="frames a minute of each instrument of a made-up day (default %(default)s)")  # fmt: skip
    parser.add_argument("--speed", default="1", metavar="N", help="times the world's pace, or max (default 1)")
    parser.add_argument("--lockstep", action="store_true",
                        help="each frame waits until the one before was worked off (our clients say so); nothing goes wrong, "
                        "and orders are filled as in a backtest")  # fmt: skip
    parser.add_argument("--from-time", metavar="HH:MM", help="what is before it is over when somebody connects")
    parser.add_argument(
        "--faults", metavar="FILE|SEED", help="what goes wrong: a plan (TOML or JSON), or a number to make one of"
    )
    parser.add_argument("--cash", default="1000000", metavar="N", help="rupees of the account (default 10,00,000)")
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="of the REST calls, N+1 of the sockets (default: free ones)"
    )
    parser.add_argument("--json", action="store_true", help="speak JSON lines; end when standard input does")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted, or the day is over and --json's reader has gone."""
    with ExitStack() as stack:
        day, past = _day(args, stack)
        simulation = stack.enter_context(Simulation(day, terms_of(args, day.day, args.port), past))
        token = simulation.grant()
        _greet(args, simulation, token)
        _serve(args, simulation)
    return 0


def _greet(args: argparse.Namespace, simulation: Simulation, token: str) -> None:
    hour = simulation.hour()
    if args.json:
        _say({"url": simulation.url, "token": token, **hour, "keys": list(simulation.day.keys)})
        return
    when = f"{to_date(simulation.day.day)}, {len(simulation.day.contracts)} instruments"
    pace = "in lockstep" if args.lockstep else "as fast as it goes" if hour["speed"] is None else f"×{hour['speed']:g}"
    print(f"simulated Upstox at {simulation.url} ({when}, {pace}); the day begins when somebody subscribes. Ctrl-C ends it.")
    print(f"token (of this simulation alone): {token}", flush=True)


def _serve(args: argparse.Namespace, simulation: Simulation) -> None:
    ended = threading.Event()
    words: queue.SimpleQueue[str] = queue.SimpleQueue()
    if args.json:
        threading.Thread(target=_watch_input, args=(ended, words), name="sim input", daemon=True).start()
    player, sessions = simulation.player, simulation.sessions
    told = is_halted = False
    deaths = 0
    while not ended.wait(_LOOK_S):
        if player.error is not None:
            raise player.error
        if sessions.deaths != deaths:
            deaths = sessions.deaths
            _say_dead(args, simulation)
        while not words.empty():
            word = words.get()
            if word == "halt":
                is_halted = True
                player.stop()
            elif word == "grant":
                _say({"token": simulation.grant()})
        if (player.is_over or is_halted) and not told:
            told = True
            simulation.settled()
            held = simulation.account()
            if args.json:
                _say({"over": True, **held})
            else:
                print(f"{clock_text(simulation.clock())} the day is over after {player.played:,} frames: {held['orders']} "
                      f"orders, positions {held['positions'] or 'none'}", flush=True)  # fmt: skip


def _say_dead(args: argparse.Namespace, simulation: Simulation) -> None:
    if args.json:  # who reads it says when there is to be another
        _say({"token": None})
    else:
        print(f"{clock_text(simulation.clock())} all tokens have died; a new one: {simulation.grant()}", flush=True)


def _watch_input(ended: threading.Event, words: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        words.put(line.strip())
    ended.set()


def _say(what: dict[str, Any]) -> None:
    try:
        print(json.dumps(what), flush=True)
    except BrokenPipeError:
        raise NothingToDo("nobody listens any more") from None


# ---------------------------------------------------------------- what is played
def _day(args: argparse.Namespace, stack: ExitStack) -> tuple[Day, Past | None]:
    if sum((bool(args.recording), args.seed is not None)) > 1:
        raise BadInput("--recording and --seed are two days: give one of them")
    if args.seed is not None:
        if args.symbol:
            raise BadInput("--symbol is of a day that is stored: a made-up one has its own, as many as --instruments says")
        when = to_date(day_of(args.day)) if args.day else _SEEDED_DAY
        return day_of_seed(args.seed, when, seeded(args.instruments), per_minute=args.per_minute), None
    dsn = args.store
    if args.recording:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="auction_bt-sim-")))
        dsn = f"sqlite:///{(folder / 'day.db').as_posix()}"
        with open_store(dsn, create=True) as store:
            importer = Importer(lambda: store, Options(), lambda _: None)
            for path in args.recording:
                importer.add(path)

    def opened() -> TickStore:
        return open_store(dsn, readonly=True)

    day = day_of(args.day) if args.day else last_day(opened, args.symbol)
    return day_of_store(opened, day, args.symbol), _past(opened)


def last_day(opened: Callable[[], TickStore], symbols: list[str]) -> int:
    """Return the last IST day of which a store has messages."""
    with opened() as store:
        chosen = [store.instrument(name) for name in symbols] if symbols else store.instruments()
        days = {day for instrument in chosen for day in store.raw_days(instrument.symbol)}
    if not days:
        raise NothingToDo("the store has no recorded messages to play: record a day, import a recording, or give --seed 7")
    return max(days)


def _past(opened: Callable[[], TickStore]) -> Past:
    def candles(key: str, day: int) -> list[Candle]:
        with opened() as store:
            bars = store.bars(key, day_start(day), day_start(day + 1))
        columns = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
        return [Candle(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    return candles


def seeded(count: int) -> Iterator[Instrument]:
    """Yield the instruments of a made-up day."""
    if not 1 <= count <= 2000:
        raise BadInput(f"--instruments {count} must be 1 to 2000")
    for number in range(1, count + 1):
        yield Instrument(f"NSE_FO|SIM-{number}", Decimal("0.10"), 50, Kind.FUTURE, f"SIM-{number}")


# ---------------------------------------------------------------- how it is played
def terms_of(args: argparse.Namespace, day: int, port: int = 0) -> Terms:
    """Return how IST day `day` is played, by --speed, --cash, --from-time, --faults and --lockstep.

    Raises
    ------
    BadInput
        One of them cannot be.
    """
    plan, sockets = _faults(args.faults)
    try:
        speed = inf if args.speed == "max" else float(args.speed)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise BadInput(f"--speed {args.speed} must be a number above 0, or max: 1 is the world's pace, 60 a minute in a second")
    try:
        cash = Decimal(args.cash.replace(",", ""))
    except ArithmeticError:
        cash = Decimal(-1)
    if not cash.is_finite() or cash < 0:
        raise BadInput(f"--cash {args.cash} must be a sum of rupees, as 10,00,000")
    if port and not 0 < port <= _LAST_PORT:
        raise BadInput(f"--port {port} must be 1 to {_LAST_PORT}: the one after it is the sockets'")
    return Terms(
        account=Account(cash=units(cash)), matching=AS_BACKTESTED if args.lockstep else STRICT, speed=speed,
        lockstep=args.lockstep, since=_since(args.from_time, day) if args.from_time else 0, plan=plan, socket_faults=sockets,
        port=port,
    )  # fmt: skip


def _since(text: str, day: int) -> int:
    try:
        moment = time.strptime(text, "%H:%M")
    except ValueError:
        raise BadInput(f"--from-time {text!r} is no time: write HH:MM") from None
    return day_start(day) + (moment.tm_hour * 60 + moment.tm_min) * 60 * 1_000_000_000


def _faults(said: str | None) -> tuple[FaultPlan, tuple[SocketFault, ...]]:
    if said is None:
        return FaultPlan(), ()
    if said.isdecimal():
        seed = int(said)
        return plan_of_seed(seed), socket_faults_of_seed(seed)
    return read_plan(Path(said)), read_socket_faults(Path(said))
