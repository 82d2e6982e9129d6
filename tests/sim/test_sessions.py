"""Logins, tokens and codes of the simulated broker."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import urllib3
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, to_datetime
from auction_bt.sim.sessions import App, Scope, Sessions
from auction_bt.upstox.token import next_end
from tests.sim.made import at
from tests.sim.served import serving

TIMES = st.integers(at(0, 0), at(0, 0) + 400 * DAY_NS)


def claims_of(token):
    """What anybody can read in a token."""
    head, claims, _ = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "HS256"
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))


@given(TIMES)
def test_a_token_dies_at_the_next_half_past_three_in_the_morning(now):
    dies = next_end(now)
    assert now < dies <= now + DAY_NS
    assert f"{to_datetime(dies):%H:%M:%S.%f}" == "03:30:00.000000"
    sessions = Sessions()
    token = sessions.grant(now)
    assert claims_of(token)["exp"] * SECOND_NS == dies
    assert sessions.check(token, dies - 1) is None
    assert sessions.check(token, dies).code == "UDAPI100050"


def test_what_a_token_says():
    assert claims_of(Sessions().grant(at(9, 0))) == {
        "sub": "SIM001", "jti": f"{1:024x}", "isMultiClient": False, "isPlusPlan": True, "isExtended": False,
        "iat": at(9, 0) // SECOND_NS, "iss": "udapi-gateway-service", "exp": at(27, 30) // SECOND_NS,
    }  # fmt: skip


def test_a_token_that_may_only_read_lives_for_a_year_and_never_writes():
    sessions = Sessions()
    token = sessions.grant(at(9, 0), Scope.EXTENDED)
    assert sessions.check(token, at(9, 0) + 365 * DAY_NS - 1) is None
    assert sessions.check(token, at(9, 0), writes=True).code == "UDAPI100067"
    assert sessions.check(token, at(9, 0) + 365 * DAY_NS, writes=True).code == "UDAPI100050"


def test_tokens_and_codes_are_never_the_same():
    sessions = Sessions()
    made = [*(sessions.grant(at(9, 0)) for _ in range(50)), *(sessions.code("market", at(9, 0)) for _ in range(50))]
    assert len(set(made)) == 100


def test_a_code_counts_once_for_its_purpose_and_for_ten_minutes():
    sessions = Sessions()
    assert not sessions.take_code(sessions.code("market", at(9, 0)), "portfolio", at(9, 0))
    code = sessions.code("market", at(9, 0))
    assert sessions.take_code(code, "market", at(9, 10) - 1)
    assert not sessions.take_code(code, "market", at(9, 10) - 1)
    assert not sessions.take_code(sessions.code("market", at(9, 0)), "market", at(9, 0) + 10 * MINUTE_NS)


def test_the_dialog_sends_the_browser_back_with_a_code_and_the_state_it_came_with():
    app = App(redirect="http://127.0.0.1:9/back")
    with serving(sessions=Sessions(app)) as service, urllib3.PoolManager() as http:

        def ask(**changed):
            fields = {"client_id": app.client_id, "redirect_uri": app.redirect, "response_type": "code", "state": "a b&c"}
            return http.request("GET", f"{service.url}/v2/login/authorization/dialog", fields=fields | changed, redirect=False)

        answer = ask()
        went = urlsplit(answer.headers["Location"])
        said = parse_qs(went.query)
        assert (answer.status, went.netloc, went.path, said["state"]) == (302, "127.0.0.1:9", "/back", ["a b&c"])
        assert service.sessions.take_code(said["code"][0], "login", at(10, 0))
        for wrong in ({"client_id": "other"}, {"redirect_uri": app.redirect + "/"}):
            refused = ask(**wrong)
            assert (refused.status, refused.json()["errors"][0]["error_code"]) == (401, "UDAPI100016")
