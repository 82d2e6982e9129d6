"""A store of short days of some shares, and sweeps on them."""

from pathlib import Path

import numpy as np
import pytest

from auction_bt.core.errors import BadInput
from auction_bt.store.trials import TrialLedger
from tests.importing.made import bars_csv, write

SYMBOLS = ("AAA", "BBB", "CCC")
DAYS = ["--from-date", "2025-12-16", "--to-date", "2025-12-19"]
GRID = ["--grid", "period=10:25:5", "--grid", "min_r=0.5,1.0"]


def walk_csv(seed, days=5, first=0, start=0, minutes=60):
    """Minutes of each of some days, from minute `first` and `start` days after 2025-12-15 on: a walk that comes back."""
    rng = np.random.default_rng(seed)
    ts = [1_765_770_300 + 86_400 * d + 60 * m for d in range(start, start + days) for m in range(first, first + minutes)]
    price = np.round(1500 + 12 * np.sin(np.arange(len(ts)) / 7) + np.cumsum(rng.normal(0, 0.6, len(ts))), 1)
    spread = np.round(np.abs(rng.normal(0, 1.0, len(ts))), 1)
    return bars_csv(len(ts), ts=ts, open=price, high=price + spread, low=price - spread, close=price)


@pytest.fixture
def filled(run):
    """Return `run` in a folder whose store holds `SYMBOLS`."""
    for seed, symbol in enumerate(SYMBOLS):
        write(f"{symbol}.csv", walk_csv(seed))
        code, _, error = run("import", f"{symbol}.csv", "--symbol", symbol, "--tick", "0.10")
        assert (code, error) == (0, "")
    return run


def kept(state):
    """How many trials the ledger of a state folder has; 0 where there is none yet."""
    try:
        with TrialLedger.open(Path(state), readonly=True) as ledger:
            return ledger.count()
    except BadInput:
        return 0
