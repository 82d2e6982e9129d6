"""The `analyze` command: kept runs listed, told again, held against each other, and both regime rules weighed."""

import csv
import json
import re
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from auction_bt.cli import main
from auction_bt.comparison_text import render_comparison
from auction_bt.core.bootstrap import MeanOfDays
from auction_bt.core.decision import Decision
from auction_bt.core.evidence import Evidence, Luck
from auction_bt.core.sharpe import Sharpe, Trials
from auction_bt.core.trade import Fill, Levels, Side, Trade
from auction_bt.report import render
from auction_bt.rule_comparison import RuleComparison, conclusion
from auction_bt.run_comparison import IN_TRADE, NO_SIGNAL, NOT_FILLED, NOT_RUN, NOT_WATCHED, compare
from auction_bt.store.journal import Journal
from auction_bt.stored_run import StoredRun, settings_in, stored_run
from tests.importing.made import bars_csv

DAYS = ("--from-date", "2025-12-15", "--to-date", "2025-12-29")
SYMBOL = ("--symbol", "RELIANCE", *DAYS, "--set", "period=30")
MIN = 60 * 10**9
OPEN = 1_765_770_300 * 10**9  # 2025-12-15 09:15 IST


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Two weeks of a walk, and in the journal: 1 and 2 equal, 3 by the other rule, 4 with less money, 5 of fewer days."""
    folder = tmp_path_factory.mktemp("kept")
    days = [d for d in range(15) if d % 7 < 5 and d != 10]  # the 25th is a holiday
    ts = [1_765_770_300 + 86_400 * d + 60 * m for d in days for m in range(375)]
    price = np.round(1500 + np.cumsum(np.random.default_rng(5).normal(0, 1.5, len(ts))), 1)
    spread = np.round(np.abs(np.random.default_rng(6).normal(0, 1.5, len(ts))), 1)
    file = folder / "a.csv"
    file.write_text(bars_csv(len(ts), ts=ts, open=price, high=price + spread, low=price - spread, close=price))
    places = ("--store", f"sqlite:///{folder / 'auction.db'}")
    state = ("--state", str(folder))
    assert main(["import", str(file), "--symbol", "RELIANCE", "--tick", "0.10", *places]) == 0
    for more in ((), (), ("--regime", "auction"), ("--cash", "300000"), ("--to-date", "2025-12-16")):
        assert main(["backtest", *SYMBOL, *places, *state, *more, "--json", str(folder / "last.json"), "--quiet"]) == 0
    return SimpleNamespace(folder=folder, state=state, store=places)


@pytest.fixture
def analyze(kept, capfd, tmp_path, monkeypatch):
    """Return a function that runs the command on the kept runs and returns (code, output, error)."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        capfd.readouterr()
        code = main(["analyze", *words, *kept.state])
        return code, *capfd.readouterr()

    return call


# ---------------------------------------------------------------- the list
def test_runs_are_listed_newest_last_with_what_tells_them_apart(analyze):
    code, out, _ = analyze()

    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["run", "symbols", "days", "rule", "trades", "net", "changed"]
    assert [line.split()[:2] for line in lines[1:]] == [[str(n), "RELIANCE"] for n in range(1, 6)]
    assert all("2025-12-15 to 2025-12-29" in line for line in lines[1:5])
    assert "auction" in lines[3]
    assert lines[4].endswith("cash=300000, period=30")
    assert all(len(line) <= 100 for line in lines)


def test_list_as_json_has_the_nets_of_the_runs(analyze, kept):
    code, out, _ = analyze("--json", "-")

    runs = json.loads(out)["runs"]
    with Journal.open(kept.folder, readonly=True) as journal:
        net = sum(t.pnl_net for t in journal.trades(3) if not t.is_open)
    assert code == 0
    assert runs[2]["net"] == float(net)
    assert runs[2]["settings"]["rule"] == "auction"


