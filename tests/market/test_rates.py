"""The tables of charges: what holds on the day before a change and on the day itself, and what is said outside of them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from auction_bt.brokers.indian import indian_charges
from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import from_date
from auction_bt.core.tariff import Exchange, Segment
from auction_bt.market.dated import OutsideKnownDates, load
from auction_bt.market.rates import plans, rates_on, tariff

CRORE = 10_000_000
SHARES = (("eq-intraday", "0.1"), ("futures", "0.05"), ("options", None))
LAST = date(2099, 12, 31)
EQ, FUT, OPT = Segment.INTRADAY, Segment.FUTURES, Segment.OPTIONS
# what, segment: (from, rupees a crore of turnover on the side that pays), in order
CHANGES = {
    ("stt", FUT): [("2020-07-01", 1000), ("2023-04-01", 1250), ("2024-10-01", 2000), ("2026-04-01", 5000)],
    ("stt", OPT): [("2020-07-01", 5000), ("2023-04-01", 6250), ("2024-10-01", 10_000), ("2026-04-01", 15_000)],
    ("stt", EQ): [("2020-07-01", 2500)],
    ("stt", Segment.DELIVERY): [("2020-07-01", 10_000)],
    ("exercise", OPT): [("2020-07-01", 12_500), ("2026-04-01", 15_000)],
    ("transaction", EQ): [("2020-07-01", 325), ("2021-01-01", 345), ("2023-04-01", 325), ("2024-04-01", 322),
                          ("2024-10-01", 297), ("2026-03-01", "306.99")],
    ("transaction", FUT): [("2020-07-01", 190), ("2021-01-01", 200), ("2023-04-01", 190), ("2024-04-01", 188),
                           ("2024-10-01", 173), ("2026-03-01", "182.99")],
    ("transaction", OPT): [("2020-07-01", 5000), ("2021-01-01", 5300), ("2023-04-01", 5000), ("2024-04-01", 4950),
                           ("2024-10-01", 3503), ("2026-03-01", 3552)],
    ("ipft", EQ): [("2020-07-01", "0.01"), ("2023-04-01", 10), ("2026-03-01", "0.01")],
    ("ipft", FUT): [("2020-07-01", "0.01"), ("2023-04-01", 10), ("2026-03-01", "0.01")],
    ("ipft", OPT): [("2020-07-01", "0.01"), ("2023-04-01", 50), ("2026-03-01", 1)],
    ("sebi", EQ): [("2020-07-01", 5), ("2021-04-01", 10)],
    ("stamp", Segment.DELIVERY): [("2020-07-01", 1500)],
    ("stamp", EQ): [("2020-07-01", 300)],
    ("stamp", FUT): [("2020-07-01", 200)],
    ("stamp", OPT): [("2020-07-01", 300)],
}  # fmt: skip
SPANS = [
    (kind, segment, date.fromisoformat(begin), last, Decimal(value))
    for (kind, segment), steps in CHANGES.items()
    for (begin, value), last in zip(
        steps, [date.fromisoformat(b) - timedelta(1) for b, _ in steps[1:]] + [LAST], strict=True
    )
]  # fmt: skip


@pytest.mark.parametrize(("kind", "segment", "first", "last", "value"), SPANS, ids=str)
def test_each_rate_holds_from_its_first_day_to_its_last(kind, segment, first, last, value):
    for day in (first, last):
        rates = rates_on(day, segment, Exchange.NSE)
        if kind == "exercise":
            assert rates.exercise * CRORE == value
        else:
            assert max(getattr(rates, kind).buy, getattr(rates, kind).sell) * CRORE == value


def test_no_change_in_the_table_is_left_out_above():
    rows = load("charges", "charge", "exchange", "segment").rules
    known = {(k, s.value, b) for k, s, b, _, _ in SPANS} | {(k, "equity", b) for k, s, b, _, _ in SPANS if s is EQ}
    known |= {("sebi", "all", b) for k, _, b, _, _ in SPANS if k == "sebi"}
    found = {(r.keys["charge"], r.keys["segment"], r.valid_from) for r in rows if r.keys["exchange"] != "BSE"}

    assert {f for f in found if f[0] not in {"gst", "dp", "square_off"}} <= known


@pytest.mark.parametrize(
    ("plan", "segment", "day", "flat", "percent"),
    [
        ("upstox", "eq-intraday", LAST, 20, "0.1"),
        ("upstox", "futures", LAST, 20, "0.05"),
        ("upstox", "options", LAST, 20, None),
        ("upstox", "eq-delivery", LAST, 20, None),
        *[("upstox-api", s, date(2024, 12, 31), 20, p) for s, p in SHARES],
        *[("upstox-api", s, d, 10, None) for s, _ in SHARES
          for d in (date(2025, 1, 1), date(2025, 12, 31), date(2026, 1, 1), date(2026, 9, 30))],
        *[("upstox-api", s, date(2026, 10, 1), 20, p) for s, p in SHARES],
        ("upstox-api", "eq-delivery", date(2026, 9, 30), 20, None),
    ],
)  # fmt: skip
def test_brokerage_by_plan(plan, segment, day, flat, percent):
    found = rates_on(day, Segment(segment), Exchange.NSE, plan).brokerage

    assert (found.flat, found.share) == (flat, Decimal(percent) / 100 if percent else None)


@pytest.mark.parametrize(
    ("day", "segment", "exchange", "says"),
    [
        (
            date(2020, 6, 30),
            FUT,
            Exchange.NSE,
            r"market/brokerage.csv knows upstox futures from 2020-07-01, not on 2020-06-30",
        ),
        (date(2024, 9, 30), OPT, Exchange.BSE, r"table market/charges.csv knows transaction BSE options from 2024-10-01"),
        (date(2023, 3, 31), EQ, Exchange.BSE, r"table market/charges.csv knows transaction BSE equity from 2023-04-01"),
    ],
)
def test_a_day_before_the_table_is_refused_by_name(day, segment, exchange, says):
    rates_on(day + timedelta(1), segment, exchange)
    with pytest.raises(OutsideKnownDates, match=says):
        rates_on(day, segment, exchange)


def test_a_backtest_takes_the_nearest_known_rates_and_says_so():
    charges, future = indian_charges(), Instrument("NSE_FO|1", Decimal("0.05"), 65, Kind.FUTURE)
    first, old = from_date(date(2020, 7, 1)), from_date(date(2015, 1, 5))

    assert charges.of(future, 8000.0, 65, buy=False, day=old) == charges.of(future, 8000.0, 65, buy=False, day=first)
    assert {n.kind for n in charges.notes(future, [old]) if n.extrapolated} == {
        "brokerage", "stt", "transaction", "ipft", "sebi", "stamp", "gst",
    }  # fmt: skip
    assert not any(n.extrapolated for n in charges.notes(future, [first]))


def test_of_bse_that_alone_is_extrapolated_which_is_not_known():
    option = Instrument("BSE_FO|1", Decimal("0.05"), 20, Kind.OPTION)
    notes = indian_charges().notes(option, [from_date(date(2023, 12, 29))])

    assert {n.kind for n in notes if n.extrapolated} == {"transaction"}


def test_doubts_are_of_the_days_asked_for_alone():
    charges, future = indian_charges("upstox-api"), Instrument("NSE_FO|1", Decimal("0.05"), 65, Kind.FUTURE)
    days = [from_date(date(2026, 9, 1)), from_date(date(2026, 9, 30)), from_date(date(2026, 10, 1))]
    september, both = charges.notes(future, days[:2]), charges.notes(future, days)

    assert {n.certainty for n in september if n.kind == "brokerage"} == {"likely"}
    assert {n.certainty for n in both if n.kind == "brokerage"} == {"likely", "unverified"}
    assert "square_off" not in {n.kind for n in both}


def test_each_plan_has_a_tariff_and_no_other_name_does():
    assert plans() == ("upstox", "upstox-api")
    assert all(len(card) > 1 for plan in plans() for card in tariff(plan).cards.values())
    with pytest.raises(BadInput, match="no brokerage plan 'zero': there are upstox, upstox-api"):
        tariff("zero")
