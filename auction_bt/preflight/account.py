"""The account: token, segments, address, funds, clock, and what is left of earlier days. Each a judgement of what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Final

from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_index, day_start
from auction_bt.core.live_order import FINAL
from auction_bt.upstox.token import Token
from auction_bt.wording import rupees

from .check import Check, failed, passed, warned

_DRIFT_NS: Final = 2 * SECOND_NS
_BAD_DRIFT_NS: Final = 30 * SECOND_NS
_DAY_ENDS: Final = 16 * 60 * MINUTE_NS  # IST; after the last session
_NAMES: Final = {"NSE_EQ": "NSE", "BSE_EQ": "BSE", "NSE_FO": "NFO", "BSE_FO": "BFO"}  # of segments, as profiles have them
_SHOWN: Final = 3
_FINAL: Final = frozenset(status.value for status in FINAL)


def token(found: Token, now: int, *, sends: bool) -> Check:
    """Judge the token by what it says of itself.

    Parameters
    ----------
    found : Token
    now : int, ns
    sends : bool
        Orders are to be sent: else a token that only reads will do. So with all others.
    """
    if found.expires and found.expires < day_start(day_index(now)) + _DAY_ENDS:
        return failed("token", found.describe(now), "it ends before the session does: run `login` now")
    if found.is_read_only and sends:
        return failed("token", found.describe(now), "it gives no orders: run `login`")
    return passed("token", found.describe(now))


def segments(
    profile: Mapping[str, Any], killed: Iterable[str], needed: Iterable[str], product: str, *, sends: bool
) -> Check:  # fmt: skip
    """Judge whether the account may trade what is to be traded.

    Parameters
    ----------
    profile : mapping
        The broker's answer.
    killed : iterable of str
        Segments whose kill switch is on.
    needed : iterable of str
        ``NSE_FO`` and so on.
    product : str
        ``I`` or ``D``.
    """
    wanted = sorted(set(needed))
    allowed, products = profile.get("exchanges") or (), profile.get("products") or ()
    missing = [name for name in wanted if _NAMES.get(name, name) not in allowed]
    stopped = sorted(set(killed) & set(wanted))
    if profile.get("is_active") is False:
        return _of_orders("segments", "the account is not active", "ask the broker", sends=sends)
    if missing:
        return _of_orders(
            "segments",
            f"the account lacks {', '.join(_NAMES.get(name, name) for name in missing)}",
            "activate it with the broker",
            sends=sends,
        )
    if product not in products:
        return _of_orders("segments", f"the account lacks product {product}", "ask the broker", sends=sends)
    if stopped:
        told = f"the kill switch of {', '.join(stopped)} is on"
        return _of_orders("segments", told, "turn it off in the app (it locks for 12 hours)", sends=sends)
    return passed("segments", f"{', '.join(wanted) or 'none needed'}, product {product}")


def address(registered: Sequence[str], own: str, *, sends: bool) -> Check:
    """Judge the static IP.

    Parameters
    ----------
    registered : sequence of str
        From where orders may come.
    own : str
        The address by which this machine leaves; a private one tells nothing.
    """
    if not registered:
        return _of_orders("static IP", "none is registered, so orders will be refused",
                          "register this machine's public address in the broker's developer page", sends=sends)  # fmt: skip
    told = " and ".join(registered)
    if own in registered:
        return passed("static IP", f"orders may come from {told}; this machine is {own}")
    if is_private(own):
        behind = f"this machine ({own}) is behind a router" if own else "this machine cannot tell its own address"
        return warned("static IP", f"orders may come from {told}", f"{behind}: look that its line has that address today")
    return _of_orders("static IP", f"orders may come from {told}, and this machine is {own}",
                      "run it there, or register this one", sends=sends)  # fmt: skip


def funds(available: float, counted_on: float, *, sends: bool) -> Check:
    """Judge the money, in rupees, against what the run counts on."""
    if available <= 0:
        return _of_orders("funds", f"{rupees(available)} can be traded with", "pay in", sends=sends)
    if available < counted_on:
        return warned("funds", f"{rupees(available)} can be traded with, and the run counts on {rupees(counted_on)}",
                      "set cash to what there is, or orders may be refused for margin")  # fmt: skip
    return passed("funds", f"{rupees(available)} can be traded with")


def clock(lag: int | None) -> Check:
    """Judge how far the broker's clock is ahead of ours (ns), None where it did not say."""
    if lag is None:
        return warned("clock", "the broker's answer has no date", "look that NTP runs")
    if abs(lag) <= _DRIFT_NS:
        return passed("clock", f"within {_DRIFT_NS // SECOND_NS} s of the broker's")
    told = f"the broker's is {abs(lag) / SECOND_NS:,.0f} s {'ahead of' if lag > 0 else 'behind'} this machine's"
    cure = "keep it by NTP (timedatectl set-ntp true)"
    return (failed if abs(lag) > _BAD_DRIFT_NS else warned)("clock", told, cure)


def leftovers(positions: Iterable[Mapping[str, Any]], orders: Iterable[Mapping[str, Any]], *, sends: bool) -> list[Check]:
    """Judge what is held and what waits before the day begins: a bot that did not open it does not guard it."""
    held = [f"{_name(row)} {row['quantity']:+,}" for row in positions if row.get("quantity")]
    waiting = [f"{_name(row)} {row.get('transaction_type')} {row.get('quantity')} ({row.get('status')})" for row in orders
               if row.get("status") not in _FINAL]  # fmt: skip
    found = []
    if held:
        found.append(_of_orders("positions", f"held before the day begins: {_listed(held)}",
                                "close them in the app, or know why they are there", sends=sends))  # fmt: skip
    else:
        found.append(passed("positions", "none held"))
    if waiting:
        found.append(
            _of_orders("orders", f"waiting before the day begins: {_listed(waiting)}", "cancel them in the app", sends=sends)
        )
    else:
        found.append(passed("orders", "none waiting"))
    return found


def is_private(text: str) -> bool:
    """Return whether an address is one that the internet does not see."""
    try:
        return not ip_address(text).is_global
    except ValueError:
        return True


def _of_orders(name: str, what: str, cure: str, *, sends: bool) -> Check:
    # What only stops orders is no reason to stop a day on paper.
    return (failed if sends else warned)(name, what, cure)


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("trading_symbol") or row.get("tradingsymbol") or row.get("instrument_token"))


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
