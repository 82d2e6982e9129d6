"""REST calls about the user: who it is, from where orders may come, the kill switch."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response

from .answer import Answer, Problem
from .exchange import Exchange
from .reply import act, bad, body, good, rows, wrong
from .service import Service

_SEGMENTS: Final = ("NSE_EQ", "BSE_EQ", "NSE_FO", "BSE_FO")


def user_calls(service: Service) -> Blueprint:
    """Return the calls."""
    calls = Blueprint("user", __name__)
    ask = service.broker.read

    @calls.get("/v2/user/kill-switch")
    def kill_switch() -> Response:
        return rows(ask(_switches))

    @calls.post("/v2/user/kill-switch")
    def switch() -> Response:
        said = body()
        if not isinstance(said, list) or not said or not all(isinstance(row, dict) for row in said):
            return wrong("segments")
        for row in said:
            if row.get("segment") not in _SEGMENTS:
                return bad(Problem("UDAPI1186", "Invalid segment", field="segment", value=row.get("segment")))
            if row.get("action") not in {"DISABLE", "ENABLE"}:
                return bad(Problem("UDAPI1188", "Invalid action", field="action", value=row.get("action")))
        wanted = [(row["segment"], row["action"] == "DISABLE") for row in said]

        def reply(answer: Answer) -> Response:
            return bad(*answer.problems) if answer.problems else rows(ask(_switches))

        return act(service, lambda exchange, now: exchange.switch(wanted, now), reply)

    @calls.get("/v2/user/ip")
    def addresses() -> Response:
        return good(_ips(service))

    @calls.put("/v2/user/ip")
    def set_addresses() -> Response:
        said = body()
        if not isinstance(said, dict) or not isinstance(said.get("primary_ip"), str):
            return wrong("primary_ip")
        service.static_ips = tuple(said[name] for name in ("primary_ip", "secondary_ip") if said.get(name))
        service.sessions.kill()
        return good({**_ips(service), "access_tokens_invalidated": True})

    @calls.get("/v2/user/profile")
    def profile() -> Response:
        return good(user_of(service))

    return calls


def user_of(service: Service) -> dict[str, Any]:
    """Return who is logged in, as the broker describes users."""
    user = service.sessions.user
    return {
        "email": "sim@example.invalid", "exchanges": ["NSE", "NFO", "BSE", "BFO"], "products": ["D", "I", "MTF"],
        "broker": "UPSTOX", "user_id": user, "user_name": "Simulated User", "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
        "user_type": "individual", "poa": False, "is_active": True,
    }  # fmt: skip


def _switches(exchange: Exchange, _: int) -> list[dict[str, Any]]:
    killed = exchange.killed
    return [{"segment": name, "segment_status": "INACTIVE" if name in killed else "ACTIVE", "kill_switch_enabled": name in killed}
            for name in _SEGMENTS]  # fmt: skip


def _ips(service: Service) -> dict[str, Any]:
    first, second = (*service.static_ips, None, None)[:2]
    return {"primary_ip": first, "secondary_ip": second, "primary_ip_updated_at": None, "secondary_ip_updated_at": None}
