"""A Cerebro that takes one event at a time: the next fill or the next known bar of any symbol, in the order of `seq`."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import backtrader as bt
import numpy as np

from .brokers.tick_broker import TickBroker
from .core.bar import Bar
from .core.errors import Refused
from .core.tick import I64, Tick
from .stepping import Stepper
from .store import Event, Gap


class AuctionCerebro(bt.Cerebro):  # type: ignore[misc]  # backtrader has no types
    """`Cerebro` for many symbols, one strategy instance a symbol, stepped in the order in which things became known.

    Stock `Cerebro` advances all feeds by their bar stamps: a bar of one symbol waits for the least liquid one, and every step
    costs time for every feed. Here the unit of work is (`known_seq` of a bar, symbol); a step costs the same with 1 and with
    250 symbols, and a fill of one symbol is seen by the others exactly where it happened.

    Notes
    -----
    Add feeds with `add_symbol`; feeds must carry ``bars.known_seq`` (`feeds.stored.StoredData`). Used with `adddata` and
    `addstrategy` only, it is a stock `Cerebro`. Timers and cheat-on-open belong to the stock loop and are refused with
    `add_symbol`.
    """

    # Observers that work where each strategy has a feed of its own, and marks at the price of the fill: stock's stand 1.5 %
    # away from it, off a chart of minutes.
    params = (("stdstats", False), ("quicknotify", True), ("oldtrades", True), ("oldbuysell", True))

    def __init__(self) -> None:
        super().__init__()
        self.setbroker(TickBroker())
        self._symbols: list[str] = []
        self._traded: list[Any] = []
        self._source: Callable[[Any], object] | None = None
        self._steps: Callable[..., MessageSteps] = MessageSteps
        self._steppers: dict[int, Stepper] = {}  # by the id of the strategy

    def add_symbol(self, data: Any, strategy: Any, **kwargs: Any) -> Any:
        """Add a feed and a strategy of its own.

        Parameters
        ----------
        data : backtrader feed with `instrument` and `bars`
        strategy : strategy class
        kwargs
            Params of the strategy.
        """
        index = len(self._symbols)
        if data._filters or data.resampling or data.replaying:
            raise Refused("add_symbol takes bars as they are: resample in a stock Cerebro")
        if getattr(data, "bars", None) is None:
            raise Refused("add_symbol needs bars that say when each was known (minutes or days of a store): use adddata")
        if index != len(self.datas):
            raise Refused(
                "add_symbol cannot follow adddata: a feed without a strategy of its own has no place in the event order"
            )
        self._symbols.append(data.instrument.symbol)
        self.adddata(data)
        # Cerebro gives every strategy all feeds; the factory hands each its own.
        self.addstrategy(lambda *datas, **params: strategy(datas[index], **params), **kwargs)
        return data

    def add_traded(self, data: Any) -> None:
        """Add a feed that no strategy reads and some may trade in (`feeds.quoted.QuotedData`): its ticks meet their orders."""
        self._traded.append(data)

    @property
    def traded(self) -> list[Any]:
        """The feeds given to `add_traded`."""
        return list(self._traded)

    # ---------------------------------------------------------------- the event order
    def _ranks(self) -> I64:
        # Of each feed's symbol in sorted order, the traded ones' after the others': what decides between two at one seq.
        names = [*self._symbols, *(data.instrument.symbol for data in self._traded)]
        return np.argsort(np.argsort(np.array(names), kind="stable"))

    def _agenda(self) -> tuple[I64, I64]:
        # All bars of all symbols as (known_seq, feed), in the order of known_seq, then symbol, then minute.
        rank = self._ranks()
        seqs = [data.bars.known_seq for data in self.datas]
        feed = np.concatenate([np.full(len(s), i, dtype=np.int64) for i, s in enumerate(seqs)])
        seq = np.concatenate(seqs)
        order = np.lexsort((rank[feed], seq))  # stable: bars of one symbol keep their order
        return seq[order], feed[order]

    def _runonce(self, runstrats: list[Any]) -> None:
        if not self._symbols:
            super()._runonce(runstrats)
            return
        for strategy in runstrats:
            strategy._once()
            strategy.reset()
        with self._stepped(runstrats):
            self._step_events(runstrats, vectorised=True)

    @contextmanager
    def _stepped(self, runstrats: list[Any]) -> Iterator[None]:
        self._steppers = {id(s): Stepper(s, data) for s, data in zip(runstrats, self.datas, strict=True)}
        try:
            yield
        finally:
            self._steppers = {}

    def grow(self, strategy: Any) -> None:
        """Let a strategy see the bar that its feed has just taken."""
        self._steppers[id(strategy)].grow()

    def _runnext(self, runstrats: list[Any]) -> None:
        if not self._symbols:
            super()._runnext(runstrats)
        elif self._source is not None:
            with self._stepped(runstrats):
                self._source(self._steps(self, runstrats))
        else:
            self._step_events(runstrats, vectorised=False)

    def stream(self, source: Callable[[Any], object], steps: Callable[..., MessageSteps] | None = None) -> list[Any]:
        """Run on feeds that are written as they run (`feeds.streamed.StreamedData`), instead of `run`.

        Parameters
        ----------
        source : callable
            Tells the sink it is given of ticks, bars, gaps and events until there are no more: a router fed with messages.
        steps : callable, optional
            Makes that sink of this and the strategies; default: `MessageSteps`.

        Returns
        -------
        list of strategies
        """
        self._source, self._steps = source, steps or MessageSteps
        return self.run(runonce=False, preload=False)  # type: ignore[no-any-return]

    def _step_events(self, runstrats: list[Any], *, vectorised: bool) -> None:
        if self._pretimers or self.p.cheat_on_open:
            raise Refused("timers and cheat-on-open need the stock loop: use adddata and addstrategy")
        if not hasattr(self._broker, "next_fill"):
            raise Refused(f"{type(self._broker).__name__} matches whole bars of all symbols: use TickBroker, the default here")
        seqs, feeds = self._agenda()
        datas, broker, steppers = [*self.datas, *self._traded], self._broker, list(self._steppers.values())
        rank = self._ranks().tolist()
        place = {data: feed for feed, data in enumerate(datas)}
        fills: list[tuple[int, int, int, int]] = []  # (seq, rank, feed, tick index), at most one valid entry a feed
        armed = [-1] * len(datas)
        # By how many bars are known: where the ticks end that orders meet before the next one is.
        ends = [[] if d.market is None else [*d.market.known.tolist(), len(d.market.seq)] for d in datas]

        def arm(feed: int) -> None:
            armed[feed] = -1
            if not (stops := ends[feed]):
                return
            data = datas[feed]
            end = stops[min(len(data), len(stops) - 1)]
            index = broker.next_fill(data, end)
            if index < end:
                armed[feed] = index
                heapq.heappush(fills, (int(data.market.seq[index]), rank[feed], feed, index))

        def arm_touched(feed: int) -> None:
            arm(feed)
            for data in broker.take_touched():
                if (other := place[data]) != feed:
                    arm(other)

        def fill_until(seq: int, at_rank: int) -> None:
            while fills and fills[0][:2] <= (seq, at_rank):
                _, _, feed, index = heapq.heappop(fills)
                if armed[feed] != index:
                    continue  # superseded: the orders changed since
                broker.fill_at(datas[feed], index)
                self.deliver()
                arm_touched(feed)

        for seq, feed in zip(seqs.tolist(), feeds.tolist(), strict=True):
            fill_until(seq, rank[feed])
            data, strategy = datas[feed], runstrats[feed]
            if vectorised:
                data.advance(ticks=False)
            else:
                data.next(ticks=False)
            broker.settle(data, ticks_met=True)
            self.deliver()
            if vectorised:
                steppers[feed].step()
            else:
                strategy._next()
            if self.runwriters:
                self._next_writers(runstrats)
            if self._event_stop:
                return
            arm_touched(feed)
        fill_until(int(np.iinfo(np.int64).max), len(datas))
        self.deliver()

    def deliver(self) -> None:
        """Tell the strategies at once what the broker has to say."""
        broker = self._broker
        if not getattr(broker, "notifs", True):  # asked for nothing, stock raises and catches
            return
        while (order := broker.get_notification()) is not None:
            owner = order.owner if order.owner is not None else self.runningstrats[0]
            if (stepper := self._steppers.get(id(owner))) is not None:
                stepper.tell(order)
            else:
                owner._addnotification(order, quicknotify=True)

    # ---------------------------------------------------------------- pictures
    def plot(self, plotter: Any = None, **kwargs: Any) -> Any:
        """Draw with backtrader's own plotting, on a display or without one; return the figures."""
        from .plots import plot_cerebro

        return plot_cerebro(self, plotter=plotter, **kwargs)


