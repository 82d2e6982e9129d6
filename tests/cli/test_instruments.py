"""The instruments command, from a file and from a server."""

import gzip
import json

import pytest

from auction_bt.instruments.download import URL, url_beside
from tests.broker.server import Broker, serving
from tests.instruments.made import standard, write


@pytest.fixture
def broker():
    broker = Broker()
    broker.master = gzip.compress(json.dumps(standard()).encode())
    with serving(broker) as url:
        broker.url = url
        yield broker


def loaded(run, tmp_path, day="2026-11-20"):
    code, out, error = run("instruments", "--from", write(tmp_path / "complete.json.gz", standard()), "--date", day)
    assert (code, error) == (0, "")
    return out


def test_a_master_from_a_file_and_a_search_in_it(run, tmp_path):
    assert loaded(run, tmp_path) == "master of 2026-11-20: 26 instruments; since the master before 26 new or changed, 0 gone\n"
    code, out, error = run("instruments", "nifty fut", "--date", "2026-11-20")
    assert (code, error) == (0, "")
    head, *rows = out.splitlines()
    assert head.split() == ["key", "symbol", "name", "kind", "expiry", "strike", "lot", "tick", "freeze", "closing", "auction"]
    assert [row.split()[0] for row in rows] == [
        "NSE_FO|51502", "NSE_FO|51503", "NSE_FO|51504"]  # fmt: skip
    assert rows[0].split()[1:] == ["NIFTY", "FUT", "24", "NOV", "26", "NIFTY", "future", "2026-11-24", "75", "0.1", "1,800"]


def test_options_may_stand_between_words(run, tmp_path):
    loaded(run, tmp_path)
    assert run("instruments", "nifty", "--date", "2026-11-20", "fut") == run(
        "instruments", "nifty", "fut", "--date", "2026-11-20"
    )


@pytest.mark.parametrize(
    ("words", "first", "count"),
    [
        (["RELIANCE"], "NSE_EQ|INE002A01018", 4),
        (["dec", "NIFTY", "fut"], "NSE_FO|51503", 1), (["2026-12-29"], "NSE_FO|51503", 7), (["60010"], "NSE_FO|60010", 1),
        (["nse_fo|60010"], "NSE_FO|60010", 1), (["nifty"], "NSE_INDEX|Nifty 50", 14), (["gold"], "MCX_FO|430268", 1),
        (["26000 ce"], "NSE_FO|60000", 3), (["december 26100"], "NSE_FO|60002", 3),
    ],
)  # fmt: skip
def test_words_in_any_order_the_likeliest_first(run, tmp_path, words, first, count):
    loaded(run, tmp_path)
    code, out, error = run("instruments", *words, "--json", "-")
    found = json.loads(out)
    assert (code, error) == (0, "")
    assert (found["instruments"][0]["key"], found["found"]) == (first, count)


def test_what_json_says(run, tmp_path):
    loaded(run, tmp_path)
    _, out, _ = run("instruments", "26000 CE 08", "--json", "-", "--limit", "1")
    assert json.loads(out)["instruments"] == [{
        "key": "NSE_FO|60010", "symbol": "NIFTY 26000 CE 08 DEC 26", "name": "NIFTY", "segment": "NSE_FO", "type": "CE",
        "kind": "option", "underlying": "NSE_INDEX|Nifty 50", "expiry": "2026-12-08", "strike": 26000.0, "lot": 75, "tick": 0.05,
        "freeze": 1800, "closing_auction": None}]  # fmt: skip
    _, out, _ = run("instruments", "nifty", "--limit", "2", "--date", "2026-11-25")
    assert out.splitlines()[-2:] == ["12 more: add words, or --limit 14", "as listed on 2026-11-20"]


def test_without_a_master_one_line_says_how_to_get_one(bad):
    assert "instruments --refresh" in bad("instruments", "nifty")
    assert "say what to look for" in bad("instruments")


def test_wrong_use_is_one_line(run, bad, tmp_path):
    path = write(tmp_path / "m.gz", standard())
    assert "needs --date" in bad("instruments", "--from", path)
    assert "no other day's is offered" in bad("instruments", "--refresh", "--date", "2020-01-01")
    assert "two sources" in bad("instruments", "--refresh", "--from", path)
    assert "no file" in bad("instruments", "--from", "none.gz", "--date", "2026-11-20")
    loaded(run, tmp_path)
    assert "use fewer" in bad("instruments", "qqqq", code=3)
    assert "--limit 0" in bad("instruments", "nifty", "--limit", "0")


def test_todays_master_from_a_server(run, broker, tmp_path):
    code, out, error = run("instruments", "--refresh", "NIFTY-FUT".replace("-", " "), "--url", broker.url + "/complete.json.gz")
    assert (code, error) == (0, "")
    assert "26 instruments" in out.splitlines()[0]
    assert out.splitlines()[2].startswith("NSE_FO|51502")
    assert broker.agents[0].startswith("auction-bt/")
    assert [p.name for p in (tmp_path / ".auction_bt").iterdir() if "part" in p.name] == []


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.upstox.com", URL),
        ("https://api-hft.upstox.com/", URL),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790/market-quote/instruments/exchange/complete.json.gz"),
        ("https://notupstox.com/x/", "https://notupstox.com/x/market-quote/instruments/exchange/complete.json.gz"),
    ],
)
def test_the_master_is_got_from_whoever_is_asked(base, url):
    assert url_beside(base) == url


def test_a_failed_download_leaves_the_old_master(run, bad, broker, tmp_path):
    url = broker.url + "/complete.json.gz"
    loaded(run, tmp_path)
    whole = broker.master
    for master, said in ((whole[:-40], "damaged or cut off"), (b"<html>", "must be a JSON array"), (b"", "must be a JSON array")):
        broker.master = master
        assert said in bad("instruments", "--refresh", "--url", url, code=1)
    broker.master = whole
    for fault, said in ((503, "answered 503"), ("cut", "cannot be got"), ("reset", "cannot be got")):
        broker.faults["master"] = fault
        assert said in bad("instruments", "--refresh", "--url", url, code=1)
    broker.faults.clear()
    assert "cannot be got" in bad("instruments", "--refresh", "--url", "http://127.0.0.1:9/x", code=1)
    assert "no address" in bad("instruments", "--refresh", "--url", "nonsense")
    assert "would be asked in the clear" in bad("instruments", "--refresh", "--base-url", "http://example.org")
    assert sorted(p.name for p in (tmp_path / ".auction_bt").iterdir()) == ["instruments.db"]
    assert "NSE_FO|51502" in run("instruments", "nifty fut")[1]


def test_more_bytes_than_a_master_can_have_are_refused(broker, tmp_path):
    from auction_bt.core.errors import AuctionError
    from auction_bt.instruments.download import download

    with pytest.raises(AuctionError, match="more than 100 bytes"):
        download(broker.url + "/complete.json.gz", tmp_path / "x", 100)
    assert list(tmp_path.iterdir()) == []
