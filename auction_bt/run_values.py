"""What differs between two runs, as plain JSON values."""

from __future__ import annotations

from typing import Any

from .result import trade_json
from .run_comparison import Alone, RunComparison


def comparison_json(found: RunComparison) -> dict[str, Any]:
    """Return a comparison as plain JSON values; stamps are int ns since 1970 UTC, money and prices are numbers."""
    return {
        "schema": 1,
        "same": found.is_same,
        "settings": {name: {"left": a, "right": b} for name, a, b in found.settings},
        "decisions_apart": found.decisions,
        "trades_alike": found.alike,
        "trades_apart": [{"apart": list(p.apart), "left": trade_json(p.left), "right": trade_json(p.right)} for p in found.pairs],
        "left_alone": [_alone(a) for a in found.left_alone],
        "right_alone": [_alone(a) for a in found.right_alone],
    }


def _alone(alone: Alone) -> dict[str, Any]:
    return {"trade": trade_json(alone.trade), "instead": alone.instead, "in_trade_since": alone.since or None}
