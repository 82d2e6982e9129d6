"""Pages of a journal: what a screen shows of runs with 100,000 trades, chosen, sorted and summed by SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import orjson

from auction_bt.core.decision import Decision, opening
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, IST_OFFSET_NS
from auction_bt.core.trade import Trade

from .journal import Journal

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST: Final = 1000  # rows of a page

_SECOND_NS: Final = 1_000_000_000
_DAY: Final = f"((CASE exit_ts WHEN 0 THEN entry_ts ELSE exit_ts END + {IST_OFFSET_NS}) / {DAY_NS})"
_ENTRY_TEXT: Final = f"strftime('%Y-%m-%d %H:%M:%S', (entry_ts + {IST_OFFSET_NS}) / {_SECOND_NS}, 'unixepoch')"
_BAR_TEXT: Final = f"strftime('%Y-%m-%d %H:%M:%S', (ts + {IST_OFFSET_NS}) / {_SECOND_NS}, 'unixepoch')"
_MONEY: Final = ("pnl_gross", "charges", "pnl_net")  # kept as decimal text
_SORTS: Final = {
    "number": "id", "levels": "levels_source",
    **{name: name for name in ("symbol", "signal_symbol", "side", "position", "setup", "regime", "qty", "entry_ts", "entry_price",
                               "exit_ts", "exit_price", "stop", "reason", "mae", "mfe", "r_multiple", "poc", "vah", "val")},
    **{name: f"CAST({name} AS REAL)" for name in _MONEY},
}  # fmt: skip
_GROUPS: Final = {
    "side": "side",
    "setup": "setup",
    "regime": "regime",
    "reason": "reason",
    "symbol": "symbol",
    "hour": f"printf('%02d:00–%02d:59', ((entry_ts + {IST_OFFSET_NS}) / {3600 * _SECOND_NS}) % 24, "
    f"((entry_ts + {IST_OFFSET_NS}) / {3600 * _SECOND_NS}) % 24)",
    "weekday": f"((entry_ts + {IST_OFFSET_NS}) / {DAY_NS} + 3) % 7",  # 1 January 1970 was a Thursday
    "day": f"date((exit_ts + {IST_OFFSET_NS}) / {_SECOND_NS}, 'unixepoch')",
}
Row = TypeVar("Row")

_NET: Final = "CAST(pnl_net AS REAL)"


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which trades of a run.

    Parameters
    ----------
    words : str
        Each of them stands in the row: symbol, side, setup, regime, reason, time of entry (IST).
    is_open : bool or None
        None: both.
    symbol : str
        That the signal was read from; empty: any.
    day : int or None, IST day
        Of the exit; of an open trade, of the entry.
    """

    words: str = ""
    is_open: bool | None = None
    symbol: str = ""
    day: int | None = None

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition in SQL, after one on the run, and its values."""
        text, values = _worded("symbol || ' ' || signal_symbol || ' ' || side || ' ' || setup || ' ' || regime || ' ' || reason",
                               _ENTRY_TEXT, self.words)  # fmt: skip
        if self.is_open is not None:
            text += f" AND exit_ts {'=' if self.is_open else '<>'} 0"
        if self.symbol:
            text, values = text + " AND signal_symbol = ?", [*values, self.symbol]
        if self.day is not None:
            text, values = text + f" AND {_DAY} = ?", [*values, self.day]
        return text, values


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some of the rows that were asked for.

    Parameters
    ----------
    total : int
        Of all that fit.
    net : float, rupees
        Of the closed trades among all that fit.
    rows : list
    """

    total: int
    net: float
    rows: list[Row]


