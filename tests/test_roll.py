"""A continuous future is run contract by contract: no window, no trade and no day of one reaches into another."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from auction_bt.backtest import Engine, Request, Run, located, read, run_backtest
from auction_bt.core.errors import NothingToDo
from auction_bt.core.instrument import Contract, Instrument, Kind
from auction_bt.core.ist import day_index, day_start, from_date, to_date
from auction_bt.derive import derive
from auction_bt.report import missing, render, to_json
from auction_bt.store import RawMessage, TickStore
from auction_bt.store.dsn import open_store
from auction_bt.symbols import roll_at
from auction_bt.synthetic import merge, messages
from auction_bt.verify import verify

NIFTY = "NSE_INDEX|Nifty 50"
DAYS = [date(2026, 3, d) for d in (5, 6, 9, 10, 11)]  # the 10th is the old contract's expiry day
OLD, NEW = (
    Instrument(f"NSE_FO|{token}", Decimal("0.10"), 75, Kind.FUTURE, f"NIFTY FUT {when:%d %b %y}".upper(),
               Contract(NIFTY, from_date(when)))
    for token, when in ((1, date(2026, 3, 10)), (2, date(2026, 4, 7)))
)  # fmt: skip
# Many trades, of which some are still open in the evening.
FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False, "period": 40}
CARRIED = {**FREE, "square_off": "none", "time_stop_bars": 0, "acceptance_bins": 0, "flip_bars": 0, "trail_atr": 0.0}


def fill(store: Any, days: dict[str, list[date]], seed: int = 8) -> None:
    """Record both contracts on one socket."""
    for instrument in (OLD, NEW):
        store.put_instrument(instrument)
    for number, each in enumerate(DAYS):
        streams = [messages(s, each, "walk", seed + number, per_minute=4) for s in days if each in days[s]]
        store.add_raw(RawMessage(ts, json.dumps(body), tuple(body.get("feeds", ()))) for ts, body in merge(*streams))
    derive(store, list(days), [from_date(d) for d in DAYS])


@pytest.fixture(scope="module")
def shared(new_lasting_dsn: Any) -> Any:
    with open_store(new_lasting_dsn(), create=True) as store:
        fill(store, {OLD.symbol: DAYS, NEW.symbol: DAYS})
        yield store


def request(symbol: str, first: int, last: int, settings: dict[str, Any], engine: Engine = Engine.FAST) -> Request:
    return Request((symbol,), DAYS[first], DAYS[last], settings, Decimal(50_000_000), engine=engine)


def days_of(run: Run, symbol: str) -> list[date]:
    return sorted({to_date(day_index(d.ts - 1)) for d in run.result.decisions if d.symbol == symbol})


@pytest.mark.parametrize("settings", [FREE, CARRIED], ids=["within the day", "carried"])
def test_both_engines_roll_alike_and_the_proof_says_so(shared: TickStore, settings: dict[str, Any]) -> None:
    asked = request("NIFTY-FUT", 1, 4, settings)
    fast = run_backtest(shared, asked)
    replayed = run_backtest(shared, replace(asked, engine=Engine.REPLAY))
    assert repr(replayed.result.decisions) == repr(fast.result.decisions)
    assert replayed.result.trades == fast.result.trades
    assert replayed.result.data == fast.result.data
    assert {d.symbol for d in fast.result.decisions} == {OLD.symbol, NEW.symbol}
    assert set(days_of(fast, OLD.symbol)) <= {DAYS[1], DAYS[2]}
    assert set(days_of(fast, NEW.symbol)) <= {DAYS[3], DAYS[4]}
    assert verify(shared, asked).is_same


def test_a_carried_trade_leaves_its_contract_on_the_last_day_and_never_later(shared: TickStore) -> None:
    found = run_backtest(shared, request("NIFTY-FUT", 1, 4, CARRIED))
    old = [t for t in found.result.trades if t.symbol == OLD.symbol]
    assert any(day_index(t.entry_ts) < day_index(t.exit_ts) for t in old)  # carried at all
    (rolled,) = [t for t in old if t.reason == "roll"]
    leave = roll_at(located(shared, request("NIFTY-FUT", 1, 4, CARRIED)).legs[0])
    assert to_date(day_index(rolled.exit_ts)) == DAYS[2]
    assert leave <= rolled.exit_seq < leave + 60 * 10**9
    assert all(t.exit_seq <= rolled.exit_seq for t in old)
    assert "roll" in render(found.result)


def test_windows_hold_bars_of_their_own_contract_alone(shared: TickStore) -> None:
    """What the second leg sees is what it sees when it is run alone, its warm-up included."""
    asked = request("NIFTY-FUT", 1, 4, FREE)
    data = list(read(shared, asked))
    assert [r.instrument.symbol for r in data] == [OLD.symbol, NEW.symbol]
    assert [sorted({str(to_date(int(d)))[-2:] for d in np.unique(day_index(r.bars.ts))}) for r in data] == [
        ["05", "06", "09"], ["09", "10", "11"],
    ]  # fmt: skip
    together = run_backtest(shared, asked)
    alone = run_backtest(shared, request(NEW.symbol, 3, 4, FREE))
    levels = [[(d.seq, d.levels) for d in run.result.decisions if d.symbol == NEW.symbol] for run in (together, alone)]
    assert levels[0] == levels[1]


def test_a_named_contract_trades_on_its_expiry_day_but_is_not_carried_there(shared: TickStore) -> None:
    within = run_backtest(shared, request("NIFTY-FUT:2026-03", 1, 4, FREE))
    assert DAYS[3] in days_of(within, OLD.symbol)
    assert max(days_of(within, OLD.symbol)) == DAYS[3]
    carried = run_backtest(shared, request("NIFTY-FUT:2026-03", 1, 4, CARRIED))
    late = [d for d in carried.result.decisions if to_date(day_index(d.ts - 1)) == DAYS[3]]
    assert late
    assert {d.action for d in late} == {"refuse"}
    assert "roll" in {d.reason for d in late}
    assert all(day_index(t.exit_ts) <= from_date(DAYS[2]) for t in carried.result.trades)
    assert [t.reason for t in carried.result.trades].count("roll") == 1


def test_the_json_tells_what_was_asked_and_on_which_days(shared: TickStore) -> None:
    found = run_backtest(shared, request("NIFTY-FUT", 1, 4, FREE)).result
    facts = to_json(found)["data"]
    told = {symbol: [facts[symbol][key] for key in ("asked", "from", "to", "days")] for symbol in facts}
    assert told == {
        OLD.symbol: ["NIFTY-FUT", "2026-03-06", "2026-03-09", 2], NEW.symbol: ["NIFTY-FUT", "2026-03-10", "2026-03-11", 2],
    }  # fmt: skip
    assert "NSE_FO|2 (NIFTY-FUT, 2026-03-10 to 2026-03-11): future" in render(found)


def test_a_leg_without_data_is_told_and_the_others_run(tmp_path: Any) -> None:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        fill(store, {NEW.symbol: DAYS[2:]})
        found = run_backtest(store, request("NIFTY-FUT", 1, 4, FREE)).result
        assert missing(found) == ["NIFTY-FUT 2026-03-06..2026-03-09 (NSE_FO|1): no data, not traded"]
        assert missing(found)[0] in render(found)
        assert to_json(found)["data"][OLD.symbol]["bars"] == 0
        assert verify(store, request("NIFTY-FUT", 1, 4, FREE)).is_same
        with pytest.raises(NothingToDo, match=r"NIFTY-FUT is NSE_FO\|1 .* and the store holds no data of it"):
            run_backtest(store, request("NIFTY-FUT", 1, 2, FREE))


def test_what_a_token_meant_before_is_not_read_as_warm_up(shared: TickStore) -> None:
    asked = located(shared, request(NEW.symbol, 3, 4, FREE))
    since = from_date(DAYS[3])
    asked = replace(asked, legs=(replace(asked.legs[0], since=since),))
    for window in ("rolling", "composite", "anchored"):
        chosen = replace(asked, settings={**FREE, "window": window, "anchor": day_start(from_date(DAYS[0]))})
        (recorded,) = read(shared, chosen)
        assert day_index(int(recorded.bars.ts[0])) == since
