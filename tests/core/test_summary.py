from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from itertools import pairwise
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.decision import Decision
from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS
from auction_bt.core.summary import Verdict, deepest, merge_equity, merged, summarise
from auction_bt.core.trade import Fill, Levels, Side, Trade

OPEN = 1_765_770_300 * SECOND_NS  # 2025-12-15 09:15 IST
CASH = Decimal(1_000_000)
LEVELS = Levels(100.0, 101.0, 99.0, "rolling")


def trade(net="10", charges="2", at=0, length=5, **changes):
    begin = OPEN + at * MINUTE_NS
    end = begin + length * MINUTE_NS
    net, charges = Decimal(net), Decimal(charges)
    made = Trade(
        symbol="X", signal_symbol="X", side=Side.LONG, setup="fade", regime="balanced", levels=LEVELS, qty=10, entry_ts=begin,
        entry_seq=begin + 1, entry_price=100.0, exit_ts=end, exit_seq=end + 1, exit_price=101.0, stop=99.0, reason="target1",
        pnl_gross=net + charges, charges=charges, pnl_net=net, mae=0.5, mfe=1.5, r_multiple=float(net) / 10,
        fills=(Fill(begin + 1, begin, 100.0, 10, "entry"), Fill(end + 1, end, 101.0, 10, "target1")),
    )  # fmt: skip
    return replace(made, **changes)


def still_open(**changes):
    return trade(exit_ts=0, exit_seq=0, reason="open", **changes)


def decision(action, reason="", seq=OPEN):
    return Decision(seq, OPEN, "X", action, Side.LONG, "fade", "balanced", LEVELS, reason)


def of(trades, decisions=(), **more):
    return summarise(trades, decisions, cash=CASH, cost_name="x1", **more)


def test_nothing_gives_a_summary_that_says_so():
    found = of([])

    assert found.verdict is Verdict.NO_TRADES
    assert (found.trades, found.open_trades, found.net, found.drawdown.amount) == (0, 0, 0, 0)
    assert {found.win_rate, found.profit_factor, found.expectancy, found.r_mean, found.interval, found.exposure} == {None}


def test_summary_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        of([]).net = Decimal(1)


def test_figures_of_three_trades_by_hand():
    found = of([trade("30"), trade("-10", at=10), trade("-20", at=20)])

    assert (found.net, found.gross, found.charges) == (0, 6, 6)
    assert found.win_rate == pytest.approx(1 / 3)
    assert found.profit_factor == 1.0
    assert (found.expectancy, found.average_win, found.average_loss) == (0, 30, -15)
    assert (found.r_total, found.r_mean) == pytest.approx((0.0, 0.0))
    assert found.losing_run == 2
    assert found.drawdown.amount == 30
    assert found.drawdown.share == pytest.approx(30 / 1_000_030)


def test_wins_alone_have_no_profit_factor_and_losses_alone_have_one_of_zero():
    assert of([trade("5")]).profit_factor is None
    assert of([trade("-5")]).profit_factor == 0.0


def test_result_of_exactly_nothing_is_neither_won_nor_lost_and_breaks_a_losing_run():
    found = of([trade("-1"), trade("0", at=10), trade("-1", at=20)])

    assert found.win_rate == 0.0
    assert found.losing_run == 1
    assert found.average_loss == -1


def test_losing_run_is_counted_by_exits_not_by_the_order_given():
    by_symbol = [trade("-1"), trade("-1", at=20), trade("5", at=10, symbol="Y"), trade("-1", at=30, symbol="Y")]

    assert of(by_symbol).losing_run == 2


def test_open_trades_are_counted_apart_and_not_in_the_net():
    found = of([trade("10"), still_open(net="-500", at=10)])

    assert (found.trades, found.open_trades) == (1, 1)
    assert (found.net, found.open_net) == (10, -500)
    assert found.by_reason[0].name == "target1"
    assert len(found.by_reason) == 1


