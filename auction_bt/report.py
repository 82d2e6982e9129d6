"""The summary of a run as text for a terminal of 100 columns: what counts first, and what it does not tell."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from math import isfinite
from typing import Any, Final

from .core.ist import clock_text, to_datetime
from .core.summary import MIN_TRADES, Group, Summary, Verdict
from .result import BacktestResult, csv_lines, dumps, to_json
from .wording import CHARGES, NONE, REFUSALS, number, percent, plural, risk, rupees, whole

__all__ = ["BacktestResult", "csv_lines", "dumps", "render", "to_json"]

WIDTH: Final = 100
LABEL: Final = 20
_SOURCES: Final = {"I1": "from the exchange", "ticks": "built from ticks", "candles": "from candles"}
_NAME: Final = 36
_DOUBTS: Final = 6  # lines


def render(result: BacktestResult, *, unknown: str = "not run") -> str:
    """Return the report of a run, ending in a newline.

    Parameters
    ----------
    result : BacktestResult
    unknown : str
        What to say of the other regime where the result does not know it.

    Returns
    -------
    str
        Lines of at most 100 characters, in the order in which a trader should read them: net after charges, trades, R,
        whether they tell anything, the other regime's net; the rest after that.
    """
    summary = result.summary
    blocks = [_head(result, unknown)]
    if summary.trades:
        blocks += [_ratios(summary), *_tables(summary)]
    elif not summary.open_trades:
        blocks.append(_why_none(summary))
    blocks += [
        _data(result.data),
        [*_funnel(summary), *_adds(result), *_fills(summary), *_costs(summary), *_doubts(result), *_settings(result)],
    ]
    return "\n\n".join("\n".join(b) for b in blocks if b) + "\n"


def _head(result: BacktestResult, unknown: str) -> list[str]:
    summary = result.summary
    lines: list[str] = []
    back = percent(float(summary.net / summary.cash), 2) if summary.cash else NONE
    if summary.is_gross_only:
        lines += _item("GROSS ONLY", f"{rupees(summary.net)} BEFORE ANY CHARGES: no costs were taken off, real trading pays them")
    else:
        money = f"gross {rupees(summary.gross)}, charges {rupees(summary.charges)}"
        lines += _item("Net after charges", f"{rupees(summary.net)}  ({money}; {back} of {rupees(summary.cash)})")
    if accounts := result.settings.get("accounts"):
        each = rupees(summary.cash / accounts)
        lines += _item("Accounts", f"{accounts}, each with {each} of its own: every symbol as if alone")
    count = f"{whole(summary.trades)} closed"
    if summary.trades:
        count += f" on {plural(summary.days, 'day')}"
    if summary.open_trades:
        marked = f"marked {rupees(summary.open_net)}, not in the net"
        count += f"; {whole(summary.open_trades)} still open at the end of the data, {marked}"
    lines += _item("Trades", count)
    known = summary.r_mean is not None
    lines += _item("R each", f"{risk(summary.r_mean)} on average, {risk(summary.r_total)} in all" if known else NONE)
    lines += _item("Enough to tell?", _verdict(summary))
    return lines + _item("Other regime", _other(result, unknown))


def _other(result: BacktestResult, unknown: str) -> str:
    if result.other_regime is None:
        return unknown
    name, net, trades = result.other_regime
    kind = "before charges" if result.summary.is_gross_only else "net"
    rule = result.settings.get("rule")
    return f"{rupees(net)} {kind} with regime {name}, {plural(trades, 'trade')}" + (f" (this run: {rule})" if rule else "")


def _verdict(summary: Summary) -> str:
    found, mean = summary.interval, rupees(summary.expectancy)
    where = ""
    if found:
        unit = "t interval over trades" if found.unit == "trades" else "t interval over days, as trades of one day hang together"
        where = f"the mean of {mean} a trade lies in {rupees(found.low)} … {rupees(found.high)} with 95 % confidence ({unit})"
    match summary.verdict:
        case Verdict.NO_TRADES:
            return "No: there is no closed trade."
        case Verdict.TOO_FEW if summary.trades < MIN_TRADES:
            return f"Too few to tell: {plural(summary.trades, 'closed trade')}, at least {MIN_TRADES} are needed."
        case Verdict.TOO_FEW:
            return "Too few to tell: all trades are of one day, which says nothing of other days."
        case Verdict.UNSURE:
            return f"Too few to tell gain from luck: {where}, and that holds 0."
        case Verdict.GAIN:
            before = " before charges" if summary.is_gross_only else ""
            return f"A gain{before} beyond chance on this data: {where}. It says nothing of settings chosen on the same data."
        case Verdict.LOSS:
            return f"A loss beyond chance: {where}."


def _ratios(summary: Summary) -> list[str]:
    fall = summary.drawdown
    lines = _item("Win rate", percent(summary.win_rate))
    if summary.profit_factor is not None:
        factor = number(summary.profit_factor)
    else:
        factor = f"{NONE} (no trade lost)" if summary.average_win is not None else NONE
    lines += _item("Profit factor", factor)
    lines += _item("Expectancy", f"{rupees(summary.expectancy, plus=True)} a trade, {risk(summary.r_mean)}")
    lines += _item("Average win, loss", f"{rupees(summary.average_win)}, {rupees(summary.average_loss)}")
    when = f", lowest {_day(fall.trough_ts)} {clock_text(fall.trough_ts)} IST" if fall.trough_ts else ""
    where = f" ({percent(fall.share, 2)} of the equity before it{when})" if fall.amount else ""
    lines += _item("Max drawdown", rupees(fall.amount) + where)
    lines += _item("Longest losing run", plural(summary.losing_run, "trade"))
    held = "session time not known" if summary.exposure is None else "of session time in a trade"
    return lines + _item("Exposure", f"{percent(summary.exposure)} {held}")


def _tables(summary: Summary) -> Iterable[list[str]]:
    tables = (
        ("By side", summary.by_side), ("By setup", summary.by_setup), ("By regime", summary.by_regime),
        ("By exit reason", summary.by_reason), ("By symbol", summary.by_symbol),
    )  # fmt: skip
    width = max(len(title) for title, _ in tables)
    width = max([width, *(min(len(g.name), _NAME) for _, groups in tables for g in groups)])
    money = "gross" if summary.is_gross_only else "net"
    return [_table(title, groups, width, money) for title, groups in tables if groups]


def _table(title: str, groups: Iterable[Group], width: int, money: str) -> list[str]:
    lines = [f"{title:<{width}} {'trades':>9} {money:>20} {'win rate':>9} {'average R':>10}"]
    for g in groups:
        name = _cut(g.name or NONE, _NAME)
        mean = number(g.r_mean, plus=True)
        lines.append(f"{name:<{width}} {whole(g.trades):>9} {rupees(g.net):>20} {percent(g.win_rate):>9} {mean:>10}")
    return lines


def _why_none(summary: Summary) -> list[str]:
    if not summary.signals:
        return _wrap(
            "No trades, because there was no signal: the price never met an entry rule. Common causes: fewer bars than "
            "the profile's period in the range, or a window too short to reach the edges of value.", "", ""
        )  # fmt: skip
    if not summary.refused:
        return _wrap(f"No trades closed: {plural(summary.taken, 'signal')} taken, but no order was filled.", "", "")
    first = f"No trades: of {plural(summary.signals, 'signal')}, {whole(summary.taken)} taken."
    lines = _wrap(f"{first} The rest were refused, most frequent reason first:", "", "")
    for reason, count in summary.refused:
        meaning, parameter = REFUSALS.get(reason, ("", ""))
        opens = f"; to open it: {parameter}" if parameter else ""
        tail = f"{reason}: {meaning}{opens}." if meaning else f"{reason}."
        lines += _wrap(tail, f"  {whole(count):>7}  ", " " * 11)
    return lines


def _funnel(summary: Summary) -> list[str]:
    if not summary.signals or not (summary.trades or summary.open_trades):
        return []
    refused = ", ".join(f"{whole(count)} {reason}" for reason, count in summary.refused) or "none"
    return _item("Signals", f"{whole(summary.signals)}, taken {whole(summary.taken)}; refused: {refused}")


def _adds(result: BacktestResult) -> list[str]:
    if not result.settings.get("adds"):
        return []
    log = Counter((d.action, d.reason) for d in result.decisions if d.action in {"add", "refuse_add", "lapse_add"})
    made = sum(fill.reason == "add" for trade in result.trades for fill in trade.fills)
    refused = ", ".join(f"{whole(n)} {reason}" for (action, reason), n in log.most_common() if action != "add") or "none"
    return _item("Adds", f"{whole(made)} made; refused: {refused}")


def _fills(summary: Summary) -> list[str]:
    if not summary.fills:
        return []
    notes = {"bars": "on bars (only the bar was known: pessimistic rules)"}
    return _item("Fills", ", ".join(f"{whole(n)} {notes.get(source, f'on {source}')}" for source, n in summary.fills))


def _data(data: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for symbol, facts in sorted(data.items()):
        if isinstance(facts, Mapping) and "missing" in facts:
            lines += _wrap(facts["missing"], "  ", "    ")
            continue
        known = isinstance(facts, Mapping) and "bars_by_source" in facts
        named = f"{_cut(symbol, _NAME)}{_asked(symbol, facts) if known else ''}"
        lines += _wrap(_holdings(facts) if known else _text(facts), f"  {named}: ", "    ")
    return ["Data", *lines] if lines else []


def _asked(symbol: str, facts: Mapping[str, Any]) -> str:
    # Of a contract that a name stands for: which name, and on which days.
    asked = facts.get("asked", symbol)
    return "" if asked in {symbol, facts["name"]} else f" ({asked}, {facts['from']} to {facts['to']})"


def missing(result: BacktestResult) -> list[str]:
    """Return a line for each leg that was not traded because the store holds nothing of it."""
    return [facts["missing"] for facts in result.data.values() if isinstance(facts, Mapping) and "missing" in facts]


def noted(result: BacktestResult) -> list[str]:
    """Return a line for each setting that was not taken as it was given."""
    data = result.data.items()
    return [f"{symbol}: {text}" for symbol, facts in data if isinstance(facts, Mapping) for text in facts.get("notes", ())]


def _holdings(facts: Mapping[str, Any]) -> str:
    sources = ", ".join(f"{whole(n)} {_SOURCES[source]}" for source, n in facts["bars_by_source"].items())
    warm_up = f" after {whole(facts['bars_warm_up'])} of warm-up" if facts["bars_warm_up"] else ""
    text = f"{_text(facts['kind'])}, tick {facts['tick']}, lot {whole(facts['lot'])}; {plural(facts['days'], 'day')}, "
    text += f"{plural(facts['bars'], 'bar')}{warm_up} ({sources}); "
    text += f"hours {', '.join(facts['hours'])}; " if facts.get("hours") else ""
    if not facts["ticks"]:
        return f"{text}no ticks: levels from candles, fills by pessimistic bar rules"
    seen = facts["volume_seen_by_ticks"]
    text += f"{plural(facts['ticks'], 'tick')}" + (f" that saw {percent(seen, 1)} of the volume" if seen is not None else "")
    return f"{text}; grade {facts['grade']}: {facts['grade_reason']}"


def _costs(summary: Summary) -> list[str]:
    if summary.is_gross_only:
        return _item("Costs", "NONE. GROSS ONLY: every figure above is before charges.")
    lines = _item("Costs", f"{summary.cost_name}, {rupees(summary.charges)} on {plural(summary.trades, 'closed trade')}")
    kinds = ", ".join(f"{CHARGES[kind]} {rupees(paid)}" for kind, paid in summary.charges_by_kind)
    return lines + (_item("", kinds) if kinds else [])


def doubts(result: BacktestResult) -> str:
    """Return in one line which rates that decided are not sure, the worst first; empty where all are."""
    unverified = [f"{name} (rule of {day})" if day else name for name, day in _rates(result, "unverified")]
    likely = list(dict.fromkeys(name for name, _ in _rates(result, "likely")))
    named = (("unverified", unverified), ("likely", likely))
    return "; ".join(f"{certainty}: {', '.join(names)}" for certainty, names in named if names)


def extrapolated(result: BacktestResult) -> str:
    """Return in one line which rates are of other days than were run, because nobody here knows those; empty where none is."""
    by_day: dict[str, list[str]] = {}
    for name, day in _rates(result, "extrapolated"):
        by_day.setdefault(day, []).append(name)
    if not by_day:
        return ""
    taken = "; ".join(f"{', '.join(names)} of {day}" for day, names in by_day.items())
    days = f"{result.settings.get('from')} to {result.settings.get('to')}"
    return f"charges are extrapolated: the tables do not know all days of {days}; taken are {taken}"


def _rates(result: BacktestResult, which: str) -> list[tuple[str, str]]:
    # (name, day of the rule), in the order of a contract note.
    known = [facts["rates"] for facts in result.data.values() if isinstance(facts, Mapping) and "rates" in facts]
    found = {(rate["kind"], str(rate["since"] or "")) for rates in known for rate in rates[which]}
    order = list(CHARGES)
    return [(CHARGES[kind], day) for kind, day in sorted(found, key=lambda pair: (order.index(pair[0]), pair[1]))]


def _doubts(result: BacktestResult) -> list[str]:
    lines = _item("Square-off", "; ".join(notes)) if (notes := noted(result)) else []
    lines += _item("Rates in doubt", text) if (text := doubts(result)) else []
    lines += _item("EXTRAPOLATED", text) if (text := extrapolated(result)) else []
    known = [facts["doubts"] for facts in result.data.values() if isinstance(facts, Mapping) and facts.get("doubts")]
    hours = list(dict.fromkeys(doubt for some in known for doubt in some))
    if len(hours) > _DOUBTS:
        hours = [*hours[:_DOUBTS], f"and {len(hours) - _DOUBTS} more, in the JSON"]
    for n, doubt in enumerate(hours):
        lines += _item("" if n else "Hours in doubt", doubt)
    return lines


def _settings(result: BacktestResult) -> list[str]:
    absent = object()
    changed = {k: v for k, v in sorted(result.settings.items()) if result.defaults.get(k, absent) != v}
    text = ", ".join(f"{name}={_setting(value)}" for name, value in changed.items())
    return _item(
        "Settings changed" if result.defaults else "Settings", text or ("none, all defaults" if result.defaults else NONE)
    )


def _setting(value: Any) -> str:
    # As it would be typed again: no digit groups, an ASCII minus.
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(_setting(v) for v in (sorted(value, key=str) if isinstance(value, set | frozenset) else value))
    return str(value.value if isinstance(value, Enum) else value)


def _text(value: Any) -> str:
    match value:
        case Enum():
            text = _text(value.value)
        case Mapping():
            text = ", ".join(f"{name} {_text(v)}" for name, v in value.items())
        case list() | tuple():
            text = "; ".join(map(_text, value))
        case bool():
            text = "yes" if value else "no"
        case float():
            text = f"{value:.6g}".replace("-", "−") if isfinite(value) else NONE
        case int():
            text = whole(value)
        case _:
            text = NONE if value is None else str(value)
    return text


def _item(label: str, text: str) -> list[str]:
    return _wrap(text, f"{label:<{LABEL}}", " " * LABEL)


def _wrap(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False) or [first.rstrip()]


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


def _day(ts: int) -> str:
    return to_datetime(ts).strftime("%Y-%m-%d")
