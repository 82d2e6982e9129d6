"""A file of settings among the options of a command: what goes before what, and that both know the same keys."""

import argparse
import json
import sys

import pytest

from auction_bt.cli import fetch, flatten, live, live_main, login, main, resume
from auction_bt.cli.configured import configured
from auction_bt.cli.request import live_request
from auction_bt.cli.tokens import token_of
from auction_bt.configuration.schema import keys
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS
from auction_bt.guard_settings import DESIGN
from auction_bt.settings import changed
from auction_bt.sim.sessions import Sessions
from auction_bt.upstox.token import keep_token

FILE = """
[live]
orders = "none"
cash = 500_000
every = 2
slippage = 3
[symbols]
names = ["NIFTY-FUT", "RELIANCE"]
[store]
state = "there"
[upstox]
base_url = "https://file.example"
[strategy]
rule = "auction"
period = 90
own_profile = true
"""


def parser_of(command):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser


@pytest.fixture
def given(tmp_path, monkeypatch):
    for key in keys():
        monkeypatch.delenv(key.variable or "NONE", raising=False)

    def parsed(*words, text=FILE, command=live):
        path = tmp_path / "auction.toml"
        path.write_text(text)
        path.chmod(0o600)
        parser, words = parser_of(command), ["--config", str(path), *words]
        return configured(parser, words, parser.parse_intermixed_args(words))

    return parsed


@pytest.mark.parametrize("command", [live, fetch, login])
def test_file_and_options_have_the_same_defaults_and_choices(command):
    actions = {action.dest: action for action in parser_of(command)._actions}
    shared = [key for key in keys() if key.option in actions]
    assert len(shared) > 3
    for key in shared:
        action, default = actions[key.option], key.setting.default
        assert str(action.default or "") == str(default or "") or (isinstance(default, tuple) and action.default == []), key.path
        if action.choices and key.section != "upstox":
            assert tuple(action.choices) == key.setting.choices, key.path


def test_every_key_has_an_option_or_another_reader():
    dests = {action.dest for command in (live, login) for action in parser_of(command)._actions}
    assert [key.path for key in keys() if not key.is_setting and key.option not in dests] == [
        "alerts.places",
        "upstox.access_token",
    ]


def test_the_file_goes_before_the_defaults(given):
    args = given()
    assert (args.orders, args.every, args.base_url, str(args.state)) == ("none", 2, "https://file.example", "there")
    request = live_request(args, args.symbol)
    assert request.symbols == ("NIFTY-FUT", "RELIANCE")
    assert (request.cash, request.fill.slippage) == (500_000, 3)
    assert request.settings == {"rule": "auction", "period": 90, "own_profile": True}


def test_the_environment_goes_before_the_file_set_before_both_and_an_option_before_all(given, monkeypatch):
    monkeypatch.setenv("AUCTION_UPSTOX_URL", "https://environment.example")
    assert given().base_url == "https://environment.example"
    args = given("--set", "upstox.base_url=https://set.example", "--set", "live.cash=7", "--set", "strategy.period=60",
                 "--set", "live.slippage=5")  # fmt: skip
    assert args.base_url == "https://set.example"
    request = live_request(args, args.symbol)
    assert (request.cash, request.fill.slippage, request.settings["period"]) == (7, 5, 60)
    args = given("--set", "live.cash=7", "--cash", "8", "--set", "period=30", "--regime", "original", "--symbol", "INFY",
                 "--base-url", "https://option.example", "--orders", "paper")  # fmt: skip
    request = live_request(args, args.symbol)
    assert (args.base_url, args.orders, request.symbols) == ("https://option.example", "paper", ("INFY",))
    assert (request.cash, request.settings["period"], request.settings["rule"]) == (8, 30, "original")


GUARDS = """
[guards]
preset = "design"
max_concurrent = 2
no_trade = "*,2026-12-01,2026-12-02,a budget"
"""


