"""What the terminal shows of a live run, and when the run ends."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from auction_bt.core.decision import Decision, funnel
from auction_bt.core.errors import Fatal
from auction_bt.core.news import News
from auction_bt.live.assembly import LiveRun
from auction_bt.live.command_box import Command, CommandBox
from auction_bt.live.commands import STALE, STOPPING
from auction_bt.live.engine import LATEST_NS, LivePlan
from auction_bt.live.monitor import HELD, NAKED
from auction_bt.live.obedience import Obedience, halt_first
from auction_bt.live.recording import OwnRecording
from auction_bt.live.sim_process import SimProcess
from auction_bt.live.views import day_view, keepers_of, stop_at
from auction_bt.market.sessions import session_of
from auction_bt.redaction import redacted
from auction_bt.telling import line
from auction_bt.upstox.connection import FeedState
from auction_bt.wording import number, plural, rupees

from .keyboard import has_terminal
from .screen import Screen

_QUIET_S: Final = 0.5
_FLAT_S: Final = 60.0
_REST_S: Final = 30.0  # for what is under way when the word to stop comes
_LOOK_S: Final = 0.2


class Word:
    """What signals have said: plain values, because a signal's handler may take no lock.

    Attributes
    ----------
    times : int
        How often Ctrl-C was pressed.
    wanted : str
        ``halt`` or ``flatten``, until somebody has taken it; '' for nothing.
    """

    times = 0
    wanted = ""

    def stop(self) -> bool:
        """Take a signal to stop; the third acts as ever."""
        self.times += 1
        return self.times > 1

    def halt(self) -> None:
        """Take the signal to halt."""
        self.wanted = "halt"

    def flatten(self) -> None:
        """Take the signal to flatten."""
        self.wanted = "flatten"


class LiveScreen:
    """What the terminal shows, and when the run ends."""

    def __init__(self, args: argparse.Namespace, plan: LivePlan, sim: SimProcess | None, word: Word) -> None:
        self._every = float(args.every)
        self._flattens = args.on_exit == "flatten"
        self._plan = plan
        self._sim = sim
        self._names = {i.symbol: i for i in plan.instruments}
        self._due = time.monotonic() + self._every
        self._ending = 0.0  # when the word to stop came
        self._ends = [session_of(i, plan.day).bounds(plan.day)[1] for i in plan.instruments]
        self._over = max(self._ends) + LATEST_NS
        self._is_journal_broken = False
        self.is_table = has_terminal()
        self.screen = Screen(has_status=self.is_table)
        self._one_at_a_time = threading.Lock()
        self.word = word
        self.alarms = 0
        self.tell_alarm: Callable[[str], None] | None = None  # beside the terminal
        self._obedience: Obedience | None = None
        self._naked: set[str] = set()  # trades without a stop, that were told

    # ---------------------------------------------------------------- lines
    def say(self, text: str) -> None:
        """Print a line; any thread may."""
        with self._one_at_a_time:
            self.screen.line(text)
            sys.stdout.flush()

    def news(self, news: News) -> None:
        """Print what happened."""
        if isinstance(news, Decision) and news.reason == STALE:
            return
        text = line(news, self._names[news.symbol])
        if text:
            self.say(text)

    def alarm(self, text: str) -> None:
        """Print what somebody must know now; any thread may."""
        self.alarms += 1
        self.say(f"ALARM {redacted(text)}")
        if self.tell_alarm is not None:
            self.tell_alarm(text)

    # ---------------------------------------------------------------- between messages
    def look(self, live: LiveRun) -> float:
        """Do what is due by the clock on the wall; return the seconds until the next look."""
        now = time.monotonic()
        if self.word.times and not self._ending:
            self._stop(live, now)
        self._obey(live)
        if (self._ending and self._may_end(live, now)) or self._is_over(live):
            live.session.engine.stop()
        if now >= self._due:
            self._due = now + self._every
            self._watch(live)
            self.show(live)
        return max(0.0, min(_LOOK_S, self._due - now))

    def show(self, live: LiveRun) -> None:
        """Print how the day stands."""
        standing = live.recording.standing
        feed = "" if standing.feed in {None, FeedState.LIVE} else standing.feed.value.upper().replace("_", " ")
        view = day_view(
            live.session.engine,
            live.recording.source.flow,
            live.place.clock(),
            recorder=standing.state,
            lost=standing.lost,
            feed=feed,
        )
        if self.is_table:
            with self._one_at_a_time:
                self.screen.block(view.lines(), red=NAKED)
        else:
            for text in view.lines():
                self.say(text)
        naked = {trade.name for trade in view.views if trade.stop_at == NAKED}
        for name in sorted(naked - self._naked):
            self.alarm(f"{name}: {NAKED}")
        self._naked = naked

    def _obey(self, live: LiveRun) -> None:
        if not live.session.is_live:
            return
        if self.word.wanted:
            CommandBox(live.place.state).post(Command(self.word.wanted, by="signal"))
            self.word.wanted = ""
        if self._obedience is None:
            self._obedience = Obedience(CommandBox(live.place.state), live.session.engine, live, self.say)
        self._obedience.look()

    def first(self, live: LiveRun) -> None:
        """Tell, before the first message, that nothing is to be opened, where somebody has said so since the last end."""
        halt_first(CommandBox(live.place.state), live.tell)

    def _watch(self, live: LiveRun) -> None:
        # Whoever keeps the books must not fail unseen.
        if (error := live.journal_error) is not None and not self._is_journal_broken:
            self._is_journal_broken = True
            self.alarm(f"journal: {error}: no new trades are opened")
            live.tell(kind="command", what="halt", reason="journal broken")

    def _stop(self, live: LiveRun, now: float) -> None:
        self._ending = now
        engine = live.session.engine
        live.tell(kind="command", what="halt", reason=STOPPING)
        held = [s.instrument.name or s.instrument.symbol for s in engine.strategies if len(s) and s.open_trade() is not None]
        under_way = held or keepers_of(engine)
        if under_way and self._flattens:
            self.say(f"stopping: leaving {', '.join(held) or 'what is under way'} at market")
            live.tell(kind="command", what="flatten", reason="manual")
        elif under_way and self._plan.is_elsewhere:
            self.say("stopping: no trade is opened any more; what is under way is waited for, what is open keeps its stop")
        elif held:
            self.say(f"stopping: {', '.join(held)} stays open on paper; the next start of today goes on with it")
        else:
            self.say("stopping: nothing is open")

    def _may_end(self, live: LiveRun, now: float) -> bool:
        if self.word.times > 1:
            return True
        engine = live.session.engine
        is_flat = not any(s.open_trade() is not None for s in engine.strategies if len(s)) and not keepers_of(engine)
        if self._flattens and not is_flat:
            if now - self._ending > _FLAT_S:
                self.alarm(f"not flat after {_FLAT_S:.0f} s: look at the broker's own page")
                return True
            return False
        if now - self._ending < _REST_S and not all(stop_at(keeper) == HELD for keeper in keepers_of(engine)):
            return False  # an entry may be filled yet, and needs its stop then
        if self._sim is None:
            return live.is_quiet
        self._sim.halt()
        return self._is_over(live)  # all that it still says has come

    def _is_over(self, live: LiveRun) -> bool:
        is_ended = self._sim.is_over if self._sim is not None else live.place.clock() > self._over
        if not is_ended or not live.is_quiet:
            return False
        at = live.recording.source.flow.at
        return not at or (time.monotonic_ns() - at) / 1e9 > _QUIET_S

    # ---------------------------------------------------------------- the end
    def _say_what_stays(self, engine: Any) -> None:
        for keeper in keepers_of(engine):
            instrument, group = self._names[keeper.terms.symbol], keeper.group
            name, where = instrument.name or instrument.symbol, stop_at(keeper)
            if keeper.held and where == HELD and group is not None:
                stop = number(keeper.terms.on_grid(group.stop))
                self.say(f"{name}: {keeper.side.value} {keeper.held} stays open; its stop at {stop} rests at the exchange, its "
                         "targets do not")  # fmt: skip
            elif keeper.held:
                self.alarm(f"{name}: {keeper.side.value} {keeper.held} stays open: {NAKED}; see the broker's own page")
            else:
                self.alarm(f"{name}: an order is under way, and nobody waits for its end: see the broker's own page")

    def end(self, engine: Any, live: LiveRun) -> int:
        """Print how it went, and what stays; return the exit code."""
        self._say_what_stays(engine)
        net = sum((trade.pnl_net for trade in engine.trades), Decimal(0))
        signals = funnel(engine.decisions)["signals"]
        open_ = [s.open_trade() for s in engine.strategies if len(s) and s.open_trade() is not None]
        self.say(
            f"{plural(len(engine.trades), 'closed trade')}, net {rupees(net)}; {plural(signals, 'signal')}, "
            f"{engine.refused} refused; {plural(len(open_), 'open trade')}; {plural(self.alarms, 'alarm')}"
        )
        parts = [f"kept as run {live.run_id} of {live.place.state / 'journal.db'}",
                 f"{plural(live.recording.standing.recorded, 'message')} recorded"]  # fmt: skip
        if most := live.recording.source.flow.most:
            parts.append(f"at most {most} waiting")
        if live.sender is not None:
            parts.append(plural(len(live.sender.waits), "order request"))
        self.say("; ".join(parts))
        if isinstance(live.recording, OwnRecording) and not live.recording.was_sent:
            self.say("the store has not taken everything: the rest waits in the spool, and goes first at the next start")
        return self._judge(engine) if self._sim is not None else 0

    def _judge(self, engine: Any) -> int:
        assert self._sim is not None  # noqa: S101 - for the type checker
        said = self._sim.last
        if "positions" not in said:
            raise Fatal("the simulated exchange is gone: what it knows cannot be compared; see its line above")
        ours = {s.instrument.symbol: size for s in engine.strategies if (size := engine.broker.positions[s.data].size)}
        theirs = {key: qty for key, qty in said["positions"].items() if qty}
        tags = said["tags"]
        twice = sorted({tag for tag in tags if tag and tags.count(tag) > 1})  # the exchange's own orders have none
        if ours != theirs or twice:
            raise Fatal(f"the exchange differs: it has {json.dumps(theirs)}, we have {json.dumps(ours)}"
                        f"{'; orders sent twice: ' + ', '.join(twice) if twice else ''}")  # fmt: skip
        self.say(f"the exchange agrees: {said['orders']} orders, {'flat' if not theirs else json.dumps(theirs)}")
        return 0
