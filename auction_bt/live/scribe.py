"""Writes the journal of a run while it goes on, on a thread of its own."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from auction_bt.brokers.messages import read
from auction_bt.core.decision import Decision
from auction_bt.core.errors import Fatal
from auction_bt.core.live_order import Action, Cancel, Look, Modify, Place
from auction_bt.core.trade import Trade
from auction_bt.store.journal import Journal, OrderState

_WAIT_S: Final = 5.0


class _Intent:
    """A request whose sender waits until it is on the disk."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.is_kept = threading.Event()


class Scribe:
    """Keeps a run's decisions, trades, requests and the states of its orders, in the order in which they are given.

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
        self._queue: queue.SimpleQueue[Decision | Trade | OrderState | _Intent | None] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)
        self._seen: dict[str, tuple[Any, ...]] = {}  # by the broker's number: what was last said of an order
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

    def keep_orders(self, seq: int, payload: str) -> None:
        """Take a recorded ``order`` message; what it says that was not known is kept. Never wait."""
        said = read(payload)
        if (answer := said.answer) is not None:
            self._queue.put(OrderState(seq, answer.tag, answer.order_id, f"{answer.to} {answer.outcome}", answer.note))
        for row in said.rows:
            known = row.status, row.qty, row.filled, row.average, row.trigger, row.price, row.note
            if self._seen.get(row.order_id) != known:
                self._seen[row.order_id] = known
                state = row.status.value if row.status is not None else "unknown"
                self._queue.put(OrderState(seq, row.tag, row.order_id, state, json.dumps(asdict(row))))

    def intend(self, action: Action) -> None:
        """Return when a request is on the disk.

        Raises
        ------
        Fatal
            It is not: it must not go out.
        """
        if isinstance(action, Look):  # a question changes nothing
            return
        intent = _Intent(action)
        self._queue.put(intent)
        if self.error is not None or not intent.is_kept.wait(_WAIT_S):
            raise Fatal(f"the journal has not kept it ({self.error or f'no word for {_WAIT_S:g} s'}): nothing goes out before it")

    def close(self) -> None:
        """Write what waits, and end."""
        self._queue.put(None)
        self._thread.join()

    # ---------------------------------------------------------------- its own thread
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
                    self._write(journal, group)
        except Exception as error:  # told by whoever looks; nobody may believe that the journal goes on
            self.error = error
        finally:
            self._ready.set()

    def _write(self, journal: Journal, group: list[Any]) -> None:
        for each in group:  # somebody waits for these
            if isinstance(each, _Intent):
                self._intend(journal, each.action)
                each.is_kept.set()
        if decisions := [each for each in group if isinstance(each, Decision)]:
            journal.append_decisions(self.run_id, decisions)
        if trades := [each for each in group if isinstance(each, Trade)]:
            journal.append_trades(self.run_id, trades)
        if states := [each for each in group if isinstance(each, OrderState)]:
            journal.append_orders(self.run_id, states)

    def _intend(self, journal: Journal, action: Action) -> None:
        intent = action.intent
        if isinstance(action, Place):
            journal.append_intent(self.run_id, intent.seq, intent.symbol, intent.tag, json.dumps(asdict(intent)))
        elif isinstance(action, Modify):
            asked = json.dumps({"qty": action.qty, "trigger": action.trigger, "price": action.price})
            journal.append_orders(self.run_id, [OrderState(intent.seq, intent.tag, action.order_id, "modify asked", asked)])
        elif isinstance(action, Cancel):
            journal.append_orders(self.run_id, [OrderState(intent.seq, intent.tag, action.order_id, "cancel asked", "{}")])
