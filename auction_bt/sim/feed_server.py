"""The simulated broker's sockets: the market feed in protobuf, the portfolio's updates as text."""

from __future__ import annotations

import http
import socket
from collections.abc import Callable, Iterable, Mapping
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from auction_bt.core.errors import BadInput
from auction_bt.upstox.frames import Frames

from .answer import Update
from .modes import FULL, seen
from .service import Feeds
from .sessions import Sessions
from .shapes import portfolio_text
from .socket_faults import MARKET, PORTFOLIO, Line, SocketFault
from .subscriber import Subscriber, failed

_DIRECT: Final = {"/v3/feed/market-data-feed": MARKET, "/v2/feed/portfolio-stream-feed": PORTFOLIO}
_LOOK_S: Final = 0.01  # what is waited for may also change without word of it
_ORDERS: Final = "order"  # what a portfolio feed tells of that was asked for nothing
_PAGE: Final = 200  # keys of one snapshot frame


class FeedServer:
    """Both sockets on one port of loopback, from birth on; served while it is entered (``with``).

    Parameters
    ----------
    sessions : Sessions
        Whose one-time codes open a socket.
    clock : callable returning int, ns
        The exchange's time.
    port : int
        0: any that is free.
    faults : iterable of SocketFault
    status : mapping
        ``segmentStatus`` of the first frame.

    Attributes
    ----------
    feeds : Feeds
        Where the sockets are.

    Notes
    -----
    A connection to the market feed is first told the status of the segments, then, for keys it subscribes to, what is known of
    them, in a frame without a ``type``. A connection to the portfolio feed is told of the kinds that its address names
    (``update_types``), of orders where it names none. The addresses that the broker's SDKs have built in are redirected to these
    sockets.
    """

    def __init__(
        self, sessions: Sessions, clock: Callable[[], int], *, port: int = 0, faults: Iterable[SocketFault] = (),
        status: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._sessions = sessions
        self._clock = clock
        self._frames = Frames()
        chosen = tuple(faults)
        self._lines = {on: Line(chosen, on, self._set_back) for on in (MARKET, PORTFOLIO)}
        self._status = dict(status or {})
        self._latest: dict[str, dict[str, Any]] = {}
        self._changed = Condition()
        self._subscribers: dict[str, list[Subscriber]] = {MARKET: [], PORTFOLIO: []}
        try:
            bound = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise BadInput(
                f"the simulated feed cannot listen on port {port} ({error.strerror or error}): give another"
            ) from error
        where = f"ws://127.0.0.1:{bound.getsockname()[1]}"
        self.feeds = Feeds(f"{where}/{MARKET}", f"{where}/{PORTFOLIO}")
        self._server: Server = serve(
            self._serve, sock=bound, process_request=self._admit, compression=None, max_queue=None, ping_interval=20
        )
        self._thread = Thread(target=self._server.serve_forever, name="sim sockets", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()

    # ---------------------------------------------------------------- what is told
    def show(self, message: Mapping[str, Any]) -> None:
        """Send a frame of the day to whoever has subscribed to what is in it."""
        if "marketInfo" in message:
            self._status |= message["marketInfo"].get("segmentStatus", {})
            whole = self._frames.encode(dict(message))
            for subscriber in self._of(MARKET):
                subscriber.put(whole)
            return
        feeds = message["feeds"]
        with self._changed:  # a snapshot holds this frame, or it is sent this frame: not neither
            self._latest.update(feeds)
            chosen = [(s, self._part(s, message)) for s in self._subscribers[MARKET]]
            for subscriber, part in chosen:
                if part is not None:
                    subscriber.put(part)

    def tell(self, update: Update) -> None:
        """Send an update of the account."""
        text = portfolio_text(update)
        for subscriber in self._of(PORTFOLIO):
            if update.kind in subscriber.kinds:
                subscriber.put(text)

    # ---------------------------------------------------------------- lockstep
    @property
    def is_settled(self) -> bool:
        """Whether every connection has taken every frame."""
        with self._changed:
            return all(s.has_taken_all for some in self._subscribers.values() for s in some)

    @property
    def keys(self) -> frozenset[str]:
        """What anyone has subscribed to."""
        with self._changed:
            return frozenset(key for s in self._subscribers[MARKET] for key in s.modes)

    def count(self, kind: str) -> int:
        """Return how many connections there are to a socket."""
        return len(self._of(kind))

    def wait(self, until: Callable[[], bool], over: Callable[[], bool]) -> None:
        """Wait until something is so, looked at whenever a connection has changed or taken a frame, or until it is over."""
        while not over():
            if until():
                return
            with self._changed:
                self._changed.wait(_LOOK_S)

    # ---------------------------------------------------------------- connections
    def _of(self, kind: str) -> list[Subscriber]:
        with self._changed:
            return list(self._subscribers[kind])

    def _part(self, subscriber: Subscriber, message: Mapping[str, Any]) -> bytes | None:
        feeds = message["feeds"]
        found = {key: seen(feeds[key], subscriber.modes[key]) for key in feeds if key in subscriber.modes}
        shown = {key: feed for key, feed in found.items() if feed is not None}
        return self._frames.encode({**message, "feeds": shown}) if shown else None

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        address = urlsplit(request.path)
        direct = _DIRECT.get(address.path)
        if direct is not None:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
            if self._sessions.check(token, self._clock()) is not None:
                return connection.respond(http.HTTPStatus.UNAUTHORIZED, "invalid token\n")
            code = self._sessions.code(direct, self._clock())
            where = self.feeds.market if direct == MARKET else self.feeds.portfolio
            asked = {name: words[0] for name, words in parse_qs(address.query).items() if name == "update_types"}
            headers = Headers({"Location": f"{where}?{urlencode({'code': code, **asked})}", "Content-Length": "0"})
            return Response(302, "Found", headers, b"")
        kind, code = address.path.strip("/"), parse_qs(address.query).get("code", [""])[0]
        if kind not in self._subscribers:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "no such feed\n")
        if not self._sessions.take_code(code, kind, self._clock()):
            return connection.respond(http.HTTPStatus.FORBIDDEN, "the code was used, or is too old\n")
        return None

    def _serve(self, connection: ServerConnection) -> None:
        address = urlsplit(connection.request.path if connection.request else "")
        kind = address.path.strip("/")
        kinds = parse_qs(address.query).get("update_types", [_ORDERS])[0].split(",")
        subscriber = Subscriber(connection, self._lines[kind], self._notify, kinds)
        if kind == MARKET:
            subscriber.put(self._frames.encode({"type": "market_info", "currentTs": self._ms(),
                                                "marketInfo": {"segmentStatus": dict(self._status)}}))  # fmt: skip
        subscriber.start()
        with self._changed:
            self._subscribers[kind].append(subscriber)
            self._changed.notify_all()
        try:
            for data in connection:
                self._take(subscriber, data)
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self._subscribers[kind].remove(subscriber)
            subscriber.end()
            self._notify()

    def _take(self, subscriber: Subscriber, data: bytes | str) -> None:
        with self._changed:
            fresh, problem = subscriber.request(data)
            known = {key: part for key in fresh if key in self._latest
                     if (part := seen(self._latest[key], subscriber.modes.get(key, FULL))) is not None}  # fmt: skip
            keys = sorted(known)
            for at in range(0, len(keys), _PAGE):
                page = {key: known[key] for key in keys[at : at + _PAGE]}
                subscriber.put(self._frames.encode({"feeds": page, "currentTs": self._ms()}))
            self._changed.notify_all()
        if problem is not None:
            subscriber.put(failed(problem))

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _ms(self) -> str:
        return str(self._clock() // 1_000_000)

    def _set_back(self, frame: bytes, shares: int) -> bytes:
        message = self._frames.decode(frame)
        for feed in message.get("feeds", {}).values():
            body = feed.get("fullFeed", {}).get("marketFF") or feed.get("firstLevelWithGreeks") or {}
            if "vtt" in body:
                body["vtt"] = str(max(0, int(body["vtt"]) - shares))
        return self._frames.encode(message)
