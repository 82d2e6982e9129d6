"""One top-level name, whatever is installed how."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAPPED = ("feeds", "brokers", "analyzers")
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", ".auction_bt"
)


def configuration() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser


def folders_with_code() -> set[str]:
    """Package names of every folder with an ``__init__.py``, as they are installed."""
    found = set()
    for top in ("auction_bt", *MAPPED):
        for init in (ROOT / top).rglob("__init__.py"):
            parts = init.parent.relative_to(ROOT).parts
            found.add(".".join(parts if parts[0] == "auction_bt" else ("auction_bt", *parts)))
    return found


def outside(code: str, *, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess:
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | ({"PYTHONPATH": str(path)} if path else {})
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_package_list_is_the_folders():
    assert set(configuration()["options"]["packages"].split()) == folders_with_code()


def test_every_folder_with_modules_is_a_package():
    for top in ("auction_bt", *MAPPED):
        for module in (ROOT / top).rglob("*.py"):
            assert (module.parent / "__init__.py").exists(), f"{module.parent} has no __init__.py"


def test_the_map_leads_to_the_three_folders():
    pairs = dict(line.split(" = ") for line in configuration()["options"]["package_dir"].strip().splitlines())
    assert pairs == {"auction_bt": "auction_bt", **{f"auction_bt.{name}": name for name in MAPPED}}


def test_entry_points_name_functions_that_exist():
    for line in configuration()["options.entry_points"]["console_scripts"].strip().splitlines():
        module, _, function = line.split(" = ")[1].partition(":")
        done = outside(f"import {module}; assert callable({module}.{function})", cwd=ROOT)
        assert done.returncode == 0, done.stderr


def test_constraints_pin_every_direct_dependency_exactly_once():
    pins = [
        line.partition("==")[0]
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    names = [name.casefold().replace("_", "-") for name in pins]
    assert len(names) == len(set(names))
    options = configuration()
    wanted = "\n".join([options["options"]["install_requires"], *options["options.extras_require"].values()])
    for line in wanted.split():
        name = line.partition(">")[0].partition("[")[0].casefold()
        assert name == "auction-bt" or name in names, f"{name} is not pinned"


@pytest.mark.parametrize("name", MAPPED)
def test_a_bare_import_says_which_import_is_meant(name):
    done = outside(f"import {name}", cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"ImportError: import auction_bt.{name}, not {name}")


def test_a_checkout_runs_without_an_install(tmp_path):
    done = outside("import auction_bt.feeds, auction_bt.brokers, auction_bt.analyzers", cwd=tmp_path, path=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_wheel_holds_auction_bt_alone_and_works_outside_the_checkout(tmp_path):
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("setuptools 77 or newer is needed to build here: pip install -e .[test]")
    shutil.copytree(ROOT, tmp_path / "source", ignore=LEFT_OUT)
    command = [sys.executable, "-m", "pip", "wheel", "-q", ".", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    built = subprocess.run(command, cwd=tmp_path / "source", capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("auction_bt-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "installed")

    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"auction_bt"}
    assert {str(Path(n).parent).replace(os.sep, ".") for n in names if n.endswith("__init__.py")} == folders_with_code()
    assert "auction_bt/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    code = "import auction_bt.feeds as f, auction_bt.brokers, auction_bt.analyzers; print(f.__file__)"
    done = outside(code, cwd=tmp_path, path=tmp_path / "installed")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "installed" / "auction_bt")
