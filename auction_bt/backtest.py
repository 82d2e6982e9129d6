"""One backtest: stored data in, a result out. The same store and request give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from .analyzers.equity import Equity
from .analyzers.narrator import Narrator
from .analyzers.regimes import Regimes
from .analyzers.trades import TradeList
from .brokers.commission import MARGIN, ChargedCommission
from .brokers.indian import indian_charges
from .brokers.tick_broker import TickBroker
from .chain import chain_of, substitutes_for
from .core.costing import Charges
from .core.decision import Decision
from .core.errors import BadInput, NothingToDo
from .core.fills import FillModel
from .core.instrument import Instrument, Kind
from .core.ist import day_index, day_start, from_date
from .core.leg import Leg
from .core.news import News
from .core.regime import Rule
from .core.risk import RiskBook
from .core.shared_levels import SharedLevels, kept_levels
from .core.substitute import TradeRule
from .core.summary import Point, merge_equity, summarise
from .core.tariff import Product
from .core.trade import Trade
from .engine import AuctionCerebro
from .facts import check_square_off, facts_of, facts_of_leg
from .feeds.stored import Recorded, StoredData
from .feeds.streamed import StreamedData
from .instruments.book import InstrumentBook
from .loading import Loading, load_leg
from .result import BacktestResult
from .settings import BY_NAME, SETTINGS
from .store import RawMessage, TickStore
from .store.cache import DayCache
from .strategy import AuctionStrategy
from .symbols import find_legs, roll_at, tradables_of

if TYPE_CHECKING:
    from .router import MarketSink

_LEVELS: Final = 2**26  # bytes of a run's levels that are kept for the rule beside it


class Engine(StrEnum):
    """How the days are run; the trades are the same."""

    FAST = "fast"  # on the stored ticks and bars, in bulk
    REPLAY = "replay"  # the recorded messages one by one through the router, as live


@dataclass(frozen=True, slots=True)
class Request:
    """What to run.

    Parameters
    ----------
    symbols : tuple of str
        As in the store, or names.
    begin, end : date
        IST days, both inclusive. Days before `begin` are loaded to fill the windows and never traded.
    settings : dict
        Settings of `AuctionStrategy` that differ from their defaults (`settings.SETTINGS`).
    cash : Decimal, rupees
    charges : Charges
    fill : FillModel
    engine : Engine
    trade : TradeRule or None
        What to trade on the symbols' signals; None: themselves.
    legs : tuple of Leg
        What the symbols mean on these days; `located` finds it.
    tradables : tuple of Instrument
        What `trade` names, or the options there are; `located` finds them.
    """

    symbols: tuple[str, ...]
    begin: date
    end: date
    settings: dict[str, Any] = field(default_factory=dict)
    cash: Decimal = Decimal(1_000_000)
    charges: Charges = field(default_factory=indian_charges)
    fill: FillModel = field(default_factory=FillModel)
    engine: Engine = Engine.FAST
    trade: TradeRule | None = None
    legs: tuple[Leg, ...] = ()
    tradables: tuple[Instrument, ...] = ()

    def __post_init__(self) -> None:
        if self.begin > self.end:
            raise BadInput(f"from-date {self.begin} is after to-date {self.end}: swap them")
        if self.cash <= 0:
            raise BadInput(f"cash {self.cash} must be above 0 rupees")
        if not self.symbols:
            raise BadInput("no symbol to run: give --symbol")

    @property
    def days(self) -> range:
        """IST days."""
        return range(from_date(self.begin), from_date(self.end) + 1)

    @property
    def product(self) -> Product:
        """What the orders are: what is not squared off is carried."""
        return Product.squared_off(self.settings.get("square_off", BY_NAME["square_off"].default))


@dataclass(frozen=True, slots=True)
class Traced:
    """What one symbol's run left behind, for pictures and explanations."""

    recorded: Recorded
    strategy: AuctionStrategy


@dataclass(frozen=True, slots=True)
class Run:
    """A result and the runs it was taken from.

    Parameters
    ----------
    apart : tuple of Recorded
        What was run elsewhere, without its ticks, and left no more behind (`apart.run_apart`).
    """

    result: BacktestResult
    traced: tuple[Traced, ...]
    apart: tuple[Recorded, ...] = ()

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """The data of each leg."""
        return self.apart or tuple(traced.recorded for traced in self.traced)


class Onlooker(Protocol):
    """Sits beside a replay: sees each message before it is taken, what came of it, and may end the run early."""

    def messages(self, messages: Iterator[RawMessage]) -> Iterator[RawMessage]:
        """Yield the same messages, when it likes; the run ends where it ends."""
        ...

    def sink(self, sink: MarketSink) -> MarketSink:
        """Return what takes the router's news: `sink`, or something that passes all of it on to `sink`."""
        ...

    def tell(self, news: News) -> None:
        """Take what the strategies decided, traded and saw."""
        ...


