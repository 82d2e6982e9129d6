"""The foot of a contract note as a table: charges by kind."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from auction_bt.core.breakdown import KINDS
from auction_bt.core.errors import BadInput
from auction_bt.preflight.check import Check

from .traded import money

#: How notes call the kinds; several lines of one kind add up.
_NAMES: Final = {kind: kind for kind in KINDS} | {
    "cgst": "gst", "sgst": "gst", "igst": "gst", "utgst": "gst", "securities transaction tax": "stt",
    "exchange transaction charges": "transaction", "sebi turnover fees": "sebi", "sebi fees": "sebi", "stamp duty": "stamp",
    "dp charges": "dp", "auto square off charges": "square_off", "total": "total", "net": "net",
}  # fmt: skip
_COLUMNS: Final = ("kind", "amount")


@dataclass(frozen=True, slots=True)
class ContractNote:
    """What the note says.

    Parameters
    ----------
    amounts : mapping of str to Decimal, rupees
        By kind of charge; ``total`` of them, and ``net`` of the day, where it has them.
    """

    amounts: Mapping[str, Decimal]

    @classmethod
    def read(cls, path: Path) -> ContractNote:
        """Read a CSV with the columns ``kind`` and ``amount``.

        Raises
        ------
        BadInput
            It cannot be read, or a line of it is not what it should be; the message names the line.
        """
        try:
            text = path.read_text("utf-8-sig")
        except OSError as error:
            raise BadInput(f"--contract-note {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise BadInput(f"--contract-note {path} is no UTF-8 text: save it as such") from error
        reader = csv.DictReader(text.splitlines())
        columns = [(name or "").strip().casefold() for name in reader.fieldnames or ()]
        if not set(_COLUMNS) <= set(columns):
            raise BadInput(f"--contract-note {path}: the first line must be kind,amount")
        reader.fieldnames = columns
        amounts: dict[str, Decimal] = {}
        for row in reader:
            kind, amount = _line(f"--contract-note {path}, line {reader.line_num}", row)
            amounts[kind] = amounts.get(kind, Decimal(0)) + amount
        if not amounts:
            raise BadInput(f"--contract-note {path} has no amounts")
        return cls(amounts)

    def compared(self, charges: Mapping[str, Decimal], net: Decimal) -> list[Check]:
        """Judge charges of ours by kind, and the net of the day, against the note."""
        found = [money(f"note: {kind}", charges.get(kind, Decimal(0)), amount)
                 for kind, amount in self.amounts.items() if kind not in {"total", "net"}]  # fmt: skip
        unsaid = [kind for kind, amount in charges.items() if amount and kind not in self.amounts]
        if "total" in self.amounts:
            found.append(money("note: total", sum(charges.values(), Decimal(0)), self.amounts["total"]))
        elif unsaid:
            found += [money(f"note: {kind}", charges[kind], Decimal(0)) for kind in unsaid]
        if "net" in self.amounts:
            found.append(money("note: net", net, self.amounts["net"]))
        return found


def _line(where: str, row: Mapping[str | None, str | list[str] | None]) -> tuple[str, Decimal]:
    said, text = str(row.get("kind") or "").strip().casefold(), str(row.get("amount") or "").strip()
    if said not in _NAMES:
        near = get_close_matches(said, _NAMES, n=1)
        raise BadInput(
            f"{where}: no charge {said!r}: " + (f"did you mean {near[0]}?" if near else f"kinds are {', '.join(KINDS)}")
        )
    try:
        amount = Decimal(text.replace(",", "").replace("₹", "").strip())
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise BadInput(f"{where}: {text!r} is no amount of rupees")
    return _NAMES[said], amount
