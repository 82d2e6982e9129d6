"""The `live` command, and `run_live.py`: the strategy on the feed as it comes."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from auction_bt.backtest import Request
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import DAY_NS, day_index, day_start, to_date
from auction_bt.core.leg import Leg
from auction_bt.importing.finish import finish
from auction_bt.instruments.book import InstrumentBook
from auction_bt.live import rehearsal
from auction_bt.live.alerts import Alerts
from auction_bt.live.assembly import LiveRun, recording_of
from auction_bt.live.attachment import AttachedRecording, hold_run, join
from auction_bt.live.door import Door
from auction_bt.live.engine import LATEST_NS, LivePlan, Orders
from auction_bt.live.market_clock import MarketClock, WorldClock
from auction_bt.live.recording import Place
from auction_bt.live.rehearsed_login import RehearsedLogin
from auction_bt.live.sim_process import SimProcess
from auction_bt.live.watchlist import Watchlist, parted
from auction_bt.market.sessions import session_of
from auction_bt.preflight.market import closed, over
from auction_bt.store import TickStore
from auction_bt.store.dsn import is_there, open_store
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import LOCK, Spool
from auction_bt.symbols import legs_of, no_volume
from auction_bt.upstox.account import AccountApi
from auction_bt.wording import plural

from .alerting import sender_of, told_token
from .arguments import add_base_url, check_address, check_state, day_of, loaded_book
from .configured import add_config
from .live_screen import LiveScreen, Word
from .real_orders import add_real_orders, confirm, hold_account, most_open
from .request import add_live_request, live_request
from .sim import last_day, seeded, terms_of
from .stopping import stopping
from .tokens import add_keyring, token_of

HELP: Final = (
    "Run the strategy on the live feed. --orders paper (default) fills orders on the ticks that come, none tells of levels and "
    "signals alone, sim is a rehearsal against a simulated Upstox that plays a stored or made-up day, orders and all, upstox "
    "sends them to the broker, with real money, after a person has confirmed it. Ctrl-C stops entries and ends; a second one "
    "ends at once."
)

_ALONE: Final = -1  # no exit code: the recorder that was read has gone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_config(parser)
    add_live_request(parser)
    parser.add_argument("--orders", choices=[o.value for o in Orders], default="paper",
                        help="where orders go (default %(default)s)")  # fmt: skip
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="between two looks (default %(default)g)")
    parser.add_argument("--on-exit", choices=("keep", "flatten"), default="keep",
                        help="open trades at Ctrl-C: keep them with their stops (default), or leave them at market")  # fmt: skip
    parser.add_argument("--viewer", metavar="HOST:PORT", help="serve the viewer beside it")
    add_base_url(parser)
    add_keyring(parser)
    add_real_orders(parser)
    group = parser.add_argument_group("rehearsal (--orders sim)")
    group.add_argument("--day", metavar="DATE", help="the stored day to play (default: the last one recorded)")
    group.add_argument("--seed", type=int, metavar="N", help="play a made-up day instead")
    group.add_argument("--instruments", type=int, default=3, metavar="N", help="of a made-up day (default %(default)s)")
    group.add_argument("--per-minute", type=int, default=20, metavar="N", help="frames a minute of each (default %(default)s)")
    group.add_argument("--speed", default="1", metavar="N", help="times the world's pace, or max (default 1)")
    group.add_argument("--lockstep", action="store_true", help="each frame waits for what came of the one before")
    group.add_argument("--from-time", metavar="HH:MM", help="start late: what is before it is over by then")
    group.add_argument("--faults", metavar="FILE|SEED", help="what goes wrong: a plan, or a number to make one of")


def run(args: argparse.Namespace) -> int:
    """Run the day."""
    orders = Orders(args.orders)
    if not 0.1 <= args.every <= 3600:
        raise BadInput(f"--every {args.every:g} must be 0.1 to 3600 seconds")
    check_state(args.state)
    if args.viewer:
        _address_of(args.viewer)
    if orders is Orders.SIM:
        return _rehearse(args)
    rehearsed = [name for name in ("day", "seed", "from_time", "faults") if getattr(args, name) is not None]
    if rehearsed or args.lockstep:
        what = rehearsed[0].replace("_", "-") if rehearsed else "lockstep"
        raise BadInput(f"--{what} is for a rehearsal: add --orders sim")
    check_address(args.base_url)
    return _live(args)


# ---------------------------------------------------------------- the two ways
def _live(args: argparse.Namespace) -> int:
    clock, day = WorldClock(), day_index(time.time_ns())
    if not args.symbol:
        raise BadInput("no symbol to run: give --symbol NIFTY-FUT, or several, or names under [symbols] of --config")
    with ExitStack() as stack:
        # What can be known without it is known before the folder is taken, and made where there is none. A recorder of the same
        # timer takes it first by that.
        if has_asked := args.orders == Orders.UPSTOX or not FolderLock.is_held(args.state, LOCK):
            told_token(args, time.time_ns)
        book = loaded_book(args.state, stack)
        reaches = reaches_of(args)
        legs = legs_today(args, book, day, lambda found: _check(found, day, live_request(args, args.symbol).settings))
        hold_run(args.state, stack)
        door = join(args.state, stack, _say)
        if door is None and not has_asked:  # whoever reads along on paper asks the broker nothing
            told_token(args, time.time_ns)
        if door is not None and any(reaches):
            raise BadInput("what is recorded beside, whoever records says: give `+ ATM±…` to `record`, which is running")
        if args.orders == Orders.UPSTOX:
            _take_account(args, stack)
        if clock() > (end := max(session_of(leg.instrument, day).bounds(day)[1] for leg in legs)) + LATEST_NS:
            _say(f"{over(day, end)}; what is left of the day is settled")
        freeze = _freeze(book, legs, day)
        place = Place(args.store, args.state, args.base_url, lambda: token_of(args, time.time_ns()).text, clock)
        watchlists = watchlists_of(book, legs, reaches, day)
        while (code := _run(args, place, legs, day, None, freeze, door, watchlists)) == _ALONE:
            # What is open may lack its stop: whoever records is not waited for.
            print("nobody records any more: the day is begun again from what is recorded, and recorded here", flush=True)
            if (door := join(args.state, stack, _say)) is None:
                told_token(args, time.time_ns)
        return code


def _say(text: str) -> None:
    print(text, flush=True)


def legs_today(
    args: argparse.Namespace, book: InstrumentBook | None, day: int,
    check: Callable[[tuple[Leg, ...]], None] = lambda _: None,
) -> tuple[Leg, ...]:  # fmt: skip
    """Return what --symbol means on IST day `day`, checked before the store is made, where there is none, and told of it."""

    def found_in(store: TickStore) -> tuple[Leg, ...]:
        legs = tuple(leg for text in args.symbol for leg in legs_of(store, book, text, range(day, day + 1)))
        check(legs)
        return legs

    if not is_there(args.store):
        with (
            TemporaryDirectory(prefix="auction_bt-") as folder,
            open_store(f"sqlite:///{(Path(folder) / 'empty.db').as_posix()}", create=True) as empty,
        ):
            found_in(empty)
    with open_store(args.store, create=True) as store:
        legs = found_in(store)
        for leg in legs:
            store.put_instrument(leg.instrument)
    return legs


def reaches_of(args: argparse.Namespace) -> list[int]:
    """Take ``+ ATM±N`` off the symbols that were asked for; return each one's N, 0 where there is none."""
    found = [parted(text) for text in args.symbol]
    args.symbol = [symbol for symbol, _ in found]
    return [reach for _, reach in found]


