"""The day cache gives what the store gives, whatever is in its folder."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import BarColumns
from auction_bt.core.ist import day_index, day_start, from_date
from auction_bt.core.tick import TICK_DTYPES, TickColumns
from auction_bt.feeds.stored import load
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import DEMO, Shape
from tests.test_replay import DAYS, fill

DAY = 20_437
ROOT = Path(__file__).resolve().parents[2]


def ticks_on(day, n, seed=0):
    """A day's ticks with every column's bits at work; a few stand out of the order of their time."""
    rng = np.random.default_rng([seed, day, n])
    seq = day_start(day) + 10**9 + np.arange(n) * 50_000_000 + rng.integers(0, 1000, n)
    ts = np.clip(seq + rng.integers(-(10**9), 10**9, n), day_start(day), day_start(day + 1) - 1)
    price = np.round(rng.normal(2400, 5, n), 2)
    bid = np.where(rng.random(n) < 0.1, np.nan, price - 0.05)
    whole = [rng.integers(0, 2**40, n) for _ in range(3)]
    return TickColumns(seq, ts, price, whole[0], whole[1], bid, bid + 0.1, np.full(n, np.nan), whole[2])


def put(store, symbol, day, ticks):
    store.put_derived(symbol, range(day, day + 1), ticks, BarColumns.empty(), [])


def bits(ticks):
    assert {n: getattr(ticks, n).dtype for n in TICK_DTYPES} == TICK_DTYPES
    return [getattr(ticks, n).view(np.int64).tolist() for n in TICK_DTYPES]


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def store(new_dsn):
    with open_store(new_dsn(), create=True) as opened:
        yield opened


@pytest.fixture
def embedded(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as opened:
        yield opened


class Watched:
    """A store that tells which ranges of ticks it was asked for, and can be changed meanwhile."""

    def __init__(self, store, meanwhile=lambda: None):
        self._store, self._meanwhile, self.asked = store, meanwhile, []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def ticks(self, symbol, begin, end):
        self.asked.append((day_index(begin), day_index(end - 1)))
        found = self._store.ticks(symbol, begin, end)
        self._meanwhile()
        return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_range_of_any_days_is_what_the_store_gives_to_the_bit(tmp_path, store, data):
    cache = DayCache(tmp_path / "cache", keep_free=0)
    symbol = data.draw(st.sampled_from(["A", "NSE_FO|51502"]))
    for _ in range(data.draw(st.integers(1, 5))):
        day = DAY + data.draw(st.integers(0, 5))
        n = data.draw(st.sampled_from([0, 1, 2, 200, 2000]))
        put(store, symbol, day, ticks_on(day, n, data.draw(st.integers(0, 9))))
        begin = day_start(DAY) + data.draw(st.integers(-(10**14), 6 * 10**14))
        end = begin + data.draw(st.sampled_from([0, 1, 10**10, 10**14, 10**15]))
        for _ in range(2):
            assert bits(cache.ticks(store, symbol, begin, end)) == bits(store.ticks(symbol, begin, end))


def test_a_day_is_read_from_the_store_once_and_many_in_one_go(tmp_path, store):
    for day in range(DAY, DAY + 5):
        put(store, "A", day, ticks_on(day, 1000))
    cache, watched = DayCache(tmp_path / "cache", keep_free=0), Watched(store)
    cache.ticks(watched, "A", day_start(DAY + 2), day_start(DAY + 3))
    cache.ticks(watched, "A", 0, 2**62)
    found = cache.ticks(watched, "A", 0, 2**62)
    assert watched.asked == [(DAY + 2, DAY + 2), (DAY, DAY + 1), (DAY + 3, DAY + 4)]
    assert bits(found) == bits(store.ticks("A", 0, 2**62))
    assert len(files(tmp_path / "cache")) == 5
    one = cache.ticks(watched, "A", day_start(DAY), day_start(DAY + 1))
    assert not one.price.flags.writeable


def test_ticks_that_came_after_those_of_a_later_day_stay_in_the_order_of_seq(tmp_path, store):
    late = ticks_on(DAY, 50)
    late.seq[:] += 3 * 86_400 * 10**9
    put(store, "A", DAY, late)
    put(store, "A", DAY + 1, ticks_on(DAY + 1, 50))
    cache = DayCache(tmp_path / "cache", keep_free=0)
    for _ in range(2):
        found = cache.ticks(store, "A", 0, 2**62)
        assert bits(found) == bits(store.ticks("A", 0, 2**62))
        assert (np.diff(found.seq) > 0).all()


def test_a_day_made_anew_is_read_anew_and_its_older_files_go(tmp_path, store):
    cache = DayCache(tmp_path / "cache", keep_free=0)
    before = []
    for seed in range(3):
        put(store, "A", DAY, ticks_on(DAY, 100, seed))
        put(store, "A", DAY + 1, ticks_on(DAY + 1, 100))
        assert bits(cache.ticks(store, "A", 0, 2**62)) == bits(store.ticks("A", 0, 2**62))
        now = files(tmp_path / "cache")
        assert len(now) == 2
        assert now != before
        before = now


def test_a_day_replaced_while_it_was_read_is_not_kept(tmp_path, store):
    put(store, "A", DAY, ticks_on(DAY, 100, 1))
    cache = DayCache(tmp_path / "cache", keep_free=0)
    cache.ticks(Watched(store, lambda: put(store, "A", DAY, ticks_on(DAY, 100, 2))), "A", 0, 2**62)
    assert files(tmp_path / "cache") == []


def test_a_day_without_a_seal_is_read_each_time(tmp_path, store):
    class Old(Watched):
        def seals(self, symbol, days):
            return {d: s for d, s in self._store.seals(symbol, days).items() if d != DAY}

    for day in (DAY, DAY + 1):
        put(store, "A", day, ticks_on(day, 100))
    cache, old = DayCache(tmp_path / "cache", keep_free=0), Old(store)
    for _ in range(2):
        assert bits(cache.ticks(old, "A", 0, 2**62)) == bits(store.ticks("A", 0, 2**62))
    assert old.asked == [(DAY, DAY + 1), (DAY, DAY)]
    assert len(files(tmp_path / "cache")) == 1


@pytest.mark.parametrize("rows", [100, 5000])
@pytest.mark.parametrize("damage", ["empty", "short", "head", "zeros", "shape", "dtype", "pickle", "day"])
def test_a_damaged_file_is_removed_and_its_day_read_again(tmp_path, embedded, damage, rows):
    store = embedded
    put(store, "A", DAY, ticks_on(DAY, rows))
    cache = DayCache(tmp_path / "cache", keep_free=0)
    cache.ticks(store, "A", 0, 2**62)
    (path,) = (tmp_path / "cache").rglob("*.npy")
    whole = path.read_bytes()
    table = np.load(path)
    if damage in ("empty", "short", "head", "zeros"):
        path.write_bytes({"empty": b"", "short": whole[:-8], "head": b"x" + whole[1:], "zeros": whole[:128]}[damage])
        if damage == "zeros":
            with path.open("ab") as file:
                file.truncate(len(whole))
    elif damage == "pickle":
        np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    else:
        np.save(path, {"shape": table[:8], "dtype": table.astype(float), "day": table + np.int64(86_400 * 10**9)}[damage])
    watched = Watched(store)
    for _ in range(2):
        assert bits(cache.ticks(watched, "A", 0, 2**62)) == bits(store.ticks("A", 0, 2**62))
    assert watched.asked == [(DAY, DAY)]
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_or_a_full_disk_is_told_once_and_is_no_error(tmp_path, store):
    (tmp_path / "file").touch()
    for day in (DAY, DAY + 1):
        put(store, "A", day, ticks_on(day, 100))
    for folder, keep_free, why in ((tmp_path / "file" / "cache", 0, ""), (tmp_path / "cache", 2**60, "would stay free")):
        said = []
        cache = DayCache(folder, said.append, keep_free)
        for _ in range(2):
            assert bits(cache.ticks(store, "A", 0, 2**62)) == bits(store.ticks("A", 0, 2**62))
        assert len(said) == 1
        assert "\n" not in said[0]
        assert str(folder) in said[0]
        assert why in said[0]
    assert files(tmp_path / "cache") == []


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file")
def test_a_write_that_fails_half_way_leaves_nothing(tmp_path):
    code = f"""
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from tests.store.test_cache import DAY, put, ticks_on
with open_store("sqlite:///a.db", create=True) as store:
    put(store, "A", DAY, ticks_on(DAY, 1000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    print(len(DayCache(Path("cache"), print, keep_free=0).ticks(store, "A", 0, 2**62)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["days are read without being kept in cache: File too large", "1000"]
    assert files(tmp_path / "cache") == []


def test_what_a_dead_process_left_half_written_goes_in_time(tmp_path, store):
    put(store, "A", DAY, ticks_on(DAY, 10))
    cache = DayCache(tmp_path / "cache", keep_free=0)
    cache.ticks(store, "A", 0, 2**62)
    (home,) = (tmp_path / "cache").iterdir()
    for name, age in (("old", 7200), ("young", 60)):
        (home / f".{name}.part").touch()
        at = home.stat().st_mtime - age
        os.utime(home / f".{name}.part", (at, at))
    put(store, "A", DAY, ticks_on(DAY, 11))
    cache.ticks(store, "A", 0, 2**62)
    assert [Path(f).name for f in files(home) if f.endswith(".part")] == [".young.part"]


def test_symbols_that_a_file_system_could_confuse_have_folders_of_their_own(tmp_path, store):
    symbols = ["a|b", "a_b", "A_B", "CON", "a/../b", "x" * 300, "x" * 299, "₹", "a.", "a ."]
    cache = DayCache(tmp_path / "cache", keep_free=0)
    for n, symbol in enumerate(symbols):
        put(store, symbol, DAY, ticks_on(DAY, n + 1))
        cache.ticks(store, symbol, 0, 2**62)
    folders = [p.name for p in (tmp_path / "cache").iterdir()]
    assert len({name.casefold() for name in folders}) == len(symbols)
    assert all(len(name) < 80 and name.isascii() and name.replace("-", "a").replace("_", "a").isalnum() for name in folders)
    assert [len(cache.ticks(store, symbol, 0, 2**62)) for symbol in symbols] == list(range(1, len(symbols) + 1))


def _reads(dsn, folder):
    with open_store(dsn, readonly=True) as store:
        cache = DayCache(folder, keep_free=0)
        return [bits(cache.ticks(store, "A", 0, 2**62)) for _ in range(3)]


def test_two_processes_at_once_read_the_same(tmp_path, new_dsn):
    dsn = new_dsn()
    with open_store(dsn, create=True) as store:
        for day in range(DAY, DAY + 6):
            put(store, "A", day, ticks_on(day, 3000))
        expected = bits(store.ticks("A", 0, 2**62))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(_reads, [(dsn, tmp_path / "cache")] * 2, chunksize=1)
    assert found == [[expected] * 3] * 2
    assert len(files(tmp_path / "cache")) == 6


def test_a_backtest_gives_the_same_bytes_without_with_a_cold_and_with_a_warm_cache(tmp_path, new_dsn, capfd, monkeypatch):
    from auction_bt.backtest import Request, run_backtest
    from auction_bt.cli import main
    from auction_bt.report import dumps

    monkeypatch.chdir(tmp_path)
    dsn, instrument = new_dsn(), DEMO[Shape.BALANCED]
    with open_store(dsn, create=True) as store:
        fill(store, [instrument], seed=3)
        free = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "period": 30}
        bare = dumps(run_backtest(store, Request((instrument.symbol,), DAYS[-1], DAYS[-1], free)).result)
    words = ["backtest", "--store", dsn, "--symbol", instrument.symbol, "--from-date", str(DAYS[-1]), "--to-date", str(DAYS[-1])]
    words += [w for name, value in free.items() for w in ("--set", f"{name}={value}")]
    found = []
    for state in ("one", "one", "two"):
        assert main([*words, "--state", state, "--json", "-"]) == 0
        found.append(capfd.readouterr())
    assert found[0] == found[1] == found[2]
    assert found[0].err == ""
    assert found[0].out == bare
    assert json.loads(bare)["summary"]["trades"] > 0
    assert [Path(f).name[:10] for f in files(tmp_path / "one/cache")] == [str(d) for d in DAYS]


def test_what_is_loaded_from_mapped_days_can_be_worked_with(tmp_path, store):
    instrument = DEMO[Shape.TREND]
    fill(store, [instrument], seed=5, per_minute=60)
    cache = DayCache(tmp_path / "cache", keep_free=0)
    begin, end = day_start(from_date(DAYS[0])), day_start(from_date(DAYS[0]) + 1)
    bare, cold, warm = load(store, instrument, begin, end), *(load(store, instrument, begin, end, cache) for _ in range(2))
    assert next((tmp_path / "cache").rglob("*.npy")).stat().st_size > 65_536
    for found in (cold, warm):
        for part in ("tape", "market"):
            for name in getattr(bare, part).__dataclass_fields__:
                ours, theirs = (np.asarray(getattr(getattr(r, part), name)) for r in (found, bare))
                assert ours.tobytes() == theirs.tobytes(), name
        found.market.price[0] = 1.0  # a run's own copy
    assert bits(cache.ticks(store, instrument.symbol, begin, end)) == bits(store.ticks(instrument.symbol, begin, end))
