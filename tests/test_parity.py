"""Whatever the feed did, the derived tables run in bulk and the messages run one by one end in the same trades and decisions."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.backtest import Engine, Request, run_backtest
from auction_bt.core.errors import AuctionError
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.ist import from_date
from auction_bt.derive import derive
from auction_bt.store import RawMessage, TickStore
from auction_bt.store.dsn import open_store
from tests.streams import DAYS, INSTRUMENTS, streams

FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "min_stop_ticks": 1, "one_entry_an_edge": False}
REQUESTS = st.builds(
    lambda rule, period, levels, window, floor, stale, fill, latency_ms, cost: (
        {
            **(FREE if cost else {}),
            "rule": rule,
            "period": period,
            "levels": levels,
            "window": window,
            "quality_floor": floor,
            "stale_bars": stale,
        },
        FillModel(fill, 1, latency_ms * 1_000_000),
    ),
    rule=st.sampled_from(["original", "auction"]),
    period=st.sampled_from([12, 40]),
    levels=st.sampled_from(["prior", "flat"]),
    window=st.sampled_from(["rolling", "rolling", "session"]),
    floor=st.sampled_from([0.0, 0.9]),
    stale=st.sampled_from([3, 1000]),
    fill=st.sampled_from(FillPrice),
    latency_ms=st.sampled_from([0, 1_500]),
    cost=st.just(True) | st.booleans(),
)


def filled(store: Any, messages: list[RawMessage], symbols: list[str]) -> None:
    for instrument in INSTRUMENTS:
        store.put_instrument(instrument)
    store.append_raw(messages)
    derive(store, symbols, range(from_date(DAYS[0]) - 2, from_date(DAYS[-1]) + 3))


def told(store: TickStore, request: Request) -> tuple[str, str] | str:
    """What a run says: decisions and trades, or why there are none."""
    try:
        result = run_backtest(store, request).result
    except AuctionError as error:
        return f"{type(error).__name__}: {error}"
    return repr(result.decisions), repr(result.trades)


def apart(run: Any, symbol: str) -> tuple[list[str], list[str]]:
    """Decisions and trades of one symbol, without the money the others have made by then."""
    decisions = [replace(d, evidence={k: v for k, v in d.evidence.items() if k != "equity"}) for d in run.decisions]
    return [repr(d) for d in decisions if d.symbol == symbol], [repr(t) for t in run.trades if t.symbol == symbol]


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(
    data=st.data(),
    symbols=st.integers(1, 4),
    request_=REQUESTS,
    max_concurrent=st.sampled_from([0, 1]),
    both_days=st.booleans(),
)
def test_any_stream_of_messages_ends_in_the_same_trades_and_decisions_on_both_engines(
    tmp_path_factory: pytest.TempPathFactory, data: Any, symbols: int, request_: Any, max_concurrent: int, both_days: bool
) -> None:
    names = [i.symbol for i in INSTRUMENTS[:symbols]]
    params, fill = request_
    request = Request(
        tuple(names),
        DAYS[1 if both_days else 2],
        DAYS[2],
        params,
        fill=fill,
        max_concurrent=max_concurrent,
        cash=Decimal(5_000_000),
    )
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('parity') / 'a.db'}", create=True) as store:
        filled(store, data.draw(streams(symbols)), names)
        fast = told(store, request)
        assert told(store, replace(request, engine=Engine.REPLAY)) == fast
