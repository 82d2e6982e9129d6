"""Orders, trades, positions and funds as the broker's JSON: what its REST answers and its portfolio feed carry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from auction_bt.core.ist import to_datetime

from .answer import Problem, Update
from .contract import Contract
from .margin import Used
from .money import average, shown, to_rupees
from .order import Order
from .position import Holding, Position
from .trade import Fill

Json = dict[str, Any]


def stamp(ts: int) -> str:
    """Return a time as the broker writes it: IST, without saying so, to the second; '' for none."""
    return to_datetime(ts).strftime("%Y-%m-%d %H:%M:%S") if ts else ""


def order_row(order: Order, contract: Contract) -> Json:
    """Return a row of the order book."""
    request = order.request
    return {
        "exchange": contract.exchange, "product": request.product, "price": to_rupees(order.limit or request.price),
        "quantity": request.quantity, "status": order.status.value, "guid": None, "tag": request.tag or None,
        "instrument_token": request.key, "placed_by": order.placed_by, "tradingsymbol": contract.trading_symbol,
        "trading_symbol": contract.trading_symbol, "order_type": request.kind.value, "validity": request.validity.value,
        "trigger_price": to_rupees(request.trigger), "disclosed_quantity": request.disclosed,
        "transaction_type": "BUY" if request.buy else "SELL", "average_price": average(order.value, order.filled),
        "filled_quantity": order.filled, "pending_quantity": order.pending, "status_message": order.note or None,
        "status_message_raw": order.note or None, "exchange_order_id": order.exchange_id or None, "parent_order_id": None,
        "order_id": order.order_id, "variety": "AMO" if request.after_market else "SIMPLE",
        "order_timestamp": stamp(order.changed),
        "exchange_timestamp": stamp(order.traded_at or order.changed) if order.exchange_id else None,
        "is_amo": request.after_market,
        "order_request_id": str(order.version), "order_ref_id": order.reference,
    }  # fmt: skip


def history_row(order: Order, contract: Contract) -> Json:
    """Return a row of an order's history: without what is pending and who refers to it."""
    row = order_row(order, contract)
    for name in ("guid", "pending_quantity", "status_message_raw", "order_ref_id"):
        del row[name]
    return row


def order_update(order: Order, contract: Contract, user: str) -> Json:
    """Return an order as the portfolio feed tells of it."""
    row = order_row(order, contract)
    named = {"user_id": user, "userId": user, "instrument_key": row["instrument_token"], "update_type": "order"}
    texts = {name: row[name] or "" for name in ("status_message", "exchange_order_id", "parent_order_id", "exchange_timestamp")}
    return row | named | texts


def trade_row(fill: Fill, order: Order, contract: Contract) -> Json:
    """Return a row of the day's trades."""
    request = order.request
    return {
        "exchange": contract.exchange, "product": request.product, "trading_symbol": contract.trading_symbol,
        "tradingsymbol": contract.trading_symbol, "instrument_token": request.key, "order_type": request.kind.value,
        "transaction_type": "BUY" if request.buy else "SELL", "quantity": fill.quantity, "exchange_order_id": order.exchange_id,
        "order_id": order.order_id, "exchange_timestamp": stamp(fill.at), "average_price": to_rupees(fill.price),
        "trade_id": fill.trade_id, "order_ref_id": order.reference, "order_timestamp": stamp(order.placed),
    }  # fmt: skip


def position_row(held: Position, contract: Contract, last: int) -> Json:
    """Return a row of the short-term positions."""
    (bought, paid), (sold, received) = held.all_bought, held.all_sold
    realised, unrealised = held.realised, held.unrealised(last)
    overnight_bought, overnight_sold = max(held.carried, 0), max(-held.carried, 0)
    return {
        "exchange": contract.exchange, "multiplier": 1.0, "value": shown(paid - received), "pnl": shown(realised + unrealised),
        "product": held.product, "instrument_token": held.key, "average_price": shown(held.entry) if held.quantity else 0.0,
        "buy_value": to_rupees(paid), "overnight_quantity": held.carried, "day_buy_value": to_rupees(held.paid),
        "day_buy_price": average(held.paid, held.bought),
        "overnight_buy_amount": to_rupees(overnight_bought * held.carried_price),
        "overnight_buy_quantity": overnight_bought, "day_buy_quantity": held.bought, "day_sell_value": to_rupees(held.received),
        "day_sell_price": average(held.received, held.sold),
        "overnight_sell_amount": to_rupees(overnight_sold * held.carried_price),
        "overnight_sell_quantity": overnight_sold, "day_sell_quantity": held.sold, "quantity": held.quantity,
        "last_price": to_rupees(last), "unrealised": shown(unrealised), "realised": shown(realised),
        "sell_value": to_rupees(received), "tradingsymbol": contract.trading_symbol, "trading_symbol": contract.trading_symbol,
        "close_price": to_rupees(contract.close), "buy_price": average(paid, bought), "sell_price": average(received, sold),
    }  # fmt: skip


