"""What no market has: a value beyond these is an error in a file or a message, and sums of those within never overflow."""

from typing import Final

from .ist import SECOND_NS

EARLIEST_NS: Final = 631_152_000 * SECOND_NS  # 1990-01-01 UTC
LATEST_NS: Final = 7_258_118_400 * SECOND_NS  # 2200-01-01 UTC, not included
LARGEST_PRICE: Final = 10**9  # rupees
LARGEST_VOLUME: Final = 10**15  # of one row, message or minute; shares
