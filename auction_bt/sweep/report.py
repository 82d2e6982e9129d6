"""A sweep's report: as lines for the terminal, as JSON and as CSV, row after row, the same bytes whoever ran the trials."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from auction_bt.core.evidence import Luck, luck
from auction_bt.core.figures import OBJECTIVES, Figures, pooled
from auction_bt.core.ist import to_date
from auction_bt.core.pbo import Overfitting, overfitting
from auction_bt.core.sharpe import Trials, measure
from auction_bt.core.tick import F64
from auction_bt.report import LABEL, WIDTH
from auction_bt.result import plain
from auction_bt.settings import SETTINGS
from auction_bt.store.trials import TrialLedger
from auction_bt.wording import NONE, percent, plural, risk, rupees, score, whole

from .plan import Plan, days_text
from .result import Ranking, Row, ranked, rows, values_of

SCHEMA: Final = 1
_TOP: Final = 10
_FAILURES: Final = 20


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What is said of a sweep as a whole.

    Parameters
    ----------
    plan : Plan
    ranking : Ranking
    best, peak : Row or None
        By neighbourhood, and by its own score.
    luck : Luck or None
        Of `best`; None where it has no Sharpe ratio.
    overfitting : Overfitting or None
        Of choosing by the Sharpe ratio among the combinations; None where there are too few of them, or of days.
    tried : int
        Settings tried on these symbols and days in all, those of earlier runs included.
    failed : tuple of (trial's name, reason)
    missing : int
        Trials without an outcome or a failure: not run yet.
    """

    plan: Plan
    ranking: Ranking
    best: Row | None
    peak: Row | None
    luck: Luck | None
    overfitting: Overfitting | None
    tried: int
    failed: tuple[tuple[str, str], ...]
    missing: int

    @property
    def trials(self) -> int:
        """Trials with an outcome."""
        return len(self.plan) - len(self.failed) - self.missing


def report_of(plan: Plan, ledger: TrialLedger, objective: str, tried: int) -> SweepReport:
    """Weigh what a plan's trials came to.

    Parameters
    ----------
    tried : int
        Settings tried on these symbols and days, by the journal.
    """
    scores: dict[int, float | None] = {}
    sharpes: list[float] = []
    nets: list[F64] = []
    days: list[int] = []
    failed: list[tuple[str, str]] = []
    missing = 0
    for row in rows(plan, ledger):
        figures = row.figures if row.is_whole else None
        scores[row.number] = None if figures is None else figures.score(objective)
        failed += [(trial.named, error) for trial, _, error in row.trials if error]
        missing += sum(not trades and not error for _, trades, error in row.trials)
        if figures is not None:
            if (found := measure(figures.nets)) is not None:
                sharpes.append(found.ratio)
            days = days or [day for day, _ in figures.daily]
            nets.append(_on_days(figures, days))
    ranking = ranked(plan.grid, scores, objective)
    best, peak = (None if n is None else next(rows(plan.only([n]), ledger)) for n in (ranking.best, ranking.peak))
    known = Trials(max(tried, len(scores)), float(np.var(sharpes, ddof=1)) if len(sharpes) > 1 else None)
    of_best = luck(best.figures.nets, known) if best is not None and best.figures is not None else None
    nets += [_on_days(figures, days) for figures in earlier(plan, ledger)] if nets else []
    found_pbo = overfitting(np.array(nets).T) if nets and days else None
    return SweepReport(plan, ranking, best, peak, of_best, found_pbo, known.count, tuple(failed), missing)


def earlier(plan: Plan, ledger: TrialLedger) -> list[Figures]:
    """Return the figures of other settings that were ever tried on all the plan's symbols and just its days.

    Notes
    -----
    Settings that were tried more than once, as on other data, count once. The order is that of what was tried, whenever it was.
    """
    own = {_key(plan.settings(number), plan.terms.as_json()) for number in plan.numbers}
    found: dict[str, list[Figures]] = {}
    for each in plan.symbols:
        seen: set[str] = set()
        for _, settings, terms, figures in ledger.on(each.symbol, plan.first, plan.last):
            key = _key(settings, terms)
            if key not in own and key not in seen:
                seen.add(key)
                found.setdefault(key, []).append(figures)
    return [pooled(found[key]) for key in sorted(found) if len(found[key]) == len(plan.symbols)]


