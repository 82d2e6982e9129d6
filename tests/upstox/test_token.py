"""Where the access token is found, what it tells of itself, and that nobody else gets to see it."""

import os
import stat
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, MINUTE_NS
from auction_bt.redaction import redacted
from auction_bt.sim.sessions import Scope, Sessions
from auction_bt.upstox.token import FILE, VARIABLE, Token, find_token, in_environment, in_state, keep_token
from tests.sim.made import at

TEN = at(10, 0)


def real(scope=Scope.FULL, now=TEN):
    return Sessions().grant(now, scope)


def places(state, environ):
    return in_environment(environ), in_state(state)


def test_the_environment_comes_before_what_a_login_has_kept(tmp_path):
    ours, kept = real(), real(now=TEN + 1)
    keep_token(tmp_path, kept)
    assert find_token(places(tmp_path, {VARIABLE: f" {ours}\n"}), TEN).text == ours
    assert find_token(places(tmp_path, {}), TEN).text == kept
    assert find_token(places(tmp_path, {VARIABLE: " "}), TEN).source == str(tmp_path / FILE)


def test_it_says_until_when_it_is_good(tmp_path):
    token = Token.of(real(), VARIABLE)
    assert token.describe(TEN) == f"token from {VARIABLE}, good until 2026-11-24 03:30 IST, 17 h 30 m from now"
    long = Token.of(real(Scope.EXTENDED), "a file")
    assert long.is_read_only
    assert "read-only token from a file, good until 2027-11-23 10:00 IST, 365 d 0 h 0 m" in long.describe(TEN)
    assert "does not say when it ends" in Token.of("opaque", VARIABLE).describe(TEN)
    with pytest.raises(BadInput, match="which ended at 2026-11-24 03:30 IST: run `login`"):
        find_token(places(tmp_path, {VARIABLE: token.text}), TEN + DAY_NS)
    assert not token.has_ended(token.expires - 1)
    assert token.has_ended(token.expires)


def test_without_one_the_way_to_get_one_is_told(tmp_path):
    with pytest.raises(BadInput, match=f"set {VARIABLE} to one of today, or run `login`"):
        find_token(places(tmp_path, {}), TEN)


@pytest.mark.skipif(sys.platform == "win32", reason="rights differ")
def test_what_others_may_read_is_refused(tmp_path):
    path = keep_token(tmp_path / "new", real())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [FILE]
    path.chmod(0o640)
    with pytest.raises(BadInput, match=f"chmod 600 {path}"):
        find_token(places(path.parent, {}), TEN)


@given(st.text(max_size=60))
def test_any_text_is_a_token_that_may_say_nothing(text):
    for whole in (text, f"eyJ.{text}.x"):
        Token.of(whole, "here").describe(TEN + 5 * MINUTE_NS)


@given(before=st.text(alphabet=" \n:\"'=/&?", max_size=5), after=st.text(alphabet=" \n:\"',}&", max_size=5), cut=st.booleans())
def test_a_token_of_the_real_shape_is_hidden_wherever_it_stands(before, after, cut):
    token = real()
    shown = token[: token.rindex(".")] if cut else token
    found = redacted(f"Bearer{before or ' '}{shown}{after}")
    assert "(token hidden)" in found
    assert not any(part in found for part in token.split("."))
    assert token not in repr(Token.of(token, "here"))


def test_secrets_are_hidden_by_their_names_and_all_else_stays():
    assert redacted("?code=a1b2c3d4&state=xyz") == "?code=(hidden)&state=xyz"
    assert redacted('{"client_secret": "s3cr3t-and-more"}') == '{"client_secret": "(hidden)"}'
    plain = "NSE_FO|51502: order abtdgy rejected (UDAPI100050): exit code 3, look at eyJ"
    assert redacted(plain) == plain
