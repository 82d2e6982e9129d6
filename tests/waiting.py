"""Waits for what must become true, instead of sleeping for as long as it may take."""

import time
from collections.abc import Callable
from typing import Any


def until(is_true: Callable[[], Any], timeout: float = 30.0, what: str = "") -> Any:
    """Return what `is_true` says as soon as it says something true; fail after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not (said := is_true()):
        assert time.monotonic() < end, f"not true after {timeout} s: {what or is_true}"
        time.sleep(0.005)
    return said
