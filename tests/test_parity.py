"""Whatever the feed did, the derived tables run in bulk and the messages run one by one end in the same trades and decisions."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from auction_bt.backtest import Engine, Request, run_backtest
from auction_bt.core.errors import AuctionError
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.ist import from_date
from auction_bt.derive import derive
from auction_bt.feeds.decode import decode, symbols_of
from auction_bt.store import RawMessage, TickStore
from auction_bt.store.dsn import open_store
from tests.streams import DAYS, INSTRUMENTS, made, streams

FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "min_stop_ticks": 1, "one_entry_an_edge": False}


def chosen(
    rule: str = "original",
    period: int = 40,
    levels: str = "prior",
    window: str = "rolling",
    floor: float = 0.0,
    stale: int = 3,
    fill: FillPrice = FillPrice.QUOTE,
    latency_ms: int = 0,
    free: bool = True,
) -> tuple[dict[str, Any], FillModel]:
    """Settings of a run, and its fills; `free` of filters that leave few signals."""
    settings = {"rule": rule, "period": period, "levels": levels, "window": window, "quality_floor": floor, "stale_bars": stale}
    return {**(FREE if free else {}), **settings}, FillModel(fill, 1, latency_ms * 1_000_000)


REQUESTS = st.builds(
    chosen,
    rule=st.sampled_from(["original", "auction"]),
    period=st.sampled_from([12, 40]),
    levels=st.sampled_from(["prior", "flat"]),
    window=st.sampled_from(["rolling", "rolling", "session", "composite"]),
    floor=st.sampled_from([0.0, 0.9]),
    stale=st.sampled_from([3, 1000]),
    fill=st.sampled_from(FillPrice),
    latency_ms=st.sampled_from([0, 1_500]),
    free=st.sampled_from([True, True, True, False]),
)


def filled(store: Any, messages: list[RawMessage], symbols: list[str], *, one_by_one: bool = False) -> None:
    for instrument in INSTRUMENTS:
        store.put_instrument(instrument)
    store.append_raw(messages)
    for chosen in [[s] for s in symbols] if one_by_one else [symbols]:
        derive(store, chosen, range(from_date(DAYS[0]) - 2, from_date(DAYS[-1]) + 3))


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


ONE = {"max_concurrent": 1}
# All others, tight: a loss of two hundred rupees gives a day up.
TIGHT = {
    "daily_loss": 0.00004, "stale_feed_s": 60.0, "price_band": 3.0, "cooldown_min": 3.0, "pause_losses": 2, "side_block": 0.6,
    "side_block_min": 2, "exposure": 1.5, "exposure_total": 2.0, "orders_second": 4, "orders_minute": 8, "orders_half_hour": 40,
}  # fmt: skip
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=12, deadline=None, suppress_health_check=SLOW)
@given(case=streams(), run=REQUESTS, guards=st.sampled_from([{}, ONE, TIGHT]), both_days=st.booleans())
# A minute reported before its end, then a silence; frames of tomorrow; frames of yesterday; prices beyond any market.
@example(case=(731, 1, 8, 150, [("shifted I1", 399, 0.74, 0.07, True)]), run=chosen(floor=0.9), guards=ONE, both_days=True)
@example(case=(337, 1, 8, 60, [("other day", 70, 0.77, 0.09, False)]), run=chosen(period=12), guards={}, both_days=True)
@example(case=(473, 2, 4, 150, [("other day", 390, 0.01, 0.08, False)]), run=chosen(period=12), guards={}, both_days=False)
@example(case=(0, 1, 4, 60, [("malformed", 0, 0.0, 1.0, False)]), run=chosen(period=12), guards={}, both_days=False)
def test_any_stream_of_messages_ends_in_the_same_trades_and_decisions_on_both_engines(
    tmp_path_factory: pytest.TempPathFactory, case: Any, run: Any, guards: dict[str, Any], both_days: bool
) -> None:
    names = [i.symbol for i in INSTRUMENTS[: case[1]]]
    params, fill = run
    request = Request(tuple(names), DAYS[1 if both_days else 2], DAYS[2], params | guards, Decimal(5_000_000), fill=fill)
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('parity') / 'a.db'}", create=True) as store:
        filled(store, made(*case), names)
        fast = told(store, request)
        assert told(store, replace(request, engine=Engine.REPLAY)) == fast


@settings(max_examples=6, deadline=None, suppress_health_check=SLOW)
@given(case=streams(2), run=REQUESTS)
def test_symbols_run_apart_trade_as_they_do_together(tmp_path_factory: pytest.TempPathFactory, case: Any, run: Any) -> None:
    """In a store where each was derived on its own, too: what another symbol's messages say is none of its business."""
    names = [i.symbol for i in INSTRUMENTS[: case[1]]]
    params, fill = run
    request = Request(tuple(names), DAYS[2], DAYS[2], {**params, "quantity": 250}, fill=fill, cash=Decimal(10**9))
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('apart') / 'a.db'}", create=True) as store:
        filled(store, made(*case), names, one_by_one=True)
        try:
            together = run_backtest(store, replace(request, engine=Engine.REPLAY)).result
        except AuctionError:
            return  # one of them has nothing to run
        for name in names:
            for engine in Engine:
                alone = run_backtest(store, replace(request, symbols=(name,), engine=engine)).result
                assert apart(alone, name) == apart(together, name)


def test_a_clock_is_everybodys_whatever_symbol_it_names() -> None:
    named = {"kind": "clock", "ts": 5, "symbol": "A"}
    assert symbols_of(named) == ()
    assert decode(named).symbol == ""
    assert symbols_of({**named, "kind": "command"}) == ("A",)
