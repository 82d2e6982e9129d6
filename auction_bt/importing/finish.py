"""What a recording still lacks when it ends: its instruments and its derived tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from auction_bt.core.ist import day_start
from auction_bt.derive import DeriveReport, derive
from auction_bt.feeds.decode import decode
from auction_bt.store import TickStore

from .instruments import Chosen, Evidence, choose, gather, stored_instrument


def finish(
    store: TickStore, touched: Mapping[int, set[str]], progress: Callable[[int], None]
) -> tuple[list[Chosen], DeriveReport]:
    """Make the instruments the store does not know, as `import` does, and derive the days recorded.

    Parameters
    ----------
    store : TickStore
    touched : mapping of int to set of str
        Symbols recorded on each IST day; '' for messages about all.
    progress : callable
        Told the IST day that was just read.
    """
    names = sorted({name for found in touched.values() for name in found if name})
    unknown = [name for name in names if stored_instrument(store, name) is None]
    evidence: dict[str, Evidence] = {}
    for day in sorted(touched):
        wanted = [name for name in unknown if name in touched[day]]
        for message in store.raw(day_start(day), day_start(day + 1), wanted) if wanted else ():
            body = json.loads(message.text) if message.symbols else None
            if isinstance(body, dict):
                gather(evidence, decode(body, set(wanted)), body)
    with store.writing():
        chosen = [choose(store, name, evidence.get(name, Evidence()), tick=None, lot=None, name=None, kind=None, is_india=True)
                  for name in unknown]  # fmt: skip
        for each in chosen:
            store.put_instrument(each.instrument)
    # Under the lock, or an import could come between what is read and what is written.
    with store.writing():
        return chosen, derive(store, names, sorted(touched), progress)
