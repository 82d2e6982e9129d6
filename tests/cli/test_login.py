"""The login against the simulated broker: the page, the way back, the token kept."""

import io
import socket
import stat
import sys
import threading
import urllib.request

import keyring
import pytest

from auction_bt.cli import main
from auction_bt.sim.sessions import App, Sessions
from auction_bt.upstox.token import FILE
from tests.sim.served import serving
from tests.upstox.test_keychain import InMemory
from tests.waiting import until


@pytest.fixture
def redirect():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


@pytest.fixture
def broker(redirect, monkeypatch):
    monkeypatch.setenv("UPSTOX_API_SECRET", "sim-secret")
    with serving(sessions=Sessions(App(redirect=redirect))) as service:
        yield service


def words(broker, redirect, tmp_path, *more):
    return [
        "login",
        "--base-url",
        broker.url,
        "--client-id",
        "sim-client",
        "--redirect",
        redirect,
        "--state",
        str(tmp_path),
        *more,
    ]


def page(printed):
    return printed.split("log in here: ")[1].split()[0]


def test_the_browser_comes_back_and_the_token_is_kept(broker, redirect, tmp_path, capsys):
    codes, printed = [], []
    thread = threading.Thread(target=lambda: codes.append(main(words(broker, redirect, tmp_path, "--no-browser"))))
    thread.start()
    until(lambda: printed.append(capsys.readouterr().out) or "log in here: " in "".join(printed))
    with pytest.raises(urllib.error.HTTPError, match="400"):  # somebody else's way back changes nothing
        urllib.request.urlopen(f"{redirect}?code=another&state=wrong", timeout=10)
    with urllib.request.urlopen(page("".join(printed)), timeout=10) as answer:
        assert b"Logged in" in answer.read()
    thread.join(20)
    assert codes == [0]
    kept = tmp_path / FILE
    assert broker.sessions.check(kept.read_text().strip(), broker.broker.clock(), writes=True) is None
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    told = capsys.readouterr().out
    assert f"logged in: token from {kept}" in told
    assert kept.read_text().strip() not in told


def test_an_address_may_be_pasted(broker, redirect, tmp_path, capsys, monkeypatch):
    class Pasted(io.StringIO):
        def readline(self, *_):  # the page is printed by now
            asked = page(capsys.readouterr().out)
            opener = urllib.request.build_opener(Still)
            return opener.open(asked, timeout=10).headers["Location"] + "\n"

    monkeypatch.setattr("sys.stdin", Pasted())
    assert main(words(broker, redirect, tmp_path, "--paste")) == 0
    assert (tmp_path / FILE).exists()


def test_the_keyring_may_keep_it(broker, redirect, tmp_path, capsys, monkeypatch):
    chain = InMemory()
    before = keyring.get_keyring()
    keyring.set_keyring(chain)
    try:
        codes, printed = [], []
        thread = threading.Thread(
            target=lambda: codes.append(main(words(broker, redirect, tmp_path, "--no-browser", "--keyring")))
        )
        thread.start()
        until(lambda: printed.append(capsys.readouterr().out) or "log in here: " in "".join(printed))
        urllib.request.urlopen(page("".join(printed)), timeout=10).close()
        thread.join(20)
    finally:
        keyring.set_keyring(before)
    assert codes == [0]
    assert len(chain.kept) == 1
    assert "logged in: token from the system's keyring" in capsys.readouterr().out
    assert not (tmp_path / FILE).exists()


def test_a_keyring_that_cannot_be_used_is_told_before_the_login(broker, redirect, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert main(words(broker, redirect, tmp_path, "--no-browser", "--keyring")) == 2
    told = capsys.readouterr()
    assert "pip install 'auction-bt[keyring]'" in told.err
    assert "log in here" not in told.out


class Still(urllib.request.HTTPErrorProcessor):
    """Follows no redirect."""

    def http_response(self, _request, response):
        return response


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("http://127.0.0.1/?error=no", "no code in that address"),
        ("http://127.0.0.1/?code=abc&state=mine", "another login"),
        ("", "pasted"),
    ],
)
def test_what_was_pasted_may_be_wrong(broker, redirect, tmp_path, capsys, monkeypatch, pasted, said):
    monkeypatch.setattr("sys.stdin", io.StringIO(pasted))
    assert main(words(broker, redirect, tmp_path, "--paste")) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / FILE).exists()


def test_a_wrong_secret_a_taken_port_and_nobody(broker, redirect, tmp_path, capsys, monkeypatch):
    assert main(words(broker, redirect, tmp_path, "--no-browser", "--wait", "0")) == 1
    assert "nobody came back" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(redirect.split(":")[2].strip("/"))))
        taken.listen()
        assert main(words(broker, redirect, tmp_path, "--no-browser")) == 2
    assert "is taken" in capsys.readouterr().err
    assert main(words(broker, "https://example.com/back", tmp_path, "--no-browser")) == 2
    assert "give --paste" in capsys.readouterr().err
    monkeypatch.delenv("UPSTOX_API_SECRET")
    assert main(words(broker, redirect, tmp_path)) == 2
    assert "set UPSTOX_API_SECRET" in capsys.readouterr().err


def test_the_broker_may_refuse(broker, redirect, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("UPSTOX_API_SECRET", "another-secret")
    codes, printed = [], []
    thread = threading.Thread(target=lambda: codes.append(main(words(broker, redirect, tmp_path, "--no-browser"))))
    thread.start()
    until(lambda: printed.append(capsys.readouterr().out) or "log in here: " in "".join(printed))
    urllib.request.urlopen(page("".join(printed)), timeout=10).close()
    thread.join(20)
    assert codes == [2]
    told = capsys.readouterr().err
    assert "the broker refuses the login (401 UDAPI100016 Invalid Credentials)" in told
    assert "another-secret" not in told
