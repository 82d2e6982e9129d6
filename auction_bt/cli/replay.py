"""The `replay` command: recorded messages through the router again, telling what happens as it happens."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from math import inf, isnan
from typing import Final

from auction_bt.backtest import Engine, Request, Run, beside_other, located, read, run_on
from auction_bt.core.bar import Bar
from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import clock_text, day_index, to_date
from auction_bt.core.news import News
from auction_bt.core.tick import Tick
from auction_bt.core.trade import Trade
from auction_bt.feeds.decode import decode
from auction_bt.pace import Key, Pace
from auction_bt.report import render
from auction_bt.router import MarketSink
from auction_bt.store import Event, Gap, RawMessage, TickStore
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.telling import line, seq_of
from auction_bt.wording import number, plural, quantity_of

from .arguments import Progress, check_state
from .backtest import record, state_folder, warn
from .keyboard import Keyboard, has_terminal
from .request import add_request, on_store, request_of
from .screen import Screen

HELP: Final = (
    "Run recorded messages through the router into the strategy once more, one by one as live, and tell what happens: signals "
    "taken and refused, fills, trades, regimes. Then the summary of the backtest with --engine replay, which is the same run. "
    "On a terminal: space pauses and goes on, s or the right arrow steps one message, b goes to the next bar, + and - change "
    "the speed, q ends with the summary so far."
)
_REFRESH_NS: Final = 200_000_000
_LOOK_NS: Final = 20_000_000  # at full speed keys are looked for this often
_LONGEST_WAIT_S: Final = 0.2
_KEYS: Final = "space pause · s step · b bar · +/- speed · q quit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_request(parser)
    parser.add_argument("--speed", type=float, metavar="N",
                        help="N times real time, by the stamps of the messages; silences over 2 minutes take no time "
                        "(default: as fast as it goes)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Replay and tell."""
    request = request_of(args, Engine.REPLAY)
    check_state(args.state)
    speed = inf if args.speed is None else args.speed
    if not speed > 0:
        raise BadInput(f"--speed {speed:g} must be above 0: 1 is real time, 60 a minute in a second")
    pace = Pace(time.monotonic_ns, speed)
    is_watched = has_terminal()
    notes: list[str] = []
    with ExitStack() as stack:
        store = stack.enter_context(open_store(args.store, readonly=True))
        screen = Screen(has_status=is_watched)
        stack.callback(screen.clear)
        request = on_store(request, args, store)
        found = replay(store, request, pace, screen, DayCache(args.state / "cache", notes.append), is_watched=is_watched)
    if pace.is_over:
        print("\nEnded early: the summary is of what was replayed, and nothing is kept.\n")
        print(render(found.result), end="")
    else:
        with Journal.open(state_folder(args.state)) as journal:
            kept = record(journal, found)
        print("\n" + render(found.result), end="")
        print(f"\nKept: every decision and trade as run {kept} of {args.state / 'journal.db'}")
    warn(found, notes)
    return 0


def replay(
    store: TickStore, request: Request, pace: Pace, screen: Screen, cache: DayCache | None = None, *, is_watched: bool = False
) -> Run:
    """Replay the messages of `request`; the result is `run_backtest`'s unless it was ended early."""
    progress = Progress()
    progress("reading")
    request = located(store, request)
    try:
        data = list(read(store, request, cache))
    finally:
        progress.clear()
    watch = Watch([r.instrument for r in data], pace, screen)
    if is_watched:
        with Keyboard() as keyboard:
            watch.look = keyboard.read
            found = run_on(store, data, request, watch)
    else:
        found = run_on(store, data, request, watch)
    return found if pace.is_over else beside_other(found, data, request)


