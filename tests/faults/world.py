"""A live day in one thread, on the market's own clock: the real engine and the real simulated exchange, and a line between
them on which words may be lost, late, repeated or swapped, and at whose any step the bot may die."""

import heapq
import json
from collections import Counter, deque
from decimal import Decimal

import numpy as np

from auction_bt.brokers.indian import indian_charges
from auction_bt.brokers.messages import Answer, answer_message, book_message, funds_message, positions_message, update_message
from auction_bt.core.fills import FillModel
from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, day_start, minute_start
from auction_bt.core.leg import Leg
from auction_bt.core.live_order import Asked, Cancel, Look, Modify, Outcome, Place
from auction_bt.feeds.decode import symbols_of
from auction_bt.live.backfill import rows_between
from auction_bt.live.engine import LiveAuctionEngine, LivePlan, Orders
from auction_bt.live.gate import Gate
from auction_bt.live.source import Received, ResumedSource, gap_message
from auction_bt.parsing import dump
from auction_bt.sim.books import Account
from auction_bt.sim.broker import Broker
from auction_bt.sim.exchange import Exchange
from auction_bt.sim.floor import Floor
from auction_bt.sim.matching import AS_BACKTESTED
from auction_bt.sim.money import units
from auction_bt.sim.order import Change, Kind, Request
from auction_bt.sim.shapes import order_row, position_row
from auction_bt.store import RawMessage

#: What may go wrong, and how often of a hundred times.
SHARES = {
    "update lost": 4, "update late": 10, "update twice": 5, "frame lost": 1, "frame late": 2, "frame twice": 2,
    "request lost": 4, "answer lost": 6, "answer late": 10, "answer after updates": 20, "refused": 5, "look fails": 20,
    "arrives late": 2, "closed outside": 1,
}  # fmt: skip


class Died(BaseException):
    """The bot was killed."""


