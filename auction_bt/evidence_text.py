"""The evidence of a run as text for a terminal of 100 columns: each figure with what it means, in words."""

from __future__ import annotations

import textwrap

from .core.bootstrap import MeanOfDays
from .core.evidence import DoubledCosts, Evidence, Luck
from .core.hit_rate import HitRate
from .core.random_entries import RandomEntries
from .core.shuffled_levels import ShuffledLevels
from .core.summary import MIN_TRADES
from .report import LABEL, WIDTH
from .wording import NONE, number, percent, plural, rupees, whole


def render_evidence(found: Evidence) -> str:
    """Return the evidence as lines of at most 100 characters, ending in a newline."""
    counts = f"{plural(found.trades, 'closed trade')} on {plural(found.days, 'market day')}"
    if found.reason:
        lines = _item("Evidence", f"too few to weigh: {found.reason}. No figure is given, because none would mean anything.")
        return "\n".join(lines) + "\n"
    lines = _item("Evidence", f"{counts}. Small p: chance seldom does as well.")
    lines += _hits(found.hit_rate) + _random(found.random) + _levels(found.levels)
    lines += _daily(found.daily) + _luck(found.luck) + _costs(found.costs)
    return "\n".join(lines) + "\n"


def _hits(found: HitRate | None) -> list[str]:
    if found is None:
        return _item("Targets hit", "not known: no trade has both a stop and a target")
    lines = _item(
        "Targets hit",
        f"{whole(found.hits)} of {whole(found.trades)} ({percent(found.rate)}); a price without drift would reach "
        f"{percent(found.null)}: {_p(found.p_value, is_strict=found.undecided > 0)}.",
    )
    notes = []
    if found.undecided:
        decided = percent(found.hits / (found.trades - found.undecided)) if found.trades > found.undecided else NONE
        notes.append(f"{plural(found.undecided, 'trade')} that met neither count as not hit ({decided} of the others)")
    if found.left_out:
        notes.append(f"{whole(found.left_out)} left out, without a known stop or target")
    return lines + (_item("", "; ".join(notes)) if notes else [])


def _random(found: RandomEntries | None) -> list[str]:
    if found is None:
        return _item("Random entries", "not known: no trade has a stop and minutes of what was traded")
    lines = _item("Random entries", f"same exits, same side and hour, {plural(found.draws, 'draw')}: {_p(found.p_value)}.")
    lines += _item(
        "",
        f"A trade nets {rupees(found.actual)} by its own entry, {rupees(found.mean)} by a random one (95 % of draws "
        f"{rupees(found.low)} … {rupees(found.high)}), both with simple exits (first stop, first target, "
        "end of day) and no slippage",
    )
    notes = []
    if found.left_out:
        notes.append(f"{plural(found.left_out, 'trade')} left out, without a known stop or minutes around the entry")
    if found.symbols > 1:
        notes.append(f"{whole(found.symbols)} symbols, which move together: the true p is larger")
    return lines + (_item("", "; ".join(notes)) if notes else [])


def _levels(found: ShuffledLevels | None) -> list[str]:
    count = 0 if found is None else found.trades
    if found is None or count < MIN_TRADES:
        needs = "a known stop and a level to which the price came on enough other days too"
        return _item(
            "Shuffled levels", f"too few to tell: {plural(count, 'trade')} with {needs}; at least {MIN_TRADES} are needed"
        )
    lines = _item(
        "Shuffled levels",
        f"same exits, side and minute, at levels of other days, {plural(found.draws, 'draw')}: {_p(found.p_value)}.",
    )
    lines += _item(
        "",
        f"A trade nets {rupees(found.actual)} at its own level, {rupees(found.mean)} at another day's (95 % of draws "
        f"{rupees(found.low)} … {rupees(found.high)}), with the same simple exits",
    )
    if not found.left_out:
        return lines
    return lines + _item(
        "", f"{plural(found.left_out, 'trade')} left out, without a known stop or level, or with too few other days to come to it"
    )


def _daily(found: MeanOfDays | None) -> list[str]:
    if found is None:
        return []
    if found.low > 0:
        told = "all above 0: a gain"
    else:
        told = "all below 0: a loss" if found.high < 0 else "holds 0: gain is not told from loss"
    return _item(
        "Net of a day",
        f"{rupees(found.mean)} on average, in {rupees(found.low)} … {rupees(found.high)} with 95 % confidence ({told}; drawn "
        f"in blocks of {plural(found.block, 'day')})",
    )


def _luck(found: Luck | None) -> list[str]:
    if found is None:
        return _item("Sharpe ratio", "none: every day came to the same")
    sharpe, trials = found.sharpe, found.trials
    lines = _item(
        "Sharpe ratio",
        f"{number(sharpe.ratio, 3)} a day; above 0 with probability {_chance(found.probabilistic)}, were these the only "
        "settings ever tried",
    )
    if trials.count > 1:
        lines += _item(
            "Settings tried",
            f"{whole(trials.count)} on these symbols and days, each run's other regime included; the best of so many "
            "without worth would show about "
            f"{number(found.expected, 3)}: above that with probability {_chance(found.deflated)}",
        )
    else:
        lines += _item("Settings tried", "these alone on these symbols and days, as far as this journal knows")
    if found.days_needed is None:
        return lines + _item("Days needed", "no number of days like these would show a gain")
    enough = "enough" if sharpe.periods >= found.days_needed else "not enough"
    needed = plural(int(-(-found.days_needed // 1)), "day")
    return lines + _item(
        "Days needed", f"{needed} like these to be 95 % sure of a ratio above 0; there are {whole(sharpe.periods)}: {enough}"
    )


def _costs(found: DoubledCosts | None) -> list[str]:
    if found is None:
        return []
    if found.net == found.doubled:
        return _item("Costs × 2", "no costs in this run: nothing to double, and nothing real")
    if found.doubled > 0:
        told = "still a gain"
    else:
        told = "the gain is gone" if found.net > 0 else "a loss before that already"
    return _item("Costs × 2", f"net {rupees(found.net)} becomes {rupees(found.doubled)} ({told}; same trades)")


def _chance(value: float) -> str:
    if value < 0.001:
        return "below 0.1 %"
    return "above 99.9 %" if value > 0.999 else percent(value)


def _p(value: float, *, is_strict: bool = False) -> str:
    # A strict test counts too little, so it finds nothing to be worse than chance.
    if value < 0.01:
        told = "chance hardly does so well"
    elif value < 0.05:
        told = "chance seldom does so well, one time in " + whole(round(1 / value))
    elif value > 0.95 and not is_strict:
        told = "worse than chance"
    else:
        told = "no better than chance"
    shown = f"p = {number(value, 3 if value < 0.1 else 2)}" if value >= 0.001 else "p below 0.001"
    return f"{shown} ({told})"


def _item(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{label:<{LABEL}}", subsequent_indent=" " * LABEL,
                         break_on_hyphens=False)  # fmt: skip
