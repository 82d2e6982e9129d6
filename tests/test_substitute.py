"""Trading an option on its underlying's profile, from messages to trades: contract, size, exits, refusals, both engines."""

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import floor

import numpy as np
import pytest

from auction_bt.backtest import Engine, Request, read, run_on
from auction_bt.brokers.indian import indian_charges
from auction_bt.cli import main
from auction_bt.core.decision import entry_of
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.instrument import Instrument, Kind, Right
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_index, day_start, from_date
from auction_bt.core.option import YEAR_NS, delta_of
from auction_bt.core.substitute import parse_trade
from auction_bt.core.trade import Side
from auction_bt.result import trade_json
from auction_bt.store.dsn import open_store
from tests.options import EXPIRY, FUTURE, VOL, Options, chain, option, store_of

DAYS = [date(2026, 3, 10), date(2026, 3, 11)]
STRIKES = range(24_800, 25_300, 100)
WIDE = range(24_400, 25_700, 200)  # a trending day goes further
FREE = {"one_entry_an_edge": False, "min_r": 0.0, "cost_multiple": 0.0, "stop_cost_multiple": 0.0}


@pytest.fixture(scope="module")
def dsns(tmp_path_factory):
    """Stores of one day each of a balanced and of a trending future with its options."""
    folder = tmp_path_factory.mktemp("options")
    return {
        shape: store_of(f"sqlite:///{folder}/{shape}.db", DAYS, chain(strikes), shape=shape, per_minute=30)
        for shape, strikes in (("balanced", STRIKES), ("trend", WIDE))
    }


def run(dsn, trade="atm", engine=Engine.FAST, **settings):
    with open_store(dsn, readonly=True) as store:
        rule = parse_trade(trade)
        if rule is not None:
            rule = replace(rule, min_dte=settings.get("min_dte", 1))
        request = Request((FUTURE.symbol,), DAYS[1], DAYS[1], settings, trade=rule, engine=engine)
        return run_on(store, list(read(store, request)), request)


def refused(found):
    return Counter(d.reason for d in found.result.decisions if d.action == "refuse")


@pytest.mark.parametrize("shape", ["balanced", "trend"])
@pytest.mark.parametrize("settings", [{}, FREE, FREE | {"single_lot": "trail", "trail_atr": 1.0, "square_off": "none"}])
def test_both_engines_trade_the_same_options(dsns, shape, settings):
    fast, replayed = (run(dsns[shape], engine=engine, **settings).result for engine in Engine)
    assert fast.trades == replayed.trades
    assert fast.decisions == replayed.decisions
    assert fast.summary == replayed.summary
    assert fast.trades


def test_a_long_buys_the_nearest_call_and_a_short_the_nearest_put(dsns):
    found = [run(dsns[shape], **FREE).result for shape in dsns]
    decided = [(t, entry_of(t, r.decisions)) for r in found for t in r.trades]
    assert {t.side for t, _ in decided} == set(Side)
    for trade, decision in decided:
        close, right = decision.evidence["close"], "CE" if trade.side is Side.LONG else "PE"
        nearest = {min(strikes, key=lambda k: (abs(k - close), k)) for strikes in (STRIKES, WIDE)}
        assert trade.symbol in {f"NSE_FO|{strike}{right}0317" for strike in nearest}
        assert trade.signal_symbol == FUTURE.symbol
        assert decision.evidence["strike"] in nearest
        assert decision.evidence["quote_age_s"] <= 3.0


def test_delta_and_size_are_those_of_the_volatility_the_options_were_made_with(dsns):
    entries = [d for shape in dsns for d in run(dsns[shape], **FREE).result.decisions if d.action == "enter"]
    assert len(entries) > 10
    charges = indian_charges()
    for d in entries:
        e, right = d.evidence, Right.CALL if d.side is Side.LONG else Right.PUT
        years = (day_start(from_date(EXPIRY)) + (15 * 60 + 30) * MINUTE_NS - d.seq) / YEAR_NS
        assert e["delta"] == pytest.approx(delta_of(e["close"], e["strike"], years, VOL, right), abs=0.03)
        distance = abs(e["delta"]) * abs(e["close"] - d.stop)
        assert e["stop_distance"] == pytest.approx(distance, abs=0.06)  # the close and the stop are on the future's grid
        traded = option(int(e["strike"]), right)
        lot_cost = float(charges.round_trip(traded, e["premium"], 65, day=from_date(DAYS[1]))) / 65 + 2 * 0.05 + e["spread"]
        lots = floor(e["equity"] * 0.005 / ((e["stop_distance"] + lot_cost) * 65) + 1e-9)
        capped = floor(e["equity"] / ((e["premium"] + e["stop_distance"] + lot_cost) * 65) + 1e-9)
        assert d.qty == min(lots, capped) * 65


