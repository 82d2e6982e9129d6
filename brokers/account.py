"""What the account shows that is not ours: other people's orders, and positions that nobody here has opened. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from auction_bt.brokers.messages import Held
from auction_bt.core.live_order import FINAL, LiveOrder, Row
from auction_bt.core.order_set import OrderSet, Role
from auction_bt.core.outside import Outside

_LOOKS: Final = 3  # in a row that must show the same difference: orders are on their way between two


class Account:
    """Orders and positions that are not ours, as messages have told.

    Attributes
    ----------
    strangers : dict of str to Row
        Orders of others that rest, or were filled, by the broker's number.
    doubts : dict of str to (int, int)
        By symbol: by how many shares the account's position differs from what is known, and how many looks have shown it.
    net : dict of str to int
        Shares that others have bought less sold, by symbol, without what has closed a trade of ours.
    """

    def __init__(self) -> None:
        self.strangers: dict[str, Row] = {}
        self.doubts: dict[str, tuple[int, int]] = {}
        self._user = ""  # who places our orders
        self._outside: dict[str, Outside] = {}
        self.net: dict[str, int] = {}
        self._told: dict[str, int] = {}  # differences that were told
        self._overnight: set[str] = set()

    def learn(self, row: Row) -> None:
        """Take a row of ours."""
        self._user = row.placed_by or self._user

    def on_stranger(self, row: Row, side: int, held: int, seq: int) -> LiveOrder | None:
        """Take a row of somebody else's; return what it has closed of our trade.

        Parameters
        ----------
        side : int
            Of our open trade in that symbol, 1 or -1; 0 for none.
        held : int, shares
            Of it.
        """
        if row.status not in FINAL or row.filled:
            self.strangers[row.order_id] = row
        before = self._outside.get(row.order_id, Outside())
        after = self._outside[row.order_id] = before.after(row)
        sign = 1 if row.buy else -1
        reason = "broker" if row.placed_by and self._user and row.placed_by != self._user else "manual"
        taken = after.taken(before, row, held, reason, seq) if side == -sign else None
        others = after.filled - before.filled - (taken.filled if taken is not None else 0)
        self.net[row.symbol] = self.net.get(row.symbol, 0) + sign * others
        return taken

    def overnight(self, found: Iterable[Held], known: Callable[[str], bool]) -> list[Held]:
        """Return positions in our symbols that were opened on an earlier day, each once."""
        fresh = [h for h in found if h.overnight and known(h.symbol) and h.symbol not in self._overnight]
        self._overnight |= {h.symbol for h in fresh}
        return fresh

    def differences(self, found: Iterable[Held], ours: Mapping[str, int], moving: frozenset[str]) -> list[tuple[str, int, int]]:
        """Return (symbol, what the account holds, what is known) where they differ, each difference once.

        Parameters
        ----------
        found : iterable of Held
            All positions of the account.
        ours : mapping of str to int, shares
            What we hold of each of our symbols, sold ones below 0.
        moving : frozenset of str
            Symbols with an order that may be filled at any time: they cannot be judged.
        """
        said = {h.symbol: h for h in found}
        new = []
        for symbol, mine in ours.items():
            if symbol in moving:
                continue
            held = said.get(symbol, Held(symbol, 0))
            known = mine + held.overnight + self.net.get(symbol, 0)
            off = held.qty - known
            before, looks = self.doubts.pop(symbol, (0, 0))
            if not off:
                self._told.pop(symbol, None)
                continue
            self.doubts[symbol] = off, (looks + 1 if before == off else 1)
            if self.doubts[symbol][1] >= _LOOKS and self._told.get(symbol) != off:
                self._told[symbol] = off
                new.append((symbol, held.qty, known))
        return new


def in_order(rows: Sequence[Row], ours: Sequence[OrderSet]) -> list[Row]:
    """Return rows in the order in which they explain one another: our entries, what others have closed of them, our exits.

    Parameters
    ----------
    rows : sequence of Row
        Of one look at the order book.
    ours : sequence of OrderSet
        Of our open trades.
    """

    def place(row: Row) -> int:
        role = next((orders.roles[tag] for orders in ours if (tag := orders.tag_of(row))), None)
        return 1 if role is None else 0 if role in {Role.ENTRY, Role.ADD} else 2

    return sorted(rows, key=place)


def overnight_text(held: Held) -> str:
    """Return what is said of a position of an earlier day."""
    return (f"{held.symbol}: {held.overnight} shares are held from an earlier day: left alone, and no trade is opened there "
            f"until `resume {held.symbol}`")  # fmt: skip


def difference_text(symbol: str, theirs: int, mine: int) -> str:
    """Return what is said where the account holds other shares than are known."""
    return (f"{symbol}: the account holds {theirs:+,} shares and {mine:+,} are known here: no trade is opened; see which is "
            "right, then `resume`")  # fmt: skip
