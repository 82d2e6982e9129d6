"""The strategy: reads a volume profile, decides at closed bars, leaves the exits to the broker."""

from __future__ import annotations

from decimal import Decimal
from math import isnan, nan
from typing import Any

import backtrader as bt

from .adding import Adding
from .core.adds import ADD_REQUESTS, Adds
from .core.context import AuctionContext
from .core.costing import OrderCosts
from .core.decision import Decision
from .core.entry_hours import EntryHours
from .core.errors import BadInput
from .core.exits import Deadline
from .core.guards import AT_ONCE, requests_of
from .core.instrument import Kind
from .core.ist import SECOND_NS, day_index, day_start
from .core.ledger import OpenTrade, rupees
from .core.regime import Rule
from .core.risk import RiskBook, Stake
from .core.session import Session
from .core.signals import Signal, find_signal
from .core.stamps import bar_end_ns, bar_length_ns, columns_of, ends_at, known_at
from .core.tariff import Product
from .core.trade import Fill, Side, Trade
from .core.trading_day import Outcome, Sent
from .core.watch import Watch
from .desk import Desk, OwnDesk, SubstituteDesk, Ticket
from .entry_gate import EntryGate
from .indicators import VolumeProfile
from .market.sessions import session_of
from .reading import ContextReader, LevelsNow, instrument_of, price_before
from .settings import STRATEGY_PARAMS, check_settings, flat_by_of, session_of_text, terms_of
from .standing_levels import StandingLevels
from .stock_exits import StockExits


