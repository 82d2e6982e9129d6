"""Symbols traded apart, in processes or in this one."""

import json
from decimal import Decimal

import numpy as np
import pytest

from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_index, to_date
from auction_bt.core.summary import add_equity
from auction_bt.store.dsn import open_store
from tests.builders import bars_of, columns_of, random_ticks

FREE = [w for s in ("cost_multiple=0", "stop_cost_multiple=0", "min_r=0", "period=20") for w in ("--set", s)]


@pytest.fixture
def asked(run):
    """Return a function: further words -> (code, standard output, standard error) of a backtest of two symbols."""
    days = set()
    with open_store(create=True) as store:
        for seed, symbol in enumerate(("AAA", "BBB")):
            ticks = columns_of(random_ticks(2, per_minute=6, seed=seed))
            bars = bars_of(ticks)
            store.put_instrument(Instrument(symbol, Decimal("0.05")))
            for d in np.unique(day_index(ticks.ts)).tolist():
                own = range(d, d + 1)
                store.put_derived(symbol, own, ticks.take(day_index(ticks.ts) == d), bars.take(day_index(bars.ts) == d), [])
                days.add(d)
    day = str(to_date(max(days)))

    def call(*words, symbols=("BBB", "AAA")):
        chosen = [w for s in symbols for w in ("--symbol", s)]
        return run("backtest", *chosen, "--from-date", day, "--to-date", day, *FREE, *words)

    return call


def parsed(told):
    code, out, _ = told
    assert code == 0
    return json.loads(out)


def test_the_result_is_that_of_each_alone_and_the_same_in_any_number_of_processes(asked):
    one, two = (asked("--json", "-", "--jobs", n) for n in ("1", "2"))
    assert two == one

    apart = parsed(one)
    alone = [parsed(asked("--json", "-", symbols=(s,))) for s in ("BBB", "AAA")]
    assert len(apart["trades"]) > 5
    assert apart["trades"] == sorted((t for a in alone for t in a["trades"]), key=lambda t: (t["exit_seq"], t["symbol"]))
    assert apart["data"] == alone[0]["data"] | alone[1]["data"]
    assert apart["summary"]["net"] == pytest.approx(sum(a["summary"]["net"] for a in alone))
    assert apart["summary"]["other_regime"]["trades"] == sum(a["summary"]["other_regime"]["trades"] for a in alone)
    assert (apart["settings"]["cash"], apart["settings"]["accounts"]) == (2_000_000, 2)
    assert apart["settings"]["symbols"] == ["BBB", "AAA"]


def test_the_summary_says_that_there_were_accounts_and_without_jobs_there_is_one(asked):
    code, out, _ = asked("--jobs", "1", "--evidence")
    assert code == 0
    assert "2, each with ₹10,00,000.00 of its own: every symbol as if alone" in out
    assert "Accounts" not in asked()[1]
    assert "Accounts" not in asked("--jobs", "2", symbols=("AAA",))[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--set", "daily_loss=0.02"], "daily_loss is a guard over all symbols"),
        (["--max-concurrent", "1"], "max_concurrent is a guard over all symbols"),
        (["--html", "a.html"], "--html needs the run in one process: leave --jobs out"),
        (["--jobs", "0"], "--jobs 0 must be 1 to 1024"),
    ],
)
def test_what_cannot_be_done_apart_is_refused(asked, tmp_path, words, says):
    code, out, error = asked("--jobs", "2", *words)
    assert (code, out) == (2, "")
    assert says in error
    assert error.count("\n") == 1
    assert not (tmp_path / ".auction_bt" / "journal.db").exists()


def test_accounts_are_worth_what_each_of_them_is():
    assert add_equity(10.0, [[(1, 11.0), (4, 9.0)], [(2, 8.0), (4, 12.0)], []]) == [(1, 31.0), (2, 29.0), (4, 31.0)]
    assert add_equity(10.0, [[], []]) == []
