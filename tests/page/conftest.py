"""A made-up day of two symbols, run once and written as a page."""

import json
from datetime import date
from types import SimpleNamespace

import pytest

from auction_bt.backtest import Request, run_backtest
from auction_bt.core.ist import from_date
from auction_bt.core.sharpe import Trials
from auction_bt.derive import derive
from auction_bt.page.document import page
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import DEMO, Shape, messages
from auction_bt.weighing import evidence_of, trials_of

DAYS = (date(2026, 3, 9), date(2026, 3, 10))
SHAPES = (Shape.BALANCED, Shape.TREND)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The run, its page, and the data inside the page."""
    folder = tmp_path_factory.mktemp("page")
    symbols = tuple(DEMO[shape].symbol for shape in SHAPES)
    with open_store(f"sqlite:///{folder / 'a.db'}", create=True) as store:
        for shape in SHAPES:
            instrument = DEMO[shape]
            store.put_instrument(instrument)
            for number, day in enumerate(DAYS):
                stream = messages(instrument.symbol, day, shape if number else Shape.BALANCED, 7 + number,
                                  tick=instrument.tick, lot=instrument.lot, kind=instrument.kind)  # fmt: skip
                store.add_raw(RawMessage(at, json.dumps(body), tuple(body.get("feeds", ()))) for at, body in stream)
        derive(store, list(symbols), [from_date(day) for day in DAYS])

        def run(**settings):
            return run_backtest(store, Request(symbols, DAYS[1], DAYS[1], settings))

        found = run()
        evidence = evidence_of(found, Trials(len(trials_of(found)), None))
        html = page(found, evidence, synthetic=True)
        path = folder / "report.html"
        path.write_text(html, encoding="utf-8")
        inside = html.partition('id="data">')[2].partition("</script>")[0]
        yield SimpleNamespace(run=found, again=run, evidence=evidence, html=html, path=path, data=json.loads(inside))
