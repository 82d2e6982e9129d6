"""One key of the configuration: where it stands, what it may be, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from auction_bt.core.errors import BadInput
from auction_bt.settings import Setting

_KINDS: Final[dict[type, str]] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes",
                                  tuple: "a list of texts, as [\"NIFTY-FUT\"]"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """A key of one section.

    Parameters
    ----------
    section : str
    setting : Setting
        Name, default, meaning and range. A default of a tuple stands for a list of texts.
    unit : str
        Of numbers.
    option : str
        The name under which a command has it, as ``argparse`` calls it; empty where no option says the same.
    variable : str
        The environment's variable that goes before the file.
    is_secret : bool
        Taken from a file that its owner alone may read, and from nowhere else.
    """

    section: str
    setting: Setting
    unit: str = ""
    option: str = ""
    variable: str = ""
    is_secret: bool = False

    @property
    def name(self) -> str:
        """Its name within the section."""
        return self.setting.name

    @property
    def is_setting(self) -> bool:
        """Whether it is a setting of the strategy, as `--set name=value` takes it."""
        return not self.option and not self.is_secret

    @property
    def path(self) -> str:
        """Section and name, as `--set` takes them."""
        return f"{self.section}.{self.name}"

    @property
    def range(self) -> str:
        """What may be given, in words, without the unit."""
        kind = type(self.setting.default)
        if self.setting.choices or kind is bool or self.setting.least is not None:
            return self.setting.allowed
        return _KINDS[kind]

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        return f"{self.range} {self.unit}".rstrip() if self.setting.least is not None else self.range

    def checked(self, value: Any) -> Any:
        """Return what TOML gave as the key's own type.

        Raises
        ------
        BadInput
            It is of another type, or not allowed.
        """
        kind = type(self.setting.default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        elif kind is tuple:
            if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
                raise BadInput(f"{self.name} must be {_KINDS[tuple]}")
            return tuple(value)
        if type(value) is not kind:
            shown = "" if self.is_secret else f" = {value!r}"
            raise BadInput(f"{self.name}{shown} must be {_KINDS[kind]}" + (f": {self.allowed}" if kind in {int, float} else ""))
        self._check(value)
        return value

    def parsed(self, text: str) -> Any:
        """Return the text of `--set` as the key's own type; raises as `checked` does."""
        if isinstance(self.setting.default, tuple):
            return self.checked([each.strip() for each in text.split(",")])
        value = self.setting.parse(text)
        self._check(value)
        return value

    def _check(self, value: Any) -> None:
        try:
            self.setting.check(value)
        except BadInput:
            raise BadInput(f"{self.name} = {value!r} is not allowed: {self.allowed}") from None
