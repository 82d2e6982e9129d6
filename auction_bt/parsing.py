"""From a message's text to what it says, as fast as can be and as lenient as the standard library."""

from __future__ import annotations

import json

import orjson


def parse(text: str | bytes) -> object:
    """Return the value that JSON text says.

    Raises
    ------
    ValueError
        It is no JSON.

    Notes
    -----
    What orjson refuses and the standard library reads (NaN, half of a surrogate pair) is read: a recording may hold it. Integers
    beyond 64 bits may come as floats.
    """
    try:
        return orjson.loads(text)
    except (TypeError, ValueError):
        pass
    try:
        return json.loads(text)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def dump(value: object) -> str:
    """Return a value as JSON text, compact, its numbers as they are."""
    return orjson.dumps(value).decode()