# ---------------------------------------------------------------- one run
def test_a_run_is_told_as_its_own_report_told_it(analyze, kept):
    code, out, _ = analyze("5")
    fresh = json.loads((kept.folder / "last.json").read_text())
    _, text, _ = analyze("last", "--json", "-")

    found = json.loads(text)
    again = found["summary"]
    assert code == 0
    assert all(len(line) <= 100 for line in out.splitlines())
    assert out.startswith("Run 5: RELIANCE, 2025-12-15 to 2025-12-16, original rule\n\nNet after charges   ")
    assert "not kept: a backtest with --regime auction keeps it" in out
    assert found["run"] == 5
    apart = {"drawdown", "exposure", "other_regime"}
    assert {k: v for k, v in again.items() if k not in apart} == {k: v for k, v in fresh["summary"].items() if k not in apart}
    assert found["trades"] == fresh["trades"]
    assert found["settings"] == fresh["settings"]


def test_the_other_rule_is_named_where_its_run_is_kept(analyze, kept):
    _, out, _ = analyze("1")

    with Journal.open(kept.folder, readonly=True) as journal:
        other = stored_run(journal, 3)
    assert f"with regime auction, {len(other.trades)} trades (this run: original)" in out


def test_the_days_of_a_run_add_up_to_it(analyze, tmp_path):
    nets, trades = 0.0, 0
    for day in (15, 16):
        code, out, _ = analyze("5", "--day", f"2025-12-{day}", "--json", "-")
        assert code == 0
        found = json.loads(out)
        nets += found["summary"]["net"]
        trades += found["summary"]["trades"]
        cash = found["summary"]["cash"]
    _, out, _ = analyze("5", "--json", "-", "--csv", "trades.csv")

    whole = json.loads(out)["summary"]
    assert (pytest.approx(nets), trades) == (whole["net"], whole["trades"])
    assert cash == pytest.approx(1_000_000 + nets - found["summary"]["net"])  # of the second morning
    assert len(list(csv.DictReader((tmp_path / "trades.csv").read_text().splitlines()))) == trades


# ---------------------------------------------------------------- two runs
def test_equal_runs_are_equal(analyze):
    code, out, _ = analyze("1", "2")

    assert code == 0
    assert "Settings: the same." in out
    assert out.endswith("The two are equal: the same settings, every decision and every trade.\n")


def test_less_money_is_another_size_and_differs(analyze):
    code, out, _ = analyze("1", "4")

    assert code == 1
    assert re.search(r"\ncash +1000000 +300000\n", out)
    assert re.search(r"\n +\d+  the size; net ", out)
    assert all(len(line) <= 100 for line in out.splitlines())


def test_every_trade_of_two_rules_is_accounted_for(analyze):
    code, out, _ = analyze("1", "3", "--json", "-")

    found = json.loads(out)
    both = found["trades_alike"] + len(found["trades_apart"])
    assert code == 1
    assert found["settings"] == {"rule": {"left": "original", "right": "auction"}}
    assert both + len(found["left_alone"]) == found["left"]["summary"]["trades"] + found["left"]["summary"]["open_trades"]
    assert both + len(found["right_alone"]) == found["right"]["summary"]["trades"] + found["right"]["summary"]["open_trades"]


def test_runs_of_other_days_say_so_and_what_was_not_run(analyze):
    code, out, _ = analyze("5", "1")

    assert code == 1
    assert "They are of different days (2025-12-15 to 2025-12-16; 2025-12-15 to 2025-12-29)" in out
    assert "it did not run that day" in out
    assert "In run 5 alone" not in out
    assert re.search(r" … and \d+ more\n", out)
    assert " … and " not in analyze("5", "1", "--all")[1]


def test_on_days_that_both_ran_the_shorter_run_is_the_same(analyze):
    code, out, _ = analyze("5", "1", "--day", "2025-12-16")

    assert code == 1  # for the settings
    assert "Run 5 and run 1, only 2025-12-16" in out
    assert "yet every decision and every trade is the same" in out


