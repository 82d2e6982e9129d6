"use strict";
// The sheet of levels of a day, in words beside the chart and as lines on it.

// Lines of a sheet on a chart, as far as they were known at the cut.
function sheetLines(sheet, columns, cut) {
  if (!sheet || sheet.symbol !== columns.symbol) return [];
  const lines = [], add = (name, price, tone) => { if (price !== null && price !== undefined) lines.push({ name: `${name} ${number(price, columns.decimals)}`, ticks: price / columns.tick, tone }); };
  if (sheet.prior) {
    add("prior VAH", sheet.prior.vah, "value");
    add("prior POC", sheet.prior.poc, "poc");
    add("prior VAL", sheet.prior.val, "value");
    add("prior high", sheet.prior.high, "muted");
    add("prior low", sheet.prior.low, "muted");
  }
  if (sheet.composite && sheet.composite.sessions > 1) add(`${sheet.composite.sessions}-day POC`, sheet.composite.poc, "poc");
  // What came after the cut may have traded a POC, or made the first hour.
  if (sheet.cut <= cut) {
    for (const n of sheet.naked_pocs) add(`naked POC ${n.date.slice(5)}`, n.price, "poc");
    const hour = sheet.today?.initial_balance;
    if (hour && hour.is_complete) { add("IB high", hour.high, "accent"); add("IB low", hour.low, "accent"); }
  }
  return lines;
}

class Levels {
  // `panes()` are those on the page, `active()` the one the panel is of.
  constructor({ panes, active, isShown }) {
    Object.assign(this, { panes, active, isShown });
    this.box = by("levels-panel");
    this.asked = new Map();
    this.later = throttled(250, () => this.ask());
  }
  ask() { for (const pane of this.panes()) this.askFor(pane); }
  async askFor(pane) {
    const isTold = pane === this.active() && this.isShown();
    if (!pane.columns) { if (isTold) this.box.replaceChildren(make("p", "No day is shown.", "muted")); return; }
    if (!isTold && !pane.isOn.levels) return;
    const isEnd = pane.scrubber.isAtEnd, cut = pane.cut, at = isEnd ? "" : istClock(pane.columns.t[cut] + BAR_S), date = isoIst(pane.columns.t[cut]).slice(0, 10);
    const key = [pane.columns.symbol, date, at, isEnd ? pane.columns.t.length : 0].join();
    if (this.asked.get(pane) === key) { if (isTold && pane.sheet) this.tell(pane.sheet); return; }
    this.asked.set(pane, key);
    try {
      const sheet = await api.get("levels", { symbol: pane.columns.symbol, date, at }, `levels${pane.number}`);
      if (!sheet || this.asked.get(pane) !== key) return;
      sheet.cut = cut;
      pane.setSheet(sheet);
      if (isTold) this.tell(sheet);
    } catch (error) {
      this.asked.delete(pane);
      pane.setSheet(null);
      if (isTold) this.box.replaceChildren(make("p", error.message, "lost"));
    }
  }
  tell(sheet) {
    if (this.told === sheet) return;
    this.told = sheet;
    const top = this.box.scrollTop;
    this.box.replaceChildren(make("p", sheet.at ? `As known at ${sheet.at} IST. Key l draws the levels on the chart.` : "Key l draws the levels on the chart.", "muted small"), ...this.parts(sheet.text));
    this.box.scrollTop = top;
  }
  // The sheet's lines are `  label   words` under headings; longer words go on below.
  parts(text) {
    const parts = [];
    let body = null, last = null;
    for (const line of text.split("\n")) {
      const found = /^ {2}(\S.*?)(?: {2,}(.*))?$/.exec(line), more = /^ {3,}(\S.*)$/.exec(line);
      if (!line.trim()) body = null;
      else if (more && last) last.append(" " + more[1]);
      else if (found) {
        if (!body) { const table = make("table", undefined, "facts sheet"); parts.push(table); body = table.createTBody(); }
        const row = body.insertRow(), th = make("th", found[2] === undefined ? "" : found[1]);
        th.scope = "row";
        last = make("td", found[2] === undefined ? found[1] : found[2].replace(/ {2,}/g, "  "));
        row.append(th, last);
      } else { parts.push(parts.length === 1 ? make("p", line, "muted small") : make("h3", line)); body = null; }
    }
    return parts;
  }
}
