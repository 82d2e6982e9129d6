"""Backtrader's broker with orders that are cheap to make, and that forgets those which are over."""

from __future__ import annotations

from typing import Any

from auction_bt.brokers.orders import make_order
from auction_bt.brokers.valued import ValuedBroker


class LeanBroker(ValuedBroker):
    """`BackBroker` for long runs.

    Notes
    -----
    Stock keeps a word of every order there ever was: who cancels whom, whose child it is. Here it goes with the order, so a
    child given for a parent that is over is rejected; stock takes it, and never fills it.
    """

    # ---------------------------------------------------------------- intake
    def buy(self, owner: Any, data: Any, size: float, *args: Any, **asked: Any) -> Any:
        """Take an order to buy; arguments as of `BackBroker.buy`."""
        return self._take(True, owner, data, size, *args, **asked)

    def sell(self, owner: Any, data: Any, size: float, *args: Any, **asked: Any) -> Any:
        """Take an order to sell; arguments as of `BackBroker.sell`."""
        return self._take(False, owner, data, size, *args, **asked)

    def _take(
        self, buy: bool, owner: Any, data: Any, size: float, price: float | None = None, plimit: float | None = None,
        exectype: int | None = None, valid: Any = None, tradeid: int = 0, oco: Any = None, trailamount: float | None = None,
        trailpercent: float | None = None, parent: Any = None, transmit: bool = True, histnotify: bool = False,
        _checksubmit: bool = True, **info: Any,
    ) -> Any:  # fmt: skip
        order = make_order(
            buy=buy, owner=owner, data=data, size=size, price=price, pricelimit=plimit, exectype=exectype, valid=valid,
            tradeid=tradeid, trailamount=trailamount, trailpercent=trailpercent, parent=parent, transmit=transmit,
            histnotify=histnotify,
        )  # fmt: skip
        order.addinfo(**info)
        self._ocoize(order, oco)
        return self.submit(order, check=_checksubmit)

    # ---------------------------------------------------------------- who cancels whom
    def _ocoize(self, order: Any, oco: Any) -> None:
        leader = order.ref if oco is None else self._ocos.get(oco.ref, oco.ref)
        self._ocos[order.ref] = leader
        self._ocol[leader].append(order.ref)

    def _ococheck(self, order: Any) -> None:
        leader = self._ocos.get(order.ref, order.ref)
        if not order.alive():
            self._ocos.pop(order.ref, None)
        group = self._ocol.pop(leader, ())
        if len(group) < 2:
            return
        for other in [o for o in reversed(self.pending) if o is not None and o.ref in group and o.ref != order.ref]:
            self.pending.remove(other)
            self._ocos.pop(other.ref, None)
            if len(self._pchildren.get(other.ref, ())) == 1:  # itself
                del self._pchildren[other.ref]
            other.cancel()
            self.notify(other)

    def _bracketize(self, order: Any, cancel: bool = False) -> None:
        super()._bracketize(order, cancel)
        first = getattr(order.parent, "ref", order.ref)
        if not self._pchildren.get(first, True):
            del self._pchildren[first]
