"use strict";
// A run, a symbol and a day on one chart, with its scrubber. There can be two of them.

const BAR_S = 60;

class Pane {
  // `page`: onPlace(pane), onTrade(pane, id), onCut(pane), onFocus(pane), pick(pane, what).
  constructor(number, page) {
    this.number = number;
    this.page = page;
    this.root = by("pane").content.firstElementChild.cloneNode(true);
    this.run = this.info = this.symbol = this.day = this.columns = this.volume = this.detail = this.sheet = null;
    this.days = [];
    this.span = 1;
    this.cut = -1;
    this.frozen = false;
    this.profileTotal = null;
    this.turn = 0;
    this.busy = 0;
    this.isStale = false;
    this.mode = state.liked("mode", "window");
    this.isOn = { session: state.liked("session", false), levels: state.liked("levels", false), footprint: false };
  }
  of(name) { return this.root.querySelector(name); }
  // The chart needs an element that is on the page.
  begin() {
    const { root } = this;
    this.chart = new DayChart(this.of(".chart"), { onTrade: (id) => this.page.onTrade(this, id), onHover: (i) => this.read(i), onView: () => this.hint() });
    this.scrubber = new Scrubber(this.of(".scrubber"), (cut) => { this.frozen = false; this.mark = null; this.applyCut(cut); });
    root.addEventListener("pointerdown", () => this.page.onFocus(this), true);
    root.addEventListener("focusin", () => this.page.onFocus(this));
    for (const what of ["run", "symbol", "day"]) this.of(`.pick.${what}`).addEventListener("click", (e) => this.page.pick(this, what, e.currentTarget));
    this.of(".day-back").addEventListener("click", () => this.moveDay(-1));
    this.of(".day-on").addEventListener("click", () => this.moveDay(1));
    this.of(".span").addEventListener("change", (e) => this.go({ span: +e.target.value }));
    this.of(".mode").addEventListener("click", () => this.turnMode());
    for (const name of ["session", "levels", "footprint"]) this.of(`button.${name}`).addEventListener("click", () => this.toggle(name));
    this.chart.showSessions(this.isOn.session);
    this.heads();
  }

