"""What is on the disk of a day that is still being recorded: the store's, and the spool's before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import merge
from pathlib import Path

from auction_bt.core.errors import AuctionError
from auction_bt.core.ist import day_start
from auction_bt.store import RawMessage, TickStore
from auction_bt.store.journal import Journal
from auction_bt.store.spool import Spool


def recorded_since(
    state: Path, opened: Callable[[], TickStore], day: int, symbols: Iterable[str], stamp: int
) -> list[RawMessage]:  # fmt: skip
    """Return the messages of IST day `day` after `stamp` (ns) that speak of `symbols`, or of none, in order, each once."""
    begin, end = max(day_start(day), stamp + 1), day_start(day + 1)
    wanted = sorted(symbols)
    try:
        with opened() as store:
            stored = list(store.raw(begin, end, wanted))
    except AuctionError:  # the spool has what the store may not
        stored = []
    last = stored[-1].ts if stored else begin - 1
    kept: list[RawMessage] = []
    with Spool.open(state, durable=False) as spool:
        while batch := spool.batch(last + 1, end, 8000, 1 << 26):
            kept += [RawMessage(m.ts, m.text, m.symbols or ()) for m in batch]
            last = batch[-1].ts
    return list(merge(stored, kept, key=lambda message: message.ts))


def intended_today(state: Path, day: int) -> frozenset[str]:
    """Return the tags of the orders that went out on IST day `day`, as the journal of a state folder has them."""
    with Journal.open(state) as journal:
        return frozenset(tag for _, _, tag, _ in journal.intents(day_start(day), day_start(day + 1)))
