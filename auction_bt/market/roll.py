"""When a continuous series of futures leaves one contract for the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Contract, Instrument
from auction_bt.core.ist import to_date

from .dated import load

_FARTHEST: Final = 60  # days searched for trading days; no market was closed for as long


def last_day_held(contract: Contract, is_trading_day: Callable[[int], bool]) -> int:
    """Return the last IST day on which a continuous series holds a future.

    Parameters
    ----------
    contract : Contract
    is_trading_day : callable
        Says of an IST day whether the exchange trades.

    Notes
    -----
    ``market/roll.csv``: index futures are left one trading day before the expiry day. Futures on shares end in the delivery of
    the shares, for which the exchange asks ever more margin from four trading days before: they are left a day before that.
    """
    rule = load("roll", "underlying").on(to_date(contract.expiry), underlying=_class_of(contract))
    before = range(contract.expiry - 1, contract.expiry - _FARTHEST, -1)
    found = list(islice((day for day in before if is_trading_day(day)), int(rule["days_before"])))
    if len(found) < int(rule["days_before"]):
        raise BadInput(f"no {rule['days_before']} trading days in the {_FARTHEST} days before {to_date(contract.expiry)}: "
                       "the calendar cannot be right")  # fmt: skip
    return found[-1]


def contract_on(contracts: Iterable[Instrument], day: int, is_trading_day: Callable[[int], bool]) -> Instrument | None:
    """Return the future a continuous series holds on IST `day`: the nearest whose last day held is not before it, or None."""
    for each in sorted(contracts, key=lambda i: (i.contract.expiry if i.contract else 0, i.symbol)):
        if each.contract is not None and each.contract.expiry > day and day <= last_day_held(each.contract, is_trading_day):
            return each
    return None


def _class_of(contract: Contract) -> str:
    return "share" if contract.underlying.partition("|")[0] in {"NSE_EQ", "BSE_EQ"} else "index"
