"""What more than one test file needs."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.require", "tests.questdb", "tests.dsns"]


@pytest.fixture(scope="session")
def shared_data():
    """Return a function from the name of a recorded data set to its path; it skips the test where the set is absent."""

    def find(name: str) -> Path:
        path = Path(__file__).resolve().parents[1] / "../shared/data" / name
        if not path.exists():
            from tests.require import NO_DATA

            pytest.skip(f"{NO_DATA}: {name} is not beside the checkout")
        return path

    return find


def pytest_configure():
    """Take away what would make the tests see other days, or another clock, than anybody else's."""
    os.environ.pop("AUCTION_CALENDAR", None)
    # How long an example takes says how busy the machine is.
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
