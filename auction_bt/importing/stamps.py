"""Times as people write them, to ns since 1970 UTC; whole columns at once, exact to the ns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, IST_OFFSET_NS, SECOND_NS
from auction_bt.core.limits import EARLIEST_NS, LATEST_NS
from auction_bt.core.tick import I64

BAD: Final = -(2**63)  # the stamp of a text that is none
_FAR: Final = 2**63 - 1
_NEAR_S: Final = 9 * 10**9  # seconds that fit as ns
_UNITS: Final = {"s": SECOND_NS, "ms": 10**6, "us": 10**3, "ns": 1}
_STEP_NS: Final = 900 * SECOND_NS  # every zone's offset is constant within a quarter of an hour
_SCALES: Final = ((10**11, SECOND_NS), (10**14, 10**6), (10**17, 10**3))  # below: s, ms, µs; above: ns. 10**11 s is the year 5138
_ISO: Final = (
    r"^\s*(?P<y>\d{4})[-/.]?(?P<m>\d{2})[-/.]?(?P<d>\d{2})"
    r"(?:[T ]+(?P<H>\d{1,2}):?(?P<M>\d{2})(?::?(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?\s*(?P<z>Z|UTC|[+-]\d{2}:?\d{2})?\s*$"
)
_DAY_FIRST: Final = (  # as Indian files have it: 31-12-2025 09:15
    r"^\s*(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4})"
    r"(?:[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?\s*(?P<z>Z|UTC|[+-]\d{2}:?\d{2})?\s*$"
)


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone `name`, None for India's, which never changes its clocks and so needs no zone database."""
    if name in {"Asia/Kolkata", "Asia/Calcutta", "IST"}:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(f"--tz {name!r} is no time zone: write a name like Asia/Kolkata, America/New_York or UTC") from error


