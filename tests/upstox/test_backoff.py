"""Waits between tries: below their bound, and not forgotten by a server that accepts and drops."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from auction_bt.upstox.backoff import Backoff


@given(seed=st.integers(0, 2**32), tries=st.integers(1, 60))
def test_a_wait_is_within_a_bound_that_doubles_up_to_the_ceiling(seed: int, tries: int) -> None:
    backoff = Backoff(Random(seed), first=0.5, ceiling=30.0)
    for number in range(tries):
        assert 0.0 <= backoff.wait(stood=0.0) <= min(30.0, 0.5 * 2**number)


def test_only_a_connection_that_lasted_makes_the_past_forgotten() -> None:
    backoff = Backoff(Random(1), stable=10.0)
    for _ in range(8):
        backoff.wait(stood=9.9)
    assert backoff.failures == 8
    backoff.wait(stood=10.0)
    assert backoff.failures == 1


@given(seed=st.integers(0, 2**32))
def test_where_haste_cannot_help_there_is_a_least_wait(seed: int) -> None:
    assert Backoff(Random(seed)).wait(0.0, least=5.0) >= 5.0


def test_waits_differ_from_client_to_client() -> None:
    waits = {Backoff(Random(seed), first=10.0).wait(0.0) for seed in range(20)}
    assert len(waits) == 20
    assert max(waits) - min(waits) > 5.0
