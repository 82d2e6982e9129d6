"""The workload in hftbacktest: a numba loop over a made-up one-tick book, polled once a second.

It has no bars, indicators or brackets: what the rule wants at each bar is given, and exits are market orders, sent when a poll
sees that a level was passed.
"""

from __future__ import annotations

from typing import Any

import hftbacktest as hft
import numba
import numpy as np

from benchmarks.peers.worker import Case
from benchmarks.peers.workload import TICK, Ticks, bars_of, wishes_of

_SECOND = 1_000_000_000


@numba.njit  # type: ignore[misc]
def _loop(engine: Any, end: Any, wishes: Any) -> int:
    number, side, fills, at = 0, np.int64(0), 0, 0
    stop = target = 0.0
    while engine.elapse(_SECOND) == 0:
        engine.clear_inactive_orders(0)
        depth = engine.depth(0)
        middle = (depth.best_bid + depth.best_ask) / 2
        if side != 0 and ((middle - stop) * side <= 0 or (middle - target) * side >= 0):
            number += 1
            fills += 1
            if side > 0:
                engine.submit_sell_order(0, number, depth.best_bid, 1.0, hft.GTC, hft.MARKET, False)
            else:
                engine.submit_buy_order(0, number, depth.best_ask, 1.0, hft.GTC, hft.MARKET, False)
            side = 0
        while at < len(end) and end[at] <= engine.current_timestamp:
            if side == 0 and wishes[at, 0] != 0:
                side, stop, target = wishes[at, 0], wishes[at, 1] * TICK, wishes[at, 2] * TICK
                number += 1
                fills += 1
                if side > 0:
                    engine.submit_buy_order(0, number, depth.best_ask, 1.0, hft.GTC, hft.MARKET, False)
                else:
                    engine.submit_sell_order(0, number, depth.best_bid, 1.0, hft.GTC, hft.MARKET, False)
            at += 1
    return fills


def events(ticks: Ticks) -> Any:
    """Return each trade with the book that moves to a tick on either side of it, five events a tick."""
    made = np.zeros(len(ticks) * 5, hft.event_dtype)
    before = np.concatenate((ticks.k[:1], ticks.k[:-1]))
    bid, ask = hft.DEPTH_EVENT | hft.BUY_EVENT, hft.DEPTH_EVENT | hft.SELL_EVENT
    rows = ((bid, before - 1, 0.0), (ask, before + 1, 0.0), (bid, ticks.k - 1, 1e6), (ask, ticks.k + 1, 1e6),
            (hft.TRADE_EVENT | hft.BUY_EVENT, ticks.k, ticks.size.astype(float)))  # fmt: skip
    for place, (kind, k, size) in enumerate(rows):
        of = made[place::5]
        of["ev"] = kind | hft.EXCH_EVENT | hft.LOCAL_EVENT
        of["exch_ts"] = of["local_ts"] = ticks.ts + place
        of["px"], of["qty"] = k * TICK, size
    return made


def ready(ticks: Ticks) -> tuple[Any, ...]:
    """Return an engine with the events, the ends of the bars and what the rule wants at each."""
    made = events(ticks)  # the engine reads it where it lies: it must stay
    asset = (
        hft.BacktestAsset()
        .data([made])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(TICK)
        .lot_size(1.0)
    )
    bars = bars_of(ticks)
    return made, asset, hft.HashMapMarketDepthBacktest([asset]), bars.end, wishes_of(bars)


def run(given: tuple[Any, ...]) -> int:
    """Return how many orders were filled."""
    *_, engine, end, wishes = given
    fills: int = _loop(engine, end, wishes)
    engine.close()
    return fills


CASES = {"trades and a made-up book, polled": Case(run, 20, prepare=ready)}
