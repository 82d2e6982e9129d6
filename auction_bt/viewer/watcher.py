"""Looks for what is new in journal and store, and says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Final

from auction_bt.core.errors import AuctionError

from .sources import Sources

_TURN_S: Final = 0.25
_TURNS_A_STORE: Final = 4  # a store is asked once in so many turns: a server logs every question

_MOST_RUNS: Final = 100  # named in one event


class Watcher:
    """One thread that watches while anybody looks.

    Parameters
    ----------
    sources : Sources
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._ended = Event()
        self._thread = Thread(target=self._run, name="viewer-watcher", daemon=True)
        self._journal: tuple[int, int, int] | None = None
        self._store: tuple[int, dict[Any, Any]] | None = None
        self._status: object = None

    def start(self) -> None:
        """Take note of how things are, and watch from now on."""
        self.look_at_journal()
        self.look_at_store()
        self._status = self._health()
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def look_at_journal(self) -> None:
        """Tell of runs that are new or have new trades or decisions."""
        before = self._journal or (0, 0, 0)
        try:
            found, runs = self._sources.journal.ask(lambda j: (j.newest(), j.since(*before)))
        except AuctionError:
            self._journal = None  # of what comes back, all is new
            return
        if found != before:
            self._sources.hub.publish("journal", {"runs": runs[-_MOST_RUNS:]})
        self._journal = found

    def look_at_store(self) -> None:
        """Tell of new messages, and of days shown in charts that are other days now."""
        charts, before = self._sources.charts, self._store
        try:
            last, seals = found = self._sources.store.ask(lambda store: (store.last_raw(), charts.seals(store)))
        except AuctionError:
            self._store = None
            return
        if before is not None and (last != before[0] or any(seals[k] != before[1][k] for k in seals.keys() & before[1].keys())):
            self._sources.hub.publish("store", {"last_ts": last})
        self._store = found

    def _run(self) -> None:
        turn = 0
        self._guarded(self._warm)
        while not self._ended.wait(_TURN_S):
            if self._sources.hub.clients:  # what is missed meanwhile is told to the next one
                self._guarded(lambda: self._look(is_store_due=turn % _TURNS_A_STORE == 0))  # noqa: B023 - called at once
                turn += 1

    def _warm(self) -> None:
        with suppress(AuctionError):
            self._sources.store.ask(self._sources.charts.warm)

    def _look(self, *, is_store_due: bool) -> None:
        self.look_at_journal()
        if is_store_due:
            self.look_at_store()
        if (status := self._health()) != self._status:
            self._status = status
            self._sources.hub.publish("status", self._sources.status())

    def _guarded(self, work: Callable[[], None]) -> None:
        # Pages that hear nothing look as if nothing happened: whatever goes wrong is said, and the next look is taken.
        try:
            work()
        except Exception:
            logging.getLogger(__name__).exception("looking for news failed")

    def _health(self) -> Any:
        told = self._sources.status()
        return told["store"], told["journal"]
