"""Putting what a search found in the order in which people look for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from .listing import FUTURE, Listing

_WORD: Final = re.compile(r"[a-z0-9.&-]+")
_SEGMENTS: Final = ("NSE_INDEX", "NSE_EQ", "BSE_INDEX", "BSE_EQ", "NSE_FO", "BSE_FO")


def words_of(text: str) -> list[str]:
    """Return the words of a search."""
    return text.casefold().split()


def ranked(found: Iterable[Listing], words: Sequence[str]) -> list[Listing]:
    """Return `found`, what was meant most likely first.

    Notes
    -----
    In this order: the trading symbol is the search itself; how many words stand as whole words, then as beginnings of words;
    not expired things without expiry before contracts, the nearest expiry first; futures before options; indices and shares of
    the NSE before the others; key.
    """
    whole = " ".join(words)

    def place(each: Listing) -> tuple[object, ...]:
        terms = _WORD.findall(f"{each.symbol} {each.name} {each.key}".casefold())
        exact = sum(word in terms for word in words)
        begun = sum(any(term.startswith(word) for term in terms) for word in words)
        segment = _SEGMENTS.index(each.segment) if each.segment in _SEGMENTS else len(_SEGMENTS)
        named = whole in (each.symbol.casefold(), each.name.casefold(), each.key.casefold())
        return (not named, -exact, -begun, each.expiry or 0, each.type != FUTURE, segment, float(each.strike or 0), each.key)

    return sorted(found, key=place)
