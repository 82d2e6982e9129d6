"""Windows over bars: a rebuilt window as oracle, one bar at a time against all at once, exactness, causality."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core import window
from auction_bt.core.errors import BadInput
from auction_bt.core.histogram import NO_ROW
from auction_bt.core.profile import Grid, Method, Profile, VolumeSource, allocate
from auction_bt.core.rolling import (
    WindowBars,
    WindowKind,
    WindowLevels,
    WindowSpec,
    WindowStepper,
    advance,
    few_levels,
    many_levels,
)
from auction_bt.core.tape import TickTape

SECOND = 1_000_000_000


@st.composite
def bars_of(draw, max_bars=30):
    n = draw(st.integers(1, max_bars))
    moves = draw(st.lists(st.integers(-12, 12), min_size=n, max_size=n))
    jump = draw(st.sampled_from([0, 0, 0, 400, -3000]))  # the histogram has to move and to grow
    close = np.cumsum(moves) + np.where(np.arange(n) >= n // 2, jump, 0)
    low = close - np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)))
    high = close + np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)))
    volume = np.array(draw(st.lists(st.sampled_from([0, 0, 1, 3, 7, 20, 1000]), min_size=n, max_size=n)))
    day, contract = (
        np.cumsum(draw(st.lists(st.sampled_from(step), min_size=n, max_size=n))) for step in ([0, 0, 0, 1], [0] * 12 + [1])
    )
    counts = np.array(draw(st.lists(st.sampled_from([0, 0, 1, 4]), min_size=n, max_size=n)))
    ticks = int(counts.sum())
    k = np.repeat(close, counts) + np.array(draw(st.lists(st.integers(-9, 9), min_size=ticks, max_size=ticks)), np.int64)
    size = np.array(draw(st.lists(st.sampled_from([0, 1, 2, 50]), min_size=ticks, max_size=ticks)), np.int64)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    columns = [np.asarray(x, np.int64) for x in (low, high, close, volume, day, contract, np.arange(n) * SECOND)]
    return WindowBars(*columns, TickTape(offsets.astype(np.int64), k.astype(np.int64), size, columns[4], columns[5]))


specs = st.builds(
    WindowSpec,
    kind=st.sampled_from(list(WindowKind)),
    period=st.integers(1, 6),
    method=st.sampled_from(list(Method)),
    share=st.sampled_from([5000, 7000, 10000]),
    source=st.sampled_from(list(VolumeSource)),
    ticks_per_row=st.sampled_from([1, 1, 3]),
    anchor=st.integers(0, 12).map(lambda s: s * SECOND),
)


def members(spec, bars, b):
    """Which bars the window that ends with bar b holds."""
    same = [i for i in range(b + 1) if (bars.contract[i : b + 1] == bars.contract[b]).all()]
    if spec.kind is WindowKind.ROLLING:
        return same[-spec.period :]
    if spec.kind is WindowKind.ANCHORED:
        return [i for i in same if bars.ts[i] >= spec.anchor]
    days = sorted(set(bars.day[same].tolist()))[-(1 if spec.kind is WindowKind.SESSION else spec.period) :]
    return [i for i in same if bars.day[i] in days]


def rows_of(spec, bars, i):
    n = spec.ticks_per_row
    k, size = bars.tape.bar(i)
    if spec.source is not VolumeSource.CANDLES and size.sum():
        return [(int(row) // n, int(s)) for row, s in zip(k, size, strict=True)]
    if spec.source is VolumeSource.TICKS or not bars.volume[i]:
        return []
    one = slice(i, i + 1)
    ((first, shares),) = allocate(bars.low[one] // n, bars.high[one] // n, bars.close[one] // n, bars.volume[one])
    return list(enumerate(shares.tolist(), first))


def oracle(spec, bars, b):
    """Levels and statistics of one window, rebuilt in exact arithmetic."""
    held = members(spec, bars, b)
    prints = [(t, row, v) for t, i in enumerate(held) for row, v in rows_of(spec, bars, i) if v]
    if not prints or (spec.kind is WindowKind.ROLLING and len(held) < spec.period):
        return (NO_ROW, NO_ROW, NO_ROW, 0, 0, len(held)), None
    lo, hi = min(row for _, row, _ in prints), max(row for _, row, _ in prints)
    volume = np.zeros(hi - lo + 1, np.int64)
    for _, row, v in prints:
        volume[row - lo] += v
    p = Profile(lo, volume, Grid.of(1), spec.method, spec.share)

    def mean(f):
        return Fraction(sum(v * f(t, row) for t, row, v in prints), p.total)

    mt, mx = mean(lambda t, _: t), mean(lambda _, x: x)
    vt, vx = mean(lambda t, _: t * t) - mt * mt, mean(lambda _, x: x * x) - mx * mx
    rho = float(mean(lambda t, x: t * x) - mt * mx) / sqrt(vt * vx) if vt and vx else 0.0
    m3, m4 = (sum(v * (row - mx) ** n for _, row, v in prints) / p.total for n in (3, 4))
    bc = float((m3**2 / vx**3 + 1) / (m4 / vx**2)) if vx else np.nan
    po = (2 * p.poc - lo - hi) / (hi - lo) if hi > lo else 0.0
    return (p.poc, p.vah, p.val, p.total, int((volume > 0).sum()), len(held)), (rho, bc, po, bool(vt and vx))


def step(spec, bars, disturb=None):
    stepper, parts = WindowStepper(spec), []
    for b in range(len(bars)):
        k, size = bars.tape.bar(b)
        bar = [int(x[b]) for x in (bars.low, bars.high, bars.close, bars.volume, bars.day, bars.contract, bars.ts)]
        if disturb is not None and disturb[b % len(disturb)]:
            # The bar as it looked earlier: less volume, lower, fewer ticks.
            stepper.push(bar[0] - 700, bar[1], bar[2], 1 + bar[3] // 2, *bar[4:], k[:1], size[:1])
            stepper.pop()
        parts.append(stepper.push(*bar, k, size))
    return WindowLevels(np.concatenate([p.whole for p in parts]), np.concatenate([p.real for p in parts])), stepper


def assert_same_bits(a, b):
    np.testing.assert_array_equal(a.whole, b.whole)
    assert a.real.tobytes() == b.real.tobytes()


@settings(deadline=None, max_examples=150)
@given(bars_of(), specs)
def test_every_window_is_the_one_rebuilt_from_its_bars(bars, spec):
    got = many_levels(spec, bars)
    for b in range(len(bars)):
        whole, real = oracle(spec, bars, b)
        assert tuple(got.whole[b].tolist()) == whole
        if real is None:
            assert np.isnan(got.real[b]).all()
            continue
        assert got.rho[b] == pytest.approx(real[0], abs=1e-9)
        assert got.bc[b] == pytest.approx(real[1], rel=1e-8, nan_ok=True)
        assert got.po_range[b] == real[2]
        assert got.rho[b] == 0.0 or real[3]


@settings(deadline=None, max_examples=150)
@given(bars_of(60), specs, st.lists(st.booleans(), min_size=1, max_size=7))
def test_one_bar_at_a_time_gives_the_same_bits_and_a_bar_taken_back_leaves_no_trace(bars, spec, disturb):
    at_once = many_levels(spec, bars)
    assert_same_bits(step(spec, bars)[0], at_once)
    assert_same_bits(step(spec, bars, disturb)[0], at_once)


@settings(deadline=None, max_examples=80)
@given(bars_of(60), specs)
def test_few_bars_are_measured_to_the_same_bits_without_machine_code(bars, spec):
    assert_same_bits(few_levels(spec, bars), many_levels(spec, bars))


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("kind", WindowKind)
def test_a_day_is_measured_to_the_same_bits_without_machine_code(kind, method):
    # Wide rows of large volume, whose fourth powers leave 64 bits, after narrow ones.
    narrow, wide = walk(200), walk(200, 2, volume=2**40, step_rows=20)
    for bars in (narrow, wide, replace(wide, tape=None)):
        spec = WindowSpec(kind, 40, anchor=5 * SECOND, method=method, share=6827)
        assert_same_bits(few_levels(spec, bars), many_levels(spec, bars))


def test_a_short_run_loads_no_machine_code_and_a_long_one_does():
    code = (
        "import sys, numpy as np; from auction_bt.core.rolling import *\n"
        "x, wide = np.arange(1, 601), int(sys.argv[1]); bars = WindowBars(x, x * wide, x, x, x // 300, 0 * x, x)\n"
        "for _ in range(4): levels_of(WindowSpec(period=2), bars); print('numba' in sys.modules)"
    )
    for wide, want in (("1", [False, False, False, True]), ("10", [True] * 4)):  # bars of up to 600 rows, of up to 6,000
        out = subprocess.run([sys.executable, "-c", code, wide], capture_output=True, text=True, check=True)
        assert out.stdout.split() == [str(x) for x in want]


def test_kernels_give_the_same_bits_compiled_or_not():
    for seed, kind in enumerate(WindowKind):
        bars, spec = walk(90, seed), WindowSpec(kind, 7, anchor=5 * SECOND)
        want, got = many_levels(spec, bars), WindowLevels.undefined(len(bars))
        w = np.zeros(window.W_STARTS + 7, np.int64)
        m, scratch = np.zeros(window.STATE, np.int64), np.zeros(window.STATE, np.int64)
        advance(window, np.zeros(256, np.int64), m, w, spec.codes(), 0, 0, bars.table(1),
                bars.tape.offsets, bars.tape.k, bars.tape.size, scratch, got)  # fmt: skip
        assert_same_bits(want, got)


def walk(n, seed=1, volume=5000, step_rows=6):
    rng = np.random.default_rng(seed)
    close = 400_000 + np.cumsum(rng.integers(-step_rows, step_rows + 1, n))
    low, high = close - rng.integers(0, 15, n), close + rng.integers(0, 15, n)
    counts = rng.integers(0, 5, n)
    ticks = int(counts.sum())
    day = np.arange(n) // 30
    tape = TickTape(
        np.concatenate(([0], np.cumsum(counts))), np.repeat(close, counts) + rng.integers(-9, 10, ticks),
        rng.integers(0, 60, ticks), day, np.zeros(n, np.int64),
    )  # fmt: skip
    return WindowBars(low, high, close, rng.integers(0, volume, n), day, np.zeros(n, np.int64), np.arange(n) * SECOND, tape)


def cut(bars, n):
    end = bars.tape.offsets[n]
    tape = TickTape(bars.tape.offsets[: n + 1], bars.tape.k[:end], bars.tape.size[:end], bars.day[:n], bars.contract[:n])
    return WindowBars(*(x[:n] for x in (bars.low, bars.high, bars.close, bars.volume, bars.day, bars.contract, bars.ts)), tape)


@settings(deadline=None)
@given(bars_of(), specs, st.data())
def test_a_prefix_of_the_bars_gives_a_prefix_of_the_levels(bars, spec, data):
    n = data.draw(st.integers(1, len(bars)))
    whole, part = many_levels(spec, bars), many_levels(spec, cut(bars, n))
    assert_same_bits(part, WindowLevels(whole.whole[:n], whole.real[:n]))


@settings(deadline=None)
@given(bars_of(), specs, st.sampled_from([-(10**8), -7 * 3, 3 * 10**6]))
def test_levels_move_with_the_prices_and_statistics_stay(bars, spec, shift):
    tape = replace(bars.tape, k=bars.tape.k + shift * 3)
    moved = replace(bars, low=bars.low + shift * 3, high=bars.high + shift * 3, close=bars.close + shift * 3, tape=tape)
    a, b = many_levels(spec, bars), many_levels(spec, moved)
    rows = shift * 3 // spec.ticks_per_row
    np.testing.assert_array_equal(np.where(a.whole[:, :3] == NO_ROW, NO_ROW, a.whole[:, :3] + rows), b.whole[:, :3])
    assert a.real.tobytes() == b.real.tobytes()


def test_where_a_run_starts_does_not_change_a_full_window():
    bars, spec = walk(400), WindowSpec(period=50)
    later = WindowBars(*(x[137:] for x in (bars.low, bars.high, bars.close, bars.volume, bars.day, bars.contract, bars.ts)))
    a, b = many_levels(spec, replace(bars, tape=None)), many_levels(spec, later)
    np.testing.assert_array_equal(a.whole[187:], b.whole[50:])
    assert a.real[187:].tobytes() == b.real[50:].tobytes()


def test_nothing_is_left_behind_after_a_hundred_thousand_bars():
    bars = walk(100_000)
    spec = WindowSpec(period=120)
    got = many_levels(spec, bars)
    columns = (bars.low, bars.high, bars.close, bars.volume, bars.day, bars.contract, bars.ts)
    last = many_levels(spec, WindowBars(*(x[-120:] for x in columns), last_ticks(bars, 120)))
    np.testing.assert_array_equal(got.whole[-1], last.whole[-1])
    assert got.real[-1].tobytes() == last.real[-1].tobytes()


def last_ticks(bars, n):
    tape = bars.tape
    begin = tape.offsets[-n - 1]
    return TickTape(tape.offsets[-n - 1 :] - begin, tape.k[begin:], tape.size[begin:], tape.day[-n:], tape.contract[-n:])


def test_a_stepper_keeps_no_more_than_its_window():
    bars = walk(5000)
    for kind, period, most in ((WindowKind.ROLLING, 20, 100), (WindowKind.SESSION, 1, 40), (WindowKind.COMPOSITE, 2, 300)):
        _, stepper = step(WindowSpec(kind, period), bars)
        assert len(stepper._bars) <= most
        assert len(stepper._k) <= 20 * most
        assert len(stepper._state.histogram) <= 2048


def test_volume_beyond_the_precision_of_floats_is_exact():
    big = 2**53 + 1
    ones = np.ones(3, np.int64)
    rows = np.array([100, 101, 102])
    bars = WindowBars(rows, rows, rows, np.array([3_000_000_000_000_000, big, big - 1]), ones, ones, ones)
    got = many_levels(WindowSpec(period=3), bars)
    assert got.whole[2].tolist() == [101, 102, 101, 3_000_000_000_000_000 + 2 * big - 1, 3, 3]
    assert got.rho[2] == pytest.approx(1.0)
    assert got.bc[2] == pytest.approx(0.575438, abs=5e-7)


@pytest.mark.parametrize("kind", list(WindowKind))
def test_long_windows_of_large_volume_do_not_overflow_their_sums(kind):
    n = 20_000
    rng = np.random.default_rng(4)
    rows = 10_000 + np.cumsum(rng.integers(-3, 4, n))
    volume = rng.integers(1, 2**45, n)
    zero = np.zeros(n, np.int64)
    got = many_levels(WindowSpec(kind, n, anchor=0), WindowBars(rows, rows, rows, volume, zero, zero, zero))
    t, v = np.arange(n), volume.astype(np.float64)
    mt, mx = np.average(t, weights=v), np.average(rows, weights=v)
    cov = np.average((t - mt) * (rows - mx), weights=v)
    want = cov / np.sqrt(np.average((t - mt) ** 2, weights=v) * np.average((rows - mx) ** 2, weights=v))
    assert got.rho[-1] == pytest.approx(want, rel=1e-9)
    assert got.total[-1] == sum(volume.tolist())


def test_auction_correlation_vectors_hold(shared_data):
    vectors = json.loads(shared_data("amt_vectors.json").read_text())["auction_correlation"]["vectors"]
    for v in vectors:
        x = np.array([bar["x"] for bar in v["bars"]])
        zero = np.zeros(len(x), np.int64)
        bars = WindowBars(x, x, x, np.array([bar["volume"] for bar in v["bars"]]), zero, zero, zero)
        assert many_levels(WindowSpec(period=len(x)), bars).rho[-1] == pytest.approx(v["rho"], abs=5e-8), v["id"]


def test_one_bar_with_volume_has_exactly_no_correlation():
    n = 12
    zero, volume = np.zeros(n, np.int64), np.zeros(n, np.int64)
    volume[7] = 999_999_937
    bars = WindowBars(zero + 3, zero + 90, zero + 50, volume, zero, zero, zero)
    assert many_levels(WindowSpec(period=n), bars).rho[-1] == 0.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"high": np.array([10**9, 1])}, "look for a wrong price"),
        ({"volume": np.array([2**62 // 255, 1])}, "larger units"),
        ({"low": np.array([5, 5]), "high": np.array([4, 9])}, "low above its high"),
        ({"close": np.array([1])}, "differ in length"),
    ],
)
def test_bars_that_cannot_be_measured_are_refused(change, words):
    two = np.array([0, 1])
    columns = dict.fromkeys(("low", "high", "close", "day", "contract", "ts"), two) | {"volume": np.array([5, 5])} | change
    with pytest.raises(BadInput, match=words):
        many_levels(WindowSpec(period=2), WindowBars(**columns))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"period": 0}, "period 0"),
        ({"period": 2.0}, "period 2.0"),
        ({"share": 0}, "basis points"),
        ({"ticks_per_row": -1}, "ticks_per_row -1"),
        ({"kind": WindowKind.ANCHORED}, "anchor"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(change, words):
    with pytest.raises(BadInput, match=words):
        WindowSpec(**change)


@pytest.mark.parametrize(
    "tape",
    [
        ([0, 2], [1], [1], [0], [0]),
        ([1, 1], [1], [1], [0], [0]),
        ([0, 2, 1, 2], [1, 1], [1, 1], [0] * 3, [0] * 3),
        ([0, 1], [1], [-1], [0], [0]),
        ([0, 1], [1], [1], [0, 0], [0]),
        ([], [], [], [], []),
    ],
)
def test_a_tape_that_does_not_fit_together_is_refused(tape):
    with pytest.raises(BadInput):
        TickTape(*(np.array(x, np.int64) for x in tape))


def test_machine_code_survives_a_machine_with_no_place_to_keep_it(tmp_path):
    code = (
        "import numba, auction_bt.core.jit as j\n"
        "real = numba.njit\n"
        "def njit(f=None, **kw):\n"
        "    if kw.get('cache'): raise RuntimeError('no locator available')\n"
        "    return real(f)\n"
        "numba.njit = njit\n"
        "import auction_bt.core.histogram as k\n"
        "print(j.compiled(vars(k)).share_of(10, 7000))\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "7"
