"""Small instrument masters in the broker's shape, and books of them."""

import gzip
import json
from datetime import date

from auction_bt.core.ist import DAY_NS, day_start, from_date
from auction_bt.instruments.book import InstrumentBook
from auction_bt.instruments.master import MasterFile

RELIANCE = "NSE_EQ|INE002A01018"
NIFTY = "NSE_INDEX|Nifty 50"
BANKNIFTY = "NSE_INDEX|Nifty Bank"


def day(text):
    return from_date(date.fromisoformat(text))


def expiry_ms(text):
    """The last second of an IST day, as the broker writes it."""
    return (day_start(day(text)) + DAY_NS) // 10**6 - 1000


def index(key=NIFTY, symbol="NIFTY", name="Nifty 50"):
    return {"segment": key.partition("|")[0], "name": name, "exchange": "NSE", "instrument_type": "INDEX", "instrument_key": key,
            "exchange_token": "26000", "trading_symbol": symbol}  # fmt: skip


def share(key=RELIANCE, symbol="RELIANCE", name="RELIANCE INDUSTRIES LTD", tick=10.0, **more):
    return {"segment": key.partition("|")[0], "name": name, "exchange": key[:3], "isin": key.partition("|")[2],
            "instrument_type": "EQ", "instrument_key": key, "lot_size": 1, "freeze_quantity": 100000.0,
            "exchange_token": "2885", "tick_size": tick, "trading_symbol": symbol, "short_name": symbol,
            "qty_multiplier": 1.0, "security_type": "NORMAL", **more}  # fmt: skip


def contract(
    token, expiry, kind="FUT", strike=0.0, underlying=NIFTY, symbol="NIFTY", lot=75, tick=10.0, segment="NSE_FO", **more
):  # fmt: skip
    when = date.fromisoformat(expiry).strftime("%d %b %y").upper()
    shown = f"{symbol} FUT {when}" if kind == "FUT" else f"{symbol} {strike:.0f} {kind} {when}"
    return {"weekly": False, "segment": segment, "name": symbol, "exchange": segment[:3], "expiry": expiry_ms(expiry),
            "instrument_type": kind, "asset_symbol": symbol, "underlying_symbol": symbol,
            "instrument_key": f"{segment}|{token}", "lot_size": lot, "freeze_quantity": lot * 24.0, "exchange_token": str(token),
            "minimum_lot": lot, "asset_key": underlying, "underlying_key": underlying, "tick_size": tick,
            "underlying_type": "INDEX" if "INDEX" in underlying else "EQUITY", "trading_symbol": shown, "strike_price": strike,
            "qty_multiplier": 1.0, **more}  # fmt: skip


def standard(**more):
    """The rows of one day: shares, indices, three months of futures, some options, a commodity, a currency."""
    return [
        index(), index(BANKNIFTY, "BANKNIFTY", "Nifty Bank"), index("BSE_INDEX|SENSEX", "SENSEX", "SENSEX"),
        share(), share("BSE_EQ|INE002A01018", "RELIANCE"), share("NSE_EQ|INE009A01021", "INFY", "INFOSYS LIMITED"),
        share("NSE_EQ|INE883A01011", "MRF", "MRF LTD", 500.0), share("NSE_EQ|INE040A01034", "HDFCBANK", "HDFC BANK LTD", 5.0),
        contract(51502, "2026-11-24"), contract(51503, "2026-12-29"), contract(51504, "2027-01-25"),
        contract(52001, "2026-11-24", underlying=BANKNIFTY, symbol="BANKNIFTY", lot=35),
        contract(52002, "2026-12-29", underlying=BANKNIFTY, symbol="BANKNIFTY", lot=35),
        contract(53001, "2026-11-24", underlying=RELIANCE, symbol="RELIANCE", lot=500),
        contract(53002, "2026-12-29", underlying=RELIANCE, symbol="RELIANCE", lot=500),
        *(contract(60000 + i * 10 + j, when, right, strike, tick=5.0)
          for i, when in enumerate(("2026-12-01", "2026-12-08", "2026-12-29"))
          for j, (strike, right) in enumerate([(26000.0, "CE"), (26000.0, "PE"), (26100.0, "CE")])),
        contract(430268, "2027-02-05", underlying="MCX_COM|GOLD", symbol="GOLD", segment="MCX_FO", lot=1, tick=100.0),
        contract(10101, "2026-12-29", underlying="NCD_COM|USDINR", symbol="USDINR", segment="NCD_FO", lot=1, tick=0.25),
    ]  # fmt: skip


def write(path, rows):
    path.write_bytes(gzip.compress(json.dumps(rows, separators=(",", ":")).encode(), 1))
    return path


def load(state, masters):
    """Load masters, by day, in the order given; return the last `Loaded`."""
    state.mkdir(exist_ok=True)
    with InstrumentBook.open(state, create=True) as book:
        for when, rows in masters.items():
            loaded = book.load(when if isinstance(when, int) else day(when), MasterFile(write(state / "m.json.gz", rows)))
    return loaded
