"""Carries orders to the broker and asks what became of them; what comes of it is told as messages."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from auction_bt.brokers.messages import Answer, answer_message, book_message, funds_message, positions_message
from auction_bt.core.errors import AuctionError
from auction_bt.core.live_order import Action, Asked, Cancel, Kind, Look, Modify, Outcome, Place
from auction_bt.fetching.limiter import RateLimiter

from .client import UpstoxClient, data_of, refusal_of

#: (seconds, calls) of order requests by an algorithm that is not registered: 10 a second, 500 a minute, 2,000 in half an hour.
WINDOWS: Final = ((1.0, 8), (60.0, 475), (1800.0, 1900))
_TIMEOUTS_S: Final = (3, 10)
_LOOKS_S: Final = (0.3, 1.0, 2.0)  # waits before looks at the order book after a lost answer
_UNAUTHORISED: Final = 401
_SERVER: Final = 500
_PROTECTION: Final = -1  # the broker's own table of market price protection; 0 would be none at all


class OrderSender:
    """Sends requests one after the other on a thread of its own, and reads the account on another.

    Parameters
    ----------
    client : callable returning UpstoxClient
        Makes a client with the token of the moment; asked again after a 401.
    tell : callable taking a message (dict)
        Takes each answer as a message to be recorded.
    clock : callable returning int, ns
        The time of the market.
    before : callable (Action)
        Returns when the action is on the disk, with all that led to it; raises `Fatal` where it cannot be: then it is not sent.
    product : str
        ``I`` or ``D``.
    limiter : RateLimiter
    algo_name : str
        Of a registered algorithm; '' for none.
    now : callable returning int, ns
        A clock that only runs forward; for how long things take.

    Notes
    -----
    Nothing is ever sent twice. A request whose answer was lost is looked for in the order book by its tag; where that does not
    show it, that is what is told: it is unknown.
    """

    def __init__(
        self, client: Callable[[], UpstoxClient], tell: Callable[[Mapping[str, Any]], None], clock: Callable[[], int], *,
        before: Callable[[Action], None], product: str, limiter: RateLimiter, now: Callable[[], int], algo_name: str = "",
    ) -> None:  # fmt: skip
        self._make = client
        self._tell = tell
        self._clock = clock
        self._before = before
        self._product = product
        self._limiter = limiter
        self._algo_name = algo_name
        self._now = now
        self._actions: queue.SimpleQueue[tuple[Action, int] | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, name="orders", daemon=True),
            threading.Thread(target=self._read, name="account", daemon=True),
        ]
        self._undone = 0
        self._changed = threading.Condition()
        self.reads = 0  # of the account, that were answered whole
        # Of each request, ns: from its being asked to the disk, until the broker's limits of requests let it go, and to the call.
        self.waits: list[tuple[int, int, int]] = []

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def send(self, action: Action) -> None:
        """Take a request; never wait."""
        with self._changed:
            self._undone += 1
        self._actions.put((action, self._now()))

    def read_account(self) -> None:
        """Ask for order book, positions and funds; they come as messages."""
        with self._changed:
            self._undone += 1
        self._reads.put("account")

    @property
    def is_idle(self) -> bool:
        """Whether every request has been answered, and the answer told."""
        return not self._undone

    def wait_idle(self, timeout: float) -> bool:
        """Wait until it is; return whether it was within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._undone, timeout)

    def _one_done(self) -> None:
        with self._changed:
            self._undone -= 1
            self._changed.notify_all()

    def close(self, timeout: float = 15.0) -> None:
        """Send what waits, and end."""
        self._actions.put(None)
        self._reads.put(None)
        for thread in self._threads:
            thread.join(timeout)
        self._stop.set()

    # ---------------------------------------------------------------- writing
    def _write(self) -> None:
        client = _Client(self._make, self._algo_name)
        while (item := self._actions.get()) is not None:
            action, asked = item
            try:
                self._perform(client, action, asked)
            finally:
                self._one_done()

    def _perform(self, client: _Client, action: Action, asked: int) -> None:
        to = _ASKED[type(action)]
        if isinstance(action, Look):
            self._look(client, action)
            return
        try:
            self._before(action)
        except AuctionError as error:
            self._answer(action, to, Outcome.REFUSED, note=str(error))
            return
        kept = self._now()
        self._limiter.wait()
        free = self._now()
        self.waits.append((kept - asked, free - kept, self._now() - free))
        try:
            order_id = client.call(lambda c: _SENDERS[type(action)](c, action, self._product))
        except _Refused as error:
            self._answer(action, to, Outcome.REFUSED, note=str(error))
        except _Unknown as error:
            self._find(client, action, to, str(error))
        else:
            self._answer(action, to, Outcome.ACCEPTED, order_id)

    def _find(self, client: _Client, action: Place | Modify | Cancel, to: Asked, why: str) -> None:
        rows: list[Mapping[str, Any]] = []
        for wait in _LOOKS_S:
            self._stop.wait(wait)
            try:
                rows = _of(client.book(), action)
            except (_Refused, _Unknown) as error:
                why = f"{why}; the order book cannot be read either ({error})"
                continue
            if rows:
                break
        if rows and to is Asked.PLACE:
            self._answer(action, to, Outcome.ACCEPTED, str(rows[-1].get("order_id", "")), rows=rows)
        else:
            self._answer(action, to, Outcome.LOST, note=f"no answer ({why})", rows=rows)

    def _look(self, client: _Client, action: Look) -> None:
        try:
            rows = _of(client.book(), action)
        except (_Refused, _Unknown):
            return  # nothing is known, as before; it will be asked again
        if rows or not action.order_id:
            outcome = Outcome.ACCEPTED if rows else Outcome.LOST
            order_id = str(rows[-1].get("order_id", "")) if rows else ""
            self._answer(action, Asked.PLACE, outcome, order_id, rows=rows, note="" if rows else "not in the order book")

    def _answer(
        self, action: Action, to: Asked, outcome: Outcome, order_id: str = "", *, note: str = "",
        rows: Iterable[Mapping[str, Any]] = (),
    ) -> None:  # fmt: skip
        answer = Answer(action.intent.tag, to, outcome, order_id, note)
        self._tell(answer_message(answer, action.intent.symbol, self._clock(), rows))

    # ---------------------------------------------------------------- reading
    def _read(self) -> None:
        client = _Client(self._make, self._algo_name)
        while self._reads.get() is not None:
            try:
                self._tell(book_message(client.book(), self._clock()))
                self._tell(positions_message(client.positions(), self._clock()))
                available, used = client.funds()
                self._tell(funds_message(available, used, self._clock()))
                self.reads += 1
            except (_Refused, _Unknown):
                pass  # what was known stands; whoever shows it shows its age
            finally:
                self._one_done()


