"""The SDK's streamers and feeders with our own way to the server: asked for its address, verified, read by one thread."""

from __future__ import annotations

import json
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from .client import UpstoxClient, data_of

#: Seconds to connect and shake hands; the socket then has its own.
CONNECT_S = 10.0
_TURN_S = 0.5
_AHEAD = 65536  # bytes


class Wire(Protocol):
    """One connection, from its making to its end."""

    def connect(self) -> None:
        """Ask for the address, and connect."""
        ...

    def read(self, take: Callable[[bytes | str], None], goes_on: Callable[[], bool], ping_s: float, dead_s: float) -> str:
        """Give what comes to `take` until the connection has ended or not `goes_on` (asked twice a second); return why.

        It is pinged after `ping_s` seconds without a word, and dead after `dead_s`.
        """
        ...

    def acknowledge(self) -> None:
        """Say that a frame was worked off; a simulated exchange in lockstep waits for it."""
        ...


class MarketWire(Wire, Protocol):
    """A connection to the market feed; its methods are the SDK's, and keep what was asked for in `subscriptions`."""

    subscriptions: dict[str, set[str]]

    def subscribe(self, instrumentKeys: list[str], mode: str) -> None: ...  # noqa: D102, N803 - the SDK's names
    def unsubscribe(self, instrumentKeys: list[str]) -> None: ...  # noqa: D102, N803
    def change_mode(self, instrumentKeys: list[str], newMode: str) -> None: ...  # noqa: D102, N803


def market_wire(client: UpstoxClient) -> MarketWire:
    """Return a wire of the market feed; nothing has been asked for yet."""
    from upstox_client import MarketDataStreamerV3, WebsocketApi
    from upstox_client.feeder.market_data_feeder_v3 import MarketDataFeederV3

    class MarketFeeder(_Socket, MarketDataFeederV3):  # type: ignore[misc] # the SDK has no types
        def address(self) -> str:
            return _address(WebsocketApi(self.api_client).get_market_data_feed_authorize_v3(**client.options), client)

    class MarketStreamer(_Streaming, MarketDataStreamerV3):  # type: ignore[misc]
        def connect(self) -> None:
            self.feeder = MarketFeeder(self.api_client)
            self.feeder.connect()

    made: MarketWire = MarketStreamer(client.sdk)
    return made


def portfolio_wire(client: UpstoxClient) -> Wire:
    """Return a wire of the account's updates: orders and positions."""
    from upstox_client import PortfolioDataStreamer, WebsocketApi
    from upstox_client.feeder.portfolio_data_feeder import PortfolioDataFeeder

    class PortfolioFeeder(_Socket, PortfolioDataFeeder):  # type: ignore[misc]
        def address(self) -> str:
            api = WebsocketApi(self.api_client)
            return _address(api.get_portfolio_stream_feed_authorize("2.0", position_update=True, **client.options), client)

    class PortfolioStreamer(_Streaming, PortfolioDataStreamer):  # type: ignore[misc]
        def connect(self) -> None:
            self.feeder = PortfolioFeeder(self.api_client)
            self.feeder.connect()

    made: Wire = PortfolioStreamer(client.sdk)
    return made


class _Socket(ABC):
    """In place of a feeder's own way to connect, which asks nobody, verifies nothing and reads on a thread nobody can end."""

    api_client: Any
    ws: Any

    @abstractmethod
    def address(self) -> str:
        """Return the address of the socket, good for one connection."""

    def connect(self) -> None:
        """Connect; certificates are verified, as is the way of whoever leaves them alone."""
        from websocket import create_connection

        self.ws = create_connection(self.address(), timeout=CONNECT_S, enable_multithread=True)
        self.ws.settimeout(_TURN_S)
        self.ws.frame_buffer.recv = _Ahead(self.ws.frame_buffer.recv)


class _Ahead:
    """Reads as much as has come.

    Head, length and content of a frame one by one are three calls into the system; each gives the interpreter away, and has to
    wait until it is free again.
    """

    def __init__(self, recv: Callable[[int], bytes]) -> None:
        self._recv = recv
        self._read = b""
        self._at = 0

    def __call__(self, most: int) -> bytes:
        begin = self._at
        if begin == len(self._read):
            self._read, begin = self._recv(_AHEAD), 0
        self._at = end = min(begin + most, len(self._read))
        return self._read[begin:end]


class _Streaming:
    """In place of a streamer's own way to read, to decode and to come back."""

    feeder: Any
    handle_open: Callable[[Any], None]

    def read(self, take: Callable[[bytes | str], None], goes_on: Callable[[], bool], ping_s: float, dead_s: float) -> str:
        """See `Wire`."""
        from websocket import ABNF, WebSocketException, WebSocketTimeoutException

        ws = self.feeder.ws
        heard = pinged = time.monotonic()
        try:
            self.handle_open(ws)
            while goes_on():
                now = time.monotonic()
                if now - heard >= dead_s:
                    return f"nothing heard for {now - heard:.0f} s"
                if now - max(heard, pinged) >= ping_s:
                    ws.ping()
                    pinged = now
                try:
                    opcode, frame = ws.recv_data_frame(True)
                except WebSocketTimeoutException:
                    continue
                heard = time.monotonic()
                if opcode == ABNF.OPCODE_BINARY:
                    take(frame.data)
                elif opcode == ABNF.OPCODE_TEXT:
                    take(frame.data.decode("utf-8", "replace"))
                elif opcode == ABNF.OPCODE_CLOSE:
                    code = int.from_bytes(frame.data[:2], "big") if len(frame.data) > 1 else 0
                    return f"closed by the server ({code or 'no code'})"
        except (WebSocketException, OSError) as error:
            return f"broken ({type(error).__name__})"
        finally:
            self._close(ws)
        return "closed"

    @staticmethod
    def _close(ws: Any) -> None:
        from websocket import WebSocketException

        with suppress(WebSocketException, OSError):
            if ws.connected:
                ws.send_close()
        ws.shutdown()

    def acknowledge(self) -> None:
        """See `Wire`."""
        from websocket import WebSocketException

        with suppress(WebSocketException, OSError, AttributeError):  # of a connection that has ended nobody waits for it
            self.feeder.ws.send(json.dumps({"guid": str(uuid.uuid4()), "method": "ack", "data": {}}), 2)


def _address(answer: Any, client: UpstoxClient) -> str:
    found = data_of(answer.data)
    address = found.get("authorizedRedirectUri") or found.get("authorized_redirect_uri") if isinstance(found, dict) else None
    schemes = ("wss://",) if client.is_secure else ("ws://", "wss://")
    if not isinstance(address, str) or not address.startswith(schemes):
        raise ValueError(f"the answer names no address that begins with {schemes[0]}")
    return address
