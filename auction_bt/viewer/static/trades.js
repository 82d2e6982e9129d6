"use strict";
// The table of a run's trades: sorted, filtered and paged by the server, so that a hundred thousand are as quick as ten.

class TradesTable {
  // `page`: place() → { run, symbol, day } of the pane the table is of; onTrade(id).
  constructor(page) {
    const COLUMNS = [["number", "#"], ["symbol", "symbol"], ["side", "side"], ["setup", "setup"], ["regime", "regime"], ["entry_ts", "entry"], ["entry_price", "at"], ["exit_ts", "exit"], ["exit_price", "at"],
      ["qty", "qty"], ["reason", "out by"], ["pnl_gross", "gross"], ["charges", "charges"], ["pnl_net", "net"], ["r_multiple", "R"], ["mae", "MAE"], ["mfe", "MFE"]];
    this.page = page;
    this.columns = COLUMNS;
    this.limit = 100;
    this.rows = [];
    this.total = 0;
    this.chosen = null;
    this.seen = null;
    this.ask = { sort: "number", desc: 1, q: "", open: "", offset: 0 };
    this.table = by("trades");
    this.body = this.table.tBodies[0];
    const head = this.table.tHead.insertRow();
    for (const [key, label] of COLUMNS) {
      const th = make("th"), b = button(label);
      th.dataset.key = key;
      th.scope = "col";
      b.addEventListener("click", () => this.change({ sort: key, desc: this.ask.sort === key ? 1 - this.ask.desc : 0 }));
      th.append(b);
      head.append(th);
    }
    const typed = throttled(120, () => this.change({ q: by("filter").value.trim() }));
    by("filter").addEventListener("input", typed);
    by("which").addEventListener("change", (e) => this.change({ open: e.target.value }));
    by("day-only").addEventListener("change", () => this.change({}));
    by("page-back").addEventListener("click", () => this.turn(-1));
    by("page-on").addEventListener("click", () => this.turn(1));
    this.body.addEventListener("click", (e) => { const row = e.target.closest("tr"); if (row) page.onTrade(+row.dataset.id); });
    this.body.addEventListener("keydown", (e) => {
      const row = e.target.closest("tr"), step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[e.key];
      if (e.key === "Enter") page.onTrade(+row.dataset.id);
      else if (step && row[step]) row[step].focus(); else return;
      e.preventDefault();
      e.stopPropagation();
    });
  }
  change(asked) { Object.assign(this.ask, { offset: 0 }, asked); return this.load(); }
  turn(step) { this.ask.offset = Math.max(0, this.ask.offset + step * this.limit); return this.load(); }
  filters() {
    const { symbol, day } = this.page.place(), isHere = by("day-only").checked;
    return { q: this.ask.q, open: this.ask.open, ...(isHere ? { symbol, day } : {}) };
  }
  // `isNews`: the same page again; what was not on it before is pointed out.
  async load(isNews = false) {
    const { run } = this.page.place(), asked = { ...this.filters(), sort: this.ask.sort, desc: this.ask.desc, limit: this.limit, offset: this.ask.offset };
    if (run === null || run === undefined) { this.show({ total: 0, net: 0, trades: [] }, false); return; }
    try {
      const found = await api.get(`runs/${run}/trades`, asked, "trades");
      if (!found) return;
      if (found.total && this.ask.offset >= found.total) { this.ask.offset = Math.floor((found.total - 1) / this.limit) * this.limit; await this.load(isNews); return; }
      const place = JSON.stringify([run, asked]), isSame = this.of === place;
      this.of = place;
      this.show(found, isNews && isSame);
    } catch (error) {
      if (error.status !== 503 && error.status !== 0) this.show({ total: 0, net: 0, trades: [] }, false, error.message);
    }
  }
  text(t, key) {
    if (key === "number") return whole(t.number);
    if (key === "exit_ts" && !t.exit_ts) return "open";
    if (key.endsWith("_ts")) return shortNs(t[key]);
    if (["pnl_gross", "pnl_net", "r_multiple", "exit_price"].includes(key) && !t.exit_ts) return DASH;
    if (key === "qty") return whole(t.qty);
    if (key === "symbol") return shortSymbol(t.symbol);
    if (["side", "setup", "regime", "reason"].includes(key)) return t[key] || DASH;
    return number(t[key]);
  }
  show(found, isNews, error) {
    const before = isNews ? new Set(this.rows.map((t) => t.id)) : null, focused = document.activeElement?.closest?.("#trades tbody tr")?.dataset.id;
    const box = this.table.parentElement, top = isNews ? box.scrollTop : null;
    this.rows = found.trades;
    this.total = found.total;
    this.body.replaceChildren(...found.trades.map((t) => this.row(t, before)));
    if (focused) this.body.querySelector(`tr[data-id="${focused}"]`)?.focus({ preventScroll: true });
    if (top !== null) box.scrollTop = top;
    const pages = Math.max(1, Math.ceil(found.total / this.limit)), page = Math.floor(this.ask.offset / this.limit);
    by("count").textContent = this.page.place().run === null ? "" : `${whole(found.total)} ${found.total === 1 ? "trade" : "trades"}, net of the closed ones ${rupees(found.net)}`;
    by("page").textContent = `${page + 1} / ${pages}`;
    by("page-back").disabled = page === 0;
    by("page-on").disabled = page >= pages - 1;
    for (const th of this.table.tHead.rows[0].cells) th.setAttribute("aria-sort", th.dataset.key !== this.ask.sort ? "none" : this.ask.desc ? "descending" : "ascending");
    const run = this.page.place().run, none = by("no-trades");
    none.hidden = found.trades.length > 0;
    none.replaceChildren(...(error ? [make("p", error, "lost")] : run === null || run === undefined
      ? [make("p", "No run is kept yet, so there are no trades. A backtest keeps one:"), make("code", "python -m auction_bt backtest --symbol KEY --from-date DAY --to-date DAY")]
      : [make("p", this.ask.q || this.ask.open !== "" || by("day-only").checked ? "No trade is like that." : "This run has not traded. The tab Refused says which signals it had, and why they were not taken.")]));
    const query = new URLSearchParams(Object.entries(this.filters()).filter(([, v]) => v !== "" && v !== null && v !== undefined)).toString();
    by("csv").hidden = run === null || run === undefined;
    by("csv").href = `/api/runs/${run}/trades.csv${query ? "?" + query : ""}`;
  }
  row(t, before) {
    const row = make("tr");
    row.dataset.id = t.id;
    row.tabIndex = 0;
    row.setAttribute("aria-selected", t.id === this.chosen);
    row.classList.toggle("chosen", t.id === this.chosen);
    row.classList.toggle("open", !t.exit_ts);
    row.classList.toggle("fresh", Boolean(before) && !before.has(t.id));
    for (const [key] of this.columns) row.append(make("td", this.text(t, key), key === "pnl_net" && t.exit_ts ? tone(t.pnl_net) : ["number", "symbol", "side", "setup", "regime", "reason"].includes(key) ? "word" : ""));
    return row;
  }
  choose(id, isSeen = true) {
    this.chosen = id;
    for (const row of this.body.rows) {
      const isIt = +row.dataset.id === id;
      row.classList.toggle("chosen", isIt);
      row.setAttribute("aria-selected", isIt);
      if (isIt && isSeen) row.scrollIntoView({ block: "nearest" });
    }
  }
  // The trade after or before the chosen one, in the order and under the filter of the table.
  async next(step) {
    let at = this.rows.findIndex((t) => t.id === this.chosen);
    at = at < 0 ? (step > 0 ? 0 : this.rows.length - 1) : at + step;
    if (at >= this.rows.length && this.ask.offset + this.limit < this.total) { await this.turn(1); at = 0; }
    else if (at < 0 && this.ask.offset > 0) { await this.turn(-1); at = this.rows.length - 1; }
    return this.rows[at]?.id ?? null;
  }
}
