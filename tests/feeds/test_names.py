"""What our classes keep hides nothing that backtrader calls."""

import ast
import inspect
import textwrap

import pytest

from auction_bt.analyzers import costs, equity, levels, narrator, quality, regimes, summary, trades
from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.brokers.upstox_broker import UpstoxBroker
from auction_bt.feeds.questdb import QuestDBData
from auction_bt.feeds.quoted import QuotedData
from auction_bt.feeds.stored import StoredData
from auction_bt.feeds.streamed import StreamedData
from auction_bt.feeds.upstox import UpstoxData
from auction_bt.indicators import VolumeProfile
from auction_bt.strategy import AuctionStrategy

OURS = [
    QuestDBData, QuotedData, StoredData, StreamedData, UpstoxData, UpstoxBroker, TickBroker, AuctionStrategy, VolumeProfile,
    costs.Costs, equity.Equity, levels.LevelEvents, narrator.Narrator, quality.Quality, regimes.Regimes, summary.AuctionSummary,
    trades.TradeList,
]  # fmt: skip


def assigned(source: str) -> set[str]:
    stores = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute))
    return {n.attr for n in stores if isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name) and n.value.id == "self"}


@pytest.mark.parametrize("of", OURS)
def test_no_attribute_hides_a_method_of_backtrader(of: type) -> None:
    ours = [base for base in of.__mro__ if base.__module__.startswith("auction_bt")]
    theirs = [base for base in of.__mro__ if base.__module__.startswith("backtrader")]
    assert theirs, "it is none of backtrader's"
    names = {name for base in ours for name in assigned(textwrap.dedent(inspect.getsource(base)))}
    assert names
    hidden = {n for n in names if any(inspect.isfunction(vars(base).get(n)) for base in theirs)}
    assert not hidden
