"""The chart library is the known one, or there is no page."""

import pytest

from auction_bt.core.errors import AuctionError
from auction_bt.page import library


def test_the_installed_one_is_known():
    assert "@license" in library.chart_library()[:200]


def test_none_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setattr(library, "_PLACES", (("no-such-package", "x.js"),))
    with pytest.raises(AuctionError, match="pip install litecharts"):
        library.chart_library()


def test_a_strange_one_is_not_put_into_a_page(monkeypatch):
    monkeypatch.setattr(library, "_KNOWN", frozenset())
    with pytest.raises(AuctionError, match=r"not a version .* known"):
        library.chart_library()
