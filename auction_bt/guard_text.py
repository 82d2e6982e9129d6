"""The effect of guards as text, for a terminal of 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from .core.bootstrap import MeanOfDays
from .guard_comparison import ALL, OFF, GuardEffect
from .report import WIDTH
from .stored_run import days_text
from .wording import NONE, number, plural, rupees, whole

_HEADS: Final = ("Guard", "Refused", "Trades", "PF", "Net", "More than none", "Drawdown")
_WIDTHS: Final = (18, 9, 9, 8, 17, 18, 16)


def render_guards(found: Sequence[GuardEffect]) -> str:
    """Return the runs as lines of at most 100 characters, ending in a newline; the first is the one without guards."""
    settings = found[0].result.settings
    symbols = ", ".join(map(str, settings["symbols"]))
    days = days_text({"from": str(settings["from"]), "to": str(settings["to"])})
    lines = [*_wrap(f"{symbols}, {days}, {settings['rule']} rule: each guard alone, and all of them"), "", _row(_HEADS)]
    base = found[0].result.summary.net
    for e in found:
        s = e.result.summary
        more = NONE if e.name == OFF else rupees(s.net - base, plus=True)
        lines.append(_row((e.name, whole(e.refused), whole(s.trades), number(s.profit_factor), rupees(s.net), more,
                           rupees(s.drawdown.amount))))  # fmt: skip
    lines.append("")
    for e in found:
        if e.name not in {OFF, ALL}:
            lines += _wrap(f"{e.name}: " + ", ".join(f"{n}={v}" for n, v in e.settings.items()), "  ")
    left = [f"{plural(n, 'trade')} left by daily loss" for n in (_left(found[-1]),) if n]
    last = found[-1]
    lines += ["", *_wrap("; ".join([_told(last.ahead), *left]) + ".")]
    if found[0].result.summary.is_gross_only:
        lines += _wrap("All of this is before charges.")
    return "\n".join(lines) + "\n"


def _left(effect: GuardEffect) -> int:
    return sum(trade.reason == "day_loss" for trade in effect.result.trades)


def _told(ahead: MeanOfDays | None) -> str:
    if ahead is None:
        return "Too few days to tell whether all guards together change the result beyond chance"
    span = f"{rupees(ahead.mean, plus=True)} a day, with 95 % in {rupees(ahead.low)} … {rupees(ahead.high)}"
    if ahead.low <= 0 <= ahead.high:
        return f"All guards together: {span}. That is not told from chance: they limit what may be lost, and earn nothing by it"
    return f"All guards together: {span}"


def _row(cells: Sequence[str]) -> str:
    first, *rest = zip(cells, _WIDTHS, strict=True)
    return (f"{first[0]:<{first[1]}}" + "".join(f"{cell:>{width}}" for cell, width in rest)).rstrip()


def _wrap(text: str, later: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=later, break_on_hyphens=False)
