"""Commands run in an empty folder, and small files to run them on."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from auction_bt.cli import main
from auction_bt.core.ist import MINUTE_NS, day_start
from auction_bt.store.dsn import open_store

ROOT = Path(__file__).resolve().parents[2]
EVER = (-(2**62), 2**62)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
OPEN = day_start(20_437) + 555 * MINUTE_NS  # 2025-12-15 09:15


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Return a function that runs a command in an empty folder and returns (code, output, error)."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        capfd.readouterr()
        code = main([str(w) for w in words])
        return code, *capfd.readouterr()

    return call


@pytest.fixture
def bad(run, tmp_path):
    """Return a function that runs an import that must be refused in one line and leave nothing."""

    def call(*words, code=2):
        before = {p: p.read_bytes() for p in tmp_path.iterdir() if p.suffix == ".db"}
        got, out, error = run(*words)
        assert (got, out) == (code, "")
        assert error.startswith("auction_bt: ")
        assert error.count("\n") == 1
        assert {p: p.read_bytes() for p in tmp_path.iterdir() if p.suffix == ".db"} == before
        return error

    return call


def store():
    return open_store("sqlite:///auction.db", readonly=True)


def content(s, symbol):
    t, b = s.ticks(symbol, *EVER), s.bars(symbol, *EVER)
    columns = [getattr(c, n) for c in (t, b) for n in c.__dataclass_fields__]
    return [c.view(np.int64).tolist() for c in columns], s.gaps(symbol, *EVER), list(s.raw(*EVER, [symbol])), s.instruments()


def write(name, text):
    path = Path(name)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def bars_csv(n=5, **columns):
    base = {"ts": [f"2025-12-15 09:{15 + i}:00" for i in range(n)], "open": [10.0] * n, "high": [11.0] * n, "low": [9.5] * n,
            "close": [10.5] * n, "volume": [100] * n}  # fmt: skip
    table = {k: v for k, v in (base | columns).items() if v is not None}
    return "\n".join([",".join(table), *(",".join(map(str, r)) for r in zip(*table.values(), strict=True))]) + "\n"


def feed(i, key="NSE_FO|1", price=100.05, vtt=None):
    body = {"ltpc": {"ltp": price, "ltt": str((OPEN + i * 10**9) // 10**6), "ltq": "35", "cp": 99.0},
            "vtt": str(35 * (i + 1) if vtt is None else vtt), "optionGreeks": {"delta": 0.5}}  # fmt: skip
    return {
        "type": "live_feed",
        "feeds": {key: {"fullFeed": {"marketFF": body}}},
        "currentTs": str((OPEN + i * 10**9) // 10**6 + 7),
    }


def ticks_csv(rows):
    return "ts,price,size\n" + "".join(f"{ts},{price},{size}\n" for ts, price, size in rows)
