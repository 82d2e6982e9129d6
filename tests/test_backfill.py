"""After a break of the feed: the minutes missing come from candles, without gap or overlap."""

from datetime import date
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import Bar, Source
from auction_bt.core.ist import MINUTE_NS
from auction_bt.router import LiveMarketRouter
from auction_bt.synthetic import DEMO, messages

SHAPE, INSTRUMENT = next(iter(DEMO.items()))
SYMBOL = INSTRUMENT.symbol
DAY = date(2026, 3, 9)


class Bars:
    """A sink that keeps bars, and the stamp at which each was told."""

    def __init__(self) -> None:
        self.told: list[Bar] = []

    def on_bar(self, bar: Bar) -> None:
        self.told.append(bar)

    def on_tick(self, _: Any) -> None: ...
    def on_event(self, _: Any) -> None: ...
    def on_gap(self, _: Any) -> None: ...


def routed(stream: list[tuple[int, dict[str, Any]]]) -> list[Bar]:
    sink = Bars()
    router = LiveMarketRouter(sink)
    for stamp, message in stream:
        router.on_message(message, stamp)
    return sink.told


def candles(bars: list[Bar], stamp: int) -> dict[str, Any]:
    rows = [[b.ts, b.open, b.high, b.low, b.close, b.volume, 0] for b in bars if b.ts + MINUTE_NS <= stamp]
    return {"kind": "candles", "ts": stamp, "symbol": SYMBOL, "rows": rows[::-1]}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 50),
    cut=st.tuples(st.integers(0, 2_000), st.integers(0, 600)),
    answer=st.integers(0, 5) | st.integers(0, 120),
    is_answered=st.booleans(),
)
@example(seed=0, cut=(0, 14), answer=1, is_answered=True)  # a late start: no time was known before the break
@example(seed=0, cut=(500, 60), answer=1, is_answered=True)  # a long break, and a message before the candles come
def test_bars_after_a_break_have_neither_gap_nor_overlap(seed: int, cut: tuple[int, int], answer: int, is_answered: bool) -> None:
    stream = list(messages(SYMBOL, DAY, SHAPE, seed, per_minute=6))
    whole = routed(stream)
    begin = min(cut[0], len(stream) - 2)
    end = min(begin + cut[1], len(stream) - 2)
    stamp = stream[end][0]
    rest = list(stream[end:])
    if is_answered:
        place = min(answer, len(rest) - 1)
        rest.insert(place, (rest[place][0] - 1, candles(whole, rest[place][0] - 1)))
    gap = {"kind": "gap", "ts": stamp - 2, "begin": stream[begin][0], "end": stamp - 2, "awaits": [SYMBOL]}

    told = routed([*stream[:begin], (stamp - 2, gap), *rest])

    minutes = [bar.ts for bar in told]
    assert minutes == sorted(set(minutes)), "told in order, none twice"
    assert [bar.known_seq for bar in told] == sorted(bar.known_seq for bar in told)
    if is_answered and rest[place][0] - stamp < 50_000_000_000:  # in time: the bars waited for it
        assert minutes == [bar.ts for bar in whole][: len(minutes)]
        assert [(b.open, b.high, b.low, b.close) for b in told if b.source is not Source.TICKS] == [
            (b.open, b.high, b.low, b.close) for b, t in zip(whole, told, strict=False) if t.source is not Source.TICKS
        ]


def test_bars_do_not_wait_for_ever_for_an_answer_that_does_not_come() -> None:
    stream = list(messages(SYMBOL, DAY, SHAPE, 3, per_minute=6))
    stamp = stream[600][0]
    gap = {"kind": "gap", "ts": stamp - 1, "begin": stamp - 2, "end": stamp - 1, "awaits": [SYMBOL]}

    told = routed([*stream[:600], (stamp - 1, gap), *stream[600:]])

    late = [bar for bar in told if bar.known_seq - bar.ts > 2 * MINUTE_NS]
    assert [bar.ts for bar in told] == [bar.ts for bar in routed(stream)]
    assert 0 < len(late) <= 2
