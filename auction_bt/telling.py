"""What happens in a run, one line each, for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .core.decision import Decision
from .core.instrument import Instrument
from .core.ist import clock_text
from .core.news import AtLevel, Filled, News, Turned
from .core.trade import Trade
from .wording import number, quantity_of, risk, rupees

_LABEL: Final = 9


def seq_of(news: News) -> int:
    """Return the message at which it happened."""
    if isinstance(news, Filled):
        return news.fill.seq
    return news.exit_seq if isinstance(news, Trade) else news.seq


def line(news: News, instrument: Instrument) -> str:
    """Return one line: IST time, symbol, what happened; empty for what is not told (each move of a trailing stop).

    Parameters
    ----------
    news : News
    instrument : Instrument
        The one it is about.
    """

    def price(value: float) -> str:
        return number(value, instrument.decimals)

    quantity = quantity_of(instrument)
    if isinstance(news, Decision):
        label, text = _decision(news, price, quantity)
    elif isinstance(news, Filled):
        fill = news.fill
        by = " by the bar alone" if fill.source == "bars" else ""
        verb = "bought" if news.buy else "sold"
        label, text = "filled", f"{verb} {quantity(fill.qty)} at {price(fill.price)}, {fill.reason}{by}"
    elif isinstance(news, Turned):
        before = "" if news.before is None else f"{news.before.label} → "
        levels = f"VAL {price(news.val)}, POC {price(news.poc)}, VAH {price(news.vah)}"
        label, text = "regime", f"{before}{news.now.label} ({levels})"
    elif isinstance(news, AtLevel):
        since = f" from {price(news.before)} to" if news.what == "moved" else ""
        label, text = "level", f"{news.level.upper()} {news.what}{since} {price(news.price)}"
    else:
        money = f"{rupees(news.pnl_net, plus=True)} net, {risk(news.r_multiple)}"
        held = f"in at {number(news.entry_price)}, out at {number(news.exit_price)}"
        label, text = "closed", f"{news.side.value} {quantity(news.qty)}, {held}, {news.reason}: {money}"
    if not label:
        return ""
    return f"{clock_text(seq_of(news))}  {news.symbol}  {label:<{_LABEL}}{text}"


def _decision(d: Decision, price: Callable[[float], str], quantity: Callable[[int], str]) -> tuple[str, str]:
    what = f"{d.side.value} {d.setup}"
    if d.action in {"enter", "refuse"}:
        close = d.evidence.get("close")
        at = "" if close is None else f" at {price(close)}"
        levels = f"{d.regime}, VAL {price(d.levels.val)}, POC {price(d.levels.poc)}, VAH {price(d.levels.vah)}"
        if d.action == "refuse":
            return "refused", f"{what}{at} ({levels}): {d.reason}"
        targets = " and ".join(price(t) for t, _ in d.targets) or "none, it trails"
        return "signal", f"{what}{at} ({levels}): {quantity(d.qty)}, stop {price(d.stop)}, target {targets}"
    if d.action == "add":
        return "adding", f"{what} at {price(d.evidence['close'])}: {quantity(d.qty)}, stop {price(d.stop)}"
    if d.action == "refuse_add":
        return "no add", f"{what} at {price(d.evidence['close'])}: {d.reason}"
    if d.action in {"lapse", "lapse_add"}:
        return "lapsed", f"{what}: {d.reason}"
    if d.action == "exit":
        return "leaving", f"{what}: {d.reason}"
    return "", ""
