"""The levels of a day as plain values, with a reason for each that is not defined."""

from __future__ import annotations

from typing import Any, Final

from .core.instrument import Kind
from .core.ist import MINUTE_NS, clock_text, to_date
from .core.levels import Reading
from .core.nodes import Nodes
from .core.profile import Profile
from .core.tpo import BRACKET_MIN, Tail
from .levels import DayLevels
from .market.sessions import session_of

MISSED_OPEN: Final = "the recording missed the open"
_FIRST_HOUR: Final = "the first hour is not over"
_ONE_BRACKET: Final = "one half hour is all there is"


def as_json(levels: DayLevels) -> dict[str, Any]:
    """Return plain values: prices in rupees, times in IST, null for what is not defined.

    Notes
    -----
    ``reasons`` says why, by the path of the value: ``today.initial_balance``. What is null and has no reason is defined and
    absent, as a tail of a session that has none.
    """
    sheet, step = levels.sheet, _Step(levels)
    prior = None if sheet.prior is None else _session(levels, sheet.prior)
    composite = None
    if sheet.composite is not None:
        composite = {"sessions": sheet.composite_of, **_value(step, sheet.composite), **_nodes(step, sheet.composite_nodes)}
    eighty = sheet.eighty
    return {
        "schema": 1,
        "symbol": levels.instrument.symbol,
        "name": levels.instrument.name or None,
        "date": str(to_date(levels.day)),
        "at": None if levels.until is None else clock_text(levels.until)[:5],
        "tick_size": float(levels.instrument.tick),
        "prior": prior,
        "value_migration": sheet.migration and sheet.migration.value,
        "value_overlap": sheet.overlap,
        "naked_pocs": [{"price": step(n.poc), "date": str(to_date(n.day)), "age": n.age} for n in sheet.naked],
        "composite": composite,
        "today": None if sheet.today is None else _session(levels, sheet.today),
        "eighty_rule": None if eighty is None else {
            "state": eighty.state.value,
            "outside": eighty.outside and {"up": "above", "down": "below"}[eighty.outside.value],
            "target": step.maybe(eighty.target),
            "reason": eighty.reason or None,
        },
        "expiry": None if levels.expiry.day is None else {
            "date": str(levels.expiry.day),
            "days": (levels.expiry.day - to_date(levels.day)).days,
            "by": "rule" if levels.expiry.is_rule else "contract",
        },
        "reasons": reasons(levels),
    }  # fmt: skip


def reasons(levels: DayLevels) -> dict[str, str]:
    """Return why what is null is null, by its path."""
    sheet, found = levels.sheet, dict[str, str]()
    if sheet.prior is None:
        found["prior"] = "no session before is stored"
    else:
        found |= {f"prior.{name}": why for name, why in _missing(levels, sheet.prior).items()}
    if sheet.migration is None:
        found["value_migration"] = found["value_overlap"] = "the last two sessions do not both have value"
    if sheet.composite is None:
        found["composite"] = "no session before has volume"
    if sheet.today is None:
        found["today"] = found["eighty_rule"] = levels.reason
    else:
        found |= {f"today.{name}": why for name, why in _missing(levels, sheet.today).items()}
    if levels.expiry.day is None:
        found["expiry"] = levels.expiry.reason
    return found


def _missing(levels: DayLevels, reading: Reading) -> dict[str, str]:
    traded, found = reading.traded, dict[str, str]()
    if not traded.profile.total:
        index = levels.instrument.kind is Kind.INDEX
        no_volume = "an index has no volume: use its future" if index else "nothing of it has volume"
        found |= dict.fromkeys(("vah", "poc", "val", "vwap", "shape", "source", "hvn", "lvn"), no_volume)
    elif reading.shape is None:
        few = traded.profile.shape().printed < 5
        found["shape"] = "fewer than five prices traded" if few else "neither D, P, b, B nor I"
    hour = MISSED_OPEN if traded.is_late else "nothing traded in the first hour" if reading.balance is None else ""
    if hour:
        found["initial_balance"] = hour
    elif reading.balance is not None and not reading.balance.is_complete:
        hour = _FIRST_HOUR
    if hour:
        found["ib_multiples"] = found["range_extension"] = found["day_type"] = hour
    elif reading.day_type is None:
        found["day_type"] = "price did not move"
    if reading.mean_balance is None:
        found["ib_average"] = "no session before has a first hour"
    if traded.is_late:
        found["open"] = found["open_type"] = MISSED_OPEN
    elif reading.opening is None:
        late = traded.elapsed < BRACKET_MIN
        found["open_type"] = "the first half hour is not over" if late else "price did not move in the first half hour"
    if reading.opened is None:
        found["opened"] = MISSED_OPEN if traded.is_late else "no session before is stored"
    if reading.tpo.rotation is None:
        found |= dict.fromkeys(("rotation_factor", "poor_high", "poor_low", "buying_tail", "selling_tail"), _ONE_BRACKET)
    return found


