"""The server of this machine: started, found, killed, started again, stopped."""

import os
import socket
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from tests.questdb import free_ports, program, tool

SCRIPT = Path(__file__).resolve().parents[2] / "tools/questdb.py"


def run(*words, **environment):
    done = subprocess.run([sys.executable, str(SCRIPT), *map(str, words)], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def place(tmp_path):
    """A folder with the program in it, and two ports."""
    (tmp_path / tool.JAR).symlink_to(program())
    http, pg = free_ports(2)
    yield ["--folder", tmp_path, "--http", http, "--pg", pg]
    run("stop", "--folder", tmp_path)


@pytest.mark.db
def test_it_starts_once_is_found_survives_a_kill_and_stops(place):
    assert run("status", *place)[0] == 1
    code, text = run("start", *place, AUCTION_QUESTDB_PASSWORD="mine")
    assert code == 0, text
    assert "started" in text
    assert "mine" not in text
    code, text = run("start", *place, AUCTION_QUESTDB_PASSWORD="mine")
    assert (code, "runs (process" in text) == (0, True)
    assert run("status", *place)[0] == 0
    for port in (place[3], place[5]):
        with socket.socket() as other:  # not to be reached but by loopback
            other.bind(("127.0.0.2", port))
    pid = int((place[1] / "questdb.pid").read_text())
    os.kill(pid, 9)
    assert run("start", *place)[0] == 0
    assert run("stop", *place) == (0, "questdb: stopped\n")
    assert run("stop", *place) == (0, "questdb: was not running\n")
    assert not tool.is_listening(place[3])


@pytest.mark.db
@pytest.mark.parametrize(("at", "option"), [(3, "--http"), (5, "--pg")])
def test_a_port_that_is_taken_is_named_and_nothing_is_started(place, at, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", place[at]))
        taken.listen()
        code, text = run("start", *place)
    assert code == 1
    assert f"port {place[at]} is taken" in text
    assert text.endswith(f"give another with {option}\n")
    assert run("status", *place)[0] == 1


@pytest.mark.db
def test_a_server_that_another_process_started_is_gone_when_it_is_said_to_be(place):
    assert run("start", *place)[0] == 0
    server = tool.Server(place[1] / tool.JAR, place[1], place[3], place[5])
    assert server.process is None
    server.kill()
    assert [tool.is_listening(port) for port in (place[3], place[5])] == [False, False]


@pytest.mark.db
def test_the_log_and_other_users_see_nothing_of_the_data(place):
    assert run("start", *place, AUCTION_QUESTDB_PASSWORD="quest")[0] == 0
    with closing(psycopg2.connect(host=tool.HOST, port=place[5], user="admin", password="quest", dbname="qdb")) as connection:
        connection.autocommit = True
        connection.cursor().execute("SELECT 'a private word'")
    log = (place[1] / "questdb.log").read_text()
    assert "server is ready" in log
    assert "a private word" not in log
    assert os.name == "nt" or stat.S_IMODE((place[1] / "data").stat().st_mode) == 0o700


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="tells processes apart by /proc")
def test_a_process_that_got_the_old_number_is_left_alone(tmp_path):
    waits = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", waits, "questdb"], stdin=subprocess.PIPE) as other:
        (tmp_path / "questdb.pid").write_text(str(other.pid))
        assert run("stop", "--folder", tmp_path) == (0, "questdb: was not running\n")
        other.communicate()
    assert other.returncode == 0


@pytest.mark.db
def test_a_server_that_ends_at_once_is_told_with_its_last_words(place):
    (place[1] / tool.JAR).unlink()
    (place[1] / tool.JAR).write_bytes(b"no program")
    code, text = run("start", *place)
    assert code == 1
    assert "the server ended at once: " in text
    assert len(text.splitlines()) == 1


def test_what_is_missing_is_named_with_a_cure(tmp_path):
    nothing = {"PATH": str(tmp_path)}
    assert run("fetch", "--folder", tmp_path / "q", **nothing) == (
        1, f"questdb: no mvn found to get {tool.ARTIFACT}: install Maven (Debian: apt install maven), put {tool.JAR} into "
        f"{tmp_path / 'q'}, or use docker compose\n",
    )  # fmt: skip
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / tool.JAR).write_bytes(b"")
    http, pg = free_ports(2)
    code, text = run("start", "--folder", tmp_path / "q", "--http", http, "--pg", pg, PATH=f"{tmp_path}:/bin:/usr/bin")
    assert (code, "java is 11, 17 is needed" in text) == (1, True)
