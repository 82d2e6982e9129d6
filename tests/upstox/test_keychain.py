"""The token in a keyring, by the library itself with a keyring that is in memory."""

import sys

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from auction_bt.core.errors import BadInput
from auction_bt.upstox.keychain import NAME, in_keyring, keep_in_keyring


class InMemory(KeyringBackend):
    """Keeps in a dict; one that is locked gives nothing."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.kept, self.is_locked = {}, False

    def get_password(self, service, username):
        if self.is_locked:
            raise KeyringLocked("the collection is locked")
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password


@pytest.fixture
def chain():
    before, ours = keyring.get_keyring(), InMemory()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def test_each_state_folder_has_a_token_of_its_own(chain, tmp_path):
    one, two = in_keyring(tmp_path / "one"), in_keyring(tmp_path / "two")
    assert one.read() == ""
    keep_in_keyring(tmp_path / "one", "first")
    keep_in_keyring(tmp_path / "two" / ".." / "two", "second")
    assert (one.name, one.read(), two.read()) == (NAME, "first", "second")
    assert {service for service, _ in chain.kept} == {"auction_bt"}


def test_a_keyring_that_is_locked_or_not_there_is_told_with_the_cure(chain, tmp_path):
    chain.is_locked = True
    with pytest.raises(BadInput, match=r"cannot be used \(the collection is locked\): unlock it, or .*--no-keyring"):
        in_keyring(tmp_path).read()
    keyring.set_keyring(NoKeyring())
    with pytest.raises(BadInput, match="cannot be used"):
        keep_in_keyring(tmp_path, "text")


def test_without_the_library_its_name_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(BadInput, match=r"pip install 'auction-bt\[keyring\]'"):
        in_keyring(tmp_path).read()
