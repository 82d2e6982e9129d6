"""Frames of the market feed, there and back."""

import json
from contextlib import suppress
from math import inf, nan
from random import Random
from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import UninterpretedOption
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from upstox_client.feeder.proto.MarketDataFeedV3_pb2 import FeedResponse

from auction_bt.upstox.frames import Frames
from auction_bt.upstox.readers import reader_of

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


_VALUES: dict[int, tuple[Any, ...]] = {  # by protobuf's number of a type
    1: (0.0, -0.0, 1310.5, 5e-324, nan, inf, -inf, 1e300, -3.25),
    3: (0, 1, -1, 2**63 - 1, -(2**63), 1764561600000),
    8: (False, True),
    9: ("", "I1", "NSE_EQ|INE002A01018", "\u20b9\x00"),
    14: (0, 1, 2, 9),
}


def _message(descriptor: Any, random: Random) -> Any:
    """Return a message of any schema, each field there or not."""
    made = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if random.random() < 0.4:
            continue
        if field.type == 11 and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            for key in random.sample(_VALUES[9], random.randrange(4)):
                if value.type == 11:
                    getattr(made, field.name)[key].CopyFrom(_message(value.message_type, random))
                else:
                    getattr(made, field.name)[key] = random.choice(_VALUES[value.type])
        elif field.is_repeated:
            getattr(made, field.name).extend(_message(field.message_type, random) for _ in range(random.randrange(4)))
        elif field.type == 11:
            getattr(made, field.name).CopyFrom(_message(field.message_type, random))
        else:
            setattr(made, field.name, random.choice(_VALUES[field.type]))
    return made


@settings(max_examples=300)
@given(st.integers(0, 2**32))
def test_frames_are_read_as_protobuf_itself_reads_them(seed: int) -> None:
    message = _message(FeedResponse.DESCRIPTOR, Random(seed))
    assert Frames().decode(message.SerializeToString()) == MessageToDict(message)
    read = reader_of(FeedResponse.DESCRIPTOR)
    assert read is not None
    assert json.dumps(read(message)) == json.dumps(MessageToDict(message))  # -0.0 and the order of the fields too


def test_a_schema_with_an_unknown_type_has_no_reader() -> None:
    assert reader_of(UninterpretedOption.DESCRIPTOR) is None  # it has a field of bytes
    assert reader_of(FeedResponse.DESCRIPTOR) is not None
