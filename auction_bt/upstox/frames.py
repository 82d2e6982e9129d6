"""The market feed's frames: protobuf as the broker sends it, and the dicts that its SDK makes of it."""

from __future__ import annotations

from typing import Any

from .readers import Reader, reader_of

Json = dict[str, Any]


class Frames:
    """Reads and writes frames by the broker's own schema, as its SDK has it compiled.

    Notes
    -----
    `decode` gives exactly what protobuf's ``MessageToDict`` gives, in a fraction of its time (`readers`). Every field of the
    schema is kept, those too that a later SDK adds.
    """

    def __init__(self) -> None:
        # With the SDK 0.5 s, and not needed by other commands.
        from google.protobuf import json_format
        from google.protobuf.message import DecodeError
        from upstox_client.feeder.proto import MarketDataFeedV3_pb2

        self._json = json_format
        self._response = MarketDataFeedV3_pb2.FeedResponse
        self._errors = (DecodeError, json_format.Error)
        self._read: Reader = reader_of(self._response.DESCRIPTOR) or json_format.MessageToDict

    def decode(self, frame: bytes) -> Json:
        """Return what a frame says, as the SDK's own streamer would.

        Raises
        ------
        ValueError
            It is no message.
        """
        try:
            return self._read(self._response.FromString(frame))
        except self._errors as error:
            raise ValueError(str(error)) from error

    def encode(self, message: Json) -> bytes:
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
