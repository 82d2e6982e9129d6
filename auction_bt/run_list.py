"""The runs that a journal keeps, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from .backtest import Request, settings_of
from .report import WIDTH
from .result import plain
from .store.journal import Journal
from .stored_run import days_text, setting_text, settings_in
from .wording import NONE, rupees, whole

_ASIDE: Final = frozenset({"symbols", "from", "to", "rule", "engine"})  # in columns of their own, or of no weight
_NAMES: Final = 24


@dataclass(frozen=True, slots=True)
class Listed:
    """One run in a list.

    Parameters
    ----------
    settings : dict
        As they are kept.
    trades, open_trades : int
        Closed, and still open at the end.
    net : Decimal, rupees
        Of the closed ones.
    """

    number: int
    settings: dict[str, Any]
    trades: int
    open_trades: int
    net: Decimal

    @property
    def changed(self) -> dict[str, Any]:
        """Settings that are not the default, without what has a column of its own."""
        absent = object()
        usual = _usual()
        return {k: v for k, v in sorted(self.settings.items()) if k not in _ASIDE and usual.get(k, absent) != v}

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"run": self.number, "settings": self.settings, "trades": self.trades, "open_trades": self.open_trades,
                "net": float(self.net)}  # fmt: skip


def listed(journal: Journal) -> list[Listed]:
    """Return the runs of a journal, oldest first."""
    totals = journal.totals()
    nothing = (0, 0, Decimal(0))
    return [Listed(number, settings_in(text), *totals.get(number, nothing)) for number, text in journal.runs()]


def render_list(rows: Sequence[Listed]) -> str:
    """Return runs as lines of at most 100 characters, the newest last, ending in a newline."""
    table = [("run", "symbols", "days", "rule", "trades", "net")]
    for row in rows:
        name = _cut(", ".join(map(str, row.settings.get("symbols", ()))) or NONE, _NAMES)
        count = whole(row.trades) + (f"+{row.open_trades}" if row.open_trades else "")
        rule = str(row.settings.get("rule", NONE))
        table.append((str(row.number), name, days_text(row.settings), rule, count, rupees(row.net)))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for cells, changed in zip(table, ["changed", *(_changed(row) for row in rows)], strict=True):
        padded = [f"{c:{'<' if 0 < n < 4 else '>'}{w}}" for n, (c, w) in enumerate(zip(cells, widths, strict=True))]
        lines.append(_cut("  ".join([*padded, changed]).rstrip(), WIDTH))
    if any(row.open_trades for row in rows):
        lines.append("Trades: closed + still open at the end of the data; the net is of the closed ones.")
    return "\n".join(lines) + "\n"


def _changed(row: Listed) -> str:
    return ", ".join(f"{name}={setting_text(value)}" for name, value in row.changed.items())


def _usual() -> dict[str, Any]:
    found: dict[str, Any] = plain(settings_of(Request(("",), date.min, date.min)))
    return found


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
