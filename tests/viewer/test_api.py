"""What the API answers is what journal and store hold, as docs/viewer.md says it."""

import csv
import io
import re
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.ist import clock_text, day_index
from auction_bt.core.profile import Grid, Method, profile_of_ticks
from auction_bt.page.columns import symbol_columns, trade_rows
from auction_bt.result import trade_json
from auction_bt.store.journal import Journal
from auction_bt.viewer.api import ROUTES
from tests.page.conftest import DAYS

from .conftest import SYMBOL, TREND

DOCS = Path(__file__).resolve().parents[2] / "docs/viewer.md"
DAY = DAYS[1].isoformat()


def ok(answer):
    code, found = answer
    assert code == 200, found
    return found


# ---------------------------------------------------------------- the page of documentation
def test_every_address_is_documented_and_lists_itself(ask):
    documented = set(re.findall(r"(/api/[^`?]*)[`?]", DOCS.read_text("utf-8").replace("<id>", "<number>")))
    listed = {e["path"]: e["what"] for e in ok(ask("/"))["endpoints"]}

    assert listed.keys() == documented
    assert len(listed) == len(ROUTES)
    assert all(listed.values())


@pytest.mark.parametrize(("heading", "path", "query"), [
    ("GET /api/status", "/status", {}),
    ("GET /api/runs?", "/runs", {}),
    ("GET /api/runs/<run>`", "/runs/1", {}),
    ("GET /api/runs/<run>/trades?", "/runs/1/trades", {}),
    ("GET /api/trades/<id>", "/trades/1", {}),
    ("GET /api/runs/<run>/groups", "/runs/1/groups", {}),
    ("GET /api/runs/<run>/equity", "/runs/1/equity", {}),
    ("GET /api/runs/<run>/decisions", "/runs/1/decisions", {}),
    ("GET /api/symbols?", "/symbols", {}),
    ("GET /api/chart?", "/chart", {"symbol": SYMBOL, "from": DAY, "run": 1}),
    ("GET /api/footprint?", "/footprint", {"symbol": SYMBOL, "day": DAY}),
    ("GET /api/feed?", "/feed", {}),
])  # fmt: skip
def test_what_is_answered_is_documented(ask, heading, path, query):
    text = DOCS.read_text("utf-8")
    section = text[text.index(heading) :].partition("\n### ")[0]
    named = set(re.findall(r"[a-z_]+", section))

    found = ok(ask(path, **query))
    rows = [found, *(row for v in found.values() if isinstance(v, list) for row in v[:1] if isinstance(row, dict))]
    rows += [
        v for name, v in found.items() if isinstance(v, dict) and name not in {"settings", "evidence", "trade", "charges_by_kind"}
    ]
    lacking = {name for row in rows for name in row if name not in named}
    # A trade's row is documented once.
    assert lacking - set(re.findall(r"`(\w+)`", text)) == set()


# ---------------------------------------------------------------- runs and trades
def test_runs_and_their_trades_are_those_of_the_journal(ask, kept):
    runs = ok(ask("/runs"))
    assert [r["run"] for r in runs["runs"]] == [2, 1]
    assert [r["rule"] for r in runs["runs"]] == ["auction", "original"]
    for run, result in ((1, kept.runs[0].result), (2, kept.runs[1].result)):
        shown = ok(ask(f"/runs/{run}/trades", limit=1000))
        wanted = [{k: v for k, v in trade_json(t).items() if k != "fills"} for t in result.trades]
        assert [{k: v for k, v in t.items() if k not in {"id", "number"}} for t in shown["trades"]] == wanted
        assert [t["number"] for t in shown["trades"]] == list(range(1, len(wanted) + 1))
        one = ok(ask(f"/runs/{run}"))
        assert one["totals"]["net"] == pytest.approx(float(result.summary.net))
        assert one["totals"]["refused"] == sum(n for _, n in result.summary.refused)
        assert one["days"] == [DAY]
        parts = ok(ask(f"/runs/{run}/groups"))
        assert sum(g["net"] for g in parts["groups"]["side"]) == pytest.approx(one["totals"]["net"])
        assert parts["charges_by_kind"] == {kind: pytest.approx(float(paid)) for kind, paid in result.summary.charges_by_kind}
        assert one["traded"] == [SYMBOL, TREND]
        curve = ok(ask(f"/runs/{run}/equity"))
        assert curve["value"][-1] == pytest.approx(1_000_000 + one["totals"]["net"])
    assert ok(ask("/runs", q="auction"))["total"] == 1
    assert ok(ask("/runs", q="demo-balanced"))["total"] == 2


