"""The probability of overfitting: of pure luck about a half, of a true edge near nothing, of a trick that reverses near one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from auction_bt.core.pbo import overfitting


def by_hand(nets, blocks):
    """The same from its definition, slowly."""
    days = len(nets) // blocks * blocks
    parts = np.split(nets[len(nets) - days :], blocks)
    below = 0
    halves = list(combinations(range(blocks), blocks // 2))
    for half in halves:
        inside = np.concatenate([parts[i] for i in half])
        outside = np.concatenate([parts[i] for i in range(blocks) if i not in half])
        best = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0)))
        ratios = outside.mean(axis=0) / outside.std(axis=0)
        below += (ratios < ratios[best]).sum() + 1 <= (len(ratios) + 1) / 2
    return below / len(halves)


@pytest.mark.parametrize("blocks", [4, 6, 8])
def test_it_is_what_its_definition_says(blocks):
    nets = np.random.default_rng(blocks).normal(0.1, 1, (53, 9))

    found = overfitting(nets, blocks)

    assert found.probability == pytest.approx(by_hand(nets, blocks))
    assert (found.blocks, found.days, found.trials) == (blocks, 53 // blocks * blocks, 9)


def test_luck_edge_and_reversal_are_told_apart():
    rng = np.random.default_rng(7)
    luck = [overfitting(rng.normal(0, 1, (96, 20)), 8).probability for _ in range(30)]
    edge = rng.normal(0, 1, (96, 20)) + np.where(np.arange(20) == 3, 1.0, 0.0)
    lucky_once = np.where(np.arange(96)[:, None] // 12 == np.arange(8), 7.0, -1.0)  # each in one block, and never again

    assert 0.35 < np.mean(luck) < 0.65
    assert overfitting(edge, 8).probability == 0
    assert overfitting(edge, 8).loss == 0
    found = overfitting(lucky_once + rng.normal(0, 0.1, (96, 8)), 8)
    assert (found.probability, found.loss) == (1, 1)


@settings(max_examples=40)
@given(arrays(np.float64, st.tuples(st.integers(8, 20), st.integers(2, 6)), elements=st.integers(-3, 3).map(float)))
def test_order_of_trials_and_scale_of_money_do_not_matter(nets):
    found = overfitting(nets, 8)

    assert 0 <= found.probability <= 1
    assert overfitting(nets * 4, 8) == found
    if len({tuple(c) for c in nets.T}) == 1:  # all alike: in the middle, always
        assert found.probability == 1


def test_too_little_is_no_answer():
    assert overfitting(np.zeros((7, 5))) is None
    assert overfitting(np.zeros((50, 1))) is None


def test_memory_is_bounded_whatever_the_trials():
    nets = np.random.default_rng(1).normal(0, 1, (40, 3000))

    assert overfitting(nets, 8).splits == 70
