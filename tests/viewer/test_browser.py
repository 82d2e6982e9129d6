"""The viewer in a real browser: every view, nothing from elsewhere, news within a second, a scrubber that knows no future."""

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from auction_bt.core.ist import SECOND_NS
from auction_bt.result import trade_json
from auction_bt.store.journal import Journal
from tests.browsers import chromium, press, wait
from tests.page.conftest import DAYS

from .conftest import SYMBOL, TREND
from .process import Viewer

pytestmark = pytest.mark.browser

DAY = DAYS[1].isoformat()


@pytest.fixture(scope="module")
def served(kept, made, tmp_path_factory):
    """A viewer on a store of its own and a journal of its own, which tests may take away and add to."""
    folder = tmp_path_factory.mktemp("served")
    with closing(sqlite3.connect(made.path.parent / "a.db")) as source, closing(sqlite3.connect(folder / "a.db")) as copy:
        source.backup(copy)  # with what lies in its log yet
    with Journal.open(folder) as journal:
        for run in kept.runs:
            number = journal.start_run(json.dumps(plain_settings(run)))
            journal.append_decisions(number, run.result.decisions)
            journal.append_trades(number, run.result.trades)
    viewer = Viewer("--store", f"sqlite:///{folder / 'a.db'}", "--state", str(folder), cwd=folder)
    found = SimpleNamespace(viewer=viewer, url=viewer.url, folder=folder)
    yield found
    found.viewer.end()  # a test may have put another in its place


def plain_settings(run):
    return {k: v if isinstance(v, int | float | str | list) else str(v) for k, v in run.result.settings.items()}


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser, served):
    """Return a function that opens the page at a hash, ready; at the end nothing was complained of or asked of others."""

    def open_it(**at):
        at = {"run": 1, "symbol": SYMBOL, "day": DAY, **at}
        browser.get("about:blank")
        browser.get(f"{served.url}/#" + "&".join(f"{k}={str(v).replace('|', '%7C')}" for k, v in at.items() if v is not None))
        wait(browser, "return document.documentElement.dataset.ready === 'yes'")
        return browser

    browser.get_log("browser")
    yield open_it
    log = [line for line in browser.get_log("browser") if line["source"] != "rendering"]
    assert [line for line in log if "503" not in line["message"] and "ERR_" not in line["message"]] == []
    names = browser.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert [name for name in names if not name.startswith(served.url)] == []


def shown(browser, pane=0):
    return browser.execute_script(f"return viewer.pane({pane}).shown()")


def words(browser, selector):
    return browser.execute_script("return document.querySelector(arguments[0]).innerText", selector)


def cut(browser, bar):
    """Put the scrubber on a bar and wait until it is shown."""
    browser.execute_script(
        "const c = document.querySelector('.cut'); c.value = arguments[0]; c.dispatchEvent(new Event('input'))", bar
    )
    wait(browser, "return viewer.pane(0).shown().cut === arguments[0]", bar)
    return shown(browser)


def colours(browser):
    """How many colours stand on the chart: an empty one has a few."""
    return browser.execute_async_script("""
        const done = arguments[0];
        requestAnimationFrame(() => requestAnimationFrame(() => {
          const seen = new Set();
          for (const canvas of document.querySelectorAll('.plot canvas')) {
            const g = canvas.getContext('2d');
            if (!canvas.width || !canvas.height) continue;
            const pixels = new Uint32Array(g.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
            for (let i = 0; i < pixels.length; i += 7) seen.add(pixels[i]);
          }
          done(seen.size);
        }));""")


# ---------------------------------------------------------------- views
def test_the_chart_and_the_trades_are_there(page, kept):
    browser = page()

    assert colours(browser) > 20
    found = shown(browser)
    assert (found["bars"], found["of"], found["atEnd"]) == (375, 375, True)
    trades = kept.runs[0].result.trades
    assert len(found["trades"]) == sum(t.signal_symbol == SYMBOL for t in trades)
    assert words(browser, "#trades tbody").count("\n") + 1 >= len(trades)
    assert words(browser, "#live-words") == "live"


