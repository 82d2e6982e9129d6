"""One strategy stepped bar by bar: what stock backtrader does at each, less the parts that reach nobody."""

from __future__ import annotations

from typing import Any

import backtrader as bt

_NAN = float("nan")
_NEXTS = ("next", "prenext", "nextstart", "_next", "_prenext", "_nextstart")
_ORDERS = ("notify_order", "_notify_order")
_TRADES = ("notify_trade", "_notify_trade")
_MONEY = ("notify_cashvalue", "notify_fund", "_notify_cashvalue", "_notify_fund")
_OWN = ("_oncepost", "_notify", "_addnotification", "_getminperstatus", "_next_analyzers", "_next_observers", "clear", "forward")


class Stepper:
    """Steps a strategy of one feed, whose lines are whole (`step`) or grow bar by bar (`grow`).

    Parameters
    ----------
    strategy : backtrader strategy
    data : its feed

    Notes
    -----
    Stock tells every strategy and analyzer the account's value at every bar, asks each analyzer for its `next`, and finds its
    way through four objects to advance a line. Here, who has nothing to hear or to do is left out, by looking once at which of
    backtrader's methods were overridden. A strategy that overrides the stepping itself, or reads other feeds too, is
    stepped by stock's own `_oncepost` or `_next`: `is_lean` says which.
    """

    def __init__(self, strategy: Any, data: Any) -> None:
        self._strategy = strategy
        self._data = data
        self._clock = data.lines.lines[0]
        self.is_lean = _is_plain(strategy, data)
        if not self.is_lean:
            return
        kinds = strategy._lineiterators
        self._indicators = indicators = kinds[strategy.IndType]
        self._in_pace = [line for i in indicators if _keeps_pace(i, data) for line in i.lines.lines]
        self._own_pace = [i for i in indicators if not _keeps_pace(i, data)]
        self._lines = list(strategy.lines.lines)
        in_pace = all(_grows_in_pace(indicator, data) for indicator in indicators)
        self._growing = [(indicator, list(indicator.lines.lines)) for indicator in indicators] if in_pace else []
        self._can_grow = in_pace and all(
            line.mode == line.UnBounded and not line.bindings
            for lines in (self._lines, data.lines.lines, *(lines for _, lines in self._growing))
            for line in lines
        )
        self._dated = strategy.lines.datetime
        self._minperiod = strategy._minperiods[0]
        self._has_observers = bool(kinds[strategy.ObsType])
        everybody = [*strategy.analyzers, *strategy._slave_analyzers]
        self._watching = [a for a in strategy.analyzers if a._children or _overrides(a, bt.Analyzer, _NEXTS)]
        self._hears_orders = [a for a in everybody if a._children or _overrides(a, bt.Analyzer, _ORDERS)]
        self._hears_trades = [a for a in everybody if a._children or _overrides(a, bt.Analyzer, _TRADES)]
        self._hears_money = any(a._children or _overrides(a, bt.Analyzer, _MONEY) for a in everybody) or _overrides(
            strategy, bt.Strategy, _MONEY[:2]
        )

    def step(self) -> None:
        """Let the strategy see the bar that its feed has just advanced to."""
        strategy = self._strategy
        if not self.is_lean:
            strategy._oncepost(self._data.datetime[0])
            return
        for line in self._in_pace:
            line._idx += 1
            line.lencount += 1
        for indicator in self._own_pace:
            if len(indicator._clock) > len(indicator):
                indicator.advance()
        for line in self._lines:
            line._idx += 1
            line.lencount += 1
            line.array.append(_NAN)
        clock = self._clock
        self._dated.array[self._dated._idx] = self._data.lines.datetime.array[clock._idx]
        self._see(once=True)

    def grow(self) -> None:
        """Let the strategy see the bar that its feed has just taken; its own lines and its indicators' grow by one."""
        strategy = self._strategy
        if not self.is_lean:
            strategy._next()
            return
        if not self._can_grow:
            strategy._clk_update()
            for indicator in self._indicators:
                indicator._next()
            self._see(once=False)
            return
        bars = self._clock.lencount
        if self._lines[0].lencount != bars:
            _grow(self._lines)
        self._dated.array[self._dated._idx] = self._data.lines.datetime.array[self._data.lines.datetime._idx]
        for indicator, lines in self._growing:
            if lines[0].lencount != bars:
                _grow(lines)
            if bars > indicator._minperiod:
                indicator.next()
            elif bars == indicator._minperiod:
                indicator.nextstart()
            else:
                indicator.prenext()
        self._see(once=False)

    def _see(self, *, once: bool) -> None:
        strategy = self._strategy
        if self._hears_money:
            strategy._notify()
        strategy._minperstatus = missing = self._minperiod - self._clock.lencount
        if missing < 0:
            strategy.next()
            for analyzer in self._watching:
                analyzer._next()
        elif missing == 0:
            strategy.nextstart()
            for analyzer in self._watching:
                analyzer._nextstart()
        else:
            strategy.prenext()
            for analyzer in self._watching:
                analyzer._prenext()
        if self._has_observers:
            strategy._next_observers(missing, once=once)
        if strategy._orderspending or strategy._tradespending:  # `clear`, but that nobody asks for what it keeps
            strategy._orderspending = []
            strategy._tradespending = []

    def tell(self, order: Any) -> None:
        """Tell the strategy and its analyzers of an order at once, and of the trades it opened or closed."""
        strategy = self._strategy
        if not self.is_lean or order.p.simulated:
            strategy._addnotification(order, quicknotify=True)
            return
        strategy._orderspending.append(order)
        trades = self._trades_of(order) if order.executed.size else ()
        strategy._tradespending.extend(trades)
        strategy.notify_order(order)
        for analyzer in self._hears_orders:
            analyzer._notify_order(order)
        for trade in trades:
            strategy.notify_trade(trade)
            for analyzer in self._hears_trades:
                analyzer._notify_trade(trade)

    def _trades_of(self, order: Any) -> list[Any]:
        # Stock's rule of what an execution opens and closes; of trades that are over it keeps all, and reads the last alone.
        strategy, commission = self._strategy, order.comminfo
        data = order.data if order.data._compensate is None else order.data._compensate
        kept, told = strategy._trades[data][order.tradeid], []
        fresh = {"data": data, "tradeid": order.tradeid, "historyon": strategy._tradehistoryon}
        if not kept:
            kept.append(bt.Trade(**fresh))
        for bit in order.executed.iterpending():
            if bit.closed:
                kept[-1].update(order, bit.closed, bit.price, bit.closedvalue, bit.closedcomm, bit.pnl, comminfo=commission)
                if kept[-1].isclosed:
                    told.append(_copied(kept[-1]))
            if bit.opened:
                if kept[-1].isclosed:
                    kept[:] = [bt.Trade(**fresh)]
                kept[-1].update(order, bit.opened, bit.price, bit.openedvalue, bit.openedcomm, bit.pnl, comminfo=commission)
                if kept[-1].isclosed:  # another tradeid's order was the other side of the position
                    told.append(_copied(kept[-1]))
            if kept[-1].justopened:
                told.append(_copied(kept[-1]))
        return told


