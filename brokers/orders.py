"""Backtrader's orders, made and copied without what nobody reads: a run spends most of its time on them otherwise."""

from __future__ import annotations

import datetime as dt
from collections import deque
from functools import cached_property
from math import inf
from typing import Any, Self

import backtrader as bt
from backtrader.order import BuyOrder, OrderData, SellOrder
from backtrader.utils import AutoOrderedDict

_ALIVE_UNTIL = bt.Order.Partial  # Created, Submitted, Accepted, Partial come first, what an order ends as after them
_TRAILS = (bt.Order.StopTrail, bt.Order.StopTrailLimit)


class ExecutedData(OrderData):  # type: ignore[misc]  # backtrader has no types
    """What has been executed of an order."""

    @classmethod
    def nothing(cls, size: float) -> Self:
        """Return what there is before the first execution of an order of `size`."""
        made = object.__new__(cls)
        made.__dict__ = {**_NOTHING, "exbits": deque(), "remsize": size}
        return made

    def clone(self) -> ExecutedData:
        """Return a copy that knows which executions are new to it; the executions themselves are shared."""
        self.markpending()
        copied = object.__new__(ExecutedData)
        copied.__dict__ = self.__dict__.copy()
        return copied


_NOTHING = vars(OrderData())


class _Lean:
    # Mixed into backtrader's two sides of an order. `quick` leaves what `__init__` would, field by field (the tests compare
    # them); the end of the session is worked out where somebody asks for it.

    @classmethod
    def quick(
        cls, *, owner: Any, data: Any, size: float, price: float | None = None, pricelimit: float | None = None,
        exectype: int | None = None, tradeid: int = 0, trailamount: float | None = None, trailpercent: float | None = None,
        parent: Any = None, transmit: bool = True, histnotify: bool = False,
    ) -> Self:  # fmt: skip
        """Return a new order without a time of its own to expire at."""
        self: Any = object.__new__(cls)
        fields = {
            "owner": owner, "data": data, "size": size, "price": price, "pricelimit": pricelimit, "exectype": exectype,
            "valid": None, "tradeid": tradeid, "oco": None, "trailamount": trailamount, "trailpercent": trailpercent,
            "parent": parent, "transmit": transmit, "simulated": False, "histnotify": histnotify,
        }  # fmt: skip
        self.params = self.p = object.__new__(cls.params)  # type: ignore[attr-defined]
        self.p.__dict__ = fields
        own = self.__dict__
        own.update(fields)  # where a field need not be looked for among the params
        buys = self.ordtype == bt.Order.Buy
        signed = size if buys else -size
        if exectype is None:
            exectype = bt.Order.Market
        close = data.close[0]
        asked = price if price or pricelimit else close
        created = OrderData(dt=data.datetime[0], size=signed, price=asked, pricelimit=pricelimit, pclose=close,
                            trailamount=trailamount, trailpercent=trailpercent)  # fmt: skip
        own.update(
            ref=next(self.refbasis), broker=None, info=AutoOrderedDict(), comminfo=None, triggered=False,
            _active=parent is None, status=bt.Order.Created, _plimit=pricelimit, exectype=exectype, size=signed,
            created=created, _limitoffset=0.0, executed=ExecutedData.nothing(signed), position=0,
        )  # fmt: skip
        if exectype in _TRAILS:
            own["_limitoffset"] = created.price - created.pricelimit
            start, created.price = created.price, inf if buys else -inf
            self.trailadjust(start)
        return self  # type: ignore[no-any-return]

    @cached_property
    def dteos(self: Any) -> float:
        """The end of the session in which the order was given, as backtrader's float days."""
        data = self.data
        given, session = data.num2date(self.created.dt), data.p.sessionend
        end = given.replace(hour=session.hour, minute=session.minute, second=session.second, microsecond=session.microsecond)
        return float(data.date2num(end + dt.timedelta(days=end < given)))

    def alive(self: Any) -> bool:
        """Return whether the order can still be executed."""
        return self.status <= _ALIVE_UNTIL  # type: ignore[no-any-return]

    def clone(self: Any) -> Any:
        """Return a copy as of now, for whoever is told of it."""
        copied: Any = object.__new__(type(self))
        copied.__dict__ = self.__dict__.copy()
        copied.executed = self.executed.clone()
        return copied


class LeanBuyOrder(_Lean, BuyOrder):  # type: ignore[misc]
    """`BuyOrder`."""

    def isbuy(self) -> bool:
        """Return True."""
        return True


class LeanSellOrder(_Lean, SellOrder):  # type: ignore[misc]
    """`SellOrder`."""

    def isbuy(self) -> bool:
        """Return False."""
        return False


def make_order(*, buy: bool, valid: Any = None, **fields: Any) -> Any:
    """Return an order to buy or to sell; `fields` are the params of backtrader's `Order`."""
    make: Any = LeanBuyOrder if buy else LeanSellOrder
    return make.quick(**fields) if valid is None else make(valid=valid, **fields)
