"""Both regime rules side by side, as text for a terminal of 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TypeAlias

from .core.bootstrap import MeanOfDays
from .core.evidence import Evidence, Luck
from .core.hit_rate import HitRate
from .core.random_entries import RandomEntries
from .core.shuffled_levels import ShuffledLevels
from .core.summary import MIN_TRADES
from .report import WIDTH
from .rule_comparison import RuleComparison, conclusion
from .side_by_side import Row, figures, table
from .stored_run import days_text
from .wording import NONE, number, percent, plural, rupees

Told: TypeAlias = Callable[[Evidence], str]


def render_rules(found: RuleComparison) -> str:
    """Return the two rules as lines of at most 100 characters, ending in a newline."""
    mine, theirs = found.original.result, found.auction.result
    settings = mine.settings
    symbols, days = ", ".join(map(str, settings["symbols"])), _days(settings["from"], settings["to"])
    blocks = [
        _wrap(f"{symbols}, {days}: both regime rules on the same bars"),
        table("original", "auction", figures(mine.summary, theirs.summary)),
    ]
    evidence = found.original_evidence, found.auction_evidence
    rows: list[tuple[str, Told]] = [
        ("Targets hit", lambda e: _hits(e.hit_rate)),
        ("Random entries", lambda e: _random(e.random)),
        ("Shuffled levels", lambda e: _levels(e.levels)),
        ("Net of a day", lambda e: NONE if e.daily is None else f"{rupees(e.daily.mean)} on average"),
        ("  with 95 % in", lambda e: NONE if e.daily is None else _between(e.daily)),
        ("Sharpe ratio", lambda e: NONE if e.luck is None else f"{number(e.luck.sharpe.ratio, 3)} a day"),
        ("  above 0 (PSR)", lambda e: _chance(e.luck, "probabilistic")),
        ("  above luck (DSR)", lambda e: _luck(e.luck)),
        ("Costs × 2", lambda e: NONE if e.costs is None else f"net {rupees(e.costs.doubled)}"),
    ]
    told = [("Weighed", *(_counts(e) for e in evidence))]
    told += [(label, *("" if e.reason else text(e) for e in evidence)) for label, text in rows]
    lines: list[Row] = [(label, left, right) for label, left, right in told if left or right]
    blocks.append(table("", "", lines)[1:])
    if found.ahead is not None:
        lead = f"{rupees(found.ahead.mean)} a day, with 95 % in {_between(found.ahead)} (the same days paired)"
        blocks.append(_wrap(f"Auction less original {lead}", " " * 22))
    blocks.append(_wrap(conclusion(found)))
    return "\n\n".join("\n".join(b) for b in blocks) + "\n"


def _days(begin: object, end: object) -> str:
    return days_text({"from": str(begin), "to": str(end)})


def _counts(found: Evidence) -> str:
    if found.reason:
        return f"too few: {found.reason}"
    return f"{plural(found.trades, 'trade')} on {plural(found.days, 'market day')}"


def _hits(found: HitRate | None) -> str:
    if found is None:
        return "not known"
    return f"{percent(found.rate)}, without drift {percent(found.null)}: {_p(found.p_value)}"


def _random(found: RandomEntries | None) -> str:
    if found is None:
        return "not known"
    return f"{rupees(found.actual)} against {rupees(found.mean)}: {_p(found.p_value)}"


def _levels(found: ShuffledLevels | None) -> str:
    if found is None or found.trades < MIN_TRADES:
        return "too few to tell"
    return f"{rupees(found.actual)} against {rupees(found.mean)}: {_p(found.p_value)}"


def _between(found: MeanOfDays) -> str:
    return f"{rupees(found.low)} … {rupees(found.high)}"


def _chance(found: Luck | None, name: str) -> str:
    if found is None:
        return NONE
    value = getattr(found, name)
    return "below 0.1 %" if value < 0.001 else "above 99.9 %" if value > 0.999 else percent(value)


def _luck(found: Luck | None) -> str:
    text = _chance(found, "deflated")
    return text if found is None else f"{text}, {plural(found.trials.count, 'setting')} tried"


def _p(value: float) -> str:
    return "p below 0.001" if value < 0.001 else f"p = {number(value, 3 if value < 0.1 else 2)}"


def _wrap(text: str, later: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=later, break_on_hyphens=False)
