"""What is read straight from a text is what the careful way reads in it."""

import json
import random
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.feeds.decode import decode
from auction_bt.feeds.direct import frame_of
from auction_bt.parsing import parse
from tests.feeds.test_decode import MINUTE, ODD, PLACES, market

FEED = market()["feeds"]["X"]
FLAT = {**FEED, "instrumentKey": "X", "_insertion_time": "2025-12-15 09:32:48.880001"}
OUTER = [("feeds",), ("currentTs",), ("feeds", "X"), ("feeds", "X", "fullFeed"), ("feeds", "X", "fullFeed", "marketFF"),
         ("feeds", "X", "fullFeed", "indexFF"), ("kind",), ("type",), ("instrumentKey",), ("_insertion_time",), ("feeds", ""),
         ("feeds", "a"), ("feeds", "\ud800"), ("fullFeed",), ("fullFeed", "marketFF"), ("fullFeed", "indexFF")]  # fmt: skip
WAYS = OUTER + [("feeds", "X", "fullFeed", "marketFF", *place) for place in PLACES]
VALUES = st.one_of(ODD, st.sampled_from(["clock", "X", "2025-12-15", "0" * 13, "9" * 13, FEED, {"X": FEED}]))


def agrees(text, symbols=None):
    """Whether the text was read straight; what it says is then what the careful way says."""
    quick = frame_of(text, symbols)
    if quick is not None:
        assert repr(quick) == repr(decode(parse(text), symbols))
    return quick is not None


@pytest.mark.parametrize("message", [market(), market(oi=None), FLAT, {**FLAT, "currentTs": str(MINUTE)}])
def test_a_usual_message_is_read_straight(message):
    assert agrees(json.dumps(message))
    assert agrees(json.dumps(message), {"X"})
    assert agrees(json.dumps(message), {"Y"})


def test_symbols_come_in_order_and_those_not_asked_for_may_say_anything():
    text = json.dumps({"feeds": {"b": FEED, "a": FEED, "c": {"ltpc": {}}}, "currentTs": str(MINUTE)})
    assert [item.symbol for item in frame_of(text, {"a", "b"}).items] == ["a", "b"]
    assert agrees(text, {"a", "b"})
    assert frame_of(text) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "{}", '{"feeds":{}}x', "\ud800", "[" * 5000, '{"y":' + "[" * 5000])
def test_what_is_no_usual_message_raises_nothing(text):
    assert frame_of(text) is None


@settings(max_examples=600, deadline=None)
@given(st.sampled_from([market(), FLAT]), st.lists(st.tuples(st.sampled_from(WAYS), VALUES, st.booleans()), max_size=3))
def test_it_says_what_the_careful_way_says_or_nothing(message, changes):
    message = json.loads(json.dumps(message))
    for (*way, last), value, is_gone in changes:
        at = message
        try:
            for step in way:
                at = at[step]
            if is_gone:
                del at[last]
            else:
                at[last] = deepcopy(value)  # a later change may go into it
        except (KeyError, TypeError, IndexError):
            pass
    agrees(json.dumps(message))


DAMAGE = ['"', "\\", "{", "}", "[", "]", ",", ":", "0", "9", "-", ".", "e", "\x00", "\u0661", "\ud800", "u", "nul", ""]


def test_a_damaged_text_is_read_as_the_careful_way_reads_it_or_not_at_all():
    dice = random.Random(1)
    texts = [json.dumps(market()), json.dumps(FLAT)]
    read = 0
    for _ in range(20_000):
        text = dice.choice(texts)
        for _ in range(dice.choice((1, 1, 2))):
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(DAMAGE) + text[at + dice.choice((0, 1)) :]
        read += agrees(text)
    assert read > 1000