  // Where to: what is not said stays, or is the nearest there is. `run: null` is no run.
  async go(where) {
    const turn = ++this.turn;
    this.busy++;
    this.scrubber.stop();
    try {
      const run = where.run === undefined ? this.run : where.run, isOtherRun = run !== this.run || !this.info;
      const info = run === null ? null : isOtherRun ? await api.get(`runs/${run}`) : this.info;
      if (turn !== this.turn) return false;
      let symbol = where.symbol || (this.symbol && (!info || info.traded.includes(this.symbol)) ? this.symbol : info?.traded[0] || info?.symbols[0] || this.symbol);
      if (!symbol) symbol = (await api.get("symbols")).symbols[0]?.symbol || null;
      if (turn !== this.turn) return false;
      let days = this.days;
      if (symbol !== this.symbol || !days.length) days = symbol ? await this.daysOf(symbol, info) : [];
      if (turn !== this.turn) return false;
      const wanted = where.day || this.day, ran = info ? info.days.filter((d) => days.includes(d)) : [];
      let day = wanted && days.includes(wanted) ? wanted : where.day || ran.at(-1) || days.at(-1) || null;
      // Another run, and nobody said which day: one that it was active on.
      if (isOtherRun && !where.day && ran.length && !ran.includes(day)) day = ran.at(-1);
      const isOtherPlace = symbol !== this.symbol || day !== this.day || (where.span || this.span) !== this.span;
      Object.assign(this, { run, info, symbol, days, day, span: where.span || this.span });
      this.frozen = false;
      this.detail = this.mark = null;
      this.heads();
      if (!symbol || !day) { this.empty(); return false; }
      this.notice(this.columns ? null : "Reading the day …");
      this.root.setAttribute("aria-busy", "true");
      const columns = await this.fetchChart();
      if (turn !== this.turn || !columns) return false;
      const isAtEnd = isOtherPlace || !this.columns || this.scrubber.isAtEnd;
      this.show(columns, where.toEnd || isAtEnd ? columns.t.length - 1 : this.cut, !isOtherPlace);
      return true;
    } catch (error) {
      if (turn !== this.turn) return false;
      this.heads();
      this.empty(error.message);
      return false;
    } finally {
      this.busy--;
      if (turn === this.turn) {
        this.root.removeAttribute("aria-busy");
        this.page.onPlace(this);
        if (this.isStale) this.refresh();
      }
    }
  }
  async daysOf(symbol, info) {
    try {
      return (await api.get("symbols/days", { symbol })).days;
    } catch (error) {
      if (error.status === 404 || error.status === 400) return info ? info.days : [];
      throw error;
    }
  }
  fetchChart() {
    const at = this.days.indexOf(this.day), from = this.days[Math.max(0, at - this.span + 1)] || this.day;
    return api.get("chart", { symbol: this.symbol, from, to: this.day, run: this.run }, `chart${this.number}`);
  }
  // The same place again, as there is more to see: one question at a time, the last one never lost.
  async refresh() {
    if (this.busy) { this.isStale = true; return; }
    this.isStale = false;
    if (!this.symbol || !this.day) { await this.go({}); return; }
    const turn = this.turn;
    this.busy++;
    try {
      const columns = await this.fetchChart();
      if (turn !== this.turn || !columns) return;
      const isAtEnd = this.scrubber.isAtEnd || !this.columns;
      const kept = this.columns ? lastAtMost(columns.t, this.columns.t[this.cut]) : -1;
      this.show(columns, isAtEnd || kept < 0 ? columns.t.length - 1 : kept, Boolean(this.columns));
      this.page.onPlace(this);
    } catch (error) {
      if (turn === this.turn && !this.columns) this.empty(error.message);
    } finally {
      this.busy--;
      if (this.isStale && turn === this.turn) this.refresh();
    }
  }
  // A new day begins for who looks at the last one, at its end.
  async refreshDays() {
    if (this.busy || !this.symbol) return;
    const turn = this.turn, wasLast = this.day === this.days.at(-1) && this.scrubber.isAtEnd;
    let days = null;
    try { days = await this.daysOf(this.symbol, this.info); } catch { return; }
    if (turn !== this.turn || days.join() === this.days.join()) return;
    this.days = days;
    if (wasLast && days.at(-1) !== this.day && !this.frozen && !this.mark) this.go({ day: days.at(-1) }); else this.heads();
  }

