"""The command as a process: pages learn of what is new within a second, and of what went away."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from auction_bt.store.journal import Journal
from auction_bt.viewer.hub import MOST_CLIENTS
from tests.page.conftest import DAYS
from tests.waiting import until

from .conftest import SYMBOL


def named(events, name):
    return [e for e in events if e[0] == name]


def test_a_new_trade_is_told_to_every_page_within_a_second(viewer, kept, tmp_path):
    one = viewer("--store", kept.dsn, "--state", str(tmp_path))
    assert one.get("/runs")["total"] == 0  # nothing is wrong with a folder without runs
    assert one.get("/status")["journal"]["ok"] is True
    pages = [one.listen(), one.listen()]
    run = kept.runs[0].result
    with Journal.open(tmp_path) as journal:
        number = journal.start_run(json.dumps({"symbols": [SYMBOL]}))
        for events in pages:
            until(lambda events=events: named(events, "journal"))
        for count in (1, 2):
            seen = [len(events) for events in pages]
            journal.append_trades(number, run.trades[count : count + 1])
            at = time.monotonic()
            for events, before in zip(pages, seen, strict=True):
                name, data, when = until(lambda e=events, n=before: e[n:])[0]
                assert (name, data) == ("journal", {"runs": [number]})
                assert when - at < 1.0
            assert one.get(f"/runs/{number}/trades")["total"] == count
    assert one.end() == (0, "", "")


def test_a_store_that_goes_away_and_comes_back_is_told(viewer, kept, made, tmp_path):
    file = tmp_path / "a.db"
    one = viewer("--store", f"sqlite:///{file}", "--state", str(kept.folder))
    assert one.get("/status")["store"]["ok"] is False  # there is none yet
    events = one.listen()
    place = f"/chart?symbol={SYMBOL.replace('|', '%7C')}&from={DAYS[1]}"
    with pytest.raises(urllib.error.HTTPError, match="503"):
        one.get(place)
    assert one.get("/runs")["total"] == 2  # the journal answers meanwhile
    assert one.get("/trades/1")["profile_reason"].startswith("store: no store at")

    os.link(made.path.parent / "a.db", file)
    (name, data, _), *_ = until(lambda: named(events, "status"))
    assert (name, data["store"]) == ("status", {"dsn": f"sqlite:///{file}", "ok": True, "error": None})
    assert one.get("/status")["store"]["ok"] is True
    file.unlink()
    gone = until(lambda: named(events, "status")[1:])[0][1]
    assert gone["store"]["ok"] is False
    assert "no store at" in gone["store"]["error"]
    assert one.end(signal.SIGINT)[0] == 0


def test_pages_beyond_the_most_are_told_so_and_others_still_answered(viewer, kept, tmp_path):
    one = viewer("--store", kept.dsn, "--state", str(kept.folder))
    pages = [one.listen() for _ in range(MOST_CLIENTS)]
    with pytest.raises(urllib.error.HTTPError, match="503"):
        one.get("/events")
    assert one.get("/runs")["total"] == 2
    assert len(pages) == MOST_CLIENTS
    one.streams.pop()[0].close()
    until(lambda: _has_room(one))
    code, _, err = one.end()
    assert (code, err) == (0, "")


def _has_room(one):
    try:
        urllib.request.urlopen(f"{one.url}/api/events", timeout=20).close()
    except urllib.error.HTTPError:
        return False
    return True


def test_a_port_that_is_taken_is_named(viewer, kept, tmp_path):
    one = viewer("--store", kept.dsn, "--state", str(kept.folder))
    port = one.url.rpartition(":")[2]
    words = [sys.executable, "-m", "auction_bt", "viewer", "--port", port, "--store", kept.dsn]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"auction_bt: port {port} of 127.0.0.1 is taken: give another with --port\n"


@pytest.mark.parametrize(("words", "told"), [
    (("--port", "70000"), "--port 70000 must be 0 to 65535"),
    (("--host", "203.0.113.9", "--port", "0"), "203.0.113.9 is no address of this machine"),
    (("--store", "mysql://x"), "mysql"),
])  # fmt: skip
def test_what_cannot_be_served_is_told_in_one_line(tmp_path, words, told):
    done = subprocess.run([sys.executable, "-m", "auction_bt", "viewer", *words], capture_output=True, text=True, cwd=tmp_path,
                          timeout=60, check=False, env={**os.environ, "AUCTION_VIEWER_PASSWORD": "long enough"})  # fmt: skip

    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_is_opened_to_others_with_a_password_alone(kept, tmp_path):
    words = [sys.executable, "-m", "auction_bt", "viewer", "--port", "0", "--store", kept.dsn, "--state", str(tmp_path)]
    done = subprocess.run([*words, "--host", "0.0.0.0"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "others reach 0.0.0.0, and there is no password: run `viewer --set-password` first" in done.stderr
    asked = [*words, "--set-password"]
    done = subprocess.run(asked, input="a long one\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "a long one" not in (tmp_path / "viewer-password").read_text()
    with subprocess.Popen([*words, "--host", "0.0.0.0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "0.0.0.0" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[1] == ""