class AuctionStrategy(bt.Strategy):  # type: ignore[misc]  # backtrader has no types
    """Fade the edges of balanced value, join a migrating auction at its POC.

    Params
    ------
    See `settings.STRATEGY_PARAMS`: each with its default, unit and meaning. Beside them, objects rather than numbers:

    risk : RiskBook
        Shared by all symbols of a run; None makes one of its own.
    charges : Charges
        What orders cost; None: the broker's own commission.
    margin : float
        Share of a position's value to be paid in.
    chain : desk.Chain
        What is traded in place of the feed's own instrument; None: that itself.
    trade_from : int, ns
        Bars that end before are warm-up: they fill the window and are never traded.
    trade_until : int, ns
        No entry from then on, and an open trade is closed (``roll``): a contract is not held into its expiry; 0: never.

    Attributes
    ----------
    trades : list of Trade
        Closed, in order.
    decisions : list of Decision
        Every signal, taken or refused, and every change of an open trade.
    prior_levels : dict of IST day to (POC, VAH, VAL in ticks, Regime)
        What stood in for the rolling window until it lay within that day.

    Notes
    -----
    *Causality*: decides at a bar's close on levels of the bar before; orders meet the symbol's next tick. Runs in any
    Cerebro: with `TickBroker` on ticks or bars, with a stock broker on its own bar rules. A subclass may look and log, but must
    give no orders of its own on the same feed: its fills would be booked as this strategy's.
    """

    params = (*STRATEGY_PARAMS, *dict.fromkeys(("risk", "charges", "chain")).items(), ("margin", 1.0),
              ("trade_from", 0), ("trade_until", 0))  # fmt: skip

    def __init__(self) -> None:
        p = self.p
        self.rule, self._bin_ns = check_settings(p)
        self.instrument = instrument_of(self.data, p.tick_size, p.lot)
        self._tick = float(self.instrument.tick)
        shared: dict[str, Any] = {
            "value_area": p.value_area,
            "method": p.method,
            "source": p.source,
            "tick_size": self._tick,
            "regime": self.rule.value,
            "ticks_per_row": p.ticks_per_row,
        }
        make: Any = VolumeProfile  # backtrader's metaclass takes params that no signature shows
        self.profile = make(self.data, period=p.period, window=p.window, anchor=p.anchor or None, **shared)
        needs_prior = p.levels == "prior" and p.window == "rolling"
        self.session_profile = make(self.data, period=p.period, window="session", plot=False, **shared) if needs_prior else None
        self.risk = p.risk if p.risk is not None else RiskBook(Decimal(repr(self.broker.startingcash)))
        self._gate = EntryGate(p, self.instrument, self.risk)
        costs = OrderCosts(self.instrument, p.charges, Product.squared_off(p.square_off), self._commission)
        self._terms = terms_of(p, lambda price, qty: costs.round_trip(price, qty, self._day))
        self._adding = Adding(Adds(p.adds, p.add_step), self.instrument, self._terms, self.risk, self._gate)
        own = OwnDesk(self.data, self.instrument, self._terms, costs)
        self._desk: Desk = own if p.chain is None else SubstituteDesk(own, p.chain, self._commission)
        self._reader = ContextReader(self.data, self._tick, p.period, p.pullback_bars)
        self.trades: list[Trade] = []
        self.decisions: list[Decision] = []
        self._open: OpenTrade | None = None
        self._entering: tuple[Any, Decision, AuctionContext] | None = None
        self._ticket: Ticket | None = None  # of the order or trade there is
        self._watch: Watch | None = None
        self._is_leaving = False  # at once, by order of the book
        self._edges_used: set[str] = set()
        self._edge = ""
        self._day = -1
        self._hours = EntryHours()
        self._levels = StandingLevels(self.profile, self.session_profile, p.period, p.window)
        self.prior_levels = self._levels.prior
        self._exits: Any = None
        self._excursion = (nan, nan)  # lowest and highest price of the open trade, as of its last exit
        self._bar_ns = bar_length_ns(self.data)
        self._last_ts = 0

    def _commission(self, price: float, size: int) -> Decimal:
        return rupees(self.broker.getcommissioninfo(self.data).getcommission(size, price))

    # ---------------------------------------------------------------- backtrader's calls
    def start(self) -> None:
        """Find out who keeps the exits."""
        self._exits = self.broker if getattr(self.broker, "keeps_exits", False) else StockExits(self)
        if self.p.chain is not None and isinstance(self._exits, StockExits):
            raise BadInput("trading another instrument than the signal's needs TickBroker: give cerebro.setbroker(TickBroker())")
        if self.p.adds and (self.p.chain is not None or isinstance(self._exits, StockExits)):
            raise BadInput("adds are made to trades of the signal's own instrument, and need TickBroker: set adds=0")

    def prenext(self) -> None:
        """Count a bar of the warm-up."""
        self._note_bar()
        self._levels.keep()

    def next(self) -> None:
        """Decide on the bar that has just become known."""
        i = len(self.data) - 1
        seq, ts = self._note_bar()
        if self._ticket is not None and self._ticket.watch is not None:
            self._ticket.data.look(seq)  # what the account is worth at this bar
        self._account(seq)
        self._clear_edges()
        if self._open is not None:
            self._manage(self._open, i, seq, ts)
        elif ts > self.p.trade_from:
            self._look(i, seq, ts)
        if isinstance(self._exits, StockExits):
            self._exits.place(self.data)
        self._levels.keep()

    def notify_order(self, order: Any) -> None:
        """Book fills; an entry that came to nothing frees the symbol."""
        if order.status == order.Completed:
            self._book(order)
        elif self._entering is not None and order.ref == self._entering[0].ref and not order.alive():
            decision = self._entering[1]
            self._entering = self._ticket = None
            self.risk.closed(decision.symbol, Decimal(0))
            self._edges_used.discard(self._edge)
            self._log(decision.seq, decision.ts, "lapse", decision, reason=order.getstatusname().lower())
        elif self._adding.is_of(order) and not order.alive():
            decision = self._adding.lapsed()
            lapsed = "canceled" if order.status == order.Expired else order.getstatusname().lower()  # the exchange knows one word
            self._log(decision.seq, decision.ts, "lapse_add", decision, reason=lapsed)
            self._end_if_flat()

    # ---------------------------------------------------------------- the bar
    def _note_bar(self) -> tuple[int, int]:
        self._reader.note()
        seq, ts = known_at(self.data), ends_at(self.data)
        if 0 < ts - self._last_ts < self._bar_ns and columns_of(self.data) is None:  # feeds often do not say how long bars are
            self._bar_ns = ts - self._last_ts
        self._last_ts = ts
        day = int(day_index(ts - 1))
        if day != self._day:
            self._begin_day(day)
        self._levels.count(day)
        return seq, ts

    def _begin_day(self, day: int) -> None:
        self._day = day
        session = self._session(day)
        flat_by = flat_by_of(self.p.square_off, session)
        bounds = (0, 0) if session.is_whole_day else session.bounds(day)
        self._hours = EntryHours(*bounds, None if flat_by is None else day_start(day) + flat_by)

    def _session(self, day: int) -> Session:
        return session_of_text(self.p.session) if self.p.session else session_of(self.instrument, day)

    def _account(self, seq: int) -> None:
        # Looked at where bars are decided on and nowhere else: these events are the same, and in the same order, in every mode.
        risk, limit = self.risk, self._gate.guards.daily_loss
        risk.at(seq)
        if not limit.is_on:
            return
        if (found := self.open_trade()) is not None:
            risk.marked(self.instrument.symbol, found.pnl_net)
        if risk.today.is_lost or limit.is_met(risk):
            risk.leave_all(seq, "day_loss")

    def _leave(self, seq: int, reason: str) -> None:
        if self._is_leaving or self._ticket is None:
            return
        data = self._ticket.data
        group = self._exits.exits(data)
        self._exits.leave(data, reason, seq)
        self._is_leaving = group is not None  # an entry that is filled after all is left then
        if self._open is not None and group is not None:
            self._log(seq, ends_at(self.data), "exit", self._open.decision, reason=reason)

    def _clear_edges(self) -> None:
        # An edge may be traded again once the POC (of the bar before) has traded.
        if self._edges_used and (levels := self._standing) is not None:
            high, low, _ = self._reader.bar
            if low <= levels[0] <= high:
                self._edges_used.clear()

    @property
    def _standing(self) -> LevelsNow | None:
        return self._levels.now(is_whole_day=self._hours.is_whole_day)

    # ---------------------------------------------------------------- entries
    def _look(self, i: int, seq: int, ts: int) -> None:
        levels = self._standing
        if levels is None or isnan(self._reader.atr):
            return
        c = self._reader.context(i, seq, ts, levels)
        if c is None:
            return
        price = float(self.data.close[0])
        is_asked = self.rule is Rule.AUCTION  # the other rule has no use for the cost, and a table of rates is slow to ask
        signal = find_signal(self.rule, c, self._terms.cost(price, self.instrument.lot, self._tick) if is_asked else 0.0)
        if signal is None:
            return
        bars = self.p.time_stop_bars if self.p.time_stop_bars >= 0 else self.p.period // 4
        deadlines = self._hours.deadlines(ts, bars * self._bar_ns, self.p.trade_until)
        room = self._gate.room()
        ticket = self._desk.ticket(signal, c, float(self.risk.equity), float(self.risk.free), deadlines, room)
        plan = ticket.plan
        requests = requests_of(ticket.watch or plan.group)
        refusal = self._refusal(i, signal, c, ticket, requests, deadlines) or plan.refusal
        decision = ticket.decision(signal, c, self.instrument, refusal, {} if c.levels == "prior" else self.profile.evidence(-1))
        self.decisions.append(decision)
        if refusal:
            return
        paid = rupees(plan.evidence.get("premium", price)) * plan.qty
        stake = Stake(paid * Decimal(repr(ticket.margin)), paid, self._leave)
        self.risk.opened(self.instrument.symbol, stake, Sent(max(ts, seq), AT_ONCE, requests))
        self._edge = signal.edge
        self._edges_used.add(signal.edge)
        enter = self.buy if ticket.position is Side.LONG else self.sell
        order = enter(data=ticket.data, size=plan.qty, exits=plan.group)
        self._entering, self._ticket, self._is_leaving = (order, decision, c), ticket, False

    def _refusal(
        self, i: int, signal: Signal, c: AuctionContext, ticket: Ticket, requests: int, deadlines: tuple[Deadline, ...]
    ) -> str:
        p, close = self.p, c.close * self._tick
        lot_value = ticket.plan.evidence.get("premium", close) * ticket.instrument.lot
        proposal = self._gate.propose(signal.side, c.seq, c.ts, self._bar_ns, close, c.poc * self._tick, lot_value, requests,
                                      self._reader.silence(i))  # fmt: skip
        if refusal := self._gate.refusal(proposal, self._hours, deadlines):
            return refusal
        if p.square_off == "none" and signal.side is Side.SHORT and self.instrument.kind is Kind.EQUITY:
            return "short delivery"  # shares can be sold short within the day only
        return "edge used" if p.one_entry_an_edge and signal.edge in self._edges_used else ""

    # ---------------------------------------------------------------- the open trade
    def _manage(self, opened: OpenTrade, i: int, seq: int, ts: int) -> None:
        watch, data, p = self._watch, self.data, self.p
        if watch is None or ts <= watch.entered:
            return
        levels = self._standing
        high, low, close = self._reader.bar
        watch = watch.step(
            ts=ts,
            close=close,
            high=high,
            low=low,
            regime=levels[3] if levels is not None else watch.regime,
            session_open=self._hours.begin or day_start(self._day),
            bar=self._bar_ns,
            bin_ns=self._bin_ns,
        )
        self._watch = watch
        group = self._exits.exits(data)
        if group is None:
            return
        reason = watch.reason_to_leave(acceptance_bins=p.acceptance_bins, flip_bars=p.flip_bars)
        if not reason and isinstance(self._exits, StockExits) and group.due is not None and group.due.at <= ts:
            reason = group.due.reason
        if reason:
            if not group.is_left(0 if isinstance(self._exits, StockExits) else max(ts, seq)):
                if self._adding.order is not None:
                    self.cancel(self._adding.order)
                self._exits.set_exits(data, group.leave(0, reason))
                self._log(seq, ts, "exit", opened.decision, reason=reason, stop=group.stop)
            return
        if not group.targets and p.trail_atr and not isnan(self._reader.atr):
            stop = watch.trail(p.trail_atr * self._reader.atr)
            moved = group.trailed(self.instrument.to_price(round(stop)))
            if moved is not group:
                self._exits.set_exits(data, moved)
                self.risk.sent(Sent(max(ts, seq), 1, 1))
                self._log(seq, ts, "move_stop", opened.decision, reason="trail", stop=moved.stop)
        if levels is not None and levels[3] is watch.regime:
            self._look_to_add(opened, i, seq, ts, levels)

    def _look_to_add(self, opened: OpenTrade, i: int, seq: int, ts: int, levels: LevelsNow) -> None:
        group, close = self._exits.exits(self.data), float(self.data.close[0])
        if group is None or not self._adding.is_due(opened, close):
            return
        if group.is_left(max(ts, seq)) or self._exits.is_leaving(self.data):
            return
        proposal = self._gate.propose(opened.position, seq, ts, self._bar_ns, close, levels[0] * self._tick,
                                      close * self.instrument.lot, ADD_REQUESTS, self._reader.silence(i), adds=True)  # fmt: skip
        decision = self._adding.decide(opened, group, levels, self._reader.quality(i), proposal, seq, self._hours)
        if decision is None:
            return
        self.decisions.append(decision)
        if not decision.reason:
            enter = self.buy if opened.position is Side.LONG else self.sell
            self._adding.given(enter(size=decision.qty, adds=decision.stop), decision)

    def _log(self, seq: int, ts: int, action: str, of: Decision, *, reason: str, stop: float = 0.0) -> None:
        self.decisions.append(
            Decision(seq, ts, of.symbol, action, of.side, of.setup, of.regime, of.levels, reason, of.qty, stop or of.stop)
        )

    def _book(self, order: Any) -> None:
        fill = self._fill(order)
        if self._entering is not None and order.ref == self._entering[0].ref:
            _, decision, c = self._entering
            self._entering = None
            self._adding.begin()
            ticket = self._ticket
            assert ticket is not None  # noqa: S101 - for the type checker
            self._open = OpenTrade(decision, ticket.instrument.symbol, ticket.position, ticket.costs.of, ticket.risk)
            edge = c.val if decision.side is Side.LONG else c.vah
            paid = fill.price if ticket.watch is None else price_before(self.data, fill.seq)
            k = self._reader.k(paid)
            self._watch = Watch(decision.side, c.regime, edge, fill.ts // SECOND_NS * SECOND_NS, best=k, worst=k)
            if ticket.watch is not None:
                self.broker.set_exits(ticket.data, ticket.resting(fill.price))
                self.broker.set_exits(self.data, ticket.watch.entered_at(paid), on=ticket.data)
        if self._open is None or self._ticket is None:
            return  # an order of somebody else's
        if self._adding.is_of(order):
            self._adding.filled()
        self._open.add(fill)
        self._ticket.costs.booked(fill, order.isbuy())
        if isinstance(self._exits, StockExits):
            if fill.reason == "entry":
                self._exits.set_exits(self.data, order.info["exits"].entered_at(fill.price))
            else:
                self._exits.filled(order)
        if not fill.opens:
            self._excursion = order.info["excursion"] if "excursion" in order.info else self._bar_excursion()
        self._end_if_flat()

    def _end_if_flat(self) -> None:
        # What is added at the very tick that closes the trade is filled all the same: it is no other trade.
        if self._open is None or self._open.qty or self._adding.order is not None:
            return
        trade, seq = self._open.trade(self._excursion), self._open.fills[-1].seq
        self.trades.append(trade)
        self._open = self._watch = self._ticket = None
        flat = trade.exit_ts // SECOND_NS * SECOND_NS
        self.risk.ended(Outcome(trade.signal_symbol, trade.side, flat, trade.reason, trade.pnl_net), seq)

    def _fill(self, order: Any) -> Fill:
        if "fill" in order.info:
            return order.info["fill"]  # type: ignore[no-any-return]
        ts = bar_end_ns(order.executed.dt)
        entry = self._entering is not None and order.ref == self._entering[0].ref
        reason = "entry" if entry else (self._exits.reason(order) or "manual")
        return Fill(ts, ts, float(order.executed.price), abs(round(order.executed.size)), reason, "bars")

    def _bar_excursion(self) -> tuple[float, float]:
        assert self._open is not None  # noqa: S101 - for the type checker
        prices = [f.price for f in self._open.fills]
        if self._watch is not None:
            prices += [self._watch.best * self._tick, self._watch.worst * self._tick]
        return min(prices), max(prices)

    def open_trade(self) -> Trade | None:
        """Return the open trade marked at the last close, or None when flat."""
        if self._open is None or self._ticket is None or not self._open.qty:
            return None
        data = self._ticket.data
        excursion = self.broker.excursion(data) if hasattr(self.broker, "excursion") else self._bar_excursion()
        ts = ends_at(self.data)
        mark = Fill(ts, ts, float(data.close[0]), self._open.qty, "open", "bars")
        return self._open.trade(excursion, mark)
