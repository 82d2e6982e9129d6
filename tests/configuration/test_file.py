"""The configuration file: each value as it was written, each mistake with its line and its cure, a secret for its owner alone."""

import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.configuration.file import Configuration, find
from auction_bt.configuration.schema import keys
from auction_bt.core.errors import BadInput
from auction_bt.settings import SETTINGS

KEYS = keys()


def read(folder, text, mode=0o600):
    path = folder / "auction.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return Configuration.read(path)


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def allowed(key):
    """Values that a key takes, as TOML knows them."""
    setting, kind = key.setting, type(key.setting.default)
    least, most = setting.least or 0, 10**9 if setting.most is None else setting.most
    if setting.choices:
        return st.sampled_from(setting.choices)
    if kind is int:
        return st.integers(int(least), int(most))
    if kind is float:
        return st.floats(least, most) | st.just(1)
    word = st.text("abcXYZ019:/._-", min_size=1, max_size=12)
    return st.booleans() if kind is bool else st.lists(word, max_size=3) if kind is tuple else word


@settings(max_examples=50)
@given(st.data())
def test_what_is_written_is_what_is_read(tmp_path_factory, data):
    chosen = data.draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=8))
    said = {key: data.draw(allowed(key)) for key in chosen}
    lines = [f"{key.section}.{key.name} = {toml(value)}" for key, value in said.items()]
    found = read(tmp_path_factory.mktemp("c"), "\n".join(lines))
    assert set(found.values) == set(said)
    for key, value in said.items():
        kind = type(key.setting.default)
        assert found.value(key.path) == (tuple(value) if kind is tuple else value)
        assert type(found.value(key.path)) is kind
    for key in set(KEYS) - set(said):
        assert found.value(key.path) == key.setting.default


def test_the_keys_are_told_apart_and_their_defaults_are_allowed():
    assert len({key.path for key in KEYS}) == len(KEYS)
    for key in KEYS:
        default = key.setting.default
        assert find(key.section, key.name) is key
        assert key.checked(list(default) if isinstance(default, tuple) else default) == default
    assert {key.name for key in KEYS if key.is_setting} == {s.name for s in SETTINGS} - {"slippage"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[guards]\nmax_conccurent = 3",
            "line 2: [guards] has no key max_conccurent: did you mean max_concurrent?",
        ),
        ("\n[lvie]\norders = 'none'", "auction.toml, line 2: there is no section [lvie]: did you mean [live]?"),
        ("[lvie]", "auction.toml, line 1: there is no section [lvie]: did you mean [live]?"),
        ("[strategy]\nperiod=5\nslippage = 3", "line 3: [strategy] has no key slippage: it stands in [live]"),
        ("live.max_concurrent = 3", "line 1: [live] has no key max_concurrent: it stands in [guards]"),
        ("[viewer]\nzzz = 3", "line 2: [viewer] has no key zzz: it has address"),
        ("[strategy]\nzzz = 3", "[strategy] has no key zzz: docs/operations.md lists them all"),
        ("orders = 'none'", "line 1: orders stands in no section: write it under [live]"),
        ("zzz = 1", "line 1: zzz stands in no section: docs/operations.md"),
        ("[live]\n# more\nslippage = -1", "line 3: [live] slippage = -1 is not allowed: 0 to 10000 ticks"),
        ("[live]\nslippage = 1.5", "[live] slippage = 1.5 must be a whole number: 0 to 10000 ticks"),
        ("[live]\nslippage = true", "[live] slippage = True must be a whole number"),
        ("[strategy]\nbreakeven = 1", "[strategy] breakeven = 1 must be true or false"),
        ("[strategy]\nvalue_area = nan", "[strategy] value_area = nan is not allowed: 0.01 to 1.0 share"),
        ("[strategy]\ntrail_atr = inf", "[strategy] trail_atr = inf is not allowed"),
        ("[live]\norders = 'papr'", "[live] orders = 'papr' is not allowed: one of paper, none, sim, upstox"),
        ("symbols.names = 'NIFTY-FUT'", 'line 1: [symbols] names must be a list of texts, as ["NIFTY-FUT"]'),
        ("[symbols]\nnames = ['A', '']", "[symbols] names must be a list of texts"),
        ("[live]\norders", "auction.toml is no TOML: Expected '='"),
        ('[store]\nstate = "C:\\state"', "write / for \\ in a path"),
        ('[store]\nstate = "C:\\users"', "write / for \\ in a path"),
        (b"[live]\n# \xff", "is no UTF-8 text"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_cure(tmp_path, text, said):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_one_with_a_byte_order_mark(tmp_path):
    with pytest.raises(BadInput, match=r"nothing\.toml cannot be read: No such file"):
        Configuration.read(tmp_path / "nothing.toml")
    assert read(tmp_path, b"\xef\xbb\xbf[live]\r\ncash = 5\r\n").value("live.cash") == 5


@pytest.mark.skipif(sys.platform == "win32", reason="rights differ")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_is_read_where_its_owner_alone_can(tmp_path, mode):
    text = "[live]\ncash = 7\n[upstox]\naccess_token = 's3cr3t'"
    found = read(tmp_path, text)
    assert found.value("upstox.access_token") == "s3cr3t"
    assert "s3cr3t" not in repr(found)
    with pytest.raises(BadInput, match=r"line 4: others may read upstox.access_token: chmod 600 .*auction.toml") as caught:
        read(tmp_path, text, mode)
    assert "s3cr3t" not in str(caught.value)
    assert read(tmp_path, "upstox.access_token = ''", mode).value("upstox.access_token") == ""
    with pytest.raises(BadInput, match="access_token must be a text") as caught:
        read(tmp_path, "upstox.access_token = 5738291")
    assert "5738291" not in str(caught.value)


def test_overrides_take_the_place_of_what_the_file_says(tmp_path):
    file = read(tmp_path, "[live]\ncash = 7\norders = 'none'")
    found = file.with_overrides(["live.cash=9", "symbols.names = A, B", "strategy.breakeven=off", "live.every=2"])
    assert [found.value(path) for path in ("live.cash", "live.orders", "symbols.names", "strategy.breakeven", "live.every")] == [
        9, "none", ("A", "B"), False, 2.0]  # fmt: skip
    assert file.value("live.cash") == 7


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("live.cash=x", "--set live.cash = 'x' is no int"),
        ("live.cash=0", "--set live.cash = 0 is not allowed"),
        ("live.csh=1", "--set [live] has no key csh: did you mean cash?"),
        ("liv.cash=1", "--set there is no section [liv]"),
        ("upstox.access_token=s3cr3t", "a command line is seen by others: set UPSTOX_ACCESS_TOKEN"),
        ("symbols.names=,", "must be a list of texts"),
    ],
)
def test_an_override_may_be_wrong(pair, said):
    with pytest.raises(BadInput) as caught:
        Configuration().with_overrides([pair])
    assert said in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@settings(max_examples=50)
@given(st.text(max_size=100) | st.sampled_from(KEYS).map(lambda key: f"[{key.section}]\n{key.name}"), st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, begin, value):
    with suppress(BadInput):
        read(tmp_path_factory.getbasetemp(), f"{begin} = {value}".encode("utf-8", "replace"))
