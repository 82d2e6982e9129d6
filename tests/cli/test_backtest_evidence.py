"""What `backtest --evidence` says, and that nothing changes without it."""

import json
from decimal import Decimal

import numpy as np
import pytest

from auction_bt.core.bootstrap import MeanOfDays
from auction_bt.core.evidence import DoubledCosts, Evidence, Luck
from auction_bt.core.hit_rate import HitRate
from auction_bt.core.random_entries import RandomEntries
from auction_bt.core.sharpe import Sharpe, Trials
from auction_bt.core.shuffled_levels import ShuffledLevels
from auction_bt.evidence_text import render_evidence
from auction_bt.store.journal import Journal
from tests.importing.made import bars_csv, write

WORDS = ["--symbol", "RELIANCE", "--from-date", "2025-12-15", "--to-date", "2025-12-29", "--set", "period=30"]


@pytest.fixture
def backtest(run):
    """Return a function that backtests two weeks of a walk of RELIANCE, and returns (report, JSON)."""
    days = [d for d in range(15) if d % 7 < 5 and d != 10]  # the 25th is a holiday
    ts = [1_765_770_300 + 86_400 * d + 60 * m for d in days for m in range(375)]
    price = np.round(1500 + np.cumsum(np.random.default_rng(5).normal(0, 1.5, len(ts))), 1)
    spread = np.round(np.abs(np.random.default_rng(6).normal(0, 1.5, len(ts))), 1)
    write("a.csv", bars_csv(len(ts), ts=ts, open=price, high=price + spread, low=price - spread, close=price))
    code, _, error = run("import", "a.csv", "--symbol", "RELIANCE", "--tick", "0.10")
    assert (code, error) == (0, "")

    def at(*words):
        code, out, _ = run("backtest", *WORDS, *words, "--json", "run.json")
        assert code == 0
        with open("run.json", encoding="ascii") as file:
            return out, json.load(file)

    return at


def test_without_the_flag_nothing_is_said_and_the_trial_is_counted(backtest, tmp_path):
    out, found = backtest()

    assert "Evidence" not in out
    assert "evidence" not in found
    with Journal.open(tmp_path / ".auction_bt", readonly=True) as journal:
        day = 20_437
        assert journal.trials(["RELIANCE"], day, day).count == 2  # and the other regime
        assert journal.trials(["RELIANCE"], day - 9, day - 1).count == 0


def test_evidence_follows_the_summary_and_counts_the_settings_tried(backtest):
    plain, without = backtest()
    out, found = backtest("--evidence")
    again, same = backtest("--evidence", "--engine", "fast")
    _, other = backtest("--evidence", "--set", "period=40")

    summary, _, rest = out.partition("\n\nEvidence  ")
    assert summary == plain.split("\n\nKept")[0]
    assert "Random entries      same exits, same side and hour, 1,000 draws: p " in rest
    assert {name: found[name] for name in without} == without
    evidence = found["evidence"]
    assert evidence["trades"] == found["summary"]["trades"] >= 30
    assert evidence["luck"]["trials"] == {"count": 2, "variance": None}
    assert 0 < evidence["random"]["p_value"] <= 1
    assert 0 < evidence["levels"]["p_value"] <= 1
    assert (again, same) == (out.replace("run 2", "run 3"), found)
    assert other["evidence"]["luck"]["trials"]["count"] == 4
    assert other["evidence"]["luck"]["trials"]["variance"] > 0


def test_too_few_trades_are_said_to_be(backtest):
    out, found = backtest("--evidence", "--to-date", "2025-12-15")

    assert "\n\nEvidence            too few to weigh: " in out
    assert found["evidence"]["reason"].endswith("1 day, at least 5 are needed")
    assert found["evidence"]["random"] is None


# ---------------------------------------------------------------- the words
def evidence(**changes):
    luck = Luck(Sharpe(0.1, 250), Trials(), 0.94, 0.0, 0.94, 271.2)
    figures = {
        "hit_rate": HitRate(50, 21, 0, 0.385, 0.35, 0),
        "random": RandomEntries(50, 1000, 10.0, -5.0, -40.0, -5.0, 30.0, 0.43, 0, 1),
        "levels": ShuffledLevels(48, 1000, 10.0, -4.0, -39.0, -4.0, 31.0, 0.03, 2),
        "daily": MeanOfDays(12.0, -3.0, 27.0, 250, 6),
        "luck": luck,
        "costs": DoubledCosts(Decimal(3000), Decimal(1000)),
    }
    return Evidence(50, 250, **(figures | changes))


