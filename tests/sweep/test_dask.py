"""Sweeps on a real Dask scheduler and its workers, each a process on loopback: killed, gone, strange, or of another version."""

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.sweep.cluster import Cluster
from auction_bt.sweep.trial import Place
from tests.importing.made import ENVIRONMENT
from tests.sweep.made import SYMBOLS, kept
from tests.waiting import until

pytest.importorskip("distributed")

COMMAND = [
    "sweep", *(word for symbol in SYMBOLS for word in ("--symbol", symbol)), "--from-date", "2025-12-18", "--to-date",
    "2025-12-19", "--grid", "period=5:21:1", "--grid", "min_r=0.5:2.0:0.5", "--json", "out.json", "--csv", "out.csv",
]  # fmt: skip
OLD = "import auction_bt\nauction_bt.__version__ = '0.0.1'\n"


@contextmanager
def started(*words):
    """A process of Dask, ended at the end whatever it does."""
    command = [sys.executable, "-m", *words]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def scheduler():
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json", "--no-show"]
    with started("distributed.cli.dask_scheduler", *words) as process:
        yield process, json.loads(until(lambda: text("scheduler.json"), timeout=120))["address"]


def worker(address, name, *words):
    words = [
        "--nthreads",
        "1",
        "--no-dashboard",
        "--no-nanny",
        "--name",
        name,
        "--local-directory",
        os.path.abspath(name),
        *words,
    ]
    return started("distributed.cli.dask_worker", address, *words)


def text(name):
    said = Path(name).read_text("utf-8") if Path(name).exists() else ""
    return said if said.rstrip().endswith("}") else ""


def written():
    return Path("out.json").read_bytes(), Path("out.csv").read_bytes()


def workers_of(address):
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return until(lambda: client.scheduler_info()["workers"], timeout=120)


def driver(*words):
    words = [sys.executable, "-m", "auction_bt", *COMMAND, *words]
    return subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_worker_killed_midway_changes_no_byte(filled):
    with scheduler() as (_, address), worker(address, "one") as one, worker(address, "two"):
        until(lambda: len(workers_of(address)) == 2, timeout=120)
        with driver("--dask", address, "--state", "many") as run:
            try:
                until(lambda: kept("many") >= 24, timeout=120)
                one.kill()
                out, error = run.communicate(timeout=180)
            finally:
                run.kill()
        assert (run.returncode, error) == (0, "")
        assert "Trials              204 of 204 (68 combinations)" in out
        many = written()

    assert filled(*COMMAND, "--jobs", "1", "--state", "one-process")[0] == 0
    assert written() == many


def test_a_worker_of_another_version_and_a_scheduler_that_goes_are_told_in_a_line(filled):
    Path("old.py").write_text(OLD, "utf-8")
    with scheduler() as (process, address):
        with worker(address, "old", "--preload", "old.py"):
            workers_of(address)
            with pytest.raises(BadInput, match=r"worker tcp://127\.0\.0\.1:\d+ has auction_bt 0\.0\.1 \(here .*install the same"):
                Cluster(address, place("auction.db"))
        with worker(address, "new"):
            until(lambda: [w["name"] for w in workers_of(address).values()] == ["new"], timeout=120)
            with pytest.raises(BadInput, match=r"cannot read the store: no store at .*none\.db"):
                Cluster(address, place("none.db"))
            with driver("--dask", address) as run:
                try:
                    until(lambda: kept(".auction_bt") >= 8, timeout=120)
                    process.kill()
                    _, error = run.communicate(timeout=60)
                finally:
                    run.kill()
        assert run.returncode == 1
        assert error == (f"auction_bt: the scheduler at {address} is gone: what was done is kept; start it again, and the same "
                         "command goes on\n")  # fmt: skip
        assert 8 <= kept(".auction_bt") < 204


def test_an_address_that_is_no_scheduler_is_refused_in_a_line():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(BadInput, match=f"no Dask scheduler answers at {address} .*dask scheduler"):
            Cluster(address, Place("sqlite:///auction.db"), patience=0.5)
    with pytest.raises(BadInput, match="no Dask scheduler answers at nonsense://x"):
        Cluster("nonsense://x", Place("sqlite:///auction.db"), patience=0.5)


def place(name):
    return Place(f"sqlite:///{Path(name).absolute()}")
