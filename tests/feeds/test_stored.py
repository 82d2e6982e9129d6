"""What is loaded from a store: inside the session, in an order that nothing later can change."""

from dataclasses import replace

import numpy as np
import pytest

from auction_bt.core.bar import NEVER, BarColumns
from auction_bt.core.errors import Refused
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import DAY_NS, day_index, to_datetime
from auction_bt.feeds.stored import StoredData, load
from auction_bt.store.dsn import open_store
from tests.builders import bars_of, columns_of, random_ticks, recorded


def test_a_day_that_was_never_completed_is_known_no_later_than_the_next(tmp_path):
    """Ticks on days one and three, candles alone between: day one's last bar waits for day three's first tick."""
    ticks = columns_of(random_ticks(3, per_minute=3, seed=1))
    day = day_index(ticks.ts)
    first, second, third = (ticks.take(day == d) for d in np.unique(day))
    bars = bars_of(ticks)
    bars = replace(bars, known_seq=bars.known_seq.copy())
    of_second = day_index(bars.ts) == day_index(int(second.ts[0]))
    bars.known_seq[of_second] = bars.ts[of_second] + 60_000_000_000
    bars.known_seq[np.flatnonzero(of_second)[0] - 1] = third.seq[0]
    instrument = Instrument("X", recorded(first).instrument.tick)
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        store.put_instrument(instrument)
        for d, part in ((int(d), ticks.take((day == d) & (d != day_index(int(second.ts[0]))))) for d in np.unique(day)):
            store.put_derived("X", range(d, d + 1), part, bars.take(day_index(bars.ts) == d), [])
        found = load(store, instrument, 0, int(third.ts[-1]) + DAY_NS)

    assert len(found.bars) > 1000
    assert (np.diff(found.bars.known_seq) >= 0).all()
    assert (np.diff(found.market.known) >= 0).all()


def test_prints_outside_the_session_and_bars_nobody_completed_are_left_out(tmp_path):
    ticks = columns_of(random_ticks(2, per_minute=3, seed=1))
    early = replace(ticks, ts=ticks.ts - 600_000_000_000)  # 09:05 to 15:20
    bars: BarColumns = bars_of(early)
    instrument = Instrument("X", recorded(ticks).instrument.tick)
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        store.put_instrument(instrument)
        for d in np.unique(day_index(early.ts)):
            own = range(int(d), int(d) + 1)
            store.put_derived("X", own, early.take(day_index(early.ts) == d), bars.take(day_index(bars.ts) == d), [])
        found = load(store, instrument, 0, 2**62)

    assert len(found.bars) == 2 * 365 - 1  # ten minutes of each day lie before the open; the very last is never completed
    assert NEVER not in found.bars.known_seq
    assert len(found.market.seq) == 2 * 365 * 3


def test_days_are_chosen_when_loading_and_not_by_backtraders_dates():
    day = recorded(columns_of(random_ticks(1, per_minute=3, seed=1)))
    data = StoredData(recorded=day, fromdate=to_datetime(int(day.bars.ts[9])))
    with pytest.raises(Refused, match="choose the days when loading"):
        data.start()
