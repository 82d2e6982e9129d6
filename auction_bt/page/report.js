"use strict";
// The page around the charts: which symbol, day and trade are shown; the table of trades; the two small pictures.

(function () {
  const PAGE = 100;
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const make = (name, text, className) => { const e = document.createElement(name); if (text !== undefined) e.textContent = text; if (className) e.className = className; return e; };
  const number = (v, digits = 2) => v === null || v === undefined ? "–" : (v < 0 ? "−" : "") + Math.abs(v).toLocaleString("en-IN", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const ist = (ns) => ns ? new Date(ns / 1e6 + IST_S * 1e3).toISOString().slice(0, 19).replace("T", " ") : "–";
  const state = { symbol: 0, day: null, trade: null, sort: "number", rising: true, page: 0, filter: "" };
  const charts = [];

  // Where each trade stands on its symbol's bars. A trade in an option stands at the prices of what it was read from.
  for (const s of data.symbols) {
    s.ends = s.t.map((t) => t + 60);
    s.days = [...new Set(s.t.map(dayOf))];
    s.trades = data.trades.filter((t) => t.signal_symbol === s.symbol).map((t) => {
      const entry = Math.max(0, lastAtMost(s.t, t.entry_ts / 1e9)), exit = t.exit_ts ? Math.max(0, lastAtMost(s.t, t.exit_ts / 1e9)) : s.t.length - 1;
      const own = t.symbol === t.signal_symbol, ticks = (p) => p === null || p === undefined ? null : Math.round(p / s.tick);
      return { number: t.number, net: t.pnl_net, isLong: t.side === "long", isOpen: !t.exit_ts, entryIndexAll: entry, exitIndexAll: exit,
        entry: own ? t.entry_price / s.tick : s.c[entry], exit: own && t.exit_price !== null ? t.exit_price / s.tick : s.c[exit],
        poc: ticks(t.poc), vah: ticks(t.vah), val: ticks(t.val), stop: ticks(t.stop), profile: t.profile || null };
    });
  }

  const main = data.symbols.length ? auctionChart(by("chart"), select) : null;
  if (main) charts.push(main);
  if (data.equity.t.length) charts.push(equityChart(by("equity"), data.equity));
  else by("equity").replaceWith(make("p", "No trade changed the account.", "muted"));

  function symbol() { return data.symbols[state.symbol]; }
  function show() {
    const s = symbol();
    let from = 0, to = s.t.length;
    if (state.day !== null) {
      from = s.t.findIndex((t) => dayOf(t) === s.days[state.day]);
      to = state.day + 1 < s.days.length ? s.t.findIndex((t) => dayOf(t) === s.days[state.day + 1]) : s.t.length;
    }
    main.show(s, from, to, s.trades);
    by("day").textContent = state.day === null ? `${s.days.length} days` : new Date(s.days[state.day] * 864e5).toISOString().slice(0, 10);
    by("day-back").disabled = state.day === 0;
    by("day-on").disabled = state.day === s.days.length - 1;
    for (const [i, b] of [...by("symbols").children].entries()) b.setAttribute("aria-pressed", i === state.symbol);
  }
  function moveDay(step) {
    const last = symbol().days.length - 1;
    state.day = state.day === null ? (step > 0 ? 0 : last) : Math.min(last, Math.max(0, state.day + step));
    show();
  }
  function select(chosen) {
    const t = data.trades[chosen - 1];
    state.trade = chosen;
    const at = data.symbols.findIndex((s) => s.symbol === t.signal_symbol);
    if (at >= 0) {
      state.symbol = at;
      state.day = symbol().days.indexOf(dayOf(Math.floor(t.entry_ts / 1e9)));
      if (state.day < 0) state.day = null;
      show();
      main.choose(chosen);
    }
    tell(t);
    for (const row of by("trades").tBodies[0].rows) row.classList.toggle("chosen", +row.dataset.number === chosen);
  }
  function moveTrade(step) {
    const list = rows(), at = list.findIndex((t) => t.number === state.trade), next = list[at < 0 ? 0 : at + step];
    if (next) { state.page = Math.floor(list.indexOf(next) / PAGE); table(); select(next.number); }
  }
  function tell(t) {
    const box = by("story"), list = make("ol");
    box.replaceChildren(make("h3", `Trade ${t.number}: ${t.side} ${t.symbol}, ${number(t.pnl_net)} rupees net`));
    for (const line of t.story || ["Older than the trades that are told line by line."]) list.append(make("li", line));
    box.append(list);
    if (t.story) box.append(make("p", t.profile ? "The rows at the right are the profile as it stood at the decision." : "The profile at the decision is not shown: its rows do not follow from the bars that are kept.", "muted small"));
    if (t.evidence) {
      const facts = make("table", undefined, "facts"), body = facts.createTBody();
      for (const [name, value] of Object.entries(t.evidence)) { const r = body.insertRow(); r.append(make("th", name), make("td", number(value, 4))); }
      const more = make("details");
      more.append(make("summary", "Evidence"), facts);
      box.append(more);
    }
    box.scrollTop = 0;
  }

  const COLUMNS = [["number", "#"], ["symbol", "symbol"], ["side", "side"], ["setup", "setup"], ["regime", "regime"], ["entry_ts", "entry"], ["entry_price", "at"],
    ["exit_ts", "exit"], ["exit_price", "at"], ["qty", "qty"], ["reason", "out by"], ["pnl_gross", "gross"], ["charges", "charges"], ["pnl_net", "net"], ["r_multiple", "R"], ["mae", "MAE"], ["mfe", "MFE"]];
  const PLAIN = new Set(["number", "qty", "symbol", "side", "setup", "regime", "reason"]);
  const text = (t, key) => key.endsWith("_ts") ? ist(t[key]) : PLAIN.has(key) ? String(t[key]) : number(t[key]);
  function rows() {
    const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean), sign = state.rising ? 1 : -1;
    const found = data.trades.filter((t) => { const line = [t.symbol, t.side, t.setup, t.regime, t.reason, ist(t.entry_ts)].join(" ").toLowerCase(); return words.every((w) => line.includes(w)); });
    return found.sort((a, b) => {
      const x = a[state.sort], y = b[state.sort];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (x < y ? -1 : x > y ? 1 : 0) || a.number - b.number;
    });
  }
  function table() {
    const list = rows(), pages = Math.max(1, Math.ceil(list.length / PAGE)), body = by("trades").tBodies[0];
    state.page = Math.min(state.page, pages - 1);
    const net = list.reduce((sum, t) => sum + (t.exit_ts ? t.pnl_net : 0), 0);
    by("count").textContent = `${list.length.toLocaleString("en-IN")} of ${data.trades.length.toLocaleString("en-IN")}, net of the closed ones ${number(net)}`;
    by("page").textContent = `${state.page + 1} / ${pages}`;
    by("page-back").disabled = state.page === 0;
    by("page-on").disabled = state.page === pages - 1;
    body.replaceChildren(...list.slice(state.page * PAGE, (state.page + 1) * PAGE).map((t) => {
      const row = make("tr");
      row.dataset.number = t.number;
      row.tabIndex = 0;
      if (t.number === state.trade) row.className = "chosen";
      for (const [key] of COLUMNS) row.append(make("td", text(t, key), key === "pnl_net" ? (t.pnl_net > 0 ? "won" : t.pnl_net < 0 ? "lost" : "") : ""));
      return row;
    }));
    for (const th of by("trades").tHead.rows[0].cells) th.setAttribute("aria-sort", th.dataset.key !== state.sort ? "none" : state.rising ? "ascending" : "descending");
  }
  const head = by("trades").tHead.insertRow();
  for (const [key, label] of COLUMNS) {
    const th = make("th"), button = make("button", label);
    th.dataset.key = key;
    button.addEventListener("click", () => { state.rising = state.sort === key ? !state.rising : true; state.sort = key; table(); });
    th.append(button);
    head.append(th);
  }
  by("trades").tBodies[0].addEventListener("click", (e) => { const row = e.target.closest("tr"); if (row) select(+row.dataset.number); });
  by("trades").tBodies[0].addEventListener("keydown", (e) => { if (e.key === "Enter") select(+e.target.dataset.number); });
  by("filter").addEventListener("input", (e) => { state.filter = e.target.value; state.page = 0; table(); });
  by("page-back").addEventListener("click", () => { state.page--; table(); });
  by("page-on").addEventListener("click", () => { state.page++; table(); });
  by("csv").addEventListener("click", () => {
    const quoted = (v) => v === null ? "" : /[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : String(v);
    const lines = [COLUMNS.map(([key]) => key), ...rows().map((t) => COLUMNS.map(([key]) => key.endsWith("_ts") ? ist(t[key]) : t[key]))];
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([lines.map((l) => l.map(quoted).join(",")).join("\n") + "\n"], { type: "text/csv" }));
    link.download = "trades.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });

  if (by("refused")) {
    const names = ["ts", "symbol", "side", "setup", "regime", "reason"], top = by("refused").tHead.insertRow();
    for (const name of names) top.append(make("th", name === "ts" ? "bar's end" : name));
    by("refused").closest("details").addEventListener("toggle", () => {
      const body = by("refused").tBodies[0];
      if (body.rows.length) return;
      for (const d of data.refused) { const row = body.insertRow(); for (const name of names) row.append(make("td", name === "ts" ? ist(d.ts) : d[name])); }
    }, { once: true });
  }

  function svg(name, attributes, content) {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
    if (content !== undefined) e.append(document.createTextNode(content));
    return e;
  }
  function histogram() {
    const values = data.trades.filter((t) => t.exit_ts && t.r_multiple !== null).map((t) => t.r_multiple), box = by("r");
    if (!values.length) { box.append(svg("text", { x: 20, y: 30 }, "no closed trade with a measured risk")); return; }
    const step = 0.25, index = (r) => Math.floor(Math.max(-4, Math.min(3.99, r)) / step) + 16, counts = new Array(32).fill(0);
    for (const r of values) counts[index(r)]++;
    const most = Math.max(...counts);
    counts.forEach((n, i) => {
      const bar = svg("rect", { x: 20 + i * 12, y: 170 - 150 * n / most, width: 11, height: 150 * n / most, class: i < 16 ? "lost" : "won" });
      bar.append(svg("title", {}, `${((i - 16) * step).toFixed(2)} to ${((i - 15) * step).toFixed(2)} R: ${n}`));
      box.append(bar);
    });
    box.append(svg("line", { x1: 20, x2: 404, y1: 170, y2: 170, class: "axis" }));
    for (let r = -4; r <= 4; r++) box.append(svg("text", { x: 20 + (r + 4) * 48, y: 186, "text-anchor": "middle" }, r === -4 ? "≤−4" : r === 4 ? "≥4 R" : String(r).replace("-", "−")));
    box.append(svg("text", { x: 4, y: 14 }, `${most} trades`));
  }
  function excursions() {
    const points = data.trades.filter((t) => t.exit_ts && t.mae !== null && t.mfe !== null && t.entry_price).map((t) => [100 * t.mae / t.entry_price, 100 * t.mfe / t.entry_price, t]), box = by("excursions");
    if (!points.length) { box.append(svg("text", { x: 20, y: 30 }, "no closed trade")); return; }
    const most = Math.max(...points.flatMap(([x, y]) => [x, y])) || 1, px = (v) => 40 + 370 * v / most, py = (v) => 165 - 150 * v / most;
    box.append(svg("line", { x1: 40, x2: 410, y1: 165, y2: 165, class: "axis" }), svg("line", { x1: 40, x2: 40, y1: 15, y2: 165, class: "axis" }));
    box.append(svg("text", { x: 410, y: 182, "text-anchor": "end" }, `worst, to ${most.toFixed(2)} %`), svg("text", { x: 4, y: 12 }, `best, to ${most.toFixed(2)} %`));
    for (const [x, y, t] of points.slice(-5000)) {
      const dot = svg("circle", { cx: px(x), cy: py(y), r: 3, class: t.pnl_net > 0 ? "won" : "lost", "fill-opacity": 0.6 });
      dot.append(svg("title", {}, `trade ${t.number}: ${number(t.pnl_net)}`));
      dot.addEventListener("click", () => select(t.number));
      box.append(dot);
    }
  }

  function setTheme(name) {
    document.documentElement.dataset.theme = name;
    for (const c of charts) c.theme();
  }
  by("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  by("day-back").addEventListener("click", () => moveDay(-1));
  by("day-on").addEventListener("click", () => moveDay(1));
  by("day-all").addEventListener("click", () => { state.day = null; show(); });
  by("trade-back").addEventListener("click", () => moveTrade(-1));
  by("trade-on").addEventListener("click", () => moveTrade(1));
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === "INPUT") return;
    const act = { j: () => moveTrade(1), k: () => moveTrade(-1), "[": () => moveDay(-1), "]": () => moveDay(1), a: () => by("day-all").click(), t: () => by("theme").click(), "/": () => by("filter").focus() }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  if (data.symbols.length > 1) data.symbols.forEach((s, i) => { const b = make("button", s.name); b.addEventListener("click", () => { state.symbol = i; state.day = null; show(); }); by("symbols").append(b); });

  setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  if (main) show();
  table();
  histogram();
  excursions();
  document.documentElement.dataset.ready = "yes";
})();