def position_update(held: Position, contract: Contract, user: str) -> Json:
    """Return a position as the portfolio feed tells of it: without what depends on the last price."""
    row = position_row(held, contract, 0)
    for name in ("pnl", "last_price", "realised", "unrealised"):
        del row[name]
    key = {"exchange": contract.segment or contract.exchange, "instrument_key": held.key}
    return row | key | {"user_id": user, "userId": user, "update_type": "position"}


def holding_row(held: Holding, contract: Contract, last: int) -> Json:
    """Return a row of the long-term holdings."""
    before = contract.close or last
    return {
        "isin": contract.isin, "cnc_used_quantity": held.used, "collateral_type": "WC", "company_name": contract.instrument.name,
        "haircut": 0.2, "product": "D", "quantity": held.quantity, "tradingsymbol": contract.trading_symbol,
        "trading_symbol": contract.trading_symbol, "last_price": to_rupees(last), "close_price": to_rupees(before),
        "pnl": shown(held.quantity * (last - held.price)), "day_change": to_rupees(last - before),
        "day_change_percentage": round(100 * (last - before) / before, 4) if before else 0.0, "instrument_token": held.key,
        "average_price": to_rupees(held.price), "collateral_quantity": 0, "collateral_update_quantity": 0, "t1_quantity": 0,
        "exchange": contract.exchange,
    }  # fmt: skip


def funds_v2(opening: int, blocked: Used, losses: Fraction, available: Fraction) -> Json:
    """Return funds as version 2 of the API tells them: all of it under ``equity``."""
    none = {"payin_amount": 0.0, "adhoc_margin": 0.0}
    return {
        "equity": {"used_margin": shown(blocked.total - losses), "span_margin": shown(blocked.span), "exposure_margin": 0.0,
                   "notional_cash": shown(opening), "available_margin": shown(available), **none},
        "commodity": {"used_margin": 0.0, "span_margin": 0.0, "exposure_margin": 0.0, "notional_cash": 0.0,
                      "available_margin": 0.0, **none},
    }  # fmt: skip


def funds_v3(opening: int, blocked: Used, losses: tuple[Fraction, Fraction], available: Fraction, profit: Fraction) -> Json:
    """Return funds as version 3 of the API tells them: what can be traded with, and today's profit, which cannot."""
    realised, unrealised = losses
    loss = {"total": shown(-realised - unrealised), "realised": shown(-realised), "unrealised": shown(-unrealised)}
    margin = {
        "total": shown(blocked.total - realised - unrealised), "mtf": 0.0, "loss": loss, "span_exposure": shown(blocked.span),
        "cash_margin_var_elm": shown(blocked.shares), "premium_present": shown(blocked.premium),
        "delivery_margin": {"total": shown(blocked.delivery), "equity": shown(blocked.delivery), "fo_settlement": 0.0},
    }  # fmt: skip
    cash = {"opening_balance": shown(opening), "added_today": 0.0, "withdrawn_today": 0.0, "amount_from_stock_sale": 0.0,
            "unpaid_charges": 0.0}  # fmt: skip
    pledge = {"total": 0.0, "mtf": 0.0, "span_exposure": 0.0, "cash_margin_var_elm": 0.0, "premium_present": 0.0,
              "delivery_margin": {"total": 0.0, "equity": 0.0, "fo_settlement": 0.0}}  # fmt: skip
    return {
        "available_to_trade": {
            "total": shown(available),
            "cash_available_to_trade": {"total": shown(available), "cash": cash, "margin_used": margin},
            "pledge_available_to_trade": {
                "margin_from_pledge": {"total": 0.0, "equity": 0.0, "mutual_funds": 0.0}, "margin_used": pledge,
            },
        },
        "unavailable_to_trade": {
            "cash_unavailable_to_trade": {"unsettled_profit": {"todays_profit": shown(profit), "previous_days": 0.0}},
            "pledge_unavailable_to_trade": {"equity": 0.0, "mutual_funds": 0.0},
        },
    }  # fmt: skip


def portfolio_text(update: Update) -> str:
    """Return a message of the portfolio feed as its socket carries it, a text frame of JSON."""
    return json.dumps(update.body)


def error_body(errors: Sequence[Problem]) -> Json:
    """Return the broker's envelope of errors, with the names it has given up and still sends."""
    rows = []
    for error in errors:
        code, field, value = error.code, error.field or None, error.value
        rows.append({"errorCode": code, "message": error.message, "propertyPath": field, "invalidValue": value,
                     "error_code": code, "property_path": field, "invalid_value": value})  # fmt: skip
    return {"status": "error", "errors": rows}