class MessageSteps:
    """Steps an `AuctionCerebro` by what a router makes of each message.

    The order within a message is the router's: the tick meets the orders, then the bars it made known are decided on.

    Parameters
    ----------
    cerebro : AuctionCerebro
    strategies : list of strategies
        One a feed, in the order of the feeds.
    """

    def __init__(self, cerebro: AuctionCerebro, strategies: list[Any]) -> None:
        self._cerebro = cerebro
        self._broker = cerebro.broker
        self._feeds = {data.instrument.symbol: (data, s) for data, s in zip(cerebro.datas, strategies, strict=True)}
        self._traded: dict[str, list[Any]] = {}  # several strategies may trade one symbol, each by a feed of its own
        for data in cerebro.traded:
            self._traded.setdefault(data.instrument.symbol, []).append(data)

    def on_gap(self, gap: Gap) -> None:
        """Take a silence: it lowers the quality of the bars it reaches into."""
        if gap.symbol in self._feeds:
            self._feeds[gap.symbol][0].add_gap(gap)

    def on_event(self, event: Event) -> None:
        """Take a message of our own kinds; none of them decides anything yet."""

    def on_tick(self, tick: Tick) -> None:
        """Match a tick against the orders of its symbol."""
        found = self._feeds.get(tick.symbol)
        if found is not None and found[0].add_tick(tick):
            self._match(found[0])
        for traded in self._traded.get(tick.symbol, ()):
            if traded.add_tick(tick):
                self._match(traded)

    def _match(self, data: Any) -> None:
        broker = self._broker
        if not broker.is_waiting(data):
            return
        end = len(data.market)
        while (index := broker.next_fill(data, end)) < end:
            broker.fill_at(data, index)
            self._cerebro.deliver()
        broker.pass_to(data, end)  # the next look is at the next tick alone

    def on_bar(self, bar: Bar) -> None:
        """Let the symbol's strategy decide on a bar that has become known."""
        found = self._feeds.get(bar.symbol)
        if found is None or not found[0].add_bar(bar):
            return
        self._decide(*found)

    def _decide(self, data: Any, strategy: Any) -> None:
        data.next(ticks=False)
        self._broker.settle(data, ticks_met=True)
        self._cerebro.deliver()
        self._cerebro.grow(strategy)
