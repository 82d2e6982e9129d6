"""A sweep's page in a browser: nothing wider than a phone, nothing cut off."""

import pytest

from tests.browsers import chromium, wait
from tests.sweep.made import DAYS

pytestmark = pytest.mark.browser

# What is wider than what shows it, and neither wraps nor scrolls.
CUT = """return [...document.querySelectorAll('.card, .card *, h1, h2, p, figure')]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline')
    .map(e => e.outerHTML.slice(0, 90))"""


def test_a_wide_grid_stays_within_a_phone_and_within_its_cards(filled, tmp_path):
    words = ["--grid", "period=10,200", "--grid", "min_r=0.1:2.4:0.1", "--grid", "pullback_bars=10,20"]
    code, _, error = filled("sweep", "--symbol", "AAA", *DAYS, *words, "--sample", "4", "--jobs", "1", "--quiet", "--objective",
                            "net", "--html", "out.html")  # fmt: skip
    assert (code, error) == (0, "")

    with chromium() as browser:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False})  # fmt: skip
        browser.get((tmp_path / "out.html").as_uri())
        assert wait(browser, "return document.querySelectorAll('.heat').length") == 3
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        assert browser.execute_script(CUT) == []
        assert browser.execute_script("return [...document.querySelectorAll('.heat')].some(e => e.scrollWidth > e.clientWidth)")
        assert "net, ₹, by two parameters" in browser.find_element("tag name", "main").text
