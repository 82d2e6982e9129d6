"use strict";
// Wires the page together: which pane the tables are of, what is asked again when there is news.

const viewer = (() => {
  const panes = [];
  let active = null, tableOf = null, newest = null;
  const now = () => active;
  const place = () => ({ run: active ? active.run : null, symbol: active?.symbol, day: active?.day });

  const trades = new TradesTable({ place, onTrade: (id) => choose(active, id) });
  const refused = new Refused({ place, onDecision: (d) => point(active, d) });
  const equity = new Equity({ place });
  const compare = new Compare({ panes: () => panes, onPair: pair });
  const levels = new Levels({ panes: () => panes, active: now, isShown: () => side.now === "levels" });
  const feed = new Feed({ isShown: () => side.now === "feed", day: () => active?.day || null });
  const below = new Tabs(by("tabs"), ["trades", "equity", "groups", "refused", "compare"].map((name) => [name, name[0].toUpperCase() + name.slice(1), by(name + "-panel")]), (name) => { fill(name); remember(); });
  const side = new Tabs(by("side-tabs"), ["story", "levels", "feed", "legend"].map((name) => [name, name[0].toUpperCase() + name.slice(1), by(name + "-panel")]), (name) => { if (name === "levels") levels.ask(); if (name === "feed") feed.load(); remember(); });

  const page = {
    onPlace: placed,
    onTrade: choose,
    onCut: (pane) => { if (pane.isOn.levels || (pane === active && side.now === "levels")) levels.later(); },
    onFocus: activate,
    pick: (pane, what, anchor) => { activate(pane); choosing[what](pane, anchor); },
  };

  let isWired = false;
  function remember() {
    if (!isWired) return;
    const of = (pane, end) => pane ? { ["run" + end]: pane.run ?? "none", ["symbol" + end]: pane.symbol, ["day" + end]: pane.day, ["span" + end]: pane.span > 1 ? pane.span : null } : { ["run" + end]: null, ["symbol" + end]: null, ["day" + end]: null, ["span" + end]: null };
    state.write({ ...of(panes[0], ""), ...of(panes[1], "2"), two: panes[1] ? 1 : null, trade: panes[0]?.detail ? panes[0].detail.trade.id : null, tab: below.now === "trades" ? null : below.now, side: side.now === "story" ? null : side.now });
  }

  // What is below is filled when it is looked at.
  function fill(name, isNews = false) {
    if (!active) return null;
    if (name === "trades") return trades.load(isNews);
    if (name === "equity") return equity.load();
    if (name === "groups") return groups.show(active.info);
    if (name === "refused") return refused.load();
    return compare.load(isNews);
  }
  function placed(pane) {
    below.setHidden("compare", !compare.pair());
    if (pane === active) follow();
    if (pane.isOn.footprint) pane.loadFootprint();
    levels.later();
    if (below.now === "compare") compare.load();
    remember();
  }
  // The tables follow the pane that is in use.
  function follow() {
    totals.show(active.info);
    const key = [active.run, by("day-only").checked ? active.symbol + active.day : ""].join();
    if (key !== tableOf) {
      tableOf = key;
      trades.ask.offset = 0;
      refused.begin();
      trades.load();
      if (below.now !== "trades" && below.now !== "compare") fill(below.now);
    }
    for (const p of panes) p.root.classList.toggle("active", p === active && panes.length > 1);
  }
  function activate(pane) {
    if (pane === active) return;
    active = pane;
    follow();
    tell();
    levels.later();
    feed.later();
  }
  function tell() {
    const detail = active.detail;
    trades.choose(detail ? detail.trade.id : null, false);
    if (detail) story.trade(detail); else story.nothing();
  }

  let asked = 0;
  async function choose(pane, id) {
    if (id === null || id === undefined) return;
    activate(pane);
    const turn = ++asked;
    trades.choose(id);
    let found = null;
    try { found = await api.get(`trades/${id}`, {}, "trade"); } catch (error) { story.failed(error.message); return; }
    if (!found || turn !== asked) return;
    const isHere = pane.columns && !pane.busy && pane.run === found.run && pane.columns.symbol === found.symbol && pane.columns.days.includes(found.day);
    if (!isHere) await pane.go({ run: found.run, symbol: found.symbol, day: found.day });
    if (turn !== asked) return;
    pane.freeze(found);
    side.show("story");
    story.trade(found);
    if (matchMedia("(max-width: 900px)").matches) pane.root.scrollIntoView({ block: "start" });
    by("story-panel").scrollTop = 0;
    remember();
  }
  async function point(pane, decision) {
    const turn = ++asked, day = dayNs(decision.ts - 1);
    story.decision(decision);
    side.show("story");
    trades.choose(null);
    const isHere = pane.columns && !pane.busy && pane.columns.symbol === decision.symbol && pane.columns.days.includes(day);
    if (!isHere) await pane.go({ symbol: decision.symbol, day });
    if (turn === asked && pane.columns) pane.point(decision);
    remember();
  }
  // Both panes to where a trade differs; each freezes its own.
  async function pair(symbol, day, of) {
    await Promise.all(panes.map(async (pane, i) => {
      if (!(pane.columns && pane.columns.symbol === symbol && pane.columns.days.includes(day))) await pane.go({ symbol, day });
      const row = of[i] && pane.columns?.trades.find((t) => t.entry_ts === of[i].entry_ts && t.symbol === of[i].symbol);
      if (!row) { pane.thaw(); const index = pane.columns ? lastAtMost(pane.columns.t, (of[0] || of[1]).entry_ts / SECOND_NS) : -1; if (index >= 0) pane.chart.focus(index, index); return; }
      const detail = await api.get(`trades/${row.id}`, {}, `trade${i}`).catch(() => null);
      if (detail) pane.freeze(detail);
    }));
    tell();
    remember();
  }
  function leave() {
    active.thaw();
    asked++;
    story.nothing();
    trades.choose(null);
    remember();
  }

  function addPane() {
    const pane = new Pane(panes.length, page);
    panes.push(pane);
    by("panes").append(pane.root);
    pane.begin();
    return pane;
  }
  async function setTwo(isTwo, where) {
    if (isTwo === panes.length > 1) return;
    by("two").setAttribute("aria-pressed", isTwo);
    document.body.classList.toggle("two", isTwo);
    if (isTwo) {
      const first = panes[0], pane = addPane();
      activate(pane);
      await pane.go(where || { run: first.run, symbol: first.symbol, day: first.day });
    } else {
      activate(panes[0]);
      const gone = panes.pop();
      gone.scrubber.stop();
      gone.turn++;
      gone.root.remove();
      gone.chart.chart.remove();
      placed(panes[0]);
    }
    for (const p of panes) p.root.classList.toggle("active", p === active && panes.length > 1);
  }

  // News of these runs; without a word which, of all.
  async function journal(runs) {
    if (!runs || runs.some((r) => newest !== null && r > newest) || newest === null) await lookForRuns();
    const isOf = (pane) => pane.run !== null && (!runs || runs.includes(pane.run));
    const isMine = active && isOf(active);
    if (isMine) trades.load(true);
    await Promise.all(panes.filter(isOf).map(async (pane) => {
      const run = pane.run;
      pane.refresh();
      const info = await api.get(`runs/${run}`, {}, `info${pane.number}`).catch(() => null);
      if (info && pane.run === run) { pane.info = info; if (pane === active) totals.show(info); }
      if (pane.detail && !pane.detail.trade.exit_ts) await renew(pane);
    }));
    if (isMine && !["trades", "compare"].includes(below.now)) fill(below.now, true);
    if (below.now === "compare" && panes.some(isOf)) compare.load(true);
  }
  // An open trade that is told: perhaps it is over.
  async function renew(pane) {
    const id = pane.detail.trade.id, found = await api.get(`trades/${id}`, {}, `renew${pane.number}`).catch(() => null);
    if (!found || pane.detail?.trade.id !== id) return;
    pane.detail = found;
    if (pane === active) story.trade(found);
  }
  async function lookForRuns() {
    const found = await api.get("runs", { limit: 1 }).catch(() => null), top = found?.runs[0];
    if (!top) return null;
    const isFirst = newest === null && isWired;
    if (newest !== null && top.run > newest || isFirst) {
      const fresh = by("fresh");
      if (panes.every((p) => p.run === null) && isFirst) panes[0].go({ run: top.run });
      else { fresh.hidden = false; fresh.textContent = `Run ${top.run} is new: show it`; fresh.onclick = () => { fresh.hidden = true; active.go({ run: top.run }); }; }
    }
    newest = top.run;
    return top.run;
  }
  const lookAtDays = throttled(15000, () => panes.forEach((p) => p.refreshDays()));
  const lookAtCharts = throttled(1500, () => { for (const p of panes) { p.refresh(); levels.asked.delete(p); } levels.later(); feed.later(); });
  let told = new Set();
  const lookAtJournal = throttled(400, () => { const runs = told.has(null) ? null : [...told]; told = new Set(); journal(runs); });

  async function begin() {
    listenToSplit(by("split"), () => {});
    story.nothing();
    side.show("story");
    below.setHidden("compare", true);
    const at = state.read(), first = addPane();
    active = first;
    const known = await lookForRuns(), run = at.run === "none" ? null : at.run ? +at.run : known;
    await first.go({ run, symbol: at.symbol, day: at.day, span: +at.span || 1 });
    if (!first.columns && run !== null && !at.symbol && !first.info) await first.go({ run: known });
    if (at.two) await setTwo(true, { run: at.run2 === "none" ? null : at.run2 ? +at.run2 : run, symbol: at.symbol2, day: at.day2, span: +at.span2 || 1 });
    if (panes[1]) activate(first);
    below.show(at.tab || "trades");
    if (at.side) side.show(at.side);
    if (at.trade) await choose(first, +at.trade);
    await trades.load();
    isWired = true;
    remember();
    requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = "yes"; }));
    const actions = new Actions();
    return new Live({
      onStatus: (status) => actions.show(status.bot),
      onJournal: (runs) => { for (const r of runs) told.add(r); lookAtJournal(); },
      onStore: () => { lookAtCharts(); lookAtDays(); },
      // A hint may have been lost.
      onQuiet: () => { lookForRuns(); trades.load(true); },
      onBack: () => { told.add(null); lookAtJournal(); lookAtCharts(); lookAtDays(); },
    });
  }

  theme.onChange(() => { for (const p of panes) p.theme(); equity.theme(); });
  by("theme").addEventListener("click", () => theme.turn());
  by("two").addEventListener("click", () => setTwo(panes.length < 2));
  by("help-open").addEventListener("click", () => by("help").showModal());
  by("help-close").addEventListener("click", () => by("help").close());
  const step = (bars) => (e) => active.scrubber.step(e.shiftKey ? 10 * bars : bars);
  const next = async (by_) => choose(active, await trades.next(by_));
  listenToKeys({
    j: () => next(1), k: () => next(-1), "[": () => active.moveDay(-1), "]": () => active.moveDay(1), ArrowLeft: step(-1), ArrowRight: step(1),
    Home: () => active.scrubber.to(0), End: () => { active.scrubber.stop(); active.scrubber.toEnd(); }, " ": () => active.scrubber.turn(), Escape: leave,
    p: () => active.turnMode(), s: () => active.toggle("session"), l: () => active.toggle("levels"), f: () => active.toggle("footprint"), a: () => active.columns && active.chart.fit(),
    r: () => active.of(".pick.run").click(), y: () => active.of(".pick.symbol").click(), d: () => active.of(".pick.day").click(),
    c: () => setTwo(panes.length < 2), 1: () => activate(panes[0]), 2: () => panes[1] && activate(panes[1]),
    t: () => theme.turn(), "/": () => { below.show("trades"); by("filter").focus(); }, "?": () => by("help").showModal(),
  });
  addEventListener("resize", picker.close);
  state.onChange((at) => { if (isWired) panes[0].go({ run: at.run === "none" ? null : at.run ? +at.run : undefined, symbol: at.symbol, day: at.day }).then(() => at.trade && choose(panes[0], +at.trade)); });
  const live = begin();

  // For tests, and for who is curious; nothing can be changed through it.
  return {
    state: () => ({ ...state.read(), theme: theme.now(), panes: panes.length, active: panes.indexOf(active), tab: below.now, side: side.now, live: by("live-words").textContent }),
    pane: (i) => ({ shown: () => panes[i] ? panes[i].shown() : null }),
    live,
  };
})();
