"""A store or a journal behind a web server: opened and asked by one thread of its own, opened again once it was away."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Generic, Protocol, TypeVar

from auction_bt.core.errors import AuctionError, BadInput, NothingToDo, UnknownSymbol


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Release it."""
        ...


T = TypeVar("T", bound=Closable)
A = TypeVar("A")
_OF_THE_QUESTION = (BadInput, NothingToDo, UnknownSymbol, LookupError)


class Away(AuctionError):
    """It does not answer now, and may again later."""


class Source(Generic[T]):
    """Something that one thread opens and asks.

    Parameters
    ----------
    name : str
        For messages.
    open_it : callable
        Opens it. An `AuctionError` or `OSError` says that it is away.
    file : Path or None
        Where it is one: another file in its place, or none, is noticed.
    """

    def __init__(self, name: str, open_it: Callable[[], T], file: Path | None = None) -> None:
        self.name = name
        self._open = open_it
        self._file = file
        self._of_file: object = None
        self._held: T | None = None
        self._error: str | None = None
        self._is_known = False
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(1, f"viewer-{name}")

    @property
    def health(self) -> tuple[bool | None, str | None]:
        """Whether it answered when it was last asked (None: never asked), and what it said where it did not."""
        with self._lock:
            return (self._error is None) if self._is_known else None, self._error

    def ask(self, question: Callable[[T], A]) -> A:
        """Return the answer of the one thread that may ask.

        Raises
        ------
        Away
            It cannot be opened, or failed in a way that says nothing about the question.
        BadInput, NothingToDo, UnknownSymbol, LookupError
            As the question raised them.
        """
        return self._thread.submit(self._ask, question).result()

    def close(self) -> None:
        """Close what is open; wait for the question under way."""
        self._thread.submit(self._let_go).result()
        self._thread.shutdown()

    def _ask(self, question: Callable[[T], A]) -> A:
        if self._held is not None and self._inode() != self._of_file:
            self._let_go()
        if self._held is None:
            try:
                self._of_file = self._inode()
                self._held = self._open()
            except (AuctionError, OSError) as error:
                raise self._away(error) from error
        try:
            answer = question(self._held)
        except _OF_THE_QUESTION:
            self._told(None)
            raise
        except (AuctionError, OSError) as error:
            self._let_go()
            raise self._away(error) from error
        self._told(None)
        return answer

    def _away(self, error: Exception) -> Away:
        self._told(str(error))
        return Away(f"{self.name}: {error}")

    def _told(self, error: str | None) -> None:
        with self._lock:
            self._error, self._is_known = error, True

    def _inode(self) -> object:
        try:
            return None if self._file is None else self._file.stat().st_ino
        except OSError:
            return "gone"

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with suppress(Exception):
                held.close()
