"""A socket is read as far as it has come, and given out as it is asked for."""

from auction_bt.upstox.wires import _Ahead


def test_what_has_come_is_given_in_the_parts_asked_for_and_in_order():
    asked, come = [], [b"abcdefg", b"hi"]

    def recv(most):
        asked.append(most)
        return come.pop(0)

    ahead = _Ahead(recv)
    assert [ahead(2), ahead(2), ahead(5), ahead(9)] == [b"ab", b"cd", b"efg", b"hi"]
    assert len(asked) == 2


def test_a_silence_loses_nothing():
    come = [b"ab", TimeoutError(), b"c"]

    def recv(_):
        found = come.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    ahead, got = _Ahead(recv), []
    for _ in range(3):
        try:
            got.append(ahead(2))
        except TimeoutError:
            got.append(None)
    assert got == [b"ab", None, b"c"]