class JournalPages(Journal):
    """A journal, read by pages. Money is summed in binary and rounded to paise: good for a screen."""

    def newest(self) -> tuple[int, int, int]:
        """Return the numbers of the newest decision, trade and run; 0 where there is none."""
        ((decision, trade, run),) = self._rows(
            "SELECT (SELECT max(id) FROM decisions), (SELECT max(id) FROM trades), (SELECT max(run_id) FROM runs)")  # fmt: skip
        return decision or 0, trade or 0, run or 0

    def since(self, decision: int, trade: int, run: int) -> list[int]:
        """Return the runs that have decisions, trades or themselves after these numbers."""
        rows = self._rows("SELECT run_id FROM decisions WHERE id > ? UNION SELECT run_id FROM trades WHERE id > ? "
                          "UNION SELECT run_id FROM runs WHERE run_id > ?", (decision, trade, run))  # fmt: skip
        return sorted(row[0] for row in rows)

    def run_page(self, words: str, limit: int, offset: int) -> Page[tuple[int, str, int, int, float]]:
        """Return runs, newest first: number, settings, closed trades, open ones, net of the closed in rupees."""
        where, values = _worded("settings || ' run ' || run_id", None, words)
        (total,) = self._rows(f"SELECT count(*) FROM runs WHERE 1 {where}", values)  # noqa: S608
        rows = self._rows(
            f"SELECT run_id, settings, (SELECT count(*) FROM trades t WHERE t.run_id = r.run_id AND exit_ts <> 0), "  # noqa: S608
            "(SELECT count(*) FROM trades t WHERE t.run_id = r.run_id AND exit_ts = 0), "
            f"(SELECT coalesce(sum({_NET}), 0) FROM trades t WHERE t.run_id = r.run_id AND exit_ts <> 0) FROM runs r "
            f"WHERE 1 {where} ORDER BY run_id DESC LIMIT ? OFFSET ?", [*values, limit, offset],
        )  # fmt: skip
        return Page(total[0], 0.0, [(*row[:4], round(row[4], 2)) for row in rows])

    def settings_of(self, run: int) -> str:
        """Return the settings of a run; raise `LookupError` where there is none."""
        rows = self._rows("SELECT settings FROM runs WHERE run_id = ?", (run,))
        if not rows:
            raise LookupError(f"there is no run {run}")
        return str(rows[0][0])

    def trade_page(self, run: int, chosen: TradeFilter, *, sort: str = "number", descending: bool = False, limit: int = 100,
                   offset: int = 0) -> Page[tuple[int, int, Trade]]:  # fmt: skip
        """Return trades with their ids and their numbers in the run.

        Raises
        ------
        BadInput
            Nothing is sorted by that.
        """
        if sort not in _SORTS:
            raise BadInput(f"sort={sort!r}: trades are sorted by {', '.join(sorted(_SORTS))}")
        where, values = chosen.where()
        condition = f"run_id = ? {where}"
        total, net = self._rows(
            f"SELECT count(*), coalesce(sum(CASE exit_ts WHEN 0 THEN 0 ELSE {_NET} END), 0) FROM trades WHERE {condition}",  # noqa: S608
            [run, *values],
        )[0]
        by, way = self._column(_SORTS[sort]), "DESC" if descending else "ASC"
        ids = [row[0] for row in self._rows(
            f"SELECT id FROM trades WHERE {condition} ORDER BY {by} IS NULL, {by} {way}, id LIMIT ? OFFSET ?",  # noqa: S608
            [run, *values, limit, offset],
        )]  # fmt: skip
        return Page(total, round(net, 2), self._numbered(run, ids))

    def trades_between(self, run: int, symbol: str, begin: int, end: int) -> list[tuple[int, int, Trade]]:
        """Return the trades read from `symbol` that were open at some time in ``[begin, end)`` ns, with ids and numbers."""
        rows = self._rows("SELECT id FROM trades WHERE run_id = ? AND signal_symbol = ? AND entry_ts < ? AND (exit_ts = 0 OR "
                          "exit_ts >= ?) ORDER BY id", (run, symbol, end, begin))  # fmt: skip
        return self._numbered(run, [row[0] for row in rows])

    def every_trade(self, run: int, chosen: TradeFilter) -> Iterator[Trade]:
        """Yield trades as they were appended, holding a page of them at a time."""
        where, values = chosen.where()
        after = 0
        while True:
            found = self._trades(f"id IN (SELECT id FROM trades WHERE run_id = ? AND id > ? {where} ORDER BY id LIMIT {MOST})",  # noqa: S608
                                 [run, after, *values])  # fmt: skip
            yield from (trade for _, trade in found)
            if len(found) < MOST:
                return
            after = found[-1][0]

    def trade(self, number: int) -> tuple[int, int, Trade, Decision | None]:
        """Return the trade with this id: its run, its number in it, itself, and the decision that opened it.

        Raises
        ------
        LookupError
            There is none.
        """
        rows = self._rows("SELECT run_id FROM trades WHERE id = ?", (number,))
        if not rows:
            raise LookupError(f"there is no trade {number}")
        run = int(rows[0][0])
        ((_, place, trade),) = self._numbered(run, [number])
        # Two bars can end at one seq, no more: `opening` tells them apart.
        before = self._decisions(
            "run_id = ? AND action = 'enter' AND symbol = ? AND seq <= ? ORDER BY seq DESC, id DESC LIMIT 4",
            (run, trade.signal_symbol, trade.entry_seq),
        )
        return run, place, trade, opening(trade, [decision for _, decision in reversed(before)])

    def closed(self, run: int) -> list[tuple[int, float]]:
        """Return (time of exit in ns, net in rupees) of the closed trades in the order of their exits."""
        return self._rows(f"SELECT exit_ts, {_NET} FROM trades WHERE run_id = ? AND exit_ts <> 0 ORDER BY exit_ts, id", (run,))  # noqa: S608

    def decision_page(self, run: int, *, action: str = "", words: str = "", symbol: str = "", day: int | None = None,
                      limit: int = 100, offset: int = 0) -> tuple[Page[tuple[int, Decision]], list[tuple[str, int]]]:  # fmt: skip
        """Return decisions, newest first, with their ids; and how many of all that fit have each reason."""
        where, values = _worded("symbol || ' ' || side || ' ' || setup || ' ' || regime || ' ' || reason", _BAR_TEXT, words)
        for name, value in (("action", action), ("symbol", symbol)):
            if value:
                where, values = where + f" AND {name} = ?", [*values, value]
        if day is not None:
            where, values = where + f" AND (ts + {IST_OFFSET_NS}) / {DAY_NS} = ?", [*values, day]
        reasons = self._rows(f"SELECT reason, count(*) FROM decisions WHERE run_id = ? {where} GROUP BY reason "  # noqa: S608
                             "ORDER BY count(*) DESC, reason", [run, *values])  # fmt: skip
        rows = self._decisions(f"run_id = ? {where} ORDER BY id DESC LIMIT ? OFFSET ?", [run, *values, limit, offset])
        return Page(sum(count for _, count in reasons), 0.0, rows), [(reason, count) for reason, count in reasons]

    def days(self, run: int) -> list[int]:
        """Return the IST days on which a run decided or traded something."""
        rows = self._rows(f"SELECT (ts + {IST_OFFSET_NS}) / {DAY_NS} FROM decisions WHERE run_id = ? UNION "  # noqa: S608
                          f"SELECT {_DAY} FROM trades WHERE run_id = ?", (run, run))  # fmt: skip
        return sorted(row[0] for row in rows)

    def symbols(self, run: int) -> list[str]:
        """Return the symbols that a run read signals from."""
        rows = self._rows("SELECT symbol FROM decisions WHERE run_id = ? UNION SELECT signal_symbol FROM trades WHERE run_id = ?",
                          (run, run))  # fmt: skip
        return sorted(row[0] for row in rows)

    def totals_of(self, run: int) -> dict[str, Any]:
        """Return the sums over a run's closed trades, and its counts; averages of nothing are None."""
        # Made into numbers once: a text is a slow number.
        (row,) = self._rows(
            f"WITH t AS MATERIALIZED (SELECT {_NET} AS net, CAST(pnl_gross AS REAL) AS gross, CAST(charges AS REAL) AS paid, "  # noqa: S608
            "r_multiple AS r FROM trades WHERE run_id = ? AND exit_ts <> 0) "
            "SELECT count(*), sum(net > 0), sum(gross), sum(paid), sum(net), sum(CASE WHEN net > 0 THEN net END), "
            "sum(CASE WHEN net < 0 THEN net END), sum(net < 0), avg(r), sum(r) FROM t",
            (run,),
        )
        trades, won, gross, charges, net, gains, losses, lost, r_mean, r_total = row
        ((still_open,),) = self._rows("SELECT count(*) FROM trades WHERE run_id = ? AND exit_ts = 0", (run,))
        ((decisions, refused),) = self._rows("SELECT count(*), coalesce(sum(action = 'refuse'), 0) FROM decisions "
                                             "WHERE run_id = ?", (run,))  # fmt: skip
        return {
            "trades": trades, "open_trades": still_open, "won": won or 0, "gross": _paise(gross or 0.0),
            "charges": _paise(charges or 0.0), "net": _paise(net or 0.0), "win_rate": won / trades if trades else None,
            "average_win": _paise(gains / won) if won else None, "average_loss": _paise(losses / lost) if lost else None,
            "profit_factor": gains / -losses if gains and losses else None, "r_mean": r_mean, "r_total": r_total,
            "decisions": decisions, "refused": refused,
        }  # fmt: skip

    def groups_of(self, run: int) -> dict[str, list[dict[str, Any]]]:
        """Return the closed trades of a run by each of `side`, `setup`, …: name, trades, net, share won, mean R."""
        found = {}
        for name, key in _GROUPS.items():
            rows = self._rows(f"SELECT {key} AS part, count(*), sum({_NET}), avg({_NET} > 0), avg(r_multiple) FROM trades "  # noqa: S608
                              "WHERE run_id = ? AND exit_ts <> 0 GROUP BY part ORDER BY part", (run,))  # fmt: skip
            found[name] = [{"name": WEEKDAYS[part] if name == "weekday" else part, "trades": trades, "net": _paise(net),
                            "win_rate": won, "r_mean": r_mean} for part, trades, net, won, r_mean in rows]  # fmt: skip
        return found

    def charges_of(self, run: int) -> Mapping[str, float] | None:
        """Return what the closed trades of a run paid, by kind; None where that was not kept of all of them."""
        if not self._has_column("costs"):
            return None
        ((kept, trades),) = self._rows("SELECT count(costs), count(*) FROM trades WHERE run_id = ? AND exit_ts <> 0", (run,))
        if kept < trades:
            return None
        sums: dict[str, float] = {}
        for (text,) in self._rows("SELECT costs FROM trades WHERE run_id = ? AND exit_ts <> 0", (run,)):
            for kind, paid in orjson.loads(text).items():
                sums[kind] = sums.get(kind, 0.0) + float(paid)
        return {kind: _paise(paid) for kind, paid in sums.items() if paid}

    def _numbered(self, run: int, ids: list[int]) -> list[tuple[int, int, Trade]]:
        if not ids:
            return []
        found = dict(self._trades(f"id IN ({', '.join('?' * len(ids))})", ids))
        (first, last, count) = self._rows("SELECT min(id), max(id), count(*) FROM trades WHERE run_id = ?", (run,))[0]
        if last - first + 1 == count:  # nobody else wrote in between
            return [(i, i - first + 1, found[i]) for i in ids]
        places = {row[0]: place for place, row in enumerate(
            self._rows("SELECT id FROM trades WHERE run_id = ? ORDER BY id", (run,)), 1)}  # fmt: skip
        return [(i, places[i], found[i]) for i in ids]

    def _column(self, expression: str) -> str:
        return "NULL" if expression == "position" and not self._has_column("position") else expression


def _worded(columns: str, times: str | None, words: str) -> tuple[str, list[Any]]:
    # A time is made into text only for a word that may be one: that is the dear part.
    text, values = "", []
    for word in words.split():
        of = f"{columns} || ' ' || {times}" if times and any(c.isdigit() for c in word) else columns
        text += f" AND {of} LIKE ? ESCAPE '!'"
        values.append("%" + word.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%")
    return text, values


def _paise(rupees: float) -> float:
    return round(rupees, 2)
