"""What the charts show is what the run saw: the profile of an entry is the very window the decision names."""

from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.ist import MINUTE_NS
from auction_bt.page.columns import equity_columns, refusals, symbol_columns, trade_rows
from auction_bt.shown import window_at


def test_columns_have_one_length_and_are_whole_numbers(made):
    for traced, found in zip(made.run.traced, made.data["symbols"], strict=True):
        assert found == symbol_columns(traced)
        names = ("t", "o", "h", "l", "c", "v", "poc", "vah", "val", "regime")
        assert {len(found[name]) for name in names} == {375}
        assert all(isinstance(v, int) for name in ("t", "o", "h", "l", "c", "v") for v in found[name])
        assert all(low <= c <= high for low, c, high in zip(found["l"], found["c"], found["h"], strict=True))


def test_every_trade_is_there_with_its_story_and_evidence(made):
    rows = made.data["trades"]
    assert [r["number"] for r in rows] == list(range(1, len(made.run.result.trades) + 1))
    assert sum(Decimal(str(r["pnl_net"])) for r in rows if r["exit_ts"]) == made.run.result.summary.net
    assert all(r["story"][0].startswith("Trade (") and r["evidence"]["atr"] > 0 for r in rows)
    assert all(abs(sum(r["costs"].values()) - r["charges"]) < 0.005 for r in rows)


@pytest.mark.parametrize("settings", [
    {}, {"window": "session", "levels": "flat"}, {"source": "candles"}, {"source": "ticks"}, {"ticks_per_row": 5},
])  # fmt: skip
def test_the_profile_of_an_entry_has_the_poc_that_was_decided_on(made, settings):
    rows = trade_rows(made.again(**settings))
    assert len(rows) > 5
    for row in rows:
        profile, tick = row["profile"], 0.1
        assert profile is not None, row["levels"]
        peak = profile["low"] + int(np.argmax(profile["v"])) * profile["step"]
        assert abs(peak - round(row["poc"] / tick)) < profile["step"] or Counter(profile["v"])[max(profile["v"])] > 1


def test_a_window_holds_nothing_of_the_bar_decided_on(made):
    traced = made.run.traced[0]
    for decision in made.run.result.decisions:
        if decision.symbol == traced.recorded.instrument.symbol:
            chosen = window_at(traced, decision.ts, decision.levels.source)
            assert not len(chosen) or traced.recorded.bars.ts[chosen[-1]] + MINUTE_NS < decision.ts
            assert decision.levels.source != "rolling" or len(chosen) == 120


def test_of_a_window_that_is_not_known_nothing_is_shown(made):
    assert all(row["profile"] is None for row in trade_rows(made.again(window="composite", period=1)))


def test_refused_signals_are_those_of_the_summary(made):
    found = Counter(r["reason"] for r in refusals(made.run.result.decisions))
    assert found == dict(made.run.result.summary.refused)


@given(st.lists(st.tuples(st.integers(0, 10**12), st.floats(1, 1e9)), max_size=60))
def test_the_fall_is_zero_or_below_and_the_deepest_is_the_drawdown(points):
    points = sorted(points, key=lambda p: p[0])
    found = equity_columns(points, 1000.0)
    assert found["t"] == sorted(set(found["t"]))
    assert all(fall <= 0 for fall in found["fall"])


def test_a_long_curve_is_thinned_and_keeps_its_deepest_fall_and_its_end():
    dice = np.random.default_rng(3)
    value = 1e6 + dice.normal(0, 100, 50_000).cumsum()
    found = equity_columns([(i * 10**9, v) for i, v in enumerate(value)], 1e6)
    deepest = (value - np.maximum.accumulate(np.append(1e6, value))[1:]).min()
    assert len(found["t"]) <= 20_000
    assert min(found["fall"]) == pytest.approx(deepest, abs=0.01)
    assert (found["t"][-1], found["value"][-1]) == (49_999, pytest.approx(value[-1], abs=0.01))
