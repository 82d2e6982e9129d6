"""The units that the page on operations prints: systemd takes them as they stand, and their commands are there."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from auction_bt.cli import main

ROOT = Path(__file__).resolve().parents[1]

PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
UNITS = dict(re.findall(r"^`(auction-[a-z]+\.(?:service|timer))`\n\n```ini\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
PYTHON = "/home/trader/venv/bin/python"


def parsed(name):
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(UNITS[name])
    return unit


def commands():
    said = [
        line.partition("=")[2].lstrip("-") for text in UNITS.values() for line in text.splitlines() if line.startswith("Exec")
    ]
    said += [f"{PYTHON} {words}" for words in re.findall(r'-Argument "(.*?)"', PAGE)]
    return sorted(set(said))


def test_every_timer_has_its_service_and_every_service_a_timer():
    assert len(UNITS) >= 4
    names = {name.partition(".")[0] for name in UNITS}
    assert set(UNITS) == {f"{name}.{kind}" for name in names for kind in ("service", "timer")}
    for name in UNITS:
        if name.endswith(".timer"):
            assert parsed(name)["Timer"]["OnCalendar"].endswith(" Asia/Kolkata")


def test_a_closed_exchange_is_no_failure_and_a_wrong_file_is_not_tried_again():
    live = parsed("auction-live.service")["Service"]
    assert live["SuccessExitStatus"] == "3"
    assert set(live["RestartPreventExitStatus"].split()) == {"2", "3"}
    assert live["Restart"] == "on-failure"


@pytest.mark.parametrize("command", commands())
def test_the_commands_of_the_units_are_there(command, capsys):
    python, dash, package, name, *rest = command.split()
    assert (python, dash, package) == (PYTHON, "-m", "auction_bt")
    assert main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert not [word for word in rest if word.startswith("--") and word not in told]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_units_as_they_stand(tmp_path):
    for name, text in UNITS.items():
        (tmp_path / name).write_text(text.replace(PYTHON, sys.executable))
    files = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "auction-" in line]
    assert (done.returncode, told) == (0, [])
