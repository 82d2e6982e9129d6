"""What kind of thing a symbol is, and its price grid and lot, where the user does not say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import gcd, isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from auction_bt.core.errors import UnknownSymbol
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.tick import F64
from auction_bt.feeds.decode import Frame
from auction_bt.store import TickStore

# Grids of the exchanges, largest first, then ever finer ones for data from elsewhere.
GRIDS: Final = tuple(map(Decimal, (
    "5", "1", "0.5", "0.10", "0.05", "0.01", "0.001", "0.0001", "0.00005", "0.00001", "0.000001", "0.0000001", "0.00000001",
)))  # fmt: skip
_OFF_GRID: Final = 0.01  # share of prices
# NIFTY26000CE, NIFTY 24 DEC 24000 CE, NIFTY 24000 CE 26 DEC 24; NIFTY24DECFUT, NIFTY FUT, BANKNIFTY-FUT:2026-12.
_OPTION: Final = re.compile(r"\d[ _-]*(?:CE|PE)(?![A-Z0-9])")
_FUTURE: Final = re.compile(r"FUT$|(?<![A-Z])FUT(?![A-Z])")


@dataclass(slots=True)
class Evidence:
    """What a file shows of one symbol.

    Parameters
    ----------
    prices : set of float, rupees
        The different ones.
    lot : int, shares
        Greatest common divisor of the sizes, 0 where there is none.
    is_option, is_index : bool
    """

    prices: set[float] = field(default_factory=set)
    lot: int = 0
    is_option: bool = False
    is_index: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """An instrument and how it came about.

    Parameters
    ----------
    instrument : Instrument
    inferred : frozenset of str
        ``tick``, ``lot``, ``kind``: what was concluded from the file and not said by anyone.
    warnings : tuple of str
    """

    instrument: Instrument
    inferred: frozenset[str]
    warnings: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return kind, tick and lot for people."""
        i = self.instrument
        shown = {"kind": i.kind.value, "tick": f"tick {i.tick}", "lot": f"lot {i.lot}"}
        return ", ".join(text + (" (inferred)" if name in self.inferred else "") for name, text in shown.items())


def gather(evidence: dict[str, Evidence], frame: Frame, body: Mapping[str, Any]) -> None:
    """Add what one message shows."""
    for item in frame.items:
        seen = evidence.setdefault(item.symbol, Evidence())
        bar = item.i1[1:5] if item.i1 else ()
        seen.prices.update(p for p in (item.ltp, item.bid, item.ask, *bar) if not isnan(p))
        seen.lot = gcd(seen.lot, item.ltq, item.vtt or 0)
        seen.is_index = seen.is_index or item.is_index
        if not seen.is_option:
            feeds = body.get("feeds")
            feed = feeds.get(item.symbol) if isinstance(feeds, dict) else body
            seen.is_option = _has_greeks(feed)


def of_table(prices: Iterable[F64], sizes: NDArray[np.int64]) -> Evidence:
    """Return what the columns of a table show."""
    distinct: set[float] = set()
    for column in prices:
        distinct.update(np.unique(column).tolist())
    return Evidence(distinct, int(np.gcd.reduce(sizes)) if len(sizes) else 0)


def choose(
    store: TickStore, symbol: str, seen: Evidence, *, tick: Decimal | None, lot: int | None, name: str | None,
    kind: Kind | None, is_india: bool,
) -> Chosen:  # fmt: skip
    """Return the stored instrument changed by what the user says, or a new one from `seen`."""
    stored = stored_instrument(store, symbol)
    grid = np.fromiter(seen.prices, np.float64, len(seen.prices))
    inferred: set[str] = set()
    if stored is not None:
        chosen = replace(stored, tick=tick or stored.tick, lot=lot or stored.lot, name=stored.name if name is None else name,
                         kind=kind or stored.kind)  # fmt: skip
    else:
        inferred = {what for what, said in (("kind", kind), ("tick", tick), ("lot", lot)) if said is None}
        found_kind = kind or _kind(symbol, name or "", seen, is_india)
        found_lot = (seen.lot or 1) if found_kind in {Kind.FUTURE, Kind.OPTION} else 1
        chosen = Instrument(symbol, tick or _grid_of(grid), lot or found_lot, found_kind, name or "")
    warnings = []
    off = float((~_fits(grid, chosen.tick)).mean()) if len(grid) else 0.0
    if off > _OFF_GRID:
        warnings.append(
            f"{off:.0%} of the prices are not multiples of tick {chosen.tick}: give the right --tick and import again"
        )
    return Chosen(chosen, frozenset(inferred), tuple(warnings))


def stored_instrument(store: TickStore, symbol: str) -> Instrument | None:
    """Return the instrument the store has under exactly this symbol."""
    try:
        found = store.instrument(symbol)
    except UnknownSymbol:
        return None
    return found if found.symbol == symbol else None


def _segment(symbol: str) -> str:
    return symbol.partition("|")[0] if "|" in symbol else ""


def _kind(symbol: str, name: str, seen: Evidence, is_india: bool) -> Kind:
    segment = _segment(symbol)
    if segment.endswith("_INDEX") or seen.is_index:
        return Kind.INDEX
    texts = [text.upper() for text in (symbol.partition("|")[2] or symbol, name)]
    says_option = any(_OPTION.search(text) for text in texts)
    if segment.endswith("_FO"):
        return Kind.OPTION if seen.is_option or says_option else Kind.FUTURE
    if not segment and is_india:  # a friendly name; those of other countries have no session of ours
        if says_option:
            return Kind.OPTION
        if any(_FUTURE.search(text) for text in texts):
            return Kind.FUTURE
    return Kind.EQUITY if segment in {"NSE_EQ", "BSE_EQ"} or is_india else Kind.OTHER


def _grid_of(prices: F64) -> Decimal:
    return next((grid for grid in GRIDS if _fits(prices, grid).all()), GRIDS[-1])


def _fits(prices: F64, tick: Decimal) -> NDArray[np.bool_]:
    index = prices / float(tick)
    # A price of 1e6 on a grid of 1e-4 is known to 1e-6 of a step; what is off the grid is off by far more.
    fits: NDArray[np.bool_] = np.abs(index - np.rint(index)) < 1e-3
    return fits


def _has_greeks(feed: object) -> bool:
    if not isinstance(feed, dict):
        return False
    full = feed.get("fullFeed")
    body = full.get("marketFF") if isinstance(full, dict) else feed.get("firstLevelWithGreeks")
    if not isinstance(body, dict):
        return False
    greeks = body.get("optionGreeks")
    return bool(body.get("iv")) or (isinstance(greeks, dict) and any(greeks.values()))