def watchlists_of(
    book: InstrumentBook | None, legs: Sequence[Leg], reaches: Sequence[int], day: int
) -> tuple[Watchlist, ...]:  # fmt: skip
    """Return the options to record beside `legs`, of which each has its reach."""
    return tuple(
        Watchlist.of(book, leg.instrument, day, reach) for leg, reach in zip(legs, reaches, strict=True) if reach
    )  # fmt: skip


def _freeze(book: InstrumentBook | None, legs: tuple[Leg, ...], day: int) -> dict[str, int]:
    listings = [book.of_key(leg.instrument.symbol, day) for leg in legs] if book is not None else []
    return {listing.key: listing.freeze for listing in listings if listing is not None and listing.freeze}


def _take_account(args: argparse.Namespace, stack: ExitStack) -> None:
    token = token_of(args, time.time_ns())
    if token.is_read_only:
        raise BadInput(f"the {token.describe(time.time_ns())}: it gives no orders; run `login` for one that does")
    account = str(AccountApi(args.base_url, token.text, time.time_ns).profile().get("user_id") or "")
    stack.enter_context(hold_account(account))
    confirm(args, account)


def _rehearse(args: argparse.Namespace) -> int:
    request = live_request(args, args.symbol or ["-"])
    if args.speed in {"max", "inf"} and not args.lockstep:
        raise BadInput("--speed max would end the day before an order is answered: give --lockstep, or --speed 60")

    def opened() -> TickStore:
        return open_store(args.store, readonly=True)

    if args.seed is not None:
        instruments: tuple[Instrument, ...] = tuple(seeded(args.instruments))
        if args.per_minute < 1:
            raise BadInput(f"--per-minute {args.per_minute} must be 1 or more")
        if args.seed < 0:
            raise BadInput(f"seed must be 0 or more, not {args.seed}")
        if args.symbol:
            _say(f"a made-up day has symbols of its own: {', '.join(args.symbol)} left out")
        day = day_of(args.day or "2026-03-10")
        words = ["--seed", str(args.seed), "--instruments", str(args.instruments), "--per-minute", str(args.per_minute)]
    else:
        day = day_of(args.day) if args.day else last_day(opened, args.symbol)
        with opened() as store:
            chosen = [store.instrument(text) for text in args.symbol] if args.symbol else store.instruments()
            instruments = tuple(i for i in chosen if day in store.raw_days(i.symbol))
        if not instruments:
            raise NothingToDo(
                f"the store has no messages of {to_date(day)}: `data` lists what it has, and --seed 7 makes a day up"
            )
        words = ["--store", args.store, *(word for i in instruments for word in ("--symbol", i.symbol))]
    legs = tuple(Leg(i, day, day, i.symbol) for i in instruments)
    _check(legs, day, request.settings)
    terms_of(args, day)  # the exchange's own process would say it late, and after the rehearsal before was removed
    folder = rehearsal.fresh_folder(args.state, _say)
    _say(f"making the rehearsal's day: {to_date(day)}, {plural(len(legs), 'symbol')}")
    if args.seed is not None:
        rehearsal.fill_made_up(folder, args.seed, instruments, to_date(day), args.per_minute)
    else:
        rehearsal.fill(folder, opened, instruments, day, request.settings)
    words += ["--day", str(to_date(day)), "--speed", args.speed, "--cash", args.cash]
    words += ["--lockstep"] * args.lockstep
    words += ["--faults", args.faults] if args.faults else []
    words += ["--from-time", args.from_time] if args.from_time else []
    with ExitStack() as stack:
        hold_run(folder, stack)
        join(folder, stack)
        sim = stack.enter_context(SimProcess(words))
        clock = MarketClock(sim.ready.now, sim.ready.speed)
        place = Place(rehearsal.store_of(folder), folder, sim.ready.url, lambda: sim.token, clock, args.lockstep)
        return _run(args, place, legs, day, sim)


