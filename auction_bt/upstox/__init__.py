"""The broker's SDK, with its traps in one place."""
