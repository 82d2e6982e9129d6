"""The workload in nautilus_trader: trade ticks, minutes built inside it, bracket orders matched on ticks.

It decides when a minute's time is over, not at the first tick after it, and its own matching prices the fills.
"""

from __future__ import annotations

from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import DataEngineConfig, LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from benchmarks.peers.worker import Case
from benchmarks.peers.workload import CASH, TICK, Auction, Ticks, decide, rupees

_VENUE = Venue("SIM")
_ID = InstrumentId(Symbol("WALK"), _VENUE)
_MINUTES = BarType.from_str(f"{_ID}-1-MINUTE-LAST-INTERNAL")


class FadeConfig(StrategyConfig, frozen=True):  # type: ignore[misc, call-arg]
    """Nothing to set."""


class Fade(Strategy):  # type: ignore[misc]
    """Trades the rule with brackets, one at a time."""

    def __init__(self) -> None:
        super().__init__(FadeConfig())
        self.fills = 0
        self._auction = Auction()

    def on_start(self) -> None:
        """Ask for the minutes."""
        self.subscribe_bars(_MINUTES)

    def on_order_filled(self, event: Any) -> None:  # noqa: ARG002
        """Count a fill."""
        self.fills += 1

    def on_bar(self, bar: Bar) -> None:
        """Decide on a closed bar."""
        low, high, close = (round(float(x) / TICK) for x in (bar.low, bar.high, bar.close))
        levels = self._auction.push(low, high, close, int(bar.volume))
        if levels is None or not self.portfolio.is_flat(_ID):
            return
        if self.cache.orders_open_count() or self.cache.orders_inflight_count():
            return
        if (found := decide((high, low, close), *levels)) is None:
            return
        side, stop, target = found
        self.submit_order_list(
            self.order_factory.bracket(
                instrument_id=_ID,
                order_side=OrderSide.BUY if side > 0 else OrderSide.SELL,
                quantity=Quantity.from_int(1),
                sl_trigger_price=Price(rupees(stop), 2),
                tp_price=Price(rupees(target), 2),
            )
        )


def ready(ticks: Ticks) -> tuple[Any, Fade]:
    """Return an engine that holds the ticks as its own objects."""
    quiet = BacktestEngineConfig(
        trader_id=TraderId("BENCH-1"),
        logging=LoggingConfig(bypass_logging=True),
        data_engine=DataEngineConfig(time_bars_build_with_no_updates=False),
    )
    engine = BacktestEngine(quiet)
    money = [Money(CASH, USD)]
    engine.add_venue(_VENUE, OmsType.NETTING, AccountType.MARGIN, base_currency=USD, starting_balances=money)
    step, one = Price.from_str("0.05"), Quantity.from_int(1)
    engine.add_instrument(Equity(_ID, Symbol("WALK"), USD, 2, step, one, ts_event=0, ts_init=0))
    rows = zip(ticks.price.tolist(), ticks.size.tolist(), ticks.ts.tolist(), strict=True)
    side = AggressorSide.NO_AGGRESSOR
    engine.add_data(
        [TradeTick(_ID, Price(p, 2), Quantity.from_int(q), side, TradeId(str(i)), t, t) for i, (p, q, t) in enumerate(rows)]
    )
    strategy = Fade()
    engine.add_strategy(strategy)
    return engine, strategy


def run(given: tuple[Any, Fade]) -> int:
    """Return how many fills there were."""
    engine, strategy = given
    engine.run()
    engine.dispose()
    return strategy.fills


CASES = {"trade ticks, minutes inside": Case(run, 4, prepare=ready)}
