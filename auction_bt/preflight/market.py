"""The market: today's hours, whether the broker agrees about them, and what has changed about each instrument."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import clock_text, day_start, to_date
from auction_bt.instruments.listing import Listing
from auction_bt.market.calendar import day_of, is_trading_day
from auction_bt.market.changes import changes
from auction_bt.market.sessions import hours_of

from .check import Check, failed, passed, warned

_RULES: Final = ("lots", "freeze", "ticks")


def sessions(instruments: Iterable[Instrument], day: int, differing: Sequence[str]) -> Check:
    """Judge the hours of IST `day`; `differing` are the lines in which the broker says otherwise."""
    if differing:
        return failed("sessions", "; ".join(differing), "do not trade until the table or the broker is right")
    told: list[str] = []
    doubts: list[str] = []
    for instrument in instruments:
        hours = hours_of(instrument, day)
        session = hours.session
        until = f", flat by {_clock(session.flat_by)}" if session.flat_by is not None else ""
        told.append(f"{_shown(instrument)} {_clock(session.open)}-{_clock(session.close)}{until}")
        doubts += hours.doubts
    name = day_of(to_date(day)).name
    shown = (", ".join(dict.fromkeys(told)) or "the exchange opens") + (f" ({name})" if name else "")
    if doubts:
        return warned("sessions", f"{shown}; not sure: {'; '.join(dict.fromkeys(doubts))}", "look at `calendar`")
    return passed("sessions", f"{shown}; Upstox agrees")


def listing(instrument: Instrument, before: Listing | None, now: Listing | None, master_day: int | None, day: int) -> Check:
    """Judge what the master of the day says of one instrument against the one before it.

    Parameters
    ----------
    instrument : Instrument
        As the store has it, else as the master has.
    before, now : Listing or None
        None: not listed.
    master_day : int or None, IST day
        The master that answers for `day`.
    day : int, IST day
    """
    name = f"contract {_shown(instrument)}"
    if master_day is None or now is None:
        what = "no instrument list so far back" if master_day is None else f"not in the list of {to_date(master_day)}"
        return failed(name, what, "get today's with `instruments --refresh`")
    if now.lot != instrument.lot:
        return failed(name, f"the store has lot {instrument.lot}, the list of {to_date(master_day)} has {now.lot}",
                      f"give it anew with `import` or `record`, --lot {now.lot}")  # fmt: skip
    pairs = [] if before is None else [("lot", before.lot, now.lot), ("tick", before.price_step, now.price_step),
                                       ("largest order", before.freeze, now.freeze)]  # fmt: skip
    changed = [f"{what} {old:,} → {new:,}" for what, old, new in pairs if old != new]
    told = f"lot {now.lot}, tick {now.price_step}" + (f", largest order {now.freeze:,}" if now.freeze else "")
    if changed:
        return warned(name, f"changed: {', '.join(changed)}", "look at sizes and limits before the open")
    if master_day != day:
        return warned(name, f"{told}, by the list of {to_date(master_day)}", "get today's with `instruments --refresh`")
    return passed(name, told)


def rules(day: int) -> Check:
    """Judge which of our own tables begin to say something else on IST `day`."""
    today = to_date(day)
    found = [f"{c.rule.table} {' '.join(filter(None, c.rule.keys.values()))} {' '.join(f'{k} {v}' for k, v in c.values.items())}"
             for c in changes(today - timedelta(days=1), today, _RULES)]  # fmt: skip
    if found:
        return warned("rules", f"changed today: {', '.join(found)}", "look at sizes and limits before the open")
    return passed("rules", "no lots, price steps or largest orders change today")


def expiry(instruments: Iterable[Instrument], day: int) -> Check:
    """Judge whether what is to be traded still lives after IST `day`."""
    dated = [i for i in instruments if i.contract is not None]
    over = [f"{_shown(i)} ({to_date(i.contract.expiry)})" for i in dated if i.contract is not None and i.contract.expiry < day]
    due = [_shown(i) for i in dated if i.contract is not None and i.contract.expiry == day]
    if over:
        return failed("expiry", f"expired: {', '.join(over)}", "name the next contract, or NIFTY-FUT for whichever is traded")
    if due:
        return warned(
            "expiry", f"expires today: {', '.join(due)}", "nothing of it can be carried; stop and hours are the last day's"
        )
    return passed("expiry", "nothing to be traded expires today" if dated else "nothing to be traded expires")


def closed(day: int) -> str:
    """Return why the exchange is closed on IST `day` and when it next opens; empty where it opens.

    Raises
    ------
    OutsideKnownDates
        Nobody here knows.
    """
    if is_trading_day(to_date(day)):
        return ""
    today = day_of(to_date(day))
    name = today.name or f"{today.day:%A}"
    return f"the exchange is closed on {today.day} ({name}): {_next_opening(day)}"


def over(day: int, end: int) -> str:
    """Return that trading on IST `day` ended at `end`, ns, and when the exchange next opens."""
    return f"trading on {to_date(day)} ended at {clock_text(end)[:5]}: {_next_opening(day)}"


def _next_opening(day: int) -> str:
    coming = (day_of(to_date(day + n)) for n in range(1, 15))
    after = next((each for each in coming if each.trades), None)
    return f"it next opens on {after.day:%A}, {after.day}" if after is not None else "nobody here knows when it next opens"


def _shown(instrument: Instrument) -> str:
    return instrument.name or instrument.symbol


def _clock(ns: int) -> str:
    return clock_text(day_start(0) + ns)[:5]
