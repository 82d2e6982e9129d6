"""REST calls that quote the market: last prices, candles in the making, everything at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from flask import Blueprint, Response, request

from auction_bt.core.ist import MINUTE_NS, day_index, day_start, minute_start, to_datetime

from .answer import Problem
from .contract import Contract
from .exchange import Exchange
from .history import Candle, merged
from .money import to_rupees
from .quote import Quote
from .reply import bad, good, wrong
from .service import Service

_MOST: Final = 500  # keys of one call
_MS: Final = 1_000_000
_BAD_KEY: Final = Problem("UDAPI1087", "One or more instrument keys are invalid", field="instrument_key")
_TOO_MANY: Final = Problem("UDAPI100043", f"The number of instrument keys is limited to {_MOST}", field="instrument_key")
_INTERVALS: Final = {"1d": ("days", 1), "I1": ("minutes", 1), "I30": ("minutes", 30)}

Row = Callable[[Contract, Quote, Sequence[Candle], int], dict[str, Any]]


def quote_calls(service: Service) -> Blueprint:
    """Return the calls."""
    calls = Blueprint("quotes", __name__)
    broker = service.broker

    def quoted(row: Row) -> Response:
        keys = (request.args.get("instrument_key") or request.args.get("symbol", "")).split(",")
        if keys == [""]:
            return wrong("instrument_key")
        if len(keys) > _MOST:
            return bad(_TOO_MANY)

        def find(exchange: Exchange, now: int) -> dict[str, Any] | Problem:
            found = {}
            for key in keys:
                contract = exchange.books.contracts.get(key)
                if contract is None:
                    return Problem(_BAD_KEY.code, _BAD_KEY.message, field=_BAD_KEY.field, value=key)
                today = broker.minutes.of(key, day_index(now), now)
                said = row(contract, broker.quotes.get(key, Quote()), today, now)
                found[f"{contract.segment}:{contract.trading_symbol}"] = {"instrument_token": key, **said}
            return found

        found = broker.read(find)
        return bad(found) if isinstance(found, Problem) else good(found)

    @calls.get("/<any(v2, v3):version>/market-quote/ltp")
    def ltp(version: str) -> Response:
        return quoted(_last if version == "v3" else _last_alone)

    @calls.get("/v2/market-quote/ohlc")
    def ohlc() -> Response:
        interval = request.args.get("interval", "")
        if interval not in _INTERVALS:
            return wrong("interval", interval)
        return quoted(lambda contract, quote, today, now: _price(contract, quote) | {"ohlc": _live(today, interval, now)})

    @calls.get("/v3/market-quote/ohlc")
    def ohlc_v3() -> Response:
        interval = request.args.get("interval", "")
        if interval not in _INTERVALS:
            return wrong("interval", interval)
        return quoted(
            lambda contract, quote, today, now: (
                _price(contract, quote) | {"prev_ohlc": _before(today, interval, now), "live_ohlc": _live(today, interval, now)}
            )
        )

    @calls.get("/<any(v2, v3):version>/market-quote/quotes")
    def quotes(version: str) -> Response:
        return quoted(_full_v3 if version == "v3" else _full)

    return calls


def _price(contract: Contract, quote: Quote) -> dict[str, Any]:
    return {"last_price": quote.price or to_rupees(contract.close)}


def _last_alone(contract: Contract, quote: Quote, _: Sequence[Candle], __: int) -> dict[str, Any]:
    return _price(contract, quote)


def _last(contract: Contract, quote: Quote, _: Sequence[Candle], __: int) -> dict[str, Any]:
    return _price(contract, quote) | {"ltq": quote.size, "volume": quote.volume, "cp": to_rupees(contract.close)}


def _full(contract: Contract, quote: Quote, today: Sequence[Candle], now: int) -> dict[str, Any]:
    close, price = to_rupees(contract.close), quote.price or to_rupees(contract.close)
    sides = {"buy": quote.bid, "sell": quote.ask}
    # How much is bid and asked for is not simulated: a depth of one level, without a quantity.
    depth = {side: [{"quantity": 0, "price": best, "orders": 0}] if best else [] for side, best in sides.items()}
    return {
        "ohlc": _live(today, "1d", now), "depth": depth, "timestamp": to_datetime(now).isoformat(),
        "symbol": contract.trading_symbol, "last_price": price, "volume": quote.volume, "average_price": quote.average, "oi": 0.0,
        "net_change": round(price - close, 4), "total_buy_quantity": 0.0, "total_sell_quantity": 0.0,
        "lower_circuit_limit": to_rupees(contract.low), "upper_circuit_limit": to_rupees(contract.high),
        "last_trade_time": str(quote.at // _MS), "oi_day_high": 0.0, "oi_day_low": 0.0,
    }  # fmt: skip


def _full_v3(contract: Contract, quote: Quote, today: Sequence[Candle], now: int) -> dict[str, Any]:
    is_eligible = bool(contract.instrument.closing_auction)
    return _full(contract, quote, today, now) | {"prev_close_price": to_rupees(contract.close), "cas_eligible": is_eligible}


def _live(today: Sequence[Candle], interval: str, now: int) -> dict[str, Any] | None:
    candles = merged(today, *_INTERVALS[interval])
    return _ohlc(candles[-1]) if candles and _is_running(candles[-1], interval, now) else None


def _before(today: Sequence[Candle], interval: str, now: int) -> dict[str, Any] | None:
    done = [candle for candle in merged(today, *_INTERVALS[interval]) if not _is_running(candle, interval, now)]
    return _ohlc(done[-1]) if done else None


def _is_running(candle: Candle, interval: str, now: int) -> bool:
    if interval == "1d":
        return candle.ts == day_start(day_index(now))
    return minute_start(now) < candle.ts + _INTERVALS[interval][1] * MINUTE_NS


def _ohlc(candle: Candle) -> dict[str, Any]:
    return {"open": candle.open, "high": candle.high, "low": candle.low, "close": candle.close, "volume": candle.volume,
            "ts": candle.ts // _MS}  # fmt: skip
