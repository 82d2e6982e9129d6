"""A contract note as a table: read, or refused with its line; held against our charges kind by kind."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.breakdown import KINDS
from auction_bt.core.errors import BadInput
from auction_bt.doctor import Level
from auction_bt.eod.note import ContractNote

OURS = {"brokerage": Decimal(40), "stt": Decimal(120), "gst": Decimal("9.50")}


def note(folder, *lines, head="kind,amount"):
    path = folder / "note.csv"
    path.write_text("\n".join([head, *lines]), "utf-8")
    return ContractNote.read(path)


@given(st.dictionaries(st.sampled_from(KINDS), st.decimals(0, 10**6, places=2), min_size=1))
def test_a_note_of_our_own_charges_agrees(tmp_path_factory, charges):
    made = note(tmp_path_factory.mktemp("n"), *(f"{kind.upper()},{amount}" for kind, amount in charges.items()))
    assert {check.level for check in made.compared(charges, Decimal(0))} == {Level.PASS}


def test_names_of_notes_are_known_and_parts_of_a_kind_add_up(tmp_path):
    made = note(tmp_path, "Brokerage,₹40.00", '"Securities Transaction Tax","1,120.00"', "CGST,4.75", "SGST,4.75", "total,1169.5")
    assert made.amounts == {"brokerage": 40, "stt": 1120, "gst": Decimal("9.50"), "total": Decimal("1169.5")}
    failing = [check.name for check in made.compared(OURS, Decimal(0)) if check.level is Level.FAIL]
    assert failing == ["note: stt", "note: total"]


def test_a_charge_that_the_note_does_not_have_is_told_unless_it_has_a_total(tmp_path):
    assert [c.name for c in note(tmp_path, "stt,120", "gst,9.5").compared(OURS, Decimal(0)) if c.level is Level.FAIL] == [
        "note: brokerage"
    ]
    assert all(c.level is Level.PASS for c in note(tmp_path, "stt,120", "total,169.50").compared(OURS, Decimal(0)))


def test_the_net_of_the_day(tmp_path):
    assert [c.level for c in note(tmp_path, "net,-500.20").compared({}, Decimal("-500.00"))] == [Level.PASS]
    assert [c.level for c in note(tmp_path, "net,500.20").compared({}, Decimal("-500.00"))] == [Level.FAIL]


@pytest.mark.parametrize(
    ("head", "line", "said"),
    [
        ("kind,amount", "brokrage,4", "line 2: no charge 'brokrage': did you mean brokerage?"),
        ("kind,amount", "zzz,4", "line 2: no charge 'zzz': kinds are brokerage"),
        ("kind,amount", "stt,four", "line 2: 'four' is no amount of rupees"),
        ("kind,amount", "stt,nan", "'nan' is no amount"),
        ("kind,amount", "stt", "is no amount of rupees"),
        ("what,amount", "stt,4", "the first line must be kind,amount"),
        ("kind,amount", "", "has no amounts"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, head, line, said):
    with pytest.raises(BadInput) as caught:
        note(tmp_path, line, head=head)
    assert said in str(caught.value)
    with pytest.raises(BadInput, match="cannot be read"):
        ContractNote.read(tmp_path / "none.csv")