class Watch:
    """The onlooker of a replay: paces its messages, listens to keys, and tells what happens.

    Parameters
    ----------
    instruments : list of Instrument
    pace : Pace
    screen : Screen

    Attributes
    ----------
    look : callable (seconds) returning a Key or None
        Waits at most that long for a key.
    """

    def __init__(self, instruments: list[Instrument], pace: Pace, screen: Screen) -> None:
        self.look: Callable[[float], Key | None] = _sleep
        self._instruments = {i.symbol: i for i in instruments}
        self._pace = pace
        self._screen = screen
        self._status = _Status(pace, screen)
        self._day = -1
        self._stamp = 0  # of the message that is being taken
        self._came: list[str] = []  # of the message
        self._bars = 0
        self._open: set[str] = set()

    # ---------------------------------------------------------------- auction_bt.backtest.Onlooker
    def messages(self, messages: Iterator[RawMessage]) -> Iterator[RawMessage]:
        """Yield each message when it is due."""
        looked = 0
        for message in messages:
            now = time.monotonic_ns()
            if now - looked >= _LOOK_NS:
                looked = now
                self._press(self.look(0))
                self._status.show(message.ts, len(self._open))
            while (left := self._pace.wait(message.ts)) > 0:
                self._status.show(message.ts, len(self._open))
                self._press(self.look(min(left, _LONGEST_WAIT_S)))
            if self._pace.is_over:
                return
            self._came.clear()
            self._bars = 0
            self._stamp = message.ts
            is_step, is_seeking = self._pace.is_stepping, self._pace.is_seeking
            yield message
            self._status.messages += 1
            if is_step or (is_seeking and self._bars):
                self._line(self._what(message))
            self._pace.passed(message.ts, bars=self._bars)

    def sink(self, sink: MarketSink) -> MarketSink:
        """Return a sink that notes what becomes of each message on its way to `sink`."""
        return _Noting(sink, self._note)

    def tell(self, news: News) -> None:
        """Print what happened."""
        if isinstance(news, Trade):
            self._open.discard(news.symbol)
        elif (fill := getattr(news, "fill", None)) is not None and fill.reason == "entry":
            self._open.add(news.symbol)
        text = line(news, self._instruments[news.symbol])
        if not text:
            return
        day = day_index(seq_of(news))
        if day != self._day:
            self._day = day
            self._line(f"{to_date(day):%a %d %b %Y}")
        self._line(text)

    # ---------------------------------------------------------------- between
    def _line(self, text: str) -> None:
        # The status below a line is never of an earlier moment than the line.
        self._screen.line(text, self._status.text(self._stamp, len(self._open)))

    def _press(self, key: Key | None) -> None:
        if key is not None:
            self._pace.press(key)
            self._status.is_stale = True

    def _note(self, what: Tick | Bar | Gap | Event) -> None:
        if isinstance(what, Bar):
            self._bars += what.symbol in self._instruments
        if self._pace.is_stepping or (self._pace.is_seeking and isinstance(what, Bar) and what.symbol in self._instruments):
            self._came.append(_came(what, self._instruments))

    def _what(self, message: RawMessage) -> str:
        # What the message was, and what came of it.
        frame = decode(_parsed(message.text))
        said = []
        for item in frame.items:
            instrument = self._instruments.get(item.symbol)
            if instrument is not None:
                ltp = "no price" if isnan(item.ltp) else f"ltp {number(item.ltp, instrument.decimals)}"
                volume = "no volume" if item.vtt is None else f"volume {number(float(item.vtt), 0)}"
                said.append(f"{item.symbol} {ltp} {volume}")
        kind = ", ".join(said) or frame.kind.replace("_", " ") or "not understood"
        came = "; ".join(self._came) or ("nothing traded" if said else "changes nothing")
        return f"{clock_text(message.ts, fraction=True)}  {kind} → {came}"


class _Noting:
    """A sink in front of another."""

    def __init__(self, sink: MarketSink, note: Callable[[Tick | Bar | Gap | Event], None]) -> None:
        self._sink = sink
        self._note = note

    def on_tick(self, tick: Tick) -> None:
        self._note(tick)
        self._sink.on_tick(tick)

    def on_bar(self, bar: Bar) -> None:
        self._note(bar)
        self._sink.on_bar(bar)

    def on_event(self, event: Event) -> None:
        self._note(event)
        self._sink.on_event(event)

    def on_gap(self, gap: Gap) -> None:
        self._note(gap)
        self._sink.on_gap(gap)


class _Status:
    """The line below: where the replay is, how fast, how many trades are open."""

    def __init__(self, pace: Pace, screen: Screen) -> None:
        self.messages = 0
        self.is_stale = True
        self._pace = pace
        self._screen = screen
        self._shown = self._counted = 0
        self._rate = 0.0

    def show(self, stamp: int, trades: int) -> None:
        """Show it where it is time to."""
        now = time.monotonic_ns()
        if now - self._shown < _REFRESH_NS and not self.is_stale:
            return
        self._rate = (self.messages - self._counted) * 1e9 / (now - self._shown) if self._shown else 0.0
        self._shown, self._counted, self.is_stale = now, self.messages, False
        self._screen.status(self.text(stamp, trades))

    def text(self, stamp: int, trades: int) -> str:
        """Return it as of `stamp`, at the rate last measured."""
        speed = "full speed" if self._pace.speed == inf else f"×{self._pace.speed:g}"
        how = f"paused at {speed}" if self._pace.is_paused else speed
        return (
            f"{to_date(day_index(stamp))} {clock_text(stamp)} IST  {how}  {self._rate:,.0f} messages/s  "
            f"{plural(trades, 'open trade')}  [{_KEYS}]"
        )


def _came(what: Tick | Bar | Gap | Event, instruments: dict[str, Instrument]) -> str:
    instrument = instruments.get(what.symbol)
    places = 2 if instrument is None else instrument.decimals
    if isinstance(what, Tick):
        return f"traded {quantity_of(instrument)(what.size)} at {number(what.price, places)}"
    if isinstance(what, Bar):
        prices = " ".join(number(p, places) for p in (what.open, what.high, what.low, what.close))
        return f"bar {clock_text(what.ts)[:5]} is known ({what.source.label}): {prices}, volume {number(float(what.volume), 0)}"
    if isinstance(what, Gap):
        silent = f"a silence of {(what.end - what.begin) / 1e9:.0f} s ends"
        return silent if what.kind == "silence" else f"{quantity_of(instrument)(what.volume)} traded before we joined"
    return f"{what.kind} is kept"


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _sleep(seconds: float) -> None:
    if seconds > 0:
        time.sleep(seconds)
