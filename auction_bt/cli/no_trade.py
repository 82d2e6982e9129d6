"""A file of days without entries, read into the setting ``no_trade``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.core.no_trade import parse_no_trade

_COLUMNS: Final = ("symbol", "from", "to", "reason")


def no_trade_text(path: Path) -> str:
    """Return the list of a CSV file as the setting has it.

    Parameters
    ----------
    path : Path
        With columns symbol (``*`` for all), from, to (YYYY-MM-DD, both included; an empty to: that day), reason.

    Raises
    ------
    BadInput
        No such file, no such columns, or a line that is no entry; names it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(line for line in file if not line.startswith("#"))
            names = [name.strip().lower() for name in rows.fieldnames or ()]
            if missing := [name for name in _COLUMNS if name not in names]:
                raise BadInput(f"--no-trade {path}: no column {', '.join(missing)}; the first line names {', '.join(_COLUMNS)}")
            rows.fieldnames = names
            entries = [_entry(path, row) for row in rows if any(row.values())]
    except OSError as error:
        raise BadInput(f"--no-trade {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"--no-trade {path} is no CSV file in UTF-8: {error}") from None
    return ";".join(entries)


def _entry(path: Path, row: dict[str, str]) -> str:
    symbol, first, last, reason = ((row[name] or "").strip() for name in _COLUMNS)
    entry = ",".join((symbol, first, last or first, " ".join(reason.replace(";", ",").split())))
    if "," in symbol or ";" in symbol:
        raise BadInput(f"--no-trade {path}: {symbol!r} is no symbol: write one a line")
    try:
        parse_no_trade(entry)
    except BadInput as error:
        raise BadInput(f"--no-trade {path}: {error}") from None
    return entry
