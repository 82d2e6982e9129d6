import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.breakdown import Breakdown
from auction_bt.core.decision import Decision
from auction_bt.core.ist import MINUTE_NS, SECOND_NS
from auction_bt.core.summary import summarise
from auction_bt.core.trade import Fill, Levels, Side, Trade
from auction_bt.report import BacktestResult, csv_lines, doubts, dumps, extrapolated, render, to_json
from auction_bt.wording import REFUSALS, number, percent, risk, rupees

OPEN = 1_765_770_300 * SECOND_NS  # 2025-12-15 09:15 IST
LEVELS = Levels(100.0, 101.0, 99.0, "rolling")


def trade(net="10", at=0, **changes):
    begin = OPEN + at * MINUTE_NS
    end = begin + 5 * MINUTE_NS
    made = Trade(
        symbol="NSE_EQ|X", signal_symbol="NSE_EQ|X", side=Side.LONG, setup="fade", regime="balanced", levels=LEVELS, qty=10,
        entry_ts=begin, entry_seq=begin + 1, entry_price=100.0, exit_ts=end, exit_seq=end + 1, exit_price=101.0, stop=99.0,
        reason="target1", pnl_gross=Decimal(net) + 2, charges=Decimal(2), pnl_net=Decimal(net), mae=0.5, mfe=1.5,
        r_multiple=float(net) / 10, fills=(Fill(begin + 1, begin, 100.0, 10, "entry"),),
    )  # fmt: skip
    return replace(made, **changes)


def refused(reason, count):
    one = Decision(OPEN, OPEN, "NSE_EQ|X", "refuse", Side.LONG, "fade", "balanced", LEVELS, reason)
    return [one] * count


def result(trades=(), decisions=(), cost_name="x1", **more):
    summary = summarise(trades, decisions, cash=Decimal(1_000_000), cost_name=cost_name)
    return BacktestResult(summary, tuple(trades), tuple(decisions), **more)


def labels(text):
    return [line[:20].strip() for line in text.splitlines() if line[:1].strip()]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1234567.5", "₹12,34,567.50"), ("-3", "−₹3.00"), ("0", "₹0.00"), ("-0.004", "₹0.00"), ("999", "₹999.00"),
        ("1000", "₹1,000.00"), ("100000", "₹1,00,000.00"), ("1000000000", "₹1,00,00,00,000.00"), ("-1234.565", "−₹1,234.56"),
    ],
)  # fmt: skip
def test_rupees_are_grouped_the_indian_way(amount, text):
    assert rupees(Decimal(amount)) == text


@pytest.mark.parametrize("value", [None, nan, inf, -inf, Decimal("NaN")])
def test_undefined_amount_is_a_dash(value):
    assert rupees(value) == "–"
    assert number(value) == "–"


def test_signs_of_ratios_are_written():
    assert (risk(0.5), risk(-0.5), risk(0.0), risk(None)) == ("+0.50 R", "−0.50 R", "0.00 R", "–")
    assert (percent(0.125), percent(-0.5), percent(None)) == ("12.5 %", "−50.0 %", "–")


@given(st.decimals(-(10**12), 10**12, places=2, allow_nan=False))
def test_grouping_loses_no_digit(amount):
    text = rupees(amount)

    assert Decimal(text.replace("₹", "").replace(",", "").replace("−", "-")) == amount
    assert all(len(part) == 2 for part in text.lstrip("−₹").split(".")[0].split(",")[1:-1])


def test_what_counts_comes_first_and_in_order():
    text = render(result([trade()], other_regime=("auction", Decimal(-5), 3)))

    assert labels(text)[:5] == ["Net after charges", "Trades", "R each", "Enough to tell?", "Other regime"]
    assert labels(text)[5:9] == ["Win rate", "Profit factor", "Expectancy", "Average win, loss"]
    assert "−₹5.00 net with regime auction, 3 trades" in text


def test_few_trades_are_said_to_be_too_few():
    assert "Too few to tell: 2 closed trades, at least 30 are needed." in render(result([trade(), trade(at=9)]))


