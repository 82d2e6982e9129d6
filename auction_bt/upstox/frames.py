"""The market feed's frames: protobuf as the broker sends it, and the dicts that its SDK makes of it."""

from __future__ import annotations

from typing import Any


class Frames:
    """Reads and writes frames by the broker's own schema, as its SDK has it compiled.

    Notes
    -----
    Every field of the schema is kept, those too that a later SDK adds. What is slow about it is protobuf's own way to dicts.
    """

    def __init__(self) -> None:
        # With the SDK 0.5 s, and not needed by other commands.
        from google.protobuf import json_format
        from google.protobuf.message import DecodeError
        from upstox_client.feeder.proto import MarketDataFeedV3_pb2

        self._json = json_format
        self._response = MarketDataFeedV3_pb2.FeedResponse
        self._errors = (DecodeError, json_format.Error)

    def decode(self, frame: bytes) -> dict[str, Any]:
        """Return what a frame says, as the SDK's own streamer would.

        Raises
        ------
        ValueError
            It is no message.
        """
        try:
            found: dict[str, Any] = self._json.MessageToDict(self._response.FromString(frame))
        except self._errors as error:
            raise ValueError(str(error)) from error
        return found

    def encode(self, message: dict[str, Any]) -> bytes:
        """Return the frame of a decoded message; what the schema does not know is left out.

        Raises
        ------
        ValueError
            A value is not of its field's type.
        """
        try:
            made: bytes = self._json.ParseDict(message, self._response(), ignore_unknown_fields=True).SerializeToString()
        except self._errors as error:
            raise ValueError(str(error)) from error
        return made
