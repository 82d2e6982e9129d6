#!/usr/bin/env python3
"""A QuestDB server on this machine: fetched, started on loopback with safe settings, stopped. Standard library only.

    python tools/questdb.py start [--folder .questdb] [--http 9000] [--pg 8812]
    python tools/questdb.py stop | status | fetch

The password of the user admin is $AUCTION_QUESTDB_PASSWORD (default: quest), that of the user reader, who may only read,
$AUCTION_QUESTDB_READER_PASSWORD (default: reader). The server listens on 127.0.0.1 alone.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

VERSION = "9.3.4"
ARTIFACT = f"org.questdb:questdb:{VERSION}"
JAR = f"questdb-{VERSION}.jar"
HOST = "127.0.0.1"
ADMIN, READER = "admin", "reader"
OLDEST_JAVA = 17
START_S = 120.0
STOP_S = 30.0


class Failure(Exception):
    """What went wrong and how to mend it, in one line."""


@dataclass
class Server:
    """One server process.

    Parameters
    ----------
    jar : Path
    folder : Path
        Of its data, log and process number.
    http, pg : int
        Ports on loopback.
    password, reader_password : str
    heap : str
        Of the Java machine, as -Xmx takes it; empty for its own choice.
    settings : dict
        Further settings, as environment variables.
    """

    jar: Path
    folder: Path
    http: int = 9000
    pg: int = 8812
    password: str = "quest"
    reader_password: str = "reader"
    heap: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers over HTTP and PGwire."""
        java = find_java()
        for port, what in ((self.http, "http"), (self.pg, "pg")):
            if is_listening(port):
                raise Failure(f"port {port} is taken: stop what listens there, or give another with --{what}")
        data = self.folder / "data"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        data.mkdir(exist_ok=True, mode=0o700)
        heap = [f"-Xmx{self.heap}"] if self.heap else []
        command = [
            java,
            "-XX:+UseParallelGC",
            *heap,
            "-p",
            str(self.jar),
            "-m",
            "io.questdb/io.questdb.ServerMain",
            "-d",
            str(data),
        ]
        # A group of its own: what stops the terminal's commands does not stop the database.
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env={**os.environ, **self._environment()}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **apart
            )
        self.pid_file.write_text(str(self.process.pid))
        until = time.monotonic() + START_S
        while not self.answers():
            if self.process.poll() is not None:
                self.pid_file.unlink(missing_ok=True)
                raise Failure(f"the server ended at once: {last_lines(self.log)} (all of it: {self.log})")
            if time.monotonic() > until:
                self.kill()
                raise Failure(f"the server does not answer after {START_S:.0f} s: see {self.log}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """Return whether it is ready on both ports."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.http}/ping", timeout=5) as answer:
                if answer.status != 204:
                    return False
        except (OSError, urllib.error.URLError):
            return False
        return speaks_postgres(self.pg)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(getattr(signal, "SIGKILL", signal.SIGTERM))

    def _end(self, number: int) -> None:
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, number)
        until = time.monotonic() + STOP_S
        while self.pid() is not None:
            if time.monotonic() > until:
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
                until = float("inf")
            time.sleep(0.05)
        self.pid_file.unlink(missing_ok=True)
        self.process = None

    def pid(self) -> int | None:
        """Return its process number while it runs."""
        if self.process is not None:
            return self.process.pid if self.process.poll() is None else None
        try:
            pid = int(self.pid_file.read_text())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid if is_ours(pid, self.folder) else None

    @property
    def log(self) -> Path:
        """Where it writes what it does."""
        return self.folder / "questdb.log"

    @property
    def pid_file(self) -> Path:
        """Where its process number stands."""
        return self.folder / "questdb.pid"

    def _environment(self) -> dict[str, str]:
        return {
            "QDB_HTTP_BIND_TO": f"{HOST}:{self.http}",
            "QDB_HTTP_USER": ADMIN,
            "QDB_HTTP_PASSWORD": self.password,
            "QDB_HTTP_MIN_ENABLED": "false",
            "QDB_PG_NET_BIND_TO": f"{HOST}:{self.pg}",
            "QDB_PG_USER": ADMIN,
            "QDB_PG_PASSWORD": self.password,
            "QDB_PG_READONLY_USER_ENABLED": "true",
            "QDB_PG_READONLY_USER": READER,
            "QDB_PG_READONLY_PASSWORD": self.reader_password,
            "QDB_LINE_TCP_ENABLED": "false",
            # A mistyped table or column is an error, not a new one.
            "QDB_LINE_AUTO_CREATE_NEW_TABLES": "false",
            "QDB_LINE_AUTO_CREATE_NEW_COLUMNS": "false",
            "QDB_TELEMETRY_ENABLED": "false",
            # Otherwise each statement with its values goes into the log: a kilobyte a statement, and whatever it says.
            "QDB_LOG_W_STDOUT_LEVEL": "CRITICAL,ERROR,ADVISORY",
            **self.settings,
        }


