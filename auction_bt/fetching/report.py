"""What a fetch did for one symbol, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from auction_bt.core.ist import to_date

_SHOWN: Final = 10  # days of a kind listed one by one


@dataclass(frozen=True, slots=True)
class SymbolReport:
    """What became of one symbol.

    Parameters
    ----------
    symbol, told : str
        Key; kind, tick and lot for people, '' where nothing is known.
    calls : int
        Answers the broker was asked for, repeated ones too.
    days, candles : int
        Days the broker has candles of, of those asked for now or before, and how many.
    stored, already, replaced, conflicts, recorded : int
        New in the store; there before; of the new ones in the place of another candle; left out because the store has another bar
        of the minute; left out because the day has recorded messages.
    remarks : tuple of str
        What else there is to say: of the price step, and of damaged candles a line a reason.
    short : tuple of (int, int, int)
        IST day, candles, minutes of the session: days with gaps.
    missing : tuple of int
        Trading days without any candle after the first that has one.
    before : int
        Trading days before that one: not listed yet, or nothing is kept of them. Without any candle, all of them.
    first : int or None, IST day
        The first day with a candle.
    failed : str
        Why not everything could be asked for, '' where it was.
    """

    symbol: str
    told: str
    calls: int
    days: int
    candles: int
    stored: int
    already: int
    replaced: int
    conflicts: int
    recorded: int
    remarks: tuple[str, ...]
    short: tuple[tuple[int, int, int], ...]
    missing: tuple[int, ...]
    before: int
    first: int | None
    failed: str = ""

    def lines(self) -> list[str]:
        """Return the report, one line a fact."""
        asked = f"{self.calls:,} call{'' if self.calls == 1 else 's'}" if self.calls else "nothing left to ask for"
        out = [f"{self.symbol}: {asked}; {self.days:,} days with {self.candles:,} candles, {self.stored:,} stored now"
               + (f", {self.already:,} already there" if self.already else "")]  # fmt: skip
        out += [f"  {self.told}"] if self.told else []
        out += [f"  {text}" for text in self.remarks]
        if self.replaced:
            out.append(f"  {self.replaced:,} of the stored ones replace other candles")
        if self.conflicts:
            out.append(f"  {self.conflicts:,} differ from the stored bar of their minute: the stored ones stay")
        if self.recorded:
            out.append(f"  {self.recorded:,} left out: of days with recorded messages, which say more")
        if self.before:
            since = "at all" if self.first is None else f"before {to_date(self.first)}"
            out.append(f"  no candles {since}: {self.before:,} trading days")
        gaps = [f"{to_date(day)}: {have:,} of {minutes:,} minutes" for day, have, minutes in self.short]
        out += _listed(gaps, "days with gaps")
        return out + _listed([f"{to_date(day)}: missing" for day in self.missing], "missing days")


def _listed(texts: Sequence[str], what: str) -> list[str]:
    more = [f"and {len(texts) - _SHOWN:,} more {what}"] if len(texts) > _SHOWN else []
    return [f"  {text}" for text in [*texts[:_SHOWN], *more]]