def test_mean_whose_interval_holds_nothing_is_not_called_a_result():
    text = render(result([trade("10" if i % 2 else "-9", at=1440 * i) for i in range(40)]))

    assert "Too few to tell gain from luck" in text
    assert "95 % confidence (t interval over trades)" in text


def test_gain_is_not_promised_for_the_future():
    text = " ".join(render(result([trade(str(10 + i % 2), at=1440 * i) for i in range(40)])).split())

    assert "A gain beyond chance on this data" in text
    assert "says nothing of settings chosen on the same data" in text


def test_costless_run_says_gross_only_first_and_last():
    text = render(result([trade()], cost_name="none", other_regime=("auction", Decimal(7), 1)))

    assert text.startswith("GROSS ONLY")
    assert "Net after charges" not in text
    assert "NONE. GROSS ONLY" in text
    assert "₹7.00 before charges" in text


def test_open_trade_is_told_apart():
    text = " ".join(render(result([trade(), trade("-70", at=9, exit_ts=0, reason="open")])).split())

    assert "1 closed on 1 day; 1 still open at the end of the data, marked −₹70.00, not in the net" in text


def test_no_trades_shows_the_funnel_largest_first_with_what_opens_it():
    text = render(result(decisions=[*refused("size 0", 33), *refused("cost", 120), *refused("lunar phase", 61)]))

    order = [text.index(reason) for reason in ("cost:", "lunar phase.", "size 0:")]
    assert order == sorted(order)
    assert "of 214 signals, 0 taken" in text
    assert "to open it: cost_multiple" in text
    assert "--cash" in text


@pytest.mark.parametrize("reason", REFUSALS)
def test_each_known_refusal_has_a_sentence(reason):
    text = " ".join(render(result(decisions=refused(reason, 3))).split())

    assert f"3 {reason}: {REFUSALS[reason][0]}" in text


def test_run_without_a_signal_says_why_there_may_be_none():
    assert "there was no signal" in render(result())


def test_settings_that_are_defaults_are_not_shown():
    text = render(
        result(settings={"period": 60, "value_area": 0.7, "cash": 1_000_000}, defaults={"period": 120, "value_area": 0.7})
    )

    assert "cash=1000000, period=60" in text
    assert "value_area" not in text


def test_data_is_described_by_symbol():
    text = render(result(data={"Y": {"bars": 100_000, "grade": "B", "reasons": ["joined late", "2 gaps"]}, "X": {"grade": "A"}}))

    assert "  X: grade A\n  Y: bars 1,00,000, grade B, reasons joined late; 2 gaps\n" in text


def test_no_line_is_wider_than_the_terminal():
    long = "NSE_FO|" + "VERYLONGSYMBOL" * 10
    trades = [trade("-99999999.99", symbol=long), trade("12345678", at=7, reason="square_off", r_multiple=-12345.0)]
    more = refused("a reason " * 30, 5)
    extra = {"settings": {f"name_{i}": "v" * 30 for i in range(20)}, "data": {long: {"reasons": ["no word " * 20, "w" * 300]}}}

    for found in (result(trades, more, **extra), result((), more, **extra), result(trades, cost_name="none")):
        assert max(map(len, render(found).splitlines())) <= 100


def test_charges_are_told_by_kind():
    costs = Breakdown(brokerage=Decimal("1.25"), stt=Decimal("0.75"))
    found = result([trade(costs=costs), trade(at=9, costs=costs), trade(at=18)])  # the third knows its total alone

    text = " ".join(render(found).split())

    assert "₹6.00 on 3 closed trades brokerage ₹2.50, STT ₹1.50, one rate for all ₹2.00" in text
    assert to_json(found)["summary"]["charges_by_kind"] == {"brokerage": 2.5, "stt": 1.5, "other": 2.0}
    assert to_json(found)["summary"]["charges"] == 6.0


def rates(likely=(), unverified=(), extrapolated=()):
    def row(kinds):
        return [{"kind": kind, "since": date(2026, 10, 1)} for kind in kinds]

    return {"rates": {"likely": row(likely), "unverified": row(unverified), "extrapolated": row(extrapolated)}}


