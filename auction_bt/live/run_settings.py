"""What a live run was told, as its journal keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auction_bt.backtest import Engine, Request, settings_of
from auction_bt.core.ist import SECOND_NS, to_date
from auction_bt.core.leg import Leg
from auction_bt.result import plain

from .engine import LivePlan


def run_settings(plan: LivePlan, legs: Iterable[Leg], *, is_lockstep: bool = False) -> dict[str, Any]:
    """Return it as a backtest of the day has it, so that whatever reads runs reads this one, and what is of a live run alone."""
    day = to_date(plan.day)
    request = Request(
        tuple(i.symbol for i in plan.instruments), day, day, dict(plan.settings), plan.cash, plan.charges, plan.fill,
        Engine.REPLAY,
    )  # fmt: skip
    live = {"orders": plan.orders.value, "patience_s": plan.patience / SECOND_NS, "lockstep": is_lockstep,
            "since": [leg.since for leg in legs]}  # fmt: skip
    found: dict[str, Any] = plain({**settings_of(request), **live})
    return dict(sorted(found.items()))