def to_utc(local: I64, zone: ZoneInfo | None) -> I64:
    """Return wall-clock ns of `zone` as ns since 1970 UTC; a time that comes twice a year is the first of the two.

    Parameters
    ----------
    local : int64 (n,), ns
        `BAD` stays `BAD`.
    zone : ZoneInfo or None
        None is India.
    """
    if zone is None:
        return np.where(local == BAD, BAD, local - IST_OFFSET_NS)
    steps, place = np.unique(local // _STEP_NS, return_inverse=True)
    start = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    offsets = np.zeros(len(steps), dtype=np.int64)
    for i, step in enumerate(steps.tolist()):
        if step != BAD // _STEP_NS:
            offset = (start + timedelta(seconds=step * 900)).replace(tzinfo=zone).utcoffset()
            offsets[i] = round(offset.total_seconds()) * SECOND_NS if offset else 0
    return np.where(local == BAD, BAD, local - offsets[place])


def scaled(values: I64) -> I64:
    """Return integers as ns by their magnitude: seconds, ms, µs or ns since 1970; what does not fit is far away."""
    size = np.abs(values)
    factor = np.select([size < limit for limit, _ in _SCALES], [scale for _, scale in _SCALES], default=1)
    return _times(values, factor)


def is_far(ns: I64) -> NDArray[np.bool_]:
    """Return where a stamp is of no time that data can be of."""
    far: NDArray[np.bool_] = (ns < EARLIEST_NS) | (ns >= LATEST_NS)
    return far


def _times(values: I64, factor: I64 | int) -> I64:
    """Return the product, the largest number of its sign where it does not fit."""
    fits = np.abs(values) <= _FAR // factor
    product = np.where(fits, values, 0) * factor
    ns: I64 = np.where(fits, product, np.where(values < 0, -_FAR, _FAR)).astype(np.int64)
    return ns


def parse(column: Any, zone: ZoneInfo | None) -> I64:
    """Return ns since 1970 UTC of an Arrow column of stamps, `BAD` where there is none.

    Parameters
    ----------
    column : pyarrow.Array
        Timestamps, dates, integers, floats or text.
    zone : ZoneInfo or None
        Of stamps that name none (None is India).
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        ns = _in_ns(column.cast(pa.int64()), _UNITS[kind.unit])
        return ns if kind.tz else to_utc(ns, zone)
    if pa.types.is_date(kind):
        days = column.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(kind) else column.cast(pa.int64())
        return to_utc(_in_ns(days, DAY_NS if pa.types.is_date32(kind) else _UNITS["ms"]), zone)
    if pa.types.is_integer(kind):
        return _numbers(_integers(column.cast(pa.int64(), safe=False)), zone)  # too large a one becomes negative: far away
    if pa.types.is_floating(kind):
        values = column.to_numpy(zero_copy_only=False)
        safe = np.where(np.isfinite(values) & (np.abs(values) < 2.0**62), values, 0)
        # 0.000001 s is all that a double holds of today's seconds
        is_near = np.abs(safe) < _NEAR_S
        micros = np.rint(np.where(is_near, safe, 0) * 1e6).astype(np.int64) * 1000
        whole = _numbers(np.rint(safe).astype(np.int64), zone)
        return np.where(np.isfinite(values), np.where(is_near, micros, whole), BAD)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(column.cast(pa.string()), zone)
    return np.full(len(column), BAD, dtype=np.int64)


def _in_ns(column: Any, unit: int) -> I64:
    values = _integers(column)
    return np.where(values == BAD, BAD, _times(np.where(values == BAD, 0, values), unit))


def _integers(column: Any) -> I64:
    filled: I64 = pc.fill_null(column, BAD).to_numpy(zero_copy_only=False)
    return filled


def _numbers(values: I64, zone: ZoneInfo | None) -> I64:
    is_date = (values >= 19_000_101) & (values <= 21_001_231)  # 20251215; as seconds these are a week of August 1970
    out = np.where(values == BAD, BAD, scaled(np.where(values == BAD, 0, values)))
    if is_date.any():
        texts = pa.array([str(v) for v in values[is_date].tolist()], pa.string())
        out[is_date] = _by_pattern(texts, _ISO, zone)
    return out


def _texts(column: Any, zone: ZoneInfo | None) -> I64:
    for kind, local in ((pa.timestamp("ns"), True), (pa.timestamp("ns", "UTC"), False)):
        try:  # whole columns of one clean form are ten times as fast this way
            ns = _integers(column.cast(kind).cast(pa.int64()))
        except pa.ArrowInvalid:
            continue
        return to_utc(ns, zone) if local else ns
    out = np.full(len(column), BAD, dtype=np.int64)
    is_number = _mask(pc.match_substring_regex(column, r"^\s*-?\d{1,19}\s*$"))
    is_decimal = _mask(pc.match_substring_regex(column, r"^\s*\d{1,12}\.\d+\s*$"))
    if is_number.any():
        out[is_number] = _numbers(_parsed_integers(column.filter(pa.array(is_number))), zone)
    if is_decimal.any():
        parts = pc.extract_regex(column.filter(pa.array(is_decimal)), r"^\s*(?P<i>\d+)\.(?P<f>\d{1,9})")
        fraction = pc.utf8_rpad(parts.field("f"), 9, padding="0")
        seconds = _parsed_integers(parts.field("i"))
        is_near = seconds < _NEAR_S
        out[is_decimal] = np.where(is_near, np.where(is_near, seconds, 0) * SECOND_NS + _parsed_integers(fraction), _FAR)
    for pattern in (_ISO, _DAY_FIRST):
        left = (out == BAD) & ~is_number & ~is_decimal
        if left.any():
            out[left] = _by_pattern(column.filter(pa.array(left)), pattern, zone)
    return out


def _parsed_integers(column: Any) -> I64:
    texts = pc.utf8_trim_whitespace(column)
    try:
        return _integers(texts.cast(pa.int64()))
    except pa.ArrowInvalid:  # 19 digits may be too many
        good = [int(t) for t in texts.to_pylist()]
        return np.array([v if abs(v) < 2**63 else BAD for v in good], dtype=np.int64)


def _by_pattern(column: Any, pattern: str, zone: ZoneInfo | None) -> I64:
    parts = pc.extract_regex(column, pattern)
    matched = _mask(pc.is_valid(parts))

    def number(name: str) -> I64:
        text = pc.if_else(pc.equal(parts.field(name), ""), "0", parts.field(name))
        return _integers(pc.if_else(pa.array(matched), text, "0").cast(pa.int64()))

    year, month, day = number("y"), number("m"), number("d")
    hour, minute, second = number("H"), number("M"), number("S")
    fraction = _parsed_integers(pc.if_else(pa.array(matched), pc.utf8_rpad(parts.field("f"), 9, padding="0"), "0"))
    months = np.where(matched, (year - 1970) * 12 + np.clip(month, 1, 12) - 1, 0)
    first = months.astype("datetime64[M]")
    date = first.astype("datetime64[D]").astype(np.int64) + day - 1
    length = (first + 1).astype("datetime64[D]").astype(np.int64) - first.astype("datetime64[D]").astype(np.int64)
    good = matched & (month >= 1) & (month <= 12) & (day >= 1) & (day <= length) & (year >= 1700) & (year <= 2250)
    good &= (hour < 24) & (minute < 60) & (second < 60)
    seconds = ((date * 24 + hour) * 60 + minute) * 60 + second
    local = np.where(good, seconds, 0) * SECOND_NS + np.where(good, fraction, 0)
    zones = pc.fill_null(parts.field("z"), "")
    out = to_utc(local, zone)
    for text in pc.unique(zones).to_pylist():
        if text:
            chosen = _mask(pc.equal(zones, text))
            out[chosen] = local[chosen] - _offset(text)
    return np.where(good, out, BAD)


def _offset(text: str) -> int:
    if text in {"Z", "UTC"}:
        return 0
    digits = text[1:].replace(":", "")
    size = (int(digits[:2]) * 60 + int(digits[2:])) * 60 * SECOND_NS
    return -size if text[0] == "-" else size


def _mask(column: Any) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return mask
