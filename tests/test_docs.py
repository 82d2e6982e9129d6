"""What is written is true: links lead somewhere, names exist, commands and examples run."""

import ast
import json
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest

from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, from_date
from auction_bt.derive import derive
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import DEMO, Shape, messages, tape

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ADRS = sorted((ROOT / "docs/adr").glob("*.md"))
NOT_CODE = frozenset({"ltp", "ltt", "ltq", "atp", "I1"})  # names on the wire: found in strings


def source() -> str:
    files = chain.from_iterable((ROOT / top).rglob("*.py") for top in ("auction_bt", "feeds", "brokers", "analyzers"))
    return "\n".join(p.read_text("utf-8") for p in files)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def run(arguments: list[str], cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("page", ADRS, ids=lambda p: p.stem)
def test_a_decision_says_status_context_decision_and_consequences(page):
    text = page.read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Status", "Context", "Decision", "Consequences"]
    assert text.startswith(f"# {int(page.stem[:4])}. ")


def test_decisions_are_numbered_without_holes_and_all_named_in_the_architecture():
    assert [int(p.stem[:4]) for p in ADRS] == list(range(1, len(ADRS) + 1))
    architecture = (ROOT / "docs/architecture.md").read_text("utf-8")
    assert all(f"adr/{p.name}" in architecture for p in ADRS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_to_a_file_leads_to_one(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    inner = [link.partition("#")[0] for link in links if not link.startswith(("http", "#"))]
    assert not [link for link in inner if not (page.parent / link).exists()]


def test_every_name_in_the_glossary_exists_in_the_code():
    code = source()
    words = set(re.findall(r"\w+", code))
    rows = [line.split(" | ") for line in (ROOT / "docs/glossary.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    names = {n for row in rows if len(row) >= 3 for cell in re.findall(r"`([^`|]+)`", row[1]) for n in cell.split(".")}
    assert len(names) > 40
    assert not {name for name in names if name not in words}


def test_every_type_in_the_architecture_exists_in_the_code():
    page = re.sub(r"^```.*?^```", "", (ROOT / "docs/architecture.md").read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    classes = {node.name for p in ROOT.rglob("*.py") if ".venv" not in p.parts and "build" not in p.parts
               for node in ast.walk(ast.parse(p.read_text("utf-8"))) if isinstance(node, ast.ClassDef)}  # fmt: skip
    named = {n for n in re.findall(r"`([A-Z]\w+)`", page) if not n.isupper() and n != "I1"} - {"Cerebro"}
    assert len(named) > 20
    assert not named - classes


def test_every_make_target_in_the_readme_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s]*(?:#|`|,))", (ROOT / "README.md").read_text("utf-8")))
    assert {"demo", "test"} <= named <= targets


def commands() -> list[str]:
    lines = "\n".join(blocks(ROOT / "README.md", "sh")).splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.startswith("python ") and "venv" not in line]


@pytest.mark.parametrize("command", commands())
def test_every_command_in_the_readme_has_its_options(command):
    words = command.split()[1:]
    door = words[:3] if words[0] == "-m" else words[:1]
    done = run([*door, "--help"])
    assert done.returncode == 0, done.stderr
    options = [w for w in words if w.startswith("--")]
    assert not [o for o in options if not re.search(rf"{o}\b", done.stdout)]


def test_the_readmes_examples_run(tmp_path):
    whole, indicator, *on_a_store = blocks(ROOT / "README.md", "python")
    days = [tape(DEMO[Shape.BALANCED], date(2026, 11, d), Shape.BALANCED, 1) for d in (19, 20)]
    trades = pd.concat(
        pd.DataFrame({"price": t.ticks * 0.1, "size": t.size}, index=pd.to_datetime(t.ts // MINUTE_NS * MINUTE_NS, unit="ns"))
        for t in days
    ).round({"price": 2})
    minutes = trades.groupby(level=0)
    frame = minutes["price"].ohlc().assign(volume=minutes["size"].sum())
    frame.to_csv(tmp_path / "nifty.csv")
    use = "cerebro = bt.Cerebro()\ncerebro.adddata(bt.feeds.PandasData(dataname=frame))\n"
    use += "cerebro.addstrategy(FadeTheLow)\ncerebro.run()\n"
    done = run(["-c", f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{whole}\n{indicator}\n{use}"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ trades, [1-9]\d* decisions\n", done.stdout)
    assert (tmp_path / "stock.png").stat().st_size > 20_000
    with open_store(f"sqlite:///{tmp_path / 'auction.db'}", create=True) as store:
        store.put_instrument(Instrument("NIFTY-FUT", Decimal("0.10"), 75, Kind.FUTURE))
        for day in (date(2026, 11, 19), date(2026, 11, 20)):
            stream = messages("NIFTY-FUT", day, Shape.BALANCED, 1, per_minute=4)
            store.add_raw(RawMessage(stamp, json.dumps(body), tuple(body.get("feeds", ()))) for stamp, body in stream)
        derive(store, ["NIFTY-FUT"], [from_date(date(2026, 11, d)) for d in (19, 20)])
    for example in on_a_store:
        done = run(["-c", f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{example}"], cwd=tmp_path)
        assert done.stderr == ""
        assert done.stdout.strip()


def test_the_repository_speaks_of_the_project_alone():
    words = "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"])
    files = [*PAGES, ROOT / "Makefile", *(p for p in (ROOT / ".ci").iterdir() if p.is_file())]
    files += [
        p for top in ("auction_bt", "feeds", "brokers", "analyzers", "tests", "benchmarks") for p in (ROOT / top).rglob("*.py")
    ]
    assert not [f"{p.relative_to(ROOT)}: {m}" for p in files for m in re.findall(rf"\b(?:{words})\b", p.read_text("utf-8"))]


def test_every_fault_names_tests_that_exist():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/faults.md").read_text("utf-8"))
    assert len(named) > 20
    for path, test in named:
        assert f"def {test}(" in (ROOT / path).read_text("utf-8"), f"docs/faults.md names {path}::{test}, which is not there"