# ---------------------------------------------------------------- both rules
def test_both_rules_are_weighed_side_by_side_and_kept(kept, capfd, tmp_path):
    state = ("--state", str(tmp_path))
    capfd.readouterr()
    code = main(["analyze", "--regimes", *SYMBOL, *kept.store, *state, "--json", str(tmp_path / "rules.json")])
    out = capfd.readouterr().out

    found = json.loads((tmp_path / "rules.json").read_text())
    with Journal.open(kept.folder, readonly=True) as journal:
        alone = [stored_run(journal, n) for n in (1, 3)]
    assert code == 0
    assert [r["summary"]["trades"] for r in found["rules"].values()] == [
        len([t for t in r.trades if not t.is_open]) for r in alone
    ]
    assert found["rules"]["original"]["summary"]["other_regime"]["net"] == found["rules"]["auction"]["summary"]["net"]
    assert found["rules"]["original"]["evidence"]["luck"]["trials"]["count"] == 2
    assert found["conclusion"] in " ".join(out.split())
    for label in (
        "Targets hit",
        "Random entries",
        "Shuffled levels",
        "above 0 (PSR)",
        "above luck (DSR)",
        "Costs × 2",
        "Auction less original",
    ):
        assert label in out
    assert all(len(line) <= 100 for line in out.splitlines() if not line.startswith("Kept"))
    with Journal.open(tmp_path, readonly=True) as journal:
        assert [settings_in(text)["rule"] for _, text in journal.runs()] == ["original", "auction"]


def test_gross_rules_on_one_day_prove_nothing(kept, capfd, tmp_path):
    words = ["--to-date", "2025-12-15", "--costs", "none", *kept.store, "--state", str(tmp_path)]
    code = main(["analyze", "--regimes", *SYMBOL, *words])
    out = capfd.readouterr().out

    assert code == 0
    assert "Too few trades or days to weigh either rule: nothing follows from these figures." in out
    assert " GROSS" in out
    assert "Random entries" not in out


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["x"], 2, "'x' is no run: give its number, or last"),
        (["99"], 2, "no run 99 in this journal: it holds run 1 to 5"),
        (["1", "2", "3"], 2, "3 runs are too many"),
        (["--day", "2025-12-15"], 2, "name the run"),
        (["1", "--day", "2024-01-01"], 3, "run 1 decided and traded nothing on 2024-01-01"),
        (["1", "2", "--day", "2024-01-01"], 3, "run 1 decided and traded nothing on 2024-01-01"),
        (["--csv", "-"], 2, "--csv writes the trades of one run"),
        (["1", "2", "--csv", "-"], 2, "--csv writes the trades of one run"),
        (["1", "--all"], 2, "--all tells all that differs between two runs"),
        (["1", "--symbol", "X"], 2, "--symbol belongs to --regimes"),
        (["1", "--set", "period=30"], 2, "--set belongs to --regimes"),
        (["--regimes"], 2, "--regimes needs --symbol"),
        (["--regimes", "--symbol", "X", "--from-date", "2025-12-15"], 2, "--regimes needs --to-date"),
        (["1", "--regimes"], 2, "--regimes runs both rules anew"),
        (["--regimes", *SYMBOL, "--regime", "auction"], 2, "--regime has no place beside --regimes"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(analyze, words, code, told):
    got, out, error = analyze(*words)

    assert (got, out) == (code, "")
    assert error.startswith("auction_bt: ")
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["last"], ["1"]])
def test_without_a_journal_or_a_run_there_is_nothing_to_do(capfd, tmp_path, words):
    assert main(["analyze", *words, "--state", str(tmp_path)]) == 3
    assert "run a backtest first" in capfd.readouterr().err
    Journal.open(tmp_path).close()
    assert main(["analyze", *words, "--state", str(tmp_path)]) == (2 if words == ["1"] else 3)


# ---------------------------------------------------------------- runs made by hand
LEVELS = Levels(100.0, 101.0, 99.0, "rolling")


def entry(at, action="enter", symbol="X", **changes):
    ts = OPEN + at * MIN
    made = Decision(ts + 1, ts, symbol, action, Side.LONG, "fade", "balanced", LEVELS, qty=10, stop=98.0, targets=((100.0, 10),))
    return replace(made, **changes)


