"""What a recording still lacks when it ends: its instruments and its derived tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from auction_bt.core.ist import day_start
from auction_bt.derive import DeriveReport, derive
from auction_bt.feeds.decode import decode
from auction_bt.store import TickStore

from .instruments import PRICELESS, Chosen, Evidence, choose, gather, of_store, stored_instrument


@dataclass(frozen=True, slots=True)
class Finished:
    """What was made of a recording.

    Parameters
    ----------
    made, known : tuple of Chosen
        Instruments that are new, and those the store had.
    priceless : tuple of str
        Symbols that nothing can be known of yet.
    derived : DeriveReport
    """

    made: tuple[Chosen, ...]
    known: tuple[Chosen, ...]
    priceless: tuple[str, ...]
    derived: DeriveReport

    def lines(self) -> list[str]:
        """Return what there is to say, a line each."""
        out = []
        for each in self.made:
            out += [f"{each.instrument.symbol}: {each.describe()}", *each.remarks()]
        out += [text for each in self.known for text in each.remarks()]
        out += [f"{symbol}: {PRICELESS}" for symbol in self.priceless]
        return [*out, *self.derived.lines()[1:]]


def finish(
    store: TickStore, touched: Mapping[int, set[str]], progress: Callable[[int], None], *, tick: Decimal | None = None,
    lot: int | None = None,
) -> Finished:  # fmt: skip
    """Make the instruments the store does not know, as `import` does, derive the days recorded, and look whether prices fit.

    Parameters
    ----------
    store : TickStore
    touched : mapping of int to set of str
        Symbols recorded on each IST day; '' for messages about all.
    progress : callable
        Told the IST day that was just read.
    tick, lot
        As the user says, for all of them.
    """
    names = sorted({name for found in touched.values() for name in found if name})
    unknown = [name for name in names if stored_instrument(store, name) is None]
    made = _chosen(store, unknown, _gathered(store, touched, unknown), tick, lot)
    # Under the lock, or an import could come between what is read and what is written.
    with store.writing():
        derived = derive(store, names, sorted(touched), progress)
    # Of those the store knew, the derived rows say enough and are read in a moment; messages would be parsed once more.
    before = [name for name in names if name not in unknown]
    seen = {name: of_store(store, name, [day for day in sorted(touched) if name in touched[day]]) for name in before}
    known = _chosen(store, before, seen, tick, lot)
    has_price = {each.instrument.symbol for each in made}
    return Finished(made, known, tuple(name for name in unknown if name not in has_price), derived)


def _gathered(store: TickStore, touched: Mapping[int, set[str]], names: list[str]) -> dict[str, Evidence]:
    evidence: dict[str, Evidence] = {}
    for day in sorted(touched):
        wanted = [name for name in names if name in touched[day]]
        for message in store.raw(day_start(day), day_start(day + 1), wanted) if wanted else ():
            body = json.loads(message.text) if message.symbols else None
            if isinstance(body, dict):
                gather(evidence, decode(body, set(wanted)), body)
    return evidence


def _chosen(
    store: TickStore, names: Iterable[str], evidence: Mapping[str, Evidence], tick: Decimal | None, lot: int | None
) -> tuple[Chosen, ...]:
    with store.writing():
        found = [choose(store, name, evidence.get(name, Evidence()), tick=tick, lot=lot, name=None, kind=None, is_india=True)
                 for name in names]  # fmt: skip
        chosen = tuple(each for each in found if each is not None)
        for each in chosen:
            if each.instrument != stored_instrument(store, each.instrument.symbol):
                store.put_instrument(each.instrument)
    return chosen
