"""The `preflight` command: before the open, whether everything is as the day needs it."""

from __future__ import annotations

import argparse
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from auction_bt import doctor
from auction_bt.backtest import Request
from auction_bt.core.errors import AuctionError, BadInput, NothingToDo, Retryable
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_index, from_date, to_date
from auction_bt.core.tariff import Product
from auction_bt.doctor import Level
from auction_bt.instruments.book import InstrumentBook
from auction_bt.live.alerts import Send, sent_test
from auction_bt.live.engine import Orders
from auction_bt.market.agreement import differences
from auction_bt.market.calendar import whole_days_before
from auction_bt.preflight import account, market
from auction_bt.preflight.check import Check, failed, passed, warned
from auction_bt.redaction import redacted
from auction_bt.store.address import SqliteDsn, parse
from auction_bt.store.dsn import is_there, open_store
from auction_bt.symbols import legs_of
from auction_bt.upstox.account import AccountApi
from auction_bt.upstox.market_days import MarketDaysApi

from .alerting import sender_of
from .arguments import add_base_url, check_address, check_state, loaded_book
from .configured import add_config
from .request import add_live_request, live_request
from .tokens import add_keyring, token_of

HELP: Final = (
    "Look, before the open, whether a live day can begin: token, static IP, funds, segments, clock, today's hours, changed lots "
    "and price steps, expiries, what is left of earlier days, disk, alerts. Takes the options and the file of `live`. Exit code "
    "1 where something fails, 3 where the exchange is closed today. Nothing is changed, no order is sent."
)
Clock = Callable[[], int]
_NOT_ASKED: Final = "not asked"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_config(parser)
    add_live_request(parser)
    parser.add_argument("--orders", choices=[o.value for o in Orders], default="paper",
                        help="where orders go; what stops real ones alone fails for upstox (default %(default)s)")  # fmt: skip
    add_base_url(parser)
    add_keyring(parser)


def run(args: argparse.Namespace, clock: Clock = time.time_ns) -> int:
    """Look at everything; print a line each.

    Parameters
    ----------
    args : argparse.Namespace
    clock : callable returning int, ns
        This machine's time.

    Notes
    -----
    What fails is sent as an alert too: whoever has a timer run it does not sit in front of it.
    """
    check_state(args.state)
    check_address(args.base_url)
    day = day_index(clock())
    if closed := market.closed(day):
        raise NothingToDo(closed)
    counts: Counter[Level] = Counter()
    lines: list[str] = []
    send = sender_of(args)
    for check in _checks(args, live_request(args, args.symbol or ["-"]), day, clock, send):
        print(redacted(str(check)), flush=True)
        counts[check.level] += 1
        lines += [redacted(str(check))] if check.level is Level.FAIL else []
    if lines and send is not None:
        send("auction_bt: preflight failed", "\n".join(lines))
    print(f"{to_date(day)}: {counts[Level.PASS]} passed, {counts[Level.WARN]} to look at, {counts[Level.FAIL]} failed")
    return 1 if counts[Level.FAIL] else 0


def _checks(args: argparse.Namespace, request: Request, day: int, clock: Clock, send: Send | None) -> Iterator[Check]:
    with ExitStack() as stack:
        book = loaded_book(args.state, stack)
        found = _instruments(args, book, day, stack)
        instruments = [each for each in found if isinstance(each, Instrument)]
        yield from (each for each in found if isinstance(each, Check))
        yield from _account(args, request, instruments, clock)
        yield _sessions(args.base_url, instruments, day)
        yield market.rules(day)
        yield from _contracts(book, instruments, day)
        if instruments:
            yield market.expiry(instruments, day)
    yield from _disks(args)
    yield _alert(send)


def _alert(send: Send | None) -> Check:
    if send is None:
        return warned("alert", "no alert channel is configured", "nobody is told when it stops: docs/operations.md says how")
    if sent_test(send):
        return passed("alert", "a test was sent")
    return failed("alert", "a test could not be sent", "look at the addresses, and at the network")