def test_exits_fire_at_the_futures_prices_and_fill_on_the_options_next_tick(dsns):
    settings = FREE | {"acceptance_bins": 0, "flip_bars": 0, "time_stop_bars": 0, "trail_atr": 0.0, "breakeven": False}
    for dsn in [dsns["balanced"]]:
        found = run(dsn, **settings).result
        with open_store(dsn, readonly=True) as store:
            day = day_start(from_date(DAYS[1]))
            future = store.ticks(FUTURE.symbol, day, day + 24 * 3600 * SECOND_NS)
            quotes = {t.symbol: store.ticks(t.symbol, day, day + 24 * 3600 * SECOND_NS) for t in found.trades}
        by_own_stop = 0
        closed = [t for t in found.trades if t.reason == "stop"]
        assert closed
        for trade in closed:
            sign = trade.side.sign
            after = (future.seq > trade.entry_seq) & ((future.price - trade.stop) * sign <= 1e-9)
            reached = int(future.seq[after][0]) if after.any() else 2**62
            ticks = quotes[trade.symbol]
            index = int(np.searchsorted(ticks.seq, reached, side="right"))
            # Its own stop, one and a half times as far from what was paid, may have come first.
            decision = entry_of(trade, found.decisions)
            own = trade.entry_price - 1.5 * decision.evidence["stop_distance"]
            collapsed = (ticks.seq > trade.entry_seq) & (ticks.price <= own)
            index = min(index, int(collapsed.argmax())) if collapsed.any() else index
            by_own_stop += bool(collapsed[index])
            last = trade.fills[-1]
            assert (last.seq, last.reason) == (int(ticks.seq[index]), "stop")
            assert last.price == pytest.approx(min(float(ticks.bid[index]), float(ticks.price[index])) - 0.05)
        assert by_own_stop < len(closed)


def test_nothing_is_ever_sold_that_was_not_bought(dsns):
    for dsn in dsns.values():
        for trade in run(dsn, **FREE).result.trades:
            held = np.cumsum([f.qty if f.reason == "entry" else -f.qty for f in trade.fills])
            assert (held >= 0).all()
            assert held[-1] == 0 or trade.is_open
            assert (
                trade.pnl_gross == sum(Decimal(repr(f.price)) * f.qty * (-1 if f.reason == "entry" else 1) for f in trade.fills)
                or trade.is_open
            )


class Crash(Options):
    """Options that lose nine tenths of their price at two o'clock while the future stands."""

    def frame(self, instrument, forward, now):
        body = super().frame(instrument, forward, now)
        if now - day_start(day_index(now)) > 13 * 60 * MINUTE_NS:
            market = body["feeds"][instrument.symbol]["fullFeed"]["marketFF"]
            for part, names in ((market["ltpc"], ["ltp"]), (market["marketLevel"]["bidAskQuote"][0], ["bidP", "askP"])):
                for name in names:
                    part[name] = max(0.05, round(round(part[name] / 10 / 0.05) * 0.05, 2))
        return body


def test_an_option_that_collapses_while_its_future_stands_is_sold_by_its_own_stop(tmp_path):
    dsn = store_of(f"sqlite:///{tmp_path}/a.db", DAYS, chain(STRIKES), Crash(), per_minute=30)
    found = run(dsn, **FREE, time_stop_bars=0, acceptance_bins=0, flip_bars=0)
    crashed = day_start(from_date(DAYS[1])) + 13 * 60 * MINUTE_NS
    held = [t for t in found.result.trades if t.entry_ts < crashed <= t.exit_ts]
    assert len(held) == 1
    (trade,) = held
    assert trade.reason == "stop"
    assert trade.exit_ts - crashed < 10 * SECOND_NS
    assert trade.exit_price < trade.entry_price / 5


