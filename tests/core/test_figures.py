"""Figures of trials: kept and read back equal, added up as if they were one account's."""

from decimal import Decimal
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.figures import LESS_IS_BETTER, OBJECTIVES, Figures, check_objective, pooled
from auction_bt.core.kept import Kept

MONEY = st.integers(-(10**7), 10**7).map(lambda n: Decimal(n) / 100)


@st.composite
def figures(draw):
    nets = draw(st.lists(MONEY, max_size=6))
    won, lost = (sum((n for n in nets if n * sign > 0), Decimal(0)) for sign in (1, -1))
    daily = draw(st.dictionaries(st.integers(0, 9), st.floats(-1e6, 1e6), max_size=6))
    wins, losses = sum(n > 0 for n in nets), sum(n < 0 for n in nets)
    return Figures(
        len(nets), wins, losses, won + lost, won + lost + 5, Decimal(5), won, lost, 1, Decimal(3),
        draw(st.floats(-9, 9)), len(nets), 9, len(nets), Decimal(7), draw(st.integers(0, 6)),
        draw(st.none() | st.floats(0, 1)), tuple(sorted(daily.items())),
    )  # fmt: skip


@given(figures())
def test_what_is_kept_is_read_back_equal(found):
    assert Figures.of_json(found.as_json()) == found
    assert pooled([found]) == found
    for name in OBJECTIVES:
        value, score = found.value(name), found.score(name)
        assert score == (-value if value is not None and name in LESS_IS_BETTER else value)


@given(st.lists(figures(), min_size=2, max_size=4))
def test_sums_are_sums_and_ratios_follow_from_them(found):
    whole = pooled(found)

    assert whole.net == sum(f.net for f in found) == whole.won + whole.lost
    assert whole.trades == sum(f.trades for f in found)
    assert whole.value("win_rate") == (whole.wins / whole.trades if whole.trades else None)
    days = {day for f in found for day, _ in f.daily}
    assert [day for day, _ in whole.daily] == sorted(days)
    assert fsum(whole.nets) == pytest.approx(fsum(net for f in found for net in f.nets), abs=1e-6)
    total = peak = fall = 0.0
    for net in whole.nets:
        total += net
        peak = max(peak, total)
        fall = max(fall, peak - total)
    assert float(whole.drawdown) == pytest.approx(fall, abs=0.01)
    assert pooled(found[::-1]) == whole


def test_an_unknown_objective_is_refused():
    with pytest.raises(BadInput, match="no objective 'profit': choose sharpe, net"):
        check_objective("profit")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9))), st.integers(1, 20))
def test_what_is_kept_stays_within_its_weight(asked, most):
    kept = Kept(most, lambda value: value)
    weights = {}
    for key, weight in asked:
        weights.setdefault(key, weight)
        assert kept.get(key, lambda w=weights[key]: w) == weights[key]
        assert kept.weight <= most or len(kept) == 1
    if sum(weights.values()) <= most:
        assert kept.made == len(weights)
