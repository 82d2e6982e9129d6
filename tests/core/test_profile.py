"""Value areas: vectors, brute-force oracles, symmetries, exactness."""

import json
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from auction_bt.core import histogram
from auction_bt.core.errors import BadInput
from auction_bt.core.profile import (
    NO_ROW,
    Grid,
    Method,
    Profile,
    allocate,
    basis_points,
    choice,
    merged,
    profile_of_candles,
    profile_of_ticks,
)  # fmt: skip
from auction_bt.core.rolling import machine

GRID = Grid.of(1)
untimed = settings(deadline=None)
NAMES = {
    "recommended": Method.TWO_ROW,
    "two_row_tie_up": Method.TWO_ROW_UP,
    "one_row_tradingview": Method.ONE_ROW,
    "hdi": Method.HDI,
}
# Many equal and empty rows, so that ties and gaps are the rule.
small = st.lists(st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5]), min_size=1, max_size=24)
wide = st.lists(st.integers(0, 10**6), min_size=1, max_size=60)
shares = st.sampled_from([1, 5000, 6800, 7000, 9999, 10000])


@pytest.fixture(scope="module")
def vectors(shared_data):
    return json.loads(shared_data("amt_vectors.json").read_text())


def exact(value) -> Decimal:
    return Decimal(str(value))


def test_every_vector_of_every_algorithm_holds(vectors):
    for v in vectors["profiles"]:
        grid = Grid.of(v["tick"])
        k = np.array([round(p / v["tick"]) for p, _ in v["profile"]], np.int64)
        size = np.array([s for _, s in v["profile"]], np.int64)
        for name, method in NAMES.items():
            p = profile_of_ticks(k, size, grid, method, v["value_area_bp"] / 10000)
            if v[name] is None:
                assert (p.poc, p.vah, p.val, p.total) == (NO_ROW, NO_ROW, NO_ROW, 0), v["id"]
                assert all(np.isnan(p.prices))
                continue
            poc, vah, val = p.prices
            want = v[name]
            assert (val, vah) == (round(want["val"], 9), round(want["vah"], 9)), (v["id"], name)
            assert want.get("poc") in (None, poc) or exact(poc) == exact(round(want["poc"], 9)), (v["id"], name)
            assert p.volume[p.val - p.lo : p.vah - p.lo + 1].sum() == want["va_volume"], (v["id"], name)
            assert p.total == v["total"]


def test_shapes_of_the_vectors_hold(vectors):
    seen = 0
    for v in vectors["profiles"]:
        if not v.get("shape"):
            continue
        k = np.array([round(p / v["tick"]) for p, _ in v["profile"]], np.int64)
        size = np.array([s for _, s in v["profile"]], np.int64)
        shape = profile_of_ticks(k, size, Grid.of(v["tick"]), value_area=v["value_area_bp"] / 10000).shape()
        for name, want in v["shape"].items():
            got = getattr(shape, name)
            assert (want is None and np.isnan(got)) or got == pytest.approx(want, abs=6e-7), (v["id"], name)
        seen += 1
    assert seen > 20


def test_candle_vectors_hold(vectors):
    for v in vectors["candle_allocation"]["vectors"]:
        k = [np.array([round(v[name] / v["tick"])], np.int64) for name in ("l", "h", "c")]
        p = profile_of_candles(*k, np.array([v["volume"]]), Grid.of(v["tick"]))
        rows = list(zip(p.grid.prices(p.rows).tolist(), p.volume[p.rows - p.lo].tolist(), strict=True))
        assert rows == [(price, volume) for price, volume in v["rows"] if volume]


def test_row_grouping_vectors_hold(vectors):
    for v in vectors["row_grouping"]["vectors"]:
        grid = Grid.of(v["tick"], v["ticks_per_row"])
        k = np.array([round(v["price"] / v["tick"])])
        p = profile_of_ticks(k, np.array([1]), grid)
        assert p.poc == v["row"]
        poc, vah, val = p.prices
        assert (val, vah) == (v["low"], v["high"])
        assert val <= poc <= vah


