"""Where a command sends alarms."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from auction_bt.configuration.file import Configuration
from auction_bt.configuration.schema import ALERTS
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import day_index
from auction_bt.live.alerts import Alerts, Send, sender
from auction_bt.preflight.market import closed
from auction_bt.upstox.token import Token

from .tokens import token_of


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


def told_token(args: argparse.Namespace, clock: Callable[[], int]) -> Token:
    """Print what the token says of itself and return it.

    Parameters
    ----------
    args : argparse.Namespace
    clock : callable returning int, ns

    Raises
    ------
    BadInput
        There is none; on a day of trading, whoever gets alerts has been told that nothing runs.
    """
    try:
        token = token_of(args, clock())
    except BadInput as error:
        if not closed(day_index(clock())) and (send := sender_of(args)) is not None:
            args.state.mkdir(parents=True, exist_ok=True)
            with Alerts(args.state, send, clock, print) as alerts:
                alerts(f"not started: {error}")
        raise
    print(token.describe(clock()), flush=True)
    return token
