"""Everything the viewer reads: a store, a journal, a spool, each behind a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from auction_bt.live.command_box import is_running
from auction_bt.store import TickStore
from auction_bt.store.address import SqliteDsn, parse
from auction_bt.store.dsn import open_to_show
from auction_bt.store.journal import NAME as JOURNAL
from auction_bt.store.journal_pages import JournalPages
from auction_bt.store.spool import NAME as SPOOL
from auction_bt.store.spool import Spool

from .charts import Charts
from .hub import Hub
from .source import Source

_HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class Sources:
    """What the pages are made of.

    Parameters
    ----------
    dsn : str
        The store's, fit to be shown.
    state : Path
        Folder of journal, spool and instrument masters.
    clock : callable
        Returns ns since 1970.
    """

    dsn: str
    state: Path
    store: Source[TickStore]
    journal: Source[JournalPages]
    spool: Source[Spool]
    charts: Charts
    hub: Hub = field(default_factory=Hub)
    clock: Callable[[], int] = time.time_ns

    @classmethod
    def of(cls, dsn: str, state: Path, tell: Callable[[str], None] = lambda _: None) -> Sources:
        """Return the sources of a store and a state folder, none of them opened yet.

        Parameters
        ----------
        dsn : str
        state : Path
        tell : callable (str)
            Takes a line where a server is not read as its user who may only read; on any thread, each line once.

        Raises
        ------
        BadInput
            The DSN is none.
        """
        place = parse(dsn)
        file = place.path if isinstance(place, SqliteDsn) else None
        once = cache(tell)  # a server that was away is opened again
        return cls(
            shown(dsn),
            state,
            Source("store", lambda: open_to_show(dsn, once), file),
            Source("journal", lambda: JournalPages.open(state, readonly=True), state / JOURNAL),
            Source("spool", lambda: Spool.open(state, readonly=True), state / SPOOL),
            Charts(state),
        )

    @property
    def has_journal(self) -> bool:
        """Whether a run was ever kept."""
        return (self.state / JOURNAL).exists()

    @property
    def has_spool(self) -> bool:
        """Whether anything was ever recorded here."""
        return (self.state / SPOOL).exists()

    def status(self) -> dict[str, Any]:
        """Return how store and journal are, as last seen."""
        (store, store_error), (journal, journal_error) = self.store.health, self.journal.health
        is_new = not self.has_journal
        return {
            "now": self.clock(),
            "bot": is_running(self.state),
            "store": {"dsn": self.dsn, "ok": store, "error": store_error},
            # No run was made yet: nothing is wrong.
            "journal": {"path": str(self.state / JOURNAL), "ok": True if is_new else journal,
                        "error": None if is_new else journal_error},
        }  # fmt: skip

    def close(self) -> None:
        """End streams, wait for questions under way, close what is open."""
        self.hub.close()
        for source in (self.store, self.journal, self.spool):
            source.close()


def shown(dsn: str) -> str:
    """Return a DSN without its password."""
    scheme, mark, rest = dsn.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}{mark}{user.partition(':')[0]}:{_HIDDEN}@{place}" if at and ":" in user else dsn
