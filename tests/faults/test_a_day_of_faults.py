"""Whatever goes wrong on the line, and whenever the bot dies: it ends with the exchange's position, and no order twice."""

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

from .world import World, legs_of, plan_of

DAY = date(2026, 3, 10)
SEEDS = 12


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


@pytest.mark.parametrize("seed", range(SEEDS))
def test_it_ends_with_the_exchange_s_position(warm, seed):
    dice = np.random.default_rng(seed)
    day = day_of_seed(seed % 4, DAY, seeded(2), per_minute=3)
    plan = plan_of(day, cost_multiple=0.0, stop_cost_multiple=0.0, min_r=0.0, one_entry_an_edge=False)
    world = World(day, seed=seed, matching=STRICT if dice.random() < 0.5 else AS_BACKTESTED)
    kills = sorted(int(k) for k in dice.integers(100, 12_000, size=int(dice.integers(0, 6))))
    engine = world.run(plan, warm(seed % 4, day, plan), kills=kills, away=int(dice.integers(1, 120)))
    judge(world, engine)


def judge(world, engine):
    ours = {s.instrument.symbol: size for s in engine.strategies if (size := round(engine.broker.positions[s.data].size))}
    assert ours == world.positions(), world.alarms
    tags = world.tags()
    assert len(tags) == len(set(tags)), "an order went out twice"
    assert not engine.broker.keepers, "something of it is not over"
