"""Frames of the market feed, there and back."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.upstox.frames import Frames

FULL = {
    "type": "live_feed",
    "feeds": {
        "NSE_EQ|INE002A01018": {
            "fullFeed": {
                "marketFF": {
                    "ltpc": {"ltp": 1310.5, "ltt": "1764561600000", "ltq": "25", "cp": 1300.0},
                    "marketLevel": {"bidAskQuote": [{"bidQ": "100", "bidP": 1310.4, "askQ": "90", "askP": 1310.6}, {}]},
                    "marketOHLC": {"ohlc": [{"interval": "I1", "open": 1301.0, "high": 1312.0, "low": 1299.0, "close": 1310.5,
                                             "vol": "123456", "ts": "1764561600000"}]},
                    "atp": 1306.22,
                    "vtt": "123456",
                    "tbq": 50000.0,
                }
            },
            "requestMode": "full_d5",
        }
    },
    "currentTs": "1764561600000",
}  # fmt: skip


def test_a_full_frame_comes_back_as_it_was() -> None:
    frames = Frames()
    assert frames.decode(frames.encode(FULL)) == FULL


def test_a_snapshot_has_no_type_and_what_is_unknown_is_left_out() -> None:
    frames = Frames()
    snapshot = {name: value for name, value in FULL.items() if name != "type"}
    assert frames.decode(frames.encode({**snapshot, "type": "initial_feed", "instrumentKey": "x"})) == snapshot


@given(st.binary(max_size=60))
def test_bytes_that_are_no_message_are_a_value_error_or_a_message(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(Frames().decode(data), dict)


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="ltp"):
        Frames().encode({"feeds": {"K": {"ltpc": {"ltp": "much"}}}})
