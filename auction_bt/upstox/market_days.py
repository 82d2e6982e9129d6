"""What the broker says of a day: which exchanges are closed, and the hours of those that open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from auction_bt.core.errors import AuctionError, Retryable
from auction_bt.instruments.download import cause_of

from .client import UpstoxClient, data_of, refusal_of

_LATEST_MS: Final = 2**42  # in the year 2109; what is beyond is no time


class MarketDaysApi:
    """Asks for holidays and hours; neither needs a token.

    Parameters
    ----------
    host : str
        ``https://api.upstox.com``, or a server that speaks the same.

    Notes
    -----
    Each question is asked once: whoever waits for the answer is a person, or a program about to trade, and both ask again.
    """

    def __init__(self, host: str) -> None:
        import upstox_client

        self._client = UpstoxClient(host)
        self._api = upstox_client.MarketHolidaysAndTimingsApi(self._client.sdk)

    def holidays(self, day: date) -> list[dict[str, Any]]:
        """Return the rows about `day`: ``date, description, holiday_type, closed_exchanges, open_exchanges``; none as a rule.

        Raises
        ------
        Retryable
            The broker cannot be reached.
        AuctionError
            It refuses, or its answer is none.
        """
        return self._ask("holidays", day, self._api.get_holiday, _is_holiday)

    def timings(self, day: date) -> list[dict[str, Any]]:
        """Return who opens on `day`: ``exchange, start_time, end_time`` (ms since 1970); raises as `holidays` does."""
        return self._ask("timings", day, self._api.get_exchange_timings, _is_timing)

    def _ask(
        self, what: str, day: date, send: Callable[..., Any], is_row: Callable[[dict[str, Any]], bool]
    ) -> list[dict[str, Any]]:
        about = f"Upstox's {what} of {day}"
        try:
            data = data_of(send(str(day), **self._client.options).data)
        except self._client.refusal as error:
            raise AuctionError(f"{about}: refused ({refusal_of(error)})") from error
        except self._client.transport as error:
            raise Retryable(f"{about}: no answer ({cause_of(error)}): look after the network and try again") from error
        except ValueError as error:
            raise AuctionError(f"{about}: the answer is not what it should be ({error})") from error
        if not isinstance(data, list) or not all(isinstance(row, dict) and is_row(row) for row in data):
            raise AuctionError(f"{about}: the answer is not what it should be (no list of {what} in it)")
        return data


def _is_holiday(row: dict[str, Any]) -> bool:
    closed = row.get("closed_exchanges")
    return isinstance(row.get("date"), str) and (closed is None or _are_texts(closed))


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _is_timing(row: dict[str, Any]) -> bool:
    times = row.get("start_time"), row.get("end_time")
    return isinstance(row.get("exchange"), str) and all(isinstance(ms, int) and 0 < ms < _LATEST_MS for ms in times)
