"""What a feed is asked for: the requests lead from what was asked to what is wanted, and never beyond the limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.upstox.subscription import BATCH, FULL, LIMITS, LTPC, joined, steps

KEYS = st.integers(0, 400).map(lambda n: f"NSE_FO|{n}")
WANTED = st.dictionaries(KEYS, st.sampled_from(list(LIMITS)), max_size=350)


@given(before=WANTED, after=WANTED)
def test_the_requests_lead_to_what_is_wanted(before: dict[str, str], after: dict[str, str]) -> None:
    at_server = dict(before)
    asked: dict[str, set[str]] = {mode: set() for mode in LIMITS}
    for key, mode in before.items():
        asked[mode].add(key)
    for step in steps(after, asked):
        assert 0 < len(step.keys) <= BATCH
        for key in step.keys:
            if step.method == "unsub":
                del at_server[key]
            else:
                assert (key in at_server) == (step.method == "change_mode")
                at_server[key] = step.mode
    assert at_server == after


@given(wanted=WANTED)
def test_what_is_asked_for_already_is_not_asked_again(wanted: dict[str, str]) -> None:
    asked = {mode: {key for key, its in wanted.items() if its == mode} for mode in LIMITS}
    assert not list(steps(wanted, asked))


def test_more_than_a_connection_may_have_is_refused_and_says_how_many() -> None:
    full = joined({}, (str(n) for n in range(2000)), FULL)
    with pytest.raises(BadInput, match="2001 instruments in mode full: one connection has 2000 at most; leave some out"):
        joined(full, ["more"], FULL)
    with pytest.raises(BadInput, match="1500 at most beside other modes"):
        joined(full, ["more"], LTPC)
    with pytest.raises(BadInput, match="no mode 'depth'"):
        joined({}, ["a"], "depth")
