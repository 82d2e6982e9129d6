"""How a configuration file comes among the options of a command."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auction_bt.configuration.file import Configuration
from auction_bt.configuration.key import Key


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add --config; every option of the command that the file has a key for takes its value, where it is not given."""
    parser.add_argument("--config", type=Path, metavar="FILE",
                        help="a TOML file of settings; options go before it, and docs/operations.md lists its keys")  # fmt: skip


def configured(parser: argparse.ArgumentParser, words: Sequence[str], args: argparse.Namespace) -> argparse.Namespace:
    """Return the options of `words` as they are with the file that they name.

    Notes
    -----
    An option that is given goes before ``--set section.name=value``, this before the environment, this before the file, and the
    file before the default.
    """
    pairs: list[str] = getattr(args, "settings", [])
    named = [pair for pair in pairs if "." in pair.partition("=")[0]]
    changed = Configuration().with_overrides(named).values
    said = {pair.partition("=")[0].strip() for pair in pairs} | {key.name for key in changed}
    file = Configuration() if args.config is None else Configuration.read(args.config)
    values = {key: value for key, value in file.values.items() if not _is_said(key, said, args)} | dict(changed)
    if not values:
        return args
    # An empty text is nothing, and an option that has nothing is left out.
    plain = {key: value for key, value in values.items() if key.option in args and not _is_list(key) and value != ""}
    parser.set_defaults(**{key.option: _default(parser, key, value) for key, value in plain.items()})
    found = parser.parse_intermixed_args(words)
    for key, value in values.items():
        # Options that may be given again would be added to a default of theirs: they take its place. One symbol is no list.
        if _is_list(key) and getattr(found, key.option, None) == []:
            setattr(found, key.option, list(value))
    if "settings" in found:
        settings = [f"{key.name}={value}" for key, value in values.items() if key.is_setting]
        found.settings = [*settings, *(pair for pair in pairs if pair not in named)]
    return found


def _is_said(key: Key, said: set[str], args: argparse.Namespace) -> bool:
    """Return whether something that goes before the file says what a key of it does."""
    if key.variable and os.environ.get(key.variable):
        return True
    # Some settings have an option of their own, which takes no second word beside it.
    return key.option in said or (key.is_setting and getattr(args, key.name, None) is not None)


def _is_list(key: Key) -> bool:
    return isinstance(key.setting.default, tuple)


def _default(parser: argparse.ArgumentParser, key: Key, value: Any) -> Any:
    before = parser.get_default(key.option)
    if isinstance(before, Path):
        return Path(value).expanduser()  # which a shell does for an option
    return str(value) if isinstance(before, str) else value