def test_original_is_one_row_at_a_time_the_lower_on_a_tie():
    assert levels([1, 3, 9, 3, 1], Method.ORIGINAL) == (2, 2, 1)
    assert levels([9, 1, 9], Method.ORIGINAL) == (0, 2, 0)  # the lowest of equal peaks
    assert levels([2, 5, 4], Method.ORIGINAL) == (1, 2, 1)
    # 7 of 10 is 70 %: no row more
    assert levels([1, 2, 5, 2], Method.ORIGINAL) == (2, 2, 1)


def levels(volume, method=Method.TWO_ROW, share=7000):
    p = Profile(0, np.array(volume, np.int64), GRID, method, share)
    return p.poc, p.vah, p.val


# ---------------------------------------------------------------- oracles, written from the definitions
def oracle_poc(v):
    lo, hi = 0, len(v) - 1
    low = sum(x for k, x in enumerate(v) if 2 * k < lo + hi)
    high = sum(x for k, x in enumerate(v) if 2 * k > lo + hi)

    def rank(k):
        side = low if 2 * k < lo + hi else high
        return (-v[k], abs(2 * k - lo - hi), -side, k)

    return min(range(len(v)), key=rank)


def oracle_two_row(v, target):
    poc = oracle_poc(v)
    held = {poc}
    while sum(v[k] for k in held) < target:
        up = [k for k in (max(held) + 1, max(held) + 2) if k < len(v)]
        down = [k for k in (min(held) - 1, min(held) - 2) if k >= 0]
        a, b = sum(v[k] for k in up), sum(v[k] for k in down)
        if not up or not down:
            held |= set(up or down)
        elif a != b:
            held |= set(up if a > b else down)
        elif a:
            held |= set(up + down)
        else:
            above = min(k for k in range(max(held) + 1, len(v)) if v[k])
            below = max(k for k in range(min(held)) if v[k])
            near_up, near_down = (-(above - max(held)), v[above]), (-(min(held) - below), v[below])
            if near_up >= near_down:
                held |= set(up)
            if near_down >= near_up:
                held |= set(down)
    while not v[max(held)]:
        held.remove(max(held))
    while not v[min(held)]:
        held.remove(min(held))
    return poc, max(held), min(held)


def oracle_hdi(v, target):
    spans = [(b - a, -sum(v[a : b + 1]), a, b) for a in range(len(v)) for b in range(a, len(v)) if sum(v[a : b + 1]) >= target]
    _, _, a, b = min(spans)
    return oracle_poc(v), b, a


def trimmed(v):
    rows = [k for k, x in enumerate(v) if x]
    return v[rows[0] : rows[-1] + 1], rows[0]


