"""A search by Optuna: the same combinations from a seed, fewer than all, and better than drawing."""

import json
from pathlib import Path

import pytest

from tests.sweep.made import DAYS, kept

pytest.importorskip("optuna")

SEARCH = ["sweep", "--symbol", "AAA", *DAYS, "--grid", "period=5:24:1", "--grid", "rule=original,auction", "--objective", "net",
          "--jobs", "1", "--quiet", "--json", "out.json"]  # fmt: skip


def test_a_search_runs_what_it_asks_for_and_the_same_again(filled):
    assert filled(*SEARCH, "--optuna", "14", "--state", "one")[0] == 0
    one = Path("out.json").read_bytes()
    assert filled(*SEARCH, "--optuna", "14", "--state", "two")[0] == 0

    assert Path("out.json").read_bytes() == one
    assert kept("one") == kept("two") == len(json.loads(one)["rows"]) == 14
    assert filled(*SEARCH, "--optuna", "14", "--state", "one", "--seed", "3")[0] == 0
    assert kept("one") > 14


def test_a_search_ends_where_there_is_nothing_more_to_ask(filled):
    words = [w if w != "period=5:24:1" else "period=5,10" for w in SEARCH]

    assert filled(*words, "--optuna", "99")[0] == 0
    assert kept(".auction_bt") == 4
    code, _, error = filled(*words, "--optuna", "9", "--sample", "3")
    assert code == 2
    assert "--optuna beside --sample" in error


def test_each_fold_of_a_walk_is_searched_on_its_train_days(filled):
    walk = ["--walk-forward", "train=2d,test=1d", "--optuna", "6"]

    def found(*words):
        assert filled(*SEARCH, *walk, *words)[0] == 0
        return json.loads(Path("out.json").read_text("utf-8"))

    whole = found("--state", "one")
    assert [fold["test"] for fold in whole["folds"]] == [["2025-12-18"] * 2, ["2025-12-19"] * 2]
    assert whole["walk"]["searched"] == 6
    assert 12 < kept("one") <= 14  # six a fold, and what was chosen on its test days
    begun = found("--state", "two", "--to-date", "2025-12-18")
    assert begun["folds"] == whole["folds"][:1]  # later days change no choice
    assert kept("two") == 7
    shown = filled(*(w for w in SEARCH if w != "--quiet"), *walk, "--state", "one")[1]
    assert "2 folds of 6 searched of 40 combinations" in " ".join(shown.split())
