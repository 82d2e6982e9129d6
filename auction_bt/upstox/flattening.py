"""Takes back all orders of ours and leaves what they have opened, without a bot: by the tags in the broker's order book."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from auction_bt.brokers.messages import row_of
from auction_bt.core.errors import Fatal
from auction_bt.core.keeping import BY_HAND, OURS, base36
from auction_bt.core.live_order import FINAL, Row

from .client import UpstoxClient, data_of, refusal_of

_WAIT_S: Final = 1.0
_ROUNDS: Final = 30
_SERVER: Final = 500
_PROTECTION: Final = -1  # the broker's own table


class Flattening:
    """Does it once.

    Parameters
    ----------
    client : UpstoxClient
        With a token.
    clock : callable returning int, ns
        For tags.
    sleep : callable (float)
    say : callable (str)
        Takes what is done.

    Notes
    -----
    What was opened by orders of ours is what is closed, and never more than the account holds. An order whose answer was lost is
    looked for by its tag before another is sent.
    """

    def __init__(
        self, client: UpstoxClient, clock: Callable[[], int], sleep: Callable[[float], None], say: Callable[[str], None]
    ) -> None:
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._say = say
        self._sent: dict[str, tuple[str, int]] = {}  # of orders given here: tag to key and shares
        self._products: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def run(self, symbol: str = "") -> list[str]:
        """Do it, for a symbol (key or trading symbol) or for all; return what is left, nothing where it is flat."""
        for _ in range(_ROUNDS):
            rows = self._book(symbol)
            resting = [row for row in rows if row.status not in FINAL and not row.tag.startswith(BY_HAND)]
            for row in resting:
                self._cancel(row)
            if not resting:
                moving = [row for row in rows if row.status not in FINAL]
                open_ = self._open(rows)
                if not moving and not open_:
                    return []
                if not moving:
                    for key, qty in open_.items():
                        self._leave(key, qty, rows)
            self._sleep(_WAIT_S)
        rows = self._book(symbol)
        return [f"{self._names.get(k, k)} {q:+,} shares" for k, q in self._open(rows).items()] + [
            f"order {row.order_id} {row.status}" for row in rows if row.status not in FINAL
        ]

    # ---------------------------------------------------------------- what the account shows
    def _book(self, symbol: str) -> list[Row]:
        import upstox_client

        found = self._rows(upstox_client.OrderApi(self._client.sdk).get_order_book)
        for each in found:
            key = str(each.get("instrument_token"))
            self._products[key] = str(each.get("product") or "I")
            self._names[key] = str(each.get("trading_symbol") or key)
        wanted = [r for r in found if not symbol or symbol in {r.get("instrument_token"), r.get("trading_symbol")}]
        return [row for each in wanted if (row := row_of(each)) is not None and row.tag.startswith(OURS)]

    def _open(self, rows: Iterable[Row]) -> dict[str, int]:
        # Bought less sold by orders of ours, as far as the account still holds it.
        import upstox_client

        ours: dict[str, int] = {}
        for row in rows:
            ours[row.symbol] = ours.get(row.symbol, 0) + (row.filled if row.buy else -row.filled)
        held: dict[str, int] = {}
        for each in self._rows(upstox_client.PortfolioApi(self._client.sdk).get_positions):
            key = str(each.get("instrument_token"))
            held[key] = held.get(key, 0) + int(each.get("quantity") or 0)
        both = {key: min(qty, held.get(key, 0), key=abs) for key, qty in ours.items() if qty * held.get(key, 0) > 0}
        return {key: qty for key, qty in both.items() if qty}

    def _rows(self, call: Callable[..., Any]) -> list[dict[str, Any]]:
        unreachable: tuple[type[Exception], ...] = (*self._client.transport, ValueError)
        try:
            data = data_of(call("2.0", **self._client.options).data)
        except self._client.refusal as error:
            raise Fatal(f"the broker does not show the account ({refusal_of(error)}): nothing was done") from error
        except unreachable as error:
            raise Fatal(f"the broker cannot be reached ({type(error).__name__}): use its own page or telephone") from error
        return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []

    # ---------------------------------------------------------------- what is done
    def _cancel(self, row: Row) -> None:
        import upstox_client

        self._try(f"take back {row.tag} ({self._names.get(row.symbol, row.symbol)})", lambda: upstox_client.OrderApiV3(
            self._client.sdk).cancel_order(row.order_id, **self._client.options))  # fmt: skip

    def _leave(self, key: str, qty: int, rows: Iterable[Row]) -> None:
        import upstox_client

        known = {row.tag for row in rows}
        if any(of == (key, qty) and tag not in known for tag, of in self._sent.items()):
            return  # sent, and not in the book yet
        tag = f"{BY_HAND}{base36(self._clock())}"
        self._sent[tag] = key, qty
        body = upstox_client.PlaceOrderV3Request(
            quantity=abs(qty), product=self._products.get(key, "I"), validity="DAY", price=0.0, tag=tag, instrument_token=key,
            order_type="MARKET", transaction_type="SELL" if qty > 0 else "BUY", disclosed_quantity=0, trigger_price=0.0,
            is_amo=False, slice=True, market_protection=_PROTECTION,
        )  # fmt: skip
        is_refused = self._try(f"leave {self._names.get(key, key)} {qty:+,} at market", lambda: upstox_client.OrderApiV3(
            self._client.sdk).place_order(body, **self._client.options))  # fmt: skip
        if is_refused:  # nothing was sent: another may be tried
            del self._sent[tag]

    def _try(self, what: str, call: Callable[[], Any]) -> bool:
        """Do it, and say so; return whether it was refused."""
        try:
            call()
        except self._client.refusal as error:
            self._say(f"{what}: {'refused' if error.status < _SERVER else 'no good answer'} ({refusal_of(error)})")
            return bool(error.status < _SERVER)
        except self._client.transport as error:
            self._say(f"{what}: no answer ({type(error).__name__}); looking")
        else:
            self._say(what)
        return False
