"""The viewer as a process, and the streams opened to it."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from threading import Thread

from tests.waiting import until


class Viewer:
    """A running viewer and the streams opened to it."""

    def __init__(self, *words, cwd):
        self.process = subprocess.Popen([sys.executable, "-m", "auction_bt", "viewer", "--port", "0", *words], cwd=cwd,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        line = self.process.stdout.readline()
        found = re.match(r"viewer: (http://127\.0\.0\.1:\d+)/ ", line)
        assert found, line + self.process.stderr.read()
        self.url = found[1]
        self.streams = []

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/api{path}", timeout=20) as answer:
            return json.load(answer)

    def listen(self):
        """Open a stream; return the list its events are put into, each (name, data, when)."""
        answer = urllib.request.urlopen(f"{self.url}/api/events", timeout=20)
        events = []

        def read():
            name = ""
            try:
                for raw in answer:
                    line = raw.decode().rstrip("\n")
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: "):
                        events.append((name, json.loads(line[6:]), time.monotonic()))
            except (OSError, ValueError, AttributeError):
                pass  # it was closed

        thread = Thread(target=read, daemon=True)
        thread.start()
        self.streams.append((answer, thread))
        until(lambda: events)
        assert events[0][0] == "hello"
        return events

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        for answer, thread in self.streams:
            thread.join(10)
            answer.close()
        return self.process.returncode, out, err
