"""Stores of made-up recordings for the tests that hold two ways of running against each other."""

import json
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import from_date
from auction_bt.derive import derive
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import Shape, merge, messages

FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False}
STORES = ("sqlite", "questdb")  # a new kind of store joins by its name here and a line in `dsn_of`


def dsn_of(kind, request, tmp_path_factory):
    """Return the address of a store that is not there yet."""
    if kind == "questdb":
        return request.getfixturevalue("questdb_dsn")
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'a.db'}"


def instruments(count):
    """Futures called S00, S01, …"""
    return [Instrument(f"NSE_FO|S{n:02d}", Decimal("0.10"), 250, Kind.FUTURE, f"made up {n}") for n in range(count)]


def weekdays(first, count):
    days = (first + timedelta(days=n) for n in range(2 * count + 2))
    return [d for d in days if d.weekday() < 5][:count]


def stream(instrument, days, seed, per_minute):
    """Yield (stamp, message) of one symbol on `days`, of one shape after the other."""
    shapes = list(Shape)
    for n, day in enumerate(days):
        shape = shapes[(seed + n) % len(shapes)]
        yield from messages(instrument.symbol, day, shape, seed, per_minute=per_minute)


def recorded(pairs):
    """Yield (stamp, message) as a recorder keeps them."""
    for stamp, body in pairs:
        yield RawMessage(stamp, json.dumps(body, separators=(",", ":")), tuple(sorted(body.get("feeds", ()))))


@contextmanager
def filled(dsn, found, days, seed=1, per_minute=6):
    """A store of `found` instruments, one socket's messages, derived."""
    with open_store(dsn, create=True) as store:
        for instrument in found:
            store.put_instrument(instrument)
        streams = [stream(i, days, seed + n, per_minute) for n, i in enumerate(found)]
        store.add_raw(recorded(merge(*streams)))
        derive(store, [i.symbol for i in found], [from_date(d) for d in days])
        yield store


MONDAY = date(2026, 3, 9)
