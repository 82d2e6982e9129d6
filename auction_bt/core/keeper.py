"""Keeps one trade at a real exchange: its entry, one stop that covers what is held, and its ways out. Pure.

The only exit that rests at the exchange is the stop. Every other exit goes out when it is due, after the stop was shrunk by it
and that was confirmed: never can more be sold than is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from zlib import crc32

from .ends import Ends
from .exits import ExitGroup, Target, after_add
from .fills import HAIR
from .ist import SECOND_NS
from .keeping import OURS, Done, Leave, Terms, base36, covering, fitted, may_change, next_look, rests, same
from .live_order import Action, Asked, Cancel, Intent, Kind, LiveOrder, Look, Modify, Outcome, Place, Row, Status
from .order_set import OrderSet, Role
from .trade import Side

_TRIES: Final = 3
_LONGEST_WAIT_NS: Final = 30 * SECOND_NS
# How many times the patience: between two looks for a lost order, and until one that no look has shown is given up.
_LOST_TIMES: Final = 2
_ABSENT_TIMES: Final = 8


class Keeper:
    """One trade of one instrument, from its entry's order until it is flat and nothing of it rests any more.

    Parameters
    ----------
    terms : Terms
    side : Side
    qty : int, shares
    exits : ExitGroup
        Of the whole entry.
    seq : int, ns
        The message acted upon.
    now : int, ns
        Message clock.
    send : callable taking an Action
    entry : Kind
    price : float, rupees
        Of a limit entry.

    Attributes
    ----------
    group : ExitGroup or None
        Exits of what is held; its quantity is that.
    orders : OrderSet
    alarms : list of str
        What somebody must know, taken out by whoever tells it.
    is_listening : bool
        More is about to be told of the same moment: until then nothing is asked for, and nothing told.
    wake_at : int, ns
        Message clock before which `on_clock` changes nothing, as long as it is told of nothing else.

    Notes
    -----
    Everything follows from the messages it is told of: the same messages, the same requests, the same tags.
    """

    def __init__(
        self, terms: Terms, side: Side, qty: int, exits: ExitGroup, seq: int, now: int, send: Callable[[Action], None], *,
        entry: Kind = Kind.MARKET, price: float = 0.0,
    ) -> None:  # fmt: skip
        self.terms, self.side = terms, side
        self.group: ExitGroup | None = None
        self.orders = OrderSet()
        self.alarms: list[str] = []
        self._exits, self._send = exits, send
        self._seq, self._now, self._price = seq, now, 0.0  # the price: last traded, since the last fill that opened
        # One message may decide for several symbols: its stamp alone would name the orders of all of them.
        self._name = f"{base36(seq)}{base36(crc32(terms.symbol.encode()))}"
        self._leaves: list[Leave] = []  # due, not sent yet
        self._of_tag: dict[str, Leave] = {}  # what an exit order was sent for
        self._ends = Ends()
        self._add_stop, self._left_by = 0.0, ""  # given with the last add; why the last exit was
        self._stop_failures, self.wake_at, self.is_listening = 0, 0, False
        for part in self.terms.parts(qty):
            self._place(Role.ENTRY, part, "entry", entry, price=price)

    @property
    def held(self) -> int:
        """Shares of the trade that are open now, by what was told."""
        return self.orders.held

    @property
    def is_leaving(self) -> bool:
        """Whether some of it is on its way out."""
        return bool(self._under_way()) or self.orders.executing > 0

    @property
    def is_over(self) -> bool:
        """Whether it is flat, all was told, and nothing of it can be filled any more."""
        return self._ends.is_entry_told and not self.held and self.orders.is_settled

    # ---------------------------------------------------------------- what it is told
    def on_row(self, row: Row, seq: int, now: int) -> list[Done]:
        """Take a word about one of its orders."""
        tag = self.orders.tag_of(row)
        return self._change(tag, self.orders.by_tag[tag].told(row, max(now, self._now)), seq, now) if tag else []

    def on_answer(self, tag: str, to: Asked, outcome: Outcome, order_id: str, note: str, seq: int, now: int) -> list[Done]:
        """Take the answer to a request, or the word that there is none."""
        before = self.orders.by_tag.get(tag)
        return self._change(tag, before.answered(outcome, to, order_id, note), seq, now) if before is not None else []

    def on_outside(self, taken: LiveOrder, seq: int, now: int) -> list[Done]:
        """Take what somebody else has closed of the trade (`outside.Outside.taken`): our exits for it are taken back."""
        self._at(seq, now)
        self.orders.by_tag[taken.intent.tag], self.orders.roles[taken.intent.tag] = taken, Role.OUTSIDE
        self._filled(taken.intent.tag, taken.filled)
        self._leaves = fitted(self._leaves, self.held - self.orders.left(Role.EXIT))
        return self._settle()

    def on_price(self, price: float, seq: int, now: int) -> list[Done]:
        """Take a trade of the market, in rupees."""
        self._at(seq, now)
        self._price = price
        left, sign = self.group, self.side.sign
        for known in self._targets_under_way():
            left = left.after_target(found) if left is not None and (found := same(left, known)) is not None else left
        while left is not None and (target := left.nearest) is not None and (price - target.price) * sign >= -HAIR:
            room = self.held - self._leaving
            if room < 1:
                break
            self._leaves.append(Leave(min(target.qty, room), target.reason, target))
            left = left.after_target(target)
        return self._settle()

    def on_clock(self, seq: int, now: int) -> list[Done]:
        """Take the message clock, ns."""
        self._at(seq, now)
        return self._settle()

    def set_group(self, group: ExitGroup, seq: int, now: int) -> list[Done]:
        """Replace the exits of what is held."""
        self._at(seq, now)
        if self.group is not None and group.stop != self.group.stop:
            self.orders.by_tag = {tag: replace(order, failures=0) for tag, order in self.orders.by_tag.items()}
        self.group = group if group.qty == self.held else group.resized(self.held)
        return self._settle()

    def leave(self, reason: str, seq: int, now: int) -> list[Done]:
        """Leave at market, what is held and what may still be filled of the entry."""
        self._at(seq, now)
        self._exits = self._exits.leave(0, reason)
        self.group = self.group.leave(0, reason) if self.group is not None else None
        return self._settle()

    def add(self, qty: int, stop: float, seq: int, now: int) -> list[Done]:
        """Enter `qty` shares more at market: the stop comes to cover them, at `stop` rupees where that is nearer.

        What is filled of them after the rest was closed, or while it is being left, is left at once.
        """
        self._at(seq, now)
        self._add_stop = stop
        for part in self.terms.parts(qty):
            self._place(Role.ADD, part, "add", Kind.MARKET)
        return self._settle()

    def take_back(self, seq: int, now: int) -> list[Done]:
        """Take back what is left of the entry, and of an add."""
        self._at(seq, now)
        self._cancel(Role.ENTRY)
        self._cancel(Role.ADD)
        return self._settle()

    # ---------------------------------------------------------------- what a word changes
    def _at(self, seq: int, now: int) -> None:
        self._seq, self._now = seq, max(now, self._now)

    def _change(self, tag: str, after: LiveOrder, seq: int, now: int) -> list[Done]:
        self._at(seq, now)
        before = self.orders.by_tag[tag]
        if has_failed := after.failures > before.failures:
            after = replace(after, since=self._now)
        self.orders.by_tag[tag] = after
        if after.is_lost and not before.is_lost:
            self._alarm(f"nobody knows whether order {tag} ({after.intent.reason}) is at the exchange")
        if after.filled > before.filled:
            self._filled(tag, after.filled - before.filled)
        if after.is_final and not before.is_final:
            self._ended(tag, before, after)
        if has_failed and not after.is_final:  # as a rule because something has happened to it that we were not told of
            self._send(Look(after.intent, after.order_id))
        return self._settle()

    def _alarm(self, text: str) -> None:
        self.alarms.append(f"{self.terms.symbol}: {text}")

    def _filled(self, tag: str, qty: int) -> None:
        held, group, role, order = self.held, self.group, self.orders.roles[tag], self.orders.by_tag[tag]
        if held < 0:
            self._alarm(f"{-held} shares more were closed than held")
        if role is Role.ENTRY:
            self._price = 0.0
            entered = self._exits.entered_at(self.orders.entry_price).resized(held)
            has_left = self._leaving or self.orders.closed
            self.group = entered if group is None or not has_left else replace(group, qty=held)
            return
        if role is Role.ADD:
            self._price = 0.0
            if held > 0:
                grown = after_add(group, self.side, held, self._add_stop, order.average, self._left_by)
                self.group = grown if (out := self._way_out()) is None or grown.is_left() else grown.leave(0, out.reason)
            return
        self._left_by = self._reason(tag, order)
        leave = self._of_tag.get(tag)
        if group is None or held < 1:
            self.group = None
        elif leave is not None and leave.target is not None and (target := same(group, leave.target)) is not None:
            if qty >= target.qty:
                self.group = group.after_target(target)
                self.group = self.group.resized(held) if self.group is not None and self.group.qty != held else self.group
            else:
                rest = tuple(replace(t, qty=t.qty - qty) if t is target else t for t in group.targets)
                self.group = replace(group, qty=held, targets=rest)
        else:
            self.group = group.resized(held)

    def _ended(self, tag: str, before: LiveOrder, after: LiveOrder) -> None:
        role, group = self.orders.roles[tag], self.group
        rest = min(after.intent.qty - after.filled, self.held)
        if role in {Role.ENTRY, Role.ADD} or group is None or rest < 1 or after.status is Status.COMPLETE:
            return
        why = after.note or str(after.status)
        if role is Role.EXIT:
            leave = self._of_tag[tag]
            is_refused = after.status is Status.REJECTED or after.is_lost
            tries = leave.tries + is_refused
            # One that may still come is not sent again, the stop covers what it was to sell: another waits until it is given up.
            again = 0
            if is_refused:
                wait = self.terms.patience * _ABSENT_TIMES if after.is_lost else min(SECOND_NS << tries, _LONGEST_WAIT_NS)
                again = self._now + wait
                self._alarm(f"cannot leave ({leave.reason}): {why}")
            self._leaves.append(Leave(rest, leave.reason, leave.target, again, tries))
        elif before.is_executing:
            self._leave_all(group.stop_reason)
        elif not after.is_unwanted:
            self._stop_failures += 1
            self._alarm(f"stop {tag} is not at the exchange: {why}")
            is_beyond = self._price > 0 and (self._price - group.stop) * self.side.sign <= HAIR
            if is_beyond or self._stop_failures >= _TRIES:
                self._leave_all(group.stop_reason)

    # ---------------------------------------------------------------- what is due
    @property
    def _leaving(self) -> int:
        # Shares on their way out: due, or sent. Those that wait for another try are covered by the stop meanwhile.
        return self.orders.left(Role.EXIT) + sum(leave.qty for leave in self._leaves if leave.not_before <= self._now)

    def _under_way(self) -> list[Leave]:
        return [*(self._of_tag[tag] for tag, _ in self.orders.open(Role.EXIT)), *self._leaves]

    def _way_out(self) -> Leave | None:
        return next((leave for leave in self._under_way() if leave.target is None), None)

    def _targets_under_way(self) -> list[Target]:
        return [leave.target for leave in self._under_way() if leave.target is not None]

    def _due(self) -> None:
        known = self.group.deadlines if self.group is not None else ()
        due = min((d for d in known if not (d.until_target and self._targets_under_way())), key=lambda d: d.at, default=None)
        if due is not None and due.at <= self._now:
            self._leave_all(due.reason)

    def _tend_missed(self) -> None:
        # The market is at the stop or beyond, and what rests at the exchange would not go off there: its change was refused.
        group = self.group
        if group is None or not self._price or (self._price - group.stop) * self.side.sign > HAIR or self.orders.executing:
            return
        trigger, stops = self.terms.on_grid(group.stop), [order for _, order in self.orders.open(Role.STOP)]
        is_elsewhere = not stops or any(abs(order.trigger - trigger) > HAIR for order in stops)
        if is_elsewhere and all(order.is_idle for order in stops):
            self._leave_all(group.stop_reason)

    def _leave_all(self, reason: str) -> None:
        waiting = sum(leave.qty for leave in self._leaves if leave.not_before > self._now)
        rest = self.held - self._leaving - waiting - self.orders.executing
        if rest > 0:
            self._leaves.append(Leave(rest, reason))
        if self.group is not None and not self.group.is_left():  # as in a backtest: whoever asks sees that it is on its way out
            self.group = self.group.leave(0, reason)

    # ---------------------------------------------------------------- what is to be sent
    def _settle(self) -> list[Done]:
        if self.is_listening:
            return []
        self._chase()
        self._due()
        self._tend_missed()
        self._drop_leaves()
        self._tend_entries()
        self._tend_stops()
        self._tend_back()
        self._send_leaves()
        self.wake_at = next_look(self.group, self._exits, self._leaves, self.orders, self._now)
        return self._ends.tell(self.orders, self._reason)

    def _drop_leaves(self) -> None:
        # A stop that has gone off sells what was to be sold otherwise.
        if self.orders.executing:
            self._leaves = fitted(self._leaves, self.held - self.orders.executing - self.orders.left(Role.EXIT))

    def _tend_back(self) -> None:
        # Two stops have gone off where one was meant, each asked for in good faith.
        if self.held < 0 and not any(not o.is_final or o.is_lost for _, o in self.orders.of(Role.BACK)):
            for part in self.terms.parts(-self.held):
                self._place(Role.BACK, part, "manual", Kind.MARKET)

    def _tend_entries(self) -> None:
        due, orders = self._exits.due, self.orders
        lapses = due is not None and due.at <= self._now
        has_left = bool(self._leaving or orders.executing or orders.closed)
        is_leaving = self.group is None or orders.executing > 0 or self._way_out() is not None
        for role, is_late in ((Role.ENTRY, lapses or has_left), (Role.ADD, is_leaving)):
            if any(is_late or rests(order, self._now, self.terms.patience) for _, order in orders.open(role)):
                self._cancel(role)

    def _tend_stops(self) -> None:
        group = self.group
        stops = [(tag, order) for tag, order in self.orders.open(Role.STOP) if not order.is_executing]
        want = 0 if group is None else max(0, self.held - self._leaving - self.orders.executing - self.orders.unsure)
        trigger = self.terms.on_grid(group.stop) if group is not None else 0.0
        covers, missing = covering(stops, want, self.terms.freeze)
        for tag, order in stops:
            self._adjust(tag, order, covers[tag], trigger)
        if missing and group is not None and self._stop_failures < _TRIES:
            for part in self.terms.parts(missing):
                self._place(Role.STOP, part, group.stop_reason, Kind.STOP_MARKET, trigger=trigger)

    def _adjust(self, tag: str, order: LiveOrder, left: int, trigger: float) -> None:
        whole = left + order.filled
        if not may_change(order, self._now) or (whole == order.qty and abs(order.trigger - trigger) <= HAIR):
            return
        if not left or (order.failures >= _TRIES and whole < order.qty):  # room is needed, and it cannot be shrunk
            self._take_back(tag, order)
        elif order.failures < _TRIES:
            self.orders.by_tag[tag] = order.asking(Asked.MODIFY, self._now, (whole, trigger))
            self._send(Modify(order.intent, order.order_id, whole, trigger))

    def _send_leaves(self) -> None:
        waiting: list[Leave] = []
        for leave in self._leaves:
            rest = self.held - self.orders.left(Role.EXIT)
            qty = min(leave.qty, rest)
            if qty < 1:
                continue
            if leave.not_before > self._now or rest - sum(o.most for _, o in self.orders.open(Role.STOP)) < qty:
                waiting.append(leave)
                continue
            for part in self.terms.parts(qty):
                self._of_tag[self._place(Role.EXIT, part, leave.reason, Kind.MARKET)] = leave
        self._leaves = waiting

    def _chase(self) -> None:
        # What rests too long is taken back, to be sent again at another protection; of what nobody has spoken we ask.
        for tag, order in list(self.orders.by_tag.items()):
            is_urgent = order.is_lost and not order.absent  # a stop may be missing
            patience = self.terms.patience // 5 if is_urgent else self.terms.patience * (_LOST_TIMES if order.is_lost else 1)
            if (order.is_final and not order.is_lost) or self._now - order.since < patience:
                continue
            at_market = self.orders.roles[tag] in {Role.EXIT, Role.BACK} or order.is_executing
            if at_market and may_change(order, self._now):
                self._take_back(tag, order)
            elif order.is_absent(self._now, self.terms.patience * _ABSENT_TIMES):
                self.orders.by_tag[tag] = order.given_up()
                self._alarm(f"order {tag} ({order.intent.reason}) never got to the exchange")
            elif order.asked is not None or order.is_lost:
                self.orders.by_tag[tag] = order.looked(self._now)
                self._send(Look(order.intent, order.order_id))

    def _reason(self, tag: str, order: LiveOrder) -> str:
        if tag in self._of_tag:
            return self._of_tag[tag].reason
        # A stop that was moved behind the trade since it was sent is a trail by now.
        return "trail" if abs(order.trigger - order.intent.trigger) > HAIR else order.intent.reason

    def _place(self, role: Role, qty: int, reason: str, kind: Kind, *, price: float = 0.0, trigger: float = 0.0) -> str:
        buy = (self.side is Side.LONG) == (role in {Role.ENTRY, Role.ADD, Role.BACK})
        tag = f"{OURS}{self._name}{role.name[0].lower()}{len(self.orders.by_tag) + 1}"
        intent = Intent(tag, self.terms.symbol, buy, qty, reason, self._seq, kind, price, trigger)
        self.orders.add(role, intent, self._now)
        self._send(Place(intent))
        return tag

    def _cancel(self, role: Role) -> None:
        for tag, order in self.orders.open(role):
            if may_change(order, self._now):
                self._take_back(tag, order)

    def _take_back(self, tag: str, order: LiveOrder) -> None:
        self.orders.by_tag[tag] = order.asking(Asked.CANCEL, self._now)
        self._send(Cancel(order.intent, order.order_id))
