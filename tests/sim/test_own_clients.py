"""Our own commands, whole, with the simulated broker in the real one's place."""

import json
from datetime import date

import pytest

from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.instruments.download import download
from auction_bt.sim.faults import Fault, FaultKind, FaultPlan
from auction_bt.sim.history import Candle, Minutes
from auction_bt.store.dsn import open_store
from tests.sim.made import FUTURE, OPTION, SHARE
from tests.sim.served import serving

DAYS = ("2025-03-03", "2025-03-14")  # ten days of trading
EVER = (-(2**62), 2**62)


def past(key, day):
    """A whole day of candles that differ from each other."""
    if day % 7 in {2, 3}:  # a weekend
        return []
    begin, base = day_start(day) + 555 * MINUTE_NS, 1000 + day % 50
    return [Candle(begin + i * MINUTE_NS, base + i / 10, base + i / 10 + 2, base + i / 10 - 1, base + i / 10 + 1, 10 + i)
            for i in range(375)]  # fmt: skip


@pytest.fixture
def broker():
    plan = FaultPlan((Fault(FaultKind.ERROR, 1, "read"), Fault(FaultKind.RESET, 2, "read"), Fault(FaultKind.RATE, 3, "read")))
    with serving(minutes=Minutes(past), plan=plan) as made:
        yield made


def test_history_is_fetched_through_faults_and_none_of_it_twice(run, broker, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)  # between tries, in this process alone
    words = ("fetch", "--symbol", SHARE, "--from-date", DAYS[0], "--to-date", DAYS[1], "--base-url", broker.url)
    code, out, error = run(*words)
    assert code == 0, error
    assert "10 days with 3,750 candles, 3,750 stored now" in out
    with open_store(f"sqlite:///{tmp_path / 'auction.db'}", readonly=True) as store:
        bars = store.bars(SHARE, *EVER)
    found = list(zip(bars.ts.tolist(), bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist(),
                     bars.volume.tolist(), strict=True))  # fmt: skip
    first, last = (from_date(date.fromisoformat(text)) for text in DAYS)
    expected = [candle for day in range(first, last + 1) for candle in past(SHARE, day)]
    assert found == [(c.ts, c.open, c.high, c.low, c.close, c.volume) for c in expected]
    calls = broker.calls("read")
    assert calls == 4
    assert run(*words)[0] == 0
    assert broker.calls("read") == calls


def test_the_master_is_downloaded_and_searched(run, broker, tmp_path):
    url = f"{broker.url}/market-quote/instruments/exchange/complete.json.gz"
    broker.plan = FaultPlan()
    assert "5 instruments" in run("instruments", "--refresh", "--url", url)[1].splitlines()[0]
    assert download(url, tmp_path / "m.gz") == (tmp_path / "m.gz").stat().st_size
    assert run("instruments", "--from", "m.gz", "--date", "2026-11-23")[0] == 0  # as listed on a day that stays the same
    _, out, _ = run("instruments", "25000 CE", "--date", "2026-11-23", "--json", "-")
    (row,) = json.loads(out)["instruments"]
    named = ("key", "kind", "expiry", "strike", "lot", "tick", "freeze", "underlying")
    expected = (OPTION, "option", "2026-12-29", 25000.0, 65, 0.05, 1800, "NSE_INDEX|Nifty 50")
    assert tuple(row[name] for name in named) == expected
    _, out, _ = run("instruments", "NIFTY FUT", "--date", "2026-11-23", "--json", "-")
    assert [row["key"] for row in json.loads(out)["instruments"]] == [FUTURE]


@pytest.mark.parametrize("day", ["2026-11-23", "2026-11-24", "2026-11-28", "2026-12-25", "2026-08-03", "2026-07-31"])
def test_the_calendar_agrees(run, broker, day):
    broker.plan = FaultPlan()
    code, out, error = run("calendar", "--date", day, "--check", "--base-url", broker.url)
    assert (code, out.splitlines()[-1], error) == (0, "Upstox agrees", "")
