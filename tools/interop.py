#!/usr/bin/env python3
"""The broker's official Java SDK against the simulated broker: both started, each step told, both stopped. ``make interop``.

    python tools/interop.py

Needs a JDK of 17 or newer and Maven, which gets the SDK at the version of ``tests/interop/pom.xml``. Nothing leaves this machine
but Maven's own downloads: the SDK is pointed at loopback.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from auction_bt.core.errors import AuctionError
from auction_bt.live.sim_process import SimProcess

ROOT = Path(__file__).resolve().parents[1]
POM = ROOT / "tests/interop/pom.xml"
BUILD = ROOT / "build/interop"
#: A made-up day, from ten o'clock on: there are minutes behind it, and hours before its end.
DAY = ("--seed", "7", "--instruments", "2", "--from-time", "10:00", "--speed", "20")
GOAL_S = 600.0


class Failure(Exception):
    """What went wrong and how to mend it, in one line."""


def main() -> int:
    """Run it; return the exit code."""
    try:
        return carry_out()
    except (Failure, AuctionError) as error:
        print(f"interop: {error}", file=sys.stderr)
        return 1


def carry_out() -> int:
    """Start the simulated broker, run the Java program against it, end both."""
    maven = shutil.which("mvn")
    if maven is None or shutil.which("javac") is None:
        raise Failure("mvn and javac are needed: install Maven and a JDK (Debian: apt install maven openjdk-17-jdk-headless)")
    with SimProcess(DAY) as simulation:
        ready = simulation.ready
        print(f"interop: a simulated broker at {ready.url}; the Java SDK is built and run", flush=True)
        # What the SDK is told goes through the environment: a token is not for the list of processes.
        told = {**os.environ, "SIM_URL": ready.url, "SIM_TOKEN": ready.token}
        goals = ["-B", "-q", "-Dstyle.color=never", "-f", str(POM), f"-Dinterop.build={BUILD}", "compile", "exec:java"]
        try:
            code = subprocess.run([maven, *goals], env=told, check=False, timeout=GOAL_S).returncode
        except subprocess.TimeoutExpired:
            raise Failure(f"the Java program has not ended after {GOAL_S:.0f} s") from None
    print(f"interop: {'the Java SDK and the simulated broker understand each other' if not code else 'failed'}")
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
