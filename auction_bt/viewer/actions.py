"""What the page can do beside reading: tell the bot that runs on the state folder to halt, resume or flatten."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import orjson
from flask import Blueprint, Response, request

from auction_bt.core.errors import AuctionError
from auction_bt.live.command_box import WORDS, Command, CommandBox, is_running

_NAME: Final = re.compile(r"\d{20}-[0-9a-f]{8}")


class Actions:
    """Answers under ``/api/actions``.

    Parameters
    ----------
    state : Path
        The bot's state folder.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._box = CommandBox(state)

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        made = Blueprint("actions", __name__)
        made.add_url_rule("/api/actions", "act", self.act, methods=["POST"])
        made.add_url_rule("/api/actions/<name>", "came", self.came)
        return made

    def act(self) -> Response:
        """Put a command in."""
        said = request.get_json(silent=True)
        what, symbol = (said.get("what"), said.get("symbol") or "") if isinstance(said, dict) else (None, "")
        if what not in WORDS or not isinstance(symbol, str) or len(symbol) > 100:
            return _json({"error": f"what must be one of {', '.join(WORDS)}"}, 400)
        if not is_running(self._state):
            return _json({"error": "no bot runs on this state folder"}, 409)
        try:
            return _json({"name": self._box.post(Command(what, symbol, "viewer"))}, 202)
        except AuctionError as error:
            return _json({"error": str(error)}, 503)

    def came(self, name: str) -> Response:
        """Tell what came of a command; empty as long as nobody has said."""
        if not _NAME.fullmatch(name):
            return _json({"error": "no such command"}, 404)
        return _json({"text": self._box.answer(name, 0) or ""})


def _json(body: dict[str, str], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")
