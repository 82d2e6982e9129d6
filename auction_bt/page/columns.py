"""What the charts of a run are made of, as plain JSON values: prices in ticks, times in seconds, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

import numpy as np

from auction_bt.backtest import Run, Traced
from auction_bt.core.decision import Decision, opening
from auction_bt.core.instrument import decimals, to_ticks
from auction_bt.core.ist import day_start
from auction_bt.core.summary import Point
from auction_bt.core.tick import F64
from auction_bt.core.trade import Trade
from auction_bt.explain import explain
from auction_bt.result import plain, trade_json
from auction_bt.shown import levels_of, rows_of, window_at
from auction_bt.wording import quantity_of

SECOND_NS: Final = 1_000_000_000
STORIES: Final = 2_000  # trades that are told line by line, with the profile of their entry; the last ones
_POINTS: Final = 20_000  # of the equity curve: more than a screen has columns
_SIGNALS: Final = 5_000


def symbol_columns(traced: Traced) -> dict[str, Any]:
    """Return one symbol's chart: bars, levels and regime on the days that were traded.

    Parameters
    ----------
    traced : Traced

    Returns
    -------
    dict
        ``symbol``, ``name``, ``tick`` (rupees), ``decimals``; ``t`` (s since 1970 UTC, the bar's start), ``o``, ``h``, ``l``,
        ``c``, ``poc``, ``vah``, ``val`` (ticks; levels null where there were none), ``v`` (shares), ``regime`` (-1 bear,
        0 balanced, 1 bull, 2 transition, null): one list each, of one length.

    Notes
    -----
    The levels of a bar include that bar, as a chart shows them; a bar was judged by those of the bar before.
    """
    recorded = traced.recorded
    instrument, tick = recorded.instrument, float(recorded.instrument.tick)
    begin = day_start(recorded.leg.first_day) if recorded.leg is not None else 0
    chosen = recorded.bars.ts >= begin
    bars, levels = recorded.bars.take(chosen), levels_of(traced).take(chosen)
    return {
        "symbol": instrument.symbol,
        "name": instrument.name or instrument.symbol,
        "tick": tick,
        "decimals": decimals(instrument.tick),
        "t": (bars.ts // SECOND_NS).tolist(),
        **{key: to_ticks(price, tick).tolist()
           for key, price in (("o", bars.open), ("h", bars.high), ("l", bars.low), ("c", bars.close))},
        "v": bars.volume.tolist(),
        **{key: _ticks(price, tick) for key, price in (("poc", levels.poc), ("vah", levels.vah), ("val", levels.val))},
        "regime": [int(r) if isfinite(r) else None for r in levels.regime.tolist()],
    }  # fmt: skip


def trade_rows(run: Run) -> list[dict[str, Any]]:
    """Return the trades, each with its story, the evidence it was decided on and the profile as it stood then.

    Returns
    -------
    list of dict
        As `result.trade_json`, with ``costs``, and for the last `STORIES` of them ``story`` (lines), ``evidence`` (by name,
        null where nothing is known) and ``profile``: ``low`` (ticks) and ``step`` (ticks) of the first row, ``v`` (shares a
        row); null where the window's rows do not give the very POC that the decision names.

    Notes
    -----
    The profile ends with the bar before the one decided on. Nothing here knows what came later but the trade's own end.
    """
    by_symbol = {i.symbol: (t, i) for t in run.traced for i in t.recorded.tradables}
    entries = _Entries(run.result.decisions)
    rows = []
    told_from = len(run.result.trades) - STORIES
    for number, trade in enumerate(run.result.trades):
        row = {**trade_json(trade), "number": number + 1, "costs": plain(dict(trade.costs.kinds))}
        if number >= told_from and trade.symbol in by_symbol:
            traced, instrument = by_symbol[trade.symbol]
            decision = entries.of(trade)
            row["story"] = explain(trade, decision, instrument.tick, quantity_of(instrument))
            row["evidence"] = None if decision is None else plain(decision.evidence)
            row["profile"] = None if decision is None else profile_at(traced, decision)
        rows.append(row)
    return rows


def refusals(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """Return the last refused signals: ``ts`` (ns), ``symbol``, ``side``, ``setup``, ``regime``, ``reason``."""
    refused = [d for d in decisions if d.action == "refuse"][-_SIGNALS:]
    return [
        {"ts": d.ts, "symbol": d.symbol, "side": d.side.value, "setup": d.setup, "regime": d.regime, "reason": d.reason}
        for d in refused
    ]


def equity_columns(points: Sequence[Point], cash: float) -> dict[str, list[float]]:
    """Return the account's curve: ``t`` (s), ``value`` and ``fall`` (rupees below the highest value before, 0 or negative).

    Notes
    -----
    One point a second at most, the last; where there are more than can be shown, of each stretch its lowest and its last.
    """
    by_second = {ts // SECOND_NS: float(value) for ts, value in points}
    t, values = np.array(list(by_second), dtype=np.int64), np.array(list(by_second.values()), dtype=np.float64)
    fall = values - np.maximum.accumulate(np.append(cash, values))[1:]
    if len(t) > _POINTS:
        edges = np.linspace(0, len(t), _POINTS // 2 + 1).astype(np.int64)
        pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        kept = sorted({i for begin, end in pairs for i in (begin + int(fall[begin:end].argmin()), end - 1)})
        t, values, fall = t[kept], values[kept], fall[kept]
    return {"t": t.tolist(), "value": values.round(2).tolist(), "fall": fall.round(2).tolist()}


class _Entries:
    # Entries by symbol, for many trades.
    def __init__(self, decisions: Sequence[Decision]) -> None:
        self._of: dict[str, list[Decision]] = {}
        for decision in decisions:
            if decision.action == "enter":
                self._of.setdefault(decision.symbol, []).append(decision)

    def of(self, trade: Trade) -> Decision | None:
        return opening(trade, self._of.get(trade.signal_symbol, ()))


def profile_at(traced: Traced, decision: Decision) -> dict[str, Any] | None:
    """Return the profile a decision was made on: ``low`` (lowest tick), ``step`` (ticks) and ``v`` (shares a row).

    Notes
    -----
    It ends with the bar before the one decided on. None where the rows of its window do not give the very POC it names.
    """
    chosen = window_at(traced, decision.ts, decision.levels.source)
    rows = rows_of(traced, chosen) if len(chosen) else None
    if rows is None:
        return None
    tick = float(traced.recorded.instrument.tick)
    step = traced.strategy.profile.grid.ticks_per_row
    at = to_ticks(rows.price, tick)
    low = int(at[0]) - (step - 1) // 2  # a row is named by its middle
    volume = np.zeros((int(at[-1]) - low) // step + 1, dtype=np.int64)
    volume[(at - low) // step] = rows.volume
    peaks = low + np.flatnonzero(volume == volume.max()) * step
    poc = round(decision.levels.poc / tick)
    return {"low": low, "step": step, "v": volume.tolist()} if (abs(peaks - poc) < step).any() else None


def _ticks(price: F64, tick: float) -> list[int | None]:
    return [round(p / tick) if isfinite(p) else None for p in price.tolist()]
