from dataclasses import replace
from decimal import Decimal
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.decision import Decision
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, SECOND_NS
from auction_bt.core.trade import EXIT_REASONS, Fill, Levels, Side, Trade
from auction_bt.explain import EXITS, explain
from auction_bt.wording import quantity_of

OPEN = 1_765_770_300 * SECOND_NS  # 2025-12-15 09:15 IST
LEVELS = Levels(25_950.0, 25_980.0, 25_920.0, "rolling")
AT = OPEN + 60 * MINUTE_NS
TICK = Decimal("0.10")
TRADE = Trade(
    symbol="NSE_FO|51502", signal_symbol="NSE_FO|51502", side=Side.LONG, setup="fade", regime="balanced", levels=LEVELS, qty=150,
    entry_ts=AT, entry_seq=AT, entry_price=25_918.0, exit_ts=AT + 9 * MINUTE_NS, exit_seq=AT + 9 * MINUTE_NS, exit_price=25_950.0,
    stop=25_908.0, reason="target1", pnl_gross=Decimal(4800), charges=Decimal("812.35"), pnl_net=Decimal("3987.65"), mae=4.0,
    mfe=33.0, r_multiple=2.66,
    fills=(Fill(AT, AT, 25_918.0, 150, "entry"), Fill(AT + 9 * MINUTE_NS, AT + 9 * MINUTE_NS, 25_950.0, 150, "target1", "bars")),
)  # fmt: skip
EVIDENCE = {
    "close": 25_918.0, "atr": 8.5, "balance": 0.0, "rho": 0.12, "bc": 0.4, "po_range": 0.05, "expected": 32.0, "cost": 5.4,
    "stop_distance": 10.0, "r": 3.2, "quality": 0.97, "equity": 1_000_000.0, "risk": 5_000.0,
}  # fmt: skip
DECISION = Decision(
    AT, AT, "NSE_FO|51502", "enter", Side.LONG, "fade", "balanced", LEVELS, "", 150, 25_908.0, ((25_950.0, 150),), EVIDENCE
)


def story(trade=TRADE, decision=DECISION):
    return "\n".join(explain(trade, decision, TICK))


def test_a_derivative_is_counted_in_lots():
    option = Instrument("NSE_FO|51502", TICK, 75, Kind.OPTION)
    text = "\n".join(explain(TRADE, DECISION, TICK, quantity_of(option)))
    assert "bought qty 150 (2 lots) of NSE_FO|51502" in text
    assert "Size: qty 150 (2 lots), as a stop" in text
    assert " for qty 150 (2 lots)." in text
    assert quantity_of(option)(75) == "qty 75 (1 lot)"
    assert (quantity_of(option)(100), quantity_of(replace(option, lot=1))(100)) == ("qty 100", "qty 100")
    assert quantity_of(None)(0) == "qty 0"
    assert quantity_of(replace(option, kind=Kind.EQUITY))(1) == "1 share"


def test_story_goes_from_what_was_seen_to_the_money():
    starts = [line.split(":")[0] for line in explain(TRADE, DECISION, TICK) if not line.startswith(" ")]

    assert starts == [
        "Trade (long)", "Profile (rolling window, the bar decided on not included)", "Regime", "Signal", "Filters passed", "Stop",
        "Size", "Targets", "Fill", "Fill", "Why out", "Money", "On the way (MAE, MFE)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        "bought 150 shares of NSE_FO|51502 on 15 Dec 2025 at 10:15:00 IST",
        "25,950.0, the POC; value reached from 25,920.0 (VAL) to 25,980.0 (VAH)",
        "the POC stood at its middle",
        "rho 0.12 (balanced up to 0.60), BC 0.40 (balanced up to 0.56), PO_range 0.05",
        "closed at 25,918.0, at or below the VAL of 25,920.0; the average bar spans 8.5 (ATR)",
        "₹32.00 a share, 5.9 times the round-trip cost of ₹5.40 a share",
        "Distance to the stop: ₹10.00 a share, 1.9 times the round-trip cost",
        "3.20 times as far as the stop",
        "97.0 %",
        "risked ₹1,500.00",
        "Size: 150 shares, as a stop with its costs then loses about ₹5,000.00 (0.50 % of the equity of ₹10,00,000.00)",
        "10:15:00.000 IST bought 150 at 25,918.0 (entry, on a tick)",
        "10:24:00.000 IST sold 150 at 25,950.0 (target1, only the bar was known, so by the pessimistic rule)",
        "gross +₹4,800.00, charges ₹812.35, net +₹3,987.65, +2.66 R",
        "at worst ₹4.00 a share against (−0.40 R), at best ₹33.00 a share in favour (+3.30 R)",
    ],
)
def test_story_gives_the_figures(said):
    assert said in story()