def _check(legs: tuple[Leg, ...], day: int, settings: Mapping[str, Any]) -> None:
    for leg in legs:
        if leg.instrument.kind is Kind.INDEX:
            raise no_volume(leg.instrument.symbol)
        if leg.instrument.kind is Kind.OPTION and not settings.get("own_profile", False):
            raise BadInput(f"{leg.instrument.symbol} is an option: live it is traded on its own profile alone "
                           "(--set own_profile=true), not yet on its underlying's")  # fmt: skip
    if all(session_of(leg.instrument, day).is_closed for leg in legs):
        raise NothingToDo(closed(day) or f"the exchange is closed on {to_date(day)}: `calendar` tells when it next opens")


# ---------------------------------------------------------------- running
def _run(
    args: argparse.Namespace, place: Place, legs: tuple[Leg, ...], day: int, sim: SimProcess | None,
    freeze: Mapping[str, int] | None = None, door: Door | None = None,
    watchlists: Sequence[Watchlist] = (),
) -> int:  # fmt: skip
    request = live_request(args, [leg.instrument.symbol for leg in legs])
    plan = replace(_plan(args, request, legs, day, sim.ready.speed if sim is not None else 1.0), freeze=freeze or {})
    shown = LiveScreen(args, plan, sim, Word())
    alerts = Alerts(place.state, sender_of(args), place.clock, shown.say)
    shown.tell_alarm = alerts
    recording = recording_of(place, plan, door, shown.alarm, watchlists=watchlists)
    live = LiveRun(place, plan, legs, recording, on_news=shown.news, on_alarm=shown.alarm, look=shown.look,
                   first=shown.first)  # fmt: skip
    with ExitStack() as stack:
        if args.viewer:
            stack.enter_context(_viewer(args.viewer, place, shown.say))
        stack.enter_context(stopping(shown.word.stop, {"SIGUSR1": shown.word.halt, "SIGUSR2": shown.word.flatten}))
        stack.enter_context(alerts)
        if sim is not None:
            stack.enter_context(RehearsedLogin(sim, shown.say))
        shown.say(
            f"{plan.orders.value}: {plural(len(legs), 'symbol')}, {to_date(day)}, "
            f"{'recording' if door is None else 'reading along with the recorder, which records'} to {place.store}"
        )
        try:
            session = live.run()
        finally:
            shown.screen.clear()
    derive_day(place, live)
    code = shown.end(session.engine, live)
    return _ALONE if isinstance(recording, AttachedRecording) and recording.is_lost and not shown.word.times else code


