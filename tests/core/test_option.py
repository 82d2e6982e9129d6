"""Premiums, volatilities and deltas of options on a future."""

from math import isnan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from auction_bt.core.instrument import Right
from auction_bt.core.option import delta_of, premium_of, vol_of

FORWARDS = st.floats(100, 60_000)
MONEYNESS = st.floats(0.9, 1.1)
YEARS = st.floats(1 / 365, 0.25)
VOLS = st.floats(0.05, 1.0)


def test_textbook_figures():
    # Hull: a six-month European put on a future of 20, strike 20, 9 % interest, 25 % vol: 1.12; without the discount 1.1654 x ...
    undiscounted = premium_of(20, 20, 4 / 12, 0.25, Right.PUT)
    assert undiscounted * 2.718281828 ** (-0.09 * 4 / 12) == pytest.approx(1.12, abs=0.005)
    assert delta_of(20, 20, 4 / 12, 0.25, Right.CALL) == pytest.approx(0.5288, abs=0.0005)


@given(FORWARDS, MONEYNESS, YEARS, VOLS)
def test_put_and_call_differ_by_the_forward_less_the_strike(forward, moneyness, years, vol):
    strike = forward * moneyness
    call, put = (premium_of(forward, strike, years, vol, right) for right in Right)
    assert call - put == pytest.approx(forward - strike, abs=1e-6 * forward)
    up, down = (delta_of(forward, strike, years, vol, right) for right in Right)
    assert up - down == pytest.approx(1)


@given(FORWARDS, MONEYNESS, YEARS, VOLS, st.sampled_from(Right))
def test_a_premium_gives_back_the_volatility_it_was_made_with(forward, moneyness, years, vol, right):
    strike = forward * moneyness
    premium = premium_of(forward, strike, years, vol, right)
    intrinsic = max(0.0, forward - strike if right is Right.CALL else strike - forward)
    assume(premium - intrinsic > 1e-4 * forward)
    assert vol_of(premium, forward, strike, years, right) == pytest.approx(vol, rel=1e-4)


@given(FORWARDS, MONEYNESS, YEARS, VOLS, st.sampled_from(Right))
def test_delta_is_the_slope_of_the_premium(forward, moneyness, years, vol, right):
    strike, step = forward * moneyness, forward * 1e-5
    up, down = (premium_of(forward + s, strike, years, vol, right) for s in (step, -step))
    delta = delta_of(forward, strike, years, vol, right)
    assert delta == pytest.approx((up - down) / (2 * step), abs=1e-4)
    assert (0 <= delta <= 1) if right is Right.CALL else (-1 <= delta <= 0)


@pytest.mark.parametrize(
    ("premium", "years"),
    [(99.9, 0.1), (100.0, 0.1), (float("nan"), 0.1), (150.0, 0.0), (150.0, -1.0), (25_001.0, 0.1), (float("inf"), 0.1)],
)
def test_where_no_volatility_fits_there_is_none(premium, years):
    assert isnan(vol_of(premium, 25_100, 25_000, years, Right.CALL))


def test_on_the_last_moment_an_option_is_what_it_is_worth():
    assert premium_of(105, 100, 0, 0.2, Right.CALL) == 5
    assert (delta_of(105, 100, 0, 0.2, Right.CALL), delta_of(105, 100, 0, 0.2, Right.PUT)) == (1.0, 0.0)