def test_short_is_sold_first_and_bought_back():
    text = story(replace(TRADE, side=Side.SHORT), None)

    assert "sold short 150 shares" in text
    assert "IST sold 150 at 25,918.0 (entry" in text
    assert "IST bought 150 at 25,950.0 (target1" in text


@pytest.mark.parametrize("reason", [*EXIT_REASONS, "open"])
def test_every_exit_reason_has_its_sentence(reason):
    assert f"Why out: {EXITS[reason]}." in story(replace(TRADE, reason=reason))


def test_lost_decision_is_said_and_not_invented():
    text = story(decision=None)

    assert "the entry decision was not kept" in text
    assert "Expected move" not in text


def test_missing_and_undefined_evidence_leaves_its_lines_out():
    text = story(decision=replace(DECISION, evidence={"close": nan, "expected": 3.0}))

    assert "closed at" not in text
    assert "₹3.00 a share." in text
    assert "Distance to the stop" not in text
    assert "–" not in text


def test_free_trade_divides_by_no_cost():
    assert "₹32.00 a share." in story(decision=replace(DECISION, evidence=EVIDENCE | {"cost": 0.0}))


def test_levels_of_the_session_before_are_named():
    assert "the previous session's final levels" in story(replace(TRADE, levels=replace(LEVELS, source="prior")))


def test_average_price_between_two_ticks_keeps_its_digits():
    assert "from the entry at 25,918.033" in story(replace(TRADE, entry_price=25_918.0333))


def test_fill_of_a_later_day_names_the_day():
    later = replace(TRADE.fills[1], ts=AT + 1440 * MINUTE_NS)

    assert "Fill: 16 Dec 2025 10:15:00.000 IST sold" in story(replace(TRADE, fills=(TRADE.fills[0], later)))


def test_option_bought_on_the_signal_of_its_underlying_says_so():
    assert "Signal read from: NSE_INDEX|Nifty 50" in story(replace(TRADE, signal_symbol="NSE_INDEX|Nifty 50"))


def test_pullback_names_the_side_of_value_it_was_in():
    bull = replace(DECISION, setup="pullback", evidence=EVIDENCE | {"close": 25_940.0})

    assert "between the VAL of 25,920.0 and the POC of 25,950.0" in story(replace(TRADE, setup="pullback", regime="bull"), bull)


def test_trade_of_a_stock_strategy_has_a_short_story():
    bare = replace(TRADE, setup="", regime="", levels=Levels(nan, nan, nan, ""), stop=nan, r_multiple=nan)

    text = story(bare, None)

    assert "no levels are recorded" in text
    assert "–" not in text
    assert "nan" not in text


any_number = st.floats(-1e12, 1e12) | st.sampled_from([nan, inf, -inf])


@given(
    st.dictionaries(st.sampled_from(sorted(EVIDENCE)), any_number),
    any_number,
    any_number,
    st.sampled_from(Side),
    st.sampled_from(["fade", "pullback", "new"]),
)
def test_no_evidence_and_no_price_breaks_the_story(evidence, stop, poc, side, setup):
    trade = replace(TRADE, stop=stop, side=side, setup=setup, levels=replace(LEVELS, poc=poc))

    lines = explain(trade, replace(DECISION, evidence=evidence), TICK)

    assert all(line and "nan" not in line and "inf" not in line for line in lines)
