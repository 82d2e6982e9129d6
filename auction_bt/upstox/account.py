"""What the broker says of the account: read, never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final

from auction_bt.core.errors import AuctionError, BadInput, Retryable
from auction_bt.core.ist import SECOND_NS
from auction_bt.instruments.download import cause_of

from .client import UpstoxClient, data_of, refusal_of

Row = Mapping[str, Any]
_UNAUTHORISED: Final = 401


class AccountApi:
    """Asks about the account, once each time: who asks is a person or a timer, and both ask again.

    Parameters
    ----------
    host : str
        ``https://api.upstox.com``, or a server that speaks the same.
    token : str
    clock : callable returning int, ns
        This machine's.

    Attributes
    ----------
    lag : int or None, ns
        How far the broker's clock was ahead of this machine's at the last answer, to the second; None before one said.
    """

    def __init__(self, host: str, token: str, clock: Callable[[], int]) -> None:
        import upstox_client

        self._client = UpstoxClient(host)
        self._client.send_token(token)
        self._clock = clock
        sdk = self._client.sdk
        self._user = upstox_client.UserApi(sdk)
        self._orders = upstox_client.OrderApi(sdk)
        self._charges = upstox_client.ChargeApi(sdk)
        self._portfolio = upstox_client.PortfolioApi(sdk)
        self.lag: int | None = None

    def profile(self) -> Row:
        """Return who it is: ``exchanges, products, is_active, …``.

        Raises
        ------
        BadInput
            The token is refused.
        Retryable
            The broker cannot be reached.
        AuctionError
            It refuses, or its answer is none. So do all others.
        """
        return _row(self._ask("profile", lambda **options: self._user.get_profile("2.0", **options)), "profile")

    def addresses(self) -> tuple[str, ...]:
        """Return the addresses from which orders may come."""
        said = _row(self._ask("static IPs", self._user.get_user_ips), "static IPs")
        return tuple(str(said[name]) for name in ("primary_ip", "secondary_ip") if said.get(name))

    def available(self) -> float:
        """Return what can be traded with, in rupees."""
        said = _row(self._ask("funds", self._user.get_user_fund_margin_v3), "funds").get("available_to_trade")
        total = said.get("total") if isinstance(said, dict) else None
        if isinstance(total, bool) or not isinstance(total, int | float):
            raise _odd("funds")
        return float(total)

    def killed(self) -> tuple[str, ...]:
        """Return the segments whose kill switch is on."""
        rows = _rows(self._ask("kill switch", self._user.get_kill_switch), "kill switch")
        return tuple(str(row.get("segment")) for row in rows if row.get("kill_switch_enabled") is True)

    def positions(self) -> Sequence[Row]:
        """Return the positions of the day, closed ones too."""
        asked = self._ask("positions", lambda **options: self._portfolio.get_positions("2.0", **options))
        return _rows(asked, "positions")

    def orders(self) -> Sequence[Row]:
        """Return the day's order book."""
        return _rows(self._ask("orders", lambda **options: self._orders.get_order_book("2.0", **options)), "orders")

    def trades(self) -> Sequence[Row]:
        """Return what was traded today, fill by fill."""
        return _rows(self._ask("trades", lambda **options: self._orders.get_trade_history("2.0", **options)), "trades")

    def charges(self, symbol: str, qty: int, product: str, price: float, *, buy: bool) -> Decimal:
        """Return what the broker charges for an order, in rupees: its own calculation, before the contract note's."""
        asked = symbol, qty, product, "BUY" if buy else "SELL", price, "2.0"
        data = self._ask("charges", lambda **options: self._charges.get_brokerage(*asked, **options))
        said = _row(data, "charges").get("charges")
        total = said.get("total") if isinstance(said, dict) else None
        if isinstance(total, bool) or not isinstance(total, int | float):
            raise _odd("charges")
        return Decimal(str(total))

    def _ask(self, what: str, send: Callable[..., Any]) -> object:
        before = self._clock()
        try:
            answer = send(**self._client.options)
            self._look_at(answer.headers.get("Date"), before)
            return data_of(answer.data)
        except self._client.refusal as error:
            if error.status == _UNAUTHORISED:
                raise BadInput(f"the broker refuses the token ({refusal_of(error)})") from error
            raise AuctionError(f"Upstox's {what}: refused ({refusal_of(error)})") from error
        except self._client.transport as error:
            raise Retryable(f"Upstox's {what}: no answer ({cause_of(error)})") from error
        except ValueError as error:
            raise _odd(what) from error

    def _look_at(self, said: str | None, before: int) -> None:
        if said is None:
            return
        try:
            theirs = int(parsedate_to_datetime(said).timestamp()) * SECOND_NS
        except (ValueError, TypeError):
            return
        # The header is cut to the second, and was written between our asking and the answer's coming.
        now = self._clock()
        self.lag = theirs - now if theirs > now else min(0, theirs + SECOND_NS - before)


def _row(data: object, what: str) -> Row:
    if not isinstance(data, dict):
        raise _odd(what)
    return data


def _rows(data: object, what: str) -> Sequence[Row]:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise _odd(what)
    return data


def _odd(what: str) -> AuctionError:
    return AuctionError(f"Upstox's {what}: the answer is not what it should be")
