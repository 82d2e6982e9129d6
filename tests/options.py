"""A future and its options as a feed: the options priced by a known volatility from the future's own trades."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import orjson

from auction_bt.core.instrument import Contract, Instrument, Kind, Right
from auction_bt.core.ist import SECOND_NS, day_start, from_date
from auction_bt.core.option import YEAR_NS, premium_of
from auction_bt.derive import derive
from auction_bt.feeds.decode import symbols_of
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import messages

INDEX = "NSE_INDEX|Nifty 50"
EXPIRY = date(2026, 3, 17)
VOL = 0.14
TICK = Decimal("0.05")
MONTH = Contract(INDEX, from_date(date(2026, 3, 24)))
FUTURE = Instrument("NSE_FO|DEMO-FUT", Decimal("0.10"), 65, Kind.FUTURE, "NIFTY-FUT", MONTH)


def option(strike, right, expiry=EXPIRY, symbol=""):
    contract = Contract(INDEX, from_date(expiry), Decimal(strike), right)
    name = f"NIFTY-{strike}{right.value}:{expiry}"
    return Instrument(symbol or f"NSE_FO|{strike}{right.value}{expiry:%m%d}", TICK, 65, Kind.OPTION, name, contract)


def chain(strikes, expiry=EXPIRY):
    return [option(strike, right, expiry) for strike in strikes for right in Right]


@dataclass
class Options:
    """How the options of a stream behave.

    Parameters
    ----------
    spread : int, ticks
    delay : int, ns
        Of an option's message after the future's.
    silent : function of ns
        True while options say nothing.
    """

    spread: int = 1
    delay: int = 200_000_000
    silent: object = None
    volumes: dict = field(default_factory=dict)

    def frame(self, instrument, forward, now):
        """Return the message of one option that trades at `now`."""
        c = instrument.contract
        years = (day_start(c.expiry) + (15 * 60 + 30) * 60 * SECOND_NS - now) / YEAR_NS
        fair = premium_of(forward, float(c.strike), years, VOL, c.right)
        bid = max(1, round(fair / float(TICK) - self.spread / 2))
        ask = bid + self.spread
        volume = self.volumes[instrument.symbol] = self.volumes.get(instrument.symbol, 0) + 65
        last = round(bid * 0.05, 2)
        book = {"bidQ": "650", "bidP": last, "askQ": "650", "askP": round(ask * 0.05, 2)}
        market = {
            "ltpc": {"ltp": last, "ltt": str(now // 1_000_000), "ltq": "65", "cp": last},
            "marketLevel": {"bidAskQuote": [book]}, "optionGreeks": {}, "marketOHLC": {"ohlc": []}, "vtt": str(volume),
        }  # fmt: skip
        feed = {"fullFeed": {"marketFF": market}, "requestMode": "full_d5"}
        return {"type": "live_feed", "feeds": {instrument.symbol: feed}, "currentTs": str(now // 1_000_000)}


def last_price(body):
    """Return (price, ns) of the future's trade in a message, or None."""
    feed = body.get("feeds", {}).get(FUTURE.symbol)
    ltpc = feed and feed["fullFeed"]["marketFF"]["ltpc"]
    return (ltpc["ltp"], int(ltpc["ltt"]) * 1_000_000) if ltpc else None


def stream(days, options, behave, *, shape="balanced", seed=5, start_price=25_000.0, per_minute=12):
    """Yield (stamp, body) of the future and, behind each of its trades, of the options."""
    for day in days:
        known = []
        for stamp, body in messages(FUTURE.symbol, day, shape, seed, start_price=start_price, per_minute=per_minute,
                                    tick=0.10, lot=65):  # fmt: skip
            known.append((stamp, body))
            found = last_price(body)
            is_last = day == days[-1]  # the days before are there for the future's own window
            if not is_last or found is None or found[1] < day_start(from_date(day)):
                continue
            if behave.silent is not None and behave.silent(stamp):
                continue
            for n, each in enumerate(options):
                known.append((stamp + behave.delay + n, behave.frame(each, found[0], found[1] + behave.delay)))
        yield from sorted(known, key=lambda pair: pair[0])


def store_of(dsn, days, options, behave=None, *, instruments=None, **shape):
    """Make a store of such a stream."""
    behave = behave or Options()
    with open_store(dsn, create=True) as store:
        for each in instruments if instruments is not None else [FUTURE, *options]:
            store.put_instrument(each)
        rows = [
            RawMessage(stamp, orjson.dumps(body).decode(), symbols_of(body))
            for stamp, body in stream(days, options, behave, **shape)
        ]
        store.add_raw(rows)
        derive(store, sorted({s for row in rows for s in row.symbols if s}), [from_date(d) for d in days], lambda _: None)
    return dsn