def test_trades_without_a_measured_risk_are_left_out_of_r_only():
    found = of([trade("10"), trade("20", at=10, r_multiple=nan)])

    assert found.r_mean == 1.0
    assert found.net == 30
    assert of([trade(r_multiple=nan)]).r_mean is None


@pytest.mark.parametrize(
    ("nets", "per_day", "verdict"),
    [
        (["10"] * 29, 1, Verdict.TOO_FEW),
        (["10", "11"] * 15, 1, Verdict.GAIN),
        (["-10", "-11"] * 15, 1, Verdict.LOSS),
        (["10", "-10"] * 15, 1, Verdict.UNSURE),
        (["10", "11"] * 50, 1000, Verdict.TOO_FEW),  # a hundred trades, all of one day
        (["0"] * 40, 1, Verdict.UNSURE),
    ],
)
def test_verdict_follows_count_days_and_interval(nets, per_day, verdict):
    trades = [trade(n, at=i // per_day * 1440 + i % per_day, length=1) for i, n in enumerate(nets)]

    assert of(trades).verdict is verdict


def test_gain_that_rests_on_two_days_is_not_called_a_gain():
    # Forty trades: one day of nothing but gains, one of nothing but losses, a plain t over trades would hold 0 anyway;
    # with unequal days it would not.
    trades = [trade("10", at=i, length=1) for i in range(34)] + [trade("-1", at=1440 + i, length=1) for i in range(6)]

    found = of(trades)

    assert found.interval.unit == "days"
    assert found.verdict is Verdict.UNSURE


def test_exposure_is_the_share_of_session_time_and_overlaps_count_once():
    session = (OPEN, OPEN + 100 * MINUTE_NS)
    trades = [trade(at=0, length=10), trade(at=5, length=10, symbol="Y"), trade(at=95, length=1440)]

    assert of(trades, sessions=[session, session]).exposure == pytest.approx(0.20)


def test_open_trade_is_exposed_to_the_end_of_the_data():
    session = (OPEN, OPEN + 100 * MINUTE_NS)

    assert of([still_open(at=50)], sessions=[session]).exposure == pytest.approx(0.5)


def test_night_between_sessions_is_no_exposure():
    sessions = [(OPEN + d * DAY_NS, OPEN + d * DAY_NS + 100 * MINUTE_NS) for d in range(2)]

    assert of([trade(at=90, length=1440)], sessions=sessions).exposure == pytest.approx(100 / 200)


def test_funnel_comes_from_the_decisions():
    log = [
        decision("enter", seq=1),
        *[decision("refuse", "cost")] * 3,
        *[decision("refuse", "quality")] * 5,
        decision("exit", "stop"),
    ]

    found = of([], log)

    assert (found.signals, found.taken, found.refused) == (9, 1, (("quality", 5), ("cost", 3)))


def test_entry_that_came_to_nothing_is_one_signal_and_refused():
    found = of([], [decision("enter", seq=1), decision("refuse", "margin", seq=1), decision("enter", seq=2)])

    assert (found.signals, found.taken, found.refused) == (2, 1, (("margin", 1),))


def test_fills_are_counted_by_source():
    on_bars = trade(at=10, fills=(Fill(1, 1, 100.0, 10, "entry", "bars"),))

    assert of([trade(), on_bars]).fills == (("ticks", 2), ("bars", 1))


def test_costless_run_is_named_gross_only():
    assert summarise([], [], cash=CASH, cost_name="none").is_gross_only
    assert not of([]).is_gross_only


def test_drawdown_is_taken_from_open_equity_where_it_is_known():
    curve = [(1, 1_000_100.0), (2, 999_600.0), (3, 1_000_200.0)]

    found = of([trade("200")], equity=curve).drawdown

    assert (found.amount, found.peak_ts, found.trough_ts) == (500, 1, 2)


def test_drawdown_below_the_cash_needs_no_earlier_peak():
    found = deepest([(5, Decimal("999000.50"))], CASH)

    assert (found.amount, found.peak_ts) == (Decimal("999.50"), 0)
    assert found.share == pytest.approx(0.0009995)


def test_noise_of_float_money_is_no_drawdown():
    assert deepest([(1, 1_000_000.1 + 0.2), (2, 1_000_000.3)], CASH).amount == 0


def test_value_that_is_not_a_number_is_passed_over():
    assert deepest([(1, nan), (2, 999_000.0)], CASH).amount == 1000


def test_account_without_cash_has_no_drawdown_share():
    assert deepest([(1, -5.0)], Decimal(0)).share is None
    assert summarise([trade("-5")], [], cash=Decimal(0), cost_name="x1").drawdown.amount == 5


def test_curves_of_one_account_become_one_in_order_of_time():
    assert merge_equity([[(1, 10.0), (4, 13.0)], [(2, 11.0), (4, 14.0)], []]) == [(1, 10.0), (2, 11.0), (4, 14.0)]


trades_drawn = st.lists(
    st.builds(
        trade,
        net=st.integers(-500_000, 500_000).map(lambda paise: str(Decimal(paise) / 100)),
        charges=st.integers(0, 5000).map(lambda paise: str(Decimal(paise) / 100)),
        at=st.integers(0, 10_000),
        length=st.integers(0, 400),
        side=st.sampled_from(Side),
        setup=st.sampled_from(["fade", "pullback", ""]),
        regime=st.sampled_from(["bear", "balanced", "bull"]),
        reason=st.sampled_from(["stop", "target1", "time"]),
        symbol=st.sampled_from(["X", "Y", "Z"]),
    ),
    max_size=40,
)


@given(trades_drawn)
def test_every_table_adds_up_to_the_whole(trades):
    found = of(trades)

    assert found.net == found.gross - found.charges == sum(t.pnl_net for t in trades)
    for table in (found.by_side, found.by_setup, found.by_regime, found.by_reason, found.by_symbol):
        assert sum(g.trades for g in table) == found.trades == len(trades)
        assert sum(g.net for g in table) == found.net
        assert all(0 <= g.wins <= g.trades for g in table)


@given(trades_drawn, st.randoms(use_true_random=False))
def test_order_in_which_trades_are_given_changes_no_count_and_no_rupee(trades, random):
    # Trades that end at one instant have no order of their own, so they are kept apart here.
    trades = list({(t.exit_ts, t.exit_seq): t for t in trades}.values())
    shuffled = list(trades)
    random.shuffle(shuffled)
    sessions = [(OPEN, OPEN + 400 * MINUTE_NS)]

    assert of(shuffled, sessions=sessions) == of(trades, sessions=sessions)


@given(trades_drawn)
def test_shares_stay_within_their_bounds(trades):
    found = of(trades, sessions=[(OPEN, OPEN + 375 * MINUTE_NS), (OPEN + DAY_NS, OPEN + DAY_NS + 375 * MINUTE_NS)])

    assert 0 <= found.exposure <= 1
    assert found.drawdown.amount >= 0
    assert found.drawdown.amount >= -found.net
    assert found.losing_run <= found.trades
    if found.trades:
        assert 0 <= found.win_rate <= 1


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), max_size=20))
def test_union_of_spans_holds_the_same_instants(spans):
    union = merged(spans)

    assert {i for a, b in spans for i in range(a, b)} == {i for a, b in union for i in range(a, b)}
    assert all(a < b for a, b in union)
    assert all(one[1] < other[0] for one, other in pairwise(union))


@given(st.lists(st.floats(-1e5, 1e5), max_size=30))
def test_drawdown_equals_the_worst_pair_of_peak_and_later_trough(moves):
    values, level = [], 1e6
    for move in moves:
        level = round(level + move, 2)
        values.append(level)
    path = [1e6, *values]

    worst = max((path[i] - path[j] for i in range(len(path)) for j in range(i, len(path))), default=0.0)

    assert float(deepest(list(enumerate(values, 1)), CASH).amount) == pytest.approx(worst if worst > 0.006 else 0.0, abs=0.011)
