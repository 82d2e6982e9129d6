"""The page as text: whole, escaped, the same each time, asking nobody."""

import re
from dataclasses import replace

from auction_bt.page.document import page


def test_the_same_run_gives_the_same_bytes_and_no_paths(made):
    assert page(made.run, made.evidence, synthetic=True) == made.html
    assert str(made.path.parent) not in made.html


def test_nothing_is_loaded_from_anywhere(made):
    own = made.html.replace(made.html.partition('id="data">')[2].partition("</body>")[0], "")
    assert not re.findall(r"<(?:link|img|iframe|object|embed)\b|\bsrc=|@import|url\(", own)
    assert "default-src 'none'" in made.html


def test_what_a_user_named_cannot_become_code(made):
    evil = '</script><img src=x onerror=alert(1)>"&'
    result = made.run.result
    settings = {**result.settings, "symbols": [evil]}
    trades = tuple(replace(t, symbol=evil, signal_symbol=evil) for t in result.trades)
    html = page(replace(made.run, result=replace(result, settings=settings, trades=trades)), made.evidence)
    assert "<img" not in html
    assert html.count("</script>") == made.html.count("</script>") == 4


def test_it_says_what_counts_in_the_words_of_the_text_report(made):
    assert "Too few to tell: " in made.html
    assert "too few to weigh" in made.html
    assert "SYNTHETIC DATA" in made.html
    assert "SYNTHETIC DATA" not in page(made.run, made.evidence)
    assert "TradingView" in made.html
    for name in ("By side", "By hour of entry", "By weekday", "By day", "Charges by kind", "Refused signals"):
        assert name in made.html


def test_a_run_without_trades_is_a_page_as_well(made):
    found = made.again(min_r=1000.0)
    assert not found.result.trades
    assert "No: there is no closed trade." in page(found, made.evidence)


def test_levels_of_the_last_day_stand_in_it(made):
    html = page(made.run, made.evidence, sheets=["NSE_FO|<b>\nlevels of 2026-03-10\nPOC 1 & 2", "B\nPOC 3"])

    assert "<details open><summary>NSE_FO|&lt;b&gt;</summary><pre>levels of 2026-03-10\nPOC 1 &amp; 2</pre>" in html
    assert "<details><summary>B</summary><pre>POC 3</pre>" in html
    assert "Levels of the last day" not in page(made.run, made.evidence)
