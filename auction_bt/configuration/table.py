"""The keys as the documentation shows them."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from .key import Key
from .schema import keys


def table() -> str:
    """Return every key as tables of Markdown, one a section."""
    parts = []
    for section, rows in groupby(keys(), key=lambda key: key.section):
        lines = [f"**`[{section}]`**", "", "| Key | Default | Unit | Range | Means |", "| --- | --- | --- | --- | --- |"]
        parts.append("\n".join([*lines, *map(_row, rows)]))
    return "\n\n".join(parts) + "\n"


def _row(key: Key) -> str:
    means = key.setting.meaning.removeprefix("guard: ") + (f"; `{key.variable}` goes before it" if key.variable else "")
    return f"| `{key.name}` | `{_toml(key.setting.default)}` | {key.unit or '–'} | {key.range} | {means} |"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return "[]" if isinstance(value, tuple) else repr(value)
