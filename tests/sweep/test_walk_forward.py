"""Walk-forward on stored days: a planted leak is found, later days change no choice, only days out of sample are reported."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from auction_bt.core.figures import Figures
from auction_bt.core.fills import FillModel
from auction_bt.core.grid import Axis, Grid
from auction_bt.core.ist import from_date
from auction_bt.core.walk import Fold, Walk, folds_of
from auction_bt.store.trials import KeptTrial, TrialLedger
from auction_bt.sweep.plan import Located, Plan
from auction_bt.sweep.walk import choose, span_plans
from tests.sweep.made import walk_csv, write

WALK = [
    "sweep", "--symbol", "AAA", "--symbol", "BBB", "--from-date", "2025-12-15", "--to-date", "2025-12-19", "--grid",
    "period=5:20:5", "--objective", "net", "--walk-forward", "train=2d,test=1d", "--jobs", "1", "--json", "out.json",
]  # fmt: skip


def figures(daily):
    money = [Decimal(repr(x)) for x in daily.values()]
    net, won = sum(money, Decimal(0)), sum((m for m in money if m > 0), Decimal(0))
    return Figures(
        len(money), sum(m > 0 for m in money), sum(m < 0 for m in money), net, net, Decimal(0), won, net - won, 0, Decimal(0),
        0.0, 0, 0, 0, Decimal(0), 0, None, tuple(daily.items()),
    )  # fmt: skip


class Market:
    """Worthless settings over many days: what each of them makes on a day, from a seed."""

    def __init__(self, ledger, seed, days=90, settings=12):
        self.nets = np.random.default_rng(seed).normal(0, 1, (days, settings)).round(3)
        self.ledger = ledger
        grid = Grid((Axis("rule", tuple(f"word{n}" for n in range(settings))),))  # words: no plateau smooths a peak
        self.plan = Plan((Located("X", (), (), str(seed)),), 0, days - 1, grid, range(settings), (), _terms(), "code")

    def run(self, plan):
        kept = []
        for number in plan.numbers:
            trial = plan.trial(plan.symbols[0], number)
            daily = {d: float(self.nets[d, number]) for d in range(plan.first, plan.last + 1)}
            kept.append(KeptTrial(trial.identity, "X", plan.first, plan.last, {}, {}, "t", figures(daily)))
        self.ledger.add(kept)

    def excess(self, folds):
        """What the choices make on their test days, beyond the mean of all settings, a day, in standard errors."""
        found = []
        for fold in folds:
            train = replace(self.plan, first=fold.train[0], last=fold.train[1])
            self.run(train)
            number, _, _ = choose(train, self.ledger, "net")
            days = slice(fold.test[0], fold.test[1] + 1)
            found += (self.nets[days, number] - self.nets[days].mean(axis=1)).tolist()
        return float(np.mean(found) / (np.std(found) / np.sqrt(len(found))))


def _terms():
    from auction_bt.sweep.trial import Terms

    return Terms(Decimal(1), 0, "upstox", FillModel())


class Leaky:
    """A fold whose train days reach into its test days."""

    def __init__(self, fold):
        self.train, self.test = (fold.train[0], fold.test[1]), fold.test


@pytest.mark.parametrize("seed", range(2))
def test_a_planted_leak_is_found_and_an_honest_walk_has_none(tmp_path, seed):
    folds = folds_of(Walk(6, 2), range(90))
    with TrialLedger.open(tmp_path) as ledger:
        market = Market(ledger, seed)

        assert abs(market.excess(folds)) < 3
        assert market.excess([Leaky(fold) for fold in folds]) > 5


def test_plans_of_a_fold_hold_its_own_days():
    asked = []
    plan = Plan((), 0, 9, Grid(()), range(1), (), _terms(), "code")

    ((train, test),) = span_plans(plan, [Fold((1, 3), (5, 6))], lambda *span: asked.append(span) or ())

    assert (train.first, train.last, test.first, test.last) == (1, 3, 5, 6)
    assert asked == [(1, 3), (5, 6)]


def test_later_days_change_no_choice_and_no_trial_of_the_train_days(filled):
    assert filled(*WALK)[0] == 0
    before = json.loads(Path("out.json").read_text("utf-8"))
    later = [line for line in walk_csv(99, first=60).splitlines() if line.startswith(("ts", "17661"))]  # of the 19th alone
    write("later.csv", "\n".join(later) + "\n")
    assert filled("import", "later.csv", "--symbol", "AAA", "--tick", "0.10")[0] == 0
    with TrialLedger.open(Path(".auction_bt"), readonly=True) as ledger:
        count = ledger.count()

    assert filled(*WALK)[0] == 0

    after = json.loads(Path("out.json").read_text("utf-8"))
    choices = [[(f["train"], f["chosen"], f["trained"]) for f in found["folds"]] for found in (before, after)]
    assert choices[0] == choices[1]
    assert [f["test"][0] for f in after["folds"]] == ["2025-12-17", "2025-12-18", "2025-12-19"]
    assert before["folds"][:2] == after["folds"][:2]
    assert before["folds"][2]["trials"][1] == after["folds"][2]["trials"][1]  # BBB has no other day
    with TrialLedger.open(Path(".auction_bt"), readonly=True) as ledger:
        assert ledger.count() == count + 1  # AAA on the 19th


def test_only_days_out_of_sample_are_reported(filled):
    code, out, error = filled(*WALK, "--csv", "out.csv")

    assert (code, error) == (0, "")
    found = json.loads(Path("out.json").read_text("utf-8"))
    assert [d["day"] for d in found["out_of_sample"]["daily"]] == ["2025-12-17", "2025-12-18", "2025-12-19"]
    assert found["out_of_sample"]["net"] == pytest.approx(sum(f["test_figures"]["net"] for f in found["folds"]))
    assert [sum(n for n in s["counts"].values()) for s in found["stability"]] == [3]
    assert "Walk-forward AAA, BBB, 2025-12-15..2025-12-19: 3 folds of 4 combinations" in " ".join(out.split())
    assert out.count("2025-12-15..2025-12-16  2025-12-17..2025-12-17") == 1
    assert Path("out.csv").read_text("utf-8").count("\n") == 4
    assert filled(*WALK)[1] == out.replace("out.csv, ", "")  # nothing is run again

    code, _, error = filled(*WALK[:9], "--walk-forward", "train=9d,test=1d")
    assert (code, error) == (2, "auction_bt: walk-forward needs 10 days with data at least, there are 5\n")


def test_trials_count_as_tried_on_their_own_days(filled):
    from auction_bt.store.journal import Journal

    assert filled(*WALK)[0] == 0
    with Journal.open(Path(".auction_bt"), readonly=True) as journal:
        day = from_date(date(2025, 12, 15))
        assert journal.trials(["AAA"], day, day).count == 4
