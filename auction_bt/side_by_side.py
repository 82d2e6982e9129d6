"""Figures of two runs in two columns, for a terminal of 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from .core.summary import Summary, Verdict
from .report import WIDTH
from .wording import number, percent, plural, risk, rupees, whole

Row: TypeAlias = tuple[str, str, str]

LABEL: Final = 20
_COLUMN: Final = 39
_VERDICTS: Final = {
    Verdict.NO_TRADES: "no trade",
    Verdict.TOO_FEW: "too few to tell",
    Verdict.UNSURE: "gain not told from luck",
    Verdict.GAIN: "a gain beyond chance",
    Verdict.LOSS: "a loss beyond chance",
}


def table(left: str, right: str, rows: Iterable[Row]) -> list[str]:
    """Return rows under two titles; what does not fit a column goes on below it."""
    return [line for row in [("", left, right), *rows] for line in _lines(*row)]


def figures(left: Summary, right: Summary, *, drawdown: str = "Max drawdown") -> list[Row]:
    """Return the figures that count of two runs, the most telling first; `drawdown` says which one it is."""
    both = (left, right)
    return [
        _row("Net after charges", [rupees(s.net) + (" GROSS" if s.is_gross_only else "") for s in both]),
        _row("  of the cash", [percent(float(s.net / s.cash), 2) if s.cash else "–" for s in both]),
        _row("Gross", [rupees(s.gross) for s in both]),
        _row("Charges", ["none" if s.is_gross_only else rupees(s.charges) for s in both]),
        _row("Trades", [_trades(s) for s in both]),
        _row("R each", [risk(s.r_mean) for s in both]),
        _row("Expectancy", [rupees(s.expectancy, plus=True) for s in both]),
        _row("Enough to tell?", [_VERDICTS[s.verdict] for s in both]),
        _row("Win rate", [percent(s.win_rate) for s in both]),
        _row("Profit factor", [number(s.profit_factor) for s in both]),
        _row("Average win", [rupees(s.average_win) for s in both]),
        _row("Average loss", [rupees(s.average_loss) for s in both]),
        _row(drawdown, [rupees(s.drawdown.amount) for s in both]),
        _row("Longest losing run", [plural(s.losing_run, "trade") for s in both]),
        _row("Signals", [f"{whole(s.signals)}, taken {whole(s.taken)}" for s in both]),
    ]


def _row(label: str, pair: Sequence[str]) -> Row:
    return label, pair[0], pair[1]


def _trades(summary: Summary) -> str:
    text = f"{whole(summary.trades)} on {plural(summary.days, 'day')}"
    return text + (f", {whole(summary.open_trades)} open" if summary.open_trades else "")


def _lines(label: str, left: str, right: str) -> list[str]:
    mine, theirs = (textwrap.wrap(text, _COLUMN, break_on_hyphens=False) or [""] for text in (left, right))
    count = max(len(mine), len(theirs))
    names = [label] + [""] * (count - 1)
    mine, theirs = (some + [""] * (count - len(some)) for some in (mine, theirs))
    return [f"{n:<{LABEL}} {a:<{_COLUMN}} {b}".rstrip()[:WIDTH] for n, a, b in zip(names, mine, theirs, strict=True)]
