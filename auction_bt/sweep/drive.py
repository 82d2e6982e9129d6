"""Brings tasks to an executor and outcomes back, through the deaths of workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import replace
from typing import Final

from .executor import Executor
from .trial import Outcome, Task
from .worker import work

DIED: Final = "the process that ran it died, alone with it: look for too little memory, and lower --memory"
_LOOK_S: Final = 1.0


def outcomes(executor: Executor, tasks: Iterable[Task], work: Callable[[Task], list[Outcome]] = work) -> Iterator[list[Outcome]]:
    """Yield the outcomes of each task as it ends.

    Parameters
    ----------
    executor : Executor
    tasks : iterable of Task
    work : callable
        What a worker does with a task.

    Raises
    ------
    AuctionError
        A worker cannot reach the store, or the executor is lost. What was yielded before stands.

    Notes
    -----
    No more tasks are taken than keep the workers busy. A task that was out when a worker died is run again, trial by trial and
    each alone, so that a trial on which workers die is found and takes no other with it.
    """
    left = iter(tasks)
    out: dict[Future[list[Outcome]], Task] = {}
    suspects: deque[Task] = deque()
    most = executor.width * 2 if executor.width > 1 else 1
    while True:
        while len(out) < most and (task := next(left, None)) is not None:
            out[executor.submit(work, task)] = task
        is_alone = not out
        if is_alone:
            if not suspects:
                return
            task = suspects.popleft()
            out[executor.submit(work, task)] = task
        done, _ = wait(out, _LOOK_S, FIRST_COMPLETED)
        if not done:
            executor.check()
        for future in done:
            task = out.pop(future)
            try:
                yield future.result()
            except CancelledError:
                executor.check()
                suspects += _singly(task)
            except executor.died:
                executor.check()
                if is_alone:
                    yield [Outcome(task.trials[0], error=DIED)]
                else:
                    suspects += _singly(task)


def _singly(task: Task) -> list[Task]:
    return [replace(task, trials=(trial,)) for trial in task.trials]
