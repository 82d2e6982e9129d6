"""A CSV or Parquet file as Arrow columns with a name for each thing we know, and the line each row stands on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from auction_bt.core.errors import BadInput
from auction_bt.core.tick import F64, I64

from .files import clear_errors, open_binary
from .rejects import Rejects

# What a column may be called, the best name first; letter case and punctuation do not count.
ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "ts": ("ts", "timestamp", "datetime", "date_time", "time", "date", "timestamp_utc"),
    "price": ("price", "ltp", "last", "last_price", "last_traded_price"),
    "size": ("size", "qty", "quantity", "volume", "vol", "ltq", "last_traded_quantity"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v", "qty", "quantity"),
    "bid": ("bid", "bid_price", "best_bid"),
    "ask": ("ask", "ask_price", "best_ask"),
    "oi": ("oi", "open_interest"),
    "vtt": ("vtt",),
    "seq": ("seq",),
    "symbol": ("symbol", "ticker", "tradingsymbol", "instrument", "instrument_key"),
    "raw_json": ("raw_json",),
}
# A header that is understood and a row of it, for who has none.
LIKE_BARS: Final = "ts,open,high,low,close,volume and rows like 2026-11-20 09:15:00,100.05,100.50,100.00,100.20,1200"
LIKE_TICKS: Final = "ts,price,size and rows like 2026-11-20 09:15:00.250,100.05,50"
_BLOCK: Final = 64 * 1024 * 1024  # a message of a hundred symbols is one cell of a raw export
_DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one file.

    Parameters
    ----------
    path : Path
    columns : dict of str to pyarrow.Array
        By our names, each as its file has it (CSV: text).
    names : tuple of str
        The file's own column names.
    lines : int64 (n,)
        Line of each row, counted from 1 (Parquet: the row's number).
    rows : int
        Data rows in the file, the malformed ones counted too.
    """

    path: Path
    columns: dict[str, Any]
    names: tuple[str, ...]
    lines: I64
    rows: int

    def need(self, *wanted: str) -> None:
        """Raise `BadInput` naming the columns found where one of `wanted` is missing."""
        missing = [name for name in wanted if name not in self.columns]
        if missing:
            raise BadInput(f"{self.path}: no column for {', '.join(missing)}; the columns are {', '.join(self.names)}: "
                           f"say which with --map {missing[0]}=COLUMN, or write a header like "
                           f"{LIKE_TICKS if 'price' in wanted else LIKE_BARS}")  # fmt: skip

    def only(self, symbol: str | None) -> Table:
        """Return the rows of `symbol` where the file names symbols; refuse to mix several into one."""
        column = self.columns.get("symbol")
        if column is None:
            return self
        found = sorted(str(s) for s in pc.unique(column).to_pylist() if s is not None)
        if symbol in found:
            keep = pc.fill_null(pc.equal(column.cast(pa.string()), symbol), False)
            mask = keep.to_numpy(zero_copy_only=False)
            return Table(
                self.path, {k: v.filter(keep) for k, v in self.columns.items()}, self.names, self.lines[mask], int(mask.sum())
            )
        if len(found) > 1:
            raise BadInput(f"{self.path} holds {len(found)} symbols ({', '.join(found[:5])}): choose one with --symbol")
        return self

    def numbers(self, name: str) -> F64:
        """Return a column as float64, NaN where a cell is empty or no number."""
        column = self.columns[name]
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = _numeric_text(column)
        try:
            values = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise BadInput(f"{self.path}: column {name} holds no numbers but {column.type}") from error
        out: F64 = np.where(np.isnan(values), np.nan, values)  # one NaN for all, so that equal rows are equal bits
        return out


def read(path: Path, kind: str, mapping: Mapping[str, str], rejects: Rejects) -> Table:
    """Read a file.

    Parameters
    ----------
    kind : str
        ``csv`` or ``parquet``.
    mapping : mapping of str to str
        Our name to the file's, before any guess.
    rejects : Rejects
        Takes the malformed rows.
    """
    arrow, lines, rows = _read_csv(path, rejects) if kind == "csv" else _read_parquet(path)
    names = tuple(arrow.column_names)
    chosen = _choose(path, names, mapping)
    columns = {ours: _flat(arrow.column(names.index(theirs))) for ours, theirs in chosen.items()}
    # A date and a time of day in two columns are one stamp.
    day, clock = _find(names, "date"), _find(names, "time")
    if "ts" not in mapping and day and clock and chosen.get("ts") in {day, clock}:
        texts = [_flat(arrow.column(names.index(n))).cast(pa.string()) for n in (day, clock)]
        columns["ts"] = pc.binary_join_element_wise(*texts, " ")
    return Table(path, columns, names, lines, rows)


def _flat(column: Any) -> Any:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")


def _find(names: tuple[str, ...], alias: str) -> str | None:
    return next((n for n in names if _key(n) == alias), None)


def _choose(path: Path, names: tuple[str, ...], mapping: Mapping[str, str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for ours, aliases in ALIASES.items():
        if ours in mapping:
            exact = next((n for n in names if n == mapping[ours]), None) or _find(names, _key(mapping[ours]))
            if exact is None:
                raise BadInput(f"{path}: --map {ours}={mapping[ours]}: no such column; the columns are {', '.join(names)}")
            chosen[ours] = exact
            continue
        found = next((n for alias in aliases if (n := _find(names, alias))), None)
        if found is not None:
            chosen[ours] = found
    return chosen


def _read_csv(path: Path, rejects: Rejects) -> tuple[Any, I64, int]:
    with open_binary(path) as file:
        data = file.read()
        if not data.isascii():
            data.decode()  # here and not in Arrow, which prints what goes wrong in a callback
    header = data.split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    delimiter = max(_DELIMITERS, key=header.count)
    malformed: list[int] = []

    def handle(row: Any) -> str:
        malformed.append(row.number)
        return "skip"

    names = [n.strip().strip('"') for n in header.strip().split(delimiter)]
    is_raw = "raw_json" in {_key(n) for n in names}
    text = pa.large_string() if is_raw else pa.string()
    try:
        # Rows are numbered for the handler only where one thread reads them.
        table = pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=handle, ignore_empty_lines=False,
                                             newlines_in_values=is_raw),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(names, text), strings_can_be_null=not is_raw,
                                                 null_values=["", "null", "NULL", "NA", "None"]),
        )  # fmt: skip
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: no CSV table ({str(error).splitlines()[0]})") from error
    place = np.arange(2, table.num_rows + len(malformed) + 2, dtype=np.int64)
    lines = np.delete(place, np.array(malformed, dtype=np.int64) - 2)
    for number in malformed:
        rejects.add("another number of columns than the header", number)
    blank = np.ones(table.num_rows, dtype=bool)
    for column in table.columns:
        empty = pc.is_null(column) if not is_raw else pc.equal(column, "")
        blank &= empty.to_numpy(zero_copy_only=False)
    if blank.any():
        table, lines = table.filter(pa.array(~blank)), lines[~blank]
    return table, lines, table.num_rows + len(malformed)


def _read_parquet(path: Path) -> tuple[Any, I64, int]:
    try:
        with clear_errors(path):
            table = pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"{path}: the Parquet file is damaged ({str(error).splitlines()[0]}): copy it again") from error
    return table, np.arange(1, table.num_rows + 1, dtype=np.int64), table.num_rows


def _numeric_text(column: Any) -> Any:
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        text = pc.utf8_trim_whitespace(column)
        good = pc.match_substring_regex(text, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
        return pc.if_else(good, text, None).cast(pa.float64())
