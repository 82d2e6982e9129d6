"""Fixtures of fetching."""

import pytest

from tests.fetching.made import bench_in


@pytest.fixture
def bench(tmp_path):
    """A small market: ten minutes a day, so that years are quick."""
    with bench_in(tmp_path, minutes=10) as made:
        made.options["session_minutes"] = lambda instrument, day: 10
        yield made


@pytest.fixture
def full(tmp_path):
    """A market with whole days."""
    with bench_in(tmp_path) as made:
        yield made
