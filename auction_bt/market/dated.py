"""A table of rules, each valid from a day on, and what it says on a given day."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from auction_bt.core.errors import BadInput, Fatal

_COMMON: Final = ("valid_from", "valid_to", "certainty", "source")


class Certainty(StrEnum):
    """How well a rule is known."""

    SURE = "sure"  # read in a circular, or proved by recorded data
    LIKELY = "likely"  # the press, a broker's page, or a rule derived from one
    UNVERIFIED = "unverified"  # one third-party source, or a guess: printed as such wherever it decides


class OutsideKnownDates(BadInput):
    """A table has no rule for this day: nobody here knows what holds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a dated table.

    Parameters
    ----------
    table : str
        Name of the table it stands in.
    keys, values : mapping of str to str
        What it is about, and what it says, as written.
    valid_from : date
        First day.
    valid_to : date or None
        Last day, inclusive; None: until further notice.
    certainty : Certainty
    source : str
    """

    table: str
    keys: Mapping[str, str]
    values: Mapping[str, str]
    valid_from: date
    valid_to: date | None
    certainty: Certainty
    source: str

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def holds_on(self, day: date) -> bool:
        """Return whether the rule is valid on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @property
    def doubt(self) -> str:
        """What must be printed beside it; '' where it is sure."""
        return "" if self.certainty is Certainty.SURE else f"{self.certainty.value}: {self.source}"


@dataclass(frozen=True, slots=True)
class DatedTable:
    """Rules about the same thing; for one set of keys they follow each other without a gap.

    Parameters
    ----------
    name : str
    keys : tuple of str
        Names of the columns that say what a rule is about.
    rules : tuple of Rule
    """

    name: str
    keys: tuple[str, ...]
    rules: tuple[Rule, ...]
    _by_keys: dict[tuple[str, ...], list[Rule]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for rule in self.rules:
            self._by_keys.setdefault(tuple(rule.keys.values()), []).append(rule)
        for keys, rules in self._by_keys.items():
            rules.sort(key=lambda r: r.valid_from)
            for before, after in pairwise(rules):
                if before.valid_to is None or before.valid_to + timedelta(days=1) != after.valid_from:
                    raise Fatal(f"table {self.name}: {' '.join(keys)} has a gap or an overlap at {after.valid_from}")

    def on(self, day: date, **keys: str) -> Rule:
        """Return the rule about `keys` that is valid on `day`.

        Raises
        ------
        OutsideKnownDates
            None is; the message names the table and the days it knows.
        """
        found = self.find(day, **keys)
        if found is not None:
            return found
        about = " ".join(keys.values())
        rules = self.history(**keys)
        if not rules:
            raise OutsideKnownDates(f"table market/{self.name}.csv knows nothing of {about}")
        last = rules[-1].valid_to
        known = f"from {rules[0].valid_from}" + (f" to {last}" if last is not None else "")
        raise OutsideKnownDates(f"table market/{self.name}.csv knows {about} {known}, not on {day}: upgrade, or add the row")

    def find(self, day: date, **keys: str) -> Rule | None:
        """Return what `on` does, or None."""
        return next((rule for rule in self.history(**keys) if rule.holds_on(day)), None)

    def history(self, **keys: str) -> list[Rule]:
        """Return the rules about `keys`, oldest first."""
        return self._by_keys.get(tuple(keys[name] for name in self.keys), [])


@cache
def load(name: str, *keys: str) -> DatedTable:
    """Return the table ``market/<name>.csv``.

    Parameters
    ----------
    name : str
    *keys : str
        Names of its key columns.

    Notes
    -----
    The files are part of the program and never change while it runs, so each is read once. Columns: the keys, any values,
    ``valid_from``, ``valid_to`` (inclusive; empty: until further notice), ``certainty``, ``source``. ``#`` begins a
    remark.
    """
    text = resources.files(__package__).joinpath(f"{name}.csv").read_text("utf-8")
    return parse(name, text, keys)


def parse(name: str, text: str, keys: tuple[str, ...]) -> DatedTable:
    """Return the table that `text` (CSV) holds."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return DatedTable(name, keys, tuple(_rule(name, row, keys) for row in csv.DictReader(lines, strict=True)))


def _rule(table: str, row: dict[str, str], keys: tuple[str, ...]) -> Rule:
    def frozen(names: tuple[str, ...] | list[str]) -> Mapping[str, str]:
        return MappingProxyType({n: row[n].strip() for n in names})

    values = [n for n in row if n not in keys and n not in _COMMON]
    valid_to = row["valid_to"].strip()
    return Rule(
        table, frozen(keys), frozen(values), date.fromisoformat(row["valid_from"].strip()),
        date.fromisoformat(valid_to) if valid_to else None, Certainty(row["certainty"].strip()), row["source"].strip(),
    )  # fmt: skip
