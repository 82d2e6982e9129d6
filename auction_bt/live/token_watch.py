"""Looks after the access token while a day goes on: that it ends, or that there is none before the open, is told in time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from auction_bt.core.errors import AuctionError
from auction_bt.core.ist import MINUTE_NS, clock_text, day_index, to_date
from auction_bt.upstox.token import Token, next_end

_EVERY_S: Final = 20.0
#: How long before a token ends it is told, and that it has.
_BEFORE_END: Final = (60 * MINUTE_NS, 10 * MINUTE_NS, 0)
#: How long before the open there must be one: 08:45 and 09:10 of a day that begins at 09:15.
_BEFORE_OPEN: Final = (30 * MINUTE_NS, 5 * MINUTE_NS)
_CURE: Final = "run `login`, and the day goes on with the new one"


class TokenAlarms:
    """What is to be told of a token, each thing once. Time is an argument.

    Parameters
    ----------
    opens, ends : int, ns
        The first and the last moment at which the run needs a token to trade by.

    Notes
    -----
    A token that outlives the run is not spoken of. One that does not say when it ends is taken to end as the broker's do, at the
    first 03:30 IST after it was first seen.
    """

    def __init__(self, opens: int, ends: int) -> None:
        self._opens = opens
        self._ends = ends
        self._token: Token | None = None  # the one last seen
        self._until = 0  # when it ends
        self._left: tuple[int, ...] = _BEFORE_END  # of it, what has not been told
        self._marks: tuple[int, ...] = _BEFORE_OPEN

    def due(self, now: int, token: Token | None, why: str = "") -> str:
        """Return what is to be told now; '' for nothing.

        Parameters
        ----------
        now : int, ns
        token : Token or None
            The one that would be used now.
        why : str
            There is none.
        """
        if token is not None and (self._token is None or token.text != self._token.text):
            self._token, self._until, self._left = token, token.expires or next_end(now), _BEFORE_END
        is_there = token is not None and self._until > now
        return self._of_the_open(now, is_there, why) or self._of_the_end(now)

    def _of_the_open(self, now: int, is_there: bool, why: str) -> str:
        passed = [mark for mark in self._marks if self._opens - mark <= now]
        if not passed:
            return ""
        self._marks = tuple(mark for mark in self._marks if mark not in passed)
        if is_there or now >= self._opens:
            return ""
        # Of the one that has ended the same must not be told once more.
        self._left = tuple(left for left in self._left if left and self._until - left > now)
        return f"the market opens at {clock_text(self._opens)[:5]}, and {why or f'there is no access token: {_CURE}'}"

    def _of_the_end(self, now: int) -> str:
        if self._token is None or self._until >= self._ends:
            return ""
        passed = [left for left in self._left if self._until - left <= now]
        if not passed:
            return ""
        self._left = tuple(left for left in self._left if left not in passed)
        if self._until <= now:
            return f"the access token has ended at {_when(self._until)}: the broker refuses it at the next call; {_CURE}"
        minutes = -(-(self._until - now) // MINUTE_NS)
        return (f"the access token ends in {minutes} min, at {_when(self._until)}, before the day does: run `login` right after, "
                "one of before may end with it")  # fmt: skip


class TokenWatch:
    """Asks for the token every now and then, on a thread of its own: where it is kept may be slow, and nobody waits for it.

    Parameters
    ----------
    token : callable returning str
        The token of the moment; raises where there is none.
    clock : callable returning int, ns
    alarm : callable (str)
        Takes what is to be told; no token is in it.
    hours : sequence of (int, int), ns
        Of the sessions of the day; where there are none, nothing is watched.
    every : float, s
        Between two looks.
    """

    def __init__(
        self, token: Callable[[], str], clock: Callable[[], int], alarm: Callable[[str], None],
        hours: Sequence[tuple[int, int]], every: float = _EVERY_S,
    ) -> None:  # fmt: skip
        self._ask = token
        self._clock = clock
        self._alarm = alarm
        self._alarms = TokenAlarms(min(begin for begin, _ in hours), max(end for _, end in hours)) if hours else None
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="token watch", daemon=True)

    def __enter__(self) -> TokenWatch:
        if self._alarms is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()  # a look that takes long ends by itself, and tells nobody any more

    # ---------------------------------------------------------------- its own thread
    def _run(self) -> None:
        while not self._over.is_set():
            if text := self._look():
                self._alarm(text)
            self._over.wait(self._every)

    def _look(self) -> str:
        assert self._alarms is not None  # noqa: S101 - for the type checker
        token, why = None, ""
        try:
            text = self._ask()
            token = Token.of(text, "") if text else None
        except AuctionError as error:
            why = str(error)
        except Exception as error:  # whoever runs a Cerebro gets it from where he likes; its words may hold it
            why = f"the access token cannot be had ({type(error).__name__})"
        return "" if self._over.is_set() else self._alarms.due(self._clock(), token, why)


def _when(ns: int) -> str:
    return f"{to_date(day_index(ns))} {clock_text(ns)[:5]} IST"