def _plan(args: argparse.Namespace, request: Request, legs: tuple[Leg, ...], day: int, speed: float) -> LivePlan:
    orders = Orders(args.orders)
    # Where orders are filled elsewhere nothing is assumed of their price.
    is_elsewhere = orders in {Orders.SIM, Orders.UPSTOX}
    fill = replace(request.fill, slippage=0, sends_targets=True) if is_elsewhere else request.fill
    settings = request.settings
    if orders is Orders.UPSTOX:
        settings = {**settings, "max_concurrent": most_open(args.max_positions, settings)}
    plan = LivePlan(
        tuple(leg.instrument for leg in legs), settings, request.cash, request.charges, day_start(day), orders, fill,
    )  # fmt: skip
    if args.lockstep:  # an order at market waits for the next tick there, however late, as in a backtest
        return replace(plan, patience=DAY_NS)
    # Seconds of a market that runs faster than the world are fewer of ours.
    return replace(plan, patience=round(plan.patience * max(1.0, speed)))


def derive_day(place: Place, live: LiveRun) -> None:
    """Make bars and ticks of what was recorded, where the store has all of it."""
    if not live.recording.was_sent:
        return
    with Spool.open(place.state) as spool:
        touched = spool.touched()
        if touched:
            with open_store(place.store) as store:
                finish(store, touched, lambda _: None)
            spool.forget_touched()


def _address_of(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not int(port) < 2**16:
        raise BadInput(f"--viewer {text!r} must be HOST:PORT, as 127.0.0.1:8765")
    return host or "127.0.0.1", int(port)


@contextmanager
def _viewer(address: str, place: Place, say: Callable[[str], None]) -> Iterator[None]:
    from auction_bt.cli.viewer import door_of  # flask, where it is asked for
    from auction_bt.viewer.app import create_app
    from auction_bt.viewer.server import listening
    from auction_bt.viewer.sources import Sources
    from auction_bt.viewer.watcher import Watcher

    host, port = _address_of(address)
    sources = Sources.of(place.store, place.state, lambda text: say(f"viewer: {text}"))
    server = listening(create_app(sources, [host], door_of(host, place.state)), host, port)
    watcher = Watcher(sources)
    thread = threading.Thread(target=server.run, name="viewer", daemon=True)
    watcher.start()
    thread.start()
    print(f"viewer: http://{host}:{server.effective_port}/", flush=True)
    try:
        yield
    finally:
        sources.hub.close()
        server.close()
        watcher.close()
        sources.close()
