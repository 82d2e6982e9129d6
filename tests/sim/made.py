"""Contracts of a made-up exchange, on Monday 2026-11-23 (the closing auction is in force), for tests of the simulated broker."""

from datetime import date
from decimal import Decimal

from auction_bt.core.instrument import Contract as On
from auction_bt.core.instrument import Instrument, Kind, Right
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_start, from_date
from auction_bt.sim.books import Account
from auction_bt.sim.contract import contract_of
from auction_bt.sim.exchange import Exchange
from auction_bt.sim.money import units

DAY = from_date(date(2026, 11, 23))
INDEX = "NSE_INDEX|Nifty 50"
SHARE, PLAIN, FUTURE, OPTION = "NSE_EQ|INE002A01018", "NSE_EQ|INE000B01017", "NSE_FO|51502", "NSE_FO|43919"


def at(hour, minute, second=0):
    """A time of that day in ns."""
    return day_start(DAY) + (hour * 60 + minute) * MINUTE_NS + second * SECOND_NS


def contracts():
    expiry = from_date(date(2026, 12, 29))
    shares = (
        Instrument(SHARE, Decimal("0.10"), name="RELIANCE", closing_auction=True),
        Instrument(PLAIN, Decimal("0.05"), name="PLAIN", closing_auction=False),
    )
    return (
        contract_of(shares[0], DAY, close=Decimal(1310), trading_symbol="RELIANCE"),
        contract_of(shares[1], DAY, close=Decimal(400), trading_symbol="PLAIN"),
        contract_of(Instrument(FUTURE, Decimal("0.10"), 65, Kind.FUTURE, "NIFTY FUT 29 DEC 26", On(INDEX, expiry)), DAY,
                    close=Decimal(25_000)),
        contract_of(Instrument(OPTION, Decimal("0.05"), 65, Kind.OPTION, "NIFTY 25000 CE 29 DEC 26",
                               On(INDEX, expiry, Decimal(25_000), Right.CALL)), DAY, close=Decimal(100)),
        contract_of(Instrument(INDEX, Decimal("0.05"), 1, Kind.INDEX, "Nifty 50"), DAY),
    )  # fmt: skip


def exchange(cash=1_000_000, **account):
    return Exchange(contracts(), Account(cash=units(cash), **account))
