"""What the exchange answers: numbers of orders, what is wrong, and what the portfolio feed is to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was not accepted.

    Parameters
    ----------
    code, message : str
        As the broker words them.
    status : int
        Of the HTTP answer.
    field : str
        Which part of the request is meant.
    value : object
        What stood there.
    """

    code: str
    message: str
    status: int = 400
    field: str = ""
    value: object = None


@dataclass(frozen=True, slots=True)
class Update:
    """One message of the portfolio feed.

    Parameters
    ----------
    kind : str
        ``order``, ``position`` or ``holding``.
    at : int, ns
    body : mapping
        What the message says, ready for JSON.
    """

    kind: str
    at: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Parameters
    ----------
    order_ids : tuple of str
        Of the orders that were made or changed.
    updates : tuple of Update
        What happened at once, in order.
    problems : tuple of Problem
        Empty where the request was accepted, which does not mean that its order was.
    """

    order_ids: tuple[str, ...] = ()
    updates: tuple[Update, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Whether anything was."""
        return bool(self.order_ids) or not self.problems