def test_pages_sort_and_filter(ask):
    every = ok(ask("/runs/1/trades", limit=1000))["trades"]
    page = ok(ask("/runs/1/trades", sort="pnl_net", desc=1, limit=3, offset=2))
    longs = ok(ask("/runs/1/trades", q="long balanced", limit=1000))["trades"]

    assert [t["id"] for t in page["trades"]] == [t["id"] for t in sorted(every, key=lambda t: -t["pnl_net"])[2:5]]
    assert page["total"] == len(every)
    assert [t["id"] for t in longs] == [
        t["id"] for t in every if t["side"] == "long" and "balanced" in str(t.values()).casefold()
    ]
    assert ok(ask("/runs/1/trades", open=1))["total"] == 0
    assert ok(ask("/runs/1/trades", day="2026-03-09"))["total"] == 0
    assert ok(ask("/runs/1/trades", symbol=TREND, day=DAY))["total"] == sum(t["signal_symbol"] == TREND for t in every)


def test_csv_has_every_trade_of_the_filter(ask):
    answer = ask.client.get("/api/runs/1/trades.csv?q=short")
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=run-1-trades.csv"
    assert {row["side"] for row in rows} == {"short"}
    assert len(rows) == ok(ask("/runs/1/trades", q="short"))["total"]


def test_a_trade_is_told_as_the_report_tells_it(ask, kept):
    reported = trade_rows(kept.runs[0])
    for number, wanted in enumerate(reported, 1):
        found = ok(ask(f"/trades/{number}"))
        assert found["run"] == 1
        for name in ("story", "evidence", "profile"):
            assert found[name] == wanted[name]
        assert found["profile_reason"] is None
        assert found["trade"]["costs"] == wanted["costs"]
        assert (found["symbol"], found["day"]) == (wanted["signal_symbol"], DAY)


def test_decisions_are_paged_and_their_reasons_explained(ask, kept):
    result = kept.runs[0].result
    found = ok(ask("/runs/1/decisions", action="refuse", limit=5))

    assert {r["reason"]: r["count"] for r in found["reasons"]} == dict(result.summary.refused)
    assert all(r["meaning"] for r in found["reasons"])
    refused = [d for d in result.decisions if d.action == "refuse"]
    assert [d["ts"] for d in found["decisions"]] == [d.ts for d in refused[::-1][:5]]


def test_two_runs_are_held_against_each_other(ask, kept):
    found = ok(ask("/compare", left=1, right=2))

    assert found["same"] is False
    assert found["settings"] == {"rule": {"left": "original", "right": "auction"}}
    assert "original" in found["text"]
    assert ok(ask("/compare", left=1, right=1))["same"] is True


# ---------------------------------------------------------------- charts
def test_a_chart_shows_what_the_run_saw(ask, kept):
    for traced in kept.runs[1].traced:
        symbol = traced.recorded.instrument.symbol
        found = ok(ask("/chart", symbol=symbol, **{"from": DAY}, run=2))
        wanted = symbol_columns(traced)
        assert {k: found[k] for k in wanted} == wanted
        assert found["days"] == [DAY]
        assert found["starts"] == [0]
        trades = ok(ask("/runs/2/trades", limit=1000, symbol=symbol))["trades"]
        assert found["trades"] == trades


def test_rows_make_the_profile_of_every_bar(ask):
    found = ok(ask("/chart", symbol=SYMBOL, **{"from": DAY}))
    at, k, v = (np.array(found["rows"][name]) for name in ("at", "k", "v"))
    lead, bars = found["lead"], len(found["t"])
    grid = Grid.of(str(found["tick"]))

    def levels(begin, end):
        part = slice(at[begin], at[end])
        profile = profile_of_ticks(k[part], v[part], grid, Method.TWO_ROW, 0.70)
        return [profile.poc, profile.vah, profile.val]

    assert len(at) == lead + bars + 1
    for i in range(0, bars, 29):
        assert [found["session"][n][i] for n in ("poc", "vah", "val")] == levels(lead, lead + i + 1)
        if i >= found["period"]:
            assert [found[n][i] for n in ("poc", "vah", "val")] == levels(lead + i + 1 - found["period"], lead + i + 1)


