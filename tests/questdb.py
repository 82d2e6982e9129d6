"""A real QuestDB server for the tests that ask for one: one a test process, started when it is first asked for."""

import socket
import sys
import tempfile
from contextlib import contextmanager, suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest

from auction_bt.store.lock import holding
from tests.waiting import until


def _load():
    # By its file: the client's package has the same name.
    spec = spec_from_file_location("questdb_tool", Path(__file__).resolve().parents[1] / "tools/questdb.py")
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()
FIXTURES = frozenset({"questdb", "questdb_dsn", "questdb_alone"})
CACHE = Path(tempfile.gettempdir()) / "auction_bt-questdb"


def pytest_collection_modifyitems(items):
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.db)


def free_ports(count):
    """Return ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((tool.HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class LiveServer:
    """A running server.

    Its tables are dropped by prefix when the test that asked for them ends.
    """

    reader = tool.READER
    reader_password = "read me"

    def __init__(self, folder, jar):
        http, pg = free_ports(2)
        # Developer's mode, so that a table can be suspended.
        self._server = tool.Server(
            jar, folder, http, pg, "test;pass", self.reader_password, "768m", {"QDB_DEV_MODE_ENABLED": "true"}
        )
        self.http, self.pg = http, pg
        self.prefixes = []

    def start(self):
        self._server.start()

    def stop(self):
        self._server.stop()

    def kill(self):
        self._server.kill()

    def dsn(self, prefix=""):
        """Return the address of a store whose tables begin with `prefix`."""
        self.prefixes.append(prefix)
        return f"questdb://admin:test%3Bpass@{tool.HOST}:{self.pg}/qdb?http={self.http}&prefix={prefix}"

    def sql(self, text):
        """Carry out a statement; return its rows."""
        with self._connected() as cursor:
            cursor.execute(text)
            with suppress(psycopg2.ProgrammingError):
                return cursor.fetchall()
        return []

    def settled(self, *names):
        """Wait until tables show all that was sent to them."""
        listed = ", ".join(f"'{n}'" for n in names)
        sql = f"SELECT count() FROM wal_tables() WHERE name IN ({listed}) AND writerTxn <> sequencerTxn AND NOT suspended"
        until(lambda: self.sql(sql) == [(0,)])

    def drop(self):
        """Drop the tables of all prefixes given out since."""
        prefixes, self.prefixes = self.prefixes, []
        names = [n for (n,) in self.sql("SELECT table_name FROM tables()") if any(p and n.startswith(p) for p in prefixes)]
        for name in sorted(names, key=lambda n: not n.endswith("_now")):
            self.sql(f"DROP {'VIEW' if name.endswith('_now') else 'TABLE'} '{name}'")

    @contextmanager
    def _connected(self):
        connection = psycopg2.connect(host=tool.HOST, port=self.pg, user="admin", password="test;pass", dbname="qdb")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


def program():
    """Return the server's program, or skip with the way to get it."""
    try:
        tool.find_java()
        with holding("questdb-test-program"):
            return tool.fetch(CACHE)
    except tool.Failure as error:
        pytest.skip(f"no QuestDB here: {error}")


@contextmanager
def running(folder):
    server = LiveServer(folder, program())
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _questdb_server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("questdb")) as server:
        yield server


@pytest.fixture
def questdb(_questdb_server):
    """A server shared with other tests; do not stop it."""
    yield _questdb_server
    _questdb_server.drop()


@pytest.fixture
def questdb_dsn(questdb):
    """The address of a store that is not there yet."""
    return questdb.dsn(f"t{uuid4().hex[:10]}_")


@pytest.fixture
def questdb_alone(tmp_path):
    """A server of this test's own, to be killed and started at will."""
    with running(tmp_path / "questdb") as server:
        yield server


@pytest.fixture
def free_port():
    """A port nobody listens on."""
    return free_ports(1)[0]
