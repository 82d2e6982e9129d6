"""The record command."""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from auction_bt.core.errors import AuctionError, BadInput, Fatal, Refused, Retryable
from auction_bt.core.ist import DAY_NS, MINUTE_NS, to_date, to_datetime
from auction_bt.forwarder import Forwarder, StoreState
from auction_bt.importing.finish import finish
from auction_bt.importing.source import (
    Arrival,
    FileSource,
    OwnStamps,
    Stamper,
    at_receipt,
    from_pipe,
    refuse_older,
    refuse_stored,
    sent_at,
)
from auction_bt.recorder import Recorder
from auction_bt.store.address import SqliteDsn, parse
from auction_bt.store.dsn import is_there, open_store, remove_unused
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import LOCK, NAME, Place, Spool

from .arguments import Progress, add_base_url, add_state, add_step, add_store
from .configured import add_config
from .stopping import stopping
from .tokens import add_keyring

HELP = (
    "Record messages of the feed: from the broker itself (--feed upstox --symbol NIFTY-FUT), or one JSON message a line from "
    "standard input, stamped as they are received, or from a file, at the stamps they carry. Each is on the disk before it "
    "counts as recorded; a store that cannot be reached is sent what it missed when it is back. Started again after a kill, a "
    "file is read on from where it was left."
)

_STANDARD_INPUT: Final = 0
_FIRST_S: Final = 5.0  # for the store to answer before messages are taken; later it is as good as down
_LOOK_S: Final = 0.5
_RATE_S: Final = 5.0
_LINGER_S: Final = 1.0  # for what has been read already, after the word to stop
_PATIENCE_S: Final = 30.0
_FAR_NS: Final = 60 * MINUTE_NS  # no clock of a live feed is that wrong


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("file", nargs="?", default="-", metavar="FILE",
                        help="JSON lines or a JSON array, plain or gzip (default: -, standard input)")  # fmt: skip
    add_store(parser)
    add_state(parser)
    parser.add_argument("--stamp", choices=("receive", "own"),
                        help="when a message was received: now, or as it says itself (default: receive from standard input, "
                        "own from a file)")  # fmt: skip
    add_step(parser)
    _add_feed(parser)
    parser.add_argument("--no-derive", action="store_true", help="leave bars and ticks of the days recorded to a later run")
    parser.add_argument("--wait", type=float, default=_PATIENCE_S, metavar="SECONDS",
                        help="at the end, for the store to take everything (default: %(default)g)")  # fmt: skip
    parser.add_argument("--ack", action="store_true",
                        help="print STAMP COUNT after each write: the last stamp on the disk, and how many lines of standard "
                        "input are, of all runs with this state folder; the first line tells where to go on")  # fmt: skip