def told(**changes):
    text = render_evidence(evidence(**changes))
    assert all(len(line) <= 100 for line in text.splitlines())
    return " ".join(text.split())


def test_words_of_a_run_that_proves_nothing():
    text = told()

    assert "Targets hit 21 of 50 (42.0 %); a price without drift would reach 38.5 %: p = 0.35 (no better than chance)" in text
    assert "1,000 draws: p = 0.43 (no better than chance)" in text
    assert "at levels of other days, 1,000 draws: p = 0.030 (chance seldom does so well, one time in 33)" in text
    assert "nets ₹10.00 at its own level, −₹4.00 at another day's (95 % of draws −₹39.00 … ₹31.00)" in text
    assert "2 trades left out, without a known stop or level" in text
    assert "−₹3.00 … ₹27.00 with 95 % confidence (holds 0: gain is not told from loss" in text
    assert "Settings tried these alone" in text
    assert "272 days like these to be 95 % sure of a ratio above 0; there are 250: not enough" in text
    assert "net ₹3,000.00 becomes ₹1,000.00 (still a gain" in text


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.000999, "p below 0.001 (chance hardly does so well)"),
        (0.009, "p = 0.009 (chance hardly does so well)"),
        (0.04, "p = 0.040 (chance seldom does so well, one time in 25)"),
        (0.5, "p = 0.50 (no better than chance)"),
        (0.96, "p = 0.96 (worse than chance)"),
    ],
)
def test_words_of_a_p_value(p, words):
    assert words in told(random=RandomEntries(50, 1000, 1.0, 0.0, -1.0, 0.0, 1.0, p, 2, 3))


def test_targets_with_undecided_trades_are_never_called_worse_than_chance():
    text = told(hit_rate=HitRate(50, 5, 10, 0.385, 0.99, 2))

    assert "worse than chance" not in text
    assert "10 trades that met neither count as not hit (12.5 % of the others); 2 left out" in text
    assert "(– of the others)" in told(hit_rate=HitRate(5, 0, 5, 0.385, 1.0, 0))


def test_words_of_many_symbols_and_settings():
    text = told(
        random=RandomEntries(50, 1000, 1.0, 0.0, -1.0, 0.0, 1.0, 0.5, 1, 3),
        luck=Luck(Sharpe(0.3, 250), Trials(12, 0.01), 0.9999, 0.15, 0.0001, 30.5),
    )

    assert "1 trade left out, without a known stop or minutes around the entry; 3 symbols, which move together" in text
    assert "above 0 with probability above 99.9 %" in text
    assert "Settings tried 12 on these symbols and days" in text
    assert "show about 0.150: above that with probability below 0.1 %" in text
    assert "there are 250: enough" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hit_rate": None}, "Targets hit not known: no trade has both"),
        ({"random": None}, "Random entries not known"),
        ({"levels": None}, "Shuffled levels too few to tell: 0 trades with a known stop and a level"),
        ({"levels": ShuffledLevels(29, 9, 1, 0, 0, 0, 0, 0.5, 21)}, "too few to tell: 29 trades with a known stop and a level"),
        ({"luck": None}, "Sharpe ratio none: every day came to the same"),
        ({"luck": Luck(Sharpe(-0.1, 250), Trials(), 0.1, 0.0, 0.1, None)}, "no number of days like these would show a gain"),
        ({"daily": MeanOfDays(2.0, 1.0, 3.0, 9, 2)}, "all above 0: a gain"),
        ({"daily": MeanOfDays(-2.0, -3.0, -1.0, 9, 2)}, "all below 0: a loss"),
        ({"costs": DoubledCosts(Decimal(5), Decimal(5))}, "no costs in this run"),
        ({"costs": DoubledCosts(Decimal(5), Decimal(-5))}, "the gain is gone"),
        ({"costs": DoubledCosts(Decimal(-5), Decimal(-9))}, "a loss before that already"),
    ],
)
def test_words_of_what_may_be_so_or_missing(changes, words):
    assert words in told(**changes)
