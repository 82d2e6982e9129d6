"""A rehearsal whose token dies: it is told, and renewed as its user would."""

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.live.rehearsed_login import RehearsedLogin
from auction_bt.live.sim_process import SimProcess
from auction_bt.upstox.account import AccountApi
from tests.waiting import until

PLAN = '[[faults]]\nkind = "token"\ncall = 2\non = "read"\n[[faults]]\nkind = "token"\ncall = 6\non = "read"\n'


def test_each_death_of_the_token_is_followed_by_a_login(tmp_path):
    plan, said = tmp_path / "faults.toml", []
    plan.write_text(PLAN)
    words = ["--seed", "7", "--instruments", "1", "--per-minute", "1", "--speed", "600", "--faults", str(plan)]
    with SimProcess(words) as sim, RehearsedLogin(sim, said.append):

        def profile():
            return AccountApi(sim.ready.url, sim.token, lambda: 0).profile()["user_id"]

        assert profile() == "SIM001"
        for number in (1, 2):
            before = sim.token
            for _ in range(3 if number == 2 else 0):
                assert profile() == "SIM001"
            with pytest.raises(BadInput, match="401"):
                profile()
            until(lambda n=number: len(said) == 2 * n)
            assert sim.token != before
            assert not sim.is_token_dead
        assert profile() == "SIM001"
    assert "the access token has died" in said[0]
    assert "a login follows in 1 s" in said[0]
    assert "logged in anew" in said[1]
    assert sim.token not in " ".join(said)
