"""A Dask cluster as an executor: its scheduler decides what runs where, and runs again what a dead worker had."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from auction_bt.core.errors import AuctionError, BadInput, Retryable

from .trial import Outcome, Place, Task
from .versions import differences, versions
from .worker import reachable, work

R = TypeVar("R")
A = TypeVar("A")

_CONNECT_S: Final = 6.0
_LOOK_S: Final = 0.05


class Cluster:
    """Runs tasks on the workers of a Dask scheduler.

    Parameters
    ----------
    address : str
        As ``tcp://host:8786``.
    place : Place
        Where the workers find the data.
    patience : float, seconds
        In which a scheduler must answer, and come back where it was lost.

    Raises
    ------
    BadInput
        No scheduler there, or one without workers; a worker with another version, or one that cannot reach the data, is named.
    """

    def __init__(self, address: str, place: Place, patience: float = _CONNECT_S) -> None:
        try:
            from distributed import Client, KilledWorker
        except ImportError:
            raise BadInput("--dask needs Dask: pip install 'auction-bt[dask]'") from None
        for name in ("distributed", "distributed.client"):  # what they log of a lost connection is said by `check`, once
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.died: tuple[type[BaseException], ...] = (KilledWorker,)
        self._address = address
        self._patience = patience
        try:
            asyncio.run(_ask(address, patience))
            self._client: Any = Client(address, timeout=patience, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            told = " ".join(str(error).split())[:120] or "no answer"
            raise BadInput(f"no Dask scheduler answers at {address} ({told}): start one with `dask scheduler`, and write its "
                           "address as tcp://host:8786") from None  # fmt: skip
        try:
            self._check_workers(place)
        except BaseException:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)

    def _check_workers(self, place: Place) -> None:
        try:
            found: dict[str, tuple[dict[str, str], str]] = self._client.run(greeting, place)
        except AuctionError:
            raise
        except Exception as error:
            told = " ".join(str(error).split())[:200]
            raise BadInput(f"the workers of {self._address} cannot run this package ({type(error).__name__}: {told}): install "
                           "the same version of it in their environment") from None  # fmt: skip
        if not found:
            raise BadInput(f"the scheduler at {self._address} has no workers: start some with `dask worker {self._address}`")
        apart = {worker: text for worker, (theirs, _) in sorted(found.items()) if (text := differences(theirs))}
        if apart:
            worker, text = next(iter(apart.items()))
            more = f", and {len(apart) - 1} more workers" if len(apart) > 1 else ""
            raise BadInput(f"worker {worker}{more} has {text}: results of two versions cannot be held together; install the same")
        shut = {worker: text for worker, (_, text) in sorted(found.items()) if text}
        if shut:
            worker, text = next(iter(shut.items()))
            raise BadInput(
                f"worker {worker} cannot read the store: {text}; name one that every worker reaches, as questdb://host"
            )

    @property
    def width(self) -> int:
        """Tasks that run at a time: the threads of all workers there are now."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def submit(self, work: Callable[[A], R], task: A) -> Future[R]:
        """Run ``work(task)`` on some worker."""
        future: Future[R] = self._executor.submit(work, task)
        return future

    def check(self) -> None:
        """Raise `Retryable` where the scheduler is gone for good."""
        end = time.monotonic() + self._patience
        while self._client.status == "connecting" and time.monotonic() < end:
            time.sleep(_LOOK_S)
        if self._client.status != "running" or not self._answers():
            raise Retryable(f"the scheduler at {self._address} is gone: what was done is kept; start it again, and the same "
                            "command goes on")  # fmt: skip

    def _answers(self) -> bool:
        try:
            self._client.sync(self._client.scheduler.identity)
        except Exception:
            return False
        return True

    def close(self, *, at_once: bool = False) -> None:
        """Let go of the cluster; its workers live on."""
        if at_once and self._client.status == "running":
            self._executor.shutdown(wait=False)
        self._client.close(timeout=self._patience)


async def _ask(address: str, patience: float) -> None:
    # A client waits for ever where somebody takes its call and says nothing.
    from distributed.core import rpc

    async with asyncio.timeout(patience):
        async with rpc(address, timeout=patience) as other:
            kind = (await other.identity())["type"]
    if kind != "Scheduler":
        raise ValueError(f"a {kind} of Dask is there")


def greeting(place: Place) -> tuple[dict[str, str], str]:
    """Return a worker's versions, and why it cannot read the store; empty where it can."""
    return versions(), reachable(place)


def work_there(task: Task) -> list[Outcome]:
    """Run a task on a worker, with a cache of days in the worker's own folder."""
    from distributed import get_worker

    folder = Path(get_worker().local_directory) / "auction_bt"
    return work(replace(task, place=replace(task.place, cache=str(folder))))
