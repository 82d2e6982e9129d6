"""The broker's candle history, asked through its SDK: paced, retried, and with its refusals in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from auction_bt.core.errors import AuctionError, Refused, Retryable
from auction_bt.core.ist import to_date
from auction_bt.instruments.download import cause_of
from auction_bt.upstox.client import UpstoxClient, data_of, refusal_of

from .expired_key import ExpiredKey
from .limiter import RateLimiter

_UNIT: Final = ("minutes", "1")
_EXPIRED_UNIT: Final = "1minute"
_LONGEST_WAIT_S: Final = 60.0
_TRIES: Final = 7  # a minute of waiting in all
_FIRST_TRIES: Final = 4  # while nothing was ever answered: an address or a line that does not work
_TRIES_LIMITED: Final = 36  # more than the half hour after which the longest window of calls is empty


class TokenNeeded(AuctionError):
    """The broker wants an access token, or another one than it got; no other symbol would fare better."""


class Unreachable(AuctionError):
    """The broker never answered; no other symbol would fare better."""


class CandleApi:
    """Asks for 1-minute candles.

    Parameters
    ----------
    host : str
        ``https://api.upstox.com``, or a server that speaks the same.
    token : str
        Access token, '' where there is none; sent from the first 401 on, because the history asks for none as a rule.
    token_name : str
        Where the token comes from, for messages.
    limiter : RateLimiter
        Asked before each call.
    sleep : callable
        Waits so many seconds before a call is repeated.
    tell : callable
        Takes a line about a wait that a user would wonder about.

    Notes
    -----
    Every call is a GET and changes nothing, so it is repeated after 429, 5xx, a dropped connection, and an answer that is none.
    """

    def __init__(
        self, host: str, token: str, token_name: str, limiter: RateLimiter, sleep: Callable[[float], None],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        import upstox_client  # 0.5 s, and not needed by other commands

        self._client = UpstoxClient(host)
        self._history = upstox_client.HistoryV3Api(self._client.sdk)
        self._expired = upstox_client.ExpiredInstrumentApi(self._client.sdk)
        self._token = token
        self._token_name = token_name
        self._is_token_sent = False
        self._limiter = limiter
        self._sleep = sleep
        self._tell = tell
        self._host = host
        self._was_answered = False
        self.calls = 0

    def history(self, key: str, days: range) -> list[Any]:
        """Return the candles of some IST days before today, a month at most, as the broker sends them: newest first.

        Raises
        ------
        TokenNeeded, Refused, Retryable
        """
        first, last = str(to_date(days.start)), str(to_date(days.stop - 1))
        options = self._client.options
        if ExpiredKey.parse(key) is not None:
            return self._ask(key, lambda: self._expired.get_expired_historical_candle_data(
                key, _EXPIRED_UNIT, last, first, **options))  # fmt: skip
        return self._ask(key, lambda: self._history.get_historical_candle_data1(key, *_UNIT, last, first, **options))

    def today(self, key: str) -> list[Any]:
        """Return today's candles so far, newest first: the history does not have them."""
        return self._ask(key, lambda: self._history.get_intra_day_candle_data(
            key, *_UNIT, **self._client.options))  # fmt: skip

    def _ask(self, key: str, send: Callable[[], Any]) -> list[Any]:
        tried = limited = 0
        while True:
            self._limiter.wait()
            self.calls += 1
            try:
                answer = send()
                self._was_answered = True
                return _candles(answer.data)
            except self._client.refusal as error:
                said, self._was_answered = refusal_of(error), True
                if error.status == 401:
                    self._send_token(said)
                    continue
                if error.status == 429:
                    limited += 1
                elif error.status in range(500, 600) or error.status == 408:
                    tried += 1
                else:
                    raise Refused(_refused(key, error.status, said)) from error
            except self._client.transport as error:
                tried, said = tried + 1, cause_of(error)
            except ValueError as error:
                tried, said = tried + 1, f"the answer is not what it should be: {error}"
            if not self._was_answered and tried >= _FIRST_TRIES:
                raise Unreachable(f"no answer from {self._host} after {tried} tries ({said}): check the line to it, then run the "
                                  "same command again")  # fmt: skip
            if tried >= _TRIES or limited >= _TRIES_LIMITED:
                raise Retryable(f"{key}: no answer after {tried + limited} tries ({said}): run the same command again later")
            wait = min(_LONGEST_WAIT_S, 2.0 ** (tried + limited - 1))
            self._tell(f"{self._host}: {said}: trying again in {wait:.0f} s")
            self._sleep(wait)

    def _send_token(self, said: str) -> None:
        if not self._token:
            raise TokenNeeded(f"the broker wants an access token ({said}): set {self._token_name} to one of today, "
                              "or run `login`")  # fmt: skip
        if self._is_token_sent:
            raise TokenNeeded(f"the broker refuses the token of {self._token_name} ({said}): it ends at 03:30 each night, "
                              "put one of today there, or run `login`")  # fmt: skip
        self._is_token_sent = True
        self._client.send_token(self._token)


def _candles(body: bytes) -> list[Any]:
    """Return the candles of an answer; raise ValueError where it has none."""
    data = data_of(body)
    candles = data.get("candles") if isinstance(data, dict) else None
    if not isinstance(candles, list):
        raise ValueError("no candles in it")
    return candles


def _refused(key: str, status: int, said: str) -> str:
    if status == 403 and ExpiredKey.parse(key) is not None:
        return f"{key}: candles of expired contracts are for the plan Upstox Plus, and this account lacks it ({said})"
    return f"{key}: the broker refuses ({said})"
