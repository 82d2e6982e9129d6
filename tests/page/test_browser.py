"""The page in a real browser: it draws, it answers, it asks nobody, it complains of nothing."""

import pytest

from tests.browsers import chromium, press, wait

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium without a network."""
    with chromium() as found:
        found.execute_cdp_cmd("Network.enable", {})
        conditions = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        found.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)
        yield found


@pytest.fixture
def shown(browser, made):
    """The page, ready."""
    browser.get_log("browser")
    browser.get(made.path.as_uri())
    wait(browser, "return document.documentElement.dataset.ready === 'yes'")
    yield browser
    # How often this test reads a canvas is told there too.
    assert [line for line in browser.get_log("browser") if line["source"] != "rendering"] == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def text(browser, name):
    return browser.execute_script(f"return document.getElementById('{name}').innerText")


def painted(browser):
    """How many colours a canvas of the chart holds: an empty one has one or two."""
    return browser.execute_async_script("""
        const done = arguments[0];
        requestAnimationFrame(() => requestAnimationFrame(() => {
          let most = 0;
          for (const canvas of document.querySelectorAll("#chart canvas")) {
            if (canvas.width < 300) continue;
            const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
            most = Math.max(most, new Set(pixels).size);
          }
          done(most);
        }));""")


def test_the_chart_is_drawn_and_j_tells_the_first_trade_with_its_profile(shown, made):
    assert painted(shown) > 8
    press(shown, "j")
    first = made.data["trades"][0]
    assert f"Trade 1: {first['side']}" in text(shown, "story")
    assert first["story"][1] in text(shown, "story")
    assert "profile as it stood at the decision" in text(shown, "story")
    assert painted(shown) > 8
    press(shown, "j")
    assert "Trade 2: " in text(shown, "story")
    press(shown, "k")
    assert "Trade 1: " in text(shown, "story")


def test_the_theme_changes_the_charts_and_not_the_place(shown):
    press(shown, "j")
    was = shown.execute_script("return [document.documentElement.dataset.theme, document.getElementById('day').innerText]")
    press(shown, "t")
    now = shown.execute_script("return [document.documentElement.dataset.theme, document.getElementById('day').innerText]")
    assert {was[0], now[0]} == {"light", "dark"}
    assert now[1] == was[1] == "2026-03-10"
    assert painted(shown) > 8


def test_the_table_filters_and_sorts(shown, made):
    def nets():
        return shown.execute_script("return [...document.querySelectorAll('#trades tbody tr')].map(r => r.cells[13].innerText)")

    box = shown.find_element("id", "filter")
    box.send_keys("long stop")
    longs = [t for t in made.data["trades"] if t["side"] == "long" and t["reason"] == "stop"]
    assert len(nets()) == len(longs) > 0
    assert text(shown, "count").startswith(f"{len(longs)} of {len(made.data['trades'])}")
    box.clear()
    box.send_keys(" ")
    shown.execute_script("document.querySelector('#trades th[data-key=pnl_net] button').click()")
    found = [float(v.replace("−", "-").replace(",", "")) for v in nets()]
    assert found == sorted(t["pnl_net"] for t in made.data["trades"])


def test_the_other_symbol_and_the_refused_signals_can_be_seen(shown, made):
    shown.execute_script("document.querySelectorAll('#symbols button')[1].click()")
    assert shown.execute_script("return document.querySelectorAll('#symbols button')[1].getAttribute('aria-pressed')") == "true"
    shown.execute_script("document.querySelector('#refused').closest('details').open = true")
    wait(shown, f"return document.querySelectorAll('#refused tbody tr').length === {len(made.data['refused'])}")


def test_a_narrow_screen_is_not_wider_than_itself(shown):
    shown.set_window_size(500, 900)
    try:
        wait(shown, "return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        shown.set_window_size(1440, 1000)
