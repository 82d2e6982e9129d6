"""When on a day a trade may be entered, and by when it is left."""

from __future__ import annotations

from dataclasses import dataclass

from .exits import Deadline
from .ist import MINUTE_NS


@dataclass(frozen=True, slots=True)
class EntryHours:
    """One day of one instrument.

    Parameters
    ----------
    begin, end : int, ns
        Of its session; both 0 where it has all 24 hours.
    flat_by : int or None, ns
        When all is closed; None where trades are carried.
    """

    begin: int = 0
    end: int = 0
    flat_by: int | None = None

    @property
    def is_whole_day(self) -> bool:
        """True where there is no session."""
        return not self.end

    def deadlines(self, ts: int, time_stop: int, until: int) -> tuple[Deadline, ...]:
        """Return those of a trade entered at `ts`.

        Parameters
        ----------
        ts : int, ns
        time_stop : int, ns
            How long it may go without a target; 0: for ever.
        until : int, ns
            When its contract is left; 0: never.
        """
        found: tuple[Deadline, ...] = (Deadline(ts + time_stop, "time", until_target=True),) if time_stop else ()
        if self.flat_by is not None:
            found += (Deadline(self.flat_by, "square_off"),)
        return (*found, Deadline(until, "roll")) if until else found

    def refusal(self, now: int, from_min: int, until_min: int) -> str:
        """Return whether `now` (ns) is too early or too late: so many minutes after the open, and before all is closed."""
        until = (self.flat_by or self.end) - until_min * MINUTE_NS
        return "entry window" if self.end and not self.begin + from_min * MINUTE_NS <= now <= until else ""
