"""Tables of dated rules: what holds on a day, and what is said where nothing does."""

from datetime import date, timedelta

import pytest

from auction_bt.core.errors import Fatal
from auction_bt.market.dated import Certainty, OutsideKnownDates, parse

TEXT = """\
# a remark
what,value,valid_from,valid_to,certainty,source
a,1,2025-01-01,2025-06-30,sure,first
a,2,2025-07-01,,unverified,"second, with a comma"
b,3,2025-01-01,2025-01-31,likely,third
"""


def table(text=TEXT):
    return parse("t", text, ("what",))


def test_a_rule_holds_from_its_first_day_to_its_last():
    t = table()
    day = date(2025, 7, 1)
    assert (t.on(day - timedelta(1), what="a")["value"], t.on(day, what="a")["value"]) == ("1", "2")
    assert t.on(date(2099, 1, 1), what="a").certainty is Certainty.UNVERIFIED
    assert t.on(day, what="a").doubt == "unverified: second, with a comma"
    assert t.on(day - timedelta(1), what="a").doubt == ""


@pytest.mark.parametrize(
    ("day", "what", "says"),
    [
        (date(2024, 12, 31), "a", r"market/t.csv knows a from 2025-01-01, not on 2024-12-31"),
        (date(2025, 2, 1), "b", r"knows b from 2025-01-01 to 2025-01-31, not on 2025-02-01"),
        (date(2025, 2, 1), "c", r"market/t.csv knows nothing of c"),
    ],
)
def test_outside_its_days_a_table_says_what_it_knows(day, what, says):
    assert table().find(day, what=what) is None
    with pytest.raises(OutsideKnownDates, match=says):
        table().on(day, what=what)


@pytest.mark.parametrize("change", ["2025-06-29", "2025-07-01"])
def test_a_table_with_a_gap_or_an_overlap_is_refused(change):
    with pytest.raises(Fatal, match="gap or an overlap at 2025-07-01"):
        table(TEXT.replace("2025-06-30", change))
