#!/usr/bin/env python3
"""The pictures of README and docs, made anew: synthetic days from a seed, shown by every part that draws. Needs Chromium.

Usage: python tools/pictures.py [--folder docs/pictures]
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

SYMBOL = "NSE_FO|DEMO-BALANCED"
DAY = "2026-03-10"
WIDTH, HEIGHT = 1440, 900
STOCK = """
import datetime as dt
from pathlib import Path
import backtrader as bt
from auction_bt.feeds.questdb import QuestDBData
from auction_bt.indicators import VolumeProfile
from auction_bt.plots import plot_cerebro

class Watch(bt.Strategy):
    def __init__(self):
        self.profile = VolumeProfile(self.data, period=60)

cerebro = bt.Cerebro()
cerebro.adddata(QuestDBData(dataname="{symbol}", store="{store}", fromdate=dt.date(2026, 3, 10), todate=dt.date(2026, 3, 10),
                            compression=1))
cerebro.addstrategy(Watch)
cerebro.run()
plot_cerebro(cerebro, style="candle")[0][0].savefig("{file}")
"""


def main() -> int:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        command("demo", "--folder", str(work / "demo"))
        store = f"sqlite:///{work / 'demo/auction.db'}"
        places = ("--store", store, "--state", str(work / "state"))
        days = ("--symbol", SYMBOL, "--symbol", "NSE_FO|DEMO-TREND", "--from-date", DAY, "--to-date", DAY)
        for rule in ("auction", "original"):
            command("backtest", *days, *places, "--regime", rule, "--quiet", "--html", str(work / "report.html"))
        shutil.copy(work / "demo/balanced.png", work / "plot.png")
        run("-c", STOCK.format(symbol=SYMBOL, store=store, file=work / "cerebro.png"))
        with viewer(*places) as url, chromium() as browser:
            show(browser, work, url)
            browser.get((work / "report.html").as_uri())
            ready(browser)
            browser.execute_script("document.querySelector('[aria-label=Chart]').scrollIntoView()")
            press(browser, "j")
            shot(browser, work / "report.png")
        for picture in sorted(work.glob("*.png")):
            small(picture, folder / picture.name)
            print(f"{folder / picture.name}: {(folder / picture.name).stat().st_size / 1000:,.0f} kB")
    return 0


def show(browser: Any, work: Path, url: str) -> None:
    """Take the viewer's pictures."""
    symbol = SYMBOL.replace("|", "%7C")
    browser.get(f"{url}/#run=2&symbol={symbol}&day={DAY}")
    ready(browser)
    theme(browser, "light")
    for _ in range(6):
        press(browser, "j")
    settled(browser, "viewer.pane(0).shown().frozen")
    shot(browser, work / "viewer.png")
    press(browser, "Escape")
    theme(browser, "dark")
    browser.execute_script("const c = document.querySelector('.cut'); c.value = 230; c.dispatchEvent(new Event('input'))")
    settled(browser, "viewer.pane(0).shown().cut === 230")
    press(browser, "f")
    shot(browser, work / "footprint.png")
    press(browser, "f")
    press(browser, "a")
    browser.get(f"{url}/#run=2&symbol={symbol}&day={DAY}&two=1&run2=1&symbol2={symbol}&day2={DAY}&tab=compare")
    browser.refresh()
    ready(browser)
    shot(browser, work / "two-panes.png")


def run(*words: str) -> None:
    """Run Python."""
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


def command(*words: str) -> None:
    """Run one of our commands."""
    run("-m", "auction_bt", *words)


@contextmanager
def viewer(*places: str) -> Iterator[str]:
    """Serve, for as long as it takes."""
    words = [sys.executable, "-m", "auction_bt", "viewer", "--port", "0", *places]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"http://\S+:\d+", line)
        try:
            if found is None:
                raise SystemExit(f"the viewer did not start: {line}")
            yield found[0]
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    from selenium import webdriver

    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        raise SystemExit("no Chromium or no chromedriver here: make tools")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={WIDTH},{HEIGHT}", "--hide-scrollbars"):
        options.add_argument(word)
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        # The window's own frame does not count.
        metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        found.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        yield found
    finally:
        found.quit()


def settled(browser: Any, script: str) -> None:
    """Wait for what a script says."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 30).until(lambda b: b.execute_script(f"return {script}"))


def ready(browser: Any) -> None:
    """Wait for the page."""
    settled(browser, "document.documentElement.dataset.ready === 'yes'")


def press(browser: Any, key: str) -> None:
    """Press a key, and let the page draw."""
    browser.execute_script("document.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))", key)
    drawn(browser)


def theme(browser: Any, name: str) -> None:
    """Make the page light or dark."""
    if browser.execute_script("return document.documentElement.dataset.theme") != name:
        press(browser, "t")


def drawn(browser: Any) -> None:
    """Wait for two frames."""
    browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))")


def shot(browser: Any, file: Path) -> None:
    """Keep what is seen."""
    drawn(browser)
    browser.save_screenshot(str(file))


def small(source: Path, target: Path) -> None:
    """Keep a picture in 256 colours: half the size, and no eye sees it."""
    with Image.open(source) as image:
        image.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
