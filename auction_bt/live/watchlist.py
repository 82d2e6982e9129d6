"""Options around the money of what is traded, recorded beside it: ``NIFTY-FUT + ATM±10``."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from auction_bt.chain import underlying_of
from auction_bt.core.errors import AuctionError, BadInput, NothingToDo
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import to_date
from auction_bt.instruments.book import InstrumentBook
from auction_bt.instruments.listing import DERIVATIVES, OPTIONS

_WATCH: Final = re.compile(r"(?P<symbol>.*\S)\s*\+\s*ATM\s*(?:±|\+/?-)\s*(?P<reach>\d{1,3})\s*", re.IGNORECASE)
_MOST: Final = 100
_END_S: Final = 15.0


def parted(text: str) -> tuple[str, int]:
    """Return the symbol of a watch, and how many strikes on each side of the money; 0 where no options are asked for.

    Raises
    ------
    BadInput
        More strikes than there is room for.
    """
    found = _WATCH.fullmatch(text)
    if found is None:
        return text, 0
    reach = int(found["reach"])
    if not 1 <= reach <= _MOST:
        raise BadInput(f"{text!r}: ATM±{reach} must be 1 to {_MOST} strikes on each side")
    return found["symbol"], reach


@dataclass(frozen=True, slots=True)
class Watchlist:
    """The options of one expiry, and which of them are near the money.

    Parameters
    ----------
    signal : str
        The symbol whose price says where the money is.
    strikes : tuple of float, rupees
        Rising.
    options : tuple of tuple of Instrument
        At each strike.
    reach : int
        Strikes on each side of the nearest.
    """

    signal: str
    strikes: tuple[float, ...]
    options: tuple[tuple[Instrument, ...], ...]
    reach: int

    @classmethod
    def of(cls, book: InstrumentBook | None, signal: Instrument, day: int, reach: int) -> Self:
        """Return the options of the nearest expiry on what `signal` is about, as the master of IST `day` lists them.

        Raises
        ------
        BadInput
            There is no master, it does not list `signal`, or nobody has said what that is a contract on.
        NothingToDo
            There are no options on it.
        """
        name = signal.name or signal.symbol
        if book is None:
            raise BadInput(f"which options are near the money of {name} the instrument master knows: `instruments --refresh`")
        about, itself = underlying_of(signal), book.of_key(signal.symbol, day)
        if itself is None:
            raise BadInput(f"the master of {to_date(day)} does not list {signal.symbol}: `instruments --refresh`")
        # Masters are asked by the trading symbol of what contracts are on; which a share is itself, and a future says.
        listed = book.contracts(itself.underlying_symbol or itself.symbol, day, sorted(DERIVATIVES), OPTIONS)
        live = [
            each for each in listed if each.underlying == about and each.expiry is not None and each.expiry >= day and each.strike
        ]
        if not live:
            raise NothingToDo(f"the master of {to_date(day)} lists no options on what {name} is about: leave `+ ATM…` out")
        nearest = min(listing.expiry or 0 for listing in live)
        by_strike: dict[float, list[Instrument]] = {}
        for listing in live:
            if listing.expiry == nearest:
                by_strike.setdefault(float(listing.strike), []).append(book.instrument(listing, day))
        strikes = tuple(sorted(by_strike))
        return cls(signal.symbol, strikes, tuple(tuple(by_strike[strike]) for strike in strikes), reach)

    def around(self, price: float) -> tuple[Instrument, ...]:
        """Return what is near the money at a price, rupees; of two strikes that are as near the lower is the money."""
        at = bisect_left(self.strikes, price)
        if at == len(self.strikes) or (at and price - self.strikes[at - 1] <= self.strikes[at] - price):
            at -= 1
        return tuple(option for options in self.options[max(0, at - self.reach) : at + self.reach + 1] for option in options)


class Watcher:
    """Follows the money on a thread of its own: what comes near it is watched from then on, what was stays until the close.

    Parameters
    ----------
    watchlists : sequence of Watchlist
    watch : callable (sequence of Instrument)
        Asks the market for them, and lets the store know them.
    alarm : callable (str)
    """

    def __init__(
        self, watchlists: Sequence[Watchlist], watch: Callable[[Sequence[Instrument]], None], alarm: Callable[[str], None]
    ) -> None:  # fmt: skip
        self._lists = {each.signal: each for each in watchlists}
        self._watch = watch
        self._alarm = alarm
        self._prices: dict[str, float] = {}
        self._watched: set[str] = set()
        self._refused: set[str] = set()  # what was said of those that cannot be
        self._news = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="watchlist", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._news.set()
        self._thread.join(_END_S)

    def see(self, message: Mapping[str, Any]) -> None:
        """Take a message of the market feed; costs a look-up where no price of a signal has changed."""
        feeds = message.get("feeds")
        if not isinstance(feeds, dict):
            return
        for symbol in self._lists:
            price = _price(feeds.get(symbol))
            if price and price != self._prices.get(symbol):
                self._prices[symbol] = price
                self._news.set()

    def _run(self) -> None:
        while not self._is_over:
            self._news.wait()
            self._news.clear()
            for symbol, price in list(self._prices.items()):
                self._follow(self._lists[symbol], price)

    def _follow(self, watchlist: Watchlist, price: float) -> None:
        new = [option for option in watchlist.around(price) if option.symbol not in self._watched]
        if not new or self._is_over:
            return
        try:
            self._watch(new)
        except AuctionError as error:  # it is tried again at the next price
            if str(error) not in self._refused:
                self._refused.add(str(error))
                self._alarm(f"options near the money are not watched: {error}")
        else:
            self._watched |= {option.symbol for option in new}


def _price(feed: object) -> float:
    # Wherever the mode puts it.
    while isinstance(feed, dict):
        if isinstance(ltpc := feed.get("ltpc"), dict):
            price = ltpc.get("ltp")
            return float(price) if isinstance(price, int | float) else 0.0
        feed = next((feed[part] for part in ("fullFeed", "marketFF", "indexFF", "firstLevelWithGreeks") if part in feed), None)
    return 0.0
