"""What a run stood on, symbol by symbol: bars, ticks, quality, hours, rates, and what of these is in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .core.bar import Source
from .core.costing import Charges
from .core.errors import BadInput
from .core.ist import MINUTE_NS, day_index, to_date
from .core.leg import Leg
from .core.quality import share_seen
from .core.tariff import Product
from .feeds.stored import Recorded
from .market.sessions import hours_of
from .settings import flat_by_of, session_of_text, square_off_of
from .symbols import told


def facts_of(recorded: Recorded, first_day: int, charges: Charges, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the data of one symbol is, from `first_day` on: counts, sources, quality, hours, rates and their doubts.

    Parameters
    ----------
    settings : mapping
        Of the strategy, where they are not the defaults: when the trades of a day are closed.
    """
    bars = recorded.bars
    chosen = day_index(bars.ts) >= first_day
    with_ticks = chosen & recorded.tick_days
    volume, seen = int(bars.volume[with_ticks].sum()), int(bars.tick_volume[with_ticks].sum())
    joined = sum(g.joined for day, g in recorded.grades.items() if day >= first_day)
    graded = [g for day, g in sorted(recorded.grades.items()) if day >= first_day]
    worst = min((g for g in graded if g.grade != "-"), key=lambda g: g.share, default=None)
    market = recorded.market
    return {
        "name": recorded.instrument.name,
        "kind": recorded.instrument.kind,
        "tick": recorded.instrument.tick,
        "lot": recorded.instrument.lot,
        "days": len(np.unique(day_index(bars.ts[chosen]))),
        "bars": int(chosen.sum()),
        "bars_warm_up": int((~chosen).sum()),
        "bars_by_source": {s.label: n for s in Source if (n := int((bars.source[chosen] == s).sum()))},
        "ticks": 0 if market is None else market.ticks_from(first_day),
        "volume_seen_by_ticks": share_seen(seen, volume, joined) if volume else None,
        "quality": worst.share if worst else None,
        "grade": worst.grade if worst else "bars only",
        "grade_reason": worst.reason if worst else "no ticks to judge",
        "fills": "ticks"
        if with_ticks.all()
        else ("bars (pessimistic rules)" if not with_ticks.any() else "ticks, and bars on days without"),
        **_hours(recorded, first_day, settings.get("square_off", "auto"), settings.get("session", "")),
        "rates": _rates(recorded, first_day, charges, Product.squared_off(settings.get("square_off", "auto"))),
    }


def check_square_off(recorded: Recorded, first_day: int, settings: dict[str, Any]) -> None:
    """Raise `BadInput` where all is to be closed before any session from IST `first_day` on begins: nothing can be entered."""
    text, own = settings.get("square_off", "auto"), settings.get("session", "")
    given = square_off_of(text)
    sessions = [s for day, s in recorded.sessions.items() if day >= first_day and not s.is_closed]
    if own:
        sessions = [session_of_text(own)]
    if given is None or not sessions or any(s.open < given for s in sessions):
        return
    begin = min(s.open for s in sessions)
    end = max(s.close - MINUTE_NS if s.flat_by is None else s.flat_by for s in sessions)
    raise BadInput(f"square_off = {text!r} is no time after the open: write HH:MM, later than {_clock(begin)} and up to "
                   f"{_clock(end)}, or auto or none")  # fmt: skip


def facts_of_leg(leg: Leg) -> dict[str, Any]:
    """Return what was asked for, and on which days it meant this symbol; of a leg without data, that alone."""
    asked = {"asked": leg.asked, "from": to_date(leg.first_day), "to": to_date(leg.last_day)}
    if leg.has_data:
        return asked
    return {**asked, "name": leg.instrument.name, "days": 0, "bars": 0, "missing": f"{told(leg)}: no data, not traded"}


def _hours(recorded: Recorded, first_day: int, square_off: str, own: str) -> dict[str, list[str]]:
    hours: dict[str, int] = {}
    doubts: dict[str, None] = {}
    notes: dict[str, None] = {}
    given = square_off_of(square_off)
    for day in sorted(day for day in recorded.sessions if day >= first_day):
        found = hours_of(recorded.instrument, day)
        session = found.session
        if not (session.is_closed or session.is_whole_day):
            flat_by = flat_by_of(square_off, session_of_text(own) if own else session)
            flat = "" if flat_by is None else f", flat by {_clock(flat_by)}"
            text = f"{_clock(session.open)}-{_clock(session.close)}{flat}"
            hours[text] = hours.get(text, 0) + 1
            if given is not None and flat_by is not None and flat_by < given:
                notes[f"square_off {square_off} is too late to close trades before the broker does: they are closed at "
                      f"{_clock(flat_by)} (square_off=none carries them)"] = None  # fmt: skip
        doubts.update(dict.fromkeys(found.doubts))
    return {"hours": [f"{text} ({n} {'day' if n == 1 else 'days'})" for text, n in hours.items()],
            "notes": list(notes), "doubts": list(doubts)}  # fmt: skip


def _clock(ns: int) -> str:
    return f"{ns // MINUTE_NS // 60:02}:{ns // MINUTE_NS % 60:02}"


def _rates(recorded: Recorded, first_day: int, charges: Charges, product: Product) -> dict[str, list[dict[str, Any]]]:
    # How well the rates are known that were paid, or that kept a signal from being taken.
    days = np.unique(day_index(recorded.bars.ts))
    notes = charges.notes(recorded.instrument, [int(d) for d in days if d >= first_day], product)
    found: dict[str, list[dict[str, Any]]] = {"likely": [], "unverified": [], "extrapolated": []}
    for note in notes:
        what = {"kind": note.kind, "since": to_date(note.since) if note.since else None}
        if note.extrapolated:
            found["extrapolated"].append(what)
        if note.certainty in found:
            found[note.certainty].append(what)
    return found