@pytest.mark.parametrize(
    ("trade", "options", "behave", "settings", "reason"),
    [
        ("atm", chain(STRIKES, date(2026, 3, 11)), Options(), {}, "no option"),
        ("atm", chain(STRIKES), Options(), {"min_dte": 7}, "no option"),
        ("atm", chain([26_000]), Options(), {}, "no strike"),
        ("atm", chain([24_750, 24_800, 25_250]), Options(), {}, "no strike"),
        ("atm+9", chain(STRIKES), Options(), {}, "no strike"),
        ("atm", chain(STRIKES), Options(spread=60), {}, "wide spread"),
        ("atm", chain(STRIKES), Options(silent=lambda ts: True), {}, "no quote"),
        ("atm", chain(STRIKES), Options(silent=lambda ts: (ts // MINUTE_NS) % 10 > 1), {}, "stale quote"),
    ],
)
def test_what_cannot_be_had_or_priced_is_refused_with_the_reason(tmp_path, trade, options, behave, settings, reason):
    dsn = store_of(f"sqlite:///{tmp_path}/a.db", DAYS, options, behave, per_minute=12)
    found = run(dsn, trade, **FREE, **settings)
    assert refused(found)[reason] > 0
    if reason != "stale quote":
        assert not found.result.trades


def test_where_no_option_is_stored_there_is_nothing_to_do(tmp_path):
    dsn = store_of(f"sqlite:///{tmp_path}/a.db", DAYS, [])
    with pytest.raises(NothingToDo, match=r"no option on NSE_INDEX.Nifty 50 that .*fetch --symbol"):
        run(dsn)


def test_a_bought_put_is_a_long_position_on_a_short_signal(dsns):
    found = [trade_json(t) for t in run(dsns["balanced"], **FREE).result.trades]
    assert {t["side"] for t in found} == {"long", "short"}
    for t in found:
        assert t["position"] == "long"
        assert t["pnl_gross"] == pytest.approx((t["exit_price"] - t["entry_price"]) * t["qty"], abs=0.1)


def test_a_fixed_option_is_bought_on_signals_of_its_side_only(dsns):
    call = option(25_000, Right.CALL)
    found = run(dsns["balanced"], call.name, **FREE)
    assert {t.symbol for t in found.result.trades} == {call.symbol}
    assert {t.side for t in found.result.trades} == {Side.LONG}
    assert refused(found)["option side"] > 0


def test_strikes_out_of_the_money_lie_above_for_calls_and_below_for_puts(dsns):
    for offset in (1, -1):
        for d in run(dsns["balanced"], f"atm{offset:+d}", **FREE).result.decisions:
            if d.action == "enter":
                nearest = min(STRIKES, key=lambda k: (abs(k - d.evidence["close"]), k))
                assert d.evidence["strike"] == nearest + 100 * offset * d.side.sign


def test_another_future_is_traded_both_ways_with_a_stop_of_its_own(dsns, tmp_path):
    other = replace(FUTURE, symbol="NSE_FO|OTHER", name="OTHER-FUT", tick=Decimal("0.05"))

    class Follows(Options):
        def frame(self, instrument, forward, now):
            body = super().frame(option(20_000, Right.CALL), forward, now)  # a deep call moves as the future does
            (feed,) = body["feeds"].values()
            return body | {"feeds": {other.symbol: feed}}

    dsn = store_of(f"sqlite:///{tmp_path}/a.db", DAYS, [other], Follows(), per_minute=30)
    found = run(dsn, other.symbol, **FREE)
    assert {t.side for t in found.result.trades} == set(Side)
    assert run(dsn, "OTHER-FUT", engine=Engine.REPLAY, **FREE).result.trades == found.result.trades
    for trade in found.result.trades:
        sign = trade.side.sign
        assert float(trade.pnl_gross) == pytest.approx(sign * (trade.exit_price - trade.entry_price) * trade.qty, abs=0.1)


# --- the command


def command(*words):
    days = str(DAYS[1])
    return main(["backtest", "--from-date", days, "--to-date", days, *words])


def test_the_report_tells_what_was_traded_on_what(dsns, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["--symbol", "NIFTY-FUT", "--store", dsns["balanced"], "--set", "min_r=0", "--set", "one_entry_an_edge=false"]
    assert command(*words, "--trade", "atm", "--explain", "1") == 0
    out = capsys.readouterr().out
    assert "trade=atm+0" in out
    assert f"Signal read from: {FUTURE.symbol}" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--symbol", "NSE_FO|25000CE0317"], "is an option: trade it on its underlying's profile"),
        (["--symbol", "NIFTY-FUT", "--trade", "atm+x"], "is no strike"),
        (["--symbol", "NIFTY-FUT", "--trade", ""], "names nothing"),
        (["--symbol", "NIFTY-FUT", "--trade", "NIFTY-FUT"], "is the signal itself"),
        (["--symbol", "NIFTY-FUT", "--trade", "NIFTY-99CE"], "unknown symbol 'NIFTY-99CE'"),
    ],
)
def test_bad_wishes_get_one_line(dsns, tmp_path, monkeypatch, capsys, words, says):
    monkeypatch.chdir(tmp_path)
    assert command(*words, "--store", dsns["balanced"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_an_option_is_read_by_its_own_profile_where_that_is_asked_for(dsns, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["--symbol", "NSE_FO|25000CE0317", "--store", dsns["balanced"], "--set", "own_profile=true"]
    assert command(*words) == 0
    assert "Trades" in capsys.readouterr().out


def test_a_future_of_which_nobody_knows_the_underlying_has_no_options(tmp_path):
    plain = replace(FUTURE, contract=None)
    dsn = store_of(f"sqlite:///{tmp_path}/a.db", DAYS, [], instruments=[plain])
    with pytest.raises(BadInput, match=r"nobody has said what NSE_FO\|DEMO-FUT is a contract on"):
        run(dsn)


def test_shares_options_are_those_on_the_share():
    from auction_bt.chain import underlying_of

    assert underlying_of(Instrument("NSE_EQ|INE002A01018", Decimal("0.05"), 1, Kind.EQUITY)) == "NSE_EQ|INE002A01018"
