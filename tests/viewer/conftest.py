"""Two made-up days in a store, two runs of them in a journal, and the viewer's application on both."""

from types import SimpleNamespace

import pytest

from auction_bt.backtest import Request, run_backtest
from auction_bt.cli.backtest import record
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.viewer.app import create_app
from auction_bt.viewer.sources import Sources
from tests.page.conftest import DAYS, made

from .process import Viewer

SYMBOL = "NSE_FO|DEMO-BALANCED"
TREND = "NSE_FO|DEMO-TREND"
__all__ = ["made"]


@pytest.fixture(scope="session")
def kept(made, tmp_path_factory):
    """A store of the days of `made`, and a state folder with run 1 (original) and 2 (auction) of the second day."""
    folder = tmp_path_factory.mktemp("kept")
    dsn = f"sqlite:///{made.path.parent / 'a.db'}"
    with open_store(dsn, readonly=True) as store, Journal.open(folder) as journal:
        runs = []
        for rule in ("original", "auction"):
            run = run_backtest(store, Request((SYMBOL, TREND), DAYS[1], DAYS[1], {"rule": rule}))
            record(journal, run)
            runs.append(run)
    return SimpleNamespace(folder=folder, dsn=dsn, runs=runs)


@pytest.fixture(scope="session")
def sources(kept):
    """What the application reads."""
    found = Sources.of(kept.dsn, kept.folder)
    yield found
    found.close()


@pytest.fixture
def ask(sources):
    """Return a function that asks the API and returns (status, JSON)."""
    client = create_app(sources, ["desk.example"]).test_client()

    def get(path, **query):
        answer = client.get(f"/api{path}", query_string=query or None)
        return answer.status_code, answer.get_json()

    get.client = client
    return get


@pytest.fixture
def viewer(tmp_path):
    """Return a function that starts a viewer."""
    begun = []

    def start(*words):
        begun.append(Viewer(*words, cwd=tmp_path))
        return begun[-1]

    yield start
    for one in begun:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()