class _Step:
    # Prices of grid indices.
    def __init__(self, levels: DayLevels) -> None:
        self._instrument = levels.instrument

    def __call__(self, ticks: float) -> float:
        exact = isinstance(ticks, int)
        return self._instrument.to_price(int(ticks)) if exact else round(ticks * float(self._instrument.tick), 6)

    def maybe(self, ticks: int | None) -> float | None:
        return None if ticks is None else self(ticks)


def _session(levels: DayLevels, reading: Reading) -> dict[str, Any]:
    step, traded, tpo, n = _Step(levels), reading.traded, reading.tpo, reading.tpo.ticks_per_row
    low, high = traded.range
    balance, bands = reading.balance, reading.bands
    complete = balance if balance is not None and balance.is_complete else None
    extension = complete.extension(low, high) if complete else None
    source = levels.sources.get(traded.day)

    def rows(first: int, last: int) -> dict[str, float]:
        # Of grouped rows only what traded: the outermost may reach beyond the session.
        return {"low": step(max(low, first * n)), "high": step(min(high, last * n + n - 1))}

    def tail(found: Tail | None) -> dict[str, Any] | None:
        return None if found is None else {**rows(found.low, found.high), "is_excess": found.is_excess}

    return {
        "date": str(to_date(traded.day)),
        "source": source and source.value,
        "is_over": traded.is_over,
        "joined_late": traded.is_late,
        "first_minute": _clock(int(traded.minutes.at[0]), levels, traded.day),
        "open": None if traded.is_late else step(int(traded.minutes.open[0])),
        "high": step(high),
        "low": step(low),
        "close": step(traded.close),
        **_value(step, traded.profile),
        **_nodes(step, reading.nodes),
        "vwap": bands and {"price": step(bands.vwap), "sigma": step(bands.sigma),
                           **{f"{t:+d}": step(bands.at(t)) for t in (-2, -1, 1, 2)}},
        "initial_balance": balance and {"low": step(balance.low), "high": step(balance.high), "width": step(balance.width),
                                        "is_complete": balance.is_complete},
        "ib_average": None if reading.mean_balance is None else {
            "width": step(reading.mean_balance), "sessions": reading.mean_of},
        "ib_multiples": complete and [
            {"multiple": float(m), "below": step(below), "above": step(above)} for m, below, above in complete.multiples()],
        "range_extension": extension and {"down": step(extension[0]), "up": step(extension[1])},
        "opened": reading.opened and reading.opened.value,
        "open_type": reading.opening and {
            "type": reading.opening.type.value,
            "direction": reading.opening.direction and reading.opening.direction.value,
            "crosses": reading.opening.crosses,
            "is_final": reading.opening.is_final,
        },
        "day_type": reading.day_type and {
            "type": reading.day_type.type.value,
            "direction": reading.day_type.direction and reading.day_type.direction.value,
            "is_final": traded.is_over,
        },
        "shape": reading.shape and reading.shape.value,
        "tpo_row": step(n),
        "brackets": tpo.brackets.letters,
        "single_prints": [rows(a, b) for a, b in tpo.singles],
        "buying_tail": tail(tpo.buying_tail),
        "selling_tail": tail(tpo.selling_tail),
        "poor_high": tpo.poor_high,
        "poor_low": tpo.poor_low,
        "rotation_factor": tpo.rotation,
    }  # fmt: skip


def _value(step: _Step, profile: Profile) -> dict[str, Any]:
    if not profile.total:
        return {"vah": None, "poc": None, "val": None}
    return {"vah": step(profile.vah), "poc": step(profile.poc), "val": step(profile.val)}


def _nodes(step: _Step, nodes: Nodes) -> dict[str, list[float]]:
    return {"hvn": [step(r) for r in nodes.hvn], "lvn": [step(r) for r in nodes.lvn]}


def _clock(minute: int, levels: DayLevels, day: int) -> str:
    return clock_text(session_of(levels.instrument, day).bounds(day)[0] + minute * MINUTE_NS)[:5]
