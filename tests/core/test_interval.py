import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.interval import mean_interval, t_quantile

money = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("freedom", "printed"),
    [
        (1, 12.706),
        (2, 4.303),
        (3, 3.182),
        (4, 2.776),
        (5, 2.571),
        (6, 2.447),
        (9, 2.262),
        (29, 2.045),
        (60, 2.000),
        (1000, 1.962),
    ],
)
def test_t_quantile_is_that_of_the_printed_tables(freedom, printed):
    assert t_quantile(freedom) == pytest.approx(printed, abs=6e-4)


@pytest.mark.parametrize("values", [[], [5.0]])
def test_fewer_than_two_values_have_no_interval(values):
    assert mean_interval(values, [0] * len(values)) is None


def test_textbook_interval_of_independent_trades():
    # mean 3, s = sqrt(2.5), n = 5, t(4) = 2.776: 3 ± 1.963
    found = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0], [7] * 5)

    assert found.unit == "trades"
    assert (found.low, found.high) == pytest.approx((3 - 1.9632, 3 + 1.9632), abs=1e-3)


def test_trades_that_repeat_their_day_count_as_days():
    # Ten days, ten equal trades a day: the hundred trades know no more than the ten days.
    by_day = [float(d % 3 - 1) for d in range(10)]
    days = [d for d in range(10) for _ in range(10)]
    repeated = mean_interval([by_day[d] for d in days], days)
    once = mean_interval(by_day, list(range(10)))

    assert repeated.unit == "days"
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))


def test_equal_values_leave_no_width():
    found = mean_interval([2.5] * 40, list(range(40)))

    assert (found.low, found.high) == (2.5, 2.5)


@given(st.lists(st.tuples(money, st.integers(0, 5)), min_size=2, max_size=60))
def test_interval_holds_the_mean_and_turns_over_with_the_sign(pairs):
    values, days = [v for v, _ in pairs], [d for _, d in pairs]

    found, mirrored = mean_interval(values, days), mean_interval([-v for v in values], days)

    mean = sum(values) / len(values)
    assert found.low <= mean + 1e-6
    assert found.high >= mean - 1e-6
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-6)


@given(st.lists(st.tuples(money, st.integers(0, 5)), min_size=2, max_size=40), st.permutations(range(6)))
def test_interval_knows_no_order_and_no_names_of_days(pairs, names):
    one = mean_interval([v for v, _ in pairs], [d for _, d in pairs])
    other = mean_interval([v for v, _ in reversed(pairs)], [names[d] for _, d in reversed(pairs)])

    assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-9, abs=1e-6)