@pytest.mark.parametrize("tab", ["trades", "equity", "groups", "refused", "compare"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_tab_shows_something(page, tab, theme):
    browser = page(tab=tab, two=1, run2=2, symbol2=SYMBOL, day2=DAY)
    if browser.execute_script("return document.documentElement.dataset.theme") != theme:
        press(browser, "t")

    panel = wait(browser, "const p = document.getElementById(arguments[0] + '-panel'); return p.innerText.length > 40 || "
                 "p.querySelector('canvas') ? p.innerText + '.' : ''", tab)  # fmt: skip
    assert not browser.execute_script("return document.getElementById(arguments[0] + '-panel').hidden", tab)
    assert "undefined" not in panel
    assert "NaN" not in panel
    assert browser.execute_script("return document.documentElement.dataset.theme") == theme
    assert shown(browser, 1)["run"] == 2


@pytest.mark.parametrize("side", ["story", "levels", "feed", "legend"])
def test_every_view_beside_shows_something(page, side):
    browser = page(side=side)

    text = wait(
        browser, "const t = document.getElementById(arguments[0] + '-panel').innerText; return t.length > 60 ? t : ''", side
    )
    assert "undefined" not in text
    assert {"story": "Choose a trade", "levels": "POC", "feed": "message", "legend": "estimated"}[
        side
    ].casefold() in text.casefold()


@pytest.mark.parametrize(("key", "told"), [("f", "footprint"), ("l", "sheet")])
def test_a_key_draws_more(page, key, told):
    browser = page()
    before = shown(browser)[told]
    press(browser, key)

    assert not before
    assert wait(browser, f"return viewer.pane(0).shown().{told}")


def test_a_trade_is_told_and_its_profile_is_that_of_its_entry(page, kept):
    browser = page()
    press(browser, "j")
    wait(browser, "return viewer.pane(0).shown().frozen")

    found = shown(browser)
    number = next(t["number"] for t in found["trades"] if t["id"] == found["chosen"])
    trade = kept.runs[0].result.trades[number - 1]
    story = words(browser, "#story-panel")
    assert f"Trade {number}" in story
    assert "Money: gross" in story
    assert ("MAE" in story, "Filters passed" in story) == (True, True)
    assert trade_json(trade)["entry_ts"] == trade.entry_ts
    press(browser, "Escape")
    wait(browser, "return !viewer.pane(0).shown().frozen")


def test_a_refused_signal_leads_to_its_bar(page):
    browser = page(tab="refused")
    wait(browser, "return document.querySelectorAll('#refused-panel tbody tr').length > 3")
    browser.execute_script("[...document.querySelectorAll('#refused-panel tr')].at(-1).click()")

    assert wait(browser, "const t = document.getElementById('story-panel').innerText; return /refused/i.test(t) ? t : ''")


# ---------------------------------------------------------------- the scrubber
@pytest.fixture(scope="module")
def chart(served):
    return served.viewer.get(f"/chart?symbol={SYMBOL.replace('|', '%7C')}&from={DAY}&run=1")


def test_the_scrubber_moves_everything_and_knows_no_future(page, chart):
    browser = page()
    at, v, lead, period = chart["rows"]["at"], chart["rows"]["v"], chart["lead"], chart["period"]
    for bar in (200, 10, 11, 12, 130, 129, 374, 0):
        found = cut(browser, bar)
        time_end = chart["t"][bar] + 60
        known = [t for t in chart["trades"] if t["entry_ts"] < time_end * SECOND_NS]
        assert (found["bars"], found["drawn"], found["lastTime"]) == (bar + 1, bar + 1, chart["t"][bar])
        assert [t["id"] for t in found["trades"]] == [t["id"] for t in known]
        assert [t["open"] for t in found["trades"]] == [not t["exit_ts"] or t["exit_ts"] >= time_end * SECOND_NS for t in known]
        assert found["regime"] == chart["regime"][bar]
        for name in ("poc", "vah", "val"):
            level = chart[name][bar]
            assert found[name] == (None if level is None else pytest.approx(level * chart["tick"]))
        end = lead + bar + 1
        begin = (
            lead
            if browser.execute_script("return document.querySelector('.mode').innerText").endswith("ession")
            else max(0, end - period)
        )
        assert found["profileTotal"] == sum(v[at[begin] : at[end]])
        if found["prices"]:
            seen = chart["h"][: bar + 1], chart["l"][: bar + 1]
            assert found["prices"]["to"] >= max(seen[0][-20:]) * chart["tick"]


def test_stepping_there_and_jumping_there_show_the_same(page):
    browser = page()
    jumped = [cut(browser, bar) for bar in (100, 101, 102)]
    cut(browser, 99)
    for wanted in jumped:
        press(browser, "ArrowRight")
        wait(browser, "return viewer.pane(0).shown().cut === arguments[0]", wanted["cut"])
        found = shown(browser)
        for name in ("bars", "drawn", "trades", "profileTotal", "poc", "vah", "val", "session", "regime", "lastTime"):
            assert found[name] == wanted[name]


def test_play_goes_on_by_itself_and_stops(page):
    browser = page()
    cut(browser, 50)
    press(browser, " ")
    wait(browser, "return viewer.pane(0).shown().cut >= 53")
    press(browser, " ")
    stood = shown(browser)["cut"]
    press(browser, "ArrowRight")
    wait(browser, "return viewer.pane(0).shown().cut === arguments[0]", stood + 1)


# ---------------------------------------------------------------- live
def test_a_new_trade_is_on_every_page_within_a_second(page, served, kept):
    browser = page(run=2)
    first = browser.current_window_handle
    browser.switch_to.new_window("window")
    second = browser.current_window_handle
    page(run=2)
    rows = "return document.querySelectorAll('#trades tbody tr').length"
    before = browser.execute_script(rows)
    like = next(t for t in kept.runs[1].result.trades if t.signal_symbol == SYMBOL)
    late = like.entry_ts + 3_600 * SECOND_NS
    new = replace(like, entry_ts=late, entry_seq=late, exit_ts=0, exit_seq=0, reason="open")
    with Journal.open(served.folder) as journal:
        journal.append_trades(2, [new])
        at = time.monotonic()
        wait(browser, f"{rows} === arguments[0] && document.querySelectorAll('#trades tbody tr').length", before + 1)
        took = time.monotonic() - at
    wait(browser, "return viewer.pane(0).shown().trades.some((t) => t.open)")
    assert took < 1.0
    browser.switch_to.window(first)
    wait(browser, f"{rows} === arguments[0]", before + 1)
    browser.switch_to.window(second)
    browser.close()
    browser.switch_to.window(first)


def test_a_store_that_goes_away_is_told_and_what_was_shown_stays(page, served):
    browser = page()
    before = shown(browser)
    file = served.folder / "a.db"
    file.rename(served.folder / "away.db")
    told = wait(browser, "const b = document.getElementById('banner'); return b.hidden ? '' : b.innerText")
    assert "The store does not answer" in told
    assert "no store at" in told
    assert shown(browser) == before
    (served.folder / "away.db").rename(file)
    wait(browser, "return document.getElementById('banner').hidden")
    assert words(browser, "#live-words") == "live"
    press(browser, "[")
    wait(browser, "return viewer.pane(0).shown().day === arguments[0]", DAYS[0].isoformat())


def test_a_viewer_that_ends_and_starts_again_is_found_again(page, served, kept):
    browser = page()
    port = served.url.rpartition(":")[2]
    places = ("--store", f"sqlite:///{served.folder / 'a.db'}", "--state", str(served.folder))
    served.viewer.end()
    wait(browser, "return document.getElementById('live-words').innerText === 'reconnecting…'")
    served.viewer = Viewer(*places, "--port", port, cwd=served.folder)
    wait(browser, "return document.getElementById('live-words').innerText === 'live'")
    assert browser.execute_script("return document.getElementById('banner').hidden")


# ---------------------------------------------------------------- nothing there, and much
def test_without_runs_and_data_it_says_what_to_do(browser, tmp_path):
    viewer = Viewer("--store", f"sqlite:///{tmp_path / 'none.db'}", "--state", str(tmp_path), cwd=tmp_path)
    browser.get(viewer.url)
    wait(browser, "return document.documentElement.dataset.ready === 'yes'")
    text = browser.execute_script("return document.body.innerText")
    assert "python -m auction_bt demo" in text
    assert "python -m auction_bt backtest" in text
    viewer.end()
    browser.get_log("browser")


def test_symbols_without_runs_have_charts(page):
    browser = page(run="none", symbol=TREND)

    assert shown(browser)["bars"] == 375
    assert shown(browser)["trades"] == []


def test_a_phone_shows_it_without_scrolling_sideways(page):
    browser = page()
    try:
        metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        page()
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert colours(browser) > 20
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
