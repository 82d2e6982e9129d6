"""The word to stop: a signal, told to whoever works, whose handler may take no lock and so sets plain values alone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_STOPS: Final = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def stopping(stop: Callable[[], bool], others: Mapping[str, Callable[[], None]] | None = None) -> Iterator[None]:
    """Call `stop` at each signal to stop; where it says True the next one of that kind acts as it did before.

    Parameters
    ----------
    stop : callable returning bool
    others : mapping of str to callable, optional
        What to call at other signals, by their names; those that this system has not are left out.
    """
    before: dict[int, Any] = {}

    def at_stop(number: int, _: FrameType | None) -> None:
        if stop():
            signal.signal(number, before[number])

    def at_other(number: int, _: FrameType | None) -> None:
        calls[number]()

    calls = {getattr(signal, name): call for name, call in (others or {}).items() if hasattr(signal, name)}
    handlers = {getattr(signal, name): at_stop for name in _STOPS if hasattr(signal, name)} | dict.fromkeys(calls, at_other)
    for number, handler in handlers.items():
        before[number] = signal.getsignal(number)
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
