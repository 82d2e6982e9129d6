"use strict";
// How the feed is: when it last spoke, what is missing, what waits.

class Feed {
  constructor({ isShown, day }) {
    Object.assign(this, { isShown, day });
    this.box = by("feed-panel");
    this.found = null;
    this.age = make("b", DASH);
    this.later = throttled(1500, () => this.load());
    setInterval(() => this.tick(), 1000);
  }
  async load() {
    if (!this.isShown() || document.hidden) return;
    try {
      const found = await api.get("feed", { day: this.day() }, "feed");
      if (!found) return;
      this.found = found;
      this.show(found);
    } catch (error) { this.box.replaceChildren(make("p", error.message, "lost")); }
  }
  tick() { if (this.found && this.isShown()) this.age.textContent = this.found.last_ts ? agoWords(Date.now() / 1e3 - this.found.last_ts / SECOND_NS) : DASH; }
  show(found) {
    const top = this.box.scrollTop, r = found.recorder, facts = [["last message", `${istNs(found.last_ts)}`], ["on this day", `${whole(found.messages)} messages, ${whole(found.symbols.length)} symbols, ${whole(found.gaps.length)} gaps`]];
    const first = make("p", "Last message ");
    first.append(this.age);
    if (r) facts.push(["recorder", r.running === null || r.running === undefined ? DASH : r.running ? "running" : "not running", r.running ? "won" : "lost"], ["waiting", whole(r.waiting)], ["dead letters", whole(r.dead), r.dead ? "lost" : ""], ["it last wrote", istNs(r.last_ts)]);
    const parts = [make("h3", `Feed on ${dayWords(found.day)}`), first, story.facts(facts)];
    if (!r) parts.push(make("p", "No recorder has run with this state folder.", "muted small"));
    const lost = (s) => isUnknown(s.lost_s) ? DASH : s.lost_s ? `${whole(s.lost_s)} s` : "0 s";
    const hasLast = found.symbols.some((s) => s.last_ts);
    parts.push(this.table(["symbol", hasLast ? "last" : "messages", "gaps", "lost"], found.symbols.map((s) => [s.name || shortSymbol(s.symbol), hasLast ? istClockNs(s.last_ts) : whole(s.messages), whole(s.gaps), lost(s)])));
    if (found.gaps.length) parts.push(story.more(`Gaps, ${whole(found.gaps.length)}`, this.table(["symbol", "from", "s", "kind"], found.gaps.slice(-200).reverse().map((g) => [g.symbol ? shortSymbol(g.symbol) : "all", istClockNs(g.begin), number(g.seconds, 0), g.kind]))));
    if (r && r.dead_letters?.length) parts.push(story.more(`Dead letters, ${whole(r.dead)}`, this.table(["at", "why", "text"], r.dead_letters.map((d) => [istNs(d.ts), d.reason, d.text]))));
    const open = new Set([...this.box.querySelectorAll("details[open] summary")].map((s) => s.textContent.split(",")[0]));
    this.box.replaceChildren(...parts);
    for (const d of this.box.querySelectorAll("details")) d.open = open.has(d.firstChild.textContent.split(",")[0]);
    this.box.scrollTop = top;
    this.tick();
  }
  table(heads, rows) {
    const table = make("table", undefined, "narrow"), head = table.createTHead().insertRow(), body = table.createTBody();
    for (const name of heads) { const th = make("th", name); th.scope = "col"; head.append(th); }
    for (const cells of rows) { const row = body.insertRow(); for (const cell of cells) row.append(make("td", cell)); }
    return table;
  }
}
