"""What a run's trades prove: the statistics against printed figures, closed forms and each other."""

import json
from dataclasses import asdict, replace
from decimal import Decimal
from itertools import product
from math import inf, nan, prod, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.bootstrap import block_length, bootstrap_mean
from auction_bt.core.decision import Decision
from auction_bt.core.evidence import daily_nets, gather, luck
from auction_bt.core.hit_rate import at_least, hit_rate_null
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_index
from auction_bt.core.planned import planned
from auction_bt.core.sharpe import (
    Sharpe,
    Trials,
    deflated_sharpe,
    expected_max_sharpe,
    luck_of,
    measure,
    min_track_record,
    probabilistic_sharpe,
)
from auction_bt.core.trade import Fill, Levels, Side, Trade
from auction_bt.result import plain

OPEN = 1_765_770_300 * SECOND_NS  # 2025-12-15 09:15 IST
DAY = day_index(OPEN)
LEVELS = Levels(100.0, 101.0, 99.0, "rolling")
PRINTED = Sharpe(2.5 / sqrt(250), 1250, -3.0, 10.0)  # the example of Bailey and López de Prado


def trade(net="10", at=0, reason="target1", charges="2", **changes):
    begin, end = OPEN + at * MINUTE_NS, OPEN + (at + 5) * MINUTE_NS
    net, charges = Decimal(net), Decimal(charges)
    made = Trade(
        symbol="X", signal_symbol="X", side=Side.LONG, setup="fade", regime="balanced", levels=LEVELS, qty=10, entry_ts=begin,
        entry_seq=begin + 1, entry_price=100.0, exit_ts=end, exit_seq=end + 1, exit_price=101.0, stop=99.0, reason=reason,
        pnl_gross=net + charges, charges=charges, pnl_net=net, mae=0.5, mfe=1.5, r_multiple=float(net) / 10,
        fills=(Fill(begin + 1, begin, 100.0, 10, "entry"), Fill(end + 1, end, 101.0, 10, reason)),
    )  # fmt: skip
    return replace(made, **changes)


def entry(at=0, target=102.0, symbol="X", close=100.0):
    seq = OPEN + at * MINUTE_NS
    targets = () if target is None else ((target, 10),)
    return Decision(seq, seq, symbol, "enter", Side.LONG, "fade", "balanced", LEVELS, targets=targets, evidence={"close": close})


# ---------------------------------------------------------------- the Sharpe ratio
def test_the_printed_example_of_the_deflated_sharpe_ratio():
    assert expected_max_sharpe(100, 0.5 / 250) == pytest.approx(0.11317, abs=5e-6)
    assert deflated_sharpe(PRINTED, Trials(100, 0.5 / 250)) == pytest.approx(0.90040, abs=5e-6)


def test_a_year_long_ratio_of_one_needs_two_years_and_eight_months_of_days():
    assert min_track_record(Sharpe(1 / sqrt(250), 100)) / 250 == pytest.approx(2.71, abs=0.01)
    assert min_track_record(Sharpe(0.0, 100)) is None


def test_after_the_days_needed_the_probability_is_the_confidence():
    needed = min_track_record(PRINTED, 0.05, 0.9)

    assert probabilistic_sharpe(replace(PRINTED, periods=needed), 0.05) == pytest.approx(0.9)


def test_moments_are_those_of_numpy():
    x = np.random.default_rng(1).exponential(size=200) - 0.8
    z = (x - x.mean()) / x.std()
    found = measure(list(x))

    assert (found.ratio, found.periods) == (pytest.approx(x.mean() / x.std(ddof=1)), 200)
    assert (found.skew, found.kurtosis) == pytest.approx(((z**3).mean(), (z**4).mean()))


@pytest.mark.parametrize("returns", [[], [1.0], [0.0, 0.0], [0.1] * 7, [1e12] * 3])
def test_days_that_are_all_equal_have_no_ratio(returns):
    assert measure(returns) is None


