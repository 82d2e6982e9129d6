"""A real recording, played through the simulator's sockets to a live run, is the recording imported."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auction_bt.cli import live_main, main
from auction_bt.core.ist import day_start, from_date
from auction_bt.store.dsn import open_store

DAY = from_date(date(2025, 12, 15))
MESSAGES = 3_500  # of each instrument: some 80 minutes


@pytest.mark.data
def test_a_capture_through_the_sockets_is_the_capture_imported(shared_data: Any, tmp_path: Path) -> None:
    begun = []
    for path in sorted(shared_data("upstox-capture-20251215").glob("*_data.json.gz")):
        with gzip.open(path) as file:
            some = json.load(file)[:MESSAGES]
        begun.append(tmp_path / path.name.replace(".gz", ""))
        begun[-1].write_text(json.dumps(some))
    imported = f"sqlite:///{tmp_path / 'a.db'}"
    assert main(["import", *map(str, begun), "--store", imported]) == 0

    words = ["--orders", "sim", "--store", imported, "--lockstep", "--every", "1000", "--state", str(tmp_path / "state")]
    assert live_main([*words, "--set", "own_profile=true"]) == 0

    played = f"sqlite:///{tmp_path / 'state' / 'rehearsal' / 'auction.db'}"
    with open_store(imported, readonly=True) as one, open_store(played, readonly=True) as other:
        names = sorted(i.symbol for i in one.instruments())
        assert len(names) == 2
        for name in names:
            for table in ("ticks", "bars"):
                left, right = (getattr(store, table)(name, day_start(DAY), day_start(DAY + 1)) for store in (one, other))
                columns = ("ts", "price", "size", "bid", "ask", "oi") if table == "ticks" else (
                    "ts", "open", "high", "low", "close", "volume", "source")  # fmt: skip
                assert len(left.ts) > 50
                for column in columns:
                    np.testing.assert_array_equal(getattr(left, column), getattr(right, column), f"{name} {column}")
