"""The `verify` command: stored rows, a backtest and a replay tell the same, or where they part and why."""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

from auction_bt.cli.arguments import Progress
from auction_bt.cli.outputs import check_targets, write_text
from auction_bt.cli.running import add_run, request_of
from auction_bt.core.bar import NEVER
from auction_bt.core.ist import clock_text, day_index, to_date
from auction_bt.parity import Verification, verify
from auction_bt.result import plain
from auction_bt.store.dsn import open_store
from auction_bt.verify import Difference, What
from auction_bt.wording import plural, whole

HELP: Final = (
    "compare the stored ticks, bars and gaps with what the recorded messages say now, and a backtest on the stored rows with a "
    "replay of the messages; exit 0 where all is equal, 1 where not, 3 where there is nothing to compare"
)
_SIDES: Final = {
    What.GAP: ("stored", "messages now"),
    What.TICK: ("stored", "messages now"),
    What.BAR: ("stored", "messages now"),
    What.DECISION: ("backtest", "replay"),
    What.TRADE: ("backtest", "replay"),
}
_STAMPS: Final = frozenset({"seq", "ts", "known_seq", "clock", "begin", "end", "entry_ts", "entry_seq", "exit_ts", "exit_seq"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_run(parser)
    parser.add_argument("--json", metavar="FILE", help="write what was found as JSON, - for standard output instead of the text")


def run(args: argparse.Namespace) -> int:
    """Compare, print, and say by the exit code."""
    request = request_of(args)
    check_targets([args.json])
    progress = Progress()
    try:
        with open_store(args.store, readonly=True) as store:
            found = verify(store, request, progress)
    finally:
        progress.clear()
    if args.json:
        write_text(args.json, json.dumps(to_json(found), indent=2, allow_nan=False) + "\n")
    if args.json != "-":
        print("\n".join(lines_of(found)))
    return 0 if found.is_equal else 1


def lines_of(found: Verification) -> list[str]:
    """Return what was found, for people."""
    return _equal(found) if found.difference is None else _different(found, found.difference)


def _equal(found: Verification) -> list[str]:
    count = {what: each.first for what, each in found.compared.items()}
    rows = f"{plural(count[What.TICK], 'tick')}, {plural(count[What.BAR], 'bar')}, {plural(count[What.GAP], 'gap')}"
    days = f"{plural(sum(found.days.values()), 'symbol-day')} of {plural(len(found.days), 'symbol')}"
    run = (plural(count[What.DECISION], "decision"), plural(count[What.TRADE], "trade"))
    width = max(len(rows), *map(len, run))
    return [
        f"EQUAL: {days}, {plural(found.messages, 'message')}",
        f"  {rows:<{width}}  {found.hashes['rows'][0]}  stored, and made of the messages now",
        f"  {run[0]:<{width}}  {found.hashes['decisions'][0]}  backtest, and replay",
        f"  {run[1]:<{width}}  {found.hashes['trades'][0]}  backtest, and replay",
    ]


def _different(found: Verification, parts: Difference) -> list[str]:
    names = _SIDES[parts.what]
    when = f"{to_date(day_index(parts.seq))} {clock_text(parts.seq, fraction=True)} IST" if parts.seq < NEVER else "the end"
    lines = [f"DIFFERENT: the first is a {parts.what.label} of {parts.symbol} at {when} (message {parts.seq})", ""]
    fields = list({**(parts.first or {}), **(parts.second or {})})
    cells = [[_cell(name, side) for name in fields] for side in (parts.first, parts.second)]
    wide = max(map(len, fields))
    left = max(len(names[0]), *map(len, cells[0]))
    lines.append(f"    {'':<{wide}}  {names[0]:<{left}}  {names[1]}")
    for name, a, b in zip(fields, *cells, strict=True):
        mark = "*" if name in parts.names or None in (parts.first, parts.second) else " "
        lines.append(f"  {mark} {name:<{wide}}  {a:<{left}}  {b}")
    unlike = ", ".join(
        f"{whole(each.different)} of {plural(max(each.first, each.second), what.label)}"
        for what, each in sorted(found.compared.items())
    )
    return [*lines, "", f"Likely cause: {found.cause}.", f"Not equal in all: {unlike}."]


def _cell(name: str, row: dict[str, Any] | None) -> str:
    if row is None:
        return "(none)"
    value = row.get(name, "(none)")
    if name in _STAMPS and isinstance(value, int):
        return "never" if value == NEVER else f"{value} ({clock_text(value, fraction=True)})" if value else "0"
    return repr(value) if isinstance(value, float) else str(value)


def to_json(found: Verification) -> dict[str, Any]:
    """Return what was found as plain JSON values; stamps are int ns since 1970 UTC."""
    parts = found.difference
    return {
        "equal": found.is_equal,
        "counts": {what.label: [each.first, each.second] for what, each in sorted(found.compared.items())},
        "different": {what.label: each.different for what, each in sorted(found.compared.items())},
        "hashes": {name: list(both) for name, both in found.hashes.items()},
        "symbol_days": found.days,
        "messages": found.messages,
        "difference": parts
        and {
            "what": parts.what.label,
            "seq": parts.seq,
            "symbol": parts.symbol,
            "fields": list(parts.names),
            "first": plain(parts.first),
            "second": plain(parts.second),
            "cause": found.cause,
        },
    }