def run_backtest(store: TickStore, request: Request, cache: DayCache | None = None) -> Run:
    """Run the strategy on stored data, and the other regime rule beside it.

    Parameters
    ----------
    store : TickStore
    request : Request
    cache : DayCache, optional
        Makes the same days quicker to read again; the result is the same.

    Raises
    ------
    BadInput
        Unknown symbol or setting, a symbol without volume.
    NothingToDo
        Nothing stored in the range; the message names what range there is.
    """
    request = located(store, request)
    kept = kept_levels(_LEVELS)  # both rules read the same levels
    data = [replace(r, shared_levels=SharedLevels(kept, place)) for place, r in enumerate(read(store, request, cache))]
    run = run_on(store, data, request)
    return beside_other(run, data, request)


def located(store: TickStore, request: Request, book: InstrumentBook | None = None) -> Request:
    """Return `request` with what its symbols mean, by the store and the instrument masters; see `symbols.find_legs`."""
    if request.legs:
        return request
    legs, days = find_legs(store, book, request.symbols, request.days), request.days
    tradables = tradables_of(store, book, request.trade.symbol, days) if request.trade is not None else ()
    return replace(request, legs=legs, tradables=tradables)


def run_on(store: TickStore, data: list[Recorded], request: Request, onlooker: Onlooker | None = None) -> Run:
    """Run the strategy alone on data that was read for the same request; an onlooker is for replays."""
    if request.engine is Engine.FAST:
        return _run(data, request)
    return _run(data, request, _messages(store, data, request), onlooker)


def beside_other(run: Run, data: list[Recorded], request: Request) -> Run:
    """Return `run` with what the other regime rule makes of the same data."""
    rule = Rule(request.settings.get("rule", Rule.ORIGINAL))
    other = Rule.AUCTION if rule is Rule.ORIGINAL else Rule.ORIGINAL
    aside = _run(data, replace(request, settings={**request.settings, "rule": other.value})).result.summary
    return Run(replace(run.result, other_regime=(other.value, aside.net, aside.trades)), run.traced)


def read(store: TickStore, request: Request, cache: DayCache | None = None, loading: Loading | None = None) -> Iterator[Recorded]:
    """Yield the data of each leg of which there is any, warm-up included; `loading` takes the place of `load_leg`."""
    request = located(store, request)
    for leg in request.legs:
        if leg.is_rolled and not leg.has_data:
            continue
        instrument, first = leg.instrument, leg.first_day
        recorded = (loading or load_leg)(store, leg, request.settings, cache)
        check_square_off(recorded, first, request.settings)
        if request.trade is not None:
            span = range(leg.first_day, leg.last_day + 1)
            found = substitutes_for(store, recorded, request.trade, span, request.tradables, cache)
            recorded = replace(recorded, substitutes=found)
        elif instrument.kind is Kind.OPTION and not request.settings.get("own_profile", False):
            raise BadInput(f"{instrument.symbol} is an option: trade it on its underlying's profile (--symbol NIFTY-FUT "
                           f"--trade {instrument.symbol} or atm), or on its own with --set own_profile=true")  # fmt: skip
        yield replace(recorded, leg=leg)


def _span(request: Request) -> str:
    return str(request.begin) if request.begin == request.end else f"{request.begin} to {request.end}"


def _messages(store: TickStore, data: list[Recorded], request: Request) -> Callable[[], Iterator[RawMessage]]:
    for leg in (_leg(r, request) for r in data):
        symbol = leg.instrument.symbol
        if not any(leg.first_day <= day <= leg.last_day for day in store.raw_days(symbol)):
            raise NothingToDo(f"no messages of {symbol} on {_span(request)} to replay: the fast engine runs ticks and bars")
    begin = min(_first(r) for r in data)
    return lambda: store.raw(begin, day_start(from_date(request.end) + 1), sorted(_symbols(data)))


def _symbols(data: list[Recorded]) -> frozenset[str]:
    return frozenset(i.symbol for r in data for i in r.tradables)


def _leg(recorded: Recorded, request: Request) -> Leg:
    days = request.days
    return recorded.leg or Leg(recorded.instrument, days.start, days.stop - 1, recorded.instrument.symbol)


def _first(recorded: Recorded) -> int:
    return day_start(day_index(int(recorded.bars.ts[0])))


