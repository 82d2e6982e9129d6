"""What is wrong with a request: at the broker's door, where it is refused, and behind it, where its order is rejected. Pure."""

from __future__ import annotations

from typing import Final

from auction_bt.core.instrument import Kind as InstrumentKind
from auction_bt.core.live_order import Kind

from .answer import Problem
from .contract import Contract, Phase
from .money import RUPEE, to_rupees
from .order import PRICED, STOPS, Change, Order, Request, Validity

_LONGEST_TAG: Final = 40
_MOST_PROTECTION: Final = 25
_PRODUCTS: Final = frozenset({"I", "D", "MTF"})

UNKNOWN_KEY: Final = Problem("UDAPI100011", "Invalid Instrument key", field="instrument_token")
NO_ORDER: Final = Problem("UDAPI100010", "Order not found", 404, "order_id")
CANCEL_FINAL: Final = Problem("UDAPI100040", "Cancel of already cancelled/rejected/completed order is not allowed")
MODIFY_FINAL: Final = Problem("UDAPI100041", "Modifications of already cancelled/rejected/completed orders are not allowed")
CLOSED: Final = Problem("UDAPI100057", "The market is closed: place an after market order")
STATIC_IP: Final = Problem("UDAPI1154", "Access to this API is permitted from the registered static IP alone", 403)
STILL_OPEN: Final = Problem("UDAPI1184", "Close the open positions of the segment first", field="segment")
COOLING: Final = Problem("UDAPI1185", "A segment stays disabled for 12 hours", field="segment")
KILLED: Final = Problem("UDAPI1187", "The segment is disabled by the kill switch")


def at_the_door(request: Request) -> Problem | None:
    """Return why a request is not even taken, or None; it needs no market to be known."""
    kind, price, trigger = request.kind, request.price, request.trigger
    if request.quantity <= 0:
        return Problem("UDAPI1052", "The quantity must be above 0", field="quantity", value=request.quantity)
    if request.product not in _PRODUCTS:
        return Problem("UDAPI1035", "The product is not valid", field="product", value=request.product)
    if len(request.tag) > _LONGEST_TAG:
        return Problem("UDAPI1119", f"The tag may have up to {_LONGEST_TAG} characters", field="tag", value=request.tag)
    if price < 0 or trigger < 0 or request.disclosed < 0:
        return Problem("UDAPI100036", "Invalid input", field="price", value=to_rupees(min(price, trigger)))
    if kind is Kind.MARKET and (price or trigger):
        return Problem(
            "UDAPI1040",
            "A market order has neither a price nor a trigger price",
            field="price",
            value=to_rupees(price or trigger),
        )
    if kind is Kind.STOP_MARKET and (price or not trigger):
        return Problem("UDAPI1032", "Only the trigger price is required", field="trigger_price", value=to_rupees(trigger))
    if kind is Kind.LIMIT and (not price or trigger):
        code, what = ("UDAPI1029", "Price is required") if not price else ("UDAPI1030", "Trigger price is not required")
        return Problem(code, what, field="price", value=to_rupees(price))
    if kind is Kind.STOP_LIMIT and not (price and trigger):
        return Problem("UDAPI1031", "Price and trigger price both are required", field="trigger_price", value=to_rupees(trigger))
    if 0 < request.disclosed < request.quantity / 10 or request.disclosed > request.quantity:
        return Problem("UDAPI1039", "The disclosed quantity must be 10 % of the quantity or more", field="disclosed_quantity",
                       value=request.disclosed)  # fmt: skip
    if kind not in PRICED and request.protection == 0:
        return Problem("UDAPI1158", "Market orders without market protection are not allowed: use a limit order")
    if request.protection not in {-1, 0} and (kind in PRICED or not 0 < request.protection <= _MOST_PROTECTION):
        return Problem("UDAPI100036", "Invalid market protection", field="market_protection", value=request.protection)
    return None


def at_the_hour(request: Request, contract: Contract, now: int, *, by_broker: bool = False) -> Problem | None:
    """Return why a request is not taken at this time of day, or None."""
    phase = contract.hours.at(now)
    if request.after_market:
        is_early = phase is Phase.CLOSED
        return None if is_early else Problem("UDAPI100039", "After market orders are not taken while the market is open")
    if phase is Phase.CONTINUOUS or by_broker:
        return None
    if phase is Phase.COLLECTING and request.kind not in STOPS and request.validity is Validity.DAY:
        return None
    if phase is Phase.LIMIT_ONLY and request.kind is Kind.LIMIT and request.validity is Validity.DAY:
        return None
    return CLOSED


def at_the_exchange(request: Request, contract: Contract, now: int, *, by_broker: bool = False) -> str:
    """Return why an order is rejected by the rules of its contract; '' where it is not."""
    if contract.instrument.kind is InstrumentKind.INDEX:
        return "RMS:Rule: Check instrument is tradable: an index cannot be bought or sold"
    if request.quantity % contract.lot:
        return f"17070 : The quantity {request.quantity} is not a multiple of the lot of {contract.lot}"
    if contract.freeze and request.quantity > contract.freeze:
        return f"17080 : Quantity {request.quantity} is above the freeze quantity of {contract.freeze}"
    for name, price in (("Price", request.price), ("Trigger price", request.trigger)):
        if price % contract.tick:
            return f"16283 : {name} {to_rupees(price):g} is not a multiple of the tick size of {to_rupees(contract.tick):g}"
        if price and contract.high and not contract.low <= price <= contract.high:
            band = f"{to_rupees(contract.low):g} to {to_rupees(contract.high):g}"
            return f"17070 : {name} {to_rupees(price):g} is out of the current execution range {band}"
    if request.kind is Kind.STOP_LIMIT and (request.price < request.trigger if request.buy else request.price > request.trigger):
        return "16321 : The trigger price of a stop order lies between the market and its price"
    end = contract.hours.square_off
    if request.product == "I" and end and now >= end and not by_broker:
        return "RMS:Rule: Check for intraday square off: no new intraday orders are taken today"
    return ""


def trigger_refused(request: Request, last: int) -> str:
    """Return why a stop order is rejected whose trigger the market has already passed; '' where it is not."""
    if request.kind not in STOPS or not last:
        return ""
    passed = request.trigger <= last if request.buy else request.trigger >= last
    if not passed:
        return ""
    side = "above" if request.buy else "below"
    return f"16312 : Trigger price {to_rupees(request.trigger):g} must be {side} the last price {to_rupees(last):g}"


def short_of(needed: float, available: float) -> str:
    """Return how the broker words a lack of funds; both in units."""
    needs, has = needed / RUPEE, max(0.0, available) / RUPEE
    return f"RMS:Margin Exceeds, Required:{needs:.2f}, Available:{has:.2f}: you need Rs {needs - has:.2f} more"


def of_a_change(change: Change, order: Order) -> Problem | None:
    """Return why a change is not even taken, or None."""
    if order.is_final:
        return MODIFY_FINAL
    asked = change.applied(order.request)
    if asked.quantity <= order.filled:
        return Problem("UDAPI1052", f"{order.filled} shares are filled: the quantity must be above that", field="quantity",
                       value=change.quantity)  # fmt: skip
    return at_the_door(asked)