def _key(settings: dict[str, Any], terms: dict[str, Any]) -> str:
    whole = {s.name: settings.get(s.name, s.default) for s in SETTINGS}
    return json.dumps([plain(whole), terms], sort_keys=True)


def _on_days(figures: Figures, days: list[int]) -> F64:
    own = dict(figures.daily)
    return np.array([own.get(day, 0.0) for day in days], np.float64)


# ---------------------------------------------------------------- for people
def render_sweep(report: SweepReport, ledger: TrialLedger, top: int = _TOP) -> str:
    """Return the report as lines, ending in a newline."""
    plan, ranking = report.plan, report.ranking
    names = [each.symbol for each in plan.symbols]
    told = ", ".join(names[:4]) + (f" and {whole(len(names) - 4)} more" if len(names) > 4 else "")
    lines = [
        folded("Sweep", f"{told}, {days_text(plan)}"),
        folded("Trials", counted(report)),
        folded("Objective", f"{ranking.objective}, {plural(len(names), 'symbol')} together, each on {rupees(plan.terms.cash)}"),
    ]
    for label, row in (("Best plateau", report.best), ("Best peak", report.peak)):
        if row is not None and (label == "Best plateau" or row.number != ranking.best):
            place = list(ranking.numbers).index(row.number)
            own, around = float(ranking.scores[place]), float(ranking.around[place])
            lines.append(folded(label, f"{setting_words(row.settings)}: {score(own)} itself, {score(around)} around it"))
    lines += [folded("Luck", luck_words(report)), folded("Overfitting", overfitting_words(report.overfitting))]
    table = table_of(report, ledger, top)
    lines += ["", *(_lines(table) if report.best is not None else [unscored_words(report, ledger)])]
    for name, reason in report.failed[:_FAILURES]:
        lines.append(f"failed: {name}: {reason}")
    if len(report.failed) > _FAILURES:
        lines.append(f"… and {whole(len(report.failed) - _FAILURES)} more that failed: --json names them all")
    return "\n".join(lines) + "\n"


def setting_words(settings: dict[str, Any]) -> str:
    """Return settings for people: ``period=60 value_area=0.7``."""
    return " ".join(f"{name}={value}" for name, value in settings.items()) or "no settings changed"


def unscored_words(report: SweepReport, ledger: TrialLedger) -> str:
    """Return why no combination has a score and what would give one, for people."""
    objective = report.ranking.objective
    whole_rows = [row.figures for row in rows(report.plan, ledger) if row.is_whole and row.figures is not None]
    trades = sum(figures.trades for figures in whole_rows)
    if not whole_rows:
        why = "no trial has come to its end: see what failed"
    elif not trades:
        why = "none has closed a trade: give more days, or settings that trade (run_backtest.py says what refused the signals)"
    elif objective == "sharpe" and max(len(figures.daily) for figures in whole_rows) < 2:
        why = "a Sharpe ratio needs two days or more, and there is one: give more days, or --objective net"
    else:
        why = f"{objective} has no value for any of them: give more days, or --objective net"
    return f"No combination has a score: {why}."


def counted(report: SweepReport) -> str:
    """Return how many trials there are, for people."""
    told = f"{whole(report.trials)} of {whole(len(report.plan))}"
    combinations = len(report.plan.numbers)
    told += f" ({plural(combinations, 'combination')}" + (
        f", drawn of {whole(len(report.plan.grid))})" if combinations < len(report.plan.grid) else ")"
    )
    if report.failed:
        told += f", {whole(len(report.failed))} failed"
    return told + (f", {whole(report.missing)} not run yet" if report.missing else "")


def luck_words(report: SweepReport) -> str:
    """Return what the best is worth, given how many were tried, for people."""
    if report.luck is None:
        return f"{plural(report.tried, 'setting')} tried; the best has no Sharpe ratio to weigh"
    found = report.luck
    return (
        f"{plural(report.tried, 'setting')} tried on these symbols and days: the best of as many worthless ones would show "
        f"{found.expected:.3f} a day; {found.sharpe.ratio:.3f} is above that with probability {percent(found.deflated)}"
    )


def overfitting_words(found: Overfitting | None) -> str:
    """Return the probability of overfitting for people."""
    if found is None:
        return "not known: two combinations and eight days are needed"
    return (
        f"in {percent(found.probability)} of {whole(found.splits)} splits of {whole(found.days)} days the best of "
        f"{whole(found.trials)} settings ever tried on just these days in one half was "
        f"no better than the middle on the other (below 10 % is good, above 50 % is fitted)"
    )


