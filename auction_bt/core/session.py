"""When an instrument trades continuously, by date. Rows are data: an era ends where the next begins."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from .instrument import Instrument, Kind
from .ist import DAY_NS, MINUTE_NS, day_start, from_date


def _at(hour: int, minute: int) -> int:
    return (hour * 60 + minute) * MINUTE_NS


@dataclass(frozen=True, slots=True)
class Session:
    """Continuous trading of one day, half-open.

    Parameters
    ----------
    open, close : int, ns since IST midnight
    """

    open: int
    close: int

    @property
    def is_whole_day(self) -> bool:
        """True where no exchange session is known (data from elsewhere)."""
        return self.close - self.open >= DAY_NS

    def bounds(self, day: int) -> tuple[int, int]:
        """Return [begin, end) in ns since 1970 of IST day `day`."""
        start = day_start(day)
        return start + self.open, start + self.close


WHOLE_DAY: Final = Session(0, DAY_NS)

# (valid from, kinds, session); later rows win. Sources: exchange circulars NSE/CMTR/74466 and NSE/FAOP/74467 for
# 2026-08-03 (F&O to 15:40). Shares with derivatives stop at 15:15 from that date; until the dated instrument master lands,
# equities are cut at 15:15 from then on, which never takes an auction print for trade.
_ERAS: Final = (
    (date(1990, 1, 1), frozenset({Kind.EQUITY, Kind.FUTURE, Kind.OPTION, Kind.INDEX}), Session(_at(9, 15), _at(15, 30))),
    (date(2026, 8, 3), frozenset({Kind.FUTURE, Kind.OPTION}), Session(_at(9, 15), _at(15, 40))),
    (date(2026, 8, 3), frozenset({Kind.EQUITY}), Session(_at(9, 15), _at(15, 15))),
)


def session_of(instrument: Instrument, day: int) -> Session:
    """Return the continuous session of `instrument` on IST day `day`."""
    found = WHOLE_DAY
    for valid_from, kinds, session in _ERAS:
        if instrument.kind in kinds and day >= from_date(valid_from):
            found = session
    return found
