"""The backtrader face of charges and margin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import backtrader as bt

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import day_index
from auction_bt.core.stamps import to_ns
from auction_bt.core.tariff import Product

#: Share of a position's value that must be paid in: what a broker asks intraday, rounded up.
MARGIN = {Kind.EQUITY: 0.2, Kind.FUTURE: 0.15, Kind.OPTION: 1.0, Kind.INDEX: 1.0, Kind.OTHER: 1.0}


class ChargedCommission(bt.CommInfoBase):  # type: ignore[misc]  # backtrader has no types
    """Charges of one instrument as backtrader's commission; leverage from the margin of its kind.

    Params
    ------
    charges : Charges
    instrument : Instrument
        None: the feed's.
    product : Product
    data : backtrader feed
        Whose current bar says the day. `TickBroker` says the day of an execution itself; to be asked before one, this is needed.
    freeze : int, shares
        Most that one order may have; 0: no limit known.

    Notes
    -----
    Backtrader asks once for what an execution closes and once for what it opens, and does not say to which order it belongs.
    Each is charged as an order of its own. So an order that reverses a position, or is filled in parts by a broker with a
    filler, pays its brokerage more than once here: too much, never too little.

    Raises
    ------
    BadInput
        Nothing says what is traded, or on what day.
    """

    params = (
        ("charges", None),
        ("instrument", None),
        ("product", Product.INTRADAY),
        ("data", None),
        ("freeze", 0),
        ("stocklike", True),
        ("commtype", bt.CommInfoBase.COMM_FIXED),
    )

    def __init__(self) -> None:
        super().__init__()
        found = self.p.instrument or getattr(self.p.data, "instrument", None)
        if found is None or self.p.charges is None:
            raise BadInput("ChargedCommission needs charges=…, and instrument=… where the feed does not carry one")
        self._instrument: Instrument = found
        self.p.leverage = 1.0 / MARGIN[found.kind]
        self._at: int | None = None
        self._sold_on = -1

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        p, day = self.p, self._day()
        first = day != self._sold_on
        found = p.charges.of(
            self._instrument, price, abs(round(size)), buy=size > 0, day=day, product=p.product, first_sale=first, freeze=p.freeze
        )
        if size < 0 and not pseudoexec:
            self._sold_on = day
        return float(found.total)

    def _day(self) -> int:
        if self._at is not None:
            return int(day_index(self._at))
        if self.p.data is None:
            raise BadInput("ChargedCommission does not know the day of an execution: give it data=…, the feed")
        return int(day_index(to_ns(self.p.data.datetime[0])))

    def get_margin(self, price: float) -> Any:
        """Return the rupees to pay in for one share at `price`."""
        return price * MARGIN[self._instrument.kind]

    @contextmanager
    def executed_at(self, ts: int) -> Iterator[None]:
        """Let what is executed inside be executed at `ts`, ns: a tick may be of a later day than the current bar."""
        self._at = ts
        try:
            yield
        finally:
            self._at = None


def executed_at(commission: Any, ts: int) -> AbstractContextManager[None]:
    """Tell a commission that can be told the time of an execution, ns."""
    return commission.executed_at(ts) if isinstance(commission, ChargedCommission) else nullcontext()