def table_of(report: SweepReport, ledger: TrialLedger, top: int) -> list[list[str]]:
    """Return the best combinations as a table of texts, its head first."""
    ranking, plan = report.ranking, report.plan
    order = ranking.order()[:top]
    names = [axis.name for axis in plan.grid.axes]
    is_net = ranking.objective == "net"  # which stands there anyway
    table = [["trial", *names, "around", *([] if is_net else [ranking.objective]), "net", "trades", "R", "wins", "drawdown"]]
    for place in order:
        row = next(rows(plan.only([int(ranking.numbers[place])]), ledger))
        figures = row.figures
        assert figures is not None  # noqa: S101 - for the type checker: what is ranked has figures
        trial = row.trials[0][0].identity if len(row.trials) == 1 else NONE
        own = figures.value(ranking.objective)
        table.append([trial, *(f"{v}" for v in row.settings.values()), score(float(ranking.around[place])),
                      *([] if is_net else [NONE if own is None else score(own)]), rupees(figures.net), whole(figures.trades),
                      risk(figures.value("r_mean")), percent(figures.value("win_rate")), rupees(figures.drawdown)])  # fmt: skip
    return table


def _lines(table: list[list[str]]) -> Iterator[str]:
    if len(table) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        yield "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def folded(label: str, words: str) -> str:
    """Return a labelled line of a report, folded at the width of all of them."""
    found: list[str] = []
    line = f"{label:<{LABEL}}"
    for word in words.split(" "):
        if len(line) + len(word) > WIDTH and line.strip():
            found.append(line.rstrip())
            line = " " * LABEL
        line += word + " "
    return "\n".join([*found, line.rstrip()])


# ---------------------------------------------------------------- for programs
def json_lines(report: SweepReport, ledger: TrialLedger) -> Iterator[str]:
    """Yield the report as JSON text, row after row; no wall time and no paths, so equal trials give equal bytes."""
    plan, ranking = report.plan, report.ranking
    head = {
        "schema": SCHEMA,
        "sweep": {
            **plan.as_json(),
            "combinations": len(plan.numbers),
            "trials": report.trials,
            "failed": len(report.failed),
            "missing": report.missing,
        },
        "objective": ranking.objective,
        "best": _chosen(report.best),
        "peak": _chosen(report.peak),
        "tried": report.tried,
        "luck": None if report.luck is None else asdict(report.luck),
        "overfitting": None if report.overfitting is None else asdict(report.overfitting),
    }
    text = json.dumps(plain(head), indent=2, allow_nan=False)
    yield text[:-2] + ',\n  "rows": ['
    around = dict(zip(ranking.numbers.tolist(), ranking.around.tolist(), strict=True))
    for n, row in enumerate(rows(plan, ledger)):
        yield (",\n    " if n else "\n    ") + json.dumps(plain(_row(row, around.get(row.number))), allow_nan=False)
    yield "\n  ]\n}\n"


def csv_rows(report: SweepReport, ledger: TrialLedger) -> Iterator[str]:
    """Yield a header and one line a trial, with line ends."""
    plan = report.plan
    names = [axis.name for axis in plan.grid.axes]
    yield _csv(["trial", "symbol", "from", "to", *names, *OBJECTIVES, "error"])
    span = [to_date(plan.first), to_date(plan.last)]
    for each in plan.symbols:
        for row in rows(_of_one(plan, each.symbol), ledger):
            trial, _, error = row.trials[0]
            values: Iterable[Any] = [None] * len(OBJECTIVES) if row.figures is None else values_of(row.figures).values()
            yield _csv([trial.identity, trial.symbol, *span, *row.settings.values(), *("" if v is None else v for v in values),
                        error])  # fmt: skip


def _of_one(plan: Plan, symbol: str) -> Plan:
    return replace(plan, symbols=tuple(each for each in plan.symbols if each.symbol == symbol))


def _chosen(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {"number": row.number, "settings": row.settings}


def _row(row: Row, around: float | None) -> dict[str, Any]:
    return {
        "number": row.number,
        "settings": row.settings,
        "around": around,
        **({} if row.figures is None else values_of(row.figures)),
        "trials": [{"id": t.identity, "symbol": t.symbol, "trades": h, "error": e} for t, h, e in row.trials],
    }


def _csv(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()
