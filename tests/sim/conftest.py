"""Fixtures of the simulated broker."""

from tests.importing.made import run  # noqa: F401  fixtures are found by name
