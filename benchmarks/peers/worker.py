"""One engine in a process of its own: told the name of a case, it runs it once and answers with a line of JSON."""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers.workload import Ticks, make


@dataclass(frozen=True)
class Case:
    """Something an engine is measured at.

    Parameters
    ----------
    run : callable
        Given what `prepare` made, does the work that is timed and returns its fills, or how many.
    days : int
        Of the workload.
    unit : str
        What is counted: ticks or bars.
    prepare : callable
        Given the ticks, makes what the engine is given for nothing.
    """

    run: Callable[[Any], Any]
    days: int
    unit: str = "ticks"
    prepare: Callable[[Ticks], Any] = field(default=lambda ticks: ticks)


def main() -> None:
    """Serve the cases of the module and distribution named on the command line until the input ends."""
    name, distribution = sys.argv[1:3]
    answer = sys.stdout
    sys.stdout = sys.stderr  # what an engine prints is no answer
    module = importlib.import_module(f"benchmarks.peers.{name}")
    cases: dict[str, Case] = module.CASES
    print(json.dumps({"version": importlib.metadata.version(distribution), "cases": list(cases)}), file=answer, flush=True)
    for line in sys.stdin:
        case = cases[line.strip()]
        ticks = make(case.days)
        count = len(ticks) if case.unit == "ticks" else case.days * 375
        given = case.prepare(ticks)
        gc.collect()
        begin = time.perf_counter()
        found = case.run(given)
        seconds = time.perf_counter() - begin
        fills = found if isinstance(found, (int, list)) else int(found)
        told = {"seconds": seconds, "count": count, "unit": case.unit, "days": case.days, "fills": fills}
        print(json.dumps(told), file=answer, flush=True)


if __name__ == "__main__":
    main()
