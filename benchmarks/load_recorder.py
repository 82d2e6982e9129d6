"""Records the load of `bench_live` in a process of its own, as `record --feed` does, for a run that reads along."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from array import array
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from load_exchange import DAY, instruments

from auction_bt.brokers.charges import NoCharges
from auction_bt.cli.record_feed import Drain
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.leg import Leg
from auction_bt.live import rehearsal
from auction_bt.live.assembly import LiveRun
from auction_bt.live.engine import LivePlan, Orders
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.recording import OwnRecording, Place
from auction_bt.live.recording_server import RecordingServer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--speed", type=float)
    args = parser.parse_args()
    ready = json.loads(sys.stdin.readline())
    folder, day, chosen = args.folder, from_date(DAY), tuple(instruments(args.count))
    clock = MarketClock(ready["now"], args.speed)
    place = Place(rehearsal.store_of(folder), folder, ready["url"], lambda: ready["token"], clock)
    plan = LivePlan(chosen, {}, 1, NoCharges(), day_start(day), Orders.NONE)  # type: ignore[arg-type]
    legs = tuple(Leg(i, day, day, i.symbol) for i in chosen)
    alarms: list[str] = []
    recording = OwnRecording(place, day, chosen, alarms.append)
    waiting = 0
    arrivals = array("q")  # of each message: its seq, and when it came
    take = recording.source.next

    def next_(timeout: float) -> Any:
        received = take(timeout)
        if received is not None:
            arrivals.extend((received.seq, received.at))
        return received

    def look(_: LiveRun) -> float:
        nonlocal waiting
        waiting = max(waiting, recording.recorder.waiting)
        return 0.1

    recording.source.next = next_  # type: ignore[method-assign]
    live = LiveRun(
        place, plan, legs, recording, on_news=lambda _: None, on_alarm=alarms.append, look=look, make=Drain, decides=False
    )
    with live.begun() as begun, RecordingServer(recording, lambda _: None):
        print(json.dumps({}), flush=True)
        threading.Thread(target=lambda: (sys.stdin.readline(), begun.engine.stop()), daemon=True).start()
        begun.run()
    (folder / "arrivals").write_bytes(arrivals.tobytes())
    flow = recording.source.flow
    print(json.dumps({
        "frames": recording.market.counts.frames, "dropped": flow.dropped, "lost": recording.recorder.lost,
        "recorded": recording.recorder.recorded, "stored": recording.was_sent, "most waiting for the recorder": flow.most,
        "recorder waiting": waiting, "alarms": alarms[:3],
    }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
