"""Chromium without a window, for tests of pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium(*words: str) -> Iterator[Any]:
    """A headless browser that keeps what its console says; skips where there is none."""
    chrome = next((path for name in CHROMES if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if chrome is None or driver is None:
        pytest.skip("no Chromium or no chromedriver here: make tools")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chrome
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,1000", *words):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield found
    finally:
        found.quit()


def wait(browser: Any, script: str, *arguments: Any) -> Any:
    """Return what a script says as soon as it says something true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 30, poll_frequency=0.02).until(lambda b: b.execute_script(script, *arguments))


def press(browser: Any, key: str) -> None:
    """Press a key on the page."""
    browser.execute_script(f"document.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")
