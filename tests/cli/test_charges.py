"""The charges command: the table, the JSON, the break-even, and what it refuses."""

import json
from decimal import Decimal

import pytest

TRADE = ["charges", "--segment", "eq-intraday", "--date", "2026-11-20", "--buy", "1000", "--sell", "1010", "--qty", "100"]


def asked(run, *words):
    code, out, error = run(*words, "--json", "-")
    assert (code, error) == (0, "")
    return json.loads(out)


def test_the_table_says_each_kind_for_each_side(run):
    code, out, error = run(*TRADE)

    assert (code, error) == (0, "")
    lines = {line.split("  ")[0]: line.split()[-3:] for line in out.splitlines() if "₹" in line}
    assert lines["STT"] == ["₹0.00", "₹25.25", "₹25.25"]
    assert lines["GST"] == ["₹4.17", "₹4.18", "₹8.35"]
    assert lines["total"] == ["₹30.34", "₹52.63", "₹82.97"]
    assert "must move 0.83 points (0.083 %)" in out
    assert "net ₹917.03" in out
    assert "Rates in doubt: likely: brokerage, STT, GST" in out


def test_the_json_adds_up(run):
    found = asked(run, *TRADE[:2], "futures", *TRADE[3:5], "--buy", "25,000", "--sell", "25000", "--qty", "65")

    assert (found["schema"], found["exchange"], found["plan"], found["qty"], found["orders"]) == (1, "NSE", "upstox", 65, 1)
    assert found["total"] == 966.22
    assert found["charges"] == {
        "brokerage": 40.0, "stt": 812.5, "transaction": 59.48, "ipft": 0.0, "sebi": 3.25, "stamp": 32.5, "gst": 18.49, "dp": 0.0,
        "square_off": 0.0,
    }  # fmt: skip
    for kind, amount in found["charges"].items():
        assert Decimal(str(found["buy"][kind])) + Decimal(str(found["sell"][kind])) == Decimal(str(amount))
    assert found["doubts"] == {"brokerage": "likely", "stt": "likely", "gst": "likely"}


@pytest.mark.parametrize(("price", "qty"), [("25000", 65), ("181.35", 1300), ("24,512.4", 650)])
def test_after_a_move_of_the_break_even_nothing_is_left_and_nothing_lost(run, price, qty):
    found = asked(run, *TRADE[:2], "futures", *TRADE[3:5], "--buy", price, "--sell", price, "--qty", str(qty))

    # By hand, from the rates of the day: the sale at the higher price pays a little more than the one asked about.
    bought = float(price.replace(",", "")) * qty
    sold = bought + found["break_even_points"] * qty
    fees = 2 * min(20, 0.0005 * bought) + (bought + sold) * (183 + 10) / 1e7
    cost = fees * 1.18 + sold * 0.0005 + bought * 0.00002
    assert sold - bought == pytest.approx(cost, abs=0.001 * cost + 0.05)


def test_orders_and_freeze_quantity_pay_brokerage_each(run):
    assert asked(run, *TRADE, "--orders", "3")["charges"]["brokerage"] == 120
    frozen = asked(run, *TRADE, "--freeze", "40")
    assert (frozen["orders"], frozen["charges"]["brokerage"]) == (3, 120)
    assert asked(run, *TRADE, "--orders", "100")["charges"]["brokerage"] == 201.0  # 0.1 % of each share by itself, 1.00 and 1.01


def test_a_plan_an_exchange_and_what_an_option_is_on(run):
    option = [*TRADE[:2], "options", *TRADE[3:], "--exchange", "BSE"]
    assert asked(run, *TRADE, "--plan", "upstox-api")["charges"]["brokerage"] == 40
    assert asked(run, *option)["charges"]["transaction"] == 65.33  # 0.0325 % of 2,01,000
    assert asked(run, *option, "--underlying", "SENSEX50")["charges"]["transaction"] == 10.05


def test_what_shares_are_of_changes_nothing_and_is_refused(run):
    code, out, error = run(*TRADE, "--underlying", "SENSEX50")
    assert (code, out) == (2, "")
    assert error == "auction_bt: --underlying is for options: eq-intraday is charged alike whatever it is of\n"


def test_a_closed_day_is_noted(run):
    told = "2026-11-21 is no trading day (Saturday)"
    assert f"Note: {told}" in run(*TRADE, "--date", "2026-11-21")[1]
    assert asked(run, *TRADE, "--date", "2026-11-21")["notes"] == [told]
    assert asked(run, *TRADE, "--date", "2026-12-25")["notes"] == ["2026-12-25 is no trading day (Christmas)"]
    assert asked(run, *TRADE)["notes"] == []


def test_rounding_as_on_a_note(run):
    found = asked(run, *TRADE, "--rounding", "note")

    assert (found["charges"]["stt"], found["charges"]["stamp"], found["total"]) == (25, 3, 82.72)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--buy", "0"], "--buy '0' is no price: give rupees above 0"),
        (["--sell", "nan"], "--sell 'nan' is no price"),
        (["--sell", "ten"], "--sell 'ten' is no price"),
        (["--qty", "1.5"], "--qty '1.5' is no number: give a whole number from 1 to"),
        (["--qty", "-1"], "--qty '-1' is no number"),
        (["--qty", "٣"], "is no number"),
        (["--date", "20-11-2026"], "'20-11-2026' is no date of a market: write YYYY-MM-DD"),
        (["--date", "2019-11-20"], "table market/brokerage.csv knows upstox eq-intraday from 2020-07-01, not on 2019-11-20"),
        (["--date", "2030-06-20"], "from 2019-01-01 to 2026-12-31, not 2030-06-20"),
        (["--date", "1989-11-20"], "1989-11-20 is no date of a market: its year must be 1990 to 2199"),
        (["--orders", "101"], "--orders 101 is more than the 100 shares there are"),
        (["--freeze", "3"], "100 shares make 34 orders of at most 3, and a request may have 25"),
        (["--freeze", "30", "--orders", "2"], "not allowed with argument"),
        (["--segment", "gold"], "invalid choice: 'gold'"),
        (["--plan", "zero"], "invalid choice: 'zero'"),
    ],
)
def test_what_cannot_be_used_is_one_line(bad, words, says):
    assert says in bad(*TRADE, *words)
