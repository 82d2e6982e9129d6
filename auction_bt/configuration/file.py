"""The file: read, checked key by key, each refusal with its line and its cure."""

from __future__ import annotations

import re
import stat
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from auction_bt.core.errors import BadInput

from .key import Key
from .schema import keys

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_HEADER: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_FEW: Final = 15  # keys that fit into a line
_NAME: Final = re.compile(r"\s*([\w.\"'-]+?)\s*=")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file says; what it does not say is not in it.

    Parameters
    ----------
    values : mapping of Key to value
        Checked, each of its key's own type. Secrets are in no representation of it.
    source : str
        The file.
    """

    values: Mapping[Key, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    source: str = ""

    @classmethod
    def read(cls, path: Path) -> Configuration:
        """Read a file.

        Raises
        ------
        BadInput
            It cannot be read, is no TOML, has a key or section that is not known, a value that is not allowed, or a secret that
            others may read.
        """
        text = _text(path)
        try:
            said = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            is_path = any(word in str(error) for word in ("Unescaped", "hex value"))
            cure = ": write / for \\ in a path" if is_path else ""
            raise BadInput(f"{path} is no TOML: {error}{cure}") from error
        lines = _Lines(path, text)
        values = dict(_values(said, lines))
        secret = next((key for key in values if key.is_secret and values[key]), None)
        if secret is not None and _is_open(path):
            raise BadInput(f"{lines.at(secret.section, secret.name)}: others may read {secret.path}: chmod 600 {path}")
        return cls(MappingProxyType(values), str(path))

    def with_overrides(self, pairs: Iterable[str]) -> Configuration:
        """Return it with texts of ``section.name=value`` in the place of what it says.

        Raises
        ------
        BadInput
            An unknown key, a value that is not allowed, or a secret: what stands on a command line is seen by every user.
        """
        changed = dict(self.values)
        for pair in pairs:
            path, _, text = (part.strip() for part in pair.partition("="))
            section, _, name = path.partition(".")
            with _told("--set "):
                key = find(section, name)
                if key.is_secret:
                    raise BadInput(f"{path}: a command line is seen by others: set {key.variable}, or write it into the file")
            with _told(f"--set {section}."):
                changed[key] = key.parsed(text)
        return Configuration(MappingProxyType(changed), self.source)

    def value(self, path: str) -> Any:
        """Return what ``section.name`` is by the file, else its default."""
        key = find(*path.split("."))
        return self.values.get(key, key.setting.default)


def find(section: str, name: str) -> Key:
    """Return a key; raise `BadInput` naming the nearest."""
    known = _section(section)
    if name in known:
        return known[name]
    if elsewhere := [key.section for key in keys() if key.name == name]:
        cure = f"it stands in [{elsewhere[0]}]"
    elif near := get_close_matches(name, known, n=1):
        cure = f"did you mean {near[0]}?"
    else:
        cure = f"it has {', '.join(known)}" if len(known) < _FEW else "docs/operations.md lists them all"
    raise BadInput(f"[{section}] has no key {name}: {cure}")


def _section(name: str) -> Mapping[str, Key]:
    known = {key.name: key for key in keys() if key.section == name}
    if not known:
        sections = list(dict.fromkeys(key.section for key in keys()))
        near = get_close_matches(name, sections, n=1)
        cure = f"did you mean [{near[0]}]?" if near else f"there are {', '.join(f'[{section}]' for section in sections)}"
        raise BadInput(f"there is no section [{name}]: {cure}")
    return known


def _values(said: Mapping[str, Any], lines: _Lines) -> Iterable[tuple[Key, Any]]:
    for section, inner in said.items():
        if not isinstance(inner, dict):
            homes = [key.section for key in keys() if key.name == section]
            cure = f"write it under [{homes[0]}]" if homes else "docs/operations.md lists sections and keys"
            raise BadInput(f"{lines.at('', section)}: {section} stands in no section: {cure}")
        with _told(f"{lines.at(section)}: "):
            _section(section)
        for name, value in inner.items():
            with _told(f"{lines.at(section, name)}: "):
                key = find(section, name)
            with _told(f"{lines.at(section, name)}: [{section}] "):
                checked = key.checked(value)
            yield key, checked


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{where}{error}") from None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"--config {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"--config {path} is no UTF-8 text: save it as such") from error


def _is_open(path: Path) -> bool:
    return sys.platform != "win32" and bool(path.stat().st_mode & _OTHERS)


class _Lines:
    """Where a key stands: `tomllib` does not tell, and a look at the text finds every plain way of writing one."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._numbers: dict[tuple[str, str], int] = {}
        section = ""
        for number, line in enumerate(text.splitlines(), 1):
            if found := _HEADER.match(line):
                section = found[1].strip("\"'")
                self._numbers.setdefault((section, ""), number)
            elif found := _NAME.match(line):
                self._numbers.setdefault((section, found[1].strip("\"'")), number)

    def at(self, section: str, name: str = "") -> str:
        dotted = ("", f"{section}.{name}")
        number = self._numbers.get((section, name)) or self._numbers.get(dotted) or self._numbers.get((section, ""))
        return f"{self._path}, line {number}" if number else str(self._path)
