"""Alerts: they reach a real webhook, never hold anybody up, and never carry a secret."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.live.alerts import FILE, Alerts, sender
from tests.waiting import until

TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJBQjEyMzQiLCJleHAiOjE3NjQ2MTkyMDB9.c2lnbmF0dXJl"


@contextmanager
def webhook(status=200):
    came = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"json://127.0.0.1:{server.server_port}/hook", came
        finally:
            server.shutdown()
            thread.join()


class Time:
    now = 1_764_561_600 * 10**9

    def __call__(self):
        return self.now


def test_an_alarm_reaches_a_webhook_once_and_the_file_each_time(tmp_path):
    time, said = Time(), []
    with webhook() as (place, came):
        with Alerts(tmp_path, sender([place]), time, said.append) as alerts:
            alerts("position differs")
            alerts("position differs")
            until(lambda: len(came) == 1)
            time.now += 301 * 10**9
            alerts("position differs")
            alerts("NO STOP AT EXCHANGE")
        assert [m["message"] for m in came] == ["position differs", "position differs", "NO STOP AT EXCHANGE"]
    assert said == []
    lines = (tmp_path / FILE).read_text().splitlines()
    assert len(lines) == 4
    assert lines[0] == "2025-12-01 09:30:00 position differs"


def test_a_token_leaves_in_no_alert(tmp_path):
    with webhook() as (place, came):
        with Alerts(tmp_path, sender([place]), Time(), print) as alerts:
            alerts(f"handshake refused: Bearer {TOKEN}")
        assert TOKEN not in json.dumps(came)
        assert "(token hidden)" in came[0]["message"]
    assert TOKEN not in (tmp_path / FILE).read_text()


def test_a_place_that_does_not_take_it_is_said_and_nobody_waits(tmp_path):
    said = []
    with webhook(500) as (place, came), Alerts(tmp_path, sender([place]), Time(), said.append) as alerts:
        alerts("halt")
        until(lambda: came and said)
    assert "an alert could not be sent" in said[0]

    def hangs(*_):
        assert gate.wait(10)
        return True

    gate = threading.Event()
    with Alerts(tmp_path, hangs, Time(), said.append) as alerts:
        for number in range(300):
            alerts(f"alarm {number}")
        assert alerts.dropped >= 99
        gate.set()
    assert any("alarms came too fast" in text for text in said)


def test_addresses_that_are_none_are_refused_without_being_shown():
    assert sender([]) is None
    with pytest.raises(BadInput, match="alert address 2 ") as error:
        sender(["json://localhost", "nosuch://secret-of-mine"])
    assert "secret-of-mine" not in str(error.value)
