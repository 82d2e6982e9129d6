"""Which bar is a signal: the rules as written, mirrored, and blind to everything they must not see."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.context import AuctionContext
from auction_bt.core.regime import Regime, Rule
from auction_bt.core.signals import Setup, Signal, find_signal
from auction_bt.core.trade import Side

BASE = AuctionContext(
    seq=1,
    ts=1,
    close=1000,
    high=1005,
    low=995,
    poc=1000,
    vah=1040,
    val=960,
    levels="rolling",
    regime=Regime.BALANCED,
    atr=10.0,
    closes=(1000,) * 20,
    excursion_low=995,
    excursion_high=1005,
    quality=1.0,
)


def at(**changes: object) -> AuctionContext:
    return replace(BASE, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "context", "side", "setup"),
    [
        (Rule.ORIGINAL, at(close=960, low=955, excursion_low=950), Side.LONG, Setup.FADE),
        (Rule.ORIGINAL, at(close=961, low=955), None, None),
        (Rule.ORIGINAL, at(close=1040, high=1045), Side.SHORT, Setup.FADE),
        (Rule.ORIGINAL, at(regime=Regime.BULL, poc=1020, close=1020, closes=(1021,)), Side.LONG, Setup.PULLBACK),
        (Rule.ORIGINAL, at(regime=Regime.BULL, poc=1020, close=1020, closes=(1020,) * 20), None, None),
        (Rule.ORIGINAL, at(regime=Regime.BULL, poc=1020, close=1021, closes=(1030,)), None, None),
        (Rule.ORIGINAL, at(regime=Regime.BULL, poc=1020, close=960, closes=(1030,)), None, None),
        (Rule.ORIGINAL, at(regime=Regime.BEAR, poc=980, close=985, closes=(979,)), Side.SHORT, Setup.PULLBACK),
        (Rule.ORIGINAL, at(regime=Regime.BEAR, poc=980, close=1040, closes=(979,)), None, None),
        (Rule.AUCTION, at(low=958, close=962, excursion_low=958), Side.LONG, Setup.FADE),
        (Rule.AUCTION, at(low=958, close=960, excursion_low=958), None, None),
        (Rule.AUCTION, at(low=958, high=1041, close=1000), None, None),
        (Rule.AUCTION, at(regime=Regime.BULL, poc=1020, low=1022, close=1024, closes=(1026,)), Side.LONG, Setup.PULLBACK),
        (Rule.AUCTION, at(regime=Regime.BULL, poc=1020, low=1022, close=1024, closes=(1025,)), None, None),
        (Rule.AUCTION, at(regime=Regime.BULL, poc=1020, low=1023, close=1024, closes=(1030,)), None, None),
        (Rule.AUCTION, at(regime=Regime.TRANSITION, low=958, close=962), None, None),
        (Rule.ORIGINAL, at(vah=1000, val=1000, close=1000), None, None),
    ],
)
def test_the_rule_as_written(rule: Rule, context: AuctionContext, side: Side | None, setup: Setup | None) -> None:
    signal = find_signal(rule, context, cost=2.0)

    assert (signal and signal.side, signal and signal.setup) == (side, setup)


def test_a_fade_stops_beyond_the_whole_excursion_and_takes_half_at_the_poc_and_the_rest_at_the_other_edge() -> None:
    signal = find_signal(Rule.ORIGINAL, at(close=955, low=950, excursion_low=940), cost=2.0)

    assert signal == Signal(Side.LONG, Setup.FADE, "val", stop=935, target1=1000, target2=1040)


def test_a_pullback_stops_where_value_is_lost_or_an_atr_and_a_half_beyond_the_poc_whichever_is_nearer() -> None:
    near = find_signal(Rule.ORIGINAL, at(regime=Regime.BULL, poc=1020, close=1018, closes=(1030,)), cost=2.0)
    far = find_signal(Rule.ORIGINAL, at(regime=Regime.BULL, poc=1020, close=1000, closes=(1030,)), cost=2.0)

    assert near is not None
    assert (near.stop, near.target1, near.target2) == (1005, 1040, None)
    assert far is not None
    assert far.stop == 957  # 1.5 ATR below the POC has been passed already


def test_the_auction_rule_tells_why_it_does_not_fade() -> None:
    far = find_signal(Rule.AUCTION, at(low=950, close=975, excursion_low=950), cost=2.0)
    narrow = find_signal(Rule.AUCTION, at(val=991, vah=1009, poc=1000, low=990, close=992), cost=5.0)

    assert far is not None
    assert far.refused == "far from edge"
    assert narrow is not None
    assert narrow.refused == "narrow value"


@st.composite
def contexts(draw: st.DrawFn) -> AuctionContext:
    val = draw(st.integers(900, 1000))
    vah = val + draw(st.integers(0, 80))
    low = draw(st.integers(850, 1100))
    high = low + draw(st.integers(0, 40))
    return at(
        val=val,
        vah=vah,
        poc=draw(st.integers(val, vah)),
        low=low,
        high=high,
        close=draw(st.integers(low, high)),
        regime=draw(st.sampled_from(Regime)),
        atr=draw(st.integers(1, 30)) / 2,
        closes=tuple(draw(st.lists(st.integers(850, 1150), max_size=20))),
        excursion_low=low - draw(st.integers(0, 20)),
        excursion_high=high + draw(st.integers(0, 20)),
    )


@given(contexts(), st.sampled_from(Rule), st.floats(0, 20))
def test_long_and_short_are_mirror_images(c: AuctionContext, rule: Rule, cost: float) -> None:
    mirrored = at(
        val=-c.vah,
        vah=-c.val,
        poc=-c.poc,
        low=-c.high,
        high=-c.low,
        close=-c.close,
        regime={Regime.BULL: Regime.BEAR, Regime.BEAR: Regime.BULL}.get(c.regime, c.regime),
        atr=c.atr,
        closes=tuple(-x for x in c.closes),
        excursion_low=-c.excursion_high,
        excursion_high=-c.excursion_low,
    )
    signal, image = find_signal(rule, c, cost), find_signal(rule, mirrored, cost)

    assert (signal is None) == (image is None)
    if signal is not None and image is not None:
        assert signal.side is not image.side
        assert (signal.stop, signal.target1, signal.refused) == (-image.stop, -image.target1, image.refused)
        assert (signal.target2 is None) == (image.target2 is None)


@given(contexts(), st.sampled_from(Rule))
def test_a_stop_lies_on_the_losing_side_of_every_target(c: AuctionContext, rule: Rule) -> None:
    signal = find_signal(rule, c, cost=1.0)
    if signal is not None:
        assert (signal.target1 - signal.stop) * signal.side.sign > 0
        assert c.regime is not Regime.TRANSITION
