"""What a trade entered at a bar's close comes to under a stop, a target and the end of the day. Plain functions, for `jit`."""

from __future__ import annotations

from typing import Any


def hold(
    open_: Any, high: Any, low: Any, close: Any, last: Any, entries: Any, sign: float, stop: float, target: float, limit: int,
    gains: Any,
) -> None:  # fmt: skip
    """Write what a share gained, in rupees, from each entry into `gains`.

    Parameters
    ----------
    open_, high, low, close : float64, (n,), rupees
    last : int64, (n,)
        Of each bar, the last bar of its day.
    entries : int64, (m,)
        Bars at whose close to enter.
    sign : float
        1 long, -1 short.
    stop, target : float, rupees
        Distances from the entry; a target of infinity is none.
    limit : int, bars
        Leave at the close of so many bars later, at the latest.
    gains : float64, (m,)

    Notes
    -----
    The pessimistic rule of the backtest: the stop comes before the target in one bar, a gap through the stop fills at the open,
    a target never fills better than its price.
    """
    for k in range(len(entries)):
        entry = entries[k]
        price = close[entry]
        final = min(last[entry], entry + limit)
        gain = (close[final] - price) * sign
        for i in range(entry + 1, final + 1):
            worst = (low[i] - price) * sign if sign > 0 else (high[i] - price) * sign
            if worst <= -stop:
                gain = min(-stop, (open_[i] - price) * sign)
                break
            best = (high[i] - price) * sign if sign > 0 else (low[i] - price) * sign
            if best >= target:
                gain = target
                break
        gains[k] = gain
