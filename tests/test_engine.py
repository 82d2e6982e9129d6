"""What the event-stepping Cerebro takes, refuses and draws."""

import backtrader as bt
import pytest

from auction_bt.core.errors import Refused
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import StoredData
from auction_bt.strategy import AuctionStrategy
from tests.builders import columns_of, random_ticks, recorded


def feed(seed: int) -> StoredData:
    day = recorded(columns_of(random_ticks(1, per_minute=6, seed=seed), spread=1), symbol=f"S{seed}")
    return StoredData(recorded=day)


def test_an_auction_cerebro_plots_each_symbol_with_its_marks_and_indian_times():
    cerebro = AuctionCerebro(stdstats=True)
    for seed in (3, 4):
        free = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0}
        cerebro.add_symbol(feed(seed), AuctionStrategy, period=60, quantity=1, **free)
    cerebro.broker.setcash(1e7)
    cerebro.run()

    figures = cerebro.plot(style="candle")

    assert len(figures) == 2
    axis = figures[0][0].axes[-1].xaxis
    figures[0][0].canvas.draw()
    labels = [label.get_text() for label in axis.get_ticklabels() if label.get_text()]
    assert labels
    assert all("09:" <= text.split()[-1] < "16:" for text in labels)


def test_what_the_event_order_cannot_hold_is_refused_with_a_way_out():
    cerebro = AuctionCerebro()
    cerebro.setbroker(bt.brokers.BackBroker())
    cerebro.add_symbol(feed(1), bt.Strategy)
    with pytest.raises(Refused, match="use TickBroker"):
        cerebro.run()

    cerebro = AuctionCerebro()
    cerebro.adddata(feed(1))
    with pytest.raises(Refused, match="add_symbol cannot follow adddata"):
        cerebro.add_symbol(feed(2), bt.Strategy)

    class Timed(bt.Strategy):
        def __init__(self):
            self.add_timer(bt.timer.SESSION_START)

    cerebro = AuctionCerebro()
    cerebro.add_symbol(feed(1), Timed)
    with pytest.raises(Refused, match="stock loop"):
        cerebro.run()


def test_used_as_a_stock_cerebro_it_is_one():
    class Counts(bt.Strategy):
        seen = 0

        def next(self):
            self.seen += 1

    cerebro = AuctionCerebro()
    cerebro.adddata(feed(1))
    cerebro.adddata(feed(2))
    cerebro.addstrategy(Counts)

    assert cerebro.run()[0].seen >= 374


def test_a_stop_ends_the_run_at_once():
    class Stops(bt.Strategy):
        seen = 0

        def next(self):
            self.seen += 1
            if self.seen == 5:
                self.env.runstop()

    cerebro = AuctionCerebro()
    cerebro.add_symbol(feed(1), Stops)

    assert cerebro.run()[0].seen == 5
