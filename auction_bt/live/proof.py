"""A live run proved: its recorded messages, worked off again without a sender, end in what it did; and so does a backtest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from auction_bt.backtest import Engine, Request, located, read, run_on
from auction_bt.core.costing import Charges
from auction_bt.core.decision import Decision
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.ist import SECOND_NS, day_start, from_date, to_date
from auction_bt.core.leg import Leg
from auction_bt.core.trade import Trade
from auction_bt.difference import Difference, Happening, decision_happenings, digest, first_difference, trade_happenings
from auction_bt.settings import SETTINGS
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache

from .engine import LiveAuctionEngine, LivePlan, Orders
from .source import StoredSource
from .warm import warm_days

_MS_NS: Final = 1_000_000
_TIMES: Final = frozenset({"entry_ts", "exit_ts", "entry_seq", "exit_seq", "fills"})


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """What a live run has kept.

    Parameters
    ----------
    settings : dict
        As the journal has them.
    decisions : tuple of Decision
    trades : tuple of Trade
        Closed, in the order in which they were.
    """

    settings: Mapping[str, Any]
    decisions: tuple[Decision, ...]
    trades: tuple[Trade, ...]

    def __post_init__(self) -> None:
        if "orders" not in self.settings:
            raise BadInput("the run was no live run: `verify` without --run proves a backtest")

    @property
    def day(self) -> date:
        """Of the run."""
        return date.fromisoformat(str(self.settings["from"]))

    @property
    def is_as_backtested(self) -> bool:
        """Whether its orders were filled as a backtest's are: on paper, or in lockstep."""
        return self.settings["orders"] == Orders.PAPER or bool(self.settings.get("lockstep"))

    def plan(self, store: TickStore, charges: Charges) -> LivePlan:
        """Return what it did, as a plan.

        Raises
        ------
        BadInput
            `charges` are others than the run had.
        """
        said = self.settings
        if said["costs"] != charges.name:
            raise BadInput(f"the run had {said['costs']}, not {charges.name}: give the same --plan and --costs")
        defaults = {s.name: s.default for s in SETTINGS}
        chosen = {name: value for name, value in said.items() if name in defaults and value != defaults[name]}
        fill = FillModel(
            FillPrice(said["fill"]), int(said["slippage"]), int(said["latency_ms"]) * _MS_NS, sends_targets="targets" in said
        )
        return LivePlan(
            tuple(store.instrument(symbol) for symbol in said["symbols"]), chosen, Decimal(str(said["cash"])), charges,
            day_start(from_date(self.day)), Orders(said["orders"]), fill,
            patience=int(said["patience_s"] * SECOND_NS),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """One kind of thing that two runs tell of.

    Parameters
    ----------
    kind : str
    against : str
        ``replay`` or ``backtest``; the other is the live run.
    counts : tuple of int
        Of the live run, and of the other.
    digests : tuple of str
    difference : Difference or None
        The first.
    """

    kind: str
    against: str
    counts: tuple[int, int]
    digests: tuple[str, str]
    difference: Difference | None

    @property
    def is_same(self) -> bool:
        """Whether the two are equal."""
        return self.digests[0] == self.digests[1]


def prove(
    store: TickStore, record: LiveRecord, charges: Charges, cache: DayCache | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Comparison]:  # fmt: skip
    """Hold a live run against the replay of its messages, and against a backtest where its orders were filled as there.

    Parameters
    ----------
    store : TickStore
        With the day's messages, and its ticks and bars.
    record : LiveRecord
    charges : Charges
    cache : DayCache, optional
    progress : callable
        Told what is being done.

    Raises
    ------
    NothingToDo
        The store has no messages of the day.
    """
    plan = record.plan(store, charges)
    progress("replaying")
    replayed = _replayed(store, plan, record.settings["since"], cache)
    steps = {i.symbol: float(i.tick) for i in plan.instruments}
    mine, theirs = (sorted(trades, key=lambda t: (t.exit_seq, t.symbol)) for trades in (record.trades, replayed.trades))
    found = [
        _compared("decision", "replay", decision_happenings(record.decisions), decision_happenings(replayed.decisions)),
        _compared("trade", "replay", trade_happenings(mine, steps), trade_happenings(theirs, steps)),
    ]
    if record.is_as_backtested and not replayed.was_told:
        progress("running the backtest")
        day = record.day
        request = Request(
            tuple(record.settings["symbols"]), day, day, dict(plan.settings), plan.cash, charges, plan.fill,
            Engine.FAST,
        )  # fmt: skip
        request = located(store, request)
        result = run_on(store, list(read(store, request, cache)), request).result
        closed = [trade for trade in result.trades if not trade.is_open]
        found += [
            _compared("decision", "backtest", _signals(record.decisions), _signals(result.decisions)),
            _compared("trade", "backtest", _of_seconds(record.trades, steps), _of_seconds(closed, steps)),
        ]
    return found


def _replayed(store: TickStore, plan: LivePlan, since: Sequence[int], cache: DayCache | None) -> LiveAuctionEngine:
    symbols = sorted(i.symbol for i in plan.instruments)
    messages = list(store.raw(day_start(plan.day), day_start(plan.day + 1), symbols))
    if not messages:
        raise NothingToDo(f"the store has no messages of {to_date(plan.day)} of {', '.join(symbols)}")
    legs = [Leg(i, plan.day, plan.day, i.symbol, since=first) for i, first in zip(plan.instruments, since, strict=True)]
    engine = LiveAuctionEngine(plan, StoredSource(iter(messages)), warm_days(store, legs, plan.day, plan.settings, cache))
    engine.run()
    return engine


def _compared(kind: str, against: str, left: Sequence[Happening], right: Sequence[Happening]) -> Comparison:
    return Comparison(kind, against, (len(left), len(right)), (digest(left), digest(right)), first_difference(left, right))


def _signals(decisions: Iterable[Decision]) -> list[Happening]:
    # An entry that was taken back lapses when the exchange has said so.
    return [h for h in decision_happenings(decisions) if h.values["action"] != "lapse"]


def _of_seconds(trades: Iterable[Trade], steps: dict[str, float]) -> list[Happening]:
    # An exchange says to the second when a fill was, and its word of it is another message than the tick.
    found = []
    for trade in trades:
        (happening,) = trade_happenings([trade], steps)
        values = {name: value for name, value in happening.values.items() if name not in _TIMES}
        fills = tuple((round(f.price / steps[trade.symbol], 6), f.qty, f.reason) for f in trade.fills)
        values |= {"entered": trade.entry_ts // SECOND_NS, "left_at": trade.exit_ts // SECOND_NS, "fills": fills}
        found.append(Happening("trade", trade.entry_ts // SECOND_NS * SECOND_NS, trade.symbol, values))
    return sorted(found, key=lambda h: h.order)
