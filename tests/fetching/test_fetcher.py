"""Fetching from a small server: the calls that are needed and no more, the waits that are needed, and what is stored."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from auction_bt.core.bar import BarColumns, Source
from auction_bt.core.errors import NothingToDo
from auction_bt.core.instrument import Contract, Instrument, Kind
from auction_bt.core.ist import IST, day_start
from auction_bt.core.tick import TickColumns
from auction_bt.fetching.candle_api import TokenNeeded, Unreachable
from auction_bt.store import RawMessage
from tests.broker.server import LIMITS
from tests.dsns import new_dsn  # noqa: F401  fixtures are found by name
from tests.fetching.made import KEY, day, days


def test_two_years_of_one_symbol_are_twenty_four_calls_and_no_wait(full):
    report = full.fetch("2024-01-01", "2025-12-31")
    assert (report.calls, len(full.broker.calls), full.clock.waits) == (24, 24, [])
    assert (report.days, report.candles, report.stored) == (523, 523 * 375, 523 * 375)
    assert (report.short, report.missing, report.before, report.remarks) == ((), (), 0, ())
    assert full.rows() == full.expected("2024-01-01", "2025-12-31")
    months = [path.split("/")[-1][:7] for path, _ in full.broker.calls]
    assert months == sorted(months)
    assert all(token is None for _, token in full.broker.calls)
    again = full.fetch("2024-01-01", "2025-12-31")
    assert (again.calls, again.stored, again.days) == (0, 0, 523)
    assert full.fetch("2024-01-01", "2026-01-02").calls == 1  # what is new alone


def test_many_calls_take_the_time_the_rate_limits_demand_and_are_never_refused(bench):
    bench.broker.market.minutes = 1
    begin, calls = bench.clock.now, 1_968  # two years of 82 symbols
    api = bench.api()
    assert all(len(api.history(f"NSE_EQ|S{i}", days("2024-01-01", "2024-01-05"))) == 5 for i in range(calls))
    assert (len(bench.broker.calls), bench.broker.refused) == (calls, 0)
    # 1,900 in half an hour: the last 68 wait for it.
    assert 1800 <= bench.clock.now - begin < 1802
    for span, most in LIMITS:
        assert max(sum(t <= u < t + span for u in bench.broker.times) for t in bench.broker.times[::45]) <= most


@pytest.mark.parametrize("fault", [429, 500, 503, "reset", "cut", "garbage"])
def test_what_may_pass_is_asked_again_later_and_later(bench, fault):
    bench.broker.faults = dict.fromkeys((1, 2, 3, 5), fault)
    report = bench.fetch("2024-01-01", "2024-02-29")
    assert (report.failed, report.calls) == ("", 6)
    assert bench.clock.waits == [1, 2, 4, 1]
    assert bench.rows() == bench.expected("2024-01-01", "2024-02-29")


@pytest.mark.parametrize(
    ("fault", "said"), [(503, "503 UDAPI100500 Told to fail"), ("reset", "reset by peer"), ("garbage", "what")]
)
def test_what_does_not_pass_fails_this_symbol_in_one_line_and_is_taken_up_later(bench, fault, said):
    bench.broker.faults = dict.fromkeys(range(2, 9), fault)
    bad, good = bench.fetch("2024-01-01", "2024-02-29", KEY, "NSE_EQ|OTHER")
    assert said in bad.failed
    assert bad.failed.startswith(f"{KEY}: no answer after 7 tries (")
    assert "\n" not in bad.failed
    assert (bad.days, good.failed, good.days) == (23, "", 44)
    assert bench.fetch("2024-01-01", "2024-02-29").calls == 1


def test_a_broker_that_never_answered_is_given_up_soon_and_told_of(bench):
    bench.broker.faults = dict.fromkeys(range(1, 99), "reset")
    told = []
    bench.tell = told.append

    with pytest.raises(Unreachable, match=r"no answer from http://\S+ after 4 tries \(.*reset by peer.*\): check the line"):
        bench.fetch("2024-01-01", "2024-02-29", KEY, "NSE_EQ|OTHER")

    assert [line.rpartition(": ")[2] for line in told] == [f"trying again in {s} s" for s in (1, 2, 4)]


def test_a_limit_that_others_have_used_up_is_waited_for(bench):
    bench.broker.faults = dict.fromkeys(range(1, 33), 429)
    report = bench.fetch("2024-01-01", "2024-01-31")
    assert (report.failed, report.calls) == ("", 33)
    assert 1500 < sum(bench.clock.waits) < 2000


def test_a_refusal_is_told_with_the_brokers_words_and_asked_once(bench):
    bad, good = bench.fetch("2024-01-01", "2024-01-31", "NSE_EQ|BAD", KEY)
    assert bad.failed == "NSE_EQ|BAD: the broker refuses (400 UDAPI1087 One or more instrument keys are invalid)"
    assert (bad.calls, good.calls, good.days) == (1, 1, 23)
    with bench.store() as store:
        assert [i.symbol for i in store.instruments()] == [KEY]


def test_a_token_is_sent_where_it_is_asked_for_and_from_then_on(bench):
    bench.broker.token = "T"
    with pytest.raises(TokenNeeded, match=r"wants an access token \(401 UDAPI100050 .*\): set TOKEN to one of today"):
        bench.fetch("2024-01-01", "2024-02-29")
    bench.token = "old"
    with pytest.raises(TokenNeeded, match=r"refuses the token of TOKEN \(401 .*03:30"):
        bench.fetch("2024-01-01", "2024-02-29")
    bench.token = "T"
    bench.broker.calls.clear()
    assert bench.fetch("2024-01-01", "2024-02-29").days == 44
    assert [token for _, token in bench.broker.calls] == [None, "Bearer T", "Bearer T"]
    assert bench.clock.waits == []


def test_an_expired_contract_is_asked_for_where_those_are_kept(bench):
    key = "NSE_FO|47983|17-04-2025"
    report = bench.fetch("2025-03-01", "2025-06-30", key)
    assert [path.split("/")[2] for path, _ in bench.broker.calls] == ["expired-instruments"] * 2
    assert (report.days, report.failed) == (34, "")
    assert bench.rows(key) == bench.expected("2025-03-01", "2025-04-17", key)
    bench.broker.plus = False
    failed = bench.fetch("2025-03-01", "2025-06-30", "NSE_FO|47984|17-04-2025").failed
    assert "for the plan Upstox Plus, and this account lacks it (403" in failed


def test_sessions_are_counted(full):
    market = full.broker.market
    market.missing[KEY, date(2025, 3, 4)] = {7, 8, 9, 374}
    market.silent.add((KEY, date(2025, 3, 6)))
    market.holidays.add(date(2025, 3, 14))
    is_open = lambda d: d % 7 not in {2, 3} and d != day("2025-03-14")  # noqa: E731
    report = full.fetch("2025-03-01", "2025-03-31", is_trading_day=is_open)
    assert report.short == ((day("2025-03-04"), 371, 375),)
    assert report.missing == (day("2025-03-06"),)
    assert report.lines() == [
        f"{KEY}: 1 call; 19 days with 7,121 candles, 7,121 stored now",
        "  equity (inferred), tick 0.05 (inferred), lot 1 (inferred)",
        "  2025-03-04: 371 of 375 minutes", "  2025-03-06: missing"]  # fmt: skip
    assert full.fetch("2025-03-01", "2025-03-31").lines() == [
        f"{KEY}: nothing left to ask for; 19 days with 7,121 candles, 0 stored now",
        "  2025-03-04: 371 of 375 minutes", "  2025-03-06: missing"]  # fmt: skip


def test_days_before_the_first_candle_are_told_in_one_line(bench):
    bench.broker.market.silent = {(KEY, date(2025, 3, d)) for d in range(1, 11)}
    report = bench.fetch("2025-03-01", "2025-03-31")
    assert (report.before, report.missing) == (6, ())
    assert "  no candles before 2025-03-11: 6 trading days" in report.lines()
    bench.broker.market.silent = {("NSE_EQ|NONE", date(2025, 3, d)) for d in range(1, 32)}
    assert "  no candles at all: 21 trading days" in bench.fetch("2025-03-01", "2025-03-31", "NSE_EQ|NONE").lines()


def test_many_days_with_gaps_are_shown_in_part(bench):
    bench.options["session_minutes"] = lambda instrument, day: 11
    lines = bench.fetch("2025-03-03", "2025-03-31").lines()
    assert len(lines) == 13
    assert lines[-1] == "  and 11 more days with gaps"


def test_damaged_candles_are_counted_and_the_rest_is_stored(bench):
    d = date(2025, 3, 4)
    bench.broker.market.damaged[KEY, d] = [
        lambda c: [c[0], c[1], c[3] - 1, *c[3:]], lambda c: [*c[:5], -5, 0], lambda c: ["2025-03-20T00:00:00+05:30", *c[1:]],
    ]  # fmt: skip
    report = bench.fetch("2025-03-03", "2025-03-07")
    assert report.candles == report.stored == 47
    assert len(report.remarks) == 3
    assert report.short == ((day("2025-03-04"), 7, 10),)
    good = [c for c in bench.expected("2025-03-03", "2025-03-07") if c[0][:16] not in
            {"2025-03-20T00:00", "2025-03-04T09:15", "2025-03-04T09:16", "2025-03-04T09:17"}]  # fmt: skip
    assert bench.rows() == good


def test_a_session_on_a_saturday_comes_with_its_month(bench):
    market = bench.broker.market
    market.is_open = lambda key, d: d.weekday() < 5 or d == date(2024, 1, 20)
    assert bench.fetch("2024-01-01", "2024-01-31").days == 24
    with pytest.raises(NothingToDo, match="no trading day"):
        bench.fetch("2024-01-21", "2024-01-21")


def test_today_comes_from_the_intraday_call_without_the_open_minute_and_is_settled_by_the_history(full):
    today = "2026-01-07"
    report = full.fetch("2026-01-05", today)
    assert [path.split("/")[3] for path, _ in full.broker.calls] == ["NSE_EQ%7CINE002A01018", "intraday"]
    assert full.rows() == full.expected("2026-01-05", today)[: 750 + 105]  # 09:15 to 10:59, at 11:00:30
    assert (report.short, report.missing) == ((), ())
    later = full.fetch("2026-01-05", today)
    assert later.calls == 1  # today again, and no other day
    full.time += timedelta(days=1)
    full.broker.market.today += timedelta(days=1)
    assert full.fetch("2026-01-05", today).calls == 1
    assert full.rows() == full.expected("2026-01-05", today)
    assert full.fetch("2026-01-05", today).calls == 0


def test_nothing_is_asked_of_the_future_or_of_days_the_history_does_not_have(bench):
    bench.fetch("2026-01-05", "2026-03-31")
    assert bench.broker.calls[0][0].endswith("/2026-01-06/2026-01-05")
    with pytest.raises(NothingToDo):
        bench.fetch("2026-02-01", "2026-03-31")
    bench.broker.calls.clear()
    bench.fetch("2021-06-01", "2022-01-31")
    assert [path.split("/")[-2:] for path, _ in bench.broker.calls] == [["2022-01-31", "2022-01-01"]]
    with pytest.raises(NothingToDo, match="begin on 2022-01-03"):
        bench.fetch("2021-06-01", "2021-12-31")


def test_a_short_day_is_asked_for_again_until_it_has_settled(bench):
    market = bench.broker.market
    market.silent.add((KEY, date(2026, 1, 6)))
    assert bench.fetch("2026-01-05", "2026-01-06").before + len(bench.fetch("2026-01-05", "2026-01-06").missing) == 1
    assert [path.split("/")[-2:] for path, _ in bench.broker.calls] == [["2026-01-06", "2026-01-05"], ["2026-01-06"] * 2]
    market.silent.clear()
    assert bench.fetch("2026-01-05", "2026-01-06").stored == 10
    assert bench.fetch("2026-01-05", "2026-01-06").calls == 0
    market.silent.add((KEY, date(2026, 1, 6)))
    bench.fetch("2026-01-05", "2026-01-06", "NSE_EQ|X")
    bench.time = datetime(2026, 1, 12, 9, 0, tzinfo=IST)
    market.silent = {("NSE_EQ|Y", date(2026, 1, 6))}
    assert len(bench.fetch("2026-01-05", "2026-01-06", "NSE_EQ|Y").missing) == 1
    assert bench.fetch("2026-01-05", "2026-01-06", "NSE_EQ|Y").calls == 0  # six days later it is missing for good


def test_again_repairs_candles_and_touches_nothing_better(bench):
    bench.fetch("2025-03-03", "2025-03-07")
    wrong, better = day("2025-03-04"), day("2025-03-05")
    with bench.store() as store:
        for number, source in ((wrong, Source.CANDLES), (better, Source.I1)):
            b = store.bars(KEY, day_start(number), day_start(number + 1))
            changed = BarColumns(b.ts, b.open, b.high + 1, b.low, b.close, b.volume, b.tick_volume, b.known_seq,
                                 b.source * 0 + int(source))  # fmt: skip
            store.put_derived(KEY, range(number, number + 1), TickColumns.empty(), changed, [])
    assert bench.fetch("2025-03-03", "2025-03-07").calls == 0
    report = bench.fetch("2025-03-03", "2025-03-07", is_again=True)
    assert (report.calls, report.stored, report.replaced, report.conflicts, report.already) == (1, 10, 10, 10, 30)
    with bench.store() as store:
        assert store.bars(KEY, day_start(better), day_start(better + 1)).source.tolist() == [1] * 10
        store.put_derived(KEY, range(better, better + 1), TickColumns.empty(), BarColumns.empty(), [])
    bench.fetch("2025-03-03", "2025-03-07")
    assert bench.rows() == bench.expected("2025-03-03", "2025-03-07")


def test_a_store_that_was_made_anew_is_filled_again(bench):
    bench.fetch("2025-03-03", "2025-03-07")
    for path in bench.tmp_path.glob("auction.db*"):
        path.unlink()
    assert bench.fetch("2025-03-03", "2025-03-07").stored == 50
    assert bench.fetch("2025-03-03", "2025-03-07").calls == 0


def test_days_with_recorded_messages_are_left_to_them(bench):
    with bench.store_made() as store:
        stamp = day_start(day("2025-03-04")) + 10 * 3600 * 10**9
        store.add_raw([RawMessage(stamp, '{"kind": "x"}', (KEY,))])
    report = bench.fetch("2025-03-03", "2025-03-07")
    assert (report.stored, report.recorded, report.candles) == (40, 10, 50)
    assert "  10 left out: of days with recorded messages, which say more" in report.lines()
    with bench.store() as store:
        assert day("2025-03-04") not in store.days(KEY)
    assert bench.fetch("2025-03-03", "2025-03-07").calls == 0


def test_the_instrument_is_the_masters_and_a_contract_ends_with_its_expiry(bench):
    listed = Instrument(KEY, Decimal("0.10"), 75, Kind.FUTURE, "NIFTY FUT", Contract("NSE_INDEX|Nifty 50", day("2025-03-27")))
    report = bench.fetch("2025-03-01", "2025-05-31", listed=lambda symbol: listed)
    assert report.told == "NIFTY FUT: future, tick 0.10, lot 75, as the master lists it"
    assert [path.split("/")[-2:] for path, _ in bench.broker.calls] == [["2025-03-27", "2025-03-01"]]
    assert report.remarks == (f"tick of {KEY} tightened 0.10 → 0.05 by finer prices",)  # of years when it was finer
    again = bench.fetch("2025-03-01", "2025-05-31", listed=lambda symbol: listed, is_again=True)
    assert (again.told, again.remarks) == (report.told, ())
    with bench.store() as store:
        assert store.instruments() == [replace(listed, tick=Decimal("0.05"))]


def test_every_kind_of_store_ends_with_the_same_rows(bench, new_dsn):  # noqa: F811
    bench.dsn = new_dsn()
    bench.broker.faults = dict.fromkeys(range(2, 9), 503)
    assert bench.fetch("2024-01-01", "2024-03-31").failed
    report = bench.fetch("2024-01-01", "2024-03-31")
    assert (report.calls, report.failed, report.stored) == (2, "", 42 * 10)
    assert bench.rows() == bench.expected("2024-01-01", "2024-03-31")
    repaired = bench.fetch("2024-01-01", "2024-03-31", is_again=True)
    assert (repaired.stored, repaired.already) == (0, 65 * 10)
    with bench.store() as store:
        assert [(i.symbol, str(i.tick), i.kind) for i in store.instruments()] == [(KEY, "0.05", Kind.EQUITY)]
