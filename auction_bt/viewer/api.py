"""The JSON API: one function an address; docs/viewer.md says what each answers."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Blueprint, Response, request

from auction_bt import __version__
from auction_bt.core.errors import AuctionError, BadInput
from auction_bt.core.ist import day_start, from_date
from auction_bt.stored_run import settings_in

from . import of_runs, of_store
from .charts import chart_json
from .of_trade import trade_json
from .questions import Query
from .source import Away
from .sources import Sources

SCHEMA: Final = 1
_TRADES: Final = ("q", "open", "symbol", "day")
_PAGE: Final = ("limit", "offset")
_NUMBER: Final = f"int(max={2**63 - 1})"  # what a journal can hold
ROUTES: Final = (
    ("/", "index"),
    ("/status", "status"),
    ("/runs", "runs"),
    (f"/runs/<{_NUMBER}:run>", "one_run"),
    (f"/runs/<{_NUMBER}:run>/groups", "groups"),
    (f"/runs/<{_NUMBER}:run>/trades", "trades"),
    (f"/runs/<{_NUMBER}:run>/trades.csv", "trades_csv"),
    (f"/runs/<{_NUMBER}:run>/equity", "equity"),
    (f"/runs/<{_NUMBER}:run>/decisions", "decisions"),
    (f"/trades/<{_NUMBER}:number>", "one_trade"),
    ("/compare", "compare"),
    ("/symbols", "symbols"),
    ("/symbols/days", "days"),
    ("/chart", "chart"),
    ("/footprint", "footprint"),
    ("/levels", "levels"),
    ("/feed", "feed"),
    ("/events", "events"),
)


class Api:
    """Answers to everything under ``/api/``; the first line of each method says what it tells.

    Parameters
    ----------
    sources : Sources
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._journal = sources.journal
        self._store = sources.store

    def blueprint(self) -> Blueprint:
        """Return the addresses with their answers."""
        blueprint = Blueprint("api", __name__, url_prefix="/api")
        for path, name in ROUTES:
            blueprint.add_url_rule(path, name, getattr(self, name), methods=["GET"])
        blueprint.register_error_handler(AuctionError, _refused)
        blueprint.register_error_handler(LookupError, _missing)
        return blueprint

    def index(self) -> Response:
        """What there is to ask for."""
        _query()
        told = [(path.replace(f"{_NUMBER}:", ""), getattr(self, name).__doc__ or "") for path, name in ROUTES]
        endpoints = [{"path": f"/api{path}", "what": what.strip()} for path, what in told]
        return _json({"schema": SCHEMA, "version": __version__, "endpoints": endpoints})

    def status(self) -> Response:
        """How store and journal are."""
        _query()
        return _json(self._sources.status())

    def runs(self) -> Response:
        """Runs, newest first."""
        asked = _query(*_PAGE, "q")
        if not self._sources.has_journal:
            return _json({"total": 0, "offset": 0, "runs": []})
        return _json(self._journal.ask(lambda j: of_runs.run_list(j, asked)))

    def one_run(self, run: int) -> Response:
        """A run: settings and sums."""
        _query()
        return _json(self._journal.ask(lambda j: of_runs.one_run(j, run)))

    def groups(self, run: int) -> Response:
        """Closed trades of a run by side, setup, regime, reason, symbol, time; charges by kind."""
        _query()
        return _json(self._journal.ask(lambda j: of_runs.groups(j, run)))

    def trades(self, run: int) -> Response:
        """Trades of a run, sorted, filtered, by pages."""
        asked = _query(*_TRADES, *_PAGE, "sort", "desc")
        return _json(self._journal.ask(lambda j: of_runs.trade_list(j, run, asked)))

    def trades_csv(self, run: int) -> Response:
        """The same trades as CSV."""
        chosen = _query(*_TRADES).trades()
        self._journal.ask(lambda j: j.settings_of(run))
        return Response(of_runs.trade_csv(self._journal, run, chosen), mimetype="text/csv",
                        headers={"Content-Disposition": f"attachment; filename=run-{run}-trades.csv"})  # fmt: skip

    def equity(self, run: int) -> Response:
        """The account after each closed trade."""
        _query()
        return _json(self._journal.ask(lambda j: of_runs.equity(j, run)))

    def decisions(self, run: int) -> Response:
        """What a run decided: entries, and signals refused with the reason."""
        asked = _query("action", "q", "symbol", "day", *_PAGE)
        return _json(self._journal.ask(lambda j: of_runs.decision_list(j, run, asked)))

    def one_trade(self, number: int) -> Response:
        """A trade line by line, with the profile as it was at entry."""
        _query()
        return _json(trade_json(self._sources, number))

    def compare(self) -> Response:
        """What differs between two runs."""
        asked = _query("left", "right")
        return _json(self._journal.ask(lambda j: of_runs.comparison(j, asked)))

    def symbols(self) -> Response:
        """Symbols of the store."""
        asked = _query("q")
        return _json(self._store.ask(lambda s: of_store.symbol_list(s, asked)))

    def days(self) -> Response:
        """Days of one symbol."""
        asked = _query("symbol")
        return _json(self._store.ask(lambda s: of_store.symbol_days(s, asked)))

    def chart(self) -> Response:
        """Bars of one symbol with levels, regime, volume by price, and a run's trades."""
        asked = _query("symbol", "from", "to", "run")
        symbol, (begin, end) = asked.needed("symbol"), of_store.span(asked)
        run = asked.number("run") if asked.text("run") else None
        settings = {} if run is None else self._journal.ask(lambda j: settings_in(j.settings_of(run)))

        found = self._store.ask(lambda s: chart_json(self._sources.charts.traced(s, symbol, begin, end, settings)))
        found["trades"] = []
        if run is not None:
            key, first, last = found["symbol"], day_start(from_date(begin)), day_start(from_date(end) + 1)
            trades = self._journal.ask(lambda j: j.trades_between(run, key, first, last))
            found["trades"] = [of_runs.trade_row(*row) for row in trades]
        return _json(found)

    def footprint(self) -> Response:
        """Volume at price of each minute, bought and sold, estimated."""
        asked = _query("symbol", "day")
        return _json(self._store.ask(lambda s: of_store.footprint(s, asked)))

    def levels(self) -> Response:
        """The sheet of levels of a day."""
        asked = _query("symbol", "date", "at")
        return _json(self._store.ask(lambda s: of_store.levels(s, self._sources.state, asked)))

    def feed(self) -> Response:
        """How well a day was recorded, and the recorder."""
        asked = _query("day")
        recorder = self._sources.spool.ask(of_store.recorder) if self._sources.has_spool else None
        return _json(self._store.ask(lambda s: of_store.feed(s, recorder, asked)))

    def events(self) -> Response:
        """Server-sent events: hints that something is new."""
        _query()
        stream = self._sources.hub.stream(
            {"version": __version__}, request.environ.get("waitress.client_disconnected", lambda: False)
        )
        if stream is None:
            return _json({"error": "too many pages are open: close one"}, 503)
        return Response(stream, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _query(*known: str) -> Query:
    return Query(request.args.to_dict(), *known)


def _refused(error: AuctionError) -> Response:
    if isinstance(error, Away):
        return _json({"error": str(error)}, 503)
    return _json({"error": str(error)}, 400 if isinstance(error, BadInput) else 404)


def _missing(error: LookupError) -> Response:
    return _json({"error": str(error.args[0] if error.args else error)}, 404)


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, mimetype="application/json")
