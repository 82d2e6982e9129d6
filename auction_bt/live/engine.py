"""The live engine: messages in their order through the router into feeds, strategies and a broker; the same for a replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from auction_bt.analyzers.alerts import LevelAlerts
from auction_bt.analyzers.equity import Equity
from auction_bt.analyzers.narrator import Narrator
from auction_bt.analyzers.regimes import Regimes
from auction_bt.analyzers.trades import TradeList
from auction_bt.brokers.commission import MARGIN, ChargedCommission
from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.brokers.upstox_broker import UpstoxBroker
from auction_bt.core.costing import Charges
from auction_bt.core.decision import Decision, funnel
from auction_bt.core.fills import FillModel
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_index, day_start
from auction_bt.core.live_order import Action
from auction_bt.core.news import AtLevel, News, Turned
from auction_bt.core.risk import RiskBook
from auction_bt.core.tariff import Product
from auction_bt.core.trade import Trade
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import Recorded
from auction_bt.feeds.streamed import StreamedData
from auction_bt.router import LiveMarketRouter
from auction_bt.strategy import AuctionStrategy

from .commands import NO_ORDERS, Commands, Obeyed
from .looks import Looks
from .source import Received
from .source import Source as Messages
from .steps import LiveSteps

LATEST_NS: Final = 2 * MINUTE_NS  # after the session's end, for the last minutes to be known


class Orders(StrEnum):
    """Where orders go."""

    PAPER = "paper"  # nowhere: they are filled on the ticks that come, as in a backtest
    NONE = "none"  # there are none: alerts only
    SIM = "sim"  # to the simulated exchange
    UPSTOX = "upstox"


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What a live run does; the same plan and messages, the same trades.

    Parameters
    ----------
    instruments : tuple of Instrument
    settings : dict
        Settings of `AuctionStrategy` that differ from their defaults.
    cash : Decimal, rupees
    charges : Charges
    live_from : int, ns
        Bars that end before fill the windows and are not traded.
    orders : Orders
    fill : FillModel
        Of orders that go nowhere.
    freeze : mapping of str to int, shares
        Most that one order may have, by symbol.
    patience : int, ns
        How long an order at market may rest.
    """

    instruments: tuple[Instrument, ...]
    settings: Mapping[str, Any]
    cash: Decimal
    charges: Charges
    live_from: int
    orders: Orders = Orders.PAPER
    fill: FillModel = field(default_factory=FillModel)
    freeze: Mapping[str, int] = field(default_factory=dict)
    patience: int = 5 * SECOND_NS

    @property
    def product(self) -> Product:
        """What the orders are: what is not squared off is carried."""
        return Product.squared_off(self.settings.get("square_off", "auto"))

    @property
    def day(self) -> int:
        """IST day."""
        return int(day_index(self.live_from))

    @property
    def is_elsewhere(self) -> bool:
        """Whether orders leave this process."""
        return self.orders in {Orders.SIM, Orders.UPSTOX}