def trade(at, minutes=3, symbol="X", **changes):
    begin, end = OPEN + at * MIN + 5, OPEN + (at + minutes) * MIN + 5
    fills = (Fill(begin, begin, 99.0, 10, "entry"), Fill(end, end, 100.0, 10, "target1"))
    made = Trade(symbol, symbol, Side.LONG, "fade", "balanced", LEVELS, 10, begin, begin, 99.0, end, end, 100.0, 98.0, "target1",
                 Decimal(10), Decimal(2), Decimal(8), 0.5, 1.0, 0.8, fills)  # fmt: skip
    return replace(made, **changes)


def made(number, trades=(), decisions=(), days=("2025-12-15", "2025-12-15"), **settings):
    return StoredRun(
        number, {"from": days[0], "to": days[1], "symbols": ["X"], **settings}, tuple(trades), tuple(decisions), Decimal(1000)
    )


@pytest.mark.parametrize(
    ("trades", "decisions", "days", "instead"),
    [
        ([], [entry(5, "refuse", reason="cost")], "15", "refused: cost"),
        ([], [entry(5), entry(5, "lapse", reason="margin")], "15", "refused: margin"),
        ([], [entry(5)], "15", NOT_FILLED),
        ([], [entry(4, "refuse", reason="cost")], "15", NO_SIGNAL),
        ([trade(3, 3)], [entry(3)], "15", IN_TRADE),
        ([trade(3, 1)], [entry(3)], "15", NO_SIGNAL),
        ([trade(3, 3, "Y")], [entry(3, symbol="Y")], "15", NO_SIGNAL),
        ([replace(trade(3), exit_ts=0)], [entry(3)], "15", IN_TRADE),
        ([], [], "16", NOT_RUN),
    ],
)
def test_what_the_other_run_did_instead(trades, decisions, days, instead):
    left = made(1, [trade(5)], [entry(5)])
    right = made(2, trades, decisions, (f"2025-12-{days}",) * 2)

    (alone,) = compare(left, right).left_alone

    assert alone.instead == instead
    assert bool(alone.since) == (instead == IN_TRADE)


def test_a_symbol_that_was_not_asked_for_is_told_from_one_without_a_signal():
    left = made(1, [trade(5)], [entry(5)])
    other = [entry(5, "refuse", symbol="Y", reason="cost")]

    assert [compare(left, made(2, [], other, symbols=["Y"])).left_alone[0].instead] == [NOT_WATCHED]
    assert [compare(left, made(2, [], [*other, entry(9)], symbols=["Y"])).left_alone[0].instead] == [NO_SIGNAL]
    right = made(2, symbols=["Y"])
    assert "They are of different symbols" in render_comparison(left, right, compare(left, right))


@pytest.mark.parametrize(
    ("trades", "decision", "apart"),
    [
        ({}, {}, None),
        ({"side": Side.SHORT}, {"side": Side.SHORT}, ("signal",)),
        ({"stop": 97.0}, {"stop": 97.0}, ("stop",)),
        ({}, {"targets": ((101.0, 10),)}, ("targets",)),
        ({"qty": 5, "charges": Decimal(1)}, {"qty": 5, "targets": ((100.0, 5),)}, ("size",)),
        ({"entry_price": 99.5}, {}, ("entry",)),
        ({"fills": (Fill(1, 1, 99.0, 10, "entry"), Fill(OPEN, OPEN, 97.9, 10, "stop"))}, {}, ("exit",)),
        ({"fills": (Fill(1, 1, 99.0, 10, "entry"), Fill(1, OPEN + 8 * MIN + 5, 99.5, 10, "target1"))}, {}, ("price",)),
        ({"charges": Decimal(3)}, {}, ("charges",)),
    ],
)
def test_in_what_a_trade_of_both_differs(trades, decision, apart):
    left, right = made(1, [trade(5)], [entry(5)]), made(2, [trade(5, **trades)], [entry(5, **decision)])

    found = compare(left, right)

    assert (found.left_alone, found.right_alone) == ((), ())
    assert [p.apart for p in found.pairs] == ([] if apart is None else [apart])
    assert found.alike == (apart is None)


