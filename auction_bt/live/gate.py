"""Where requests go: nowhere while a recording is worked off once more, then to the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

from auction_bt.brokers.messages import Answer, answer_message
from auction_bt.core.live_order import Action, Asked, Outcome, Place


class Gate:
    """Lets requests through when it is open.

    Parameters
    ----------
    send : callable (Action)

    Notes
    -----
    What was asked for while it was shut had been sent before, or not: the journal of intents knows, for none goes out before it
    is there. What is not in it never went out. Of the rest the recording has the answers that came, and for what was lost the
    keeper asks the exchange, as always; nothing is sent a second time.
    """

    def __init__(self, send: Callable[[Action], None]) -> None:
        self._send = send
        self._asked: list[Place] = []  # orders asked for while it was shut
        self.is_open = False

    def __call__(self, action: Action) -> None:
        """Send a request, or keep an order in mind."""
        if self.is_open:
            self._send(action)
        elif isinstance(action, Place):
            self._asked.append(action)

    def open(self, intended: Set[str], tell: Callable[[Mapping[str, Any]], None], now: int) -> list[str]:
        """Let through what comes; tell of orders that never went out, and return the tags of those nobody has asked for.

        Parameters
        ----------
        intended : set of str
            Tags of the day's intents.
        tell : callable taking a message (dict)
        now : int, ns

        Notes
        -----
        An order that went out, and that the same messages do not ask for again, was asked for by other settings or by another
        version of the program: what it did is not known here.
        """
        self.is_open = True
        for action in self._asked:
            intent = action.intent
            if intent.tag not in intended:
                answer = Answer(intent.tag, Asked.PLACE, Outcome.REFUSED, "", "it did not go out before the bot ended")
                tell(answer_message(answer, intent.symbol, now))
        strange = sorted(intended - {action.intent.tag for action in self._asked})
        self._asked.clear()
        return strange
