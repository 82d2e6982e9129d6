"""What a request asks for, read from its query: every mistake one clear line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import from_date
from auction_bt.store.journal_pages import MOST, TradeFilter

_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MOST_INT: Final = 2**63 - 1


class Query:
    """The query of one request.

    Parameters
    ----------
    values : mapping of str to str
    known : names that may stand in it
    """

    def __init__(self, values: Mapping[str, str], *known: str) -> None:
        if strange := sorted(values.keys() - set(known)):
            names = f"known are {', '.join(known)}" if known else "nothing can be asked for here"
            raise BadInput(f"{strange[0]!r} is not known here: {names}")
        self._values = values

    def text(self, name: str) -> str:
        """Return a text, empty where there is none."""
        return self._values.get(name, "").strip()

    def needed(self, name: str) -> str:
        """Return a text that must be there."""
        if not self.text(name):
            raise BadInput(f"{name}= is needed")
        return self.text(name)

    def number(self, name: str, default: int | None = None, least: int = 0, most: int = _MOST_INT) -> int:
        """Return a whole number; without a default it must be there."""
        text = self.text(name)
        if not text and default is not None:
            return default
        if not text.isdecimal() or not text.isascii() or len(text) > 19 or not least <= int(text) <= most:
            raise BadInput(f"{name}={text!r} must be a whole number, {least} to {most}")
        return int(text)

    def is_set(self, name: str) -> bool | None:
        """Return whether it is 1 or 0; None where it is not said."""
        text = self.text(name)
        if text not in {"", "0", "1"}:
            raise BadInput(f"{name}={text!r} must be 0 or 1")
        return text == "1" if text else None

    def date(self, name: str) -> date | None:
        """Return a day, None where it is not said."""
        text = self.text(name)
        if not text:
            return None
        try:
            if len(text) != 10:
                raise ValueError(text)
            return date.fromisoformat(text)
        except ValueError:
            raise BadInput(f"{name}={text!r} is no day: write YYYY-MM-DD") from None

    def day(self, name: str) -> int | None:
        """Return the number of an IST day, None where it is not said."""
        found = self.date(name)
        return None if found is None else from_date(found)

    def minutes(self, name: str) -> int | None:
        """Return minutes since midnight, None where no time is said."""
        text = self.text(name)
        if not text:
            return None
        found = _TIME.fullmatch(text)
        if found is None:
            raise BadInput(f"{name}={text!r} is no time of a day: write HH:MM in IST")
        return int(found[1]) * 60 + int(found[2])

    def page(self) -> tuple[int, int]:
        """Return limit and offset."""
        return self.number("limit", 100, 1, MOST), self.number("offset", 0)

    def trades(self) -> TradeFilter:
        """Return which trades are asked for."""
        return TradeFilter(self.text("q"), self.is_set("open"), self.text("symbol"), self.day("day"))
