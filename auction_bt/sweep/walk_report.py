"""A walk's report: what the chosen settings made on days that did not choose them, and how steady the choices were."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from auction_bt.core.figures import OBJECTIVES, Figures
from auction_bt.core.ist import to_date
from auction_bt.core.sharpe import measure, probabilistic_sharpe
from auction_bt.result import plain
from auction_bt.wording import NONE, percent, plural, risk, rupees, score, whole

from .plan import Plan, days_text
from .report import folded, setting_words
from .result import values_of
from .walk import Stability, Step, out_of_sample, stability

SCHEMA: Final = 1
_BAR: Final = 20
_WORDS: Final = frozenset({0, 1, 3})  # columns of the table


@dataclass(frozen=True, slots=True)
class WalkReport:
    """A walk as a whole.

    Parameters
    ----------
    plan : Plan
        Of the whole range: its grid, symbols and terms.
    objective : str
    steps : tuple of Step
    searched : int
        Combinations that a search ran on the train days of each fold, at most; 0: all of the plan.
    """

    plan: Plan
    objective: str
    steps: tuple[Step, ...]
    searched: int = 0

    @property
    def figures(self) -> Figures | None:
        """Of all test days together."""
        return out_of_sample(list(self.steps))

    @property
    def stability(self) -> list[Stability]:
        """Of each parameter."""
        return stability(self.plan.grid, list(self.steps))


def render_walk(report: WalkReport) -> str:
    """Return the report as lines, ending in a newline."""
    plan, found = report.plan, report.figures
    names = ", ".join(each.symbol for each in plan.symbols[:4]) + (" …" if len(plan.symbols) > 4 else "")
    searched = f"{whole(report.searched)} searched of " if report.searched else ""
    lines = [
        folded("Walk-forward", f"{names}, {days_text(plan)}: {plural(len(report.steps), 'fold')} of "
               f"{searched}{plural(len(plan.numbers), 'combination')}, chosen by {report.objective} and its neighbourhood"),
        folded("Out of sample", out_of_sample_words(found)),
        "",
        *_lines(fold_table(report)),
    ]  # fmt: skip
    for each in report.stability:
        told = "" if each.spread is None else f", {each.spread:.2g} steps of the grid a fold"
        lines += ["", f"{each.name}: changed {plural(each.changes, 'time')}{told}"]
        most = max((n for _, n in each.counts), default=0)
        lines += [f"  {value!s:>12}  {n:>4}  {'█' * round(_BAR * n / most) if most else ''}".rstrip() for value, n in each.counts]
    return "\n".join(lines) + "\n"


def out_of_sample_words(found: Figures | None) -> str:
    """Return what the test days came to, for people."""
    if found is None:
        return "nothing was traded"
    sharpe = measure(found.nets)
    told = (f"net {rupees(found.net)} on {plural(found.trades, 'trade')} of {plural(len(found.daily), 'day')}, "
            f"{risk(found.value('r_mean'))} a trade, drawdown {rupees(found.drawdown)}")  # fmt: skip
    if sharpe is None:
        return told + "; no Sharpe ratio"
    return told + f"; Sharpe ratio {sharpe.ratio:.3f} a day, above 0 with probability {percent(probabilistic_sharpe(sharpe))}"


def fold_table(report: WalkReport) -> list[list[str]]:
    """Return the folds as a table of texts, its head first."""
    table = [["train", "test", report.objective, "chosen", "net", "trades", "R"]]
    for step in report.steps:
        train, test = ("..".join(str(to_date(day)) for day in span) for span in (step.fold.train, step.fold.test))
        if step.chosen is None or step.figures is None:
            table.append([train, test, NONE, step.error or NONE, NONE, NONE, NONE])
            continue
        found = step.figures
        table.append([train, test, score(step.trained), setting_words(report.plan.grid.at(step.chosen)), rupees(found.net),
                      whole(found.trades), risk(found.value("r_mean"))])  # fmt: skip
    return table


def _lines(table: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        padded = (f"{c:{'<' if n in _WORDS else '>'}{w}}" for n, (c, w) in enumerate(zip(cells, widths, strict=True)))
        yield "  ".join(padded).rstrip()


def walk_json(report: WalkReport) -> str:
    """Return the report as JSON text; no wall time and no paths."""
    plan, found = report.plan, report.figures
    said = {
        "schema": SCHEMA,
        "walk": {**plan.as_json(), "objective": report.objective, **({"searched": report.searched} if report.searched else {})},
        "out_of_sample": None if found is None else {**values_of(found), "daily": _daily(found)},
        "stability": [{"name": s.name, "counts": {str(v): n for v, n in s.counts}, "changes": s.changes, "spread": s.spread}
                      for s in report.stability],
        "folds": [_fold(plan, step) for step in report.steps],
    }  # fmt: skip
    return json.dumps(plain(said), indent=2, allow_nan=False) + "\n"


def _daily(found: Figures) -> list[dict[str, Any]]:
    return [{"day": to_date(day), "net": net} for day, net in found.daily]


def _fold(plan: Plan, step: Step) -> dict[str, Any]:
    return {
        "train": [to_date(day) for day in step.fold.train],
        "test": [to_date(day) for day in step.fold.test],
        "chosen": None if step.chosen is None else plan.grid.at(step.chosen),
        "trained": step.trained,
        "around": step.around,
        "trials": step.trials,
        "error": step.error,
        "test_figures": None if step.figures is None else values_of(step.figures),
    }


def walk_csv(report: WalkReport) -> Iterator[str]:
    """Yield a header and one line a fold, with line ends; figures are those of the test days."""
    names = [axis.name for axis in report.plan.grid.axes]
    yield _csv(["train_from", "train_to", "test_from", "test_to", *names, "trained", *OBJECTIVES, "error"])
    for step in report.steps:
        chosen = [""] * len(names) if step.chosen is None else report.plan.grid.at(step.chosen).values()
        values: Iterable[Any] = [None] * len(OBJECTIVES) if step.figures is None else values_of(step.figures).values()
        spans = [to_date(day) for span in (step.fold.train, step.fold.test) for day in span]
        yield _csv([*spans, *chosen, "" if step.trained is None else step.trained, *("" if v is None else v for v in values),
                    step.error])  # fmt: skip


def _csv(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()