class _Refused(Exception):
    """The broker says no: nothing was done."""


class _Unknown(Exception):
    """Nobody knows whether it was done."""


class _Client:
    """One client of the SDK; a new one is made where the token died."""

    def __init__(self, make: Callable[[], UpstoxClient], algo_name: str) -> None:
        self._make = make
        self._options = {"algo_name": algo_name} if algo_name else {}
        self._client: UpstoxClient | None = None

    def call(self, send: Callable[[_Client], Any]) -> str:
        """Return the order's number from the answer to an order request."""
        data = self._data(lambda: send(self), again=True)
        ids = data.get("order_ids") if isinstance(data, dict) else None
        return str(ids[0]) if isinstance(ids, list) and ids else str(data.get("order_id", "")) if isinstance(data, dict) else ""

    def book(self) -> list[Mapping[str, Any]]:
        """Return the rows of the order book."""
        import upstox_client

        data = self._data(lambda: upstox_client.OrderApi(self.sdk).get_order_book("2.0", **self.options), again=True)
        return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []

    def positions(self) -> list[Mapping[str, Any]]:
        """Return the rows of the day's positions."""
        import upstox_client

        data = self._data(lambda: upstox_client.PortfolioApi(self.sdk).get_positions("2.0", **self.options), again=True)
        return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []

    def funds(self) -> tuple[float, float]:
        """Return what is available and what is used, in rupees."""
        import upstox_client

        data = self._data(lambda: upstox_client.UserApi(self.sdk).get_user_fund_margin("2.0", **self.options), again=True)
        equity = data.get("equity") if isinstance(data, dict) else None
        found = equity if isinstance(equity, dict) else {}
        return float(found.get("available_margin") or 0.0), float(found.get("used_margin") or 0.0)

    @property
    def sdk(self) -> Any:
        """The SDK's client."""
        if self._client is None:
            self._client = self._make()
        return self._client.sdk

    @property
    def options(self) -> dict[str, Any]:
        """Keywords of each call."""
        return {"_preload_content": False, "_request_timeout": _TIMEOUTS_S}

    @property
    def order_options(self) -> dict[str, Any]:
        """Keywords of each order call."""
        return {**self.options, **self._options}

    def _data(self, send: Callable[[], Any], *, again: bool) -> Any:
        try:
            sdk = self.sdk
        except AuctionError as error:  # no token, or one that has died
            raise _Refused(str(error)) from error
        client = self._client
        assert client is not None and sdk is not None  # noqa: S101, PT018 - for the type checker
        try:
            return data_of(send().data)
        except client.refusal as error:
            if error.status == _UNAUTHORISED and again:  # nothing was done; the token may have been renewed
                self._client = None
                return self._data(send, again=False)
            if error.status >= _SERVER:
                raise _Unknown(refusal_of(error)) from error
            raise _Refused(refusal_of(error)) from error
        except client.transport as error:
            raise _Unknown(type(error).__name__) from error
        except ValueError as error:
            raise _Unknown(type(error).__name__) from error


