"""A store that fails on purpose, around a real one."""

from auction_bt.core.errors import Refused, Retryable
from auction_bt.store.dsn import open_store


class Flaky:
    """Does what `plan` says at each append; then what the real store does.

    Parameters
    ----------
    place : str
        DSN of the real store.
    plan : iterator of str
        ``ok``; and with failure reported: ``down``: nothing is taken; ``lie``: all is; ``half``: the first half is;
        ``lose``: all is, and the last few the store had are gone, as on a server that was killed.
    poison : container of str
        Texts that are refused.
    """

    def __init__(self, place, plan, poison=()):
        self._store = open_store(place, create=True)
        self._plan = plan
        self._poison = poison

    def append_raw(self, messages):
        act = next(self._plan, "ok")
        if act == "down":
            raise Retryable("down")
        if bad := [m for m in messages if m.text in self._poison]:
            raise Refused(f"poison at {bad[0].ts}")
        if act == "half":
            messages = messages[: len(messages) // 2]
        self._store.append_raw(messages)
        if act == "lose":
            lost = [m.ts for m in self._store.raw(-(2**62), 2**62)][-3:]
            with self._store.writing():
                for table in ("raw_wss_feed", "raw_symbol"):
                    self._store._db.executemany(f"DELETE FROM {table} WHERE ts = ?", [(ts,) for ts in lost])
        if act != "ok":
            raise Retryable(act)

    def __getattr__(self, name):
        return getattr(self._store, name)
