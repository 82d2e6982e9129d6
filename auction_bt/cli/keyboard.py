"""Single keys from a terminal, which is left as it was found however the program ends."""

from __future__ import annotations

import os
import sys
import time
from types import FrameType, TracebackType
from typing import Any, Final, Self

from auction_bt.pace import Key

KEYS: Final = {
    " ": Key.PAUSE,
    "s": Key.STEP,
    "\x1b[C": Key.STEP,  # the right arrow, in both modes of a terminal
    "\x1bOC": Key.STEP,
    "b": Key.BAR,
    "+": Key.FASTER,
    "=": Key.FASTER,
    "-": Key.SLOWER,
    "q": Key.QUIT,
}
_POLL_S: Final = 0.02
_REST_S: Final = 0.05  # in which the rest of an arrow's three bytes must come


def has_terminal() -> bool:
    """Return whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


if sys.platform == "win32":
    import msvcrt

    class Keyboard:
        """Keys of a Windows console."""

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing was changed."""

        def read(self, wait: float) -> Key | None:
            """Return the key that was pressed within `wait` seconds, None for none that means anything."""
            end = time.monotonic() + wait
            while not msvcrt.kbhit():
                left = end - time.monotonic()
                if left <= 0:
                    return None
                time.sleep(min(left, _POLL_S))
            pressed = msvcrt.getwch()
            if pressed in "\x00\xe0":  # an arrow comes as two
                return Key.STEP if msvcrt.getwch() == "M" else None
            if pressed == "\x03":
                raise KeyboardInterrupt
            return KEYS.get(pressed.lower())

else:
    import select
    import signal
    import termios
    import tty

    class Keyboard:
        """Keys of a terminal, one by one and unseen, while this process is in its foreground.

        Notes
        -----
        The terminal's mode is put back at the end of the ``with`` block, before the process is stopped (Ctrl-Z) and before a
        signal ends it; it is set again when the process comes back to the foreground.
        """

        def __init__(self) -> None:
            self._fd = sys.stdin.fileno()
            self._found: list[Any] | None = None  # the terminal's own mode, while ours is set
            self._handlers: dict[int, Any] = {}
            self._is_open = True
            self._is_interrupted = False

        def __enter__(self) -> Self:
            for number in (signal.SIGTSTP, signal.SIGTERM, signal.SIGHUP):
                self._handlers[number] = signal.signal(number, self._stop)
            self._handlers[signal.SIGINT] = signal.signal(signal.SIGINT, self._interrupt)
            self._attend()
            return self

        def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
            self._leave()
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

        def read(self, wait: float) -> Key | None:
            """Return the key that was pressed within `wait` seconds, None for none that means anything."""
            if self._is_interrupted:
                raise KeyboardInterrupt
            if not self._is_open or not self._attend():
                if wait > 0:
                    time.sleep(min(wait, _POLL_S))
                return None
            if not select.select([self._fd], [], [], wait)[0]:
                return None
            text = self._next()
            while text in {"\x1b", "\x1b[", "\x1bO"} and select.select([self._fd], [], [], _REST_S)[0]:
                text += self._next()
            return KEYS.get(text) or KEYS.get(text.lower())

        def _next(self) -> str:
            try:
                got = os.read(self._fd, 1)
            except OSError:  # the terminal has gone
                got = b""
            self._is_open = bool(got)
            return got.decode("latin-1")

        def _attend(self) -> bool:
            """Set our mode where the terminal is ours to read; return whether it is."""
            try:
                if os.tcgetpgrp(self._fd) != os.getpgrp():
                    return False
                if self._found is None:
                    self._found = termios.tcgetattr(self._fd)
                    tty.setcbreak(self._fd)
            except (OSError, termios.error):
                self._is_open = False
                return False
            return True

        def _leave(self) -> None:
            if self._found is not None:
                try:
                    termios.tcsetattr(self._fd, termios.TCSADRAIN, self._found)
                except (OSError, termios.error):
                    self._is_open = False
                self._found = None

        def _interrupt(self, *_: object) -> None:
            # Raised again at the next look at the keys: an exception that meets a callback of compiled code (a kernel that is
            # being loaded) is printed there and lost.
            self._is_interrupted = True
            raise KeyboardInterrupt

        def _stop(self, number: int, _: FrameType | None) -> None:
            # Put the mode back, then let the signal do what it does; after a stop the process goes on here.
            self._leave()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            signal.signal(number, self._stop)
