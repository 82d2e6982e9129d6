"""A small server on loopback that answers as the broker does: masters, candles, holidays and hours, in the recorded shapes."""

import json
import socket
import struct
import threading
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from auction_bt.core.ist import day_start, from_date

LIMITS = ((1.0, 50), (60.0, 500), (1800.0, 2000))  # seconds, calls: of the broker's page on rate limits
SPAN_DAYS = 31
MINUTES = 375


def error(code, message):
    return {"status": "error", "errors": [{"errorCode": code, "message": message, "propertyPath": None, "invalidValue": None,
            "error_code": code, "property_path": None, "invalid_value": None}]}  # fmt: skip


REGULAR = {"NSE": "09:15-15:30", "NFO": "09:15-15:40", "CDS": "09:00-17:00", "BSE": "09:15-15:30", "BFO": "09:15-15:40",
           "BCD": "09:00-17:00", "MCX": "09:00-23:30"}  # fmt: skip


def timings(day, hours):
    """Hours of a day as the broker's rows: ms since 1970."""

    def ms(text):
        hour, minute = text.split(":")
        return day_start(from_date(day)) // 10**6 + (int(hour) * 60 + int(minute)) * 60_000

    return [{"exchange": name, "start_time": ms(text[:5]), "end_time": ms(text[6:])} for name, text in hours.items()]


def holiday(day, description, kind="TRADING_HOLIDAY", closed=("NSE", "NFO", "CDS", "BSE", "BFO", "BCD"), **hours):
    return {"date": str(day), "description": description, "holiday_type": kind, "closed_exchanges": list(closed),
            "open_exchanges": timings(day, hours)}  # fmt: skip


class Market:
    """What was traded: the same candles for the same key and day, ever."""

    def __init__(self, minutes=MINUTES):
        self.minutes = minutes
        self.holidays = set()
        self.silent = set()  # (key, day) of trading days without a candle
        self.missing = {}  # (key, day) to minutes without a candle
        self.damaged = {}  # (key, day) to rows put in the place of the first ones
        self.today = None
        self.listed = {}  # day to its row in the list of holidays
        self.hours = {}  # day to hours by exchange, where they are not the regular ones

    def timings(self, day):
        return timings(day, self.hours.get(day, {} if day.weekday() > 4 or day in self.listed else REGULAR))

    def is_open(self, key, day):
        return day.weekday() < 5 and day not in self.holidays and (key, day) not in self.silent

    def candles(self, key, day):
        """Oldest first."""
        if not self.is_open(key, day):
            return []
        rows = []
        seed = sum(map(ord, key)) + from_date(day) * 7
        for i in range(self.minutes):
            if i in self.missing.get((key, day), ()):
                continue
            low = 1000 + (seed + i * 13) % 97
            stamp = f"{day}T{(555 + i) // 60:02}:{(555 + i) % 60:02}:00+05:30"
            rows.append([stamp, low + 0.05 * (i % 3), low + 2.0, float(low), low + 1.05, 10 + (seed + i) % 50, 0])
        for i, row in enumerate(self.damaged.get((key, day), ())):
            rows[i] = row(rows[i])
        return rows


class Broker:
    """The server: counts calls, keeps the rate limits by an injected clock, and fails where it is told to.

    Parameters
    ----------
    clock : callable, optional
        Seconds; without one no rate limit is kept.
    """

    def __init__(self, clock=None):
        self.market = Market()
        self.clock = clock
        self.token = None  # the one that is asked for
        self.plus = True
        self.calls = []  # (path, Authorization)
        self.times = []
        self.refused = 0
        self.faults = {}  # number of a call, from 1, to what goes wrong
        self.on_call = lambda number: None
        self.master = b""
        self.agents = []
        self._lock = threading.Lock()

    def answer(self, path, headers):
        """Return (status, body) or the name of a fault."""
        with self._lock:
            self.calls.append((path, headers.get("Authorization")))
            number = len(self.calls)
        self.on_call(number)
        fault = self.faults.get(number)
        if isinstance(fault, int):
            return fault, json.dumps(error("UDAPI10005" if fault == 429 else "UDAPI100500", "Told to fail")).encode()
        if fault:
            return fault, b""
        if self.clock is not None and not self._is_within_limits():
            return 429, json.dumps(error("UDAPI10005", "Too Many Request Sent")).encode()
        if self.token is not None and headers.get("Authorization") != f"Bearer {self.token}":
            return 401, json.dumps(error("UDAPI100050", "Invalid token used to access API")).encode()
        parts = [unquote(part) for part in path.split("/")[1:]]
        status, body = self._day(parts) if parts[:2] == ["v2", "market"] else self._candles(parts)
        return status, json.dumps(body).encode()

    def _is_within_limits(self):
        with self._lock:
            now = self.clock()
            self.times.append(now)
            good = all(sum(now - span < t for t in self.times) <= count for span, count in LIMITS)
            self.refused += not good
            return good

    def _day(self, parts):
        listed = self.market.listed
        if parts[2:] == ["holidays"]:
            return 200, {"status": "success", "data": list(listed.values())}
        if parts[2] not in {"holidays", "timings"} or len(parts) != 4:
            return 404, error("UDAPI100060", "Resource not Found")
        day = date.fromisoformat(parts[3])
        rows = self.market.timings(day) if parts[2] == "timings" else [listed[day]] if day in listed else []
        return 200, {"status": "success", "data": rows}

    def _candles(self, parts):
        if parts[:3] == ["v3", "historical-candle", "intraday"] and parts[4:] == ["minutes", "1"]:
            return self._good(parts[3], self.market.today, self.market.today)
        if parts[:2] == ["v3", "historical-candle"] and parts[3:5] == ["minutes", "1"]:
            key, first, last = parts[2], parts[6], parts[5]
        elif parts[:3] == ["v2", "expired-instruments", "historical-candle"] and parts[4] == "1minute":
            key, first, last = parts[3], parts[6], parts[5]
            if not self.plus:
                return 403, error("UDAPI100058", "The plan does not include this service")
        else:
            return 404, error("UDAPI100060", "Resource not Found")
        if key.startswith("NSE_EQ|BAD"):
            return 400, error("UDAPI1087", "One or more instrument keys are invalid")
        first, last = date.fromisoformat(first), date.fromisoformat(last)
        if not first <= last <= first + timedelta(days=SPAN_DAYS - 1):
            return 400, error("UDAPI1148", "Invalid date range")
        return self._good(key, first, last)

    def _good(self, key, first, last):
        rows = []
        while first <= last:
            rows += self.market.candles(key, first)
            first += timedelta(days=1)
        return 200, {"status": "success", "data": {"candles": rows[::-1]}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True  # head and body are two writes: each answer would wait 40 ms

    def do_GET(self):
        broker = self.server.broker
        if self.path.startswith("/complete.json.gz"):
            broker.agents.append(self.headers.get("User-Agent", ""))
            refused = "python-urllib3" in broker.agents[-1] or not broker.agents[-1]
            status, body = (403, b"blocked") if refused else (200, broker.master)
            if broker.faults.get("master"):
                status, body = broker.faults["master"], b""
        else:
            status, body = broker.answer(self.path, self.headers)
        if status in {"reset", "cut"} and isinstance(status, str):
            if status == "cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b'{"status": "succ')
                self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if status == "garbage":
            status, body = 200, b"<html>Just a moment...</html>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that was killed


@contextmanager
def serving(broker):
    """Serve on a free port of loopback; yield the address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.broker = broker
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