def test_one_trial_has_no_luck_and_unknown_trials_have_that_of_ratios_without_an_edge():
    found = Sharpe(0.1, 101)

    assert expected_max_sharpe(1, 5.0) == expected_max_sharpe(0, 5.0) == 0.0
    assert deflated_sharpe(found, Trials(1)) == probabilistic_sharpe(found)
    assert luck_of(found, Trials(10)) == expected_max_sharpe(10, 0.01)


def test_best_of_many_normal_ratios_is_about_what_is_expected():
    best = np.random.default_rng(3).normal(0, 0.05, size=(4000, 50)).max(axis=1).mean()

    assert expected_max_sharpe(50, 0.05**2) == pytest.approx(best, rel=0.02)


def test_two_values_in_the_proportion_without_doubt_are_the_limit():
    certain = Sharpe(1.0, 10, 2.0, 5.0)  # spread 1 - 2 + 1

    assert [probabilistic_sharpe(certain, b) for b in (0.5, 1.0, 1.5)] == [1.0, 0.5, 0.0]


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 0.1), st.integers(2, 5000))
def test_a_higher_ratio_is_never_less_probable(one, other, benchmark, periods):
    low, high = sorted((one, other))

    assert probabilistic_sharpe(Sharpe(low, periods), benchmark) <= probabilistic_sharpe(Sharpe(high, periods), benchmark)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.integers(1, 1000), st.floats(0, 1) | st.none())
def test_probabilities_are_such_and_more_trials_never_raise_them(returns, count, variance):
    found = measure(returns)
    if found is not None:
        one, more = deflated_sharpe(found, Trials(count, variance)), deflated_sharpe(found, Trials(count + 1, variance))
        assert 0.0 <= more <= one <= 1.0


# ---------------------------------------------------------------- the mean of a day
def test_interval_of_independent_days_is_that_of_the_closed_form():
    x = np.random.default_rng(5).normal(3.0, 10.0, 400)
    found = bootstrap_mean(list(x), 1, block=1)
    half = 1.966 * x.std(ddof=1) / sqrt(400)  # t with 399 degrees of freedom

    assert found.mean == pytest.approx(x.mean())
    assert (found.low, found.high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.06 * half)


@pytest.mark.parametrize("days", [6, 20, 100])
def test_interval_holds_the_truth_about_as_often_as_it_says(days):
    rng = np.random.default_rng(11)
    held = 0
    for seed in range(300):
        found = bootstrap_mean(list(rng.normal(1.0, 5.0, days)), seed, resamples=500)
        held += found.low <= 1.0 <= found.high

    assert 0.91 <= held / 300 <= 0.995


def test_days_that_hang_together_widen_the_interval():
    shocks = np.random.default_rng(2).normal(size=300)
    x = list(np.convolve(shocks, np.ones(6), mode="valid"))
    alone, together = bootstrap_mean(x, block=1), bootstrap_mean(x)

    assert together.block == block_length(295) == 7
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.integers(0, 100))
def test_the_same_seed_gives_the_same_interval(nets, seed):
    found = bootstrap_mean(nets, seed, resamples=50)

    assert found == bootstrap_mean(nets, seed, resamples=50)
    assert found.low <= found.high


def test_one_day_has_no_interval():
    assert bootstrap_mean([5.0]) is None


# ---------------------------------------------------------------- targets before stops
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=8), st.integers(0, 9))
def test_many_chances_add_up_as_if_every_outcome_were_written_down(chances, hits):
    outcomes = product((0, 1), repeat=len(chances))
    exact = sum(prod(c if o else 1 - c for c, o in zip(chances, out, strict=True)) for out in outcomes if sum(out) >= hits)
    found = at_least(hits, chances)

    assert 0.0 < found <= 1.0
    assert found == pytest.approx(exact, abs=1e-12)


def test_beyond_a_thousand_trades_the_normal_law_takes_over_without_a_step():
    chances = list(np.random.default_rng(4).uniform(0.2, 0.6, 1001))

    for hits in (380, 400, 420):
        assert at_least(hits, chances) == pytest.approx(at_least(hits, chances[:1000]), abs=0.03)
    assert at_least(1001, chances) > 0.0


