"""Both regime rules on the same data, each weighed, and what the days tell of the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from .backtest import Request, Run, located, read, run_on
from .core.bootstrap import MeanOfDays, bootstrap_mean
from .core.evidence import Evidence, daily_nets
from .core.regime import Rule
from .result import plain, to_json
from .store import TickStore
from .store.cache import DayCache
from .weighing import bars_of, days_of

SURE: Final = 0.95  # of the deflated Sharpe ratio, as of the intervals

_EACH: Final = {
    "few": "There is too little to weigh the {rule} rule.",
    "gain": "The {rule} rule gained beyond chance, the settings tried allowed for.",
    "lucky": "The {rule} rule gained, but no more than the best of the settings tried might by luck.",
    "unsure": "The {rule} rule has shown no edge: its result is not told from luck.",
    "loss": "The {rule} rule lost beyond chance.",
}
_BOTH: Final = {
    "gain": "Both rules gained beyond chance, the settings tried allowed for.",
    "lucky": "Both rules gained, but no more than the best of the settings tried might by luck.",
    "unsure": "Neither rule has shown an edge: their results are not told from luck.",
    "loss": "Both rules lost beyond chance.",
}


@dataclass(frozen=True, slots=True)
class RuleComparison:
    """The two rules.

    Parameters
    ----------
    original, auction : Run
    original_evidence, auction_evidence : Evidence
    ahead : MeanOfDays or None
        What auction netted more than original a day; None for fewer than two days.
    """

    original: Run
    auction: Run
    original_evidence: Evidence
    auction_evidence: Evidence
    ahead: MeanOfDays | None


def run_both(store: TickStore, request: Request, cache: DayCache | None = None) -> tuple[Run, Run]:
    """Run a request by the original rule and by the auction rule on data read once; each knows of the other.

    Raises
    ------
    BadInput, NothingToDo
        As `backtest.run_backtest`.
    """
    request = located(store, request)
    data = list(read(store, request, cache))
    runs = [run_on(store, data, replace(request, settings={**request.settings, "rule": r.value}))
            for r in (Rule.ORIGINAL, Rule.AUCTION)]  # fmt: skip
    original, auction = (_beside(run, other) for run, other in (runs, reversed(runs)))
    return original, auction


def weigh(original: Run, auction: Run, evidence: tuple[Evidence, Evidence], seed: int = 0) -> RuleComparison:
    """Return the comparison of two runs on the same days.

    Notes
    -----
    The lead is of the same days paired: what the market did to both falls out, so it may be told where neither net is.
    """
    days = days_of(bars_of(original))
    mine, theirs = (daily_nets(run.result.trades, days) for run in (original, auction))
    lead = [b - a for a, b in zip(mine, theirs, strict=True)]
    return RuleComparison(original, auction, *evidence, bootstrap_mean(lead, seed))


def conclusion(found: RuleComparison) -> str:
    """Return in a few sentences what the days tell of the two rules, and no more than they tell."""
    sides = {Rule.ORIGINAL.value: found.original_evidence, Rule.AUCTION.value: found.auction_evidence}
    kinds = {rule: _kind(e) for rule, e in sides.items()}
    if set(kinds.values()) == {"few"}:
        return "Too few trades or days to weigh either rule: nothing follows from these figures."
    kind = kinds[Rule.ORIGINAL.value]
    told = [_BOTH[kind]] if len(set(kinds.values())) == 1 else [_EACH[k].format(rule=rule) for rule, k in kinds.items()]
    if "few" not in kinds.values():
        told.append(_lead(found.ahead))
    has_gained = "gain" in kinds.values()
    told.append("Try it on days that nobody has looked at yet." if has_gained else "Neither is a reason to trade.")
    if found.original.result.summary.is_gross_only:
        told.append("All of this is before charges.")
    return " ".join(told)


def as_json(found: RuleComparison, numbers: tuple[int, int]) -> dict[str, Any]:
    """Return the comparison as plain JSON values."""
    sides = ((found.original, found.original_evidence), (found.auction, found.auction_evidence))
    rules: Mapping[str, Any] = {
        rule.value: {"run": number, **to_json(run.result), "evidence": plain(asdict(evidence))}
        for rule, number, (run, evidence) in zip((Rule.ORIGINAL, Rule.AUCTION), numbers, sides, strict=True)
    }
    ahead = None if found.ahead is None else plain(asdict(found.ahead))
    return {"schema": 1, "rules": dict(rules), "auction_ahead_a_day": ahead, "conclusion": conclusion(found)}


def _beside(run: Run, other: Run) -> Run:
    summary = other.result.summary
    beside = (str(other.result.settings["rule"]), summary.net, summary.trades)
    return Run(replace(run.result, other_regime=beside), run.traced)


def _kind(found: Evidence) -> str:
    if found.reason:
        return "few"
    if found.daily is None or found.daily.low <= 0 <= found.daily.high:
        return "unsure"
    if found.daily.high < 0:
        return "loss"
    return "gain" if found.luck is not None and found.luck.deflated >= SURE else "lucky"


def _lead(ahead: MeanOfDays | None) -> str:
    if ahead is None or ahead.low <= 0 <= ahead.high:
        return "Which of the two is better, these days do not tell."
    better, worse = ("auction", "original") if ahead.low > 0 else ("original", "auction")
    return f"On these days {better} came out better than {worse}, beyond chance."
