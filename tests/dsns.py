"""Names of empty stores of every kind, for tests of what opens a store itself. A new kind joins by a line in `KINDS`."""

from collections.abc import Callable

import pytest

KINDS: dict[str, Callable[..., str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path_factory').mktemp('store') / 'a.db'}",
}


@pytest.fixture(params=KINDS)
def new_dsn(request):
    """Return a function that names a store that is not there yet."""
    return lambda: KINDS[request.param](request)
