"""Where requests go: nowhere while a recording is worked off once more, then to the exchange."""

from __future__ import annotations

from collections.abc import Callable

from auction_bt.core.live_order import Action


class Gate:
    """Lets requests through when it is open.

    Parameters
    ----------
    send : callable (Action)

    Notes
    -----
    What was asked for while it was shut had been sent before, or not, as nobody knows: the recording has the answers that came.
    For the rest the keeper asks the exchange, as for every answer that was lost; nothing is sent a second time.
    """

    def __init__(self, send: Callable[[Action], None]) -> None:
        self._send = send
        self.is_open = False
        self.held_back = 0

    def __call__(self, action: Action) -> None:
        """Send a request, or count it."""
        if self.is_open:
            self._send(action)
        else:
            self.held_back += 1
