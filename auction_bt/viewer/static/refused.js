"use strict";
// Signals that were not taken, and why.

class Refused {
  // `page`: place() → { run }; onDecision(decision).
  constructor(page) {
    this.page = page;
    this.box = by("refused-panel");
    this.limit = 100;
    this.offset = 0;
    this.reason = "";
    this.q = "";
    const bar = make("div", undefined, "bar"), label = make("label", "Filter "), input = make("input");
    input.type = "search";
    input.placeholder = "long fade …";
    label.append(input);
    input.addEventListener("input", throttled(150, () => { this.q = input.value.trim(); this.offset = 0; this.load(); }));
    this.count = make("span", "", "muted");
    this.count.setAttribute("aria-live", "polite");
    this.back = button("◀", "", "page before");
    this.on = button("▶", "", "next page");
    this.at = make("span", "");
    this.back.addEventListener("click", () => { this.offset = Math.max(0, this.offset - this.limit); this.load(); });
    this.on.addEventListener("click", () => { this.offset += this.limit; this.load(); });
    bar.append(label, this.count, make("span", "", "grow"), this.back, this.at, this.on);
    this.reasons = make("table", undefined, "reasons");
    this.list = make("table", undefined, "decisions");
    const head = this.list.createTHead().insertRow();
    for (const name of ["bar's end", "symbol", "side", "setup", "regime", "reason", "POC", "VAH", "VAL", "stop"]) { const th = make("th", name); th.scope = "col"; head.append(th); }
    this.body = this.list.createTBody();
    const sides = make("div", undefined, "sides"), left = make("div", undefined, "scroll"), right = make("div", undefined, "scroll");
    left.append(this.reasons);
    right.append(this.list);
    sides.append(left, right);
    this.box.replaceChildren(bar, sides);
    this.body.addEventListener("click", (e) => this.pick(e));
    this.body.addEventListener("keydown", (e) => { if (e.key === "Enter") this.pick(e); });
  }
  pick(e) {
    const row = e.target.closest("tr"), d = row && this.rows.find((r) => String(r.id) === row.dataset.id), why = d && this.known?.find((r) => r.reason === d.reason);
    if (d) this.page.onDecision({ ...d, meaning: why?.meaning, mend: why?.mend });
    for (const r of this.body.rows) r.classList.toggle("chosen", r === row);
  }
  begin() { this.offset = 0; this.reason = ""; this.known = null; }
  async load() {
    const { run } = this.page.place();
    if (run === null || run === undefined) { this.show({ total: 0, reasons: [], decisions: [] }); return; }
    try {
      const words = [this.reason, this.q].filter(Boolean).join(" "), found = await api.get(`runs/${run}/decisions`, { action: "refuse", q: words, limit: this.limit, offset: this.offset }, "refused");
      if (!found) return;
      if (!words) this.known = found.reasons;
      this.show(found);
    } catch (error) { this.count.textContent = error.message; }
  }
  show(found) {
    this.rows = found.decisions;
    const pages = Math.max(1, Math.ceil(found.total / this.limit)), page = Math.floor(this.offset / this.limit);
    this.count.textContent = found.total ? `${whole(found.total)} signals refused` : this.page.place().run === null ? "No run is chosen." : "No signal was refused.";
    this.at.textContent = `${page + 1} / ${pages}`;
    this.back.disabled = page === 0;
    this.on.disabled = page >= pages - 1;
    const body = make("tbody");
    for (const r of this.known || found.reasons) {
      const row = body.insertRow(), cell = row.insertCell(), b = button(r.reason, "link"), isIt = r.reason === this.reason;
      b.setAttribute("aria-pressed", isIt);
      b.title = isIt ? "show all reasons" : "show these alone";
      b.addEventListener("click", () => { this.reason = isIt ? "" : r.reason; this.offset = 0; this.load(); });
      cell.append(b, make("p", r.meaning || "", "muted small"), ...(r.mend ? [make("p", `opened by: ${r.mend}`, "muted small")] : []));
      row.append(make("td", whole(r.count)));
    }
    this.reasons.replaceChildren(body);
    this.body.replaceChildren(...found.decisions.map((d) => {
      const row = make("tr");
      row.dataset.id = d.id;
      row.tabIndex = 0;
      for (const cell of [istNs(d.ts), shortSymbol(d.symbol), d.side, d.setup, d.regime || DASH, d.reason, number(d.poc), number(d.vah), number(d.val), number(d.stop)]) row.append(make("td", cell));
      return row;
    }));
  }
}