def _place(client: _Client, action: Place, product: str) -> Any:
    import upstox_client

    intent = action.intent
    body = upstox_client.PlaceOrderV3Request(
        quantity=intent.qty, product=product, validity="IOC" if intent.ioc else "DAY", price=intent.price, tag=intent.tag,
        instrument_token=intent.symbol, order_type=intent.kind.value, transaction_type="BUY" if intent.buy else "SELL",
        disclosed_quantity=0, trigger_price=intent.trigger, is_amo=False, slice=False, market_protection=_PROTECTION,
    )  # fmt: skip
    return upstox_client.OrderApiV3(client.sdk).place_order(body, **client.order_options)


def _modify(client: _Client, action: Modify, _: str) -> Any:
    import upstox_client

    kind = action.intent.kind
    body = upstox_client.ModifyOrderRequest(
        order_id=action.order_id, quantity=action.qty, validity="DAY", price=action.price, order_type=kind.value,
        disclosed_quantity=0, trigger_price=action.trigger if kind in {Kind.STOP_MARKET, Kind.STOP_LIMIT} else 0.0,
        market_protection=_PROTECTION,
    )  # fmt: skip
    return upstox_client.OrderApiV3(client.sdk).modify_order(body, **client.order_options)


def _cancel(client: _Client, action: Cancel, _: str) -> Any:
    import upstox_client

    return upstox_client.OrderApiV3(client.sdk).cancel_order(action.order_id, **client.order_options)


_ASKED: Final = {Place: Asked.PLACE, Modify: Asked.MODIFY, Cancel: Asked.CANCEL, Look: Asked.PLACE}
_SENDERS: Final[dict[type, Callable[..., Any]]] = {Place: _place, Modify: _modify, Cancel: _cancel}


def _of(rows: Iterable[Mapping[str, Any]], action: Action) -> list[Mapping[str, Any]]:
    known = "" if isinstance(action, Place) else action.order_id
    return [row for row in rows if row.get("tag") == action.intent.tag or (known and row.get("order_id") == known)]
