"""What is charged, by kind: the lines at the foot of a contract note."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

_PAISA: Final = Decimal("0.01")
_RUPEE: Final = Decimal(1)
_ZERO: Final = Decimal(0)


class Rounding(StrEnum):
    """To what a sum of charges is rounded."""

    PAISA = "paisa"  # each kind
    NOTE = "note"  # STT and stamp duty to whole rupees, as the contract note of a day does


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Charges by kind, exact until they are rounded.

    Parameters
    ----------
    brokerage : Decimal, rupees
    stt : Decimal, rupees
        Securities transaction tax.
    transaction : Decimal, rupees
        The exchange's charge.
    ipft : Decimal, rupees
        The exchange's Investor Protection Fund Trust.
    sebi : Decimal, rupees
    stamp : Decimal, rupees
    gst : Decimal, rupees
        On all of these but STT and stamp duty.
    dp : Decimal, rupees
        For shares taken out of the demat account.
    square_off : Decimal, rupees
        For a position the broker had to close.
    other : Decimal, rupees
        Of a cost model that knows no kinds; it says itself how exact it is, and is never rounded here.
    """

    brokerage: Decimal = _ZERO
    stt: Decimal = _ZERO
    transaction: Decimal = _ZERO
    ipft: Decimal = _ZERO
    sebi: Decimal = _ZERO
    stamp: Decimal = _ZERO
    gst: Decimal = _ZERO
    dp: Decimal = _ZERO
    square_off: Decimal = _ZERO
    other: Decimal = _ZERO

    @property
    def kinds(self) -> dict[str, Decimal]:
        """Every kind and its rupees, in the order of the fields."""
        return {name: getattr(self, name) for name in KINDS}

    @property
    def total(self) -> Decimal:
        """The sum of all kinds."""
        return sum(self.kinds.values(), _ZERO)

    def __add__(self, more: Breakdown) -> Breakdown:
        return Breakdown(*(a + b for a, b in zip(self.kinds.values(), more.kinds.values(), strict=True)))

    def __sub__(self, part: Breakdown) -> Breakdown:
        return Breakdown(*(a - b for a, b in zip(self.kinds.values(), part.kinds.values(), strict=True)))

    def __mul__(self, times: int) -> Breakdown:
        return Breakdown(*(a * times for a in self.kinds.values()))

    def rounded(self, rounding: Rounding = Rounding.PAISA) -> Breakdown:
        """Return the charges as a note prints them; its lines add up to its total.

        Notes
        -----
        A note rounds the sum of its trades once. So should a caller: add the exact charges up, then round. The exchange's
        own charge and its IPFT are one line there, and rounded as one.
        """
        whole = _RUPEE if rounding is Rounding.NOTE else _PAISA
        exchange, ipft = _round(self.transaction + self.ipft, _PAISA), _round(self.ipft, _PAISA)
        to_paisa = {name: _round(getattr(self, name), _PAISA) for name in ("brokerage", "sebi", "gst", "dp", "square_off")}
        stt, stamp = _round(self.stt, whole), _round(self.stamp, whole)
        return replace(self, **to_paisa, transaction=exchange - ipft, ipft=ipft, stt=stt, stamp=stamp)


KINDS: Final = tuple(Breakdown.__dataclass_fields__)


def _round(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, ROUND_HALF_UP)
