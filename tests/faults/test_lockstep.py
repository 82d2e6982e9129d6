"""A day on which nothing goes wrong: what was traded at the exchange is what a backtest of the recording trades."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.brokers.indian import indian_charges
from auction_bt.cli.sim import seeded
from auction_bt.core.ist import to_date
from auction_bt.derive import derive
from auction_bt.guard_settings import DESIGN
from auction_bt.live.proof import LiveRecord, prove
from auction_bt.live.rehearsal import fill_made_up, store_of
from auction_bt.live.run_settings import run_settings
from auction_bt.live.warm import warm_days
from auction_bt.sim.day import day_of_seed
from auction_bt.store.dsn import open_store

from .world import World, legs_of, plan_of

DAY = date(2026, 3, 10)
# Hundreds of signals, and guards that have something to say to them.
GUARDED = {**DESIGN, "daily_loss": 0.004, "side_block_min": 3, "orders_minute": 8, "quality_floor": 0.0, "period": 40,
           "cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False}  # fmt: skip
# As many adds as can be had.
ADDED = {"period": 40, "cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False, "adds": 2,
         "add_step": 0.0005}  # fmt: skip


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 4),
    per_minute=st.integers(2, 8),
    rule=st.sampled_from(["original", "auction"]),
    guards=st.sampled_from([{}, GUARDED, ADDED, ADDED | {"quantity": 150, "time_stop_bars": 3}]),
)
def test_live_is_the_replay_and_the_backtest(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int, per_minute: int, rule: str, guards: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("lockstep")
    day = day_of_seed(seed, DAY, seeded(count), per_minute=per_minute)
    plan, legs = plan_of(day, is_lockstep=True, rule=rule, **guards), legs_of(day)
    fill_made_up(folder, seed, [c.instrument for c in day.contracts], to_date(day.day), per_minute)
    with open_store(store_of(folder)) as store:
        world = World(day)
        engine = world.run(plan, list(warm_days(store, legs, day.day, plan.settings)))
        store.add_raw(world.recorded)
        derive(store, day.keys, [day.day])
        record = LiveRecord(run_settings(plan, legs, is_lockstep=True), tuple(engine.decisions), tuple(engine.trades))
        found = prove(store, record, indian_charges())
    assert [c.difference for c in found if not c.is_same] == []
    assert not world.positions()
    assert len(world.tags()) == len(set(world.tags()))
