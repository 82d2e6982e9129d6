"""The access token in the system's keyring: macOS's keychain, Windows' credentials, the Secret Service of a Linux desktop."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Final

from auction_bt.core.errors import BadInput

from .token import TokenPlace

NAME: Final = "the system's keyring"
_SERVICE: Final = "auction_bt"


def in_keyring(state: Path) -> TokenPlace:
    """Return the place that the keyring is; each state folder, which is one account, has an entry of its own."""
    return TokenPlace(NAME, lambda: _read(state))


def keep_in_keyring(state: Path, text: str) -> None:
    """Put a token into the keyring.

    Raises
    ------
    BadInput
        The library is not installed, or this machine has no keyring that is open.
    """
    keyring = _library()
    try:
        keyring.set_password(_SERVICE, _entry(state), text)
    except keyring.errors.KeyringError as error:
        raise _unusable(error) from error


def _read(state: Path) -> str:
    keyring = _library()
    try:
        return (keyring.get_password(_SERVICE, _entry(state)) or "").strip()
    except keyring.errors.KeyringError as error:
        raise _unusable(error) from error


def _entry(state: Path) -> str:
    return str(state.resolve())


def _unusable(error: Exception) -> BadInput:
    said = " ".join(str(error).split()) or type(error).__name__
    return BadInput(f"{NAME} cannot be used ({said}): unlock it, or leave the keyring out (--no-keyring)")


def _library() -> ModuleType:
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise BadInput(f"{NAME} needs a library that is not installed: pip install 'auction-bt[keyring]'") from error
    return keyring
