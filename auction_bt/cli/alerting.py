"""Where a command sends alarms."""

from __future__ import annotations

import argparse
import os

from auction_bt.configuration.file import Configuration
from auction_bt.configuration.schema import ALERTS
from auction_bt.live.alerts import Send, sender


def sender_of(args: argparse.Namespace) -> Send | None:
    """Return what sends alarms to the places of the environment, else of the file of --config; None for none.

    Raises
    ------
    BadInput
        One of them is none.

    Notes
    -----
    There is no option for them: addresses hold secrets, and a command line is seen by others.
    """
    places = os.environ.get(ALERTS, "").split()
    if not places and args.config is not None:
        places = list(Configuration.read(args.config).value("alerts.places"))
    return sender(places)
