"""From the text a user writes to where a store is."""

from pathlib import Path

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.store.address import QuestDsn, SqliteDsn, parse
from auction_bt.store.dsn import open_store


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("auction.db", "is no DSN: write sqlite:///auction.db"),
        ("", "is no DSN"),
        ("mysql://x/y", "unknown scheme 'mysql'"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite://a.db", "names no file"),
    ],
)
def test_a_dsn_that_cannot_be_used_is_one_clear_line(text, says):
    with pytest.raises(BadInput, match=says) as caught:
        open_store(text, create=True)
    assert "\n" not in str(caught.value)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("questdb://", "names no host"),
        ("questdb:///qdb", "names no host"),
        ("questdb://u:secret@host:port/qdb", "cannot be read"),
        ("questdb://u:secret@host:99999/qdb", "cannot be read"),
        ("questdb://u:secret@host?http=x", "http='x' is no port"),
        ("questdb://u:secret@host?http=70000", "is no port"),
        ("questdb://u:secret@host?https=1", "unknown option 'https'"),
        ("questdb://u:secret@host?prefix=a-b", "prefix='a-b' must be letters"),
        ("questdb://u:secret@host?prefix=1a", "a letter first"),
        ("questdb://u:secret@[::1", "cannot be read"),
    ],
)
def test_a_questdb_dsn_that_cannot_be_read_is_one_line_without_its_password(text, says):
    with pytest.raises(BadInput, match=says) as caught:
        parse(text)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_questdb_dsn_says_host_ports_user_and_prefix(monkeypatch):
    monkeypatch.delenv("AUCTION_QUESTDB_PASSWORD", raising=False)
    assert parse("questdb://localhost") == QuestDsn("localhost")
    full = parse("questdb://a%40b:p%3Aw@db.example:18812/other?http=19000&prefix=Demo_")
    assert full == QuestDsn("db.example", 18812, 19000, "a@b", "p:w", "other", "demo_")
    assert parse("questdb://[::1]:1/qdb") == QuestDsn("::1", 1)
    assert str(parse("questdb://u:secret@[::1]:1/qdb")) == "questdb://u@[::1]:1/qdb?http=9000"


def test_a_password_comes_from_the_environment_and_is_never_shown(monkeypatch):
    monkeypatch.setenv("AUCTION_QUESTDB_PASSWORD", "hidden")
    found = parse("questdb://admin@localhost:8812/qdb")
    assert isinstance(found, QuestDsn)
    assert found.password == "hidden"
    assert "hidden" not in repr(found) + str(found)
    assert parse("questdb://admin:own@localhost").password == "own"


def test_a_file_is_named_relative_or_absolute():
    assert parse("sqlite:///a.db") == SqliteDsn(Path("a.db"))
    assert parse("sqlite:////tmp/a.db") == SqliteDsn(Path("/tmp/a.db"))


def test_the_user_who_may_only_read_is_known_by_his_own_password(monkeypatch):
    monkeypatch.delenv("AUCTION_QUESTDB_READER_PASSWORD", raising=False)
    assert parse("questdb://reader@far").password == "reader"
    here, far = parse("questdb://admin:secret@127.0.0.1:1/qdb?http=2&prefix=a_"), parse("questdb://far")
    assert here.as_reader() == QuestDsn("127.0.0.1", 1, 2, "reader", "reader", prefix="a_")
    assert far.as_reader() is None  # what everybody knows is not sent through a network
    assert parse("questdb://somebody:x@localhost").as_reader() is None
    monkeypatch.setenv("AUCTION_QUESTDB_READER_PASSWORD", "mine")
    assert far.as_reader() == QuestDsn("far", user="reader", password="mine")
    assert parse("questdb://reader@far").password == "mine"
