"""An open trade at bar closes: acceptance, flip, trail."""

from auction_bt.core.ist import MINUTE_NS
from auction_bt.core.regime import Regime
from auction_bt.core.trade import Side
from auction_bt.core.watch import Watch

OPEN = 0


def watch(side: Side = Side.LONG) -> Watch:
    return Watch(side, Regime.BALANCED, edge=100, entered=0, best=105, worst=105)


def step(state: Watch, minute: int, close: int, regime: Regime = Regime.BALANCED, *, high: int | None = None) -> Watch:
    """The bar [minute, minute + 1) closes."""
    return state.step(
        ts=(minute + 1) * MINUTE_NS, close=close, high=high if high is not None else close, low=close, regime=regime,
        session_open=OPEN, bar=MINUTE_NS, bin_ns=5 * MINUTE_NS,
    )  # fmt: skip


def leave(state: Watch) -> str:
    return state.reason_to_leave(acceptance_bins=2, flip_bars=3)


def test_two_bins_closed_beyond_the_edge_are_acceptance() -> None:
    state = watch()
    for minute in range(4, 14):
        state = step(state, minute, close=99)
        assert leave(state) == ("acceptance" if minute >= 9 else "")


def test_a_close_back_inside_starts_the_count_anew() -> None:
    state = watch()
    for minute, close in [(4, 99), (9, 100), (14, 99)]:
        state = step(state, minute, close)
        assert leave(state) == ""
    assert leave(step(state, 19, 99)) == "acceptance"


def test_a_bin_whose_last_minutes_had_no_trade_is_judged_by_its_last_close() -> None:
    state = watch()
    for minute, close in [(4, 99), (7, 99), (11, 101)]:  # minute 9 has no bar: the bin is judged when the next begins
        state = step(state, minute, close)
    assert leave(state) == "acceptance"


def test_a_short_is_mirrored() -> None:
    state = watch(Side.SHORT)
    for minute in (4, 9):
        state = step(state, minute, close=101)
    assert leave(state) == "acceptance"


def test_three_bars_of_the_opposite_regime_in_a_row_are_a_flip() -> None:
    state = watch()
    for minute, regime in enumerate([Regime.BEAR, Regime.BEAR, Regime.BALANCED, Regime.BEAR, Regime.BEAR]):
        state = step(state, minute, 103, regime)
        assert leave(state) == ""
    assert leave(step(state, 5, 103, Regime.BEAR)) == "flip"
    assert leave(step(watch(Side.SHORT), 0, 99, Regime.BEAR)) == ""


def test_the_trail_follows_the_best_price_and_never_goes_back() -> None:
    state = step(watch(), 0, 106, high=112)
    assert state.trail(4.5) == 107.5
    assert step(state, 1, 101, high=103).trail(4.5) == 107.5
    assert step(watch(Side.SHORT), 0, 95).trail(4.5) == 99.5


def test_rules_that_are_off_never_fire() -> None:
    state = watch()
    for minute in range(30):
        state = step(state, minute, 90, Regime.BEAR)
    assert state.reason_to_leave(acceptance_bins=0, flip_bars=0) == ""
