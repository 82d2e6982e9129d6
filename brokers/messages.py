"""What an order's messages say: the broker's updates and answers as they are recorded, and back into values. Pure.

One recorded kind, ``order``, with four contents: ``update`` (a message of the portfolio feed), ``answer`` (what came of a
request), ``book`` and ``positions`` (rows as they were asked for); ``funds`` is a kind of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Final

from auction_bt.core.ist import IST, SECOND_NS
from auction_bt.core.live_order import Asked, Outcome, Row, Status

_STATUSES: Final = {status.value: status for status in Status}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Parameters
    ----------
    tag : str
    to : Asked
    outcome : Outcome
    order_id : str
        The broker's number, where it gave one.
    note : str
        Why it was refused, or why nobody knows.
    """

    tag: str
    to: Asked
    outcome: Outcome
    order_id: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What the account holds of an instrument.

    Parameters
    ----------
    symbol : str
    qty : int, shares
        Bought less sold; what was held over night is in it.
    overnight : int, shares
    """

    symbol: str
    qty: int
    overnight: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What one recorded message says: an answer, rows, positions, any of them or none.

    Parameters
    ----------
    rows : tuple of Row
    answer : Answer or None
    held : tuple of Held or None
        All of the account's positions, one item a symbol; None where the message is not about them.
    """

    rows: tuple[Row, ...] = ()
    answer: Answer | None = None
    held: tuple[Held, ...] | None = None


def update_message(text: str, ts: int) -> dict[str, Any] | None:
    """Return the message to record for a text of the portfolio feed, None where the text is no JSON object."""
    try:
        row = json.loads(text)
    except ValueError:
        return None
    if not isinstance(row, dict):
        return None
    return {"kind": "order", "ts": ts, "symbol": _key(row), "what": "update", "row": row}


def answer_message(answer: Answer, symbol: str, ts: int, rows: Iterable[Mapping[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """Return the message to record for the answer to a request, with rows that were looked up for it."""
    return {
        "kind": "order", "ts": ts, "symbol": symbol, "what": "answer", "tag": answer.tag, "to": answer.to.value,
        "outcome": answer.outcome.value, "order_id": answer.order_id, "note": answer.note, "rows": list(rows), **more,
    }  # fmt: skip


def book_message(rows: Iterable[Mapping[str, Any]], ts: int) -> dict[str, Any]:
    """Return the message to record for the order book as it was read."""
    return {"kind": "order", "ts": ts, "what": "book", "rows": list(rows)}


def positions_message(rows: Iterable[Mapping[str, Any]], ts: int) -> dict[str, Any]:
    """Return the message to record for the account's positions as they were read."""
    return {"kind": "order", "ts": ts, "what": "positions", "rows": list(rows)}


def funds_message(available: float, used: float, ts: int) -> dict[str, Any]:
    """Return the message to record for the account's funds, in rupees."""
    return {"kind": "funds", "ts": ts, "available": available, "used": used}


def available_of(payload: str) -> float | None:
    """Return what a recorded ``funds`` message says is free, None where it says nothing."""
    try:
        said = json.loads(payload)
    except ValueError:
        return None
    found = said.get("available") if isinstance(said, dict) else None
    return _number(found) if isinstance(found, int | float) else None


def read(payload: str) -> Said:
    """Return what a recorded ``order`` message says; what is not understood says nothing."""
    try:
        said = json.loads(payload)
    except ValueError:
        return Said()
    if not isinstance(said, dict):
        return Said()
    if said.get("what") == "update":
        row = row_of(said.get("row"))
        return Said((row,) if row is not None else ())
    found = said.get("rows")
    if said.get("what") == "positions":
        return Said(held=_held(found if isinstance(found, list) else []))
    rows = tuple(row for each in (found if isinstance(found, list) else []) if (row := row_of(each)) is not None)
    return Said(rows, _answer(said) if said.get("what") == "answer" else None)


def row_of(said: object) -> Row | None:
    """Return an order's row as the broker words it, None for what is no order."""
    if not isinstance(said, dict) or said.get("update_type", "order") != "order":
        return None
    order_id = said.get("order_id")
    if not isinstance(order_id, str) or not order_id:
        return None
    status = said.get("status")
    return Row(
        order_id=order_id,
        tag=_text(said.get("tag")),
        symbol=_key(said),
        buy=said.get("transaction_type") == "BUY",
        status=_STATUSES.get(status.lower()) if isinstance(status, str) else None,
        qty=int(_number(said.get("quantity"))),
        filled=int(_number(said.get("filled_quantity"))),
        average=_number(said.get("average_price")),
        trigger=_number(said.get("trigger_price")),
        price=_number(said.get("price")),
        version=int(_number(said.get("order_request_id"))),
        note=_text(said.get("status_message")) or _text(said.get("status_message_raw")),
        at=_time(said.get("exchange_timestamp")) or _time(said.get("order_timestamp")),
        placed_by=_text(said.get("placed_by")),
    )


def _held(rows: Iterable[object]) -> tuple[Held, ...]:
    # One instrument may be held as several products.
    found: dict[str, Held] = {}
    for row in rows:
        if isinstance(row, dict) and (symbol := _key(row)):
            before = found.get(symbol, Held(symbol, 0))
            qty, overnight = (int(_number(row.get(name))) for name in ("quantity", "overnight_quantity"))
            found[symbol] = Held(symbol, before.qty + qty, before.overnight + overnight)
    return tuple(found.values())


def _answer(said: Mapping[str, Any]) -> Answer | None:
    try:
        return Answer(
            _text(said.get("tag")), Asked(_text(said.get("to"))), Outcome(_text(said.get("outcome"))),
            _text(said.get("order_id")), _text(said.get("note")),
        )  # fmt: skip
    except ValueError:
        return None


def _key(row: Mapping[str, Any]) -> str:
    return _text(row.get("instrument_key")) or _text(row.get("instrument_token"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) and value != "" else 0.0
    except ValueError:
        return 0.0
    return number if isfinite(number) else 0.0


def _time(value: object) -> int:
    # IST without saying so, to the second.
    if not isinstance(value, str) or not value:
        return 0
    try:
        return int(datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=IST).timestamp()) * SECOND_NS
    except ValueError:
        return 0
