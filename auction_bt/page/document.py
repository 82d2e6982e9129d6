"""The report of a run as one HTML file: everything is inside, nothing is asked of anybody, the same run gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from math import isfinite
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from auction_bt.backtest import Run
from auction_bt.core.evidence import Evidence
from auction_bt.core.ist import clock_text, day_index, to_date, to_datetime
from auction_bt.core.summary import Group, Summary, grouped_by
from auction_bt.core.trade import Trade
from auction_bt.evidence_text import render_evidence
from auction_bt.report import LABEL, render
from auction_bt.result import BacktestResult, plain, to_json
from auction_bt.wording import CHARGES, REFUSALS, number, percent, risk, rupees, whole

from .columns import STORIES, equity_columns, refusals, symbol_columns, trade_rows
from .library import chart_library

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_VERSIONED: Final = ("auction-bt", "backtrader", "numpy", "numba")


def page(run: Run, evidence: Evidence, *, sheets: Sequence[str] = (), synthetic: bool = False) -> str:
    """Return the report of a run as one HTML document.

    Parameters
    ----------
    run : Run
    evidence : Evidence
        What the run is worth against chance (`weighing.evidence_of`).
    sheets : sequence of str
        Levels of the last day, a text a symbol; its first line is its title.
    synthetic : bool
        Say in large letters that the data was made up.

    Raises
    ------
    AuctionError
        The chart library is missing or strange.
    """
    result = run.result
    data = {
        "schema": 1,
        "trades": trade_rows(run),
        "symbols": [symbol_columns(t) for t in run.traced],
        "equity": equity_columns(result.equity, float(result.summary.cash)),
        "refused": refusals(result.decisions),
        "reasons": {reason: meaning for reason, (meaning, _) in REFUSALS.items()},
    }
    summary = result.summary
    environment = Environment(loader=DictLoader({"report": _asset("report.html")}), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environment.filters.update(rupees=rupees, percent=percent, risk=risk, number=number, whole=whole)
    return environment.get_template("report").render(
        title=_title(result),
        subtitle=_subtitle(result),
        synthetic=synthetic,
        summary=summary,
        cards=_cards(summary),
        verdict=dict(_items(render(result)))["Enough to tell?"],
        evidence=_items(render_evidence(evidence)),
        other=result.other_regime,
        rule=result.settings.get("rule", ""),
        tables=_tables(result),
        refused=[(reason, count, *REFUSALS.get(reason, ("", ""))) for reason, count in summary.refused],
        costs=[(CHARGES[kind], paid) for kind, paid in summary.charges_by_kind],
        stories=STORIES,
        sheets=[text.partition("\n")[::2] for text in sheets],
        data_quality=_facts(result),
        settings=[(name, _text(value), result.defaults.get(name) != value) for name, value in sorted(result.settings.items())],
        versions=[(name, version(name)) for name in _VERSIONED],
        text=render(result),
        css=Markup(_asset("page.css")),  # noqa: S704 - our own files, not a user's words
        library=Markup(chart_library().replace("</script", "<\\/script")),  # noqa: S704
        chart=Markup(_asset("chart.js")),  # noqa: S704
        script=Markup(_asset("report.js")),  # noqa: S704
        data=Markup(_embedded(data)),  # noqa: S704 - `_embedded` leaves no end of an element in it
    )


def _embedded(data: Mapping[str, Any]) -> str:
    # JSON inside an element: no letter of it may end the element or open a comment, and none the line.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _title(result: BacktestResult) -> str:
    return ", ".join(str(s) for s in result.settings.get("symbols", ())) or "Backtest"


def _subtitle(result: BacktestResult) -> str:
    said = result.settings
    begin, end = said.get("from"), said.get("to")
    days = str(begin) if begin == end else f"{begin} to {end}"
    return f"{days} · {said.get('rule')} regime rule · {said.get('window')} window of {said.get('period')} bars"


def _cards(summary: Summary) -> list[tuple[str, str, str, str]]:
    """Return (label, value, note, tone) of the figures that count."""
    tone = "won" if summary.net > 0 else "lost" if summary.net < 0 else ""
    share = percent(float(summary.net / summary.cash), 2)
    net = "Gross: NO charges taken off" if summary.is_gross_only else "Net after charges"
    factor = number(summary.profit_factor) if summary.profit_factor is not None else "–"
    fall = summary.drawdown
    held = "" if summary.exposure is None else f"{percent(summary.exposure)} of the session in a trade"
    return [
        (net, rupees(summary.net), f"{share} of {rupees(summary.cash)}", tone),
        ("Charges", rupees(summary.charges), f"of {rupees(summary.gross)} gross", ""),
        ("Trades", whole(summary.trades), f"on {whole(summary.days)} days; {whole(summary.open_trades)} still open", ""),
        ("Win rate", percent(summary.win_rate), f"average win {rupees(summary.average_win)}, loss {rupees(summary.average_loss)}",
         ""),
        ("R a trade", risk(summary.r_mean), f"{risk(summary.r_total)} in all", ""),
        ("Profit factor", factor, f"expectancy {rupees(summary.expectancy, plus=True)}", ""),
        ("Max drawdown", rupees(fall.amount), percent(fall.share, 2) + " of the peak before it", ""),
        ("Costs doubled", rupees(summary.net - summary.charges), "net if every charge were twice as high",
         "lost" if summary.net - summary.charges < 0 else "won" if summary.trades else ""),
        ("Longest losing run", f"{whole(summary.losing_run)} trades", held, ""),
    ]  # fmt: skip


def _items(text: str) -> list[tuple[str, str]]:
    """Return (label, words) of a text report's lines: said in two places, they would differ one day."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        label, words = line[:LABEL].strip(), line[LABEL:].strip()
        if label or not found:
            found.append((label, [words]))
        else:
            found[-1][1].append(words)
    # A browser may end a line between a minus and its amount.
    return [(label, " ".join(words).replace("−₹", "−\u2060₹")) for label, words in found]


