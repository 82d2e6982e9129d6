"""Fixtures of sweeps."""

from tests.importing.made import run  # noqa: F401  fixtures are found by name
from tests.sweep.made import filled  # noqa: F401