@untimed
@given(st.one_of(small, wide), shares)
def test_two_row_is_its_definition(v, share):
    assume(sum(v))
    v, first = trimmed(v)
    target = -(-sum(v) * share // 10000)
    poc, vah, val = oracle_two_row(v, target)
    assert levels([0] * first + v, share=share) == (poc + first, vah + first, val + first)


@untimed
@given(small, shares)
def test_hdi_is_its_definition(v, share):
    assume(sum(v))
    v, first = trimmed(v)
    poc, vah, val = oracle_hdi(v, -(-sum(v) * share // 10000))
    assert levels([0] * first + v, Method.HDI, share) == (poc + first, vah + first, val + first)


@untimed
@given(st.one_of(small, wide), shares, st.sampled_from(list(Method)))
def test_a_value_area_is_inside_the_range_and_large_enough(v, share, method):
    assume(sum(v))
    poc, vah, val = levels(v, method, share)
    total = sum(v)
    assert 0 <= val <= vah < len(v)
    assert sum(v[val : vah + 1]) * 10000 >= total * share
    assert v[poc] == max(v)
    if method is not Method.HDI:
        assert val <= poc <= vah


@untimed
@given(st.one_of(small, wide), shares)
def test_a_mirrored_profile_has_mirrored_levels(v, share):
    assume(sum(v))
    v, _ = trimmed(v)
    n = len(v) - 1
    poc, vah, val = levels(v, share=share)
    mirrored = levels(v[::-1], share=share)
    if v[poc] == v[n - poc] and poc != n - poc:
        # Two equal peaks, equally far from the middle, are told apart by the heavier side; equal sides by nothing.
        assume(sum(v[: (n + 1) // 2]) != sum(v[n // 2 + 1 :]))
    assert mirrored == (n - poc, n - val, n - vah)


@untimed
@given(small, shares, st.sampled_from(list(Method)), st.integers(-(10**9), 10**9))
def test_levels_move_with_the_rows(v, share, method, shift):
    assume(sum(v))
    at_zero = Profile(0, np.array(v, np.int64), GRID, method, share)
    moved = Profile(shift, np.array(v, np.int64), GRID, method, share)
    assert (moved.poc - shift, moved.vah - shift, moved.val - shift) == (at_zero.poc, at_zero.vah, at_zero.val)
    assert moved.shape() == at_zero.shape() or np.isnan(at_zero.shape().bc)


@untimed
@given(small, shares, st.sampled_from(list(Method)), st.integers(0, 4), st.integers(0, 4))
def test_empty_rows_around_change_nothing(v, share, method, below, above):
    assume(sum(v))
    poc, vah, val = levels(v, method, share)
    assert levels([0] * below + v + [0] * above, method, share) == (poc + below, vah + below, val + below)


@untimed
@given(st.one_of(small, wide), shares, st.sampled_from(list(Method)))
def test_machine_code_and_plain_python_agree(v, share, method):
    assume(sum(v))
    v, _ = trimmed(v)
    target = histogram.share_of(sum(v), share)
    plain = histogram.value_area(v, target, method.code)
    assert tuple(machine().value_area(np.array(v, np.int64), target, method.code)) == plain
    total, mean = sum(v), sum(k * x for k, x in enumerate(v)) / sum(v)
    assert machine().moments(np.array(v, np.int64), total, mean) == histogram.moments(v, total, mean)


@untimed
@given(st.integers(0, 2**62), st.integers(1, 10000))
def test_the_target_is_the_exact_ceiling_and_stays_in_64_bits(total, share):
    want = -(-total * share // 10000)
    assert histogram.share_of(total, share) == want
    assert machine().share_of(total, share) == want


def test_volume_beyond_the_precision_of_floats_is_counted_to_the_unit():
    big = 2**53
    assert levels([big, big + 1, big])[0] == 1
    assert levels([big + 1, big, big])[0] == 0
    # The target decides by a single unit: 7/10 of 10 * 2**53.
    assert levels([3 * big, 7 * big, 0]) == (1, 1, 1)
    assert levels([3 * big + 1, 7 * big, 0]) == (1, 1, 0)


def test_a_wide_gap_is_crossed_at_once():
    v = [5] + [0] * 200_000 + [20] + [0] * 300_000 + [6]
    assert levels(v) == (200_001, 200_001, 0)


# ---------------------------------------------------------------- candles
def oracle_candle(low, high, close, volume):
    q, r = divmod(volume, high - low + 1)
    rows = dict.fromkeys(range(low, high + 1), q)
    for k in sorted(rows, key=lambda k: (abs(k - close), k))[:r]:
        rows[k] += 1
    return rows


@untimed
@given(st.integers(-50, 50), st.integers(0, 30), st.integers(0, 30), st.one_of(st.integers(1, 200), st.integers(2**53, 2**60)))
def test_a_candle_is_spread_unit_by_unit(low, span, at, volume):
    high, close = low + span, min(low + at, low + span)
    ((first, shares),) = allocate(*(np.array([x]) for x in (low, high, close, volume)))
    assert dict(zip(range(first, first + len(shares)), shares.tolist(), strict=True)) == oracle_candle(low, high, close, volume)
    assert sum(shares.tolist()) == volume


@untimed
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(0, 12), st.integers(0, 500)), min_size=1, max_size=30)
)
def test_a_profile_of_candles_is_the_sum_of_its_candles(candles):
    low, span, at, volume = (np.array(x, np.int64) for x in zip(*candles, strict=True))
    high, close = low + span, low + np.minimum(at, span)
    p = profile_of_candles(low, high, close, volume, GRID)
    want: dict[int, int] = {}
    for bar in zip(low.tolist(), high.tolist(), close.tolist(), volume.tolist(), strict=True):
        if bar[3]:
            for k, x in oracle_candle(*bar).items():
                want[k] = want.get(k, 0) + x
    assert dict(zip(p.rows.tolist(), p.volume[p.rows - p.lo].tolist(), strict=True)) == {k: x for k, x in want.items() if x}


# ---------------------------------------------------------------- values and refusals
@untimed
@given(st.lists(small, min_size=1, max_size=4))
def test_profiles_add(parts):
    profiles = [Profile(10 * i, np.array(v, np.int64), GRID) for i, v in enumerate(parts)]
    total = merged(profiles)
    want = np.zeros(100, np.int64)
    for i, v in enumerate(parts):
        want[10 * i : 10 * i + len(v)] += v
    assert total.total == want.sum()
    assert (total.volume == want[total.lo : total.lo + len(total.volume)]).all() or not want.any()


def test_profiles_of_different_grids_do_not_add():
    with pytest.raises(BadInput, match="one grid"):
        merged([Profile(0, np.ones(1, np.int64), GRID), Profile(0, np.ones(1, np.int64), Grid.of(0.05))])


@untimed
@given(st.integers(-600_000, 600_000), st.sampled_from(["0.05", "0.01", "0.1", "0.25", "0.03125", "5", "1e-8"]))
def test_prices_are_the_decimal_literals(k, tick):
    grid = Grid.of(tick)
    want = float(Fraction(k) * Fraction(tick))
    assert grid.price(k) == want == grid.prices(np.array([k]))[0]


def test_ticks_of_size_0_are_no_trades():
    p = profile_of_ticks(np.array([5, 900, 7]), np.array([3, 0, 4]), GRID)
    assert (p.lo, p.hi, p.total) == (5, 7, 7)


def test_a_profile_does_not_change_with_the_array_it_was_made_from():
    volume = np.array([1, 2, 1])
    p = Profile(0, volume, GRID)
    volume[:] = 9
    assert p.total == 4
    with pytest.raises(ValueError, match="read-only"):
        p.volume[0] = 5


@pytest.mark.parametrize("volume", [np.array([1.5]), np.array([[1]]), np.array([3, -1])])
def test_volumes_that_are_none_are_refused(volume):
    with pytest.raises(BadInput, match="whole volumes"):
        Profile(0, volume, GRID)


@pytest.mark.parametrize("share", [0, -1, 10001])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(BadInput, match="basis points"):
        Profile(0, np.ones(3, np.int64), GRID, share=share)


def test_prices_that_cannot_be_of_one_instrument_are_refused():
    with pytest.raises(BadInput, match="check the tick size"):
        profile_of_ticks(np.array([0, 10**12]), np.array([1, 1]), GRID)
    with pytest.raises(BadInput, match="low above its high"):
        profile_of_candles(np.array([5]), np.array([4]), np.array([5]), np.array([1]), GRID)


def test_value_area_shares_become_basis_points():
    assert [basis_points(x) for x in (0.7, 0.68, 0.682, 1, 1.0, 0.0001)] == [7000, 6800, 6820, 10000, 10000, 1]
    assert choice(Method, "method", "hdi") is Method.HDI


def test_importing_the_module_does_not_import_numba():
    code = "import sys, auction_bt.core.profile, auction_bt.core.regime, auction_bt.core.rolling; print('numba' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


# ---------------------------------------------------------------- recorded ticks
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "tick"),
    [
        ("lean-spy-ticks-2013/SPY_20131007_trades.parquet", 0.01),
        ("lean-spy-ticks-2013/SPY_20131008_trades.parquet", 0.01),
        ("lean-gc-ticks-2013/GCZ13_20131007_trades.parquet", 0.1),
    ],
)
def test_recorded_ticks_are_counted_exactly(shared_data, name, tick):
    table = pq.read_table(shared_data(name))
    price, size = table["price"].to_numpy(), table["size"].to_numpy().astype(np.int64)
    k = np.rint(price / tick).astype(np.int64)
    p = profile_of_ticks(k, size, Grid.of(tick))
    traded = size > 0
    rows, where = np.unique(k[traded], return_inverse=True)
    counted = [int(size[traded][where == i].sum()) for i in range(len(rows))]
    assert p.rows.tolist() == rows.tolist()
    assert p.volume[p.rows - p.lo].tolist() == counted
    dense = [0] * (int(rows[-1] - rows[0]) + 1)
    for row, volume in zip(rows.tolist(), counted, strict=True):
        dense[row - int(rows[0])] = volume
    poc, vah, val = oracle_two_row(dense, -(-sum(dense) * 7 // 10))
    assert (p.poc - p.lo, p.vah - p.lo, p.val - p.lo) == (poc, vah, val)
