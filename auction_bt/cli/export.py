"""The export command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from auction_bt.core.bar import Source
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import day_start
from auction_bt.store import TickStore
from auction_bt.store.dsn import open_store
from auction_bt.symbols import one_leg

from .arguments import add_dates, add_state, add_store, day_range, loaded_book, nothing_in

HELP = (
    "Write ticks, bars or messages of one symbol as CSV, or as Parquet where FILE ends in .parquet. Times are ns since 1970 UTC; "
    "a bar's is its start. The import command reads all of them back."
)
_ROWS: Final = 2_000  # messages a part: a message is a kilobyte or a hundred


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_store(parser)
    add_state(parser)
    parser.add_argument("--symbol", metavar="KEY", required=True, help="symbol or name")
    add_dates(parser)
    parser.add_argument("--what", choices=("ticks", "bars", "raw"), default="bars", help="(default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="(default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Write the table; the file is there whole or not at all."""
    days = day_range(args.from_date, args.to_date)
    with ExitStack() as stack:
        store = stack.enter_context(open_store(args.store, readonly=True))
        leg = one_leg(store, loaded_book(args.state, stack), args.symbol, days)
        symbol, days = leg.instrument.symbol, range(leg.first_day, leg.last_day + 1)
        tables = _tables(store, symbol, args.what, days)
        first = next(tables, None)
        if first is None:
            raise nothing_in(f"{args.what} of {symbol}", days, _stored(store, symbol, args.what))
        with _output(args.output) as file:
            _write(file, first, tables, is_parquet=args.output is not None and args.output.suffix.casefold() == ".parquet")
    return 0


def _stored(store: TickStore, symbol: str, what: str) -> list[int]:
    if what == "raw":
        return store.raw_days(symbol)
    return [h.day for h in store.holdings(symbol) if (h.ticks if what == "ticks" else h.bars)]


def _tables(store: TickStore, symbol: str, what: str, days: range) -> Iterator[Any]:
    """Yield Arrow tables of one schema, none of them empty."""
    if what == "raw":
        yield from _messages(store, symbol, days)
        return
    for day in days if len(days) < 10_000 else [d for d in store.days(symbol) if d in days]:
        begin, end = day_start(day), day_start(day + 1)
        table = _ticks(store, symbol, begin, end) if what == "ticks" else _bars(store, symbol, begin, end)
        if table.num_rows:
            yield table


def _ticks(store: TickStore, symbol: str, begin: int, end: int) -> Any:
    t = store.ticks(symbol, begin, end)
    columns = {"ts": t.ts, "seq": t.seq, "price": t.price, "size": t.size, "vtt": pa.array(t.vtt, mask=t.vtt < 0)}
    for name in ("bid", "ask", "oi"):
        values = getattr(t, name)
        columns[name] = pa.array(values, mask=np.isnan(values))
    return pa.table(columns)


def _bars(store: TickStore, symbol: str, begin: int, end: int) -> Any:
    b = store.bars(symbol, begin, end)
    labels = [Source(s).label for s in b.source.tolist()]
    columns = {n: getattr(b, n) for n in ("ts", "open", "high", "low", "close", "volume")}
    return pa.table({**columns, "source": pa.array(labels, pa.string())})


def _messages(store: TickStore, symbol: str, days: range) -> Iterator[Any]:
    stamps: list[int] = []
    texts: list[str] = []
    is_named = False
    held: list[Any] = []
    for message in store.raw(day_start(days.start), day_start(days.stop), [symbol]):
        stamps.append(message.ts)
        texts.append(message.text)
        is_named = is_named or symbol in message.symbols
        if len(stamps) == _ROWS:
            held.append(_raw_table(stamps, texts))
            stamps, texts = [], []
            if is_named:  # messages about all symbols alone are no data of this one
                yield from held
                held = []
    if stamps:
        held.append(_raw_table(stamps, texts))
    if is_named:
        yield from held


def _raw_table(stamps: list[int], texts: list[str]) -> Any:
    return pa.table({"ts": pa.array(stamps, pa.int64()), "raw_json": pa.array(texts, pa.string())})


def _write(file: BinaryIO, first: Any, rest: Iterator[Any], *, is_parquet: bool) -> None:
    if is_parquet:
        writer = pq.ParquetWriter(file, first.schema)
    else:
        # Our own header: Arrow's would stand in quotes.
        file.write((",".join(first.column_names) + "\n").encode())
        writer = pacsv.CSVWriter(
            file, first.schema, write_options=pacsv.WriteOptions(include_header=False, quoting_style="needed")
        )
    with writer:
        writer.write_table(first)
        for table in rest:
            writer.write_table(table)


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is not None:
            yield cast(BinaryIO, _Unclosed(buffer))
            return
        with io.BytesIO() as memory:
            yield cast(BinaryIO, _Unclosed(memory))
            sys.stdout.write(memory.getvalue().decode())
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield cast(BinaryIO, _Unclosed(file))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror or error}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class _Unclosed(io.RawIOBase):
    """A stream that Arrow may close without closing the one beneath."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Pass `data` on."""
        return self._file.write(data)

    def flush(self) -> None:
        """Pass it on."""
        self._file.flush()
