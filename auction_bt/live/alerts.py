"""Tells a person what he must know now, wherever he reads it: a file, a webhook, Telegram and what else Apprise knows."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import clock_text, day_index, to_date
from auction_bt.redaction import redacted

FILE: Final = "alarms.log"
_TITLE: Final = "auction_bt"
_MOST: Final = 200  # that may wait
_AGAIN_NS: Final = 300 * 10**9  # the same words are sent once in so long
_END_S: Final = 15.0

Send = Callable[[str, str], bool]


def sender(places: Iterable[str]) -> Send | None:
    """Return what sends a title and a text to `places`; None for none.

    Parameters
    ----------
    places : iterable of str
        Addresses as Apprise writes them: ``tgram://TOKEN/CHAT``, ``json://host/path``, ``mailto://…``. They hold secrets.

    Raises
    ------
    BadInput
        One of them is none, or the package is not there.
    """
    wanted = [place.strip() for place in places if place.strip()]
    if not wanted:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it looks at all its services, and some are older than others
        try:
            import apprise
        except ImportError as error:
            raise BadInput("alerts need the package apprise: pip install 'auction-bt[alerts]'") from error
        told = apprise.Apprise()
        for number, place in enumerate(wanted, 1):
            if not told.add(place):
                kind = place.partition("://")[0] if "://" in place else "?"
                raise BadInput(f"alert address {number} ({kind}://…) is none that Apprise knows: see its list of services")
    return lambda title, text: bool(told.notify(body=text, title=title))


class Alerts:
    """Sends alarms on a thread of its own: whoever raises one never waits, and is told by `say` where it could not be sent.

    Parameters
    ----------
    state : Path
        Folder of ``alarms.log``, which has them all.
    send : callable (str, str) returning bool, or None
    clock : callable returning int, ns
    say : callable (str)
        Takes a line for the terminal.
    """

    def __init__(self, state: Path, send: Send | None, clock: Callable[[], int], say: Callable[[str], None]) -> None:
        self._path = state / FILE
        self._send = send
        self._clock = clock
        self._say = say
        self._queue: queue.Queue[tuple[int, str] | None] = queue.Queue(_MOST)
        self._last: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self.dropped = 0

    def __enter__(self) -> Alerts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.dropped:
            self._say(f"{self.dropped} alarms came too fast to be kept and sent: the terminal has shown them")
        try:
            self._queue.put(None, timeout=1.0)
        except queue.Full:
            return
        self._thread.join(_END_S)

    def __call__(self, text: str) -> None:
        """Take an alarm; secrets are taken out of it. Any thread may."""
        try:
            self._queue.put_nowait((self._clock(), redacted(text)))
        except queue.Full:
            self.dropped += 1

    # ---------------------------------------------------------------- its own thread
    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            at, text = item
            self._keep(f"{to_date(day_index(at))} {clock_text(at)} {text}\n")
            if self._send is not None and at - self._last.get(text, -_AGAIN_NS) >= _AGAIN_NS:
                self._last[text] = at
                self._tell(self._send, text)

    def _keep(self, line: str) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            self._say(f"{self._path} cannot be written ({error.strerror or error})")

    def _tell(self, send: Send, text: str) -> None:
        why = "it was not taken"
        try:
            if send(_TITLE, text):
                return
        except Exception as error:  # a library of a hundred services: whatever it is, the day goes on
            why = type(error).__name__
        self._say(f"an alert could not be sent ({why}): it is in {self._path}")


def sent_test(send: Send) -> bool:
    """Send a word that says that alerts arrive; return whether it was taken."""
    return bool(send(_TITLE, "test: alerts arrive"))
