"""The recorded messages, one by one through the router, end in the same trades and decisions as the stored ticks in bulk."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.backtest import Engine, Request, run_backtest
from auction_bt.cli import main
from auction_bt.core.errors import NothingToDo
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import SECOND_NS, day_start, from_date
from auction_bt.derive import derive
from auction_bt.feeds.stored import load
from auction_bt.feeds.streamed import StreamedData
from auction_bt.guard_settings import DESIGN
from auction_bt.market.sessions import session_of
from auction_bt.router import LiveMarketRouter
from auction_bt.store import Event, RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import DEMO, messages

FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False}
DAYS = (date(2026, 3, 9), date(2026, 3, 10))


def fill(store: Any, instruments: list[Instrument], seed: int, per_minute: int = 6, in_session: bool = False) -> None:
    for shape, instrument in zip(DEMO, instruments, strict=False):
        store.put_instrument(instrument)
        for number, day in enumerate(DAYS):
            stream = messages(instrument.symbol, day, shape, seed + number, per_minute=per_minute)
            opening, closing = session_of(instrument, from_date(day)).bounds(from_date(day))
            begin, end = (opening + SECOND_NS, closing - 20 * SECOND_NS) if in_session else (0, 2**62)
            kept = ((stamp, body) for stamp, body in stream if begin < stamp < end)
            store.add_raw(RawMessage(stamp, json.dumps(body), tuple(body.get("feeds", ()))) for stamp, body in kept)
    derive(store, [i.symbol for i in instruments], [from_date(d) for d in DAYS])


def both(store: Any, symbols: list[str], fill_model: FillModel, **params: Any) -> tuple[Any, Any]:
    runs = [
        run_backtest(store, Request(tuple(symbols), DAYS[-1], DAYS[-1], {**FREE, **params}, fill=fill_model, engine=engine))
        for engine in (Engine.FAST, Engine.REPLAY)
    ]
    return runs[0].result, runs[1].result


def tight(loss: float) -> dict[str, Any]:
    """Guards that have something to say on made-up days, or none."""
    if not loss:
        return {}
    return DESIGN | {"daily_loss": loss, "price_band": 0.6, "side_block_min": 2, "orders_minute": 8}


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rule=st.sampled_from(["original", "auction"]),
    period=st.sampled_from([30, 120]),
    price=st.sampled_from(FillPrice),
    latency_ms=st.sampled_from([0, 1_500]),
    together=st.booleans(),
    floor=st.sampled_from([0.0, 0.97]),
    loss=st.sampled_from([0.0, 0.002]),
)
def test_a_replay_ends_in_the_same_trades_and_decisions(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    rule: str,
    period: int,
    price: FillPrice,
    latency_ms: int,
    together: bool,
    floor: float,
    loss: float,
) -> None:
    instruments = list(DEMO.values())[: 3 if together else 1]
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('replay') / 'a.db'}", create=True) as store:
        fill(store, instruments, seed)
        model = FillModel(price, 1, latency_ms * 1_000_000)
        fast, replayed = both(
            store, [i.symbol for i in instruments], model, rule=rule, period=period, **tight(loss) | {"quality_floor": floor}
        )

    assert len(fast.decisions) > 5
    assert repr(replayed.decisions) == repr(fast.decisions)
    assert replayed.trades == fast.trades


class Written:
    """A sink that writes a streamed feed."""

    def __init__(self, data: StreamedData) -> None:
        self.on_tick, self.on_bar, self.on_gap = data.add_tick, data.add_bar, data.add_gap

    def on_event(self, event: Event) -> None:
        """There are none."""


@pytest.mark.parametrize("in_session", [False, True])
def test_a_feed_written_message_by_message_is_the_one_loaded_in_bulk(tmp_path: Path, in_session: bool) -> None:
    """Also where a day's first message is a trade, which makes yesterday's last bar known today."""
    instrument = next(iter(DEMO.values()))
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        fill(store, [instrument], 3, in_session=in_session)
        loaded = load(store, instrument, 0, day_start(from_date(DAYS[-1]) + 1))
        data = StreamedData(instrument=instrument)
        router = LiveMarketRouter(Written(data))
        for message in store.raw(0, 2**62, [instrument.symbol]):
            router.on_message(message.text, message.ts)

    assert len(loaded.bars) > 700
    assert data.bars.ts == loaded.bars.ts.tolist()
    assert data.bars.known_seq == loaded.bars.known_seq.tolist()
    assert data.tick_days == loaded.tick_days.tolist()
    np.testing.assert_array_equal(data.bar_quality.view, loaded.quality)
    assert loaded.market is not None
    for column in ("seq", "ts", "k", "price", "bid", "ask", "clock"):
        np.testing.assert_array_equal(getattr(data.market, column), getattr(loaded.market, column))
    np.testing.assert_array_equal(data.market.known.view, loaded.market.known)
    assert data.tape.day == loaded.tape.day.tolist()
    for bar in range(len(loaded.bars)):
        np.testing.assert_array_equal(data.tape.bar(bar), loaded.tape.bar(bar))


@pytest.mark.data
@pytest.mark.parametrize("rule", ["original", "auction"])
def test_a_recorded_day_replays_to_the_same_trades_together_and_apart(shared_data: Any, tmp_path: Path, rule: str) -> None:
    folder = shared_data("upstox-capture-20251215")
    dsn = f"sqlite:///{tmp_path / 'a.db'}"
    assert main(["import", *map(str, sorted(folder.glob("*_data.json.gz"))), "--store", dsn]) == 0
    symbols = ["NSE_EQ|INE027H01010", "NSE_FO|51502"]
    day = date(2025, 12, 15)
    found = {}
    with open_store(dsn, readonly=True) as store:
        for engine in Engine:
            for chosen in (symbols, symbols[:1], symbols[1:]):
                request = Request(
                    tuple(chosen),
                    day,
                    day,
                    {**FREE, "rule": rule, "period": 60, "quantity": 35, "own_profile": True},
                    engine=engine,
                )
                result = run_backtest(store, request).result
                for symbol in chosen:
                    said = repr([t for t in result.trades if t.symbol == symbol])
                    found.setdefault(symbol, []).append(said)

    for symbol in symbols:
        assert len(set(found[symbol])) == 1, symbol
        assert "Trade(" in found[symbol][0]


def test_days_without_messages_cannot_be_replayed_and_say_so(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        instrument = next(iter(DEMO.values()))
        fill(store, [instrument], 1)
        ticks, bars = store.ticks(instrument.symbol, 0, 2**62), store.bars(instrument.symbol, 0, 2**62)
        other = Instrument("COPY", instrument.tick, instrument.lot, instrument.kind)
        store.put_instrument(other)
        first = from_date(DAYS[0])
        store.put_derived("COPY", range(first, first + 2), ticks, bars, [])
        with pytest.raises(NothingToDo, match="no messages of COPY"):
            run_backtest(store, Request(("COPY",), DAYS[-1], DAYS[-1], engine=Engine.REPLAY))
