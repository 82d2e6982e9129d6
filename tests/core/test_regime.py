"""Regimes: thresholds to the unit, the latch, one bar at a time against all at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core import regime as regimes
from auction_bt.core.histogram import NO_ROW
from auction_bt.core.regime import Regime, RegimeJudge, Rule, auction, label_of, original

NAN = float("nan")
BEAR, BALANCED, BULL, TRANSITION = -1.0, 0.0, 1.0, 2.0
# rho, BC, PO_range which show each raw regime
SHOWS = {
    BALANCED: (0.0, 0.4, 0.0),
    BULL: (0.9, 0.4, 0.0),
    BEAR: (-0.9, 0.4, 0.0),
    TRANSITION: (0.0, 0.9, 0.0),
}


def judged(raws, days=None, contracts=None, rule=Rule.AUCTION):
    n = len(raws)
    whole = np.tile(np.array([5, 9, 1, 100, 9, 20], np.int64), (n, 1))
    real = np.zeros((n, 3))
    for i, raw in enumerate(raws):
        if np.isnan(raw):
            whole[i, :3] = NO_ROW
        else:
            real[i] = SHOWS[raw]
    day = np.array(days if days is not None else [0] * n, np.int64)
    contract = np.array(contracts if contracts is not None else [0] * n, np.int64)
    return whole, real, day, contract


def latched(raws, days=None, contracts=None):
    return RegimeJudge(Rule.AUCTION).take(*judged(raws, days, contracts))[0].tolist()


@pytest.mark.parametrize(
    ("poc", "vah", "val", "want"),
    [
        (50, 100, 0, 0),
        (70, 100, 0, 0),  # |140 - 100| * 10 == 4 * 100: exactly on the threshold is balanced
        (71, 100, 0, 1),
        (30, 100, 0, 0),
        (29, 100, 0, -1),
        (7, 7, 7, 0),  # one row
        (1, 1, 0, 1),
        (0, 1, 0, -1),
        (8, 10, 3, 1),
        (5, 10, 3, -1),
        (-29, 0, -100, 1),
    ],
)
def test_original_judges_where_the_poc_lies_in_the_value_area(poc, vah, val, want):
    assert original(poc, vah, val) == want


@given(st.integers(-1000, 1000), st.integers(0, 300), st.integers(0, 300))
def test_original_is_mirror_symmetric(poc, up, down):
    assert original(poc, poc + up, poc - down) == -original(-poc, -poc + down, -poc - up)


@pytest.mark.parametrize(
    ("printed", "rho", "bc", "po_range", "want"),
    [
        (5, 0.60, 5 / 9, 0.50, 0),  # all three on their thresholds
        (5, -0.60, 5 / 9, -0.50, 0),
        (4, 0.0, 0.3, 0.0, regimes._UNDEFINED),
        (5, 0.6000001, 0.3, -0.9, 1),  # rho comes first
        (5, -0.6000001, 0.3, 0.9, -1),
        (5, 0.6, 0.9, 0.5000001, 1),
        (5, 0.6, 0.9, -0.5000001, -1),
        (5, 0.6, np.nextafter(5 / 9, 1), 0.5, 2),
        (9, 0.0, NAN, 0.0, 2),
    ],
)
def test_auction_judges_migration_then_place_then_shape(printed, rho, bc, po_range, want):
    assert auction(printed, rho, bc, po_range) == want


def test_a_latched_regime_needs_three_equal_others_in_a_row():
    assert latched([0, 1, 1, 1, 1]) == [0, 0, 0, 1, 1]
    assert latched([0, 1, 1, 0, 1, 1, 1]) == [0, 0, 0, 0, 0, 0, 1]
    assert latched([0, 1, 1, -1, -1, -1]) == [0, 0, 0, 0, 0, -1]
    assert latched([0, 1, -1, 1, -1, 2, 1, -1]) == [0] * 8
    assert latched([1, 2, 2, 2, 1, 1, 1]) == [1, 1, 1, 2, 2, 2, 1]


def test_the_first_of_a_session_is_taken_at_once():
    assert latched([0, 1, 1, 1, 0], days=[0, 0, 0, 1, 1]) == [0, 0, 0, 1, 1]
    assert latched([0, 1, 1, 1, 0], contracts=[0, 0, 0, 1, 1]) == [0, 0, 0, 1, 1]


def test_undefined_is_undefined_at_once_and_left_at_once():
    assert str(latched([NAN, NAN, 1, 1, NAN, 0, 1, 1, 1])) == str([NAN, NAN, 1.0, 1.0, NAN, 0.0, 0.0, 0.0, 1.0])


raws = st.lists(st.sampled_from([BALANCED, BULL, BEAR, TRANSITION, NAN]), min_size=1, max_size=40)


@settings(deadline=None)
@given(raws, st.data())
def test_bars_one_by_one_in_any_portions_give_the_same(values, data):
    days = np.cumsum(data.draw(st.lists(st.sampled_from([0, 0, 0, 0, 1]), min_size=len(values), max_size=len(values))))
    for rule in Rule:
        columns = judged(values, days)
        want = RegimeJudge(rule).take(*columns)
        judge, got, i = RegimeJudge(rule), [], 0
        while i < len(values):
            n = data.draw(st.integers(1, 5))
            if data.draw(st.booleans()):
                judge.take(*judged([BEAR], [9]))
                judge.undo()
            got.append(judge.take(*(x[i : i + n] for x in columns)))
            i += n
        for k in range(2):
            assert np.concatenate([g[k] for g in got]).tobytes() == want[k].tobytes()


@settings(deadline=None)
@given(raws, st.integers(0, 40))
def test_a_run_that_replays_only_the_session_tells_the_same(values, before):
    days = [0] * before + [1] * len(values)
    assert str(latched([BULL] * before + values, days)[before:]) == str(latched(values, [1] * len(values)))


@settings(deadline=None)
@given(raws)
def test_plain_python_and_machine_code_agree(values):
    columns = judged(values)
    for rule in Rule:
        regime, balance = np.empty(len(values)), np.empty(len(values))
        regimes.judge(rule.code, np.zeros(6, np.int64), *columns, regime, balance)
        want = RegimeJudge(rule).take(*columns)
        assert (regime.tobytes(), balance.tobytes()) == (want[0].tobytes(), want[1].tobytes())


def test_balance_is_the_number_judged_by():
    whole, real, day, contract = judged([BULL, NAN])
    whole[0, :3] = (8, 10, 2)
    regime, balance = RegimeJudge(Rule.ORIGINAL).take(whole, real, day, contract)
    assert (regime[0], balance[0]) == (BULL, (2 * 8 - 10 - 2) / (10 - 2))
    assert np.isnan(balance[1])
    assert RegimeJudge(Rule.AUCTION).take(whole, real, day, contract)[1][0] == 0.9


def test_regimes_have_names():
    assert [r.label for r in Regime] == ["bear", "balanced", "bull", "transition"]
    assert [label_of(x) for x in (-1.0, 0.0, 1.0, 2.0, NAN)] == ["bear", "balanced", "bull", "transition", "undefined"]


@settings(deadline=None)
@given(raws)
def test_one_bar_at_a_time_as_plain_numbers_gives_the_same(values):
    for rule in Rule:
        columns = judged(values, [0] * len(values))
        want = RegimeJudge(rule).take(*columns)
        judge = RegimeJudge(rule)
        got = [judge.take_one(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
        assert np.array(got).T.tobytes() == np.array(want).tobytes()
