"""A rehearsal: a store of its own with the days before, and a simulated exchange that plays the day itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from auction_bt.core.errors import AuctionError, BadInput, Refused
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_start, from_date
from auction_bt.derive import derive
from auction_bt.loading import warm_up_from
from auction_bt.market.sessions import session_of
from auction_bt.parsing import dump
from auction_bt.store import RawMessage, TickStore
from auction_bt.store.dsn import open_store
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.journal import NAME as JOURNAL
from auction_bt.store.journal import Journal
from auction_bt.synthetic import Shape, conflate, tape
from auction_bt.wording import plural

from .command_box import RUN_LOCK

FOLDER: Final = "rehearsal"
_MARK: Final = ".auction_bt_rehearsal"


def fresh_folder(state: Path, say: Callable[[str], None]) -> Path:
    """Return the folder of the rehearsal within a state folder, empty; the one before is removed, which is said.

    Raises
    ------
    BadInput
        There is such a folder, and no rehearsal has made it.
    Refused
        A rehearsal runs on it.
    """
    folder = state / FOLDER
    try:
        if folder.exists():
            if any(folder.iterdir()) and not (folder / _MARK).exists():
                raise BadInput(f"{folder} exists and is not a rehearsal's: give another --state")
            if FolderLock.is_held(folder, RUN_LOCK):
                raise Refused(f"another rehearsal runs on {folder}: stop it first, or give another --state")
            say(f"a rehearsal begins its day anew: {folder} is emptied of the one before{_kept(folder)}")
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise BadInput(f"cannot make the folder {folder}: {error.strerror or error}: give another --state") from error
    return folder


def _kept(folder: Path) -> str:
    if not (folder / JOURNAL).exists():
        return ""
    with suppress(AuctionError), Journal.open(folder, readonly=True) as journal:
        return f", {plural(len(journal.runs()), 'kept run')} with it"
    return ""


def store_of(folder: Path) -> str:
    """Return the DSN of a rehearsal's store."""
    return f"sqlite:///{(folder / 'auction.db').resolve().as_posix()}"


def fill(
    folder: Path, opened: Callable[[], TickStore] | None, instruments: Sequence[Instrument], day: int,
    settings: Mapping[str, Any],
) -> None:  # fmt: skip
    """Make the rehearsal's store: the instruments, and what is stored of them before IST day `day`, for the windows."""
    with open_store(store_of(folder), create=True) as into:
        for instrument in instruments:
            into.put_instrument(instrument)
        if opened is None:
            return
        with opened() as store:
            for instrument in instruments:
                _copy(store, into, instrument, day, settings)


def fill_made_up(folder: Path, seed: int, instruments: Sequence[Instrument], day: date, per_minute: int) -> None:
    """Make the store of a made-up day: the instruments, and a quiet day before it."""
    before = day - timedelta(days=1)
    while session_of(instruments[0], from_date(before)).is_closed:
        before -= timedelta(days=1)
    with open_store(store_of(folder), create=True) as into:
        for instrument in instruments:
            into.put_instrument(instrument)
            stream = conflate(tape(instrument, before, Shape.BALANCED, seed, per_minute=per_minute), seed, per_minute)
            into.add_raw(RawMessage(at, dump(body), tuple(body.get("feeds", ()))) for at, body in stream)
        derive(into, [i.symbol for i in instruments], [from_date(before)])


def _copy(store: TickStore, into: TickStore, instrument: Instrument, day: int, settings: Mapping[str, Any]) -> None:
    symbol = instrument.symbol
    begin = warm_up_from(store, instrument, day, settings, 0)
    for each in _days(store, symbol, begin, day):
        first, last = day_start(each), day_start(each + 1)
        into.put_derived(
            symbol, range(each, each + 1), store.ticks(symbol, first, last), store.bars(symbol, first, last),
            store.gaps(symbol, first, last),
        )  # fmt: skip


def _days(store: TickStore, symbol: str, begin: int, day: int) -> Iterable[int]:
    return [each for each in store.days(symbol) if begin <= day_start(each) and each < day]