class LiveAuctionEngine:
    """Runs a plan on a source of messages until that is over or somebody says so.

    Parameters
    ----------
    plan : LivePlan
    source : Source
    warm : iterable of Recorded
        Days that are over, one item a symbol: they fill the windows.
    send : callable (Action), optional
        Carries requests to the exchange; without it they go nowhere, and the source brings what came of them.
    refusal : callable returning str, optional
        Why no new order may go out now; '' where it may.
    tell : callable (News), optional
        Takes decisions, fills, closed trades and changes of regime, in their order. Of minutes that were missed, and come all at
        once, it takes the regime that they have led to, and not each change on the way.
    alarm : callable (str), optional
        Takes what somebody must know now.
    look : callable returning float, optional
        Called between messages: what is due by the clock on the wall is done there. Returns the seconds until the next look.
    heard : callable (int, str), optional
        Takes the `seq` and the text of each ``order`` message.

    Attributes
    ----------
    decisions, trades : list
        All so far, in their order.
    strategies : list of AuctionStrategy
        In the order of the plan's instruments; empty before the run.
    """

    def __init__(
        self, plan: LivePlan, source: Messages, warm: Iterable[Recorded] = (), *, send: Callable[[Action], None] | None = None,
        refusal: Callable[[], str] | None = None, tell: Callable[[News], None] | None = None,
        alarm: Callable[[str], None] | None = None, look: Callable[[], float] | None = None,
        heard: Callable[[int, str], None] | None = None,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.source = source
        self.decisions: list[Decision] = []
        self.trades: list[Trade] = []
        self.strategies: list[AuctionStrategy] = []
        self.risk = RiskBook(plan.cash, halted=NO_ORDERS if plan.orders is Orders.NONE else "")
        self.seq = 0
        self.is_stopping = False
        self._is_elsewhere = plan.is_elsewhere
        self._warm = warm
        self._tell = tell or (lambda _: None)
        self._alarm = alarm or (lambda _: None)
        self._looks = Looks(look or (lambda: 1.0))
        self._heard = heard or (lambda _seq, _text: None)
        self._cerebro = AuctionCerebro()
        self.broker: Any = (
            UpstoxBroker(send=send, freeze=plan.freeze, patience=plan.patience, refusal=refusal)
            if plan.is_elsewhere
            else TickBroker(fill=plan.fill)
        )
        self.steps: LiveSteps | None = None
        self.router: LiveMarketRouter | None = None
        self._commands: Commands | None = None
        self._turned: dict[str, Turned] = {}  # by symbol: what minutes that were missed have led to
        self._build()

    def _build(self) -> None:
        plan, cerebro = self.plan, self._cerebro
        self.broker.set_cash(float(plan.cash))
        cerebro.setbroker(self.broker)
        settings = {**plan.settings, "slippage": plan.fill.slippage}
        for instrument in plan.instruments:
            commission = ChargedCommission(  # type: ignore[call-arg]
                charges=plan.charges, instrument=instrument, product=plan.product, freeze=plan.freeze.get(instrument.symbol, 0)
            )
            self.broker.addcommissioninfo(commission, name=instrument.symbol)
            feed = StreamedData(instrument=instrument, end=day_start(plan.day + 1))  # type: ignore[call-arg]
            cerebro.add_symbol(
                feed, AuctionStrategy, risk=self.risk, charges=plan.charges, margin=MARGIN[instrument.kind],
                trade_from=plan.live_from, **settings,
            )  # fmt: skip
        for analyzer in (TradeList, Equity, Regimes):
            cerebro.addanalyzer(analyzer)
        cerebro.addanalyzer(Narrator, tell=self._news, begin=plan.live_from)
        if plan.orders is Orders.NONE:  # for whoever trades by hand
            cerebro.addanalyzer(LevelAlerts, tell=self._news, begin=plan.live_from)

    @property
    def refused(self) -> int:
        """Signals refused so far, those on minutes that were missed among them."""
        log = funnel(self.decisions)
        return log["signals"] - log["taken"]

    def obeyed(self, name: str) -> Obeyed | None:
        """Return what came of the word that was given under a name; None before it was obeyed."""
        return self._commands.obeyed.get(name) if self._commands is not None else None

    @property
    def was_told(self) -> bool:
        """Whether somebody has halted, resumed or flattened: a backtest knows nothing of that."""
        return self._commands is not None and self._commands.was_told

    def run(self) -> list[AuctionStrategy]:
        """Run until the source is over, or `stop` was called."""
        return self._cerebro.stream(self._route, LiveSteps)

    def stop(self) -> None:
        """Take no more messages."""
        self.is_stopping = True

    def _route(self, steps: LiveSteps) -> None:
        self.steps = steps
        self.strategies = list(self._cerebro.runningstrats)
        self._commands = Commands(steps, self.risk, self._heard)
        self.router = router = LiveMarketRouter(self._commands, symbols={i.symbol for i in self.plan.instruments})
        steps.clock = router.clock
        for recorded in self._warm:
            steps.warm_up(recorded)
        for strategy in self.strategies:
            if strategy.session_profile is not None:
                strategy.session_profile.settle()  # no bar of today has to wait for what yesterday has led to
        while not self.is_stopping:
            received = self.source.next(self._looks.wait())
            if received is not None:
                self._take(router, steps, received)
            elif self.source.is_over:
                break

    def _take(self, router: LiveMarketRouter, steps: LiveSteps, received: Received) -> None:
        self.seq, was_lost = received.seq, self.risk.today.is_lost
        router.on_message(received.message, received.seq)
        steps.finish(received.seq)
        while self._turned:
            self._tell(self._turned.pop(next(iter(self._turned))))
        if self.risk.today.is_lost and not was_lost:
            self._alarm("the loss of the day has met its limit: what is open is left, and nothing is opened any more today")
        broker = self.broker
        if self._is_elsewhere and (broker.alarms or broker.blocked or broker.difference):
            self._listen(broker)

    def _listen(self, broker: UpstoxBroker) -> None:
        # What the account has shown that no strategy has asked for.
        self.risk.blocked |= broker.blocked
        broker.blocked.clear()
        if broker.difference and not self.risk.halted:
            self.risk.halted = broker.difference
        broker.difference = ""
        for text in broker.alarms:
            self._alarm(text)
        broker.alarms.clear()

    def _news(self, news: News) -> None:
        if isinstance(news, Decision):
            self.decisions.append(news)
        elif isinstance(news, Trade):
            self.trades.append(news)
        is_late = self._commands is not None and self._commands.is_late
        if isinstance(news, Turned) and (is_late or news.symbol in self._turned):
            self._turned[news.symbol] = replace(news, before=None)
        elif not (isinstance(news, AtLevel) and is_late):
            self._tell(news)
