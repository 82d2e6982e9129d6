"""A sweep or a walk as one HTML file: heat maps, the best by neighbourhood, equity; everything is inside, no script runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from importlib.resources import files
from itertools import accumulate, combinations
from math import isnan
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from auction_bt.core.figures import LESS_IS_BETTER, Figures
from auction_bt.core.grid import Grid
from auction_bt.core.ist import to_date
from auction_bt.store.trials import TrialLedger
from auction_bt.wording import NONE, percent, plural, rupees, score, whole

from .plan import days_text
from .report import SweepReport, counted, luck_words, overfitting_words, setting_words, table_of
from .result import heat
from .walk_report import WalkReport, fold_table, out_of_sample_words

_VERSIONED: Final = ("auction-bt", "backtrader", "numpy", "numba")
_MAPS: Final = 15  # pairs of parameters: six parameters have as many
_ROWS: Final = 100
_FAILED: Final = 50
_UNITS: Final = {
    **dict.fromkeys(("net", "gross", "charges", "open_net", "expectancy", "average_win", "average_loss", "drawdown"), "₹"),
    **dict.fromkeys(("r_total", "r_mean"), "R"),
    **dict.fromkeys(("win_rate", "exposure"), "0 to 1"),
    "sharpe": "of a day's net",
}
_IN_SAMPLE: Final = "Best plateau, IN SAMPLE: it was chosen on these days"


def sweep_page(report: SweepReport, ledger: TrialLedger) -> str:
    """Return a sweep as one HTML document."""
    plan, ranking = report.plan, report.ranking
    pairs = zip(ranking.numbers.tolist(), ranking.scores.tolist(), strict=True)
    values = {number: None if isnan(score) else score for number, score in pairs}
    best = report.best
    found = report.overfitting
    cards = [
        ("Trials", whole(report.trials), f"of {whole(len(plan))}, {plural(len(plan.numbers), 'combination')}"),
        ("Best plateau", NONE if best is None else setting_words(best.settings), "median with its neighbours is the best"),
        (
            "Best peak",
            NONE if report.peak is None else setting_words(report.peak.settings),
            "the best by itself, more often luck",
        ),
        ("Probability of overfitting", NONE if found is None else percent(found.probability), "below 10 % is good"),
    ]
    places = None if best is None else plan.grid.places(best.number)
    equity = None if best is None or best.figures is None else _equity(_IN_SAMPLE, best.figures)
    return _rendered(
        title=_names(each.symbol for each in plan.symbols),
        subtitle=f"Sweep, {days_text(plan)}, by {ranking.objective}",
        cards=cards,
        verdicts=[("Trials", counted(report)), ("Luck", luck_words(report)), ("Overfitting", overfitting_words(found))],
        equity=equity,
        maps_title=f"{_with_unit(ranking.objective)} by two parameters, the mean over all others{_turned(ranking.objective)}",
        maps=[_map(plan.grid, values, a, b, places) for a, b in _pairs(plan.grid)],
        table_title="Best neighbourhoods first",
        table=table_of(report, ledger, _ROWS),
        failed=report.failed[:_FAILED],
    )


def walk_page(report: WalkReport) -> str:
    """Return a walk as one HTML document: out of sample alone."""
    plan, found = report.plan, report.figures
    traded = [step for step in report.steps if step.chosen is not None]
    cards = [
        (
            "Net, out of sample",
            NONE if found is None else rupees(found.net),
            "on days that did not choose what was traded",
        ),
        ("Trades", NONE if found is None else whole(found.trades), f"{plural(len(report.steps), 'fold')}"),
        ("Drawdown", NONE if found is None else rupees(found.drawdown), "at the ends of days"),
    ]
    maps = []
    for i, axis in enumerate(plan.grid.axes):
        rows = []
        for step in traded:
            place = plan.grid.places(step.chosen or 0)[i]
            cells = [_cell("●" if n == place else "", 1.0 if n == place else None, 1.0) for n in range(len(axis.values))]
            rows.append((str(to_date(step.fold.test[0])), cells))
        maps.append({"caption": f"{axis.name}, chosen for each fold", "corner": "test from", "heads": axis.values, "rows": rows})
    return _rendered(
        title=_names(each.symbol for each in plan.symbols),
        subtitle=f"Walk-forward, {days_text(plan)}, by {report.objective}",
        cards=cards,
        verdicts=[("Out of sample", out_of_sample_words(found))],
        equity=None if found is None else _equity("Out of sample", found),
        maps_title="How steady the choices are",
        maps=maps,
        table_title="Folds",
        table=fold_table(report),
        failed=[(str(to_date(s.fold.test[0])), s.error) for s in report.steps if s.error][:_FAILED],
    )


def _with_unit(objective: str) -> str:
    unit = _UNITS.get(objective, "")
    return f"{objective}, {unit}," if unit else objective


def _turned(objective: str) -> str:
    return "; with its sign turned round, as less is better" if objective in LESS_IS_BETTER else ""


def _rendered(**values: Any) -> str:
    css = files("auction_bt.page").joinpath("page.css").read_text(encoding="utf-8")
    template = files(__package__).joinpath("sweep.html").read_text(encoding="utf-8")
    environment = Environment(loader=DictLoader({"sweep": template}), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    return environment.get_template("sweep").render(
        css=Markup(css),  # noqa: S704 - our own file
        versions=[(name, version(name)) for name in _VERSIONED],
        **values,
    )


def _pairs(grid: Grid) -> list[tuple[int, int]]:
    wide = [i for i, axis in enumerate(grid.axes) if len(axis.values) > 1]
    return list(combinations(wide, 2))[:_MAPS]


def _map(
    grid: Grid, values: dict[int, float | None], one: int, other: int, best: Sequence[int] | None
) -> dict[str, Any]:  # fmt: skip
    table = heat(grid, values, one, other)
    most = max((abs(v) for row in table for v in row if v is not None), default=0.0)
    rows = []
    for i, (head, line) in enumerate(zip(grid.axes[one].values, table, strict=True)):
        cells = [
            _cell(NONE if v is None else score(v, 3), v, most, is_best=best is not None and (best[one], best[other]) == (i, j))
            for j, v in enumerate(line)
        ]
        rows.append((head, cells))
    names = grid.axes[one].name, grid.axes[other].name
    return {"caption": f"{names[0]} down, {names[1]} across", "corner": names[0], "heads": grid.axes[other].values, "rows": rows}


def _cell(text: str, value: float | None, most: float, *, is_best: bool = False) -> dict[str, Any]:
    depth = 0 if value is None or not most else round(70 * abs(value) / most)
    return {"text": text, "tone": "--lost" if value is not None and value < 0 else "--won", "depth": depth, "best": is_best}


def _equity(title: str, figures: Figures) -> dict[str, Any] | None:
    if not figures.daily:
        return None
    values = [0.0, *accumulate(figures.nets)]
    low, high = min(values), max(values)
    height = (high - low) or 1.0

    def y(value: float) -> float:
        return round(20 + 150 * (high - value) / height, 1)

    step = 600 / max(1, len(values) - 1)
    return {
        "title": title,
        "points": " ".join(f"{10 + step * n:.1f},{y(v)}" for n, v in enumerate(values)),
        "zero": y(0.0),
        "first": to_date(figures.daily[0][0]),
        "last": to_date(figures.daily[-1][0]),
        "high": rupees(high),
        "end": rupees(values[-1]),
    }


def _names(symbols: Iterable[str]) -> str:
    names = list(symbols)
    return ", ".join(names[:4]) + (f" and {whole(len(names) - 4)} more" if len(names) > 4 else "")
