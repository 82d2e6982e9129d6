"""Backtrader's broker with orders that are cheap to make, and that forgets those which are over."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from auction_bt.brokers.orders import make_order
from auction_bt.brokers.valued import ValuedBroker
from auction_bt.core.stamps import to_num


class LeanBroker(ValuedBroker):
    """`BackBroker` for long runs.

    Notes
    -----
    Stock keeps a word of every order there ever was: who cancels whom, whose child it is. Here it goes with the order, so a
    child given for a parent that is over is rejected; stock takes it, and never fills it. No interest is charged, so a position
    does not say when it was changed (`Position.datetime`).
    """

    cash: float  # what `BackBroker` keeps

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
        if info:
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

    def expire(self, order: Any, ts: int) -> None:
        """End an order that lapsed unfilled at `ts` (ns)."""
        order.status = bt.Order.Expired
        order.executed.dt = to_num(ts)
        self.pending.remove(order)
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)

    # ---------------------------------------------------------------- booking
    def _execute(
        self, order: Any, ago: int | None = None, price: float | None = None, cash: float | None = None,
        position: Any = None, dtcoc: float | None = None,
    ) -> Any:  # fmt: skip
        """Book all of an order at `price`, at the float day `dtcoc`; what stock books, in its order of operations."""
        data, params = order.data, self.p
        if ago is None or price is None or dtcoc is None or data._compensate is not None or params.filler is not None:
            return super()._execute(order, ago, price, cash, position, dtcoc)
        size = order.executed.remsize
        comminfo = self.getcommissioninfo(data)
        position = self.positions[data]
        held, paid, base = position.size, position.price, position.adjbase
        psize, pprice, opened, closed = position.update(size, price)
        pnl = comminfo.profitandloss(-closed, paid, price)
        cash = self.cash
        closedvalue = closedcomm = openedvalue = openedcomm = 0.0
        value_of = comminfo.getvaluesize if params.shortcash else comminfo.getoperationcost
        if closed:
            closedvalue = value_of(-closed if params.shortcash else closed, paid)
            cash += (closedvalue / comminfo.get_leverage() if closedvalue > 0 else closedvalue) + pnl * comminfo.stocklike
            closedcomm = comminfo.getcommission(closed, price)
            cash = cash - closedcomm + comminfo.cashadjust(-closed, base, price)
            self.cash = cash
        wanted = opened
        if opened:
            openedvalue = value_of(opened, price)
            cash -= openedvalue / comminfo.get_leverage() if openedvalue > 0 else openedvalue
            openedcomm = comminfo.getcommission(opened, price)
            cash -= openedcomm
            if cash < 0.0:  # it cannot be paid for
                opened, openedvalue, openedcomm = 0, 0.0, 0.0
                position.size, position.price = held, paid
                if closed:
                    position.update(closed, price)
            else:
                if abs(psize) > abs(opened):
                    cash += comminfo.cashadjust(psize - opened, base, price)
                position.adjbase = price
                self.cash = cash
        executed = closed + opened
        if executed:
            comminfo.confirmexec(executed, price)
            if closed and params.int2pnl:
                closedcomm += self.d_credit.pop(data, 0.0)
            order.execute(dtcoc, executed, price, closed, closedvalue, closedcomm, opened, openedvalue, openedcomm,
                          comminfo.margin, pnl, psize, pprice)  # fmt: skip
            order.addcomminfo(comminfo)
            self.notify(order)
            self._ococheck(order)
        if wanted and not opened:
            order.margin()
            self.notify(order)
            self._ococheck(order)
            self._bracketize(order, cancel=True)
        return None
