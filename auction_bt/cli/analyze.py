"""The `analyze` command: runs that the journal keeps, one alone, two against each other, both regime rules, or the guards."""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any, Final

from auction_bt.backtest import Request, Run
from auction_bt.comparison_text import SHOWN, render_comparison
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.regime import Rule
from auction_bt.guard_comparison import GuardRun, effects_of, run_guards
from auction_bt.guard_comparison import as_json as as_json_of_guards
from auction_bt.guard_text import render_guards
from auction_bt.report import WIDTH, csv_lines, dumps, render
from auction_bt.result import to_json
from auction_bt.rule_comparison import as_json, run_both, weigh
from auction_bt.rule_text import render_rules
from auction_bt.run_comparison import compare
from auction_bt.run_list import listed, render_list
from auction_bt.run_values import comparison_json
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import NAME, Journal
from auction_bt.stored_run import NOT_KEPT, StoredRun, days_text, stored_run, twin
from auction_bt.weighing import evidence_of

from .arguments import Progress, check_state, day_of
from .backtest import record, state_folder, tried, warn
from .outputs import check_targets, write_text
from .request import add_request, on_store, request_of

HELP: Final = (
    "Look at runs that are kept: the list of them, one as a report, two against each other (exit code 1 where they differ). "
    "With --regimes: run both regime rules on the same data and weigh them. With --guards: run without guards, with "
    "each alone, and with all."
)
_LAST: Final = "last"
_REMADE: Final = textwrap.fill(
    f"Made again from the journal, which does not keep {NOT_KEPT}. The drawdown is that of closed trades.", WIDTH
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="number of a run, or last; two are held against each other")
    parser.add_argument("--day", metavar="DATE", help="one day of the run only, YYYY-MM-DD in India")
    parser.add_argument("--all", action="store_true", help="of two runs: tell every trade that differs, not the first few")
    parser.add_argument("--regimes", action="store_true",
                        help="run both regime rules on stored data and weigh them; takes --symbol, the dates, and what follows "
                        "them here as a backtest does")  # fmt: skip
    parser.add_argument("--guards", action="store_true",
                        help="run without guards, with each alone and with all of the recommended ones; --set changes a guard, "
                        "takes what --regimes takes")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write JSON too; - is standard output, and JSON alone")
    parser.add_argument("--csv", metavar="FILE", help="write the trades of one run as CSV; - is standard output, and CSV alone")
    add_request(parser, required=False, guards=False)


def run(args: argparse.Namespace) -> int:
    """Tell what was asked for."""
    check_targets([args.json, args.csv])
    if args.regimes and args.guards:
        raise BadInput("--regimes and --guards are two questions: ask one at a time")
    if args.regimes:
        return _regimes(args)
    if args.guards:
        return _guards(args)
    _refuse_request(args)
    if args.csv is not None and len(args.runs) != 1:
        raise BadInput("--csv writes the trades of one run: name one")
    if len(args.runs) > 2:
        raise BadInput(f"{len(args.runs)} runs are too many: name one, or two to hold against each other")
    if args.all and len(args.runs) != 2:
        raise BadInput("--all tells all that differs between two runs: name two")
    if not args.runs and args.day is not None:
        raise BadInput("--day looks at one day of a run: name the run")
    if not (args.state / NAME).is_file():
        raise NothingToDo(f"no run is kept in {args.state}: run a backtest first, or name its folder with --state")
    with Journal.open(args.state, readonly=True) as journal:
        numbers = [_number(journal, args.state, text) for text in args.runs]
        if not numbers:
            return _list(args, journal)
        runs = [stored_run(journal, number) for number in numbers]
        if len(runs) == 1:
            return _one(args, runs[0], twin(journal, runs[0]))
    return _two(args, *runs)


def _list(args: argparse.Namespace, journal: Journal) -> int:
    rows = listed(journal)
    if not rows:
        raise NothingToDo(f"no run is kept in {args.state}: run a backtest first, or name its folder with --state")
    values = [row.as_json() for row in rows]
    _write(args, json.dumps({"schema": 1, "runs": values}, indent=2) + "\n", render_list(rows))
    return 0


def _one(args: argparse.Namespace, found: StoredRun, other: StoredRun | None) -> int:
    if args.day is not None:
        found = found.on(day_of(args.day))
        other = None
    result = found.result(other)
    beside = Rule.AUCTION if found.settings.get("rule") == Rule.ORIGINAL else Rule.ORIGINAL
    unknown = "not kept for one day" if args.day is not None else f"not kept: a backtest with --regime {beside.value} keeps it"
    text = f"{_title(found, args.day)}\n\n{render(result, unknown=unknown)}\n{_REMADE}\n"
    if args.csv:
        write_text(args.csv, "\n".join(csv_lines(found.trades)) + "\n")
    _write(args, dumps(result, {"run": found.number, "day": args.day}), text)
    return 0


