"""What is about to change: rules that begin in the days ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from .dated import Certainty, Rule, load

# Key columns of the tables whose changes a trader would want to hear of.
TABLES: Final = {
    "sessions": ("class", "phase"), "square_off": ("class",), "ticks": ("class", "up_to"), "lots": ("underlying",),
    "freeze": ("underlying",), "bands": ("kind",), "order_rates": ("group",), "expiries": ("underlying", "series"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A rule that begins.

    Parameters
    ----------
    rule : Rule
    values : dict of str to str
        Those that differ from the rule before it; all where there is none.
    """

    rule: Rule
    values: dict[str, str]


def changes(after: date, until: date, tables: Iterable[str] = TABLES) -> Iterator[Change]:
    """Yield the rules that begin after one day and not after another, by table.

    A row that says the same as the one before is no change, unless nobody is sure of it any more.
    """
    for name in tables:
        table = load(name, *TABLES[name])
        for rule in table.rules:
            if not after < rule.valid_from <= until:
                continue
            before = table.find(rule.valid_from - timedelta(days=1), **rule.keys)
            values = {k: v for k, v in rule.values.items() if before is None or before.values[k] != v}
            if values or rule.certainty is Certainty.UNVERIFIED:
                yield Change(rule, values)
