"""The commands. Each is a module with HELP, `add_arguments` and `run`; it is imported only when it is used."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper
from typing import Final, NoReturn, Protocol, cast

from auction_bt import __version__
from auction_bt.core.errors import AuctionError, BadInput
from auction_bt.redaction import redacted

# name: (module, what it does). The text stands here too so that --help need import none of them.
COMMANDS: Final = {
    "backtest": ("backtest", "run the strategy on stored data"),
    "analyze": ("analyze", "look at runs that are kept, hold two against each other, or both regime rules"),
    "sweep": ("sweep", "run many settings on many symbols, here or on a cluster, and weigh what they came to"),
    "demo": ("demo", "make synthetic data and show what the package does with it"),
    "record": ("record", "record messages of the feed from standard input or a file"),
    "import": ("importing", "bring recordings, ticks or 1-minute bars from files into a store"),
    "export": ("export", "write ticks, bars or messages of a store to a file"),
    "data": ("data", "show what a store holds and how good it is"),
    "fetch": ("fetch", "fetch 1-minute candles of the broker's history into a store"),
    "instruments": ("instruments", "find instruments of the broker by words, as listed on a day"),
    "verify": ("verify", "prove that a replay of the recorded messages ends in the backtest's trades"),
    "sim": ("sim", "serve a simulated Upstox on this machine: a rehearsal, or a place to try a client"),
    "login": ("login", "get the day's access token from the broker"),
    "live": ("live", "run the strategy on the live feed: on paper, as alerts, or in a rehearsal"),
    "halt": ("halt", "open no more trades, until `resume`"),
    "resume": ("resume", "open trades again, or in a symbol that was blocked"),
    "flatten": ("flatten", "leave all trades of the bot at market, or those of a symbol; with or without a running bot"),
    "preflight": ("preflight", "look before the open whether a live day can begin"),
    "eod": ("eod", "after the close: the day's account, held against the broker's and the recording's"),
    "replay": ("replay", "run recorded messages again, telling what happens as it happens"),
    "calendar": ("calendar", "explain a day: does the exchange trade, when, what expires, what changes next"),
    "profile": ("profile", "print the volume profile of a day"),
    "levels": ("levels", "show the levels of a day: prior value, naked POCs, nodes, opening and day type"),
    "viewer": ("viewer", "show charts, trades and runs in the browser, live"),
    "charges": ("charges", "show what a trade costs on a day, by kind"),
    "archive": ("archive", "compress the messages of old days in place"),
    "doctor": ("doctor", "check machine, packages, store and disk, and say what to do"),
    "rebuild": ("rebuild", "make ticks and bars anew from recorded messages and prove them equal"),
}


class Command(Protocol):
    """What a command's module offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it; return the exit code."""
        ...


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}: see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        What follows the program's name; by default the process's.

    Returns
    -------
    int
        0 done, 1 failed or differs, 2 bad usage or input, 3 nothing to do, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return _guarded(words, lambda: _dispatch(words))


def backtest_main(argv: Sequence[str] | None = None) -> int:
    """Run the backtest command under the name of its script."""
    words = list(sys.argv[1:] if argv is None else argv)
    return _guarded(words, lambda: _run("backtest", words, "run_backtest.py"))


def live_main(argv: Sequence[str] | None = None) -> int:
    """Run the live command under the name of its script."""
    words = list(sys.argv[1:] if argv is None else argv)
    return _guarded(words, lambda: _run("live", words, "run_live.py"))


def _dispatch(words: list[str]) -> int:
    while words and words[0] == "--debug":
        words = [*words[1:], "--debug"]
    if not words or words[0] in {"-h", "--help"}:
        print(_overview())
        return 0 if words else 2
    if words[0] == "--version":
        print(f"auction-bt {__version__}")
        return 0
    name = words[0]
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        raise BadInput(f"no command {name!r}" + (f": did you mean {near[0]}?" if near else ": --help lists them all"))
    return _run(name, words[1:], f"auction-bt {name}")


def _run(name: str, words: list[str], prog: str) -> int:
    command = cast(Command, import_module(f"auction_bt.cli.{COMMANDS[name][0]}"))
    parser = _Parser(prog=prog, description=command.HELP, allow_abbrev=False)
    command.add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    args = parser.parse_intermixed_args(words)
    if "config" in args:
        from .configured import configured

        args = configured(parser, words, args)
    return command.run(args)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items())
    return (f"usage: auction-bt COMMAND [options]\n\nAuction Market Theory trading on backtrader.\n\ncommands:\n{listed}\n\n"
            "auction-bt COMMAND --help explains one of them.")  # fmt: skip


def _guarded(words: list[str], work: Callable[[], int]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # the rupee sign and the minus sign, whatever the terminal's locale
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone, which is its right; Python must not complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as error:  # argparse after --help
        return error.code if isinstance(error.code, int) else 0
    except KeyboardInterrupt:
        print("auction_bt: interrupted", file=sys.stderr)
        return 130
    except AuctionError as error:
        if "--debug" in words:
            traceback.print_exc()
        print(f"auction_bt: {redacted(str(error))}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if "--debug" in words:
            traceback.print_exc()
        print(f"auction_bt: {error.strerror or error}{': ' + str(error.filename) if error.filename else ''}", file=sys.stderr)
        return 1
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        text = redacted(" ".join(str(error).split()))
        print(f"auction_bt: unexpected {type(error).__name__}: {text}: please report it with what --debug shows", file=sys.stderr)
        return 1
    return code
