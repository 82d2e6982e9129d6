"""What `make bench` compares is comparable: the same ticks, the same levels, the same fills."""

from hashlib import sha256

import numpy as np
import pytest

from auction_bt.indicators import VolumeProfile
from benchmarks.bench_peers import same_fills
from benchmarks.peers import ours, stock
from benchmarks.peers.pinned import PEERS
from benchmarks.peers.workload import FIRST, PERIOD, TICK, bars_of, decide, levels_of, make, value_area, wishes_of


@pytest.fixture(scope="module")
def ticks():
    return make(1, per_minute=8, step=16)


def test_the_workload_is_the_same_on_every_machine():
    ticks = make(2)

    columns = b"".join(np.ascontiguousarray(x).tobytes() for x in (ticks.ts, ticks.k, ticks.size))
    assert sha256(columns).hexdigest()[:16] == "bdadf2df77d1011c"
    assert not (ticks.ts % 60_000_000_000 == 0).any()
    assert (np.diff(ticks.ts) >= 0).all()


def test_fills_and_levels_are_those_of_stock_replay_with_a_profile_in_numpy(ticks):
    expected = stock.run(stock.lean(ticks), "replay")
    strategy = ours.on_ticks(ticks)

    assert len(strategy.fills) > 20
    assert same_fills(strategy.fills, expected, 0)
    lines = strategy.profile.lines
    shown = np.rint(np.array([line.array for line in (lines.poc, lines.vah, lines.val)]).T / TICK)
    levels = levels_of(bars_of(ticks))[: len(shown), :3]
    assert (shown[FIRST - 1 :] == levels[FIRST - 1 :]).all()
    assert strategy.profile.spec.period == PERIOD
    assert isinstance(strategy.profile, VolumeProfile)


def test_fills_on_bars_alone_are_those_of_stock(ticks):
    expected = stock.run(stock.pandas_bars(ticks), "bars")

    fills = ours.run(ours.bars_alone(ticks)).fills

    assert len(fills) > 20
    assert same_fills(fills, expected, 1)


@pytest.mark.parametrize("seed", range(30))
def test_the_sorted_value_area_is_the_greedy_one(seed):
    h = np.random.default_rng(seed).integers(0, 6, 1 + seed * 3)
    h[0] = h[-1] = 1

    poc = up = down = int(h.argmax())
    held, target = int(h[poc]), -(-int(h.sum()) * 7 // 10)
    while held < target:
        above = h[up + 1] if up + 1 < len(h) else -1
        below = h[down - 1] if down > 0 else -1
        up, down = (up + 1, down) if above >= below else (up, down - 1)
        held += int(max(above, below))

    assert value_area(h) == (poc, up, down)


def test_wishes_are_the_rules_and_brackets_lie_around_the_close(ticks):
    bars = bars_of(ticks)
    wishes, levels = wishes_of(bars), levels_of(bars)

    wanted = np.flatnonzero(wishes[:, 0])
    assert len(wanted) > 20
    assert wanted[0] >= FIRST - 1
    for i in wanted:
        side, stop, target = wishes[i].tolist()
        assert decide((int(bars.high[i]), int(bars.low[i]), int(bars.close[i])), *levels[i].tolist()) == (side, stop, target)
        assert (target - bars.close[i]) * side > 0 > (stop - bars.close[i]) * side


def test_a_fill_that_differs_is_seen():
    fills = [(1, 100, 1), (2, 101, -1)]

    assert same_fills(fills, [*fills, (3, 99, 1)], 0)
    assert same_fills(fills, [(7, 100, 1), (8, 101, -1)], 1)
    assert not same_fills(fills, [(7, 100, 1), (8, 101, -1)], 0)
    assert not same_fills(fills, fills[:1], 0)
    assert not same_fills([], [], 0)
    assert not same_fills(fills, [*fills, *fills, *fills], 0)


def test_every_peer_is_pinned_and_held_against_a_case_of_ours():
    assert all("==" in pin for peer in PEERS for pin in peer.pins)
    for peer in PEERS:
        assert set(peer.beside.values()) <= set(ours.CASES)
        assert set(peer.aims) | set(peer.equal) <= set(peer.beside)
        assert peer.lacks
