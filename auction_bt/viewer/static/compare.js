"use strict";
// Two runs held against each other: what differs in words, and the trades that differ.

class Compare {
  // `page`: panes(); onPair(symbol, day, [left trade, right trade]).
  constructor(page) {
    this.page = page;
    this.box = by("compare-panel");
    this.of = null;
  }
  // The runs of the two panes, or null where there is nothing to compare.
  pair() {
    const [a, b] = this.page.panes();
    return a && b && a.run !== null && b.run !== null && a.run !== b.run ? [a.run, b.run] : null;
  }
  async load(isNews = false) {
    const pair = this.pair();
    if (!pair) return;
    const key = pair.join();
    if (this.of === key && !isNews) return;
    if (this.of !== key) this.box.replaceChildren(make("p", "Comparing …", "muted"));
    this.of = key;
    try {
      const found = await api.get("compare", { left: pair[0], right: pair[1] }, "compare");
      if (found && this.of === key) this.show(found, pair);
    } catch (error) { this.of = null; this.box.replaceChildren(make("p", error.message, "lost")); }
  }
  show(found, [left, right]) {
    const rows = [
      ...found.trades_apart.map((p) => ({ t: p.left, left: p.left, right: p.right, words: `in both, apart in ${p.apart.join(", ")}` })),
      ...found.left_alone.map((a) => ({ t: a.trade, left: a.trade, right: null, words: `in run ${left} alone; ${right}: ${a.instead}` })),
      ...found.right_alone.map((a) => ({ t: a.trade, left: null, right: a.trade, words: `in run ${right} alone; ${left}: ${a.instead}` })),
    ].sort((a, b) => a.t.entry_ts - b.t.entry_ts);
    const table = make("table", undefined, "decisions"), head = table.createTHead().insertRow(), body = table.createTBody(), MOST = 1000;
    for (const name of ["entry", "symbol", "side", "setup", `net, run ${left}`, `run ${right}`, "what differs"]) { const th = make("th", name); th.scope = "col"; head.append(th); }
    const net = (t) => !t ? DASH : t.exit_ts ? rupees(t.pnl_net) : "open";
    for (const r of rows.slice(0, MOST)) {
      const row = body.insertRow();
      row.tabIndex = 0;
      for (const cell of [shortNs(r.t.entry_ts), shortSymbol(r.t.symbol), r.t.side, r.t.setup]) row.append(make("td", cell));
      row.append(make("td", net(r.left), r.left && tone(r.left.pnl_net)), make("td", net(r.right), r.right && tone(r.right.pnl_net)), make("td", r.words));
      const go = () => { for (const other of body.rows) other.classList.toggle("chosen", other === row); this.page.onPair(r.t.signal_symbol || r.t.symbol, dayNs(r.t.entry_ts), [r.left, r.right]); };
      row.addEventListener("click", go);
      row.addEventListener("keydown", (e) => { if (e.key === "Enter") go(); });
    }
    const sides = make("div", undefined, "sides even"), list = make("div", undefined, "scroll");
    list.append(rows.length ? table : make("p", "Their trades are the same.", "empty"));
    if (rows.length > MOST) list.append(make("p", `${whole(rows.length - MOST)} more: python -m auction_bt analyze ${left} ${right} tells all.`, "muted small"));
    sides.append(make("pre", found.text || ""), list);
    this.box.replaceChildren(sides);
  }
}