def test_a_chart_of_several_days_says_where_each_begins(ask):
    found = ok(ask("/chart", symbol=SYMBOL, **{"from": "2026-03-09", "to": DAY}))

    assert found["days"] == ["2026-03-09", DAY]
    assert [day_index(found["t"][i] * 10**9) for i in found["starts"]] == [day_index(found["t"][0] * 10**9) + d for d in (0, 1)]
    assert found["rows"] is None
    assert found["trades"] == []


def test_a_runs_settings_make_its_chart(ask, kept, tmp_path):
    plain = ok(ask("/chart", symbol=SYMBOL, **{"from": DAY}))
    auction = ok(ask("/chart", symbol=SYMBOL, **{"from": DAY}, run=2))

    assert plain["poc"] == auction["poc"]
    assert plain["regime"] != auction["regime"]


def test_footprint_splits_what_the_bars_traded(ask):
    found, chart = ok(ask("/footprint", symbol=SYMBOL, day=DAY)), ok(ask("/chart", symbol=SYMBOL, **{"from": DAY}))

    traded = sum(found["buy"]) + sum(found["sell"]) + sum(found["neither"])
    assert found["estimated"] is True
    assert sum(found["buy"]) > 0
    assert traded == pytest.approx(sum(chart["v"]), rel=0.01)  # the exchange's minutes differ a little from the ticks
    assert set(found["t"]) <= set(chart["t"])


def test_levels_are_those_of_the_command(ask):
    found = ok(ask("/levels", symbol=SYMBOL, date=DAY))
    until = ok(ask("/levels", symbol=SYMBOL, date=DAY, at="10:30"))

    assert found["prior"]["poc"] > 0
    assert "POC" in found["text"]
    assert until["at"] is not None
    assert until["text"] != found["text"]


# ---------------------------------------------------------------- the feed
def test_the_feed_names_gaps_of_the_day(ask, sources):
    found = ok(ask("/feed"))

    assert found["day"] == DAY
    assert {s["symbol"] for s in found["symbols"]} == {SYMBOL, TREND}
    silences = [g for g in found["gaps"] if g["kind"] == "silence"]
    assert len(silences) == sum(s["gaps"] for s in found["symbols"])
    assert found["messages"] >= sum(s["messages"] for s in found["symbols"]) > 0  # some are about all symbols
    assert found["recorder"] is None
    assert clock_text(found["last_ts"])


# ---------------------------------------------------------------- mistakes
@pytest.mark.parametrize(("path", "query", "code", "words"), [
    ("/runs/9", {}, 404, "there is no run 9"),
    ("/runs/9/trades", {}, 404, "there is no run 9"),
    ("/runs/9/trades.csv", {}, 404, "there is no run 9"),
    ("/runs/9/groups", {}, 404, "there is no run 9"),
    ("/runs/9/equity", {}, 404, "there is no run 9"),
    ("/runs/9/decisions", {}, 404, "there is no run 9"),
    ("/trades/999", {}, 404, "there is no trade 999"),
    ("/runs/99999999999999999999", {}, 404, "Not Found"),
    ("/runs/-1", {}, 404, "Not Found"),
    ("/runs/1/trades", {"limit": 0}, 400, "limit='0' must be a whole number, 1 to 1000"),
    ("/runs/1/trades", {"limit": "1001"}, 400, "limit="),
    ("/runs/1/trades", {"offset": "-1"}, 400, "offset="),
    ("/runs/1/trades", {"offset": str(2**63)}, 400, "offset="),
    ("/runs/1/trades", {"sort": "x"}, 400, "sort='x'"),
    ("/runs/1/trades", {"open": "yes"}, 400, "open='yes' must be 0 or 1"),
    ("/runs/1/trades", {"day": "10-03-2026"}, 400, "write YYYY-MM-DD"),
    ("/runs/1/trades", {"colour": "red"}, 400, "'colour' is not known here: known are q, open,"),
    ("/runs/1/decisions", {"action": "think"}, 400, "action='think'"),
    ("/status", {"a": "1"}, 400, "nothing can be asked for here"),
    ("/compare", {"left": "1"}, 400, "right='' must be a whole number"),
    ("/compare", {"left": "1", "right": "9"}, 404, "there is no run 9"),
    ("/chart", {"symbol": SYMBOL}, 400, "from= is needed"),
    ("/chart", {"from": DAY}, 400, "symbol= is needed"),
    ("/chart", {"symbol": "NSE_FO|DEMO-BALANCE", "from": DAY}, 400, "did you mean NSE_FO|DEMO-BALANCED"),
    ("/chart", {"symbol": SYMBOL, "from": "2026-03-11"}, 404, "nothing of NSE_FO|DEMO-BALANCED is stored on 2026-03-11"),
    ("/chart", {"symbol": SYMBOL, "from": DAY, "to": "2026-03-09"}, 400, "a chart shows 1 to 40"),
    ("/chart", {"symbol": SYMBOL, "from": "2026-01-01", "to": DAY}, 400, "a chart shows 1 to 40"),
    ("/chart", {"symbol": SYMBOL, "from": DAY, "run": "9"}, 404, "there is no run 9"),
    ("/levels", {"symbol": SYMBOL, "date": DAY, "at": "25:00"}, 400, "write HH:MM"),
    ("/levels", {"symbol": SYMBOL, "date": "2020-01-01"}, 404, "no session of"),
    ("/footprint", {"symbol": SYMBOL}, 400, "day= is needed"),
    ("/symbols/days", {"symbol": "X"}, 400, "unknown symbol"),
    ("/nothing", {}, 404, "Not Found"),
])  # fmt: skip
def test_mistakes_are_told_in_one_line(ask, path, query, code, words):
    status, found = ask(path, **query)

    assert (status, list(found)) == (code, ["error"])
    assert words in found["error"]
    assert "\n" not in found["error"]


