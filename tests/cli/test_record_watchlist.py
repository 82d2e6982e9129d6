"""record --feed with options around the money, against a simulated exchange that plays a whole chain."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from auction_bt.cli import main
from auction_bt.core.instrument import Contract, Instrument, Kind, Right
from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.sim_process import SimProcess
from auction_bt.parsing import dump, parse
from auction_bt.store import RawMessage, TickStore
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import Shape, conflate, merge, tape

DAY = date(2026, 3, 10)
BEGIN, END = day_start(from_date(DAY)), day_start(from_date(DAY) + 1)
INDEX = "NSE_INDEX|Sim"
FUTURE = Instrument("NSE_FO|1000", Decimal("0.10"), 50, Kind.FUTURE, "SIM FUT", Contract(INDEX, from_date(DAY) + 20))
STRIKES = range(2340, 2470, 10)
REACH = 1


def options() -> Iterator[Instrument]:
    for strike in STRIKES:
        for right in Right:
            contract = Contract(INDEX, from_date(DAY) + 2, Decimal(strike), right)
            yield Instrument(f"NSE_FO|{strike}{right.value}", Decimal("0.05"), 50, Kind.OPTION, f"SIM {strike} {right}", contract)


def fill(dsn: str) -> None:
    chosen = [FUTURE, *options()]
    with open_store(dsn, create=True) as store:
        for instrument in chosen:
            store.put_instrument(instrument)
        streams = []
        for each in chosen:
            shape, price, rate = (Shape.TREND, 2400.0, 4) if each is FUTURE else (Shape.BALANCED, 60.0, 1)
            streams.append(conflate(tape(each, DAY, shape, 7, price, rate), 7, rate))
        store.add_raw(RawMessage(at, dump(body), tuple(body.get("feeds", ()))) for at, body in merge(*streams))


def markets(store: TickStore, symbol: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for message in store.raw(BEGIN, END, [symbol]):
        feed = parse(message.text).get("feeds", {}).get(symbol, {})
        if "vtt" in (market := feed.get("fullFeed", {}).get("marketFF", {})):
            yield message.ts, market


def volumes(store: TickStore, symbol: str) -> list[int]:
    """Return the traded volume of the day as it rose."""
    return sorted({int(market["vtt"]) for _, market in markets(store, symbol)})


def around(price: float) -> set[int]:
    money = min(STRIKES, key=lambda strike: (abs(strike - price), strike))
    return {strike for strike in STRIKES if abs(strike - money) <= REACH * 10}


def test_the_chain_is_followed_as_the_price_moves_and_nothing_else_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fill("sqlite:///chain.db")
    words = ["--store", "sqlite:///chain.db", "--day", str(DAY), "--speed", "2000", "--from-time", "12:00"]
    with SimProcess(words) as sim:
        clock = MarketClock(sim.ready.now, sim.ready.speed)
        monkeypatch.setattr("auction_bt.cli.record_feed.WorldClock", lambda: clock)
        monkeypatch.setattr("auction_bt.cli.instruments.time", SimpleNamespace(time_ns=clock))
        monkeypatch.setattr("auction_bt.cli.tokens.find_token", lambda *_: SimpleNamespace(
            text=sim.ready.token, describe=lambda _: "a token"))  # fmt: skip
        there = ["--base-url", sim.ready.url, "--state", "s"]
        assert main(["instruments", "--refresh", "SIM", *there]) == 0
        code = main(["record", "--feed", "upstox", "--symbol", f"{FUTURE.symbol} + ATM±{REACH}", "--store", "sqlite:///a.db",
                     "--every", "1", *there])  # fmt: skip
    printed, problem = capsys.readouterr()
    assert code == 0, printed + problem
    assert "recording 1 symbol, and options within 1 strike of the money" in printed
    with open_store("sqlite:///chain.db", readonly=True) as store:
        played = {each.symbol: volumes(store, each.symbol) for each in (FUTURE, *options())}
    with open_store("sqlite:///a.db", readonly=True) as store:
        recorded = {each.symbol: volumes(store, each.symbol) for each in (FUTURE, *options())}
        prices = [float(market["ltpc"]["ltp"]) for _, market in markets(store, FUTURE.symbol)]
        last = {symbol: max(at for at, _ in markets(store, symbol)) for symbol, seen in recorded.items() if seen}
    watched = {int(each.contract.strike) for each in options() if recorded[each.symbol]}
    assert around(prices[0]) | around(prices[-1]) <= watched <= set().union(*map(around, prices))
    assert len(around(prices[0])) < len(watched) < len(STRIKES), "the money moved, and not over the whole chain"
    for each in (FUTURE, *(each for each in options() if int(each.contract.strike) in watched)):
        seen = recorded[each.symbol]
        assert len(seen) > 20
        assert seen == played[each.symbol][-len(seen) :], f"{each.name}: a hole after it was first seen"
        assert last[each.symbol] > END - 9 * 60 * MINUTE_NS + 29 * MINUTE_NS, f"{each.name}: not kept until the close"
