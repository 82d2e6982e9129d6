"""What a sweep runs: combinations of settings on symbols over a span of days, each trial named, none written out beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from random import Random
from typing import Any, Final

from auction_bt.backtest import Request, located
from auction_bt.core.errors import BadInput
from auction_bt.core.grid import Axis, Grid, parse_axis
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import to_date
from auction_bt.core.leg import Leg
from auction_bt.instruments.book import InstrumentBook
from auction_bt.settings import find
from auction_bt.store import TickStore
from auction_bt.store.trials import TrialLedger

from .trial import Place, Task, Terms, Trial, identity_of
from .versions import versions

# Settings that the lines of the profile depend on; trials that have them alike are run one after the other.
PROFILE: Final = ("period", "window", "anchor", "source", "method", "value_area", "ticks_per_row", "rule", "tick_size")
AT_ONCE: Final = 8  # trials of a task: what is lost with a worker, and how often a cluster is asked
_LOOKED_UP: Final = 512
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Located:
    """A symbol of a sweep, and what its trials stand on.

    Parameters
    ----------
    symbol : str
        As asked for.
    legs : tuple of Leg
    tradables : tuple of Instrument
    data : str
        A fingerprint of what is stored of it up to the last day: other data, other trials.
    """

    symbol: str
    legs: tuple[Leg, ...]
    tradables: tuple[Instrument, ...]
    data: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Trials, in an order of their own: symbol by symbol, on each the combinations by number.

    Parameters
    ----------
    symbols : tuple of Located
    first, last : int, IST day
        Both included.
    grid : Grid
    numbers : sequence of int
        Which combinations of the grid, in order.
    base : tuple of (name, value)
        Settings that all have alike.
    terms : Terms
    code : str
        A fingerprint of what computes trades.
    """

    symbols: tuple[Located, ...]
    first: int
    last: int
    grid: Grid
    numbers: Sequence[int]
    base: tuple[tuple[str, Any], ...]
    terms: Terms
    code: str

    def __len__(self) -> int:
        return len(self.symbols) * len(self.numbers)

    def as_json(self) -> dict[str, Any]:
        """Return what is tried on what, as reports tell it."""
        return {
            "symbols": [each.symbol for each in self.symbols],
            "from": to_date(self.first),
            "to": to_date(self.last),
            "grid": {axis.name: axis.values for axis in self.grid.axes},
            "settings": dict(self.base),
            "terms": self.terms.as_json(),
        }

    def settings(self, number: int) -> dict[str, Any]:
        """Return the settings of one combination, those that all have alike included."""
        return dict(self.base) | self.grid.at(number)

    def trial(self, located: Located, number: int) -> Trial:
        """Return one trial."""
        settings = self.settings(number)
        identity = identity_of(located.symbol, self.first, self.last, settings, self.terms, located.data, self.code)
        return Trial(located.symbol, self.first, self.last, tuple(sorted(settings.items())), identity)

    def trials(self) -> Iterator[Trial]:
        """Yield every trial."""
        for each in self.symbols:
            for number in self.numbers:
                yield self.trial(each, number)

    def in_groups(self) -> Iterator[list[Trial]]:
        """Yield every trial, some hundred at a time."""
        for each in self.symbols:
            for some in _in_groups(self.numbers, _LOOKED_UP):
                yield [self.trial(each, number) for number in some]

    def tasks(self, ledger: TrialLedger, place: Place, at_once: int = AT_ONCE) -> Iterator[Task]:
        """Yield what the ledger does not have yet, trials that share lines together."""
        own = tuple(versions().items())
        for each in self.symbols:
            for some in _in_groups(self.numbers, _LOOKED_UP):
                trials = [self.trial(each, number) for number in some]
                known = ledger.known(t.identity for t in trials)
                left = sorted((t for t in trials if t.identity not in known), key=_lines_of)
                for group in _in_groups(left, at_once):
                    yield Task(place, self.terms, each.legs, each.tradables, each.data, tuple(group), own)

    def only(self, numbers: Sequence[int]) -> Plan:
        """Return the plan of these combinations alone."""
        return replace(self, numbers=numbers)


def grid_of(texts: Iterable[str]) -> Grid:
    """Return the grid of ``name=values`` texts, values checked as settings are.

    Raises
    ------
    BadInput
        An unknown name, a value that is not allowed, one of them twice.
    """
    axes = []
    for text in texts:
        name, values = parse_axis(text)
        if name == "slippage":
            raise BadInput("slippage is an option of its own and the same for all trials: give --slippage N")
        setting = find(name)
        axes.append(Axis(name, tuple(setting.parse(value) for value in values)))
    return Grid(tuple(axes))


def chosen(grid: Grid, sample: int | None, seed: int) -> Sequence[int]:
    """Return which combinations to run: all, or `sample` of them drawn without replacement, in order."""
    if sample is None or sample >= len(grid):
        if len(grid) > _MOST:
            raise BadInput(f"the grid has {len(grid):,} combinations: at most {_MOST:,} can be run; draw some with --sample N")
        return range(len(grid))
    if sample < 1:
        raise BadInput(f"--sample {sample} must be 1 or more")
    return tuple(sorted(Random(seed).sample(range(len(grid)), sample)))  # noqa: S311 - nothing secret is drawn


def find_symbols(
    store: TickStore, book: InstrumentBook | None, request: Request, symbols: Iterable[str]
) -> tuple[Located, ...]:  # fmt: skip
    """Return what each of `symbols` means on the days of `request`, each on its own.

    Raises
    ------
    BadInput, NothingToDo
        As `backtest.located`; one of them twice.
    """
    found: dict[str, Located] = {}
    for symbol in symbols:
        one = located(store, replace(request, symbols=(symbol,)), book)
        if symbol in found:
            raise BadInput(f"{symbol} is given twice")
        found[symbol] = Located(symbol, one.legs, one.tradables, _fingerprint(store, one))
    return tuple(found.values())


def _fingerprint(store: TickStore, request: Request) -> str:
    found = blake2b(digest_size=8)
    for leg in request.legs:
        found.update(repr(leg).encode())
    instruments = [*(leg.instrument for leg in request.legs), *request.tradables]
    for symbol in sorted({i.symbol for i in instruments}):
        days = [day for day in store.days(symbol) if day < request.days.stop]
        seals = store.seals(symbol, range(days[0], days[-1] + 1)) if days else {}
        found.update(repr((symbol, days, sorted(seals.items()))).encode())
    return found.hexdigest()


def _lines_of(trial: Trial) -> tuple[str, ...]:
    given = dict(trial.settings)
    return tuple(str(given.get(name, "")) for name in PROFILE)


def days_text(plan: Plan) -> str:
    """Return the days of a plan: ``2026-11-02..2026-11-20``."""
    return f"{to_date(plan.first)}..{to_date(plan.last)}"


def _in_groups(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
