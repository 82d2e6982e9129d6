"""A client of the broker's SDK, and what its answers and refusals say."""

from __future__ import annotations

import re
from typing import Any, Final

from auction_bt.parsing import parse

HOST: Final = "https://api.upstox.com"
HOST_VARIABLE: Final = "AUCTION_UPSTOX_URL"
TIMEOUTS_S: Final = (10, 60)  # to connect, and to answer; the SDK ignores any but whole numbers
_SHOWN: Final = 200  # characters of a message


class UpstoxClient:
    """What an API class of the SDK is made with.

    Parameters
    ----------
    host : str
        ``https://api.upstox.com``, or a server that speaks the same.

    Attributes
    ----------
    sdk : upstox_client.ApiClient
    refusal : type of Exception
        What a status of 400 or more is raised as; it has ``status``, ``reason`` and ``body``.
    transport : tuple of types of Exception
        What a server that cannot be reached, or goes away, is raised as.
    options : dict
        Keywords for each call: the answer's bytes instead of models, for one odd row would make these raise for the whole answer;
        and a time after which to give up, for without it a server that stands still is waited for for ever.

    Notes
    -----
    The SDK's configuration is a singleton of which each ``Configuration()`` is a shallow copy, whatever it is made with: ours is
    changed after it was made, in plain attributes alone, and touches nobody else's. The SDK's own retries are off: they are
    neither counted nor paced, and would send a change of an order twice. No token is sent until `send_token`.
    """

    def __init__(self, host: str) -> None:
        import upstox_client  # 0.5 s, and not needed by other commands
        import urllib3
        from upstox_client.rest import ApiException

        configuration = upstox_client.Configuration()
        configuration.host = configuration.order_host = host.rstrip("/")
        configuration.sandbox = False
        configuration.access_token = ""
        self.sdk = upstox_client.ApiClient(configuration)
        self.sdk.rest_client.pool_manager.connection_pool_kw["retries"] = urllib3.Retry(0, redirect=0)
        self.refusal: type[Any] = ApiException
        self.transport: tuple[type[Exception], ...] = (urllib3.exceptions.HTTPError, OSError)
        self.options: dict[str, Any] = {"_preload_content": False, "_request_timeout": TIMEOUTS_S}

    @property
    def is_secure(self) -> bool:
        """Whether the calls are encrypted, and so must be what they lead to."""
        return bool(self.sdk.configuration.host.startswith("https://"))

    def send_token(self, token: str) -> None:
        """Send an access token with every call from now on."""
        self.sdk.configuration.access_token = token
        # The SDK sends a token where the API's description says so, and for the history it does not.
        self.sdk.set_default_header("Authorization", f"Bearer {token}")


def data_of(body: bytes) -> object:
    """Return what stands under ``data`` in an answer, None where it has none; raise ValueError where it is no answer at all."""
    said = parse(body)
    return said.get("data") if isinstance(said, dict) else None


def refusal_of(error: Any) -> str:
    """Return a refusal's status, and code and text of the broker's errors or the beginning of what came instead."""
    return f"{error.status} {_message(error.body) or error.reason or ''}".strip()


def _message(body: object) -> str:
    raw = body if isinstance(body, bytes) else b""
    try:
        said = parse(raw)
    except ValueError:
        said = None
    found = said.get("errors") if isinstance(said, dict) else None
    errors = found if isinstance(found, list) else []
    told = [f"{e.get('error_code') or e.get('errorCode') or ''} {e.get('message') or ''}".strip()
            for e in errors if isinstance(e, dict)]  # fmt: skip
    text = "; ".join(told) if told else re.sub(r"<[^>]*>", " ", raw.decode("utf-8", "replace"))
    return " ".join(text.split())[:_SHOWN]
