"""The account's value is backtrader's own, whatever is open, to the bit."""

import backtrader as bt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.brokers.valued import ValuedBroker


class Feed:
    """As much of one as a value needs."""

    def __init__(self, name: str, close: float) -> None:
        self._name, self.close = name, [close]


SIZES = st.lists(st.integers(-500, 500) | st.just(0), min_size=0, max_size=6)


@pytest.mark.parametrize("shortcash", [True, False])
@given(sizes=SIZES, prices=st.lists(st.floats(1, 1e5), min_size=12, max_size=12), mkt=st.booleans(), lever=st.booleans())
def test_a_value_is_that_of_all_positions(shortcash: bool, sizes: list[int], prices: list[float], mkt: bool, lever: bool) -> None:
    stock, ours = bt.brokers.BackBroker(shortcash=shortcash), ValuedBroker(shortcash=shortcash)
    for broker in (stock, ours):
        broker.init()
        broker.set_cash(1e6)
        for n, size in enumerate(sizes):
            broker.positions[Feed(f"S{n}", prices[n])] = bt.Position(size, prices[6 + n])
    stock._get_value()
    assert ours.getvalue(mkt=mkt, lever=lever) == stock.getvalue(mkt=mkt, lever=lever)
