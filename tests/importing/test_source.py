"""Messages come one by one, and each says how far its source has been read with it."""

import gzip
import json
import os
import threading

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS
from auction_bt.importing import source as module
from auction_bt.importing.source import Arrival, FileSource, OwnStamps, at_receipt, from_pipe, refuse_older
from auction_bt.store.spool import Place

T = 1_765_770_300_000  # ms
NOW = (T + 10**9) * 10**6


def never():
    return False


def message(i, **more):
    return json.dumps({"feeds": {"A": {"ltpc": {"ltp": 1.5, "ltt": str(T + i)}}}, "currentTs": str(T + i), **more})


def piped(data, place=Place("-", 0), arrival=at_receipt):  # noqa: B008 # frozen
    reading, writing = os.pipe()
    feeder = threading.Thread(target=lambda: (os.write(writing, data) if data else 0, os.close(writing)))
    feeder.start()
    try:
        return list(from_pipe(reading, place, arrival, never))
    finally:
        feeder.join()
        os.close(reading)


def told(found):
    return [(a.text, a.place.offset, a.reason) for a in found]


# --- pipes


def test_lines_of_a_pipe_are_counted_blank_ones_too_and_the_count_goes_on():
    assert told(piped(b"\xef\xbb\xbf{1}\r\n\n  \n {\n")) == [("{1}", 1, ""), (" {", 4, "")]
    assert told(piped(b"{}\n", Place("-", 4))) == [("{}", 5, "")]
    assert piped(b"") == []


def test_bytes_that_are_no_text_and_a_line_that_was_cut_off_are_no_messages():
    assert told(piped(b'caf\xe9\n[1]\n{"a":')) == [
        ("caf\udce9", 1, "not UTF-8 text"),
        ("[1]", 2, "no JSON object, which every message is"),
        ('{"a":', 3, "cut off at the end of the input"),
    ]
    assert told(piped(b'{"a":1}')) == [('{"a":1}', 1, "")]


def test_lines_longer_than_a_read_are_put_together():
    lines = [b"x" * n for n in (1, 65_535, 65_536, 200_000, 1)]
    assert [len(a.text) for a in piped(b"\n".join(lines) + b"\n")] == [len(line) for line in lines]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(module, "_LARGEST", 1000)
    with pytest.raises(BadInput, match="line 2 is longer than"):
        piped(b"a\n" + b"x" * 2000)


def test_after_the_word_to_stop_what_stands_in_the_pipe_is_still_read():
    reading, writing = os.pipe()
    os.write(writing, b"a\nb\n")
    assert [a.text for a in from_pipe(reading, Place("-", 0), at_receipt, lambda: True)] == ["a", "b"]
    os.close(writing)
    os.close(reading)


# --- stamps


def test_a_message_is_stamped_as_import_would_else_as_the_one_before():
    texts = [
        message(1),
        message(2, _insertion_time="x"),
        '{"no": "time"}',
        "no JSON",
        json.dumps({"feeds": {"A": {"ltpc": {"ltp": 1, "ltt": str(T + 5)}}}, "type": "live_feed"}),
        '{"instrumentKey":"A","_insertion_time":"2025-12-15T09:15:00.123456"}',
    ]
    own = OwnStamps(lambda: NOW)
    found = [own.of(text, Place("f", 1), "") for text in texts]
    ns = 10**6
    assert [a.stamp for a in found] == [
        (T + 1) * ns,
        (T + 2) * ns,
        (T + 2) * ns,
        (T + 2) * ns,
        (T + 5) * ns,
        T * ns + 123_456_000,
    ]
    assert [a.symbols for a in found] == [("A",), ("A",), (), (), ("A",), ("A",)]
    assert not any(a.reason for a in found)


def test_a_time_that_cannot_be_true_is_none():
    own = OwnStamps(lambda: NOW)
    late = json.dumps({"feeds": {}, "currentTs": str(NOW // 10**6 + 2 * 86_400_000)})
    assert own.of('{"no": "time"}', Place("f", 1), "").reason == "no time in the message, and none before it"
    assert own.of(late, Place("f", 1), "").reason == "no time in the message, and none before it"
    assert own.of(message(3), Place("f", 1), "").stamp == (T + 3) * 10**6
    assert own.of(late, Place("f", 1), "").stamp == (T + 3) * 10**6
    assert own.of("caf\udce9", Place("f", 1), "not UTF-8 text") == Arrival(
        "caf\udce9", Place("f", 1), (), (T + 3) * 10**6, "not UTF-8 text"
    )


def test_a_source_from_long_before_the_last_recording_is_sent_to_import():
    arrival = Arrival("x", Place("f", 1), (), NOW)
    refuse_older(arrival, NOW + 10**9, "f")
    refuse_older(Arrival("x", Place("f", 1)), NOW + DAY_NS, "f")
    with pytest.raises(BadInput, match=r"f begins at 2025-12-26 .* recorded already: use import"):
        refuse_older(arrival, NOW + DAY_NS, "f")


# --- files

LINES = [message(i) for i in range(6)]
FORMS = {
    "plain": "\n".join(LINES).encode() + b"\n",
    "no end": "\n".join(LINES).encode(),
    "windows": b"\xef\xbb\xbf" + "\r\n\r\n".join(LINES).encode(),
    "gzip": gzip.compress("\n".join(LINES).encode() + b"\n"),
    "array": (" [" + ",\n".join(LINES) + "] ").encode(),
    "gzip array": gzip.compress(("[" + ",".join(LINES) + "]").encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_read_on_from_each_place_it_can_be_left_at(tmp_path, form):
    path = tmp_path / "f"
    path.write_bytes(FORMS[form])
    whole = FileSource(path)
    found = list(whole.read(None, at_receipt, never))
    assert [json.loads(a.text) for a in found] == [json.loads(line) for line in LINES]
    assert whole.is_whole
    for count, left in enumerate(found, 1):
        assert list(FileSource(path).read(left.place, at_receipt, never)) == found[count:]


def test_what_was_written_to_a_file_meanwhile_is_new(tmp_path):
    path = tmp_path / "f"
    path.write_text(LINES[0] + "\n" + LINES[1][:20])
    cut = FileSource(path)
    (first,) = cut.read(None, at_receipt, never)
    assert cut.notes == ["the last line is cut off: it is left for the next time"]
    path.write_text("\n".join(LINES))
    assert [a.text for a in FileSource(path).read(first.place, at_receipt, never)] == LINES[1:]


def test_another_file_under_the_name_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "f"
    path.write_text("\n".join(LINES))
    last = list(FileSource(path).read(None, at_receipt, never))[-1]
    path.write_text("\n".join(reversed(LINES)))
    assert len(list(FileSource(path).read(last.place, at_receipt, never))) == len(LINES)


def test_a_broken_file_says_what_became_of_its_beginning(tmp_path):
    path = tmp_path / "f"
    path.write_text("[" + ",".join(LINES) + ", {")
    found = FileSource(path).read(None, at_receipt, never)
    assert len([next(found) for _ in LINES]) == 6
    with pytest.raises(BadInput, match="what came before is recorded"):
        next(found)
    with pytest.raises(BadInput, match="no file"):
        FileSource(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="is a folder"):
        FileSource(tmp_path)


def test_a_file_is_left_at_the_word_to_stop(tmp_path):
    path = tmp_path / "f"
    path.write_text("\n".join(LINES))
    source = FileSource(path)
    assert len(list(source.read(None, at_receipt, lambda: True))) == 1
    assert not source.is_whole
