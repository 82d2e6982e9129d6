"""The documentation shows every key as it is."""

from pathlib import Path

from auction_bt.configuration.schema import keys
from auction_bt.configuration.table import table

PAGE = Path(__file__).resolve().parents[2] / "docs/operations.md"


def test_the_documentation_has_the_table_as_it_is():
    how = 'python -c "from auction_bt.configuration.table import table; print(table())"'
    assert table() in PAGE.read_text("utf-8"), f"docs/operations.md: replace the tables of keys by what this prints: {how}"


def test_every_number_has_a_range():
    for key in keys():
        if isinstance(key.setting.default, int | float) and not isinstance(key.setting.default, bool):
            assert key.setting.least is not None, key.path
