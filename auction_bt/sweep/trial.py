"""One trial: a symbol, a span of days and settings; and what of it crosses to the process that runs it, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from auction_bt.backtest import Request
from auction_bt.brokers.charges import NoCharges
from auction_bt.brokers.indian import indian_charges
from auction_bt.core.figures import Figures
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import to_date
from auction_bt.core.leg import Leg
from auction_bt.core.substitute import TradeRule, parse_trade
from auction_bt.result import plain
from auction_bt.settings import SETTINGS

ID_LETTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Terms:
    """What all trials of a sweep have in common.

    Parameters
    ----------
    cash : Decimal, rupees
        Each trial has an account of its own.
    costs : int
        Times the charges; 0: none.
    plan : str
        Of the brokerage.
    fill : FillModel
    trade : TradeRule or None
        What is traded on the symbols' signals; None: themselves.
    """

    cash: Decimal
    costs: int
    plan: str
    fill: FillModel
    trade: TradeRule | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, money as text."""
        fill = self.fill
        return {
            "cash": str(self.cash),
            "costs": self.costs,
            "plan": self.plan,
            "fill": fill.price.value,
            "slippage": fill.slippage,
            "latency_ms": fill.latency // 1_000_000,
            "targets": "sent" if fill.sends_targets else "resting",
            "trade": self.trade.text if self.trade is not None else "same",
        }

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Terms:
        """Return what `as_json` wrote."""
        fill = FillModel(FillPrice(said["fill"]), said["slippage"], said["latency_ms"] * 1_000_000,
                         sends_targets=said["targets"] == "sent")  # fmt: skip
        return cls(Decimal(said["cash"]), said["costs"], said["plan"], fill, parse_trade(said["trade"]))

    def request(self, symbol: str, first: int, last: int, settings: Mapping[str, Any]) -> Request:
        """Return the request of a trial on these terms; days are IST, both included."""
        charges = indian_charges(self.plan, self.costs) if self.costs else NoCharges()
        trade = self.trade
        if trade is not None:
            trade = replace(trade, min_dte=settings.get("min_dte", trade.min_dte))
        return Request((symbol,), to_date(first), to_date(last), dict(settings), self.cash, charges, self.fill,
                       trade=trade)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial, named by everything that decides its trades.

    Parameters
    ----------
    symbol : str
        As asked for.
    first, last : int, IST day
        Both included.
    settings : tuple of (name, value), sorted
        Those that were given; the others have their defaults.
    identity : str
        Equal for trials that must end in the same trades; see `identity_of`.
    """

    symbol: str
    first: int
    last: int
    settings: tuple[tuple[str, Any], ...]
    identity: str

    @property
    def named(self) -> str:
        """The trial for people: ``RELIANCE 2026-11-02..2026-11-20 period=60``."""
        words = " ".join(f"{name}={value}" for name, value in self.settings)
        return f"{self.symbol} {to_date(self.first)}..{to_date(self.last)} {words}".rstrip()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker finds the data.

    Parameters
    ----------
    store : str
        The store's DSN, as the workers reach it.
    cache : str
        Folder of days already read; empty: none is kept.
    memory : int, bytes
        Of what a worker keeps of data for its next trials, at most; what a trial itself needs comes on top.
    """

    store: str = field(repr=False)  # may hold a password
    cache: str = ""
    memory: int = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Task:
    """Trials of one symbol and span that are run by one worker, one after the other.

    Parameters
    ----------
    legs : tuple of Leg
        What the symbol means on these days: workers need no instrument master.
    tradables : tuple of Instrument
    data : str
        A fingerprint of what is stored of the symbol: what a worker has kept of other data is not used.
    trials : tuple of Trial
    versions : tuple of (name, version)
        Of whoever asks (`versions.versions`): a worker with others refuses.
    """

    place: Place
    terms: Terms
    legs: tuple[Leg, ...]
    tradables: tuple[Instrument, ...]
    data: str
    trials: tuple[Trial, ...]
    versions: tuple[tuple[str, str], ...] = ()

    def requests(self) -> list[Request]:
        """Return what to run, trial by trial."""
        bare = (self.terms.request(t.symbol, t.first, t.last, dict(t.settings)) for t in self.trials)
        return [replace(request, legs=self.legs, tradables=self.tradables) for request in bare]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial.

    Parameters
    ----------
    figures : Figures or None
        None where it failed.
    trades : str
        A hash of its trades, as CSV.
    tried : (symbols, hash of the settings, Sharpe ratio of a day or None)
        As the journal counts it.
    error : str
        Why there are no figures, one line; empty where there are.
    """

    trial: Trial
    figures: Figures | None = None
    trades: str = ""
    tried: tuple[tuple[str, ...], str, float | None] = ((), "", None)
    error: str = ""


def identity_of(
    symbol: str, first: int, last: int, settings: dict[str, Any], terms: Terms, data: str, code: str
) -> str:  # fmt: skip
    """Return a trial's name, 16 letters and digits.

    Parameters
    ----------
    settings : dict
        Those that are not given count with their defaults: leaving one out and writing its default is one trial.
    data : str
        A fingerprint of the symbol's stored days up to the last.
    code : str
        That of what computes trades (`versions.code`).
    """
    whole = {s.name: settings.get(s.name, s.default) for s in SETTINGS}
    said = [symbol, first, last, plain(whole), terms.as_json(), data, code]
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:ID_LETTERS]
