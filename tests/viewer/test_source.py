"""What a page reads may go away and come back; a wrong question is no outage."""

import threading

import pytest

from auction_bt.core.errors import BadInput, Fatal, NothingToDo, Retryable
from auction_bt.viewer.source import Away, Source
from auction_bt.viewer.sources import Sources, shown
from auction_bt.viewer.watcher import Watcher
from tests.waiting import until


class Thing:
    def __init__(self):
        self.is_closed = False

    def close(self):
        self.is_closed = True


class Opener:
    """Opens things; `fails` says whether it can."""

    def __init__(self):
        self.opened = []
        self.fails = None

    def __call__(self):
        if self.fails:
            raise self.fails
        self.opened.append(Thing())
        return self.opened[-1]


@pytest.fixture
def opener():
    return Opener()


@pytest.fixture
def source(opener):
    found = Source("store", opener)
    yield found
    found.close()
    assert all(thing.is_closed for thing in opener.opened)


def raising(error):
    def question(_):
        raise error

    return question


def test_it_is_opened_once_and_asked_by_one_thread(source, opener):
    assert source.health == (None, None)
    threads = {source.ask(lambda _: threading.get_ident()) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert len(opener.opened) == 1
    assert source.health == (True, None)


@pytest.mark.parametrize("error", [BadInput("x"), NothingToDo("x"), LookupError("x")])
def test_a_question_that_is_wrong_is_no_outage(source, opener, error):
    with pytest.raises(type(error)):
        source.ask(raising(error))
    assert source.health == (True, None)
    assert source.ask(lambda thing: thing is opener.opened[0])


@pytest.mark.parametrize("error", [Retryable("no answer"), Fatal("damaged"), OSError("no answer")])
def test_an_outage_is_told_and_it_is_opened_again(source, opener, error):
    with pytest.raises(Away, match="store: "):
        source.ask(raising(error))
    assert source.health == (False, str(error))
    assert opener.opened[0].is_closed
    opener.fails = Retryable("still away")
    with pytest.raises(Away, match="store: still away"):
        source.ask(lambda thing: thing)
    opener.fails = None
    assert source.ask(lambda thing: thing) is opener.opened[1]
    assert source.health == (True, None)


def test_one_that_cannot_be_opened_is_away_whatever_the_reason(source, opener):
    opener.fails = BadInput("no store at a.db: import or record something first")
    with pytest.raises(Away, match="no store at"):
        source.ask(lambda thing: thing)


def test_another_file_in_its_place_is_opened(opener, tmp_path):
    file = tmp_path / "a.db"
    file.write_text("1")
    source = Source("store", opener, file)
    first = source.ask(lambda thing: thing)
    assert source.ask(lambda thing: thing) is first
    (tmp_path / "b.db").write_text("2")
    (tmp_path / "b.db").replace(file)
    assert source.ask(lambda thing: thing) is not first
    file.unlink()
    opener.fails = BadInput("no store")
    with pytest.raises(Away):
        source.ask(lambda thing: thing)
    source.close()


@pytest.mark.parametrize(("dsn", "told"), [
    ("sqlite:///a.db", "sqlite:///a.db"),
    ("questdb://admin:se@cret@host:8812/qdb", "questdb://admin:***@host:8812/qdb"),
    ("questdb://localhost", "questdb://localhost"),
])  # fmt: skip
def test_a_password_is_not_shown(dsn, told):
    assert shown(dsn) == told


def test_a_look_that_fails_is_said_and_the_next_is_taken(monkeypatch, tmp_path, caplog):
    sources = Sources.of(f"sqlite:///{tmp_path / 'a.db'}", tmp_path)
    watcher = Watcher(sources)
    looks = []

    def look(**_):
        looks.append(1)
        raise ValueError("a row that nobody expected")

    monkeypatch.setattr(watcher, "_look", look)
    watcher.start()
    stream = sources.hub.stream({})
    until(lambda: len(looks) > 1)
    watcher.close()
    stream.close()
    sources.close()
    assert "a row that nobody expected" in caplog.text
