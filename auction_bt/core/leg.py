"""One contract's share in a run: which days are traded on it, and how far back its data may be read."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import BadInput
from .instrument import Instrument


@dataclass(frozen=True, slots=True)
class Leg:
    """An instrument and the days on which a run trades it.

    Parameters
    ----------
    instrument : Instrument
        Its symbol is the store's key; contract, lot and price step are those of the first day.
    first_day, last_day : int, IST day
        Traded, both included. Days before `first_day` fill the windows alone.
    asked : str
        What the user wrote.
    since : int, IST day
        The first day on which the symbol meant this contract: what is older is of another one and is not read.
    leave_day : int, IST day
        The last one on which a trade that is carried overnight may be open; 0 where there is no contract that ends.
    is_rolled : bool
        One of the contracts that a continuous name goes through.
    has_data : bool
        Whether the store holds anything of its days.
    """

    instrument: Instrument
    first_day: int
    last_day: int
    asked: str
    since: int = 0
    leave_day: int = 0
    is_rolled: bool = False
    has_data: bool = True

    def __post_init__(self) -> None:
        if not self.since <= self.first_day <= self.last_day:
            raise BadInput(f"{self.asked}: days {self.since}, {self.first_day}, {self.last_day} are not in order")
