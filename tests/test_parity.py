"""Whatever the feed does: stored rows are what the messages say, and a backtest is their replay."""

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from auction_bt.backtest import Request, read, replayed, run_engine
from auction_bt.cli import main
from auction_bt.cli.verify import lines_of
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.fills import FillModel
from auction_bt.core.ist import MINUTE_NS, day_index, day_start, from_date
from auction_bt.derive import derive
from auction_bt.parity import verify
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import merge
from tests.mutations import MUTATIONS, mutated
from tests.parity import FREE, MONDAY, STORES, dsn_of, filled, instruments, stream, weekdays

DAYS = weekdays(MONDAY, 2)
HOURS = (9 * 60 + 10, 12 * 60)  # of the day that are kept: minutes of IST
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # an example takes seconds: shrinking one would take an hour
NAMES = [m.__name__ for m in MUTATIONS]
SETTINGS = st.fixed_dictionaries({
    "rule": st.sampled_from(["original", "auction"]),
    "period": st.sampled_from([10, 30, 100]),
    "levels": st.sampled_from(["prior", "flat"]),
    "quality_floor": st.sampled_from([0.0, 0.7, 0.95]),
    "window": st.sampled_from(["rolling", "rolling", "session"]),
    "stale_bars": st.sampled_from([3, 100]),
    "entry_from_min": st.just(5),
})  # fmt: skip


def texts(pairs):
    for stamp, body in pairs:
        feeds = body.get("feeds")
        named = sorted(feeds) if isinstance(feeds, dict) else ()
        yield RawMessage(stamp, json.dumps(body), tuple(named) or ((body["symbol"],) if "symbol" in body else ()))


def shorter(pairs):
    for stamp, body in pairs:
        if HOURS[0] <= (stamp - day_start(day_index(stamp))) // MINUTE_NS < HOURS[1]:
            yield stamp, body


def told(found):
    return "\n" + "\n".join(lines_of(found))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 4),
    names=st.sets(st.sampled_from(NAMES), max_size=5),
    chosen=SETTINGS,
    latency_ms=st.sampled_from([0, 1_500]),
    per_minute=st.sampled_from([1, 5]),
)
def test_a_backtest_is_the_replay_of_the_messages_whatever_came(
    tmp_path_factory, seed, count, names, chosen, latency_ms, per_minute
):
    dsn = f"sqlite:///{tmp_path_factory.mktemp('parity') / 'a.db'}"
    found = instruments(count)
    made = shorter(merge(*(stream(i, DAYS, seed + n, per_minute) for n, i in enumerate(found))))
    with open_store(dsn, create=True) as store:
        for instrument in found:
            store.put_instrument(instrument)
        store.add_raw(texts(mutated(made, names, seed)))
        derive(store, [i.symbol for i in found], [from_date(d) for d in DAYS])
        values = {**FREE, **chosen, "quantity": 250, "min_stop_ticks": 0}
        fill = FillModel(latency=latency_ms * 1_000_000)

        def request(*symbols):
            return Request(symbols, DAYS[-1], DAYS[-1], values, Decimal(10**12), fill=fill)

        alone = {}
        for instrument in found:
            try:
                seen = verify(store, request(instrument.symbol))
            except (NothingToDo, BadInput):
                continue  # nothing left of this one
            assert seen.is_equal, told(seen)
            data = list(read(store, request(instrument.symbol)))
            alone[instrument.symbol] = run_engine(data, request(instrument.symbol)).result.trades
        if len(alone) < 2:
            return
        both = request(*alone)
        seen = verify(store, both)
        assert seen.is_equal, told(seen)
        data = list(read(store, both))
        for source in (None, replayed(store, data, both)):
            trades = run_engine(data, both, source).result.trades
            for symbol, expected in alone.items():
                assert tuple(t for t in trades if t.symbol == symbol) == expected


@pytest.fixture(params=STORES)
def new_dsn(request, tmp_path_factory):
    return dsn_of(request.param, request, tmp_path_factory)


def verified(dsn, symbols, first, last, *words):
    named = [word for symbol in symbols for word in ("--symbol", symbol)]
    free = [word for name, value in FREE.items() for word in ("--set", f"{name}={str(value).lower()}")]
    return main(["verify", *named, "--store", dsn, "--from-date", str(first), "--to-date", str(last), *free, *words])


def test_a_week_of_twenty_symbols_verifies(new_dsn, capsys):
    days, found = weekdays(MONDAY, 5), instruments(20)
    with filled(new_dsn, found, days, seed=3, per_minute=1):
        pass
    symbols = [i.symbol for i in found]
    for rule in ("original", "auction"):
        assert verified(new_dsn, symbols, days[1], days[-1], "--regime", rule, "--set", "period=60") == 0, capsys.readouterr().out
    told = capsys.readouterr().out
    assert told.count("EQUAL: 100 symbol-days of 20 symbols") == 2


@pytest.mark.data
def test_a_recorded_day_verifies_together_and_apart(new_dsn, shared_data, capsys):
    folder = shared_data("upstox-capture-20251215")
    assert main(["import", *map(str, sorted(folder.glob("*_data.json.gz"))), "--store", new_dsn]) == 0
    symbols, day = ["NSE_EQ|INE027H01010", "NSE_FO|51502"], "2025-12-15"
    for rule in ("original", "auction"):
        for chosen in (symbols, symbols[:1], symbols[1:]):
            words = ("--regime", rule, "--set", "period=60", "--set", "quantity=35")
            assert verified(new_dsn, chosen, day, day, *words) == 0, capsys.readouterr().out
