"""When an instrument trades continuously on one day."""

from dataclasses import dataclass
from typing import Final

from .ist import DAY_NS, day_start

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Session:
    """Continuous trading of one day, half-open.

    Parameters
    ----------
    open, close : int, ns since IST midnight
        Equal where the exchange is closed.
    flat_by : int or None, ns since IST midnight
        When an intraday trade is to be closed; None where no exchange session is known.
    pauses : tuple of (int, int), ns since IST midnight
        Spans inside it in which nothing trades.
    """

    open: int
    close: int
    flat_by: int | None = None
    pauses: tuple[Span, ...] = ()

    @property
    def is_whole_day(self) -> bool:
        """True where no exchange session is known (data from elsewhere)."""
        return self.close - self.open >= DAY_NS

    @property
    def is_closed(self) -> bool:
        """True on a day without trading."""
        return self.close <= self.open

    def bounds(self, day: int) -> Span:
        """Return [begin, end) in ns since 1970 of IST day `day`."""
        start = day_start(day)
        return start + self.open, start + self.close

    def pauses_on(self, day: int) -> tuple[Span, ...]:
        """Return the pauses in ns since 1970 of IST day `day`."""
        start = day_start(day)
        return tuple((start + begin, start + end) for begin, end in self.pauses)


WHOLE_DAY: Final = Session(0, DAY_NS)
CLOSED: Final = Session(0, 0)