class World:
    """The exchange, the line, and what the bot has recorded; it is the source of messages of the bot that runs.

    Parameters
    ----------
    day : auction_bt.sim.day.Day
    seed : int or None
        Of what goes wrong on the line; None: nothing does.
    minutes : int
        After which the day is ended by the word to flatten; 0: the whole of it.
    """

    def __init__(self, day, *, seed=None, matching=AS_BACKTESTED, cash=10**9, shares=None, minutes=0):
        self.day = day
        self.dice = np.random.default_rng(seed) if seed is not None else None
        self.shares = SHARES if shares is None else shares
        self.now = day_start(day.day) + 9 * 60 * MINUTE_NS
        self.end = max(contract.hours.end for contract in day.contracts)
        self.is_cut = minutes > 0
        if minutes:
            self.end = day_start(day.day) + (9 * 60 + 15 + minutes) * MINUTE_NS
        self.is_calm, self.calm_step = False, 0
        self.broker = Broker(Exchange(day.contracts, Account(cash=units(cash)), matching), lambda: self.now)
        self.broker.outbox.listeners.append(self._on_update)
        self.frames = day.frames()
        self.floor = Floor(self.broker, day.keys)
        self.recorded = []  # RawMessage: what is on the disk
        self.intended = set()  # tags in the journal
        self.steps = 0
        self.dies_at = deque()
        self.did = Counter()
        self._woken = 0
        self._count = 0
        self.arrivals = []  # (due, n, what): requests on their way to the exchange, whoever sent them
        self._forget()
        self.is_connected = False

    def _forget(self):
        # What is in a process alone, or on its sockets.
        self.words = []  # (due, n, message): on their way to the bot
        self.frame = None  # the one to be given when nothing else is left
        self.actions = deque()
        self.is_over = False

    def chance(self, what):
        happens = self.dice is not None and self.dice.random() * 100 < self.shares.get(what, 0)
        self.did[what] += happens
        return happens

    def step(self):
        """A moment at which the bot may die."""
        self.steps += 1
        if self.dies_at and self.steps >= self.dies_at[0] and not self.is_calm:
            self.dies_at.popleft()
            raise Died

    # ---------------------------------------------------------------- the source of the bot's messages
    def next(self, _timeout):
        """Return the next message, on the disk by now."""
        while True:
            self.step()
            if self.arrivals and self.arrivals[0][0] <= self.now:
                self.broker.act(heapq.heappop(self.arrivals)[2])[1].release()
            elif self.actions:
                self._perform(self.actions.popleft())
            elif self.words and self.words[0][0] <= self.now:
                return self._record(heapq.heappop(self.words)[2])
            elif self.frame is not None:
                frame, self.frame = self.frame, None
                return self._record(frame)
            elif not self._play():
                if not self.words:
                    self.is_over = True
                    return None
                self.now = max(self.now, self.words[0][0])

    def tell(self, message):
        """Put a message of the bot's own into the order."""
        self._say(message, 0)

    def _record(self, message):
        seq = max(self.now, self.recorded[-1].ts + 1 if self.recorded else 0)
        self.recorded.append(RawMessage(seq, dump(message), tuple(symbols_of(message))))
        self.step()
        return Received(seq, message, 0)

    def _say(self, message, late_s):
        heapq.heappush(self.words, (self.now + int(late_s * SECOND_NS), self._next(), message))

    def _next(self):
        self._count += 1
        return self._count

    def _later(self, most=4):
        return float(self.dice.uniform(0.2, most))

    # ---------------------------------------------------------------- the market
    def _play(self):
        shown = next(self.frames, None)
        if shown is None or shown.at >= self.end + MINUTE_NS:
            if self.now >= self.end + MINUTE_NS:
                return False
            self.now += SECOND_NS
            self.broker.wake()
            return True
        if shown.at >= self.calm_from:
            self._calm()
        self.now = max(self.now, shown.at)
        if self.now - self._woken >= SECOND_NS:
            self._woken = self.now
            self.broker.wake()
        self.floor.show(shown.message, shown.at)
        self._meddle()
        if not self.is_connected or self.chance("frame lost"):
            return True
        if self.chance("frame late"):
            self._say(shown.message, self._later())
        else:
            self.frame = shown.message
        if self.chance("frame twice"):
            self._say(shown.message, self._later(1))
        return True

    def _meddle(self):
        # Somebody closes what we hold, or a part of it, from another device; a while after, new trades are let in again.
        held = self.positions()
        if not held or not self.is_connected or not self.chance("closed outside"):
            return
        symbol, qty = sorted(held.items())[0]
        lot = next(c.instrument.lot for c in self.day.contracts if c.key == symbol)
        part = lot * int(self.dice.integers(1, abs(qty) // lot + 1)) if abs(qty) >= lot else abs(qty)
        request = Request(symbol, qty < 0, part, Kind.MARKET)
        self.broker.act(lambda exchange, now: exchange.place(request, now))[1].release()
        self._say({"kind": "command", "ts": self.now, "what": "resume", "symbol": symbol}, 300)

    @property
    def calm_from(self):
        """From when on nothing goes wrong: whoever is told the truth must then come to an end with it."""
        return self.end - 14 * MINUTE_NS

    def _calm(self):
        if self.is_calm:
            return
        self.is_calm, self.dice, self.calm_step = True, None, self.steps
        if self.is_connected:
            self.read_account()
            self._flatten()

    def _flatten(self):
        if self.is_cut:
            self.tell({"kind": "command", "ts": self.now, "what": "flatten", "reason": "manual"})

    def _on_update(self, update):
        message = update_message(json.dumps(update.body), self.now)
        if not self.is_connected or message is None or self.chance("update lost"):
            return
        self._say(message, self._later() if self.chance("update late") else 0)
        if self.chance("update twice"):
            self._say(message, self._later(2))

    # ---------------------------------------------------------------- requests
    def _perform(self, action):
        intent, late = action.intent, self._later() if self.chance("answer late") else 0
        if isinstance(action, Look):
            if self.chance("look fails"):
                return
            rows = self._rows(intent.tag, action.order_id)
            if rows or not action.order_id:
                outcome = Outcome.ACCEPTED if rows else Outcome.LOST
                self._answer(intent, Asked.PLACE, outcome, rows[-1]["order_id"] if rows else "", "", rows, late)
            return
        if isinstance(action, Place):
            self.intended.add(intent.tag)
            self.step()  # on the disk, and not at the exchange
        to, do = self._call(action)
        if self.chance("request lost"):
            self._answer(intent, to, Outcome.LOST, "", "no answer", self._rows(intent.tag, getattr(action, "order_id", "")), late)
            return
        if self.chance("arrives late"):  # it was looked for in vain, and comes all the same
            self._answer(intent, to, Outcome.LOST, "", "no answer", [], late)
            heapq.heappush(self.arrivals, (self.now + int(self._later() * SECOND_NS), self._next(), do))
            return
        answer, held = self.broker.act(do)
        try:
            self.step()  # the exchange has it; the bot may never hear of it
        except Died:
            held.release()  # whoever lives does
            raise
        comes_first = self.chance("answer after updates")
        if comes_first:
            held.release()
        if answer.problems:
            self._answer(intent, to, Outcome.REFUSED, "", answer.problems[0].message, [], late)
        elif self.chance("answer lost"):
            rows = [] if self.chance("look fails") else self._rows(intent.tag, answer.order_ids[0])
            outcome = Outcome.ACCEPTED if rows and to is Asked.PLACE else Outcome.LOST
            self._answer(intent, to, outcome, answer.order_ids[0] if outcome is Outcome.ACCEPTED else "", "", rows, late)
        else:
            self._answer(intent, to, Outcome.ACCEPTED, answer.order_ids[0], "", [], late)
        if not comes_first:
            held.release()

    def _call(self, action):
        intent, reject = action.intent, "RMS:no" if self.chance("refused") else ""
        if isinstance(action, Place):
            request = Request(intent.symbol, intent.buy, intent.qty, Kind(intent.kind), units(Decimal(str(intent.price))),
                              units(Decimal(str(intent.trigger))), tag=intent.tag)  # fmt: skip
            return Asked.PLACE, lambda exchange, now: exchange.place(request, now, reject=reject)
        if isinstance(action, Modify):
            change = Change(action.order_id, action.qty, trigger=units(Decimal(str(action.trigger))))
            return Asked.MODIFY, lambda exchange, now: exchange.modify(change, now, reject=reject)
        assert isinstance(action, Cancel)
        return Asked.CANCEL, lambda exchange, now: exchange.cancel(action.order_id, now, reject=reject)

    def _answer(self, intent, to, outcome, order_id, note, rows, late):
        self._say(answer_message(Answer(intent.tag, to, outcome, order_id, note), intent.symbol, self.now, rows), late)

    def _rows(self, tag="", order_id=""):
        def look(exchange, _):
            books = exchange.books
            return [order_row(o, books.contracts[o.request.key]) for o in books.by_id.values()]

        found = self.broker.read(look)
        return [row for row in found if not (tag or order_id) or row["tag"] == tag or (order_id and row["order_id"] == order_id)]

    def read_account(self):
        """Tell the bot of the order book, as after each connection."""
        self._say(book_message(self._rows(), self.now), 0)
        self._say(positions_message(self._positions(), self.now), 0)
        self._say(funds_message(1e9, 0.0, self.now), 0)

    # ---------------------------------------------------------------- the bot
    def run(self, plan, warm, *, kills=(), away=40):
        """Run a bot over the day, and one more after each death; return the last engine."""
        self.dies_at = deque(sorted(kills))
        while True:
            try:
                return self._live(plan, warm)
            except Died:
                self._die(away)

    def _die(self, away):
        self.is_connected = False
        self._forget()
        for _ in range(away):  # the market goes on
            if self.is_calm or not self._play():
                break

    def _live(self, plan, warm):
        gate = Gate(self.actions.append)
        source = ResumedSource(iter(list(self.recorded)), self, lambda: self._connect(gate, plan))
        self.alarms = []
        engine = LiveAuctionEngine(plan, source, warm, send=gate, alarm=self.alarms.append)
        engine.run()
        return engine

    def _connect(self, gate, plan):
        self.is_connected = True
        self.read_account()  # first: nothing may be done on what was known before
        assert not gate.open(self.intended, self.tell, self.now), "orders that nobody asks for again"
        begin = self.recorded[-1].ts if self.recorded else 0
        self.tell({"kind": "state", "ts": self.now, "what": "start"})
        if begin:
            symbols = sorted(i.symbol for i in plan.instruments)
            self.tell(gap_message(self.now, begin, "restart", awaits=symbols))
            for symbol in symbols:
                rows = [c.row for c in self.broker.minutes.of(symbol, self.day.day, self.now)]
                found = rows_between(rows, minute_start(begin), minute_start(self.now))
                self.tell({"kind": "candles", "ts": self.now, "symbol": symbol, "rows": found})
        if self.is_calm:
            self._flatten()

    def _positions(self):
        def look(exchange, _):
            return [position_row(p, exchange.books.contracts[p.key], 0) for p in exchange.books.positions()]

        return self.broker.read(look)

    # ---------------------------------------------------------------- what must be true
    def positions(self):
        """Return what the exchange says is held, by symbol."""
        return {p.key: p.quantity for p in self.broker.read(lambda exchange, _: list(exchange.books.positions())) if p.quantity}

    def others(self, engine):
        """Return what the bot takes for other people's, by symbol."""
        return {symbol: qty for symbol, qty in engine.broker.account.net.items() if qty}

    def tags(self):
        """Return the tags of all orders that the exchange has had of us."""
        return [row["tag"] for row in self._rows() if row["tag"]]


def plan_of(day, *, is_lockstep=False, **settings):
    """A plan for all that is traded on a day, with little risk so that many trades fit."""
    model = FillModel(slippage=0, sends_targets=True)
    return LivePlan(
        tuple(c.instrument for c in day.contracts), {"risk_fraction": 0.002, **settings}, Decimal(1_000_000), indian_charges(),
        day_start(day.day), Orders.SIM, model, patience=DAY_NS if is_lockstep else 5 * SECOND_NS,
    )  # fmt: skip


def legs_of(day):
    """The legs of such a plan."""
    return [Leg(c.instrument, day.day, day.day, c.key) for c in day.contracts]
