"""The broker's key of a contract that has expired: the exchange's token alone is used again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import from_date, to_date

_FORM: Final = re.compile(r"([^|]+\|[^|]+)\|(\d{2})-(\d{2})-(\d{4})")


@dataclass(frozen=True, slots=True)
class ExpiredKey:
    """The parts of ``NSE_FO|47983|17-04-2025``: `key` as it was listed, and the IST day of `expiry`."""

    key: str
    expiry: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the parts, None where `text` is an ordinary key; raise `BadInput` where the day is none."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        try:
            return cls(match[1], from_date(date(int(match[4]), int(match[3]), int(match[2]))))
        except ValueError:
            raise BadInput(f"{text!r} does not end in a day of expiry, DD-MM-YYYY") from None


def key_of(key: str, expiry: int) -> str:
    """Return the key of a contract that was listed under `key`, once IST day `expiry` is past."""
    return f"{key}|{to_date(expiry):%d-%m-%Y}"
