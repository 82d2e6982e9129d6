"""Whatever goes wrong on the line, and whenever the bot dies: it ends with the exchange's position, and no order twice."""

import os
from collections import Counter
from datetime import date

import numpy as np
import pytest

from auction_bt.cli.sim import seeded
from auction_bt.core.ist import to_date
from auction_bt.live.rehearsal import fill_made_up, store_of
from auction_bt.live.warm import warm_days
from auction_bt.sim.day import day_of_seed
from auction_bt.sim.matching import AS_BACKTESTED, STRICT
from auction_bt.store.dsn import open_store

from .world import SHARES, World, legs_of, plan_of

DAY = date(2026, 3, 10)
SEEDS = int(os.environ.get("AUCTION_FAULT_SEEDS", "100"))
MINUTES = 90
#: Many trades, and many of them added to.
ADDED = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "adds": 2, "add_step": 0.0005}
KILLS = int(os.environ.get("AUCTION_KILL_POINTS", "30"))


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """Days before, of each seeded day, made once."""
    made = {}

    def of(seed, day, plan):
        if seed not in made:
            folder = tmp_path_factory.mktemp("faults")
            fill_made_up(folder, seed, [c.instrument for c in day.contracts], to_date(day.day), 3)
            with open_store(store_of(folder)) as store:
                made[seed] = list(warm_days(store, legs_of(day), day.day, plan.settings))
        return made[seed]

    return of


@pytest.mark.parametrize("seeds", [range(n, SEEDS, 10) for n in range(10)], ids=lambda r: f"from{r.start}")
def test_it_ends_with_the_exchange_s_position(warm, seeds):
    did = sum((play(warm, seed) for seed in seeds), Counter())
    assert all(did[what] for what in (*SHARES, "add")), "a kind of fault that never happened proves nothing"


def play(warm, seed):
    dice = np.random.default_rng(seed)
    day = day_of_seed(seed % 4, DAY, seeded(2), per_minute=3)
    plan = plan_of(day, **ADDED, one_entry_an_edge=False)
    world = World(day, seed=seed, matching=STRICT if dice.random() < 0.5 else AS_BACKTESTED, minutes=MINUTES)
    kills = sorted(int(k) for k in dice.integers(100, 1_800, size=int(dice.integers(0, 6))))
    engine = world.run(plan, warm(seed % 4, day, plan), kills=kills, away=int(dice.integers(1, 120)))
    judge(world, engine, f"seed {seed}")
    return world.did + Counter(d.action for d in engine.decisions)


def judge(world, engine, which=""):
    ours = {s.instrument.symbol: size for s in engine.strategies if (size := round(engine.broker.positions[s.data].size))}
    others = world.others(engine)
    both = {s: qty for s in ours | others if (qty := ours.get(s, 0) + others.get(s, 0))}
    assert both == world.positions(), (which, world.alarms)
    tags = world.tags()
    assert len(tags) == len(set(tags)), f"{which}: an order went out twice"
    assert not engine.broker.keepers, f"{which}: something of it is not over"


@pytest.mark.parametrize("part", range(5))
def test_killed_at_any_step_it_ends_as_if_it_had_not_been(warm, part):
    # Nothing else goes wrong, and it is back at once.
    day = day_of_seed(1, DAY, seeded(2), per_minute=3)
    plan = plan_of(day, **ADDED)
    whole = World(day, minutes=MINUTES)
    trades = (alive := whole.run(plan, warm(1, day, plan))).trades
    judge(whole, alive)
    steps = np.unique(np.linspace(50, whole.calm_step - 10, KILLS).astype(int))[part::5]
    for step in steps:
        world = World(day, minutes=MINUTES)
        engine = world.run(plan, warm(1, day, plan), kills=[int(step)], away=0)
        judge(world, engine, f"killed at step {step}")
        assert not world.dies_at, "it did not die"
        assert len(engine.trades) >= len(trades) - 1, "an order that was on its way may be lost, and no more"