letters = st.text(st.sampled_from(string.printable + "₹é\x00𝄞"), max_size=8)
answers = st.sampled_from([path.replace("int(max=9223372036854775807):", "") for path, _ in ROUTES if "events" not in path])
names = st.sampled_from(
    ["q", "open", "symbol", "day", "limit", "offset", "sort", "desc", "left", "right", "from", "to", "run", "date", "at"]
)
values = letters | st.sampled_from(["1", "2", "0", "-1", DAY, SYMBOL, "2026-03-09", "pnl_net", "10:30"]) | st.integers().map(str)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers, st.dictionaries(names, values, max_size=4), st.integers(0, 10**20) | st.sampled_from([1, 2]))
def test_nothing_that_can_be_asked_breaks_it(ask, path, query, number):
    path = path.replace("<run>", str(number)).replace("<number>", str(number))

    answer = ask.client.get(f"/api{path}", query_string=query)

    assert answer.status_code in {200, 400, 404}, answer.text


# ---------------------------------------------------------------- who may ask
@pytest.mark.parametrize(("host", "code"), [
    ("localhost:8765", 200), ("127.0.0.1:8765", 200), ("[::1]:8765", 200), ("192.168.1.5", 200), ("DESK.example:80", 200),
    ("evil.example", 421), ("localhost.evil.example", 421), ("", 421), ("a:b:c", 421), ("[", 421),
])  # fmt: skip
def test_only_known_names_are_answered(ask, host, code):
    assert ask.client.get("/api/status", headers={"Host": host}).status_code == code


def test_only_reading_is_answered(ask):
    for method in ("post", "put", "delete", "patch"):
        assert getattr(ask.client, method)("/api/runs").status_code == 405


def test_every_answer_keeps_other_sites_out(ask):
    for path in ("/", "/api/runs", "/api/nothing", "/nothing", "/page/chart.js", "/page/page.css"):
        headers = ask.client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers
    assert ask.client.get("/api/runs").headers["Cache-Control"] == "no-store"
    assert ask.client.get("/page/../api.py").status_code == 404
    assert ask.client.get("/static/../api.py").status_code == 404


def test_the_page_names_the_library_by_its_content(ask):
    (url,) = re.findall(r'src="(/vendor/[^"]+)"', ask.client.get("/").text)
    answer = ask.client.get(url)

    assert "immutable" in answer.headers["Cache-Control"]
    assert "TradingView" in answer.text[:400]


def test_a_journal_is_only_read(kept, ask):
    before = (kept.folder / "journal.db").read_bytes()
    for path in ("/runs", "/runs/1", "/runs/1/trades", "/trades/1"):
        ok(ask(path))
    assert (kept.folder / "journal.db").read_bytes() == before
    with Journal.open(kept.folder, readonly=True) as journal:
        assert len(journal.runs()) == 2
