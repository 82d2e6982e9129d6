"""What differs between two runs, as text for a terminal of 100 columns: the money first, then why trades are others."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from .core.ist import clock_text, day_index, to_date
from .core.trade import Trade
from .report import WIDTH
from .run_comparison import IN_TRADE, NO_SIGNAL, NOT_FILLED, NOT_RUN, NOT_WATCHED, REFUSED, Alone, Pair, RunComparison
from .side_by_side import figures, table
from .stored_run import StoredRun, days_text, setting_text
from .wording import REFUSALS, number, plural, rupees, whole

SHOWN: Final = 5  # trades of a kind that are told one by one

_INSTEAD: Final = {
    NOT_RUN: "it did not run that day",
    NOT_WATCHED: "it was not asked for that symbol, or saw no signal in it at all",
    NO_SIGNAL: "it saw no signal: other levels, another regime, or other data",
    IN_TRADE: "it was in a trade already",
    NOT_FILLED: "its order was not filled before the data ended",
}
_APART: Final = {
    "signal": "the signal (side, setup, regime or levels)",
    "stop": "the stop",
    "targets": "the targets",
    "size": "the size",
    "entry": "the entry's fill",
    "exit": "the way out",
    "price": "the exit's price",
    "charges": "the charges",
}


def render_comparison(left: StoredRun, right: StoredRun, found: RunComparison, *, shown: int = SHOWN) -> str:
    """Return what differs, as lines of at most 100 characters, ending in a newline.

    Parameters
    ----------
    left, right : StoredRun
        As they were compared.
    found : RunComparison
    shown : int
        Trades of a kind that are told one by one; the rest is counted.
    """
    names = f"run {left.number}", f"run {right.number}"
    day = "" if left.day is None else f", only {to_date(left.day)}"
    blocks = [[f"{names[0].capitalize()} and {names[1]}{day}"], _settings(names, found)]
    if left.day is None and left.days != right.days:
        days = f"{days_text(left.settings)}; {days_text(right.settings)}"
        told = "the sums below are not of the same market. Trades are compared all the same."
        blocks.append(_wrap(f"They are of different days ({days}): {told}"))
    elif left.symbols != right.symbols:
        blocks.append(_wrap("They are of different symbols: the sums below are not of the same market."))
    blocks.append(table(*names, figures(left.result().summary, right.result().summary, drawdown="Closed drawdown")))
    blocks.append(_trades(names, found))
    for own, other, alone in ((names[0], names[1], found.left_alone), (names[1], names[0], found.right_alone)):
        blocks.append(_alone(own, other, alone, shown))
    blocks.append(_pairs(names, found.pairs, shown))
    blocks.append(_wrap(_verdict(found)))
    return "\n\n".join("\n".join(b) for b in blocks if b) + "\n"


def _settings(names: tuple[str, str], found: RunComparison) -> list[str]:
    if not found.settings:
        return ["Settings: the same."]
    return table(*names, [(name, setting_text(a), setting_text(b)) for name, a, b in found.settings])


def _trades(names: tuple[str, str], found: RunComparison) -> list[str]:
    both = found.alike + len(found.pairs)
    lines = [f"Trades in both: {whole(both)}"]
    if both:
        lines[0] += f", {whole(found.alike)} of them equal" + (f", {whole(len(found.pairs))} different" if found.pairs else "")
    for name, alone in zip(names, (found.left_alone, found.right_alone), strict=True):
        lines.append(f"Trades in {name} alone: {whole(len(alone))}" + (f", net {_sum(a.trade for a in alone)}" if alone else ""))
    return lines


def _alone(own: str, other: str, alone: Sequence[Alone], shown: int) -> list[str]:
    if not alone:
        return []
    kinds: dict[str, list[Alone]] = {}
    for one in alone:
        kinds.setdefault(one.instead, []).append(one)
    lines = [f"In {own} alone, by what {other} did at that bar:"]
    for instead, those in sorted(kinds.items(), key=lambda kv: (-len(kv[1]), kv[0])):
        total = f"net {_sum(a.trade for a in those)}"
        lines += _wrap(f"{whole(len(those)):>6}  {total:<20}  {_instead(instead)}", later=" " * 30)
        for one in those[:shown]:
            since = f" (since {_when(one.since, one.trade.entry_ts)})" if one.since else ""
            lines.append(f"          {_told(one.trade)}{since}")
        if len(those) > shown:
            lines.append(f"          … and {whole(len(those) - shown)} more")
    return lines


def _instead(instead: str) -> str:
    if not instead.startswith(REFUSED):
        return _INSTEAD[instead]
    reason = instead.removeprefix(REFUSED)
    meaning, _ = REFUSALS.get(reason, ("", ""))
    return f"it refused the signal, {reason}" + (f": {meaning}" if meaning else "")


def _pairs(names: tuple[str, str], pairs: Sequence[Pair], shown: int) -> list[str]:
    if not pairs:
        return []
    kinds: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        kinds.setdefault(pair.apart, []).append(pair)
    lines = [f"In both, but different ({names[0]} → {names[1]}), by what differs:"]
    for apart, those in sorted(kinds.items(), key=lambda kv: (-len(kv[1]), kv[0])):
        changed = f"net {_sum(p.left for p in those)} → {_sum(p.right for p in those)}"
        lines += _wrap(f"{whole(len(those)):>6}  {', '.join(_APART[a] for a in apart)}; {changed}", later=" " * 8)
        for pair in those[:shown]:
            lines += _wrap(" " * 10 + _change(pair), later=" " * 12)
        if len(those) > shown:
            lines.append(f"          … and {whole(len(those) - shown)} more")
    return lines


def _change(pair: Pair) -> str:
    a, b = pair.left, pair.right
    told = []
    if a.side is not b.side or a.setup != b.setup or a.regime != b.regime:
        told.append(f"{a.side.value} {a.setup} {a.regime} → {b.side.value} {b.setup} {b.regime}")
    if a.qty != b.qty:
        told.append(f"qty {whole(a.qty)} → {whole(b.qty)}")
    if a.stop != b.stop:
        told.append(f"stop {number(a.stop)} → {number(b.stop)}")
    if a.entry_price != b.entry_price or a.entry_ts != b.entry_ts:
        told.append(f"in {_at(a.entry_ts, a.entry_price, a.entry_ts)} → {_at(b.entry_ts, b.entry_price, a.entry_ts)}")
    if (a.exit_ts, a.exit_price, a.reason) != (b.exit_ts, b.exit_price, b.reason):
        told.append(f"out {a.reason} {_at(a.exit_ts, a.exit_price, a.entry_ts)} → "
                    f"{b.reason} {_at(b.exit_ts, b.exit_price, a.entry_ts)}")  # fmt: skip
    told.append(f"net {rupees(a.pnl_net)} → {rupees(b.pnl_net)}")
    side = f" {a.side.value}" if a.side is b.side else ""
    return f"{_begin(a)}{side}: {'; '.join(told)}"


def _verdict(found: RunComparison) -> str:
    if found.is_same:
        return "The two are equal: the same settings, every decision and every trade."
    if not found.has_other_trades and not found.decisions:
        return "The settings differ, and yet every decision and every trade is the same."
    decisions = f"{plural(found.decisions, 'decision')} of one are not in the other, or rest on other figures"
    if not found.has_other_trades:
        return f"Every trade is the same; {decisions}."
    return f"The two differ: {decisions}."


def _told(trade: Trade) -> str:
    return f"{_begin(trade)} {trade.side.value} at {number(trade.entry_price)}, out {trade.reason}, net {rupees(trade.pnl_net)}"


def _begin(trade: Trade) -> str:
    return f"{to_date(day_index(trade.entry_ts))} {clock_text(trade.entry_ts)} {trade.symbol}"


def _at(ts: int, price: float, beside: int) -> str:
    return number(price) if not ts else f"{_when(ts, beside)} at {number(price)}"


def _when(ts: int, beside: int) -> str:
    # The day only where it is another.
    day = day_index(ts)
    return clock_text(ts) if day == day_index(beside) else f"{to_date(day)} {clock_text(ts)}"


def _sum(trades: Iterable[Trade]) -> str:
    return rupees(sum((t.pnl_net for t in trades), Decimal(0)))


def _wrap(text: str, later: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=later, break_on_hyphens=False)
