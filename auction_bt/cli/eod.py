"""The `eod` command: the day's account, and whether the broker and the recording tell the same."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Final

from auction_bt.brokers.charges import NoCharges
from auction_bt.brokers.indian import indian_charges
from auction_bt.core.costing import Charges
from auction_bt.core.errors import AuctionError, BadInput, NothingToDo, UnknownSymbol
from auction_bt.core.ist import day_index, from_date, to_date
from auction_bt.core.paid import Paid, paid
from auction_bt.core.summary import summarise
from auction_bt.doctor import Level
from auction_bt.eod import traded
from auction_bt.eod.note import ContractNote
from auction_bt.live.engine import Orders
from auction_bt.live.proof import LiveRecord, prove
from auction_bt.market.rates import plans
from auction_bt.preflight.account import leftovers
from auction_bt.preflight.check import Check, failed, passed, warned
from auction_bt.redaction import redacted
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import NAME, Journal
from auction_bt.upstox.account import AccountApi
from auction_bt.wording import plural, rupees

from .arguments import add_base_url, add_state, add_store, check_address, day_of
from .configured import add_config
from .data import row_of
from .tokens import add_keyring, token_of

HELP: Final = (
    "After the close: the day's trades, money, charges, slippage and refusals as the live run kept them, and whether the "
    "broker's trades and charges, the contract note, the recording and its replay tell the same. Exit code 1 where anything "
    "does not, 3 where there was no live run."
)
_SHOWN: Final = 5
Clock = Callable[[], int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_config(parser)
    add_store(parser)
    add_state(parser)
    parser.add_argument("--date", metavar="DATE", help="the day of the run, YYYY-MM-DD in India (default: today)")
    parser.add_argument("--offline", action="store_true", help="do not ask the broker")
    parser.add_argument("--contract-note", type=Path, metavar="FILE", help="a CSV of the note's foot: kind,amount")
    add_base_url(parser)
    add_keyring(parser)


def run(args: argparse.Namespace, clock: Clock = time.time_ns) -> int:
    """Print the account; say what differs."""
    check_address(args.base_url)
    note = ContractNote.read(args.contract_note) if args.contract_note is not None else None
    today = day_index(clock())
    day = day_of(args.date) if args.date is not None else today
    number, record = _record(args.state, day)
    is_elsewhere = record.settings["orders"] in {Orders.SIM, Orders.UPSTOX}
    if note is not None and not is_elsewhere:
        raise BadInput(f"run {number} sent no orders ({record.settings['orders']}): there is no contract note of it")
    costs = paid(record.trades, record.decisions)
    print("\n".join(_account(number, record, costs)), flush=True)
    counts: Counter[Level] = Counter()
    for check in _checks(args, record, costs, note, clock, is_elsewhere=is_elsewhere, is_today=day == today):
        print(redacted(str(check)), flush=True)
        counts[check.level] += 1
    print(f"{to_date(day)}: {counts[Level.PASS]} passed, {counts[Level.WARN]} to look at, {counts[Level.FAIL]} failed")
    return 1 if counts[Level.FAIL] else 0


def _record(state: Path, day: int) -> tuple[int, LiveRecord]:
    none = NothingToDo(f"{state} keeps no live run of {to_date(day)}: `analyze` lists the runs there are")
    if not (state / NAME).exists():
        raise none
    with Journal.open(state, readonly=True) as journal:
        for number, text in reversed(journal.runs()):
            settings = json.loads(text)
            # A run that was started again went through the whole day: the last one has all of it.
            if "orders" in settings and settings.get("from") == str(to_date(day)):
                return number, LiveRecord(settings, tuple(journal.decisions(number)), tuple(journal.trades(number)))
    raise none


def _account(number: int, record: LiveRecord, costs: Paid) -> Iterator[str]:
    summary = summarise(record.trades, record.decisions, cash=Decimal(str(record.settings["cash"])),
                        cost_name=str(record.settings["costs"]))  # fmt: skip
    yield f"run {number}, {record.settings['orders']}, {record.day}: {plural(costs.trades, 'closed trade')}"
    yield f"  net {rupees(costs.net)}: gross {rupees(costs.gross)} less charges {rupees(costs.charges)}"
    if costs.by_kind:
        yield "  charges: " + ", ".join(f"{kind} {rupees(amount)}" for kind, amount in costs.by_kind)
    if costs.slippage is not None:
        yield (f"  slippage of entries: {rupees(costs.slippage)} a share on average, {rupees(costs.slippage_worst)} at worst, "
               f"{rupees(costs.slippage_cost)} in all, of {plural(costs.measured, 'trade')}")  # fmt: skip
    told = "; ".join(f"{count:,} {reason}" for reason, count in summary.refused[:_SHOWN])
    more = len(summary.refused) - _SHOWN
    yield (f"  {plural(summary.signals, 'signal')}, {summary.taken:,} taken"
           + (f"; refused: {told}" if told else "") + (f"; and {plural(more, 'more reason')}" if more > 0 else ""))  # fmt: skip


def _checks(
    args: argparse.Namespace, record: LiveRecord, costs: Paid, note: ContractNote | None, clock: Clock, *, is_elsewhere: bool,
    is_today: bool,
) -> Iterator[Check]:  # fmt: skip
    yield from _recording(args, record)
    if not is_elsewhere:
        yield passed("broker's trades", f"none to compare: orders were {record.settings['orders']}")
    elif args.offline:
        yield warned("broker's trades", "not asked (--offline)", "run it again without, today")
    elif not is_today:
        yield warned("broker's trades", "the broker tells of today's alone", "give --contract-note FILE for an earlier day")
    else:
        yield from _broker(args, record, costs, clock)
    if note is not None:
        yield from note.compared(dict(costs.by_kind), costs.net)


# ---------------------------------------------------------------- the recording
def _recording(args: argparse.Namespace, record: LiveRecord) -> Iterator[Check]:
    day = from_date(record.day)
    try:
        with open_store(args.store, readonly=True) as store:
            for symbol in record.settings["symbols"]:
                yield _quality(store, str(symbol), day)
            yield _verified(store, record, args.state)
    except AuctionError as error:
        yield failed("recording", str(error), "")


def _quality(store: TickStore, symbol: str, day: int) -> Check:
    instrument = store.instrument(symbol)
    name = f"recording {instrument.name or symbol}"
    held = next((each for each in store.holdings(symbol) if each.day == day), None)
    if held is None:
        return failed(name, "nothing of the day is stored", "run `record` with this --state and --store: the spool may have it")
    row = row_of(store, instrument, held)
    parts = [f"{plural(held.messages, 'message')}, {plural(held.bars, 'bar')}, {plural(held.gaps, 'silence')}"]
    parts += [f"the longest {row.longest_ns / 1e9:.0f} s"] if row.longest_ns else []
    parts += [f"{row.seen:.1%} of the volume seen"] if row.seen is not None else []
    told = ", ".join([*parts, f"grade {row.quality.grade}"])
    if row.quality.grade in {"A", "B"}:
        return passed(name, told)
    return warned(name, told, row.quality.reason)


def _verified(store: TickStore, record: LiveRecord, state: Path) -> Check:
    try:
        found = prove(store, record, _charges(str(record.settings["costs"])), DayCache(state / "cache"))
    except AuctionError as error:
        return failed("verify", str(error), "")
    differing = next((each for each in found if not each.is_same), None)
    if differing is not None:
        told = f"a {differing.kind} of the run and of the {differing.against} differ"
        return failed("verify", told, "`verify --run` tells the first one, both sides")
    against = " = ".join(["live", *dict.fromkeys(each.against for each in found)])
    return passed("verify", f"{against}, {plural(len(record.decisions), 'decision')}, {plural(len(record.trades), 'trade')}")


def _charges(name: str) -> Charges:
    known: list[Charges] = [NoCharges(), *(indian_charges(plan, times) for plan in plans() for times in (1, 2))]
    found = next((charges for charges in known if charges.name == name), None)
    if found is None:
        raise AuctionError(f"the run's charges ({name}) are not known here: another version ran it")
    return found


# ---------------------------------------------------------------- the broker
def _broker(args: argparse.Namespace, record: LiveRecord, costs: Paid, clock: Clock) -> Iterator[Check]:
    try:
        api = AccountApi(args.base_url, token_of(args, clock()).text, clock)
        orders = traded.orders_of(api.trades())
        book, positions = api.orders(), api.positions()
    except AuctionError as error:
        yield warned("broker's trades", f"not known ({error})", "run it again when the broker answers, today")
        return
    names = _names(args.store, record)
    yield from traded.compared(traded.of_trades(record.trades), traded.of_orders(orders), names)
    yield from leftovers(positions, book, sends=True)
    refused = Counter(str(row.get("status_message") or "no reason given") for row in book if row.get("status") == "rejected")
    if refused:
        told = "; ".join(f"{count} × {reason}" for reason, count in refused.most_common(_SHOWN))
        yield warned("refused orders", told, "look at margin, price bands and segments before tomorrow")
    else:
        yield passed("refused orders", "the broker refused none")
    if not str(record.settings["costs"]).endswith("x1"):
        yield warned("broker's charges", f"not compared: the run counted {record.settings['costs']}", "run with --costs x1")
        return
    ours = [order for order in orders if order.symbol in names]  # what others traded is told above, and costs the run nothing
    try:
        total = sum((api.charges(o.symbol, o.qty, o.product, o.price, buy=o.buy) for o in ours), Decimal(0))
    except AuctionError as error:
        yield warned("broker's charges", f"not known ({error})", "run it again, today")
        return
    yield traded.money("broker's charges", costs.charges, total)


def _names(dsn: str, record: LiveRecord) -> dict[str, str]:
    found = {str(symbol): str(symbol) for symbol in record.settings["symbols"]}
    with suppress(AuctionError), open_store(dsn, readonly=True) as store:
        for symbol in found:
            with suppress(UnknownSymbol):
                found[symbol] = store.instrument(symbol).name or symbol
    return found