def _copied(trade: Any) -> Any:
    copied = object.__new__(type(trade))
    copied.__dict__ = trade.__dict__.copy()
    return copied


def _overrides(found: Any, base: Any, names: tuple[str, ...]) -> bool:
    return any(getattr(type(found), name) is not getattr(base, name) for name in names)


def _is_plain(strategy: Any, data: Any) -> bool:
    if _overrides(strategy, bt.Strategy, _OWN) or strategy._oldsync or not strategy.cerebro.p.quicknotify:
        return False
    return len(strategy.datas) == 1 and strategy.datas[0] is data and not any(line.bindings for line in strategy.lines.lines)


def _grow(lines: list[Any]) -> None:
    # As `LineBuffer.forward`, of a line that forgets nothing.
    for line in lines:
        line._idx += 1
        line.lencount += 1
        line.array.append(_NAN)


def _grows_in_pace(indicator: Any, data: Any) -> bool:
    # One that sees each bar of the feed as it comes, in stock's way, and has no others below it.
    return (
        _keeps_pace(indicator, data)
        and not indicator._lineiterators[indicator.IndType]
        and not _overrides(indicator, bt.Indicator, ("_next", "_clk_update", "_notify", "forward"))
    )


def _keeps_pace(indicator: Any, data: Any) -> bool:
    # One that was made on the feed or its lines has a value at each of its bars; others have a pace of their own.
    if not isinstance(indicator, bt.Indicator) or type(indicator).advance is not bt.Indicator.advance:
        return False
    return indicator._clock is data or any(indicator._clock is line for line in data.lines.lines)
