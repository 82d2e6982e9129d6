"""Names of empty stores of every kind, for tests of what opens a store itself. A new kind joins by a function and a line."""

from collections.abc import Callable
from contextlib import closing
from itertools import count
from typing import Any

import pytest

from auction_bt.store.address import parse
from auction_bt.store.questdb.schema import TABLES
from auction_bt.store.questdb.server import Server

_FREE: list[str] = []  # emptied stores on this process's server: making tables is slow
_NUMBERS = count()


def _sqlite(request: pytest.FixtureRequest) -> str:
    return f"sqlite:///{request.getfixturevalue('tmp_path_factory').mktemp('store') / 'a.db'}"


def _questdb(request: pytest.FixtureRequest) -> str:
    server = request.getfixturevalue("_questdb_server")
    if _FREE:
        dsn = _FREE.pop()
    else:
        prefix = f"feed{next(_NUMBERS)}_"
        dsn = server.dsn(prefix)
        server.prefixes.remove(prefix)  # it outlives the test that is given it
    request.addfinalizer(lambda: _empty(server, dsn))
    return dsn


def _empty(server: Any, dsn: str) -> None:
    place = parse(dsn)
    prefix = place.prefix
    there = {row[0] for row in server.sql("SELECT table_name FROM tables()")}
    for table in TABLES:
        if table.name != "schema_version" and prefix + table.name in there:
            server.sql(f"TRUNCATE TABLE '{prefix}{table.name}'")
    if there:
        with closing(Server(place)) as ours:  # a table is emptied some time after the statement returns
            ours.settle([t.name for t in TABLES])
    _FREE.append(dsn)


KINDS: dict[str, Callable[[pytest.FixtureRequest], str]] = {"sqlite": _sqlite, "questdb": _questdb}
PARAMS = [pytest.param(kind, marks=[pytest.mark.db] if kind == "questdb" else []) for kind in KINDS]


@pytest.fixture(params=PARAMS)
def new_dsn(request):
    """Return a function that names a store with nothing in it."""
    return lambda: KINDS[request.param](request)


@pytest.fixture(params=PARAMS, scope="module")
def new_lasting_dsn(request):
    """Return the same, for stores that a whole module reads."""
    return lambda: KINDS[request.param](request)
