"""The backtrader face of charges and margin."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from auction_bt.core.instrument import Kind

#: Share of a position's value that must be paid in: what a broker asks intraday, rounded up.
MARGIN = {Kind.EQUITY: 0.2, Kind.FUTURE: 0.15, Kind.OPTION: 1.0, Kind.INDEX: 1.0, Kind.OTHER: 1.0}


class ChargedCommission(bt.CommInfoBase):  # type: ignore[misc]  # backtrader has no types
    """Charges of one instrument as backtrader's commission; leverage from the margin of its kind.

    Params
    ------
    charges : Charges
    kind : Kind
    """

    params = (
        ("charges", None),
        ("kind", Kind.EQUITY),
        ("stocklike", True),
        ("commtype", bt.CommInfoBase.COMM_FIXED),
    )

    def __init__(self) -> None:
        super().__init__()
        self.p.leverage = 1.0 / MARGIN[self.p.kind]

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:  # noqa: ARG002
        return float(self.p.charges.of(self.p.kind, price, abs(round(size)), buy=size > 0))

    def get_margin(self, price: float) -> Any:
        """Return the rupees to pay in for one share at `price`."""
        return price * MARGIN[self.p.kind]
