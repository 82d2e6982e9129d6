"""The levels of a day as text for people: at most 100 columns, what matters most first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from .wording import NONE, number, percent, plural

WIDTH: Final = 100
_LABEL: Final = 16
_SEVERAL: Final = 8  # of a list that is longer only so many are written out


def as_text(values: dict[str, Any], decimals: int) -> list[str]:
    """Return lines about what `level_values.as_json` returned.

    Parameters
    ----------
    values : dict
    decimals : int
        Digits after the point of a price on the grid.
    """
    return _Text(values, decimals).lines()


class _Text:
    def __init__(self, values: dict[str, Any], decimals: int) -> None:
        self._values, self._decimals = values, decimals
        self._lines: list[str] = []

    def lines(self) -> list[str]:
        values = self._values
        name = f" ({values['name']})" if values["name"] else ""
        known = f" as known at {values['at']} IST" if values["at"] else ""
        self._lines.append(f"{values['symbol']}{name}")
        self._lines.append(f"levels of {_date(values['date'])}{known}, price step {self._price(values['tick_size'])}")
        self._row("expiry", self._expiry(), "expiry")
        self._prior()
        self._naked()
        self._composite()
        today = values["today"]
        self._title("the day itself" + (", whole" if today and today["is_over"] else ", so far" if today else ""))
        if today is None:
            self._row("today", None, "today")
            self._row("80 % rule", None, "eighty_rule")
        else:
            self._eighty(values["eighty_rule"])
            self._session(today, "today")
        return [line for text in self._lines for line in _wrapped(text)]

    # ------------------------------------------------------------ sections
    def _prior(self) -> None:
        prior = self._values["prior"]
        self._title("the session before" + (f", {_date(prior['date'])}" if prior else ""))
        if prior is None:
            self._row("prior", None, "prior")
            return
        self._value(prior, "prior")
        self._late(prior)
        self._row("high low close", "  ".join(f"{k} {self._price(prior[k])}" for k in ("high", "low", "close")))
        moved = self._values["value_migration"]
        overlap = f"{moved}, {percent(self._values['value_overlap'], 0)} of the narrower value area in common" if moved else None
        self._row("value moved", overlap, "value_migration")
        self._kind(prior, "prior")
        self._ends(prior, "prior")
        self._nodes(prior, "prior")

    def _naked(self) -> None:
        self._title("naked POCs of the last 20 sessions")
        for each in self._values["naked_pocs"]:
            self._row(self._price(each["price"]), f"{_date(each['date'])}, {plural(each['age'], 'session')} old")
        if not self._values["naked_pocs"]:
            self._lines.append("  none")

    def _composite(self) -> None:
        composite = self._values["composite"]
        self._title("composite" + (f" of {plural(composite['sessions'], 'session')}" if composite else ""))
        if composite is None:
            self._row("composite", None, "composite")
            return
        self._value(composite, "composite")
        self._nodes(composite, "composite")

    def _eighty(self, rule: dict[str, Any]) -> None:
        text = rule["state"]
        if rule["reason"]:
            text += f": {rule['reason']}"
        elif rule["target"] is not None:
            text += f": from {rule['outside']} value, target {self._price(rule['target'])}"
        else:
            text += f" {'from ' if rule['state'] == 're-entered' else ''}{rule['outside']} prior value"
        if rule["state"] == "re-entered":
            text += ", one half hour closed inside"
        self._row("80 % rule", text)

    def _session(self, today: dict[str, Any], path: str) -> None:
        self._late(today)
        where = today["opened"]
        at = f"{self._price(today['open'])}, {where or self._none(path, 'opened')}" if today["open"] is not None else None
        self._row("open", at, f"{path}.open")
        kind = today["open_type"]
        text = kind and " ".join(filter(None, (kind["type"], kind["direction"]))) + ("" if kind["is_final"] else " (so far)")
        self._row("open type", text, f"{path}.open_type")
        self._row("high low last", f"high {self._price(today['high'])}  low {self._price(today['low'])}  "
                  f"{'close' if today['is_over'] else 'last'} {self._price(today['close'])}")  # fmt: skip
        self._balance(today, path)
        self._value(today, path)
        bands = today["vwap"]
        self._row("VWAP", bands and f"{self._price(bands['price'])}  ±1σ {self._price(bands['-1'])} .. "
                  f"{self._price(bands['+1'])}  ±2σ {self._price(bands['-2'])} .. {self._price(bands['+2'])}",
                  f"{path}.vwap")  # fmt: skip
        self._kind(today, path)
        self._ends(today, path)
        self._nodes(today, path)
        self._row("half hours", f"{today['brackets']}, first trade of it stored at {today['first_minute']} IST")

    # ------------------------------------------------------------ rows
    def _value(self, of: dict[str, Any], path: str) -> None:
        levels = None
        if of["poc"] is not None:
            levels = "  ".join(f"{k.upper()} {self._price(of[k])}" for k in ("vah", "poc", "val"))
            levels += f"  (volume from {of['source']})" if of.get("source") else ""
        self._row("value area", levels, f"{path}.poc")

    def _late(self, of: dict[str, Any]) -> None:
        if of["joined_late"]:
            self._row("caution", f"the recording joined at {of['first_minute']} IST: range, value, VWAP are of what it saw")

    def _kind(self, of: dict[str, Any], path: str) -> None:
        day = of["day_type"]
        text = day and " ".join(filter(None, (day["type"], day["direction"]))) + ("" if day["is_final"] else " (so far)")
        self._row("day type", text, f"{path}.day_type")
        self._row("shape", of["shape"], f"{path}.shape")

    def _ends(self, of: dict[str, Any], path: str) -> None:
        if of["rotation_factor"] is None:
            self._row("extremes", None, f"{path}.rotation_factor")
            return
        said = []
        for end, name in (("high", "selling"), ("low", "buying")):
            tail = of[f"{name}_tail"]
            if of[f"poor_{end}"]:
                said.append(f"poor {end} {self._price(of[end])}")
            if tail is not None:
                what = "tail (excess)" if tail["is_excess"] else "tail of the last half hour, no excess"
                said.append(f"{name} {what} {self._span(tail)}")
        self._row("extremes", "; ".join(said) or "neither poor, nor a tail")
        singles = [self._span(each) for each in reversed(of["single_prints"])]
        self._row("single prints", self._some(singles) or "none")
        self._row("rotation", f"{number(of['rotation_factor'], 0, plus=True)}, rows of {self._price(of['tpo_row'])}")

    def _balance(self, today: dict[str, Any], path: str) -> None:
        balance, mean = today["initial_balance"], today["ib_average"]
        text = None
        if balance is not None:
            text = f"{self._price(balance['low'])} .. {self._price(balance['high'])}, width {self._price(balance['width'])}"
            text += "" if balance["is_complete"] else " so far"
            text += f"; average {self._price(mean['width'])} of {plural(mean['sessions'], 'session')}" if mean else ""
        self._row("initial balance", text, f"{path}.initial_balance")
        if balance is not None and mean is None:
            self._row("IB average", None, f"{path}.ib_average")
        several = today["ib_multiples"] and "   ".join(
            f"{m['multiple']:g}x {self._price(m['below'])} / {self._price(m['above'])}" for m in today["ib_multiples"]
        )
        self._row("IB multiples", several, f"{path}.ib_multiples")
        beyond = today["range_extension"]
        self._row("range extension", beyond and f"up {self._price(beyond['up'])}, down {self._price(beyond['down'])}",
                  f"{path}.range_extension")  # fmt: skip

    def _nodes(self, of: dict[str, Any], path: str) -> None:
        for name in ("hvn", "lvn"):
            if of["poc"] is None:
                self._row(name.upper(), None, f"{path}.{name}")
            else:
                self._row(name.upper(), self._some(self._price(p) for p in reversed(of[name])) or "none")

    def _expiry(self) -> str | None:
        expiry = self._values["expiry"]
        if expiry is None:
            return None
        by = ", by rule" if expiry["by"] == "rule" else ""
        return f"{_date(expiry['date'])}, {'today' if expiry['days'] == 0 else 'in ' + plural(expiry['days'], 'day')}{by}"

    def _title(self, text: str) -> None:
        self._lines += ["", text[0].upper() + text[1:]]

    def _row(self, label: str, text: str | None, path: str = "") -> None:
        section, _, name = path.rpartition(".")
        self._lines.append(f"  {label:<{_LABEL}}{self._none(section, name) if text is None else text}")

    def _none(self, section: str, name: str) -> str:
        reason = self._values["reasons"].get(f"{section}.{name}" if section else name)
        return f"{NONE} ({reason})" if reason else NONE

    def _price(self, value: float) -> str:
        return number(value, self._decimals)

    def _span(self, rows: dict[str, float]) -> str:
        return f"{self._price(rows['low'])}–{self._price(rows['high'])}"

    def _some(self, texts: Iterable[str]) -> str:
        several = list(texts)
        more = f", and {len(several) - _SEVERAL} more" if len(several) > _SEVERAL else ""
        return ", ".join(several[:_SEVERAL]) + more


def _date(text: str) -> str:
    return f"{date.fromisoformat(text):%a} {text}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * (_LABEL + 2), break_on_hyphens=False) or [""]
