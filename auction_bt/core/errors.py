"""What can go wrong, split by what the caller must do.

* AuctionError
  x Retryable: the same call may succeed later
  x Fatal: stop trading and say so
  x Refused: this one thing is refused, the rest goes on
    + BadInput: what the user gave cannot be used (exit code 2)
      - UnknownSymbol
      - WrongUser
    + NothingToDo: the input is fine and empty (exit code 3)
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self


class AuctionError(Exception):
    """Root of every error raised on purpose; its text is one line naming cause and cure."""

    exit_code = 1


class Retryable(AuctionError):
    """The same call may succeed later."""


class Fatal(AuctionError):
    """Trading must stop."""


class Refused(AuctionError):
    """One thing is refused; the rest goes on."""


class BadInput(Refused):
    """A file, option or value given by the user cannot be used."""

    exit_code = 2


class UnknownSymbol(BadInput):
    """The store does not hold this symbol.

    Parameters
    ----------
    symbol : str
    known : iterable of str
        What the store holds; the nearest are named in the message.
    """

    def __init__(self, symbol: str, known: Iterable[str]) -> None:
        names = sorted(known)
        folded = {name.casefold(): name for name in names}
        near = [folded[n] for n in get_close_matches(symbol.casefold(), folded, n=3, cutoff=0.4)]
        hint = (
            f"did you mean {' or '.join(near)}?"
            if near
            else (
                f"the store holds {', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
                if names
                else "the store is empty: import or record something first"
            )
        )
        super().__init__(f"unknown symbol {symbol!r}: {hint}")

    @classmethod
    def of(cls, told: str) -> Self:
        """Return the error that says `told`."""
        error = cls.__new__(cls)
        BadInput.__init__(error, told)
        return error


class WrongUser(BadInput):
    """A server does not know this user, or not with this password."""


class NothingToDo(Refused):
    """The input is right, but there is nothing in it."""

    exit_code = 3