def test_a_run_without_settings_is_told_all_the_same(tmp_path):
    bought_put = trade(5, signal_symbol="Y", side=Side.SHORT, position=Side.LONG)
    with Journal.open(tmp_path) as journal:
        number = journal.start_run("[]")
        journal.append_trades(number, [bought_put, trade(9)])
        found = stored_run(journal, number)

    assert [t.position for t in found.trades] == [Side.LONG, None]
    assert found.settings == {}
    assert "Trades              2 closed" in render(found.result())


# ---------------------------------------------------------------- the conclusion
def weighed(low, high, deflated=0.99, reason=""):
    if reason:
        return Evidence(3, 1, reason)
    luck = Luck(Sharpe(0.1, 250), Trials(2, None), 0.99, 0.05, deflated, 30.0)
    return Evidence(50, 250, daily=MeanOfDays((low + high) / 2, low, high, 250, 6), luck=luck)


def concluded(original, auction, ahead=(-1.0, 1.0), cost_name="x1"):
    summary = SimpleNamespace(is_gross_only=cost_name == "none")
    run = SimpleNamespace(result=SimpleNamespace(summary=summary))
    return conclusion(RuleComparison(run, run, original, auction, MeanOfDays(0.0, *ahead, 250, 6)))


GAIN, LOSS, UNSURE, LUCKY, FEW = weighed(1, 3), weighed(-3, -1), weighed(-1, 3), weighed(1, 3, 0.5), weighed(0, 0, reason="few")


BETTER = "On these days auction came out better than original, beyond chance."
UNTOLD = "Which of the two is better, these days do not tell."
NO_REASON = "Neither is a reason to trade."


@pytest.mark.parametrize(
    ("pair", "ahead", "told"),
    [
        ((LOSS, LOSS), (1, 2), ["Both rules lost beyond chance.", BETTER, NO_REASON]),
        ((UNSURE, UNSURE), (-1, 2), ["Neither rule has shown an edge: their results are not told from luck.", UNTOLD, NO_REASON]),
        (
            (GAIN, LOSS),
            (-2, -1),
            [
                "The original rule gained beyond chance, the settings tried allowed for.",
                "The auction rule lost beyond chance.",
                "On these days original came out better than auction, beyond chance.",
                "Try it on days that nobody has looked at yet.",
            ],
        ),
        (
            (LUCKY, FEW),
            (-2, 1),
            [
                "The original rule gained, but no more than the best of the settings tried might by luck.",
                "There is too little to weigh the auction rule.",
                NO_REASON,
            ],
        ),
        ((FEW, FEW), (-2, 1), ["Too few trades or days to weigh either rule: nothing follows from these figures."]),
    ],
)
def test_the_conclusion_says_what_the_figures_tell(pair, ahead, told):
    assert concluded(*pair, ahead=ahead) == " ".join(told)


def test_a_gain_before_charges_is_called_that():
    assert concluded(GAIN, GAIN, cost_name="none").endswith("All of this is before charges.")


def test_a_run_that_names_nothing_is_listed_and_told_all_the_same(capfd, tmp_path):
    still_open = replace(trade(9), exit_ts=0, exit_seq=0, reason="open")
    with Journal.open(tmp_path) as journal:
        journal.append_trades(journal.start_run("{}"), [trade(5), still_open])
        journal.start_run(json.dumps({"symbols": ["A" * 40], "from": "2025-12-15", "to": "2025-12-15", "rule": "auction"}))
        assert journal.totals() == {1: (1, 1, Decimal(8))}

    assert main(["analyze", "--state", str(tmp_path)]) == 0
    _, first, second, note = capfd.readouterr().out.splitlines()
    assert first.split() == ["1", "–", "–", "–", "1+1", "₹8.00"]
    assert second.split() == ["2", "A" * 23 + "…", "2025-12-15", "auction", "0", "₹0.00"]
    assert note.startswith("Trades: closed + still open")
    assert main(["analyze", "1", "--state", str(tmp_path)]) == 0
    assert capfd.readouterr().out.startswith("Run 1: no symbol named, –, no rule")
    assert main(["analyze", "1", "2", "--state", str(tmp_path)]) == 1
    assert "Trades in run 1 alone: 2" in capfd.readouterr().out
