"""One trade line by line: from the journal what was decided and paid, from the store the profile as it was at entry."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from auction_bt.core.decision import Decision
from auction_bt.core.errors import AuctionError
from auction_bt.core.instrument import Instrument
from auction_bt.core.instrument import decimals as decimals_of
from auction_bt.core.ist import day_index, to_date
from auction_bt.core.trade import Trade
from auction_bt.explain import explain
from auction_bt.page.columns import profile_at
from auction_bt.result import plain
from auction_bt.result import trade_json as values_of
from auction_bt.store import TickStore
from auction_bt.stored_run import settings_in
from auction_bt.wording import quantity_of

from .sources import Sources

_TICK: Final = Decimal("0.05")  # of prices in words, where the store that knows better does not answer


def trade_json(sources: Sources, number: int) -> dict[str, Any]:
    """Return a trade with its story, evidence, costs and profile.

    Raises
    ------
    LookupError
        There is none with this id.
    Away
        The journal does not answer. A store that does not is told of in ``profile_reason``.
    """
    run, place, trade, decision = sources.journal.ask(lambda j: j.trade(number))
    settings = settings_in(sources.journal.ask(lambda j: j.settings_of(run)))
    day = to_date(day_index(trade.entry_ts))
    try:
        traded, profile = sources.store.ask(lambda s: _seen(sources, s, trade, decision, settings))
        reason = None if profile else "the rows that are stored do not make the levels it was decided on"
    except (AuctionError, LookupError) as error:
        traded, profile, reason = None, None, str(error)
    if decision is None:
        reason = "the decision is not in the journal"
    tick = traded.tick if traded else _TICK
    return {
        "run": run,
        "trade": {"id": number, "number": place, **values_of(trade), "costs": plain(dict(trade.costs.kinds))},
        "story": explain(trade, decision, tick, quantity_of(traded)),
        "evidence": None if decision is None else plain(decision.evidence),
        "targets": [] if decision is None else plain(decision.targets),
        "decided_ts": None if decision is None else decision.ts,
        "symbol": trade.signal_symbol,
        "day": day.isoformat(),
        "tick": float(tick),
        "decimals": decimals_of(tick),
        "profile": profile,
        "profile_reason": reason,
    }


def _seen(
    sources: Sources, store: TickStore, trade: Trade, decision: Decision | None, settings: dict[str, Any]
) -> tuple[Instrument, dict[str, Any] | None]:  # fmt: skip
    instrument = store.instrument(trade.symbol)
    if decision is None:
        return instrument, None
    # Decided on, not filled: an order may wait for the next morning.
    day = to_date(day_index(decision.ts - 1))
    return instrument, profile_at(sources.charts.traced(store, trade.signal_symbol, day, day, settings), decision)
