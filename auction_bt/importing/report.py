"""What became of one imported file, for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auction_bt.core.ist import to_date

from .instruments import Chosen


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Parameters
    ----------
    path : Path
    unit : str
        What was counted: ``messages``, ``ticks`` or ``bars``.
    read, stored, already : int
        In the file; new in the store; in it before.
    recorded : int
        Of those in it before: recorded, and recognised now.
    details : tuple of str
        What was left out and why, and what else there is to say.
    symbols : tuple of (Chosen, tuple of int, str)
        Instrument, IST days of its rows, and counts.
    """

    path: Path
    unit: str
    read: int
    stored: int
    already: int
    recorded: int
    details: tuple[str, ...]
    symbols: tuple[tuple[Chosen, tuple[int, ...], str], ...]

    def lines(self) -> list[str]:
        """Return the report, one line a fact."""
        of_record = f" ({self.recorded:,} of them recorded by record)" if self.recorded else ""
        out = [
            f"{self.path.name}: {self.read:,} {self.unit} read, {self.stored:,} stored, {self.already:,} already there{of_record}"
        ]
        for chosen, days, counts in self.symbols:
            name = chosen.instrument.symbol + (f" {chosen.instrument.name}" if chosen.instrument.name else "")
            out.append(f"  {name}: {chosen.describe()}; {_span(days)}{'; ' if counts else ''}{counts}")
            out += [f"  {text}" for text in chosen.remarks()]
        return out + [f"  {text}" for text in self.details]


def _span(days: tuple[int, ...]) -> str:
    if not days:
        return "no days"
    first, last = to_date(days[0]), to_date(days[-1])
    return f"{first}" if first == last else f"{first} to {last} ({len(days)} days)"