def _add_feed(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the broker's feed")
    group.add_argument("--feed", choices=("upstox",), help="take the messages from there; a read-only token is enough")
    group.add_argument("--symbol", action="append", default=[], metavar="KEY",
                       help="key or name, or NAME + ATM±10 for the options around its money too; may be given again")  # fmt: skip
    group.add_argument("--every", type=float, default=30.0, metavar="SECONDS", help="between two lines (default %(default)g)")
    add_config(parser)
    add_base_url(parser)
    add_keyring(parser)


def run(args: argparse.Namespace) -> int:
    """Record until the input ends or a signal comes."""
    if args.feed is not None:
        from .record_feed import record_feed  # with all of a live day, which no other recording needs

        return record_feed(args)
    if args.symbol:
        raise BadInput("--symbol is for the broker's feed: add --feed upstox; lines of a file say themselves whose they are")
    if args.no_derive and (args.tick or args.lot):
        raise BadInput("--tick and --lot are for the end of the recording, which --no-derive leaves out: leave that out")
    place = parse(args.store)
    target = f"sqlite:///{place.path.resolve().as_posix()}" if isinstance(place, SqliteDsn) else str(place)
    source = None if args.file == "-" else FileSource(Path(args.file))
    with ExitStack() as stack:
        stack.enter_context(FolderLock.take(args.state, LOCK, "recorder"))
        if not _is_there(args.store):
            stack.callback(remove_unused, args.store)
        with Spool.open(args.state) as spool:
            spool.aim(target)
            waiting = spool.waiting()
        recording = _Recording(args, target, source, waiting)
        with stopping(recording.word.give):
            recording.run()
        if not args.no_derive and recording.is_all_sent:
            _derive(args, recording.say)
        recording.judge()
    return 0


def _is_there(dsn: str) -> bool:
    """Return whether the store is there; True where nobody can tell, so that nothing is removed later."""
    try:
        return is_there(dsn)
    except (AuctionError, OSError):
        return True


class _Word:
    """The word to stop."""

    is_given = False

    def give(self) -> bool:
        """Give it; the second signal acts as ever."""
        self.is_given = True
        return True


class _Recording:
    """One run: a thread reads, the recorder writes, the forwarder sends; this looks on and tells."""

    def __init__(self, args: argparse.Namespace, target: str, source: FileSource | None, waiting: int) -> None:
        self._args = args
        self._target = target
        self._source = source
        self._name = "-" if source is None else source.name
        self._is_own = (args.stamp or ("receive" if source is None else "own")) == "own"
        self._waiting_before = waiting
        self._out = sys.stderr if args.ack else sys.stdout
        self._progress = Progress()
        self._news = threading.Event()
        self._moved = 0
        self._patience: float = args.wait
        self._acked = (-2, -2)
        self._was_up: bool | None = None
        self._down_since = 0.0
        self._hint = ""
        self._rates: deque[tuple[float, int]] = deque()
        self.word = _Word()
        self.failed: Exception | None = None
        self.is_all_sent = False
        self._left = 0  # messages that wait at the end
        self._reason = ""  # of the last dead letter
        self.recorder = Recorder(args.state, time.time_ns, told=self._on_group)
        holder = f"{socket.gethostname()}:{args.state.resolve()}"
        self.forwarder = Forwarder(args.state, lambda: open_store(args.store, create=True), holder, time.time_ns,
                                   gives_way=lambda: self.recorder.is_behind)  # fmt: skip

    def say(self, text: str) -> None:
        """Tell people a line."""
        self._progress.clear()
        print(text, file=self._out, flush=True)

    def run(self) -> None:
        """Record from the beginning of the input to its end."""
        self.recorder.start()
        try:
            self.forwarder.start()
            self._begin()
            reader = threading.Thread(target=self._read, name="reader", daemon=True)
            reader.start()
            while reader.is_alive() and not self.word.is_given and self.recorder.error is None:
                self._news.wait(_LOOK_S)
                self._look()
            self.word.is_given = True
            reader.join(_LINGER_S)
        except BaseException:
            self._patience = 0.0
            raise
        finally:
            try:
                self.recorder.close()
            finally:
                self._end()

    def _begin(self) -> None:
        state = self.forwarder.wait_tried(_FIRST_S)
        if isinstance(state.error, Refused):  # a wrong password, another recorder: waiting does not help
            raise state.error
        last = self.forwarder.last_raw
        if last < time.time_ns() + DAY_NS:
            self.recorder.raise_floor(last)
        else:  # one wrong clock in an import must not move every stamp to come
            self.say(
                f"the store has messages of the future, up to {to_datetime(last):%Y-%m-%d %H:%M}: their stamps are passed over"
            )
        if not self._is_own:
            self.recorder.say_silence()
        what = "standard input" if self._source is None else str(self._args.file)
        hint = " (one message a line, the end is Ctrl-D)" if self._source is None and sys.stdin.isatty() else ""
        stamps = "the stamps it carries" if self._is_own else "stamps of receipt"
        self.say(f"recording {what}{hint} to {self._target}, {stamps}")
        if self._waiting_before:
            self.say(f"{self._waiting_before:,} messages of earlier wait in the spool and go first")
        self._look()

    def _read(self) -> None:
        try:
            before = self.recorder.place(self._name)
            arrival: Stamper = OwnStamps(time.time_ns).of if self._is_own else at_receipt
            if self._args.stamp is None and self._source is None:
                arrival = self._watched(arrival)
            is_stopping = lambda: self.word.is_given  # noqa: E731
            if self._source is None:
                found = from_pipe(_STANDARD_INPUT, before or Place("-", 0), arrival, is_stopping)
            else:
                found = self._source.read(before, arrival, is_stopping)
            self._take(found, before)
        except Fatal:
            pass  # the recorder tells it itself
        except Exception as error:  # to be raised where it can be told
            if not self.word.is_given or not isinstance(error, Refused):
                self.failed = error

    def _watched(self, arrival: Stamper) -> Stamper:
        """Look at the first message that has a clock of its own: stamped now, what was saved on another day stands on two."""
        is_watching = True

        def of(text: str, place: Place, reason: str) -> Arrival:
            nonlocal is_watching
            if is_watching and (own := sent_at(text)):
                is_watching = False
                if abs(time.time_ns() - own) > _FAR_NS:
                    day = f"{to_datetime(own):%Y-%m-%d %H:%M}"
                    self._hint = (f"these messages are of {day} and are stamped now: they stand on today, their bars on that "
                                  "day, where no replay finds them; use --stamp own for saved ones")  # fmt: skip
            return arrival(text, place, reason)

        return of

    def _take(self, found: Iterator[Arrival], before: Place | None) -> None:
        is_first = self._is_own
        for each in found:
            if is_first and (before is None or each.place.head == "" or each.place.offset <= before.offset):
                refuse_older(each, self.recorder.last, str(self._args.file))
                # Not a pipe: a live sender that goes back by a few messages must not be cut off for it.
                if self._source is not None and each.stamp is not None and each.stamp <= self.forwarder.last_raw:
                    refuse_stored(each, lambda: open_store(self._args.store, readonly=True), str(self._args.file))
            is_first = False
            stamp = self.recorder.put(each.text, each.symbols, stamp=each.stamp, place=each.place, reason=each.reason)
            self._moved += each.stamp is not None and stamp != each.stamp

    def _on_group(self) -> None:
        self._news.set()
        self.forwarder.wake()

    def _look(self) -> None:
        self._news.clear()
        self._ack()
        self._say_hint()
        state = self.forwarder.state
        if state.is_up is not None and state.is_up is not self._was_up:  # why it is down may change; that it is, is said once
            if not state.is_up:
                self._down_since = state.since
                self.say(f"store down: {state.reason}; messages wait in the spool")
            elif self._was_up is not None:
                self.say(f"store up again after {state.since - self._down_since:,.0f} s")
            self._was_up = state.is_up
        self._progress(self._status(state))

    def _say_hint(self) -> None:
        hint, self._hint = self._hint, ""
        if hint:
            self.say(hint)

    def _ack(self) -> None:
        if not self._args.ack:
            return
        count = self.recorder.place(self._name)  # asked first: the stamp is never older than the count
        now = self.recorder.committed, count.offset if count else 0
        if now != self._acked:
            self._acked = now
            print(*now, flush=True)

    def _status(self, state: StoreState) -> str:
        now = time.monotonic()
        count = self.recorder.recorded
        self._rates.append((now, count))
        while now - self._rates[0][0] > _RATE_S:
            self._rates.popleft()
        (begin, first) = self._rates[0]
        rate = (count - first) / (now - begin) if now > begin else 0.0
        store = "store OK" if state.is_up else f"store down {now - state.since:,.0f} s" if state.is_up is False else "store …"
        lost = f", {self.recorder.lost:,} lost" if self.recorder.lost else ""
        return f"{count:,} messages, {rate:,.0f}/s, {self._waiting():,} in the spool{lost}, {store}"

    def _waiting(self) -> int:
        return max(0, self._waiting_before + self.recorder.recorded - self.forwarder.sent - self.forwarder.buried)

    def _end(self) -> None:
        """Send what is written and tell how it went."""
        self._ack()
        self._say_hint()
        self._progress("sending what waits in the spool")
        self.is_all_sent = self.forwarder.finish(self._patience if self.recorder.error is None else 0.0)
        self._progress.clear()
        with Spool.open(self._args.state, durable=False) as spool:
            self._left, dead = spool.waiting(), spool.dead_letters()
        self._tell_end(len(dead), dead[-1].reason if dead else "")

    def _tell_end(self, dead: int, reason: str) -> None:
        recorder, forwarder = self.recorder, self.forwarder
        self.say(f"{recorder.recorded:,} messages recorded, {forwarder.sent:,} sent to the store")
        if self._source is not None and self._source.is_whole and not recorder.recorded and not recorder.dead:
            self.say(f"nothing new in {self._args.file}")
        if self._source is not None and not self._source.is_whole and self.failed is None and recorder.error is None:
            self.say(f"{self._args.file} was not read to its end: the next start goes on from there")
        for text in self._source.notes if self._source is not None else ():
            self.say(text)
        if self._moved:
            self.say(f"{self._moved:,} stamps moved on to stay unique")
        if recorder.lost:
            self.say(f"{recorder.lost:,} lost for want of room: the gap messages say when")
        if forwarder.sent_again:
            self.say(f"{forwarder.sent_again:,} sent again: the store had lost them")
        if dead:
            self.say(f"{dead:,} dead letters in {self._spool_path}, the last: {reason}")
            self._reason = reason
        if self._left and (self.failed is not None or recorder.error is not None):  # else `judge` says it
            self.say(f"{self._left:,} wait in {self._spool_path}: the next start sends them")

    def judge(self) -> None:
        """Raise what the command is to end with, where it is not success."""
        if self.failed is not None:
            raise self.failed
        recorder, forwarder = self.recorder, self.forwarder
        is_none_read = recorder.dead and not recorder.recorded
        if is_none_read or (forwarder.buried and not forwarder.sent and not self._left):
            dead = recorder.dead + forwarder.buried
            name = str(self._args.file) if self._source is not None else "standard input"
            hint = " (no gzip file, whatever its name says)" if self._source is not None and self._source.is_misnamed else ""
            raise BadInput(f"{name}{hint}: none of {dead:,} lines could be kept as a message, the last: {self._reason}; "
                           f"they are dead letters in {self._spool_path}: record one JSON message a line")  # fmt: skip
        if self._left:
            why = f" ({forwarder.state.reason})" if forwarder.state.reason else ""
            raise Retryable(f"{self._left:,} messages wait in {self._spool_path}: the store has not taken them yet{why}; none is "
                            "lost, the next record with this --state and --store sends them first")  # fmt: skip

    @property
    def _spool_path(self) -> Path:
        return self._args.state / NAME  # type: ignore[no-any-return]


def _derive(args: argparse.Namespace, say: Any) -> None:
    with Spool.open(args.state) as spool:
        touched = spool.touched()
        if not touched:
            return
        progress = Progress()
        with open_store(args.store) as store:
            found = finish(store, touched, lambda day: progress(f"building bars: {to_date(day)}"), tick=args.tick, lot=args.lot)
        progress.clear()
        spool.forget_touched()
    for line in found.lines():
        say(f"  {line}")
