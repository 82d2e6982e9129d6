"""What a machine is required to test may not be skipped there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

TESTS = """
import pytest

@pytest.mark.db
def test_needs_a_database():
    pytest.skip("no server here")

@pytest.mark.db
@pytest.mark.skipif(True, reason="never on this machine")
def test_never_starts():
    pass

@pytest.mark.browser
@pytest.mark.xfail(reason="known")
def test_known_to_fail():
    assert False

@pytest.mark.db
@pytest.mark.data
def test_would_feed_data_to_a_database():
    pytest.skip("no recorded data: day")

@pytest.mark.data
def test_needs_data():
    pytest.skip("no data here")
"""


def run(folder: Path, required: str | None) -> tuple[int, str]:
    (folder / "test_some.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  db: x\n  browser: x\n  data: x\n")
    env = {k: v for k, v in os.environ.items() if k != "AUCTION_REQUIRE" and not k.startswith("PYTEST")}
    if required is not None:
        env["AUCTION_REQUIRE"] = required
    env["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "pytest", "-p", "tests.require", "-p", "no:cacheprovider", "-q", "-rfs", str(folder)]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("required", [None, "", "browser"])
def test_a_skip_is_a_skip_where_nothing_requires_it(tmp_path, required):
    code, text = run(tmp_path, required)
    assert code == 0, text
    assert "4 skipped, 1 xfailed" in text


def test_a_required_test_that_skips_fails_with_its_reason(tmp_path):
    code, text = run(tmp_path, "db, browser")
    assert code == 1
    assert "1 failed, 2 skipped, 1 xfailed, 1 error" in text  # a skip before the test starts is an error of its set-up
    assert "so this must run here. Skipped: no server here" in text


def test_an_unknown_requirement_is_named(tmp_path):
    code, text = run(tmp_path, "dbs")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "AUCTION_REQUIRE knows browser, data, db, not dbs" in text


def test_this_checkouts_own_tests_are_under_the_rule(request):
    assert request.config.pluginmanager.has_plugin("tests.require")
