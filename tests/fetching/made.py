"""A fetcher of a small server, with a clock that only waiting moves."""

from contextlib import contextmanager
from datetime import date, datetime

from auction_bt.core.ist import IST, MINUTE_NS, from_date
from auction_bt.fetching.candle_api import CandleApi
from auction_bt.fetching.fetcher import Fetcher
from auction_bt.fetching.ledger import FetchLedger
from auction_bt.fetching.limiter import RateLimiter
from auction_bt.fetching.windows import session_minutes
from auction_bt.store.dsn import open_store
from tests.broker.server import Broker, serving

EVER = (-(2**62), 2**62)
KEY = "NSE_EQ|INE002A01018"
NOW = datetime(2026, 1, 7, 11, 0, 30, tzinfo=IST)  # a Wednesday


def day(text):
    return from_date(date.fromisoformat(text))


def is_weekday(number):
    return number % 7 not in {2, 3}


def days(first, last):
    return range(day(first), day(last) + 1)


def ns(time):
    return int(time.timestamp()) * 10**9


class Clock:
    """Seconds that pass only while somebody waits."""

    def __init__(self):
        self.now = 1000.0
        self.waits = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.waits.append(seconds)
        self.now += seconds


class Bench:
    """A broker, a store and a clock; `fetch` runs one fetch as a new process would."""

    def __init__(self, tmp_path, broker, url):
        self.tmp_path = tmp_path
        self.broker = broker
        self.url = url
        self.clock = Clock()
        self.time = NOW
        self.dsn = f"sqlite:///{tmp_path / 'auction.db'}"
        self.token = ""
        self.options = {}
        self.tell = lambda line: None

    def api(self):
        return CandleApi(self.url, self.token, "TOKEN", RateLimiter(self.clock, self.clock.sleep), self.clock.sleep,
                         self.tell)  # fmt: skip

    def fetcher(self, store, ledger):
        options = {"is_trading_day": is_weekday, "session_minutes": session_minutes, "listed": lambda symbol: None,
                   "progress": lambda text: None} | self.options  # fmt: skip
        return Fetcher(store, ledger, self.api(), lambda: ns(self.time), **options)

    def fetch(self, first, last, *symbols, **options):
        self.options |= options
        with open_store(self.dsn, create=True) as store, FetchLedger.open(self.tmp_path, self.dsn) as ledger:
            fetcher = self.fetcher(store, ledger)
            reports = [fetcher.fetch(symbol, days(first, last)) for symbol in symbols or (KEY,)]
        return reports[0] if len(reports) == 1 else reports

    def store_made(self):
        return open_store(self.dsn, create=True)

    def store(self):
        return open_store(self.dsn)

    def rows(self, symbol=KEY):
        """What the store has, as candles of the broker: oldest first."""
        with self.store() as store:
            b = store.bars(symbol, *EVER)
        assert set(b.source.tolist()) <= {3}
        assert (b.known_seq == b.ts + MINUTE_NS).all()
        stamps = [datetime.fromtimestamp(ts // 10**9, IST).isoformat() for ts in b.ts.tolist()]
        columns = (b.open.tolist(), b.high.tolist(), b.low.tolist(), b.close.tolist(), b.volume.tolist())
        return [[stamp, *values, 0] for stamp, *values in zip(stamps, *columns, strict=True)]

    def expected(self, first, last, symbol=KEY):
        return [c for d in days(first, last) for c in self.broker.market.candles(symbol, date.fromordinal(d + 719163))]


@contextmanager
def bench_in(tmp_path, **market):
    broker = Broker()
    for name, value in market.items():
        setattr(broker.market, name, value)
    broker.market.today = NOW.date()
    with serving(broker) as url:
        bench = Bench(tmp_path, broker, url)
        broker.clock = bench.clock
        yield bench
