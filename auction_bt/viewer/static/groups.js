"use strict";
// What a run came to: its sums, its curve, and where the result comes from.

const totals = {
  show(info) {
    const box = by("totals");
    if (!info) { box.replaceChildren(); return; }
    const t = info.totals, parts = [
      ["net", rupees(t.net), tone(t.net)], ["trades", whole(t.trades) + (t.open_trades ? ` + ${whole(t.open_trades)} open` : "")], ["won", percent(t.win_rate)],
      ["profit factor", number(t.profit_factor)], ["R a trade", isUnknown(t.r_mean) ? DASH : signed(t.r_mean), tone(t.r_mean)], ["charges", rupees(t.charges)],
    ].map(([name, value, className]) => { const part = make("span", name + " ", "muted"); part.append(make("b", value, className || "plain")); return part; });
    box.replaceChildren(...parts);
  },
};

class Equity {
  constructor({ place }) { this.place = place; this.chart = null; }
  async load() {
    const { run } = this.place(), none = by("no-equity"), box = by("equity");
    const say = (words) => { none.textContent = words; none.hidden = !words; box.hidden = Boolean(words); };
    if (run === null || run === undefined) { say("No run is chosen: there is no account to draw."); return; }
    try {
      const found = await api.get(`runs/${run}/equity`, {}, "equity");
      if (!found) return;
      say(found.t.length ? "" : "No closed trade changed the account yet.");
      if (!found.t.length) return;
      if (!this.chart) this.chart = equityChart(box);
      this.chart.set(found);
    } catch (error) { say(error.message); }
  }
  theme() { this.chart?.theme(); }
}

const groups = {
  NAMES: [["side", "By side"], ["setup", "By setup"], ["regime", "By regime"], ["reason", "By exit"], ["symbol", "By symbol"], ["hour", "By hour of entry"], ["weekday", "By weekday"], ["day", "By day"]],
  async show(info) {
    const box = by("groups-panel"), top = box.scrollTop;
    if (!info) { box.replaceChildren(make("p", "No run is chosen.", "empty")); return; }
    let found = null;
    try { found = await api.get(`runs/${info.run}/groups`, {}, "groups"); } catch (error) { box.replaceChildren(make("p", error.message, "empty")); }
    if (!found) return;
    const all = make("div", undefined, "tables");
    for (const [key, title] of this.NAMES) if (found.groups[key]?.length) all.append(this.table(title, ["", "trades", "net", "won", "R each"], found.groups[key].map((g) => [key === "symbol" ? shortSymbol(g.name) : g.name || DASH, whole(g.trades), [rupees(g.net, 0), tone(g.net)], percent(g.win_rate, 0), isUnknown(g.r_mean) ? DASH : signed(g.r_mean)])));
    const kinds = found.charges_by_kind, paid = kinds && Object.entries(kinds).filter(([, v]) => v);
    if (paid?.length) all.append(this.table("Charges by kind", ["", "paid"], paid.map(([kind, v]) => [chargeWord(kind), rupees(v)])));
    const changed = Object.entries(info.settings || {}).filter(([name]) => !["symbols", "engine"].includes(name));
    box.replaceChildren(all.children.length ? all : make("p", "No trade is closed yet.", "empty"), story.more("Settings of this run", story.facts(changed.map(([name, value]) => [name.replaceAll("_", " "), value === "" || value === null ? DASH : String(value)]))));
    if (!kinds && info.totals.trades) box.append(make("p", "Charges by kind were not kept with this run.", "muted small"));
    box.scrollTop = top;
  },
  table(title, heads, rows) {
    const table = make("table", undefined, "groups"), head = table.createTHead().insertRow(), body = table.createTBody();
    table.prepend(make("caption", title));
    for (const name of heads) { const th = make("th", name); th.scope = "col"; head.append(th); }
    for (const cells of rows) { const row = body.insertRow(); for (const cell of cells) row.append(Array.isArray(cell) ? make("td", cell[0], cell[1]) : make("td", cell)); }
    return table;
  },
};
