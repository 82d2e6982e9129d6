"""What is likely to have made two accounts of the same day part. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .core.bar import NEVER
from .core.ist import clock_text, to_date
from .verify import Difference, What

_BEFORE = frozenset({"clock", "bid", "ask"})  # of a tick, what earlier messages may have said


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store says around a difference.

    Parameters
    ----------
    day : int
        IST day of the event.
    is_recorded : bool
        The symbol has messages on that day.
    is_derived : bool
        The symbol has stored ticks or bars on that day.
    stands : bool
        A message of the symbol stands at the difference's `seq` now.
    before, after : int or None, ns
        The symbol's messages nearest to it.
    rows_agree : bool
        All stored rows are what the messages say.
    settings : dict of name to (first, second)
        Settings that differ between the two runs.
    """

    day: int
    is_recorded: bool
    is_derived: bool
    stands: bool
    before: int | None = None
    after: int | None = None
    rows_agree: bool = False
    settings: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def cause_of(difference: Difference, facts: Facts) -> str:
    """Return the likely cause of `difference` in a sentence, with the cure."""
    if difference.what in {What.DECISION, What.TRADE}:
        return _of_run(facts)
    day = to_date(facts.day)
    if not facts.is_recorded:
        return (
            f"{difference.symbol} has no messages on {day}: its rows were imported, or its messages taken away: that day cannot "
            "be replayed; choose days that were recorded, with recorded ones before them"
        )
    if not facts.is_derived:
        return f"the messages of {day} were never made into ticks and bars: run rebuild"
    if difference.what is What.BAR and (told := _of_bar(difference)):
        return told
    if not facts.stands:
        return (
            f"messages are missing {_between(facts)}: the one at {difference.seq} is gone that stored rows were derived from; "
            "import the recording again, or run rebuild to go by what is left"
        )
    if difference.first is None:
        return f"the stored rows were derived before the message at {difference.seq} was there, or by other rules: run rebuild"
    if set(difference.names) and set(difference.names) <= _BEFORE:
        return (
            f"the stored rows were derived before a message shortly before {difference.seq} was changed, added or taken away: "
            "run rebuild"
        )
    return (
        f"the stored rows were derived before the message at {difference.seq} changed (or changed places), or by other rules: "
        "run rebuild"
    )


def _of_run(facts: Facts) -> str:
    if facts.settings:
        named = ", ".join(f"{name} {a} and {b}" for name, (a, b) in facts.settings.items())
        return f"the settings differ: {named}"
    if facts.rows_agree:
        return (
            "the stored rows are what the messages say, and yet the two ways of running them part: this is a fault of the "
            "program; please report it with what is above"
        )
    return "rows that part later are read earlier than they became known: please report it with what is above"


def _of_bar(difference: Difference) -> str:
    known = [NEVER if row is None else row["known_seq"] for row in (difference.first, difference.second)]
    if known[0] == known[1] == NEVER:
        return "a bar that nothing made known: the last trades of its minute changed after it was derived; run rebuild"
    if difference.first is not None and known[0] == NEVER:
        return "the stored bar is one that nothing made known yet; a message does now: run rebuild"
    if difference.first is not None and difference.second is not None and known[1] == NEVER:
        return f"a bar that nothing makes known any more: the message at {known[0]} was changed or taken away; run rebuild"
    return ""


def _between(facts: Facts) -> str:
    if facts.before is None and facts.after is None:
        return f"on {to_date(facts.day)}"
    if facts.after is None:
        return f"after {clock_text(facts.before or 0, fraction=True)} IST"
    if facts.before is None:
        return f"before {clock_text(facts.after, fraction=True)} IST"
    return f"between {clock_text(facts.before, fraction=True)} and {clock_text(facts.after, fraction=True)} IST"