def _two(args: argparse.Namespace, left: StoredRun, right: StoredRun) -> int:
    if args.day is not None:
        left, right = _on(left, right, day_of(args.day))
    found = compare(left, right)
    values = comparison_json(found) | {"left": _values(left), "right": _values(right)}
    shown = max(len(found.left_alone), len(found.right_alone), len(found.pairs)) if args.all else SHOWN
    _write(args, json.dumps(values, indent=2, allow_nan=False) + "\n", render_comparison(left, right, found, shown=shown))
    return 0 if found.is_same else 1


def _on(left: StoredRun, right: StoredRun, day: int) -> tuple[StoredRun, StoredRun]:
    # A day on which one run did nothing is a difference; one on which both did nothing is none.
    found = [run.on(day, empty=True) for run in (left, right)]
    if not any(run.trades or run.decisions for run in found):
        left.on(day)  # says what there is
    return found[0], found[1]


def _fresh(args: argparse.Namespace, option: str, what: str, *, with_regime: bool) -> Request:
    # What is run anew here: by options of a run, and none of a run that is kept.
    if args.runs:
        raise BadInput(f"{option} runs {what} anew: name no run, but --symbol, --from-date and --to-date")
    regime = None if with_regime else args.regime
    for given, name in ((regime, "--regime"), (args.day, "--day"), (args.csv, "--csv"), (args.all or None, "--all")):
        if given is not None:
            raise BadInput(f"{name} has no place beside {option}, which runs {what} on all days")
    lacking = [name for name in ("symbol", "from_date", "to_date") if getattr(args, name) is None]
    if lacking:
        raise BadInput(f"{option} needs --{lacking[0].replace('_', '-')}: see auction-bt analyze --help")
    check_state(args.state)
    return request_of(args)


def _guards(args: argparse.Namespace) -> int:
    request = _fresh(args, "--guards", "with and without guards", with_regime=True)
    notes: list[str] = []
    last: Run | None = None
    kept: list[tuple[int, GuardRun]] = []
    progress = Progress()
    with open_store(args.store, readonly=True) as store, Journal.open(state_folder(args.state)) as journal:
        try:
            for each in run_guards(store, on_store(request, args, store), DayCache(args.state / "cache", notes.append)):
                progress(f"ran with guards: {each.name}")
                last = each.run
                kept.append((record(journal, last), each))
        finally:
            progress.clear()
    found = effects_of(kept)
    _write(args, json.dumps(as_json_of_guards(found), indent=2, allow_nan=False) + "\n", render_guards(found),
           f"runs {found[0].number} to {found[-1].number} of {args.state / NAME}")  # fmt: skip
    if last is not None:
        warn(last, notes)
    return 0


def _regimes(args: argparse.Namespace) -> int:
    request = _fresh(args, "--regimes", "both rules", with_regime=False)
    notes: list[str] = []
    with open_store(args.store, readonly=True) as store:
        both = run_both(store, on_store(request, args, store), DayCache(args.state / "cache", notes.append))
    with Journal.open(state_folder(args.state)) as journal:
        numbers = record(journal, both[0]), record(journal, both[1])
        evidence = evidence_of(both[0], tried(journal, both[0])), evidence_of(both[1], tried(journal, both[1]))
    found = weigh(*both, evidence)
    first, second = numbers
    _write(args, json.dumps(as_json(found, numbers), indent=2, allow_nan=False) + "\n", render_rules(found),
           f"runs {first} and {second} of {args.state / NAME} (analyze {first} {second} tells their trades apart)")  # fmt: skip
    warn(both[0], notes)
    return 0


def _refuse_request(args: argparse.Namespace) -> None:
    # Options of a run would change nothing of one that is kept; silence would let the reader believe they did.
    fresh = argparse.ArgumentParser()
    add_request(fresh, required=False, guards=False)
    for name, value in vars(fresh.parse_args([])).items():
        if name != "state" and getattr(args, name) != value:
            option = "--set" if name == "settings" else f"--{name.replace('_', '-')}"
            raise BadInput(f"{option} belongs to --regimes or --guards, which run anew: a run that is kept has its own")


def _number(journal: Journal, state: Path, text: str) -> int:
    if text != _LAST:
        if not text.isdecimal() or len(text) > 18:
            raise BadInput(f"{text!r} is no run: give its number, or last; `analyze` alone lists them")
        return int(text)
    runs = journal.runs()
    if not runs:
        raise NothingToDo(f"no run is kept in {state}: run a backtest first, or name its folder with --state")
    return runs[-1][0]


def _title(found: StoredRun, day: str | None) -> str:
    what = ", ".join(found.symbols) or "no symbol named"
    days = f"{day} (of {days_text(found.settings)})" if day else days_text(found.settings)
    return f"Run {found.number}: {what}, {days}, {found.settings.get('rule', 'no')} rule"


def _values(run: StoredRun) -> dict[str, Any]:
    found = to_json(run.result())
    return {"run": run.number, "summary": found["summary"], "settings": found["settings"]}


def _write(args: argparse.Namespace, values: str, text: str, kept: str = "") -> None:
    if args.json:
        write_text(args.json, values)
    if "-" in {args.json, args.csv}:
        return
    print(text, end="")
    if named := ", ".join(filter(None, (args.json, args.csv, kept))):
        print(f"\nKept: {named}")
