"""What one tick fills: an order, the exits of a group."""

from __future__ import annotations

from dataclasses import replace

import backtrader as bt

from auction_bt.brokers.book import STOPS, Working
from auction_bt.core.exits import ExitGroup, Target
from auction_bt.core.fills import FillModel
from auction_bt.core.market import Tape, trigger_level
from auction_bt.core.trade import Fill, Side


def price_at_tick(working: Working, tape: Tape, i: int, model: FillModel) -> float | None:
    """Return the price at which tick `i` fills an order, None where it does not; marks a stop-limit as triggered on the way."""
    order = working.order
    buy = bool(order.isbuy())
    k, price, bid, ask = int(tape.k[i]), float(tape.price[i]), float(tape.bid[i]), float(tape.ask[i])
    kind = order.exectype
    resting = i > 0 and bool(tape.seq[i - 1] >= working.not_before)
    if kind == bt.Order.Market:
        return model.market(buy=buy, price=price, bid=bid, ask=ask, tick=tape.tick)
    if kind in STOPS and not order.triggered:
        level = trigger_level(order.created.price, tape.tick, upward=buy)
        if (k < level) if buy else (k > level):
            return None
        if kind in (bt.Order.Stop, bt.Order.StopTrail):
            return model.market(buy=buy, price=price, bid=bid, ask=ask, tick=tape.tick)
        order.triggered, resting = True, False
    limit = order.created.price if kind == bt.Order.Limit else order.created.pricelimit
    level = trigger_level(limit, tape.tick, upward=not buy)
    if (k > level) if buy else (k < level):
        return None
    return model.limit(buy=buy, limit=limit, price=price, bid=bid, ask=ask, resting=resting)


def exits_at_tick(group: ExitGroup, tape: Tape, i: int, model: FillModel) -> list[tuple[Fill, ExitGroup | None]]:
    """Return the exits of a group that tick `i` fills, each with what is left of the group after it.

    Notes
    -----
    A deadline that was there before the tick comes first, as it has been acted upon by then; then the stop, then the targets,
    nearest first.
    """
    buy = group.side is Side.SHORT
    k, price, bid, ask = int(tape.k[i]), float(tape.price[i]), float(tape.bid[i]), float(tape.ask[i])
    at_market = model.market(buy=buy, price=price, bid=bid, ask=ask, tick=tape.tick)
    stamp = (int(tape.seq[i]), int(tape.ts[i]))
    stop = trigger_level(group.stop, tape.tick, upward=buy)
    due = group.due
    if due is not None and tape.clock[i] >= due.at:
        return [(Fill(*stamp, at_market, group.qty, due.reason), None)]
    if (k >= stop) if buy else (k <= stop):
        return [(Fill(*stamp, at_market, group.qty, group.stop_reason), None)]
    found: list[tuple[Fill, ExitGroup | None]] = []
    left: ExitGroup | None = group
    while left is not None and (target := left.nearest) is not None:
        level = trigger_level(target.price, tape.tick, upward=not buy)
        if (k > level) if buy else (k < level):
            break
        paid = model.limit(buy=buy, limit=target.price, price=price, bid=bid, ask=ask, resting=True)
        left = left.after_target(target)
        found.append((Fill(*stamp, paid, target.qty, target.reason), left))
    return found


def sent_exits_at_tick(
    group: ExitGroup, reached: tuple[Target, ...], tape: Tape, i: int, model: FillModel
) -> tuple[list[tuple[Fill, ExitGroup | None]], tuple[Target, ...]]:
    """Return the exits that tick `i` fills where targets are sent when a trade reaches them, and the targets it reaches.

    Parameters
    ----------
    reached : tuple of Target
        By ticks before: they are at the market now.

    Notes
    -----
    As it is done at an exchange where only the stop rests: orders are filled in the order in which they came, the stop, what was
    sent since, and what a deadline sends for the rest.
    """
    buy = group.side is Side.SHORT
    k, price, bid, ask = int(tape.k[i]), float(tape.price[i]), float(tape.bid[i]), float(tape.ask[i])
    at_market = model.market(buy=buy, price=price, bid=bid, ask=ask, tick=tape.tick)
    found: list[tuple[Fill, ExitGroup | None]] = []
    left: ExitGroup | None = group
    for sent in reached:
        if left is None or (target := next((t for t in left.targets if t == sent), None)) is None:
            continue
        left = left.after_target(target)
        found.append((Fill(int(tape.seq[i]), int(tape.ts[i]), at_market, target.qty, target.reason), left))
    if left is None:
        return found, ()
    # What fills a target moves the stop after this tick: it meets the stop where it was.
    before = replace(left, stop=group.stop, stop_reason=group.stop_reason, targets=())
    if out := exits_at_tick(before, tape, i, model):
        if before.due is not None and tape.clock[i] >= before.due.at:
            return [*found, *out], ()
        ((stopped, _),) = out
        sent_after = [(fill, after.resized(after.qty - stopped.qty)) for fill, after in found if after is not None]
        return [(stopped, group.resized(group.qty - stopped.qty)), *sent_after], ()
    if left.stop != group.stop and (left := left.against(price)).is_left():
        return [*found[:-1], (found[-1][0], left)], ()
    now: list[Target] = []
    for target in sorted(left.targets, key=lambda t: t.price * left.side.sign):
        level = trigger_level(target.price, tape.tick, upward=not buy)
        if (k <= level) if buy else (k >= level):
            now.append(target)
    return found, tuple(now)
