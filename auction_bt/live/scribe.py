"""Writes decisions and trades to the journal while a run goes on, on a thread of its own."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

from auction_bt.core.decision import Decision
from auction_bt.core.trade import Trade
from auction_bt.store.journal import Journal


class Scribe:
    """Keeps a run's decisions and trades in the order in which they are given.

    Parameters
    ----------
    state : Path
        Folder of the journal.
    settings : str
        Of the run, as JSON text.
    """

    def __init__(self, state: Path, settings: str) -> None:
        self._state = state
        self._settings = settings
        self._queue: queue.SimpleQueue[Decision | Trade | None] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)
        self.run_id = 0
        self.error: Exception | None = None

    def start(self) -> None:
        """Begin the run in the journal; raise what keeps it from being opened."""
        self._thread.start()
        self._ready.wait()
        if self.error is not None:
            raise self.error

    def keep(self, what: Decision | Trade) -> None:
        """Take a decision or a closed trade; never wait."""
        self._queue.put(what)

    def close(self) -> None:
        """Write what waits, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            with Journal.open(self._state) as journal:
                self.run_id = journal.start_run(self._settings)
                self._ready.set()
                is_open = True
                while is_open:
                    group = [self._queue.get()]
                    while not self._queue.empty():
                        group.append(self._queue.get())
                    is_open = None not in group
                    if decisions := [each for each in group if isinstance(each, Decision)]:
                        journal.append_decisions(self.run_id, decisions)
                    if trades := [each for each in group if isinstance(each, Trade)]:
                        journal.append_trades(self.run_id, trades)
        except Exception as error:  # told by whoever looks; nobody may believe that the journal goes on
            self.error = error
        finally:
            self._ready.set()
