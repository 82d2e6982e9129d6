"""The doctor command."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auction_bt import doctor
from auction_bt.core.errors import AuctionError
from auction_bt.doctor import Finding, Level, RecordedDay, failed, passed, warned

if TYPE_CHECKING:
    from auction_bt.store import TickStore
    from auction_bt.store.address import QuestDsn
    from auction_bt.store.questdb.health import ServerHealth

HELP = (
    "Check Python, packages, the clock, the calendar, the state folder, the store and the disk, and say what to do about "
    "each problem. Exit code 1 where something fails."
)
# Not from `arguments`, nor is anything else imported here that needs packages: this command says which are missing.
STORE: Final = "sqlite:///auction.db"
STATE: Final = ".auction_bt"
_NAME: Final = "auction-bt"
_SHOWN: Final = 5
_SAMPLE: Final = 500  # messages to know their size by


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--store", default=STORE, metavar="DSN", help="where the data is (default: %(default)s)")
    parser.add_argument("--state", type=Path, default=Path(STATE), metavar="DIR",
                        help="folder of the journal and caches (default: %(default)s)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Examine everything; print a line each."""
    found = []
    for finding in _examine(args.store, args.state):
        print(finding, flush=True)
        found.append(finding)
    counts = Counter(f.level for f in found)
    print(f"{counts[Level.PASS]} passed, {counts[Level.WARN]} to look at, {counts[Level.FAIL]} failed")
    return 1 if counts[Level.FAIL] else 0


def _examine(dsn: str, state: Path) -> Iterator[Finding]:
    yield doctor.python(sys.version_info[:3])
    packages = _packages()
    yield from packages
    yield doctor.clock(time.time_ns())
    yield _state(state)
    if any(f.level is Level.FAIL for f in packages):
        yield warned("store", "not looked at because packages are missing: mend them and ask again")
        return
    yield from _calendar()
    yield from _spool(state)
    yield from _store(dsn, state)


def _packages() -> list[Finding]:
    try:
        requirements = metadata.requires(_NAME) or []
    except metadata.PackageNotFoundError:
        return [warned("packages", "this checkout is not installed, so what it needs cannot be looked up: run make install")]
    return doctor.packages((r, _version(r)) for r in requirements if doctor.is_always_needed(r))


def _version(requirement: str) -> str | None:
    try:
        return metadata.version(doctor.parsed(requirement)[0])
    except metadata.PackageNotFoundError:
        return None


def _state(state: Path) -> Finding:
    is_there = state.is_dir()
    is_writable = os.access(state, os.W_OK | os.X_OK) if state.exists() else os.access(_existing(state), os.W_OK | os.X_OK)
    mode = state.stat().st_mode & 0o777 if is_there and os.name == "posix" else 0
    return doctor.state_folder(str(state), is_there=is_there, is_writable=is_writable and is_there == state.exists(), mode=mode)


def _calendar() -> Iterator[Finding]:
    from auction_bt.core.ist import day_index, to_date
    from auction_bt.market.calendar import known_to
    from auction_bt.market.changes import changes

    today = to_date(day_index(time.time_ns()))
    try:
        last = known_to()
    except AuctionError as error:  # the user's own file
        yield failed("calendar", str(error))
        return
    yield doctor.calendar((last - today).days, str(last))
    begins: dict[str, str] = {}
    for change in changes(today, today + timedelta(days=doctor.CHANGES_AHEAD), ("sessions", "square_off")):
        begins.setdefault(str(change.rule.valid_from), change.rule.certainty.value)
    yield from doctor.changes(sorted(begins.items()))


def _spool(state: Path) -> list[Finding]:
    from auction_bt.store.spool import NAME, Spool

    if not (state / NAME).is_file():
        return []
    try:
        with Spool.open(state, readonly=True) as spool:
            return doctor.spool(spool.waiting(), spool.dead_count(), str(spool.mark("target", "the store")))
    except AuctionError as error:
        return [
            failed(
                "spool", f"{error}; do not record into this --state; keep the file, it may hold messages that are nowhere else"
            )
        ]