def test_hits_are_counted_against_the_distances_they_were_planned_with():
    trades = [
        trade(at=0),  # target 2 away, stop 1
        trade(at=10, reason="stop"),
        trade(at=20, reason="time"),
        trade(at=30),  # no target
        trade(at=40, stop=100.5),  # entered beyond its stop
        trade(at=50, exit_ts=0),
    ]
    found = hit_rate_null(planned(trades, [entry(0), entry(10), entry(20), entry(30, None), entry(40)]))

    assert (found.trades, found.hits, found.undecided, found.left_out) == (3, 1, 1, 2)
    assert (found.null, found.rate) == pytest.approx((1 / 3, 1 / 3))
    assert found.p_value == pytest.approx(1 - (2 / 3) ** 3)


def test_a_first_target_counts_whatever_closed_the_rest():
    fills = (*trade().fills, Fill(1, 1, 100.0, 5, "trail"))

    assert hit_rate_null(planned([trade(reason="trail", fills=fills)], [entry()])).hits == 1


def test_distances_of_an_option_are_those_of_its_signal():
    option = trade(symbol="CE", signal_symbol="X", entry_price=40.0)

    (known,) = planned([option], [entry(close=100.5)])
    assert (known.stop, known.target) == (1.5, 1.5)
    (unknown,) = planned([option], [])
    assert (unknown.stop, unknown.target) == (None, None)
    (odd,) = planned([trade(stop=nan)], [entry(target=inf)])
    assert (odd.stop, odd.target) == (None, None)


def test_slippage_moves_no_target_nearer():
    slipped = trade(entry_price=100.5)

    (by_decision,) = planned([slipped], [entry()])
    assert (by_decision.stop, by_decision.target) == (1.0, 2.0)
    (by_fill,) = planned([slipped], [])
    assert (by_fill.stop, by_fill.target) == (1.5, None)


def test_no_plan_no_hit_rate():
    assert hit_rate_null([]) is None


# ---------------------------------------------------------------- all of it
def many(n, days, nets=("10", "-4", "6")):
    return [trade(nets[i % len(nets)], at=i % days * 1440 + i // days * 10) for i in range(n)]


@pytest.mark.parametrize(
    ("n", "days", "told"),
    [
        (0, 10, "0 closed trades, at least 30 are needed"),
        (29, 10, "29 closed trades, at least 30 are needed"),
        (40, 4, "4 days, at least 5 are needed"),
        (1, 1, "1 closed trade, at least 30 are needed; 1 day, at least 5 are needed"),
    ],
)
def test_too_few_trades_or_days_have_a_reason_and_no_figures(n, days, told):
    found = gather(many(n, days), [], {}, range(DAY, DAY + days), Trials())

    assert found.reason == told
    assert {found.hit_rate, found.random, found.daily, found.luck, found.costs} == {None}


def test_open_trades_are_no_evidence():
    found = gather([*many(29, 10), trade(exit_ts=0)], [], {}, range(DAY, DAY + 10), Trials())

    assert found.trades == 29
    assert found.reason


def test_evidence_of_a_run_has_all_its_parts_and_is_the_same_again():
    trades = many(60, 10)
    decisions = [entry(i % 10 * 1440 + i // 10 * 10) for i in range(60)]
    found = gather(trades, decisions, {}, range(DAY, DAY + 12), Trials(3, 0.01))

    assert (found.trades, found.days, found.reason) == (60, 12, "")
    assert found.hit_rate.trades == 60
    assert found.random is None  # no bars
    assert found.daily.mean == pytest.approx(240 / 12)
    assert found.luck.deflated < found.luck.probabilistic
    assert (found.costs.net, found.costs.doubled) == (240, 120)
    assert found == gather(trades, decisions, {}, range(DAY, DAY + 12), Trials(3, 0.01))
    json.dumps(plain(asdict(found)), allow_nan=False)


def test_days_without_a_trade_count_as_nothing_and_days_nobody_named_count_too():
    trades = [trade("5", at=1440), trade("2", at=1440), trade("7", at=4 * 1440), trade("9", at=0, exit_ts=0)]

    assert daily_nets(trades, range(DAY, DAY + 3)) == [0.0, 7.0, 0.0, 7.0]


def test_days_that_are_all_equal_have_no_luck():
    assert luck([3.0] * 9, Trials()) is None