def test_guards_of_a_file_go_over_the_preset_and_under_options(given, tmp_path):
    def settings(*words, text=GUARDS):
        return live_request(given("--symbol", "A", *words, text=text), ["A"]).settings

    found = settings()
    assert (found["max_concurrent"], found["no_trade"]) == (2, "*,2026-12-01,2026-12-02,a budget")
    assert found["daily_loss"] == DESIGN["daily_loss"]
    assert settings("--max-concurrent", "7")["max_concurrent"] == 7
    assert settings("--set", "max_concurrent=8")["max_concurrent"] == 8
    assert settings("--set", "guards.max_concurrent=9", "--guards", "off") == {"max_concurrent": 9, "no_trade": found["no_trade"]}
    days = tmp_path / "days.csv"
    days.write_text("symbol,from,to,reason\nA,2026-12-24,,a half day\n")
    of_file = "A,2026-12-24,2026-12-24,a half day"
    assert settings("--no-trade", str(days))["no_trade"] == of_file
    named = f"guards.no_trade_file = '{days.as_posix()}'"
    assert settings(text=named) == {"no_trade": of_file}
    for words in (("--set", "no_trade="), ("--set", "guards.no_trade=")):
        assert settings(*words, text=named)["no_trade"] == ""


def test_a_command_takes_what_it_has_an_option_for(given):
    days = ("--from-date", "2026-11-19", "--to-date", "2026-11-20")
    args = given(*days, command=fetch)
    assert (args.symbol, str(args.state), args.base_url) == (["NIFTY-FUT", "RELIANCE"], "there", "https://file.example")
    assert not hasattr(args, "settings")


@pytest.mark.parametrize("command", [flatten, resume])
def test_all_of_a_bot_stays_all_whatever_the_file_runs(given, command):
    assert given(command=command).symbol == ""
    assert str(given(command=command).state) == "there"  # or it would be done beside the bot that runs


def test_every_default_may_be_written_down(given):
    def written(key):
        default = key.setting.default
        return f"{key.path} = " + (json.dumps(default) if not isinstance(default, tuple) else "[]")

    bare, full = given(text=""), given(text="\n".join(map(written, keys())))
    assert changed(live_request(full, ["A"]).settings) == {}
    told = {"config", "settings"}
    assert {k: v for k, v in vars(full).items() if k not in told} == {k: v for k, v in vars(bare).items() if k not in told}


def test_a_home_folder_is_one_in_a_file_too(given, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert given(text="store.state = '~/state'").state == tmp_path / "state"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--config", "nothing.toml"), "nothing.toml cannot be read"),
        (("--set", "live.csh=3"), "--set [live] has no key csh: did you mean cash?"),
        (("--set", "upstox.access_token=s3cr3t"), "is seen by others"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_begins(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert live_main([*words, "--symbol", "X"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_token_of_the_file_stands_between_the_environment_and_what_a_login_keeps(given, tmp_path, monkeypatch):
    import time

    now = time.time_ns()
    mine, written, kept, old = (Sessions().grant(now + n * DAY_NS) for n in (1, 2, 3, -9))
    state = ("--state", str(tmp_path / "state"))
    with pytest.raises(BadInput, match="no access token"):
        token_of(given(*state), now)
    keep_token(tmp_path / "state", kept)
    assert token_of(given(*state), now).text == kept
    text = f"upstox.access_token = '{written}'"
    token = token_of(given(*state, text=text), now)
    assert (token.text, token.source) == (written, str(tmp_path / "auction.toml"))
    assert token_of(given(*state, text=f"upstox.access_token = '{old}'"), now).text == kept
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", mine)
    assert token_of(given(*state, text=text), now).text == mine
    monkeypatch.setenv("UPSTOX_ACCESS_TOKEN", old)
    assert token_of(given(*state, text=text), now).text == written


@pytest.mark.skipif(sys.platform == "win32", reason="rights differ")
def test_a_token_in_a_file_for_everyone_stops_the_run(tmp_path, capsys):
    path = tmp_path / "auction.toml"
    path.write_text("[upstox]\naccess_token = 'abc'\n")
    path.chmod(0o644)
    assert main(["live", "--config", str(path), "--symbol", "X"]) == 2
    assert f"line 2: others may read upstox.access_token: chmod 600 {path}" in capsys.readouterr().err