def _store(dsn: str, state: Path) -> Iterator[Finding]:
    from auction_bt.store.address import SqliteDsn, parse
    from auction_bt.store.dsn import is_there, open_store

    try:
        place = parse(dsn)
    except AuctionError as error:
        yield failed("store", str(error))
        return
    if isinstance(place, SqliteDsn):
        folder: Path | None = _existing(place.path.parent)
    else:
        health, findings = _server(place)
        yield from findings
        if health.sql or health.http:
            return
        is_here = bool(health.folder) and doctor.is_loopback(place.host) and Path(health.folder).exists()
        folder = Path(health.folder) if is_here else None
    day = None
    try:
        if not is_there(dsn):
            yield warned("store", f"no store at {place}: import or record something, which makes it")
        else:
            with open_store(dsn, readonly=True) as store:
                yield passed("store", f"{place}: {_holdings(store)}")
                yield from _price_steps(store)
                day = _recorded_day(store)
            if isinstance(place, SqliteDsn) and not (os.access(place.path, os.W_OK) and os.access(place.path.parent, os.W_OK)):
                yield warned("store", f"{place.path} or its folder is read-only: nothing can be recorded here")
    except AuctionError as error:
        yield failed("store", str(error))
    yield from _disks(folder, _existing(state), day)


def _server(place: QuestDsn) -> tuple[ServerHealth, list[Finding]]:
    from auction_bt.store.questdb.health import examine

    health = examine(place, time.time_ns)
    found = [doctor.loopback(place.host)]
    sql, http = f"port {place.port} (SQL)", f"port {place.http} (HTTP)"
    found.append(failed(sql, health.sql) if health.sql else passed(sql, f"answers, user {place.user} is let in"))
    if health.http:
        found.append(failed(http, health.http))
    elif not health.may_use_http:
        found.append(warned(http, f"QuestDB {health.version}, but user {place.user} is not let in: reading goes slowly over SQL, "
                                  "writing not at all; give the server's HTTP user, or the right password"))  # fmt: skip
    else:
        found.append(passed(http, f"QuestDB {health.version}, user {place.user} is let in"))
    if health.suspended:
        names = ", ".join(health.suspended)
        found.append(failed("tables", f"{names} suspended, new rows are not shown: look after its disk and log, then run "
                                      f"ALTER TABLE {health.suspended[0]} RESUME WAL there; no row is lost"))  # fmt: skip
    if health.offset is not None:
        found.append(doctor.server_clock(health.offset))
    return health, found


def _holdings(store: TickStore) -> str:
    from auction_bt.core.ist import to_datetime

    instruments = store.instruments()
    days = sum(len(store.days(i.symbol)) for i in instruments)
    last = store.last_raw()
    told = f"last message {to_datetime(last):%Y-%m-%d %H:%M:%S} IST" if last >= 0 else "no messages recorded yet"
    return f"{len(instruments):,} instruments, {days:,} symbol-days of ticks or bars, {told}"


def _price_steps(store: TickStore) -> list[Finding]:
    from auction_bt.importing.instruments import misfit_of_store

    wrong = [(i.symbol, told) for i in store.instruments() if (told := misfit_of_store(store, i))]
    found = [warned("tick", f"{symbol}: {told}") for symbol, told in wrong[:_SHOWN]]
    if len(wrong) > _SHOWN:
        found.append(warned("tick", f"{len(wrong) - _SHOWN} more are like this: data shows them"))
    return found


def _recorded_day(store: TickStore) -> RecordedDay | None:
    """Return the last whole day that was recorded."""
    from auction_bt.core.ist import day_index, day_start, to_date

    last = store.last_raw()
    if last < 0:
        return None
    newest = day_index(last)
    is_today = newest >= day_index(time.time_ns())
    for day in [*(range(newest - 1, newest - 5, -1) if is_today else ()), newest]:
        begin, end = day_start(day), day_start(day + 1)
        if count := store.raw_count(begin, end):
            sizes = [len(m.text.encode()) for m in islice(store.raw(begin, end), _SAMPLE)]
            return RecordedDay(str(to_date(day)), count, sum(sizes) / len(sizes))
    return None


def _disks(folder: Path | None, state: Path, day: RecordedDay | None) -> Iterator[Finding]:
    if folder is None:
        yield passed("disk", "the server's cannot be seen from here: look there that room is left")
    else:
        free = shutil.disk_usage(folder).free
        yield doctor.disk("disk", free)
        yield doctor.days_left(free, day)
    if folder is None or folder.stat().st_dev != state.stat().st_dev:
        yield doctor.disk("disk of the state folder", shutil.disk_usage(state).free)


def _existing(path: Path) -> Path:
    """Return the nearest folder that is there."""
    return next(p for p in (path.resolve(), *path.resolve().parents) if p.exists())
