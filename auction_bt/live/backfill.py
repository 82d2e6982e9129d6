"""Asks for the minutes that a feed has missed, on a thread of its own; they come as recorded messages."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from auction_bt.core.errors import AuctionError
from auction_bt.core.ist import MINUTE_NS, minute_start
from auction_bt.parsing import dump

from .source import gap_message


class Backfill:
    """Turns a break of the feed into a ``gap`` message and, for each symbol, a ``candles`` message.

    Parameters
    ----------
    today : callable (key) returning a list of rows
        Today's candles as the broker sends them, newest first; raises `AuctionError`.
    tell : callable taking a message (dict)
    clock : callable returning int, ns
    warn : callable (str)
        Takes what could not be had.
    """

    def __init__(
        self, today: Callable[[str], list[Any]], tell: Callable[[Mapping[str, Any]], None], clock: Callable[[], int],
        warn: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._today = today
        self._tell = tell
        self._clock = clock
        self._warn = warn
        self._asked: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="backfill", daemon=True)
        self._undone = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask(self, symbols: Iterable[str], begin: int, end: int, reason: str) -> None:
        """Say that nothing was heard from `begin` to `end` (ns), and ask for the minutes in between."""
        awaited = sorted(symbols)
        self._tell(gap_message(end, begin, reason, awaits=awaited))
        with self._lock:
            self._undone += len(awaited)
        for symbol in awaited:
            self._asked.put((symbol, minute_start(begin)))

    @property
    def is_idle(self) -> bool:
        """Whether all that was asked for has come, or cannot."""
        return not self._undone

    def close(self, timeout: float = 15.0) -> None:
        """End, and leave out what was not asked for yet."""
        while True:
            try:
                self._asked.get_nowait()
            except queue.Empty:
                break
        self._asked.put(None)
        if self._thread.is_alive():  # a start may have failed before it
            self._thread.join(timeout)

    def _run(self) -> None:
        while (item := self._asked.get()) is not None:
            symbol, begin = item
            try:
                rows = rows_between(self._today(symbol), begin, minute_start(self._clock()))
                self._tell({"kind": "candles", "ts": self._clock(), "symbol": symbol, "rows": rows})
            except (AuctionError, ValueError) as error:
                # An empty answer lets the bars go on that wait for it: the gap stays one, and is named.
                self._warn(f"{symbol}: the minutes missed cannot be had ({error}): its window has a hole")
                self._tell({"kind": "candles", "ts": self._clock(), "symbol": symbol, "rows": [], "error": dump(str(error))})
            finally:
                with self._lock:
                    self._undone -= 1


def rows_between(candles: Iterable[Any], begin: int, end: int) -> list[list[Any]]:
    """Return the broker's candles with ``begin <= start < end`` (ns), oldest first, their times as ns.

    Raises
    ------
    ValueError
        One of them is no candle.
    """
    found = []
    for row in candles:
        try:
            start = round(datetime.fromisoformat(row[0]).timestamp()) * (MINUTE_NS // 60)
            values = [float(value) for value in row[1:5]]
            volume = int(row[5])
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(f"no candle: {row!r}") from error
        if begin <= start < end:
            found.append([start, *values, volume, *row[6:7]])
    return sorted(found)
