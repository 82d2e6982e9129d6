"""Who may import whom, read from the source with `ast`: the architecture as a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAPPED = ("feeds", "brokers", "analyzers")

PURE_FILES = ("feeds/decode.py", "brokers/messages.py", "brokers/reconcile.py", "brokers/charges.py")
PURE_STDLIB = frozenset({
    "__future__", "array", "bisect", "collections", "dataclasses", "datetime", "decimal", "difflib", "enum",
    "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "numbers", "operator", "re",
    "statistics", "string", "textwrap", "types", "typing", "zlib",
})  # fmt: skip
PURE_THIRD = frozenset({"numpy", "numba"})
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval"})
CLOCKS = frozenset({"now", "utcnow", "today"})


def sources() -> list[Path]:
    return sorted(p for top in ("auction_bt", *MAPPED) for p in (ROOT / top).rglob("*.py")) + sorted(ROOT.glob("run_*.py"))


def module_of(path: Path) -> list[str]:
    """The installed name of a file, as parts; of a package's ``__init__`` too."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return (["auction_bt"] if parts[0] in MAPPED else []) + parts


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (absolute module, line) of every import, wherever it stands."""
    own = module_of(path)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = own[: -node.level] if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            yield module, node.lineno
            for alias in node.names:  # `from . import x` imports a module as well
                yield f"{module}.{alias.name}", node.lineno


def is_in(module: str, *packages: str) -> bool:
    return any(module == p or module.startswith(p + ".") for p in packages)


def breaches(files: list[Path], is_allowed) -> list[str]:
    return [f"{p.relative_to(ROOT)}:{line} imports {m}" for p in files for m, line in imports(p) if not is_allowed(m)]


def pure_files() -> list[Path]:
    return sorted((ROOT / "auction_bt/core").rglob("*.py")) + [ROOT / f for f in PURE_FILES if (ROOT / f).exists()]


def is_pure(module: str) -> bool:
    return is_in(module, "auction_bt.core", *PURE_THIRD) or module.partition(".")[0] in PURE_STDLIB


def test_the_core_and_the_decoders_import_nothing_that_does_anything():
    assert not breaches(pure_files(), is_pure)


def test_the_core_reads_no_clock_and_touches_no_file():
    found = []
    for path in pure_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                if isinstance(called, ast.Name) and called.id in IMPURE_CALLS:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {called.id}")
                if isinstance(called, ast.Attribute) and called.attr in CLOCKS:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} asks the time")
    assert not found


def test_indicator_strategy_and_analyzers_know_backtrader_the_core_and_the_rules_only():
    friends = ("indicators", "reading", "strategy", "stock_exits", "settings", "guard_settings", "standing_levels", "analyzers",
               "market", "desk", "adding", "entry_gate")  # fmt: skip
    files = [ROOT / "auction_bt" / f"{name}.py" for name in friends]
    files = [p for p in files if p.exists()] + sorted((ROOT / "analyzers").rglob("*.py"))

    def is_allowed(module: str) -> bool:
        return is_pure(module) or is_in(module, "backtrader", *(f"auction_bt.{name}" for name in friends))

    assert not breaches(files, is_allowed)


def test_the_rules_know_the_core_and_their_own_tables_only():
    files = set((ROOT / "auction_bt/market").rglob("*.py"))
    friends = ("auction_bt.market", "calendar", "csv", "importlib")
    # One file of them reads one file of the user's, which the environment names: a path that were passed instead would have to
    # reach worker processes and strategies in other people's Cerebros, and wait in a global for whoever asks first.
    reader = ROOT / "auction_bt/market/days.py"

    def is_allowed(module: str) -> bool:
        return is_pure(module) or is_in(module, *friends)

    assert reader in files
    assert not breaches(sorted(files - {reader}), is_allowed)
    assert not breaches([reader], lambda module: is_allowed(module) or is_in(module, "os", "pathlib"))


def test_the_simulated_exchange_asks_no_clock_and_knows_no_server():
    names = (
        "money",
        "order",
        "contract",
        "matching",
        "position",
        "margin",
        "answer",
        "checks",
        "trade",
        "shapes",
        "books",
        "exchange",
    )
    files = [ROOT / f"auction_bt/sim/{name}.py" for name in names]
    friends = ("auction_bt.market", "auction_bt.sim", *(f"auction_bt.sim.{name}" for name in names))

    def is_allowed(module: str) -> bool:
        if is_in(module, "auction_bt.sim"):
            return module == "auction_bt.sim" or is_in(module, *friends[2:])
        return is_pure(module) or is_in(module, *friends)

    assert not breaches(files, is_allowed)


def test_the_configuration_knows_what_keys_are_about_and_nothing_that_runs():
    files = sorted((ROOT / "auction_bt/configuration").rglob("*.py"))
    friends = ("configuration", "settings", "guard_settings", "market.rates", "store.dsn", "upstox.client", "upstox.token")
    plain = (*(f"auction_bt.{name}" for name in friends), "pathlib", "stat", "sys", "tomllib", "contextlib")
    assert files
    assert not breaches(files, lambda module: is_pure(module) or is_in(module, *plain))
    assert not breaches(files, lambda module: not is_in(module, "auction_bt.store.dsn.open_store"))


def test_the_preflight_judges_what_others_have_asked():
    friends = ("preflight", "doctor", "market", "instruments.listing", "upstox.token", "wording")
    files = sorted((ROOT / "auction_bt/preflight").rglob("*.py"))
    assert files
    plain = (*(f"auction_bt.{name}" for name in friends), "ipaddress")
    assert not breaches(files, lambda module: is_pure(module) or is_in(module, *plain))


def test_the_end_of_a_day_compares_what_others_have_asked():
    files = sorted((ROOT / "auction_bt/eod").rglob("*.py"))
    assert files
    friends = ("auction_bt.eod", "auction_bt.preflight.check", "auction_bt.doctor", "auction_bt.wording", "csv", "pathlib")
    assert not breaches(files, lambda module: is_pure(module) or is_in(module, *friends))


@pytest.mark.parametrize(("folder", "other"), [("feeds", "brokers"), ("brokers", "feeds")])
def test_feeds_and_brokers_know_neither_each_other_nor_what_stands_above(folder, other):
    above = [f"auction_bt.{name}" for name in (other, "strategy", "viewer", "cli", "engine", "analyzers", "backtest")]
    assert not breaches(sorted((ROOT / folder).rglob("*.py")), lambda module: not is_in(module, *above))


def test_only_the_doors_import_the_command_line():
    doors = {ROOT / "auction_bt/__main__.py", *ROOT.glob("run_*.py")}
    inside = [p for p in sources() if p not in doors and not p.is_relative_to(ROOT / "auction_bt/cli")]
    assert not breaches(inside, lambda module: not is_in(module, "auction_bt.cli"))


def test_nobody_imports_the_three_folders_by_their_bare_names():
    everything = sources() + sorted((ROOT / "tests").rglob("*.py")) + sorted((ROOT / "benchmarks").rglob("*.py"))
    assert not breaches(everything, lambda module: not is_in(module, *MAPPED))


def test_matplotlib_is_imported_by_the_picture_makers_alone():
    makers = {ROOT / "auction_bt/plots.py", ROOT / "auction_bt/cerebro_plot.py"}
    assert not breaches([p for p in sources() if p not in makers], lambda module: not is_in(module, "matplotlib"))


def test_a_file_is_one_noun_and_fits_in_a_head():
    long = {str(p.relative_to(ROOT)): n for p in sources() if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert not long


def test_the_guards_themselves_see_through_relative_and_nested_imports(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "feeds" / "decode.py"
    file.parent.mkdir()
    file.write_text("def f():\n    from ..cli import main\n    import time\n    from . import stored\n")
    names = {module for module, _ in imports(file)}
    assert {"auction_bt.cli", "auction_bt.cli.main", "time", "auction_bt.feeds", "auction_bt.feeds.stored"} == names


def test_a_sweep_knows_its_cluster_its_optimiser_and_its_page_in_one_file_each():
    homes = {"distributed": "cluster.py", "optuna": "optimise.py", "jinja2": "page.py"}
    files = sorted((ROOT / "auction_bt/sweep").rglob("*.py"))
    assert len(files) > 9
    assert not breaches(files, lambda module: not is_in(module, "auction_bt.cli", "auction_bt.viewer"))
    for package, home in homes.items():
        assert not breaches([p for p in files if p.name != home], lambda module, p=package: not is_in(module, p))
        assert any(is_in(module, package) for p in files if p.name == home for module, _ in imports(p))


def test_the_viewer_only_reads():
    writers = ("recorder", "courier", "forwarder", "derive", "rebuild", "importing", "fetching", "router", "store.archive", "cli")
    files = sorted((ROOT / "auction_bt/viewer").rglob("*.py"))
    assert files
    assert not breaches(files, lambda module: not is_in(module, *(f"auction_bt.{name}" for name in writers)))
    texts = [p.read_text("utf-8") for p in files]
    assert not [word for text in texts for word in ("create=True", "readonly=False") if word in text]
    assert sum(text.count("readonly=True") for text in texts) == 2  # journal, spool
    assert sum(text.count("open_to_show(") for text in texts) == 1  # the store
    assert not [text for text in texts if "open_store" in text]
