"""Price steps, lots, largest quantities, bands, expiries and rates around their changes; and every table around every change."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from auction_bt.market.dated import OutsideKnownDates, load
from auction_bt.market.day import time_of
from auction_bt.market.expiries import expiries_of, next_expiry, underlyings
from auction_bt.market.limits import Halt, OrderRates, band_of, freeze_of, halt_of, lot_of, order_rates, tick_of

TABLES = {
    "sessions": ("class", "phase"), "square_off": ("class",), "ticks": ("class", "up_to"), "lots": ("underlying",),
    "freeze": ("underlying",), "bands": ("kind",), "halts": ("level", "before"), "order_rates": ("group",),
    "expiries": ("underlying", "series"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_every_rule_holds_from_its_day_on_and_not_the_day_before(name):
    table = load(name, *TABLES[name])
    assert table.rules
    for rule in table.rules:
        assert rule.source
        assert table.on(rule.valid_from, **rule.keys) is rule
        before = table.find(rule.valid_from - timedelta(1), **rule.keys)
        assert before is None or dict(before.values) != dict(rule.values) or before.certainty != rule.certainty
        if rule.valid_to is not None:
            assert table.on(rule.valid_to, **rule.keys) is rule
            assert table.find(rule.valid_to + timedelta(1), **rule.keys) is not rule


@pytest.mark.parametrize("name", TABLES)
def test_nothing_is_sure_that_was_not_read_at_its_source(name):
    hearsay = ("press", "broker", "remembered", "not known", "not read", "a copy")
    rules = load(name, *TABLES[name]).rules
    assert not [rule.source for rule in rules if rule.certainty == "sure" and any(word in rule.source for word in hearsay)]


@pytest.mark.parametrize(
    ("of_class", "close", "day", "tick"),
    [
        ("cash", "249.95", "2024-06-09", "0.05"),
        ("cash", "249.95", "2024-06-10", "0.01"),
        ("cash", "250", "2026-01-01", "0.05"),
        ("cash", "1000", "2026-01-01", "0.05"),
        ("cash", "1000.05", "2025-04-14", "0.05"),
        ("cash", "1000.05", "2025-04-15", "0.10"),
        ("cash", "5000", "2025-04-15", "0.10"),
        ("cash", "5000.50", "2025-04-15", "0.50"),
        ("cash", "10000.50", "2025-04-15", "1.00"),
        ("cash", "20001", "2025-04-15", "5.00"),
        ("index_future", "15000", "2026-01-01", "0.05"),
        ("index_future", "26000", "2025-04-14", "0.05"),
        ("index_future", "26000", "2025-04-15", "0.10"),
        ("index_future", "58000", "2026-01-01", "0.20"),
        ("stock_option", "249", "2025-11-02", "0.05"),
        ("stock_option", "249", "2025-11-03", "0.01"),
        ("stock_option", "250", "2025-11-03", "0.05"),
        ("index_option", "58000", "2026-01-01", "0.05"),
    ],
)
def test_price_steps(of_class, close, day, tick):
    assert tick_of(of_class, Decimal(close), date.fromisoformat(day)) == Decimal(tick)


@pytest.mark.parametrize(
    ("underlying", "expiry", "lot"),
    [
        ("NIFTY", "2020-07-30", 75), ("NIFTY", "2025-12-30", 75), ("NIFTY", "2026-01-06", 65), ("BANKNIFTY", "2025-12-30", 35),
        ("BANKNIFTY", "2026-01-27", 30), ("FINNIFTY", "2026-01-27", 60), ("MIDCPNIFTY", "2026-01-27", 120),
        ("SENSEX", "2026-11-26", 20),
        ("HDFCBANK", "2026-06-30", 550), ("HDFCBANK", "2026-07-28", 650), ("TATASTEEL", "2026-04-28", 5500),
        ("TATASTEEL", "2026-05-26", 2750),
    ],
)  # fmt: skip
def test_lots_are_those_of_the_contracts_expiry(underlying, expiry, lot):
    assert int(lot_of(underlying, date.fromisoformat(expiry))["lot"]) == lot


def test_largest_quantities_bands_and_rates():
    assert [int(freeze_of("BANKNIFTY", date(2026, 8, d))["quantity"]) for d in (2, 3)] == [900, 600]
    lists = [freeze_of("NIFTY", date(2026, *d)) for d in ((8, 31), (9, 1))]
    assert [(rule["quantity"], rule.certainty.value) for rule in lists] == [("1800", "sure"), ("1800", "unverified")]
    assert band_of("fno_stock", date(2026, 1, 1))["flex"] == "9.90"
    assert order_rates("orders", date(2026, 11, 25)) == OrderRates(10, 500, 2000)
    assert order_rates("exchange", date(2026, 11, 25)) == OrderRates(10, None, None)
    with pytest.raises(OutsideKnownDates, match=r"market/freeze.csv knows NIFTY from 2026-08-03, not on 2026-08-02"):
        freeze_of("NIFTY", date(2026, 8, 2))
    with pytest.raises(OutsideKnownDates, match="nothing of GOLD"):
        lot_of("GOLD", date(2026, 8, 2))


@pytest.mark.parametrize(
    ("level", "at", "halt"),
    [
        (10, "12:59", Halt(45, False)), (10, "13:00", Halt(15, False)), (10, "14:30", Halt(0, False)),
        (15, "12:59", Halt(105, False)),
        (15, "13:59", Halt(45, False)), (15, "14:00", Halt(0, True)), (20, "09:30", Halt(0, True)),
    ],
)  # fmt: skip
def test_market_wide_halts(level, at, halt):
    assert halt_of(level, time_of(at), date(2026, 3, 2)) == halt


# --- expiries; the lists are of exchange circulars and of one other library

MONTHLY_2026 = {
    "NIFTY": "01-27 02-24 03-30 04-28 05-26 06-30 07-28 08-25 09-29 10-27 11-23 12-29",
    "NSE_STOCKS": "01-27 02-24 03-30 04-28 05-26 06-30 07-28 08-25 09-29 10-27 11-23 12-29",
    "SENSEX": "01-29 02-26 03-25 04-30 05-27 06-25 07-30 08-27 09-24 10-29 11-26 12-31",
}


@pytest.mark.parametrize("underlying", MONTHLY_2026)
def test_monthly_expiries_of_2026(underlying):
    found = [day for month in range(1, 13) for day in expiries_of(underlying, "monthly", 2026, month)]
    assert [f"{day:%m-%d}" for day in found] == MONTHLY_2026[underlying].split()


@pytest.mark.parametrize(
    ("underlying", "moved"),
    [
        ("NIFTY", "2025-10-20 2026-03-02 2026-03-30 2026-04-13 2026-10-19 2026-11-09 2026-11-23"),
        ("SENSEX", "2025-10-01 2025-12-24 2026-01-14 2026-03-25 2026-05-27"),
    ],
)
def test_weekly_expiries_move_before_what_is_no_whole_trading_day(underlying, moved):
    months = [(2025, m) for m in range(9, 13)] + [(2026, m) for m in range(1, 13)]
    found = [day for year, month in months for day in expiries_of(underlying, "weekly", year, month)]
    usual = 1 if underlying == "NIFTY" else 3
    assert " ".join(str(day) for day in found if day.weekday() != usual) == moved
    assert found[0] == date(2025, 9, 2 if underlying == "NIFTY" else 4)


@pytest.mark.parametrize(
    ("underlying", "year", "month", "expected"),
    [
        ("NIFTY", 2024, 11, "2024-11-28"),
        ("BANKNIFTY", 2024, 12, "2024-12-24"),  # the last Wednesday was Christmas
        ("MIDCPNIFTY", 2024, 5, "2024-05-27"),
        ("NIFTY", 2023, 6, "2023-06-28"),
        ("NIFTY", 2025, 8, "2025-08-28"),
        ("SENSEX", 2025, 1, "2025-01-28"),
    ],
)
def test_monthly_expiries_of_before(underlying, year, month, expected):
    assert expiries_of(underlying, "monthly", year, month) == [date.fromisoformat(expected)]


def test_a_whole_saturday_counts_for_expiries_and_a_split_one_does_not():
    monday_of_january, monday_of_may = date(2024, 1, 22), date(2024, 5, 20)
    assert expiries_of("MIDCPNIFTY", "monthly", 2024, 1) == [date(2024, 1, 29)]
    from auction_bt.market.expiries import shifted

    assert shifted(monday_of_january) == date(2024, 1, 20)
    assert shifted(monday_of_may) == date(2024, 5, 17)
    assert shifted(date(2025, 10, 21)) == date(2025, 10, 20)  # muhurat


def test_the_next_expiry_and_the_end_of_what_is_known():
    assert next_expiry("NIFTY", "weekly", date(2026, 11, 24)) == date(2026, 12, 1)
    assert next_expiry("NIFTY", "monthly", date(2026, 11, 24)) == date(2026, 12, 29)
    assert underlyings("weekly", date(2026, 11, 24)) == ["NIFTY", "SENSEX"]
    assert underlyings("weekly", date(2024, 11, 12)) == ["BANKEX", "BANKNIFTY", "NIFTY", "SENSEX", "SENSEX50"]
    assert underlyings("weekly", date(2024, 11, 19)) == ["NIFTY", "SENSEX"]
    assert expiries_of("BANKEX", "weekly", 2024, 11) == [date(2024, 11, d) for d in (4, 11, 18)]
    with pytest.raises(OutsideKnownDates, match="not 2027-01-05"):
        expiries_of("NIFTY", "weekly", 2027, 1)
    with pytest.raises(OutsideKnownDates, match=r"market/expiries.csv knows nothing of GOLD"):
        expiries_of("GOLD", "weekly", 2026, 1)
