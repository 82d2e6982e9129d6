"""Which instruments of a store may be traded on a signal, and their prices."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .brokers.commission import MARGIN
from .core.costing import Charges
from .core.errors import BadInput, NothingToDo
from .core.instrument import Instrument, Kind
from .core.ist import day_index, day_start, to_date
from .core.substitute import TradeRule
from .core.tariff import Product
from .desk import Chain
from .feeds.quoted import feed_of, quotes_of
from .feeds.stored import Quotes, Recorded
from .store import TickStore
from .store.cache import DayCache


def substitutes_for(
    store: TickStore,
    signal: Recorded,
    rule: TradeRule,
    days: range,
    tradables: Iterable[Instrument],
    cache: DayCache | None = None,
) -> tuple[Quotes, ...]:
    """Return what may be traded on `signal`, with its prices.

    Parameters
    ----------
    signal : Recorded
    rule : TradeRule
    days : range of IST days
        That are traded.
    tradables : iterable of Instrument
        The one the rule names, or the options there are.

    Raises
    ------
    BadInput
        What is to be traded cannot be, or is the signal itself, or nobody knows what the signal's options are.
    NothingToDo
        There is no option on what the signal is about.
    """
    tradables = tuple(tradables)
    if rule.symbol:
        chosen = [_fixed(signal.instrument, each) for each in tradables]
    else:
        _check_options(tradables, signal, days)
        chosen = candidates(tradables, signal, rule, days)
    begin, end = day_start(days.start), day_start(days.stop)
    return tuple(quotes_of(store, i, begin, end, cache) for i in chosen)


def chain_of(quotes: Iterable[Quotes], rule: TradeRule, charges: Charges, product: Product, *, streamed: bool) -> Chain:
    """Return the chain for one run, its feeds as at the start."""
    return Chain(rule, {q.instrument.symbol: feed_of(q, streamed=streamed) for q in quotes}, charges, MARGIN, product)


def candidates(known: Iterable[Instrument], signal: Recorded, rule: TradeRule, days: range) -> list[Instrument]:
    """Return the options that could be picked on some of `days`: to bound what is read, not to choose.

    Parameters
    ----------
    known : iterable of Instrument
    signal : Recorded
        Its range of a day says which strikes can be near the money on it.
    """
    underlying = underlying_of(signal.instrument)
    options = [(i, c) for i in known if i.kind is Kind.OPTION and (c := i.contract) is not None and c.underlying == underlying]
    of_day = day_index(signal.bars.ts)
    found: dict[str, Instrument] = {}
    for day in days:
        chosen = of_day == day
        live = [(i, c) for i, c in options if c.expiry - day >= rule.min_dte and c.strike is not None]
        if not chosen.any() or not live:
            continue
        low, high = float(signal.bars.low[chosen].min()), float(signal.bars.high[chosen].max())
        for right in {c.right for _, c in live}:
            of_right = [(i, c) for i, c in live if c.right is right]
            nearest = min(c.expiry for _, c in of_right)
            strikes = sorted((float(c.strike or 0), i.symbol) for i, c in of_right if c.expiry == nearest)
            values = np.array([strike for strike, _ in strikes])
            reach = abs(rule.offset) + 1
            first = max(0, int(np.searchsorted(values, low)) - reach - 1)
            last = min(len(values), int(np.searchsorted(values, high)) + reach + 1)
            wanted = {symbol for _, symbol in strikes[first:last]}
            found.update({i.symbol: i for i, _ in of_right if i.symbol in wanted})
    return [found[symbol] for symbol in sorted(found)]


def underlying_of(instrument: Instrument) -> str:
    """Return the key of what options on the same thing are contracts on: a future's underlying, a share or an index itself.

    Raises
    ------
    BadInput
        Nobody has said what it is a contract on.
    """
    if instrument.kind in {Kind.EQUITY, Kind.INDEX}:
        return instrument.symbol
    if instrument.contract is None:
        raise BadInput(f"nobody has said what {instrument.symbol} is a contract on, so its options are not known: "
                       "get the broker's master with instruments --refresh, or name what to trade with --trade KEY")  # fmt: skip
    return instrument.contract.underlying


def _check_options(known: Iterable[Instrument], signal: Recorded, days: range) -> None:
    underlying = underlying_of(signal.instrument)
    if not any(i.contract is not None and i.contract.underlying == underlying for i in known):
        first, last = to_date(days.start), to_date(days.stop - 1)
        raise NothingToDo(f"the store holds no option on {underlying} that had not expired before {first}, so none to trade "
                          f"on {signal.instrument.symbol}: get some with `fetch --symbol NAME --from-date {first} --to-date "
                          f"{last}` (NIFTY-26000CE is a name), or `record` them")  # fmt: skip


def _fixed(signal: Instrument, traded: Instrument) -> Instrument:
    if traded.symbol == signal.symbol:
        raise BadInput(f"--trade {traded.symbol} is the signal itself: leave --trade out")
    if traded.kind is Kind.INDEX:
        raise BadInput(f"--trade {traded.symbol} is an index, which nobody can trade: name its future or an option")
    return traded