# ---------------------------------------------------------------- what is to be traded
def _instruments(args: argparse.Namespace, book: InstrumentBook | None, day: int, stack: ExitStack) -> list[Instrument | Check]:
    if not args.symbol:
        return [failed("symbols", "none", "give --symbol NIFTY-FUT, or names under [symbols] of --config")]
    place = args.store
    if not is_there(place):  # the first day makes it; an empty one is as good to know what names mean
        folder = stack.enter_context(TemporaryDirectory(prefix="auction_bt."))
        place = f"sqlite:///{Path(folder).as_posix()}/empty.db"
    store = stack.enter_context(open_store(place, create=place != args.store, readonly=place == args.store))
    found: list[Instrument | Check] = []
    for text in args.symbol:
        try:
            found += [leg.instrument for leg in legs_of(store, book, text, range(day, day + 1))]
        except AuctionError as error:
            found.append(failed("symbols", str(error), ""))
    return found


def _contracts(book: InstrumentBook | None, instruments: list[Instrument], day: int) -> Iterator[Check]:
    if book is None:
        if instruments:
            yield warned("contracts", "no instrument list, so changes cannot be seen", "get it with `instruments --refresh`")
        return
    before = next((from_date(each) for each in whole_days_before(to_date(day))), day)
    for instrument in instruments:
        now = book.of_key(instrument.symbol, day)
        yield market.listing(instrument, book.of_key(instrument.symbol, before), now, book.master_day(day), day)


# ---------------------------------------------------------------- the broker
def _account(args: argparse.Namespace, request: Request, instruments: list[Instrument], clock: Clock) -> Iterator[Check]:
    sends = Orders(args.orders) is Orders.UPSTOX
    try:
        token = token_of(args, clock())
    except BadInput as error:
        yield failed("token", str(error), "")
        yield warned("account", _NOT_ASKED, "it needs the token")
        return
    api = AccountApi(args.base_url, token.text, clock)
    try:
        profile = api.profile()
    except BadInput as error:
        yield failed("token", str(error), "run `login` for one of today")
        return
    except Retryable as error:
        yield failed("network", str(error), "look after the line, then run this again")
        return
    except AuctionError as error:
        yield failed("account", str(error), "run this again, or ask the broker")
        return
    yield account.token(token, clock(), sends=sends)
    product = Product.squared_off(request.settings.get("square_off", "auto")).value
    segments = [each.symbol.partition("|")[0] for each in instruments]
    yield from _asked("segments", lambda: [account.segments(profile, api.killed(), segments, product, sends=sends)])
    yield from _asked("static IP", lambda: [account.address(api.addresses(), _own_address(args.base_url), sends=sends)])
    yield from _asked("funds", lambda: [account.funds(api.available(), float(request.cash), sends=sends)])
    yield from _asked("positions", lambda: account.leftovers(api.positions(), api.orders(), sends=sends))
    yield account.clock(api.lag)


def _asked(name: str, ask: Callable[[], list[Check]]) -> list[Check]:
    try:
        return ask()
    except AuctionError as error:
        return [failed(name, str(error), "run this again")]


def _own_address(url: str) -> str:
    """Return the address by which this machine leaves for the broker; '' where it cannot tell. Nothing is sent."""
    address = urlsplit(url)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect((address.hostname or "", address.port or 443))
            return str(way.getsockname()[0])
    except OSError:
        return ""


def _sessions(url: str, instruments: list[Instrument], day: int) -> Check:
    when = to_date(day)
    try:
        api = MarketDaysApi(url)
        return market.sessions(instruments, day, differences(when, api.holidays(when), api.timings(when)))
    except AuctionError as error:
        return failed("sessions", str(error), "")


# ---------------------------------------------------------------- the machine
def _disks(args: argparse.Namespace) -> Iterator[Check]:
    place, state = parse(args.store), _existing(args.state)
    data = _existing(place.path.parent) if isinstance(place, SqliteDsn) else None
    if data is None:
        yield passed("disk", "the server's cannot be seen from here: look there that room is left")
    else:
        yield _disk("disk", data)
    if data is None or data.stat().st_dev != state.stat().st_dev:
        yield _disk("disk of the state folder", state)


def _disk(name: str, folder: Path) -> Check:
    finding = doctor.disk(name, shutil.disk_usage(folder).free)
    return Check(name, finding.level, finding.told)


def _existing(path: Path) -> Path:
    return next(each for each in (path.resolve(), *path.resolve().parents) if each.exists())
