"""Auction Market Theory trading on backtrader."""

from pathlib import Path

__version__ = "0.1.0"

_here = Path(__file__).resolve().parent
if not (_here / "feeds").is_dir():
    # A source checkout: feeds/, brokers/ and analyzers/ lie beside this folder; installing maps them inside it.
    __path__.append(str(_here.parent))
