"""Fixtures of the commands on files."""

from tests.importing.made import bad, run  # noqa: F401  fixtures are found by name
