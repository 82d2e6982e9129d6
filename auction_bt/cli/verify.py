"""The verify command."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Final

from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.ist import to_date
from auction_bt.difference import Happening
from auction_bt.live.proof import Comparison, LiveRecord, prove
from auction_bt.result import plain
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.symbols import told
from auction_bt.verify import Verdict, verify

from .arguments import Progress
from .outputs import check_targets, write_text
from .request import add_request, charges_of, on_store, request_of

HELP: Final = (
    "Prove that stored ticks and bars are what the recorded messages say, and that a replay of these ends in the backtest's "
    "decisions and trades. Prints the common hash, or the first thing that differs; exit code 1 where anything does."
)
_SIDES: Final = dict.fromkeys(("decision", "fill", "trade"), ("fast", "replay"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_request(parser, required=False)
    parser.add_argument("--run", metavar="N|last", help="prove this live run of the journal instead: its trades, those of a "
                        "replay, and those of a backtest where orders were filled as there")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON, - for standard output instead of the text")


def run(args: argparse.Namespace) -> int:
    """Compare and tell."""
    check_targets([args.json])
    if args.run is not None:
        return _prove_live(args)
    if not (args.symbol and args.from_date and args.to_date):
        raise BadInput("say what to verify: --symbol, --from-date and --to-date, or --run N")
    request = request_of(args)
    progress = Progress()
    with open_store(args.store, readonly=True) as store:
        try:
            request = on_store(request, args, store)
            for leg in request.legs:
                if not leg.has_data:
                    progress.clear()
                    print(f"auction_bt: {told(leg)}: no data, held against nothing", file=sys.stderr)
            found = verify(store, request, DayCache(args.state / "cache"), progress)
        finally:
            progress.clear()
    if args.json:
        write_text(args.json, json.dumps(as_json(found), indent=2) + "\n")
    if args.json != "-":
        print("\n".join(lines(found)))
    return 0 if found.is_same else 1


def _prove_live(args: argparse.Namespace) -> int:
    with Journal.open(args.state, readonly=True) as journal:
        runs = dict(journal.runs())
        if not runs:
            raise NothingToDo(f"{args.state} keeps no runs")
        number = max(runs) if args.run == "last" else int(args.run) if args.run.isdecimal() else -1
        if number not in runs:
            raise BadInput(f"there is no run {args.run} in {args.state}: the last one is {max(runs)}")
        record = LiveRecord(json.loads(runs[number]), tuple(journal.decisions(number)), tuple(journal.trades(number)))
    progress = Progress()
    with open_store(args.store, readonly=True) as store:
        try:
            found = prove(store, record, charges_of(args), DayCache(args.state / "cache"), progress)
        finally:
            progress.clear()
    is_same = all(c.is_same for c in found)
    if args.json:
        write_text(args.json, json.dumps({"schema": 1, "run": number, "same": is_same, "comparisons": [
            {"kind": c.kind, "against": c.against, "live": [c.counts[0], c.digests[0]], "other": [c.counts[1], c.digests[1]]}
            for c in found]}, indent=2) + "\n")  # fmt: skip
    if args.json != "-":
        print("\n".join(live_lines(number, record, found)))
    return 0 if is_same else 1


def live_lines(number: int, record: LiveRecord, found: list[Comparison]) -> list[str]:
    """Return how a live run stands against its replay, and a backtest, for people."""
    told = [f"run {number}, {record.settings['orders']}, {record.day}",
            f"{'':<9}  {'':<8}  {'live':>16}  {'other':>16}"]  # fmt: skip
    for c in found:
        told.append(
            f"{c.kind + 's':<9}  {c.against:<8}  {c.counts[0]:>16,}  {c.counts[1]:>16,}{'' if c.is_same else '  differs'}"
        )
        told.append(f"{'':<9}  {'':<8}  {c.digests[0]:>16}  {c.digests[1]:>16}")
    first = next((c for c in found if c.difference is not None), None)
    if first is not None and first.difference is not None:
        return told + first.difference.lines("live", first.against)
    if any(c.against == "backtest" for c in found):
        return [*told, "live = replay = backtest"]
    if record.is_as_backtested:
        return [*told, "live = replay; it was halted, resumed or flattened by hand, of which a backtest knows nothing"]
    return [*told, "live = replay; orders met another market than a backtest's, so that its trades are not compared"]


def lines(found: Verdict) -> list[str]:
    """Return a verdict for people."""
    told = [f"{'':<9}  {'stored/fast':>16}  {'messages/replay':>16}"]
    for a in found.accounts:
        mark = "" if a.is_same else "  differs"
        told.append(f"{a.kind + 's':<9}  {a.left_count:>16,}  {a.right_count:>16,}{mark}")
        told.append(f"{'':<9}  {a.left:>16}  {a.right:>16}")
    if found.silent_days:
        days = sorted({d for _, d in found.silent_days})
        shown = ", ".join(str(to_date(d)) for d in days[:5])
        told.append(f"without messages, so held against nothing: {shown}{' …' if len(days) > 5 else ''}")
    if found.is_same:
        told.append(f"identical: {found.digest}")
        return told
    if found.difference is not None:
        told += found.difference.lines(*_SIDES.get(found.difference.at.kind, ("stored", "messages")))
        told.append(f"  message: {found.message or 'none at that stamp'}")
        told.append(f"likely cause: {found.cause}")
    return told


def as_json(found: Verdict) -> dict[str, Any]:
    """Return a verdict as plain JSON values."""
    difference = found.difference
    told: dict[str, Any] = {
        "schema": 1,
        "same": found.is_same,
        "hash": found.digest if found.is_same else None,
        "accounts": {
            f"{a.kind}s": {"stored_or_fast": [a.left_count, a.left], "messages_or_replay": [a.right_count, a.right]}
            for a in found.accounts
        },
        "difference": None,
        "without_messages": [[symbol, to_date(day)] for symbol, day in found.silent_days],
    }
    if difference is not None:
        at = difference.at
        told["difference"] = {
            "kind": at.kind,
            "seq": at.seq,
            "symbol": at.symbol,
            "fields": difference.differing(),
            "left": _values(difference.left),
            "right": _values(difference.right),
            "message": found.message,
            "cause": found.cause,
        }
    made: dict[str, Any] = plain(told)
    return made


def _values(happening: Happening | None) -> dict[str, Any] | None:
    return None if happening is None else happening.values
