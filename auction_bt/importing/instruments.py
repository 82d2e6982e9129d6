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

from auction_bt.core import price_step
from auction_bt.core.errors import UnknownSymbol
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import day_start
from auction_bt.core.tick import F64
from auction_bt.feeds.decode import Frame
from auction_bt.store import TickStore

_LATEST: Final = 5  # days with data: enough to see a wrong price step, and read in a moment
PRICELESS: Final = "no message has a price yet, so no instrument is made of it"
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
    changes : tuple of str
        What the data changed in the stored one.
    """

    instrument: Instrument
    inferred: frozenset[str]
    warnings: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return kind, tick and lot for people."""
        i = self.instrument
        shown = {"kind": i.kind.value, "tick": f"tick {i.tick}", "lot": f"lot {i.lot}"}
        return ", ".join(text + (" (inferred)" if name in self.inferred else "") for name, text in shown.items())

    def remarks(self) -> list[str]:
        """Return what else there is to say, a line each."""
        return [*self.changes, *(f"warning: {text}" for text in self.warnings)]


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


def of_store(store: TickStore, symbol: str, days: Iterable[int]) -> Evidence:
    """Return what stored ticks and bars of some IST days show."""
    prices: list[F64] = []
    for day in days:
        begin, end = day_start(day), day_start(day + 1)
        ticks, bars = store.ticks(symbol, begin, end), store.bars(symbol, begin, end)
        prices += (ticks.price, ticks.bid, ticks.ask, bars.open, bars.high, bars.low, bars.close)
    return Evidence({p for column in prices for p in np.unique(column).tolist() if not isnan(p)})


def misfit_of_store(store: TickStore, instrument: Instrument) -> str:
    """Return, for people, how the latest stored bars do not fit the price step; empty where they do."""
    days = store.days(instrument.symbol)[-_LATEST:]
    if not days:
        return ""
    return price_step.misfit_of_bars(store.bars(instrument.symbol, day_start(days[0]), day_start(days[-1] + 1)), instrument.tick)


def choose(
    store: TickStore, symbol: str, seen: Evidence, *, tick: Decimal | None, lot: int | None, name: str | None,
    kind: Kind | None, is_india: bool,
) -> Chosen | None:  # fmt: skip
    """Return the stored instrument changed by what the user says and by finer prices, or a new one from `seen`.

    Returns
    -------
    Chosen or None
        None for a new one without any price: nothing can be known of it yet.
    """
    stored = stored_instrument(store, symbol)
    prices = np.fromiter(seen.prices, np.float64, len(seen.prices))
    is_listed = _segment(symbol).startswith(("NSE_", "BSE_"))
    is_india = is_india or is_listed
    inferred: set[str] = set()
    changes: list[str] = []
    if stored is not None:
        finest = price_step.FINEST if is_listed else price_step.STEPS[-1]
        found = tick or price_step.tightened(stored.tick, prices, is_india=is_india, finest=finest)
        chosen = replace(stored, tick=found, lot=lot or stored.lot, name=stored.name if name is None else name,
                         kind=kind or stored.kind)  # fmt: skip
        if tick is None and found != stored.tick:
            changes.append(f"tick of {symbol} tightened {stored.tick} → {found} by finer prices")
    elif not len(prices):
        return None
    else:
        inferred = {what for what, said in (("kind", kind), ("tick", tick), ("lot", lot)) if said is None}
        found_kind = kind or _kind(symbol, name or "", seen, is_india)
        found_lot = (seen.lot or 1) if found_kind in {Kind.FUTURE, Kind.OPTION} else 1
        found = tick or price_step.inferred(prices, is_india=is_india)
        chosen = Instrument(symbol, found, lot or found_lot, found_kind, name or "")
    warning = price_step.misfit(prices, chosen.tick)
    return Chosen(chosen, frozenset(inferred), (warning,) if warning else (), tuple(changes))


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


def _has_greeks(feed: object) -> bool:
    if not isinstance(feed, dict):
        return False
    full = feed.get("fullFeed")
    body = full.get("marketFF") if isinstance(full, dict) else feed.get("firstLevelWithGreeks")
    if not isinstance(body, dict):
        return False
    greeks = body.get("optionGreeks")
    return bool(body.get("iv")) or (isinstance(greeks, dict) and any(greeks.values()))
