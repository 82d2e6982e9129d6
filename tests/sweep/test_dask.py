"""Sweeps on a real Dask scheduler and its workers, each a process on loopback: killed, gone, strange, or of another version."""

import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.sweep.cluster import Cluster
from auction_bt.sweep.trial import Place
from tests.importing.made import ENVIRONMENT
from tests.sweep.made import SYMBOLS, kept, walk_csv, write
from tests.waiting import until

pytest.importorskip("distributed")

COMMAND = [
    "sweep", *(word for symbol in SYMBOLS for word in ("--symbol", symbol)), "--from-date", "2025-12-16", "--to-date",
    "2025-12-16", "--grid", "period=5:8:1", "--grid", "min_r=0.2:1.8:0.1", "--json", "out.json", "--csv", "out.csv",
]  # fmt: skip
MINUTES = 30  # of each of two days: how long a trial takes is not the point
OLD = "import auction_bt\nauction_bt.__version__ = '0.0.1'\n"


@pytest.fixture
def filled(run):
    """Return `run` in a folder whose store holds two short days of `SYMBOLS`."""
    for seed, symbol in enumerate(SYMBOLS):
        write(f"{symbol}.csv", walk_csv(seed, days=2, minutes=MINUTES))
        assert run("import", f"{symbol}.csv", "--symbol", symbol, "--tick", "0.10")[0] == 0
    return run


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


@contextmanager
def when(reached, act):
    """Do something beside what runs meanwhile, as soon as it has come so far."""
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(lambda: (until(reached, timeout=120), act()))
        yield
        done.result()


def test_a_worker_killed_midway_changes_no_byte(filled):
    with scheduler() as (_, address), worker(address, "one") as one, worker(address, "two"):
        until(lambda: len(workers_of(address)) == 2, timeout=120)
        with when(lambda: kept("many") >= 24, one.kill):
            code, out, error = filled(*COMMAND, "--dask", address, "--state", "many")
        assert (code, error) == (0, "")
        assert one.wait() == -signal.SIGKILL
        assert [w["name"] for w in workers_of(address).values()] == ["two"]
        assert "Trials              204 of 204 (68 combinations)" in out
        many = written()

    assert filled(*COMMAND, "--jobs", "1", "--state", "one-process")[0] == 0
    assert written() == many
    assert sum(row["trades"] for row in json.loads(many[0])["rows"]) > 200


def test_a_worker_of_another_version_and_a_scheduler_that_goes_are_told_in_a_line(filled):
    Path("old.py").write_text(OLD, "utf-8")
    with scheduler() as (process, address), worker(address, "new"):
        until(lambda: len(workers_of(address)) == 1, timeout=120)
        with pytest.raises(BadInput, match=r"cannot read the store: no store at .*none\.db"):
            Cluster(address, place("none.db"))
        with worker(address, "old", "--preload", "old.py"):
            until(lambda: len(workers_of(address)) == 2, timeout=120)
            with pytest.raises(BadInput, match=r"worker tcp://127\.0\.0\.1:\d+ has auction_bt 0\.0\.1 \(here .*install the same"):
                Cluster(address, place("auction.db"))
        until(lambda: len(workers_of(address)) == 1, timeout=120)
        with when(lambda: kept(".auction_bt") >= 8, process.kill):
            code, _, error = filled(*COMMAND, "--dask", address)
    assert code == 1
    assert error == (f"auction_bt: the scheduler at {address} is gone: what was done is kept; start it again, and the same "
                     "command goes on\n")  # fmt: skip
    before = kept(".auction_bt")
    assert 8 <= before < 204

    shown = filled(*COMMAND, "--jobs", "1")[1]
    assert "Trials              204 of 204" in shown
    assert kept(".auction_bt") == 204


def test_an_address_that_is_no_scheduler_is_refused_in_a_line():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(BadInput, match=f"no Dask scheduler answers at {address} .*dask scheduler"):
            Cluster(address, Place("sqlite:///auction.db"), patience=0.5)
    with pytest.raises(BadInput, match="no Dask scheduler answers at nonsense://x"):
        Cluster("nonsense://x", Place("sqlite:///auction.db"), patience=0.5)


def place(name):
    return Place(f"sqlite:///{Path(name).absolute()}")
