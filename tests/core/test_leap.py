"""A value area that leaps over steps whose order does not matter ends where every single step would."""

import numpy as np
import pytest

from auction_bt.core import histogram
from auction_bt.core.jit import relinked
from auction_bt.core.profile import Method
from tests.core.test_profile import trimmed


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("most", [1, 3, 40, 10**6])
def test_leaping_ends_where_every_step_would(method, most):
    step_by_step = relinked(vars(histogram), leap=lambda v, poc, target, many: (poc, poc, v[poc]))
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rough = rng.integers(0, most + 1, rng.integers(129, 700))
        bump = np.convolve(rough, np.ones(1 + seed % 3 * 60, np.int64)).tolist()
        v, _ = trimmed([1, *bump, 1])
        for share in (100, 3000, 7000, 9900, 10000):
            target = histogram.share_of(sum(v), share)
            assert histogram.value_area(v, target, method.code) == step_by_step.value_area(v, target, method.code)
