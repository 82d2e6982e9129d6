"""Logs in anew in a rehearsal whose token has died, as its user would."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from .sim_process import SimProcess

_LOOK_S: Final = 0.1
_MARKET_S: Final = 60.0  # of the market, until somebody has seen it and has logged in
_LEAST_S: Final = 1.0  # of the world's, so that a fast day meets calls that are refused


class RehearsedLogin:
    """Looks after the token of a simulated exchange, on a thread of its own.

    Parameters
    ----------
    sim : SimProcess
    say : callable (str)
        Takes a line for the terminal.
    """

    def __init__(self, sim: SimProcess, say: Callable[[str], None]) -> None:
        self._sim = sim
        self._say = say
        self._wait = max(_LEAST_S, _MARKET_S / sim.ready.speed) if sim.ready.speed else _LEAST_S
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="login", daemon=True)

    def __enter__(self) -> RehearsedLogin:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_LOOK_S):
            if not self._is_dead():
                continue
            self._say(f"rehearsal: the access token has died, as the faults will have it; a login follows in {self._wait:.0f} s")
            if self._over.wait(self._wait):
                return
            self._sim.renew()
            while self._is_dead():
                if self._over.wait(_LOOK_S):
                    return
            self._say("rehearsal: logged in anew, and the day goes on with the new token")

    def _is_dead(self) -> bool:
        return self._sim.is_token_dead
