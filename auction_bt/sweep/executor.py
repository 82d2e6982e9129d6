"""Where tasks run: in this process, or in processes of this machine; `cluster.Cluster` is a third."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from typing import Final, Protocol, TypeVar

R = TypeVar("R")
A = TypeVar("A")

_IMPORTED: Final = ("auction_bt.sweep.worker", "numba")  # once for all processes of a machine, where it can fork


class Executor(Protocol):
    """What a sweep asks of whoever runs its tasks; who runs what and when is theirs to say.

    Attributes
    ----------
    width : int
        Tasks that run at a time.
    died : tuple of exception types
        What a future fails with where the process that ran its task is gone: killed, out of memory, switched off.
    """

    @property
    def width(self) -> int:
        """Tasks that run at a time."""
        ...

    @property
    def died(self) -> tuple[type[BaseException], ...]:
        """What a future fails with where its worker is gone."""
        ...

    def submit(self, work: Callable[[A], R], task: A) -> Future[R]:
        """Run ``work(task)`` somewhere."""
        ...

    def check(self) -> None:
        """Raise `AuctionError` where nothing will ever run again."""
        ...

    def close(self, *, at_once: bool = False) -> None:
        """Let go of the workers; `at_once`: without waiting for what they are doing."""
        ...


class Inline:
    """Runs each task where it is submitted, in this process."""

    width = 1
    died: tuple[type[BaseException], ...] = ()

    def submit(self, work: Callable[[A], R], task: A) -> Future[R]:
        """Run it now."""
        future: Future[R] = Future()
        try:
            future.set_result(work(task))
        except Exception as error:
            future.set_exception(error)
        return future

    def check(self) -> None:
        """Nothing can be lost here."""

    def close(self, *, at_once: bool = False) -> None:
        """Nothing to let go of."""


class Processes:
    """Runs tasks in processes of this machine.

    Parameters
    ----------
    jobs : int
        How many.
    """

    died: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, jobs: int) -> None:
        self.width = jobs
        self._pool = self._started()

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.width, mp_context=_context(), initializer=_leave_interrupts)

    def submit(self, work: Callable[[A], R], task: A) -> Future[R]:
        """Run it in the next free process; in a new pool where one of the processes died."""
        try:
            return self._pool.submit(work, task)
        except BrokenProcessPool:
            self._pool.shutdown(wait=True)
            self._pool = self._started()
            return self._pool.submit(work, task)

    def check(self) -> None:
        """A pool that broke is made anew at the next task."""

    def close(self, *, at_once: bool = False) -> None:
        """End the processes."""
        if at_once:
            for process in list((self._pool._processes or {}).values()):  # the pool has no other way before Python 3.14
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)


def jobs_here() -> int:
    """Return how many processes this machine can run at a time."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _context() -> BaseContext:
    # Not forked from here: a copy of a process with threads and open databases is no sound worker. Forked from a process that has
    # none and imported what all need, a worker is there in milliseconds; spawned, it takes seconds of a processor.
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED))
    return context


def _leave_interrupts() -> None:
    # Ctrl-C reaches every process of the terminal; it is the driver's to end the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
