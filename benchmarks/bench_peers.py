"""How fast we backtest beside other backtesters: the same ticks, bars and rule, each in an environment of its own.

Usage: python benchmarks/bench_peers.py [--runs 5] [--only NAME …] [--json build/bench/peers.json]

Environments are made in build/bench at pinned versions; a peer that cannot be installed is a row that says so. Runs alternate
with ours, so that a busy machine disturbs both: quote ratios. The first run of each is left out: that is when code is compiled.
For a few thousand bars ours compiles none, so it runs through the largest case before all others: else that came in one of them.

Peers work out the profile as their users would, in NumPy at each bar; those that take whole columns are given what the rule wants
for nothing. Of fills that should be ours, each is compared in time, price and size. See benchmarks/peers and docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import select
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.peers.pinned import PEERS, Peer

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "build" / "bench"
PATIENCE = 900  # seconds: numba may have a whole library to compile


class Unfit(Exception):
    """A peer that cannot be run here; the message says why."""


class Worker:
    """An engine's process, which runs a case each time it is asked."""

    def __init__(self, python: Path, module: str, distribution: str) -> None:
        words = [str(python), "-W", "ignore", "-m", "benchmarks.peers.worker", module, distribution]
        self._told = (PLACE / f"{module}.log").open("w", encoding="utf-8")
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._told,
                                         text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
        self.version: str = self._answer()["version"]

    def run(self, case: str) -> dict[str, Any]:
        """Run a case once; return seconds, count, unit and fills."""
        assert self._process.stdin is not None
        print(case, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        out = self._process.stdout
        assert out is not None
        if not select.select([out], [], [], PATIENCE)[0]:
            raise Unfit(f"no answer in {PATIENCE} s")
        line = out.readline()
        if not line:
            lines = Path(self._told.name).read_text(encoding="utf-8").strip().splitlines()
            raise Unfit(lines[-1][:200] if lines else f"ended with code {self._process.wait()}")
        return json.loads(line)  # type: ignore[no-any-return]

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._told.close()


def environment(peer: Peer) -> Path:
    """Return the Python of a peer's environment, made where it is not there at these pins."""
    home = PLACE / peer.name
    python, marker = home / "bin" / "python", home / "pins.txt"
    pins = "\n".join(peer.pins)
    if marker.exists() and marker.read_text() == pins:
        return python
    print(f"making an environment for {peer.name}", file=sys.stderr)
    for words in ([sys.executable, "-m", "venv", "--clear", str(home)], [str(python), "-m", "pip", "install", "-q", *peer.pins]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            errors = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("ERROR")]
            raise Unfit(f"cannot be installed: {errors[0][:200] if errors else 'see pip'}")
    marker.write_text(pins)
    return python


def same_fills(ours: list[Any], theirs: list[Any], begin: int) -> bool:
    """Return whether all fills are alike; stock decides once more, at the end of the data."""
    both = [[fill[begin:] for fill in fills] for fills in (ours, theirs)]
    return bool(ours) and both[0] == both[1][: len(ours)] and len(theirs) - len(ours) <= 2


def measured(ours: Worker, peer: Peer, runs: int) -> list[dict[str, Any]]:
    """Return a row for each of the peer's cases."""
    rows = []
    with Worker(environment(peer), peer.module, peer.distribution) as theirs:
        for case, beside in peer.beside.items():
            row = {"peer": peer.name, "version": theirs.version, "case": case, "beside": beside, "aim": peer.aims.get(case),
                   "lacks": peer.lacks}  # fmt: skip
            try:
                pairs = [(ours.run(beside), theirs.run(case)) for _ in range(runs + 1)][1:]
            except Unfit as reason:
                return [*rows, {**row, "failed": str(reason)}]
            mine, other = ([p[i]["count"] / p[i]["seconds"] for p in pairs] for i in (0, 1))
            a, b = pairs[-1]
            fills = b["fills"]
            row |= {"unit": b["unit"], "days": b["days"], "rate": statistics.median(other), "ours": statistics.median(mine),
                    "ratio": statistics.median(x / y for x, y in zip(mine, other, strict=True)),
                    "fills": fills if isinstance(fills, int) else len(fills), "seconds": [p[1]["seconds"] for p in pairs],
                    "our_seconds": [p[0]["seconds"] for p in pairs]}  # fmt: skip
            if case in peer.equal:
                row["equal"] = same_fills(a["fills"], fills, peer.equal[case])
            rows.append(row)
            print(text_of(row), flush=True)
    return rows


def text_of(row: dict[str, Any]) -> str:
    """Return a row for people."""
    name = f"{row['peer']} {row.get('version', '')}"
    if "failed" in row:
        return f"{name:<26} {row.get('case', ''):<34} {row['failed']}"
    aim = row["aim"]
    verdict = "" if aim is None else f"  (aim {aim:g} x{'' if row['ratio'] >= aim else ', missed'})"
    equal = {True: "  fills equal", False: "  FILLS DIFFER", None: ""}[row.get("equal")]
    return (f"{name:<26} {row['case']:<34} {row['rate']:>11,.0f} {row['unit']}/s   ours {row['ours']:>11,.0f}"
            f"   {row['ratio']:7.3g} x{verdict}{equal}")  # fmt: skip


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    )
    return {"cpu": names[0] if names else platform.processor(), "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version(), "load": os.getloadavg()}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=[p.name for p in PEERS], default=[p.name for p in PEERS])
    parser.add_argument("--json", type=Path, default=PLACE / "peers.json")
    args = parser.parse_args()
    if args.runs < 1:
        parser.error(f"--runs {args.runs} must be 1 or more")
    PLACE.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"machine": machine(), "runs": args.runs, "rows": []}
    with ExitStack() as stack:
        ours = stack.enter_context(Worker(Path(sys.executable), "ours", "auction-bt"))
        ours.run("ticks to fills")
        for peer in PEERS:
            if peer.name not in args.only:
                continue
            try:
                rows = measured(ours, peer, args.runs)
            except Unfit as reason:
                rows = [{"peer": peer.name, "failed": str(reason)}]
                print(text_of(rows[0]), flush=True)
            found["rows"] += rows
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{args.json}: medians of {args.runs} runs, alternating with ours")
    return int(any(row.get("equal") is False for row in found["rows"]))


if __name__ == "__main__":
    sys.exit(main())