  show(columns, cut, isKept) {
    this.notice(null);
    this.columns = columns;
    this.volume = columns.rows ? new VolumeRows(columns.rows) : null;
    this.scrubber.set(columns.t.length, cut);
    this.chart.set(columns, cut, isKept);
    this.drawn(cut);
    this.heads();
  }
  applyCut(cut) {
    if (!this.columns) return;
    this.chart.cutTo(cut);
    this.drawn(cut);
  }
  drawn(cut) {
    const overlay = this.chart.overlay;
    this.cut = cut;
    overlay.trades = this.knownTrades(cut);
    overlay.chosen = this.detail ? overlay.trades.find((t) => t.id === this.detail.trade.id) || null : null;
    if (overlay.chosen) this.dress(overlay.chosen); else this.frozen = false;
    overlay.frozen = this.frozen;
    const isDim = this.frozen || Boolean(this.mark);
    if (isDim !== this.chart.isDim) this.chart.dim(isDim);
    overlay.mark = this.mark || null;
    overlay.profile = this.profile(cut);
    overlay.sheet = this.isOn.levels ? sheetLines(this.sheet, this.columns, cut) : [];
    this.chart.redraw();
    this.read(null);
    this.tell();
    this.modeWords();
    this.page.onCut(this);
  }
  // Until when everything is known: a bar's end, and after the last bar its day.
  limit(cut) {
    const t = this.columns.t;
    return cut < t.length - 1 ? t[cut] + BAR_S : (dayOf(t[cut]) + 1) * 86400 - IST_S;
  }
  knownTrades(cut) {
    const b = this.columns, limit = this.limit(cut), found = [];
    for (const t of b.trades) {
      if (t.entry_ts / SECOND_NS >= limit) continue;
      const isOut = Boolean(t.exit_ts) && t.exit_ts / SECOND_NS < limit, own = t.symbol === t.signal_symbol;
      const entry = Math.max(0, Math.min(cut, lastAtMost(b.t, t.entry_ts / SECOND_NS))), exit = isOut ? Math.max(0, Math.min(cut, lastAtMost(b.t, t.exit_ts / SECOND_NS))) : cut;
      found.push({
        id: t.id, number: t.number, net: isOut ? t.pnl_net : null, isLong: t.side === "long", isOpen: !isOut, row: t,
        entryIndex: entry, exitIndex: exit, entry: own ? t.entry_price / b.tick : b.c[entry], exit: isOut && own && t.exit_price !== null ? t.exit_price / b.tick : b.c[exit],
      });
    }
    return found;
  }
  // The chosen trade's levels, in ticks of this chart.
  dress(t) {
    const ticks = (price) => price === null || price === undefined ? null : Math.round(price / this.columns.tick), own = t.row.symbol === t.row.signal_symbol, of = this.detail.trade;
    Object.assign(t, { poc: ticks(of.poc), vah: ticks(of.vah), val: ticks(of.val), stop: ticks(of.stop), targets: own || this.detail.targets ? (this.detail.targets || []).map(([price]) => ticks(price)) : [] });
  }
  profile(cut) {
    const b = this.columns;
    this.profileTotal = null;
    if (this.frozen && this.detail?.profile) {
      const t = this.chart.overlay.chosen;
      this.profileTotal = this.detail.profile.v.reduce((sum, v) => sum + v, 0);
      return { ...this.detail.profile, levels: { poc: t.poc, vah: t.vah, val: t.val } };
    }
    if (!this.volume) return null;
    const isSession = this.isSession(), end = b.lead + cut + 1;
    const shown = this.volume.window(isSession ? b.lead : Math.max(0, end - b.period), end), from = isSession ? b.session : b;
    const levels = { poc: from.poc[cut], vah: from.vah[cut], val: from.val[cut] };
    this.profileTotal = this.volume.total;
    // In the morning a rolling run goes by the levels of the session before: they are not those of these rows.
    const isTheirs = levels.poc !== null && this.volume.of(levels.poc) === Math.max(...shown.v);
    return { ...shown, levels: isTheirs ? levels : null };
  }
  isSession() { return this.mode === "session" || this.columns?.window !== "rolling"; }
  turnMode() {
    if (this.columns && this.columns.window !== "rolling") return;
    this.mode = this.mode === "session" ? "window" : "session";
    state.like("mode", this.mode);
    if (this.columns) this.drawn(this.cut);
  }
  toggle(name) {
    this.isOn[name] = !this.isOn[name];
    if (name !== "footprint") state.like(name, this.isOn[name]);
    this.heads();
    if (name === "session") this.chart.showSessions(this.isOn.session);
    if (name === "levels") { this.page.onCut(this); if (this.columns) this.drawn(this.cut); }
    if (name === "footprint") this.turnFootprint();
  }
  async turnFootprint() {
    if (!this.isOn.footprint) {
      this.chart.setFootprint(null);
      if (this.before) this.chart.look(this.before);
      this.before = null;
      this.hint();
      return;
    }
    if (await this.loadFootprint() && !Footprint.isReadable(this.chart.chart)) { this.before = this.chart.range(); this.chart.widen(); }
    this.hint();
  }
  async loadFootprint() {
    if (!this.isOn.footprint || !this.columns) return false;
    const { symbol, day } = this;
    try {
      const found = await api.get("footprint", { symbol: this.columns.symbol, day }, `footprint${this.number}`);
      if (!found || symbol !== this.symbol || day !== this.day || !this.isOn.footprint) return false;
      this.footprintReason = found.reason;
      this.chart.setFootprint(found.reason ? null : new Footprint(found));
    } catch (error) {
      this.footprintReason = error.message;
      this.chart.setFootprint(null);
    }
    this.hint();
    return !this.footprintReason;
  }
  setSheet(sheet) { this.sheet = sheet; if (this.columns) { this.chart.overlay.sheet = this.isOn.levels ? sheetLines(sheet, this.columns, this.cut) : []; this.chart.redraw(); } }

