"""A market day that can be played: the feed's frames in their order, and what is traded in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any, Final, NamedTuple

from auction_bt.core.errors import NothingToDo
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_start, from_date, to_date
from auction_bt.feeds.decode import OWN_KINDS
from auction_bt.store import RawMessage, TickStore
from auction_bt.synthetic import Shape, conflate, merge, tape

from .contract import Contract, contract_of

_MS: Final = 1_000_000
_FEED: Final = ("ltpc", "fullFeed", "firstLevelWithGreeks", "requestMode")
_HEAD: Final = 20_000  # messages in which the close of the day before is looked for


class Shown(NamedTuple):
    """One frame.

    Parameters
    ----------
    at : int, ns
        When it was received; strictly increasing within a day.
    message : dict
        As the SDK decodes it: ``feeds`` or ``marketInfo``, and ``currentTs``.
    """

    at: int
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """What is played.

    Parameters
    ----------
    day : int, IST day
    contracts : tuple of Contract
    frames : callable returning an iterator of Shown
        From the beginning, at each call.
    """

    day: int
    contracts: tuple[Contract, ...]
    frames: Callable[[], Iterator[Shown]]

    @property
    def keys(self) -> tuple[str, ...]:
        """The instrument keys."""
        return tuple(contract.key for contract in self.contracts)


def day_of_store(opened: Callable[[], TickStore], day: int, symbols: Sequence[str] = ()) -> Day:
    """Return a day as a store has its messages; of some symbols, or of all it has messages of on that day.

    Parameters
    ----------
    opened : callable returning TickStore
        Opens the store; whoever asks for the frames does so in a thread of their own.

    Raises
    ------
    NothingToDo
        It has none.
    """
    with opened() as store:
        chosen = [store.instrument(name) for name in symbols] if symbols else store.instruments()
        days = {instrument.symbol: set(store.raw_days(instrument.symbol)) for instrument in chosen}
    found = [instrument for instrument in chosen if day in days[instrument.symbol]]
    if not found or (symbols and len(found) < len(chosen)):
        missing = ", ".join(i.symbol for i in chosen if symbols and i not in found)
        known = sorted(set().union(*days.values()))
        have = f"it has them of {to_date(known[0])} to {to_date(known[-1])}" if known else "it has none of any day"
        raise NothingToDo(f"the store has no messages of {missing or 'any symbol'} on {to_date(day)}: {have}")
    keys = {instrument.symbol for instrument in found}

    def frames() -> Iterator[Shown]:
        with opened() as store:
            yield from frames_of(store.raw(day_start(day), day_start(day + 1), sorted(keys)), keys)

    return _day(day, found, frames)


def day_of_seed(
    seed: int, day: date, instruments: Iterable[Instrument], start_price: float = 2400.0, per_minute: int = 20
) -> Day:
    """Return a made-up day: balanced, trending and random symbols in turn; the same seed, the same day."""
    chosen = tuple(instruments)
    shapes = tuple(Shape)

    def frames() -> Iterator[Shown]:
        streams = [
            conflate(tape(instrument, day, shapes[n % len(shapes)], seed, start_price, per_minute), seed, per_minute)
            for n, instrument in enumerate(chosen)
        ]
        for at, message in merge(*streams):
            yield Shown(at, message)

    return _day(from_date(day), chosen, frames)


def frames_of(messages: Iterable[RawMessage], keys: set[str]) -> Iterator[Shown]:
    """Yield the frames of the feed in recorded messages, those of `keys`; our own kinds are none, and stamps rise strictly."""
    last = -1
    for raw in messages:
        message = json.loads(raw.text)
        found = _frame(message, raw.ts, keys) if isinstance(message, dict) else None
        if found is not None:
            last = max(raw.ts, last + 1)
            yield Shown(last, found)


def _frame(message: dict[str, Any], ts: int, keys: set[str]) -> dict[str, Any] | None:
    now = {"currentTs": str(message.get("currentTs") or ts // _MS)}
    feeds = message.get("feeds")
    if isinstance(feeds, dict):
        feeds = {key: feed for key, feed in feeds.items() if key in keys}
        return {**({"type": message["type"]} if "type" in message else {}), "feeds": feeds, **now} if feeds else None
    key = message.get("instrumentKey")
    if key in keys:  # as some recorders keep it: the frame around it is lost
        return {"type": "live_feed", "feeds": {key: {n: message[n] for n in _FEED if n in message}}, **now}
    if isinstance(message.get("marketInfo"), dict) and message.get("kind") not in OWN_KINDS:
        return {"type": "market_info", "marketInfo": message["marketInfo"], **now}
    return None


def _day(day: int, instruments: Sequence[Instrument], frames: Callable[[], Iterator[Shown]]) -> Day:
    closes = _closes(frames(), {instrument.symbol for instrument in instruments})
    contracts = tuple(contract_of(i, day, close=closes.get(i.symbol), trading_symbol=i.name or i.symbol) for i in instruments)
    return Day(day, contracts, frames)


def _closes(frames: Iterator[Shown], wanted: set[str]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for _, message in islice(frames, _HEAD):
        for key, feed in message.get("feeds", {}).items():
            close = _close(feed)
            if key not in found and close:
                found[key] = Decimal(str(close))
        if len(found) == len(wanted):
            break
    return found


def _close(feed: dict[str, Any]) -> float:
    full = feed.get("fullFeed", {})
    body = full.get("marketFF") or full.get("indexFF") or feed.get("firstLevelWithGreeks") or feed
    close = body.get("ltpc", {}).get("cp", 0.0)
    return close if isinstance(close, float | int) and close > 0 else 0.0
