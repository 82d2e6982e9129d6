"""The viewer in Chromium: from nothing to the first chart, frames while 20 sessions are dragged and zoomed, and large journals.

No peer does the same on the same data; what is printed is compared with itself from version to version, and with the limits of
a page that feels whole: a chart within a second, a table within a second, no frame that is seen to stand.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from auction_bt.core.bar import BarColumns, Source
from auction_bt.core.breakdown import Breakdown
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.core.tick import TickColumns
from auction_bt.core.trade import Levels, Side, Trade
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from tests.browsers import chromium, press, wait

FIRST = from_date(date(2026, 2, 2))
DAYS = [FIRST + d for d in range(28) if (FIRST + d + 3) % 7 < 5][:20]
SYMBOLS = [f"NSE_EQ|S{i:03}" for i in range(250)]
TRADES = 100_000
READY = "return document.documentElement.dataset.ready === 'yes' && performance.now()"
FRAMES = """
const [moves, done] = arguments, box = document.querySelector('.plot canvas').getBoundingClientRect(), times = [];
const at = (x, name) => document.elementFromPoint(x, box.y + 80).dispatchEvent(new MouseEvent(name, {clientX: x,
  clientY: box.y + 80, button: 0, buttons: name === 'mouseup' ? 0 : 1, bubbles: true, view: window}));
let i = 0, last = performance.now();
const middle = box.x + box.width / 2;
if (moves === 'drag') at(middle, 'mousedown');
function frame(now) {
  if (i > 2) times.push(now - last);
  last = now;
  if (++i > 90) { if (moves === 'drag') at(middle, 'mouseup'); done(times); return; }
  if (moves === 'drag') at(middle + 250 * Math.sin(i / 12), 'mousemove');
  else document.elementFromPoint(middle, box.y + 80).dispatchEvent(new WheelEvent('wheel', {clientX: middle, clientY: box.y + 80,
    deltaY: i < 45 ? 60 : -60, bubbles: true, cancelable: true}));
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
"""


def fill(folder: Path) -> None:
    """Make 250 symbols of 20 sessions, and a run of 100,000 trades in them."""
    rng = np.random.default_rng(3)
    minutes = np.arange(375) * MINUTE_NS + (9 * 60 + 15) * MINUTE_NS
    ts = np.concatenate([day_start(day) + minutes for day in DAYS])
    none = TickColumns.empty()
    with open_store(f"sqlite:///{folder / 'auction.db'}", create=True) as store, store.writing():
        for number, symbol in enumerate(SYMBOLS):
            store.put_instrument(Instrument(symbol, Decimal("0.05"), 1, Kind.EQUITY, name=f"SYMBOL{number:03}"))
            close = np.round(20_000 + np.cumsum(rng.normal(0, 8, len(ts)))) * 0.05
            wide = np.abs(np.round(rng.normal(0, 8, len(ts)))) * 0.05
            volume = rng.integers(100, 5_000, len(ts))
            open_ = np.roll(close, 1)
            high, low = np.maximum(open_, close) + wide, np.minimum(open_, close) - wide
            bars = BarColumns(ts, open_, high, low, close, volume, volume * 0,
                              ts + MINUTE_NS, np.full(len(ts), int(Source.I1)))  # fmt: skip
            store.put_derived(symbol, range(DAYS[0], DAYS[-1] + 1), none, bars, [])
    with Journal.open(folder) as journal:
        said = {"symbols": SYMBOLS, "from": "2026-02-02", "to": "2026-02-27", "rule": "original", "cash": 1e6}
        journal.append_trades(journal.start_run(json.dumps(said)), trades(rng))


def trades(rng: np.random.Generator) -> list[Trade]:
    """Trades that nobody decided, evenly over symbols and days."""
    found = []
    for i in range(TRADES):
        entry = day_start(DAYS[i % len(DAYS)]) + (9 * 60 + 30 + i % 300) * MINUTE_NS + i
        gross, paid = Decimal(int(rng.normal(0, 1e5))) / 100, Breakdown(stt=Decimal("12.31"), brokerage=Decimal(40))
        exit_ts, net, reason = entry + 9 * MINUTE_NS, gross - paid.total, "stop" if gross < 0 else "target1"
        side, symbol, levels = Side.LONG if i % 2 else Side.SHORT, SYMBOLS[i % 250], Levels(1000.0, 1001.0, 999.0, "rolling")
        found.append(Trade(symbol, symbol, side, "fade", "balanced", levels, 10, entry, entry, 1000.0, exit_ts, exit_ts, 1000.5,
                           999.0, reason, gross, paid.total, net, 1.0, 2.0, float(rng.normal()), (), paid))  # fmt: skip
    return sorted(found, key=lambda t: t.exit_ts)


def main() -> None:
    """Print medians."""
    folder = Path(tempfile.mkdtemp(prefix="auction_bt_bench_"))
    try:
        fill(folder)
        words = [sys.executable, "-m", "auction_bt", "viewer", "--port", "0", "--store", f"sqlite:///{folder / 'auction.db'}"]
        began = time.perf_counter()
        with (
            subprocess.Popen([*words, "--state", str(folder)], stdout=subprocess.PIPE, text=True) as process,
            chromium() as browser,
        ):
            found = re.search(r"http://\S+:\d+", process.stdout.readline() if process.stdout else "")
            assert found is not None
            print(f"start to address                          {time.perf_counter() - began:6.2f} s")
            day = "day=2026-02-27&symbol=NSE_EQ%7CS007"
            cases = {"first page, one day, no run": f"run=none&{day}", "one day of a run of 100,000 trades": f"run=1&{day}",
                     "20 sessions of that run": f"run=1&{day}&span=20"}  # fmt: skip
            for name, at in cases.items():
                times = []
                for _ in range(5):
                    browser.get("about:blank")
                    browser.get(f"{found[0]}/#{at}")
                    times.append(wait(browser, READY))
                print(f"{name:<40}  {statistics.median(times):6.0f} ms to ready, of 250 symbols (first {times[0]:.0f})")
            press(browser, "a")
            for moves in ("drag", "zoom"):
                frames = sorted(browser.execute_async_script(FRAMES, moves))
                told = [frames[int(len(frames) * share)] for share in (0.5, 0.95)]
                print(
                    f"{moves + ', 20 sessions of minutes':<40}  p50 {told[0]:5.1f}  p95 {told[1]:5.1f}  worst {frames[-1]:.1f} ms"
                )
            process.terminate()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
