"""What the page on the database shows is tried: its SQL on a real server, its Python as printed, its commands' options."""

import json
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest

from auction_bt.cli import COMMANDS
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import from_date
from auction_bt.derive import derive
from auction_bt.store import RawMessage
from auction_bt.store.address import parse
from auction_bt.store.dsn import open_store
from auction_bt.store.questdb.schema import TABLES, VIEWS
from auction_bt.synthetic import Shape, messages
from tests.test_docs import ROOT, blocks, run

PAGE = ROOT / "docs/operations.md"
NAMES = sorted([t.name for t in TABLES] + [f"{v}_now" for v in VIEWS], key=len, reverse=True)
EMPTY = ("wal_tables",)  # what has no row where all is well


@pytest.fixture
def filled(questdb, questdb_dsn):
    """The page's own symbol and day on a server."""
    with open_store(questdb_dsn, create=True) as store:
        store.put_instrument(Instrument("NSE_FO|51502", Decimal("0.05"), 35, Kind.OPTION))
        stream = messages("NSE_FO|51502", date(2025, 12, 15), Shape.BALANCED, 1, per_minute=4)
        store.add_raw(RawMessage(stamp, json.dumps(body), tuple(body.get("feeds", ()))) for stamp, body in stream)
        derive(store, ["NSE_FO|51502"], [from_date(date(2025, 12, 15))])
    return questdb, questdb_dsn


@pytest.mark.db
def test_every_query_on_the_page_has_an_answer(filled):
    server, dsn = filled
    prefix = parse(dsn).prefix
    queries = [q.strip() for block in blocks(PAGE, "sql") for q in re.sub(r"^--.*\n", "", block, flags=re.MULTILINE).split(";")]
    queries = [q for q in queries if q]
    assert len(queries) > 9
    for query in queries:
        told = re.sub(rf"(\b(?:FROM|JOIN) |partitions\(')({'|'.join(NAMES)})\b", rf"\g<1>{prefix}\2", query)
        rows = server.sql(told)
        assert bool(rows) is not any(name in query for name in EMPTY), query
        if "30m" in query:
            assert [f"{row[0]:%H:%M}" for row in rows] == [
                f"{9 + (15 + 30 * i) // 60:02}:{(15 + 30 * i) % 60:02}" for i in range(13)
            ]
        if "1d" in query:
            assert [f"{row[0]:%d %H:%M}" for row in rows] == ["15 03:45"]


@pytest.mark.db
def test_the_pages_example_runs(filled):
    _, dsn = filled
    (example,) = [block for block in blocks(PAGE, "python") if "QuestDBData" in block]
    told = example.replace("questdb://localhost", dsn)
    assert told != example
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{told}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == "13 bars\n"


def test_the_pages_commands_are_there():
    page = PAGE.read_text("utf-8")
    lines = [line.partition("#")[0] for line in "\n".join(blocks(PAGE, "sh")).splitlines()]
    for line in lines:
        words = line.split()
        if words[:1] == ["python"]:
            told = run([*(words[1:4] if words[1] == "-m" else words[1:2]), "--help"]).stdout
            assert not [w for w in words if w.startswith("--") and w not in told], line
        elif words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE), line
    tabled = set(re.findall(r"^\| `([a-z]+)[^`]*` \| [a-z]", page, re.MULTILINE))
    assert {"record", "rebuild", "verify", "archive", "doctor"} <= tabled
    assert {t.name for t in TABLES} <= set(re.findall(r"`(\w+)`", page))
    assert "verify" in COMMANDS