def _tables(result: BacktestResult) -> list[tuple[str, tuple[Group, ...]]]:
    summary = result.summary
    closed = [t for t in result.trades if not t.is_open]
    hours = [f"{hour:02d}:00–{hour:02d}:59" for hour in range(24)]
    return [
        ("By side", summary.by_side), ("By setup", summary.by_setup), ("By regime", summary.by_regime),
        ("By exit reason", summary.by_reason), ("By symbol", summary.by_symbol),
        ("By hour of entry", grouped_by(closed, lambda t: hours[int(clock_text(t.entry_ts)[:2])], hours)),
        ("By weekday", grouped_by(closed, lambda t: _WEEKDAYS[to_date(day_index(t.entry_ts)).weekday()], _WEEKDAYS)),
        ("By day", grouped_by(closed, _day, sorted({_day(t) for t in closed}))),
    ]  # fmt: skip


def _day(trade: Trade) -> str:
    return f"{to_datetime(trade.exit_ts):%Y-%m-%d}"


def _facts(result: BacktestResult) -> list[tuple[str, list[tuple[str, str]]]]:
    found = []
    for symbol, facts in sorted(to_json(result)["data"].items()):
        rows = facts.items() if isinstance(facts, Mapping) else [("", facts)]
        found.append((symbol, [(name.replace("_", " "), _text(value)) for name, value in rows]))
    return found


def _text(value: Any) -> str:
    match plain(value):
        case None:
            return "–"
        case bool() as known:
            return "yes" if known else "no"
        case Mapping() as known:
            return ", ".join(f"{name} {_text(v)}" for name, v in known.items()) or "–"
        case list() as known:
            return "; ".join(map(_text, known)) or "–"
        case float() as known:
            return f"{known:.6g}" if isfinite(known) else "–"
        case known:
            return str(known)


__all__ = ["page"]
