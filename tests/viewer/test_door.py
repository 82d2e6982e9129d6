"""Who may come in, what may be done from where, and how often."""

import re

import pytest
from werkzeug.security import generate_password_hash

from auction_bt.live.command_box import RUN_LOCK, CommandBox
from auction_bt.store.folder_lock import FolderLock
from auction_bt.viewer.app import create_app
from auction_bt.viewer.door import TOKEN_HEADER, Door
from auction_bt.viewer.sources import Sources

PASSWORD = "correct horse battery"


@pytest.fixture
def app(tmp_path):
    """Return a function that makes a client of a viewer on an empty folder, with a password or without."""
    made = Sources.of(f"sqlite:///{tmp_path / 'none.db'}", tmp_path)

    def client(password="", now=None):
        door = Door(generate_password_hash(password) if password else "", now or (lambda: 0.0))
        return create_app(made, (), door).test_client()

    yield client
    made.close()


def token_of(page):
    return re.search(r'(?:name="csrf" content|name="token" value)="([^"]+)"', page.get_data(as_text=True)).group(1)


def act(client, token="", what="halt", **headers):
    named = {TOKEN_HEADER: token} if token else {}
    return client.post("/api/actions", json={"what": what}, headers={**named, **headers})


def test_an_action_is_a_command_of_the_viewer(app, tmp_path):
    client = app()
    token = token_of(client.get("/"))
    assert act(client, token).status_code == 409  # nobody would hear it
    with FolderLock.take(tmp_path, RUN_LOCK, "run"):
        answer = act(client, token, Origin="http://localhost")
        assert answer.status_code == 202
        name = answer.get_json()["name"]
        assert [(c.what, c.by, c.name) for c in CommandBox(tmp_path).waiting()] == [("halt", "viewer", name)]
        assert client.get(f"/api/actions/{name}").get_json() == {"text": ""}
        CommandBox(tmp_path).tell(name, "no new trade is opened")
        assert client.get(f"/api/actions/{name}").get_json() == {"text": "no new trade is opened"}
        assert act(client, token, "buy").status_code == 400
    assert client.get("/api/actions/..%2f..%2ftoken").status_code == 404


def test_another_site_can_do_nothing(app, tmp_path):
    client = app()
    token = token_of(client.get("/"))
    with FolderLock.take(tmp_path, RUN_LOCK, "run"):
        assert act(client).status_code == 403
        assert act(client, "guessed").status_code == 403
        assert act(client, "g\u00fcessed").status_code == 403
        assert act(client, token, Origin="http://evil.example").status_code == 403
        assert act(app(), token).status_code == 403  # of another session
        assert CommandBox(tmp_path).waiting() == []


def test_actions_have_a_rate(app, tmp_path):
    time = [0.0]
    client = app(now=lambda: time[0])
    token = token_of(client.get("/"))
    assert {act(client, token).status_code for _ in range(20)} == {409}
    assert act(client, token).status_code == 429
    time[0] = 61.0
    assert act(client, token).status_code == 409


def test_with_a_password_nothing_is_told_before_it(app):
    client = app(PASSWORD)
    assert client.get("/api/status").status_code == 401
    assert client.get("/").headers["Location"] == "/login"
    assert act(client).status_code == 401
    page = client.get("/login")
    assert client.post("/login", data={"password": PASSWORD, "token": "no"}).status_code == 403
    wrong = client.post("/login", data={"password": "wrong", "token": token_of(page)})
    assert wrong.status_code == 403
    assert "That is not the password" in wrong.get_data(as_text=True)
    done = client.post("/login", data={"password": PASSWORD, "token": token_of(page)})
    assert done.headers["Location"] == "/"
    cookie = done.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/api/status").status_code == 200
    assert client.get("/login").headers["Location"] == "/"


def test_passwords_cannot_be_tried_without_end(app):
    time = [0.0]
    client = app(PASSWORD, lambda: time[0])
    token = token_of(client.get("/login"))
    assert {client.post("/login", data={"password": "x", "token": token}).status_code for _ in range(5)} == {403}
    assert client.post("/login", data={"password": PASSWORD, "token": token}).status_code == 429
    time[0] = 61.0
    assert client.post("/login", data={"password": PASSWORD, "token": token}).status_code == 302
