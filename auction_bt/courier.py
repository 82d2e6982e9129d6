"""Messages from the spool to a store, each exactly once whatever fails between: one step at a time, no thread, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .core.errors import BadInput, Refused
from .core.ist import day_index
from .feeds.decode import symbols_of
from .parsing import parse
from .store import RawMessage, TickStore
from .store.spool import Spool

ROWS: Final = 8_000  # of a batch, two full groups; fewer cost the server a commit each, more gain nothing
CHARACTERS: Final = 8 * 1024 * 1024
_SPAN: Final = 10_000  # messages counted at once

_FIRST: Final = -(2**63)
_EVER: Final = 2**63 - 1


class Courier:
    """Carries what the spool holds to one open store.

    Parameters
    ----------
    spool : Spool
    store : TickStore
        Opened in the same thread as the spool.
    rows, characters : int
        Of a batch.

    Notes
    -----
    Sending is idempotent, so a batch is sent again whenever it is not known to have arrived, and the watermark may be older
    than the truth, never newer.
    """

    def __init__(self, spool: Spool, store: TickStore, *, rows: int = ROWS, characters: int = CHARACTERS) -> None:
        self._spool = spool
        self._store = store
        self._rows = rows
        self._characters = characters
        self._watermark = self._saved = spool.watermark
        self._touched: set[tuple[int, str]] = set()  # IST days and symbols that the spool does not know of yet
        self.sent = 0  # messages taken by the store for the first time
        self.sent_again = 0  # that the store had lost
        self.buried = 0  # that the store refuses

    @property
    def watermark(self) -> int:
        """Everything up to it is in the store."""
        return self._watermark

    def step(self) -> int:
        """Send the next batch; return how many messages it had, 0 where none waits.

        Raises
        ------
        Retryable, Fatal, BadInput
            The store cannot take anything now; the batch stays.
        """
        batch = self._batch(self._watermark + 1, _EVER)
        if not batch:
            return 0
        for part in self._send(batch):
            # Part by part: a store that fails while a refused message is searched for takes no step back.
            self.sent += len(part)
            self._watermark = part[-1].ts
            self._touched.update((day_index(m.ts), symbol) for m in part for symbol in m.symbols or ("",))
        self._watermark = batch[-1].ts
        return len(batch)

    def save(self) -> None:
        """Write down how far the store is: after a restart the rest is sent again, which changes nothing."""
        if self._watermark != self._saved:
            self._spool.arrived(self._watermark, self._touched)
            self._saved = self._watermark
            self._touched.clear()

    def verify(self) -> int:
        """Count what the store has of what it was sent, and send again where it has less; return how many were sent again.

        For each new connection: a server that was killed may have lost the last it had taken.
        """
        again = 0
        for span in self._spool.spans(_FIRST, self._watermark + 1, _SPAN):
            if self._store.raw_count(span.begin, span.end) < span.count:
                again += self._resend(span.begin, span.end)
        return again

    def prune(self, before: int) -> int:
        """Forget messages with ``ts < before`` that the store has; return how many were forgotten."""
        self.save()
        gone = 0
        for span in self._spool.spans(_FIRST, min(before, self._watermark + 1), _SPAN):
            if self._store.raw_count(span.begin, span.end) < span.count:
                self._resend(span.begin, span.end)  # counted the next time
                break
            gone += self._spool.drop(span.end)
        return gone

    def _resend(self, begin: int, end: int) -> int:
        count = 0
        while batch := self._batch(begin, end):
            for part in self._send(batch):
                count += len(part)
                self.sent_again += len(part)
            begin = batch[-1].ts + 1
        return count

    def _batch(self, begin: int, end: int) -> list[RawMessage]:
        kept = self._spool.batch(begin, end, self._rows, self._characters)
        return [RawMessage(m.ts, m.text, _symbols_in(m.text) if m.symbols is None else m.symbols) for m in kept]

    def _send(self, batch: list[RawMessage]) -> Iterator[list[RawMessage]]:
        """Send a batch and yield the parts taken, in order; where the store refuses it, find what it refuses and bury that."""
        try:
            self._store.append_raw(batch)
        except BadInput:  # the store itself cannot be used: read-only, another table of its name
            raise
        except (Refused, ValueError, OverflowError) as error:
            if len(batch) == 1:
                self._spool.bury(batch[0], str(error))
                self.buried += 1
                return
            middle = len(batch) // 2
            yield from self._send(batch[:middle])
            yield from self._send(batch[middle:])
        else:
            yield batch


def _symbols_in(text: str) -> tuple[str, ...]:
    try:
        return symbols_of(parse(text))
    except ValueError:
        return ()
