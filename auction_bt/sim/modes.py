"""What a subscriber sees of a feed's frame, by the mode of each key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .answer import Problem

LTPC: Final = "ltpc"
FULL: Final = "full"
GREEKS: Final = "option_greeks"
DEEP: Final = "full_d30"
MODES: Final = (LTPC, FULL, GREEKS, DEEP)

#: How many keys a connection may have in a mode: where it is the only one, and where there are several.
LIMITS: Final[Mapping[str, tuple[int, int]]] = {
    LTPC: (5000, 2000), GREEKS: (3000, 2000), FULL: (2000, 1500), DEEP: (50, 1500),
}  # fmt: skip


def seen(feed: Mapping[str, Any], mode: str) -> dict[str, Any] | None:
    """Return what a subscriber in `mode` sees of one key's feed; None where nothing of it is known in that mode."""
    full = feed.get("fullFeed", {})
    body = full.get("marketFF") or full.get("indexFF") or feed.get("firstLevelWithGreeks") or feed
    if mode in {FULL, DEEP}:
        if not full:
            return dict(feed)  # it was recorded in a lesser mode
        return {"fullFeed": full, "requestMode": "full_d5" if mode == FULL else "full_d30"}
    if "ltpc" not in body:
        return None
    if mode == LTPC or "indexFF" in full:
        return {"ltpc": body["ltpc"]}
    if "firstLevelWithGreeks" in feed:
        return dict(feed)
    levels = body.get("marketLevel", {}).get("bidAskQuote", [])
    first = {"firstDepth": levels[0]} if levels else {}
    rest = {name: body[name] for name in ("optionGreeks", "vtt", "oi", "iv") if name in body}
    return {"firstLevelWithGreeks": {"ltpc": body["ltpc"], **first, **rest}, "requestMode": GREEKS}


def excess(modes: Mapping[str, str]) -> Problem | None:
    """Return what is wrong with a connection's keys, by their number in each mode; None where it may have them."""
    counts: dict[str, int] = {}
    for mode in modes.values():
        counts[mode] = counts.get(mode, 0) + 1
    for mode, count in counts.items():
        most = LIMITS[mode][len(counts) > 1]
        if count > most:
            return Problem("UDAPI100043", f"The number of instrument keys in mode {mode} is limited to {most}", value=count)
    return None
