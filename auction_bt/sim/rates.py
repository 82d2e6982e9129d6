"""How many calls may be made: sliding windows of a second, a minute and half an hour. Pure: time is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from auction_bt.core.ist import MINUTE_NS, SECOND_NS
from auction_bt.market.limits import OrderRates

_HALF_HOUR: Final = 30 * MINUTE_NS


@dataclass(slots=True)
class RateLimits:
    """Counts the calls of each group.

    Parameters
    ----------
    limits : mapping of str to OrderRates
        By group; a group that is not in it has no limit.

    Notes
    -----
    Only calls that were let through count. The broker does not say whether the others do.
    """

    limits: Mapping[str, OrderRates]
    _calls: dict[str, deque[int]] = field(default_factory=dict)

    def take(self, group: str, now: int) -> bool:
        """Return whether one more call is within the limits, and count it if so; `now` (ns) only runs forward."""
        limit = self.limits.get(group)
        if limit is None:
            return True
        calls = self._calls.setdefault(group, deque())
        while calls and calls[0] <= now - _HALF_HOUR:
            calls.popleft()
        for span, most in ((SECOND_NS, limit.second), (MINUTE_NS, limit.minute), (_HALF_HOUR, limit.half_hour)):
            # The call that stands `most` from behind is still within the span: one more would be too many.
            if most is not None and len(calls) >= most and calls[-most] > now - span:
                return False
        calls.append(now)
        return True