def _run(
    data: list[Recorded],
    request: Request,
    messages: Callable[[], Iterator[RawMessage]] | None = None,
    onlooker: Onlooker | None = None,
) -> Run:
    cerebro = AuctionCerebro()
    broker = TickBroker(fill=request.fill)
    broker.set_cash(float(request.cash))
    cerebro.setbroker(broker)
    risk = RiskBook(request.cash)
    settings = {**request.settings, "slippage": request.fill.slippage}
    for recorded in data:
        instrument, leg = recorded.instrument, _leg(recorded, request)
        end = day_start(leg.last_day + 1)
        # Within a day nothing is carried: a contract may be traded up to its last one.
        is_carried = request.product is Product.DELIVERY or instrument.kind is Kind.OTHER
        feed: Any = (
            StoredData(recorded=recorded)  # type: ignore[call-arg]
            if messages is None
            else StreamedData(instrument=instrument, begin=_first(recorded), end=end)  # type: ignore[call-arg]
        )
        commission = ChargedCommission(  # type: ignore[call-arg]
            charges=request.charges, instrument=instrument, product=request.product
        )
        broker.addcommissioninfo(commission, name=instrument.symbol)
        chain = None
        if request.trade is not None:
            chain = chain_of(recorded.substitutes, request.trade, request.charges, request.product, streamed=messages is not None)
            for traded in chain.feeds.values():
                cerebro.add_traded(traded)
                commission = ChargedCommission(  # type: ignore[call-arg]
                    charges=request.charges, instrument=traded.instrument, product=request.product
                )
                broker.addcommissioninfo(commission, name=traded.instrument.symbol)
        cerebro.add_symbol(
            feed,
            AuctionStrategy,
            risk=risk,
            charges=request.charges,
            margin=MARGIN[instrument.kind],
            chain=chain,
            trade_from=day_start(leg.first_day),
            trade_until=roll_at(leg) if is_carried else 0,
            **settings,
        )
    symbols = _symbols(data)  # a frame may speak of hundreds
    for analyzer in (TradeList, Equity, Regimes):
        cerebro.addanalyzer(analyzer)
    if onlooker is not None:
        cerebro.addanalyzer(Narrator, tell=onlooker.tell, begin=day_start(from_date(request.begin)))
    strategies = cerebro.run() if messages is None else cerebro.stream(lambda sink: _route(messages(), sink, onlooker, symbols))
    return Run(_result(strategies, data, request), tuple(map(Traced, data, strategies)))


def _route(messages: Iterator[RawMessage], sink: MarketSink, onlooker: Onlooker | None, symbols: frozenset[str]) -> None:
    from .router import LiveMarketRouter  # with the decoder slow to import, and for replays alone

    if onlooker is not None:
        messages, sink = onlooker.messages(messages), onlooker.sink(sink)
    router = LiveMarketRouter(sink, symbols=symbols)  # a frame may speak of hundreds
    for message in messages:
        router.on_message(message.text, message.ts)


def _result(strategies: list[Any], data: list[Recorded], request: Request) -> BacktestResult:
    trades = [t for s in strategies for t in s.trades] + [t for s in strategies if (t := s.open_trade()) is not None]
    decisions = [d for s in strategies for d in s.decisions]
    equity = merge_equity([s.analyzers.equity.get_analysis()["points"] for s in strategies])
    facts = {leg.instrument.symbol: facts_of_leg(leg) for leg in request.legs if not leg.has_data} | {
        leg.instrument.symbol: facts_of_leg(leg) | facts_of(r, leg.first_day, request.charges, request.settings)
        for r, leg in ((r, _leg(r, request)) for r in data)
    }
    return report_of(trades, decisions, equity, facts, data, request)


def report_of(
    trades: list[Trade], decisions: list[Decision], equity: list[Point], facts: dict[str, Any],
    data: list[Recorded], request: Request,
) -> BacktestResult:  # fmt: skip
    """Return what a run came to; trades and decisions of all symbols in any order, `facts` by symbol."""
    closed = sorted((t for t in trades if not t.is_open), key=lambda t: (t.exit_seq, t.symbol))
    still_open = [t for t in trades if t.is_open]
    decisions = sorted(decisions, key=lambda d: (d.seq, d.symbol))
    spans = sorted(
        {
            session.bounds(day)
            for r, leg in ((r, _leg(r, request)) for r in data)
            for day, session in r.sessions.items()
            if day >= leg.first_day
        }
    )
    summary = summarise(
        [*closed, *still_open], decisions, cash=request.cash, cost_name=request.charges.name, equity=equity, sessions=spans
    )
    return BacktestResult(
        summary=summary,
        trades=(*closed, *still_open),
        decisions=tuple(decisions),
        settings=settings_of(request),
        data=facts,
        defaults=settings_of(Request(request.symbols, request.begin, request.end)),
        equity=tuple(equity),
    )


def settings_of(request: Request) -> dict[str, Any]:
    """Return every setting of a request by name, as a result keeps them."""
    strategy = {s.name: request.settings.get(s.name, s.default) for s in SETTINGS if s.name != "slippage"}
    return {
        **strategy,
        "symbols": list(request.symbols),
        "from": request.begin,
        "to": request.end,
        "cash": request.cash,
        "costs": request.charges.name,
        "fill": request.fill.price,
        "slippage": request.fill.slippage,
        "latency_ms": request.fill.latency // 1_000_000,
        "engine": request.engine,
        "trade": request.trade.text if request.trade is not None else "same",
        **({"targets": "sent"} if request.fill.sends_targets else {}),
    }