  // A trade of this chart as it was decided on; the scrubber goes to the end where it stood before the trade was over.
  freeze(detail) {
    this.detail = detail;
    this.frozen = true;
    this.mark = null;
    const t = detail.trade, over = (t.exit_ts || t.entry_ts) / SECOND_NS;
    if (!this.columns) return;
    if (over >= this.limit(this.cut)) { this.scrubber.stop(); this.scrubber.set(this.columns.t.length, this.columns.t.length - 1); this.chart.cutTo(this.scrubber.last); }
    this.drawn(this.scrubber.wanted);
    const placed = this.chart.overlay.chosen;
    if (placed && !this.isOn.footprint) this.chart.focus(placed.entryIndex, placed.exitIndex);
    else if (placed) { this.chart.look({ from: placed.entryIndex - 8, to: placed.entryIndex + 8 }); }
  }
  // A decision that became no trade: its bar, and what it went by.
  point(decision) {
    const b = this.columns, ticks = (price) => price === null ? null : Math.round(price / b.tick), index = lastAtMost(b.t, decision.ts / SECOND_NS - 1);
    if (index < 0) return;
    this.detail = null;
    this.frozen = false;
    if (index > this.cut) { this.scrubber.set(b.t.length, b.t.length - 1); this.chart.cutTo(b.t.length - 1); }
    this.mark = { index, words: `${decision.side} ${decision.setup}: ${decision.action === "refuse" ? "refused, " : ""}${decision.reason}`, poc: ticks(decision.poc), vah: ticks(decision.vah), val: ticks(decision.val), stop: ticks(decision.stop) };
    this.drawn(this.scrubber.wanted);
    this.chart.focus(index, index);
  }
  thaw() {
    const was = this.frozen || this.detail || this.mark;
    this.frozen = false;
    this.detail = this.mark = null;
    if (this.columns) this.drawn(this.cut);
    return Boolean(was);
  }
  moveDay(step) {
    const at = this.days.indexOf(this.day), next = this.days[at + step];
    if (next) this.go({ day: next });
  }