def find_java() -> str:
    """Return the Java command.

    Raises
    ------
    Failure
        There is none, or an old one.
    """
    cure = "install Java 17 or newer (Debian: apt install openjdk-17-jre-headless), or use docker compose"
    java = shutil.which("java")
    if java is None:
        raise Failure(f"no java found: {cure}")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise Failure(f"java is {found[1] if found else 'of an unknown version'}, {OLDEST_JAVA} is needed: {cure}")
    return java


def fetch(folder: Path) -> Path:
    """Return the server's program, got from Maven Central where it is not there yet."""
    jar = folder / JAR
    if jar.exists():
        return jar
    maven = shutil.which("mvn")
    if maven is None:
        raise Failure(f"no mvn found to get {ARTIFACT}: install Maven (Debian: apt install maven), put {JAR} into {folder}, "
                      "or use docker compose")  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"part-{os.getpid()}"
    try:
        done = subprocess.run(
            [maven, "-B", "-q", "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={part}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode or not (part / JAR).exists():
            lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line] or ["no reason given"]
            raise Failure(f"mvn could not get {ARTIFACT}: {lines[0].removeprefix('[ERROR] ')[:300]}")
        (part / JAR).replace(jar)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return jar


def is_listening(port: int) -> bool:
    """Return whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((HOST, port)) == 0


def speaks_postgres(port: int) -> bool:
    """Return whether what listens there answers PGwire's question for TLS (with no)."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as probe:
            probe.sendall(struct.pack("!ii", 8, 80_877_103))
            return probe.recv(1) in {b"N", b"S"}
    except OSError:
        return False


def is_ours(pid: int, folder: Path) -> bool:
    """Return whether the process is the server of this folder, where that can be told: numbers are used again."""
    process = Path(f"/proc/{pid}")
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        tasks = list((process / "task").iterdir())
    except OSError:
        return not Path("/proc/self").exists()
    if words != [b""]:
        return os.fsencode(folder / "data") in words
    # One that is ending has lost its words, and its threads hold its ports to the last; a dead one may never be reaped.
    return any(is_alive(task) for task in tasks)


def is_alive(task: Path) -> bool:
    """Return whether a thread still has something to end."""
    try:
        return (task / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (OSError, IndexError):
        return False


def last_lines(path: Path, count: int = 3) -> str:
    """Return the last lines of a log as one."""
    lines = [" ".join(line.split()) for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-count:])[:500] or "it left no word"


def main(words: list[str]) -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="tools/questdb.py", description="A QuestDB server on this machine, on loopback.")
    parser.add_argument("what", choices=("start", "stop", "status", "fetch"))
    parser.add_argument("--folder", type=Path, default=Path(".questdb"), help="of program, data and log (default: %(default)s)")
    parser.add_argument("--http", type=int, default=9000, help="port (default: %(default)s)")
    parser.add_argument("--pg", type=int, default=8812, help="port of PGwire (default: %(default)s)")
    args = parser.parse_args(words)
    try:
        return carry_out(args)
    except Failure as error:
        print(f"questdb: {error}", file=sys.stderr)
    except OSError as error:
        print(f"questdb: {error.strerror}: {error.filename}", file=sys.stderr)
    return 1


def carry_out(args: argparse.Namespace) -> int:
    """Do one thing; return the exit code."""
    folder = args.folder.absolute()
    password = os.environ.get("AUCTION_QUESTDB_PASSWORD", "quest")
    server = Server(
        folder / JAR, folder, args.http, args.pg, password, os.environ.get("AUCTION_QUESTDB_READER_PASSWORD", "reader")
    )
    # A password of one's own is not shown: it is taken from the environment by the commands too.
    shown = f"{ADMIN}:{password}" if password == "quest" else ADMIN
    dsn = f"questdb://{shown}@localhost:{args.pg}/qdb?http={args.http}"
    if args.what == "fetch":
        print(f"questdb: {fetch(folder)}")
    elif args.what == "stop":
        was = server.pid()
        server.stop()
        print("questdb: stopped" if was else "questdb: was not running")
    elif server.pid() is not None and server.answers():
        print(f"questdb: runs (process {server.pid()}); --store '{dsn}'")
    elif args.what == "status":
        print("questdb: is not running: make questdb starts it" if server.pid() is None else "questdb: runs, but does not answer")
        return 1
    else:
        fetch(folder)
        server.start()
        print(f"questdb: started, data in {args.folder / 'data'}; --store '{dsn}'")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
