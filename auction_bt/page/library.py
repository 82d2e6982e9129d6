"""The chart library: TradingView's Lightweight Charts, out of an installed package, and no other file than the known one."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from auction_bt.core.errors import AuctionError

# Package and file, none of them imported: what is wanted is the script that lies in it, byte for byte as its makers publish it.
_PLACES: Final = (
    ("litecharts", "litecharts/js/lightweight-charts.js"),
    ("lwcharts", "lwcharts/vendor/lightweight-charts.standalone.production.js"),
)
_KNOWN: Final = frozenset({
    "756b0ba9f58930226d6b8b9d47ad310448ab85d799ea1f7c2c02304777c10b52",  # 5.1.0
    "c0992580867c4912cc9385b3c2728315bcc1a76c7f1087dca908430fccdf31d7",  # 5.2.0
})  # fmt: skip


def chart_library() -> str:
    """Return the script of Lightweight Charts.

    Raises
    ------
    AuctionError
        It is not installed, or is not a version that was looked at: a page with a strange script in it is not written.
    """
    found = [path for name, inside in _PLACES if (path := _file(name, inside)) is not None]
    if not found:
        raise AuctionError("the chart library is not installed: pip install litecharts")
    for path in found:
        content = path.read_bytes()
        if sha256(content).hexdigest() in _KNOWN:
            return content.decode("utf-8")
    raise AuctionError(f"{found[0].name} is not a version of the chart library that is known here: pip install litecharts==0.2.0")


def _file(name: str, inside: str) -> Path | None:
    try:
        path = Path(str(distribution(name).locate_file(inside)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None
