"""A run as the journal keeps it: settings, decisions, trades, and the result that can be made of them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from .backtest import Request, settings_of
from .core.decision import Decision
from .core.errors import BadInput, NothingToDo
from .core.ist import day_index, from_date, to_date
from .core.summary import summarise
from .core.trade import Trade
from .result import BacktestResult, plain
from .store.journal import Journal

NOT_KEPT: Final = "time in the market, data quality and rates in doubt"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run of a journal, or one day of it.

    Parameters
    ----------
    number : int
    settings : mapping of str to plain value
        As the run's JSON has them: days are texts.
    trades : tuple of Trade
        Closed in the order of exits, open ones last.
    decisions : tuple of Decision
    cash : Decimal, rupees
        At the start; of one day, that morning.
    day : int or None, IST day
        None: all of it.
    """

    number: int
    settings: Mapping[str, Any]
    trades: tuple[Trade, ...]
    decisions: tuple[Decision, ...]
    cash: Decimal
    day: int | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """What was run, as it was asked for."""
        return tuple(map(str, self.settings.get("symbols", ())))

    @property
    def days(self) -> range:
        """IST days of the run, all of them also where one is looked at; empty where the run does not say."""
        return days_of(self.settings)

    def on(self, day: int, *, empty: bool = False) -> StoredRun:
        """Return one IST day of the run.

        Parameters
        ----------
        day : int, IST day
            A trade belongs to the day of its exit, one still open to that of its entry.
        empty : bool
            A day without decisions and trades will do too.

        Raises
        ------
        NothingToDo
            Nothing was decided or traded on it.
        """
        trades = tuple(t for t in self.trades if _day(t) == day)
        decisions = tuple(d for d in self.decisions if day_index(d.ts) == day)
        if not (trades or decisions or empty):
            of = days_text(self.settings)
            raise NothingToDo(f"run {self.number} decided and traded nothing on {to_date(day)}: it was of {of}")
        earlier = sum((t.pnl_net for t in self.trades if not t.is_open and _day(t) < day), Decimal(0))
        return replace(self, trades=trades, decisions=decisions, cash=self.cash + earlier, day=day)

    def result(self, other: StoredRun | None = None) -> BacktestResult:
        """Return the result, made again from what is kept.

        Parameters
        ----------
        other : StoredRun or None
            The same by the other regime rule, where that is kept too.

        Notes
        -----
        Money, trades and signals are those of the run. The drawdown is that of closed trades, as the worth of open ones is not
        kept; nor is what `NOT_KEPT` names.
        """
        summary = summarise(self.trades, self.decisions, cash=self.cash, cost_name=str(self.settings.get("costs", "")))
        beside = None
        if other is not None:
            closed = [t.pnl_net for t in other.trades if not t.is_open]
            beside = (str(other.settings["rule"]), sum(closed, Decimal(0)), len(closed))
        return BacktestResult(
            summary=summary,
            trades=self.trades,
            decisions=self.decisions,
            settings=dict(self.settings),
            other_regime=beside,
            defaults=self._defaults(),
        )

    def _defaults(self) -> dict[str, Any]:
        days = self.days
        if not self.symbols or not days:
            return {}
        found: dict[str, Any] = plain(settings_of(Request(self.symbols, to_date(days.start), to_date(days.stop - 1))))
        return found


def stored_run(journal: Journal, number: int) -> StoredRun:
    """Return a run of a journal.

    Raises
    ------
    BadInput
        There is no run of this number; the message names what there is.
    """
    kept = dict(journal.runs())
    if number not in kept:
        there = "it holds none" if not kept else f"it holds run {min(kept)}" + (f" to {max(kept)}" if len(kept) > 1 else "")
        raise BadInput(f"no run {number} in this journal: {there}")
    settings = settings_in(kept[number])
    trades = tuple(journal.trades(number))
    return StoredRun(number, settings, trades, tuple(journal.decisions(number)), cash_of(settings))


def twin(journal: Journal, run: StoredRun) -> StoredRun | None:
    """Return the newest run with the same settings but for the regime rule; None where none is kept."""
    wanted = _but_rule(run.settings)
    for number, text in reversed(journal.runs()):
        settings = settings_in(text)
        if "rule" in settings and settings["rule"] != run.settings.get("rule") and _but_rule(settings) == wanted:
            return stored_run(journal, number)
    return None


def settings_in(text: str) -> dict[str, Any]:
    """Return the settings that a journal keeps as text; empty where they are none of a backtest's."""
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


def days_of(settings: Mapping[str, Any]) -> range:
    """Return the IST days of kept settings; empty where they name none."""
    try:
        return range(from_date(date.fromisoformat(settings["from"])), from_date(date.fromisoformat(settings["to"])) + 1)
    except (KeyError, TypeError, ValueError):
        return range(0)


def days_text(settings: Mapping[str, Any]) -> str:
    """Return the days of kept settings for people; a dash where they name none."""
    days = days_of(settings)
    if not days:
        return "–"
    first, last = to_date(days.start), to_date(days.stop - 1)
    return str(first) if first == last else f"{first} to {last}"


def setting_text(value: Any) -> str:
    """Return the value of a kept setting as it would be typed; a dash where there is none."""
    match value:
        case None:
            return "–"
        case list():
            return ",".join(map(setting_text, value))
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value) or "(empty)"


def _but_rule(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in {"rule", "engine"}}  # engines trade alike


def cash_of(settings: Mapping[str, Any]) -> Decimal:
    """Return the rupees a run began with; 0 where its settings do not say."""
    try:
        return Decimal(repr(settings["cash"]))
    except (KeyError, InvalidOperation):
        return Decimal(0)


def _day(trade: Trade) -> int:
    return int(day_index(trade.entry_ts if trade.is_open else trade.exit_ts))