def test_rates_that_are_not_sure_are_told_in_one_line_over_all_symbols():
    found = result(data={"X": rates(["stt", "brokerage"]), "Y": rates(["stt"], ["dp"]), "Z": {"grade": "A"}})

    assert doubts(found) == "unverified: DP charge (rule of 2026-10-01); likely: brokerage, STT"
    assert extrapolated(found) == ""
    assert "Rates in doubt      unverified: DP charge" in render(found)
    assert "EXTRAPOLATED" not in render(found)


def test_extrapolated_rates_are_told_with_the_day_they_are_of():
    found = result(data={"X": rates(extrapolated=["stamp", "stt"])}, settings={"from": date(2015, 1, 5), "to": date(2015, 1, 6)})

    assert extrapolated(found) == (
        "charges are extrapolated: the tables do not know all days of 2015-01-05 to 2015-01-06; "
        "taken are STT, stamp duty of 2026-10-01"
    )
    assert "EXTRAPOLATED        charges are extrapolated" in render(found)
    ipft = {"rates": {"likely": [], "unverified": [], "extrapolated": [{"kind": "ipft", "since": date(2023, 4, 1)}]}}
    both = extrapolated(replace(found, data={**found.data, "Y": ipft}))
    assert both.endswith("taken are STT, stamp duty of 2026-10-01; IPFT of 2023-04-01")


def test_json_is_plain_and_complete():
    whole = to_json(
        result([trade(r_multiple=nan)], refused("cost", 2), settings={"rule": "original"}, data={"X": {"grade": "A"}})
    )

    assert list(whole) == ["schema", "summary", "trades", "settings", "data"]
    assert whole["schema"] == 1
    row = whole["trades"][0]
    assert row["entry_ts"] == OPEN
    assert type(row["entry_ts"]) is int
    assert (row["pnl_net"], row["charges"], row["pnl_gross"]) == (10.0, 2.0, 12.0)
    assert row["r_multiple"] is None
    assert (row["poc"], row["levels"], row["side"]) == (100.0, "rolling", "long")
    assert row["fills"] == [{"seq": OPEN + 1, "ts": OPEN, "price": 100.0, "qty": 10, "reason": "entry", "source": "ticks"}]
    assert whole["summary"]["funnel"] == {"signals": 2, "taken": 0, "refused": {"cost": 2}}
    assert whole["summary"]["by_side"] == {"long": {"trades": 1, "wins": 1, "net": 10.0, "win_rate": 1.0, "r_mean": None}}


def test_json_text_is_ascii_without_nan_and_the_same_again():
    found = result([trade(symbol="₹", mae=nan, mfe=inf)], settings={"b": 1, "a": np.float64("nan"), "s": {3, 1}})

    text = dumps(found)

    assert text.isascii()
    assert text == dumps(found)
    assert json.loads(text)["settings"] == {"a": None, "b": 1, "s": [1, 3]}
    assert json.loads(text)["trades"][0]["mfe"] is None


def test_json_keeps_nanoseconds_exact():
    ts = OPEN + 123_456_789

    assert json.loads(dumps(result([trade(entry_ts=ts)])))["trades"][0]["entry_ts"] == ts


def test_path_is_refused_in_a_result():
    with pytest.raises(TypeError, match="has no place in a result"):
        dumps(result(settings={"store": Path("auction.db")}))


def test_csv_reads_back():
    lines = list(csv_lines([trade(symbol='A,"B"', mae=nan), trade("-3", at=9, exit_ts=0, reason="open")]))

    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))

    assert [r["symbol"] for r in rows] == ['A,"B"', "NSE_EQ|X"]
    assert rows[0]["mae"] == ""
    assert (rows[0]["entry_ts"], rows[0]["entry_time"]) == (str(OPEN), "2025-12-15T09:15:00.000+05:30")
    assert (rows[1]["exit_ts"], rows[1]["exit_time"], rows[1]["pnl_net"]) == ("0", "", "-3")


def test_csv_of_no_trades_has_the_same_header():
    assert list(csv_lines([])) == list(csv_lines([trade()]))[:1]
