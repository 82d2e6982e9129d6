"""The workload in back-trader-cpp, which speaks stock backtrader's language: the same file, another engine."""

from __future__ import annotations

import sys
from dataclasses import replace

import back_trader

sys.modules["backtrader"] = back_trader

from benchmarks.peers.stock import CASES as _STOCK  # noqa: E402 - the name must stand first
from benchmarks.peers.workload import DAYS  # noqa: E402

# It takes no feed written in Python; its own reads the frame in C++. A day is over in less time than can be measured well.
CASES = {name: replace(case, days=DAYS) for name, case in _STOCK.items() if "PandasData" in name}