  heads() {
    const run = this.of(".pick.run"), symbol = this.of(".pick.symbol"), day = this.of(".pick.day"), at = this.days.indexOf(this.day);
    run.textContent = this.run === null ? "No run" : `Run ${this.run}${this.info ? ` · ${this.info.rule || DASH}` : ""}`;
    symbol.textContent = this.columns && this.columns.symbol === this.symbol && this.columns.name !== this.symbol ? this.columns.name : this.symbol ? shortSymbol(this.symbol) : "No symbol";
    symbol.title = `${this.symbol || "choose a symbol"} (y)`;
    day.textContent = this.day ? dayWords(this.day) : "No day";
    day.title = `${this.day || "choose a day"} (d)`;
    this.of(".day-back").disabled = at <= 0;
    this.of(".day-on").disabled = at < 0 || at >= this.days.length - 1;
    this.of(".span").value = String(this.span);
    for (const [name, isOn] of Object.entries(this.isOn)) this.of(`button.${name}`).setAttribute("aria-pressed", isOn);
    this.of(".chart").setAttribute("aria-label", `Candles of ${this.symbol || "no symbol"}, ${this.day || "no day"}, with volume profile, value area, point of control, regime and trades; the same figures are below the chart and in the table of trades`);
    this.modeWords();
  }
  modeWords() {
    const b = this.columns, mode = this.of(".mode");
    mode.disabled = !b || !b.rows || b.window !== "rolling";
    mode.textContent = "Profile: " + (this.frozen && this.detail?.profile ? "at entry" : !b ? DASH : !b.rows ? "what is visible" : this.isSession() ? "session" : `${b.period} bars`);
  }
  tell() {
    const b = this.columns, i = this.cut, known = this.chart.overlay.trades, closed = known.filter((t) => !t.isOpen), net = closed.reduce((sum, t) => sum + t.net, 0), open = known.length - closed.length;
    const price = (ticks) => ticks === null ? DASH : number(ticks * b.tick, b.decimals), clock = istClock(b.t[i] + BAR_S);
    const dot = make("i", "", `dot ${REGIMES[b.regime[i]] || ""}`), when = make("b", `${this.span > 1 ? dayWords(isoIst(b.t[i]).slice(0, 10)) + " " : ""}${clock} IST`);
    const parts = [when, make("span", `bar ${whole(i + 1)} of ${whole(b.t.length)}`, "muted"), make("span", "")];
    parts[2].append(dot, regimeWord(b.regime[i]));
    for (const [name, colour] of [["poc", "poc"], ["vah", "value"], ["val", "value"]]) {
      const part = make("span", "");
      part.append(make("span", name.toUpperCase() + " ", "muted"), make("b", price(b[name][i]), colour));
      parts.push(part);
    }
    const traded = make("span", "");
    traded.append(this.run === null ? "" : `${whole(known.length)} ${known.length === 1 ? "trade" : "trades"}${open ? `, ${whole(open)} open` : ""}`);
    if (closed.length) traded.append(", net ", make("b", rupees(net, 0), tone(net)));
    parts.push(traded);
    this.scrubber.tell(parts, `${clock} IST, bar ${i + 1}, ${regimeWord(b.regime[i])}`);
  }
  read(index) {
    const b = this.columns, box = this.of(".reading");
    if (!b) { box.textContent = ""; return; }
    const i = index === null ? this.cut : index, price = (ticks) => ticks === null ? DASH : number(ticks * b.tick, b.decimals), parts = [];
    for (const [name, text] of [["", istClock(b.t[i])], ["O", price(b.o[i])], ["H", price(b.h[i])], ["L", price(b.l[i])], ["C", price(b.c[i])], ["Vol", whole(b.v[i])]]) {
      const part = make("span", name ? name + " " : "", "muted");
      part.append(make("b", text));
      parts.push(part);
    }
    box.replaceChildren(...parts);
  }
  hint() {
    const box = this.of(".hint");
    const words = !this.isOn.footprint ? null : this.footprintReason ? `No footprint: ${this.footprintReason}` : !this.chart.overlay.footprint ? null
      : Footprint.isReadable(this.chart.chart) ? "Footprint, estimated: sold × bought" : "Zoom in for the footprint, or press f twice";
    box.hidden = !words;
    box.textContent = words || "";
  }
  notice(words) {
    const box = this.of(".notice");
    box.hidden = !words;
    if (words) box.replaceChildren(...[].concat(words).map((line) => typeof line === "string" ? make("p", line) : line));
  }
  empty(error) {
    this.columns = this.volume = null;
    this.cut = -1;
    this.chart.clear();
    this.scrubber.set(0, 0);
    this.scrubber.tell([make("span", " ")], "nothing");
    this.read(null);
    this.modeWords();
    const isHelped = !error || !this.symbol;
    this.notice(!isHelped ? [error] : [error || "There is no market data yet.", make("code", "python -m auction_bt demo"), "makes some up, and", make("code", "python -m auction_bt import FILE"), "reads your own; start the viewer with --store and --state of where it is."]);
    this.page.onCut(this);
  }
  theme() { this.chart.theme(); }
  shown() {
    const b = this.columns, i = this.cut, price = (ticks) => ticks === null || ticks === undefined ? null : +(ticks * b.tick).toFixed(b.decimals);
    if (!b) return { bars: 0, cut: -1, trades: [], profileTotal: null, poc: null, vah: null, val: null, regime: null, lastTime: null, frozen: false };
    const range = this.chart.candles.priceScale().getVisibleRange?.() || null;
    return {
      run: this.run, symbol: this.symbol, day: this.day, bars: i + 1, cut: i, atEnd: this.scrubber.isAtEnd, of: b.t.length,
      trades: this.chart.overlay.trades.map((t) => ({ id: t.id, number: t.number, open: t.isOpen, net: t.net })), chosen: this.detail ? this.detail.trade.id : null, frozen: this.frozen,
      profileTotal: this.profileTotal, poc: price(b.poc[i]), vah: price(b.vah[i]), val: price(b.val[i]), session: { poc: price(b.session.poc[i]), vah: price(b.session.vah[i]), val: price(b.session.val[i]) },
      regime: b.regime[i], lastTime: b.t[i], range: this.chart.range(), prices: range, drawn: this.chart.candles.data().length, sheet: this.chart.overlay.sheet.length, footprint: Boolean(this.chart.overlay.footprint) && Footprint.isReadable(this.chart.chart),
    };
  }
}
