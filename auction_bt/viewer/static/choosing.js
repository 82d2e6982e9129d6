"use strict";
// What can be chosen for a pane: runs, symbols, days.

const choosing = (() => {
  const MOST = 300, PAGE = 60;

  function runLines(r) {
    const names = r.symbols.map(shortSymbol), days = r.from === r.to ? r.from : `${r.from} to ${r.to}`;
    const changed = Object.entries(r.changed).map(([name, value]) => `${name}=${value}`).join(", ");
    return [`${r.run} · ${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`, `${days || DASH} · ${r.rule || DASH} · ${whole(r.trades)} trades${r.open_trades ? ` + ${r.open_trades} open` : ""}${changed ? " · " + changed : ""}`];
  }
  function run(pane, anchor) {
    picker.show(anchor, {
      label: "Run", hint: "number, symbol, rule, setting …",
      async load(words, offset) {
        const found = await api.get("runs", { q: words, limit: PAGE, offset }, "runs");
        if (!found) return null;
        const items = found.runs.map((r) => ({ value: r.run, lines: runLines(r), note: rupees(r.net, 0), tone: tone(r.net), isNow: r.run === pane.run }));
        const none = { value: null, lines: ["No run", "charts by the default settings, without trades"], isNow: pane.run === null };
        return offset || words ? { items, total: found.total } : { items: [...items, none], total: found.total + 1 > items.length + 1 ? found.total + 1 : items.length + 1 };
      },
      onPick: (value) => pane.go({ run: value }),
    });
  }
  function symbol(pane, anchor) {
    picker.show(anchor, {
      label: "Symbol", hint: "name or key …",
      async load(words) {
        const found = await api.get("symbols", { q: words }, "symbols");
        if (!found) return null;
        const traded = new Set(pane.info ? pane.info.traded : []), nets = new Map((pane.info?.groups.symbol || []).map((g) => [g.name, g]));
        const list = [...found.symbols.filter((s) => traded.has(s.symbol)), ...found.symbols.filter((s) => !traded.has(s.symbol))];
        const items = list.slice(0, MOST).map((s) => {
          const of = nets.get(s.symbol);
          return { value: s.symbol, lines: [s.name, `${s.symbol} · ${s.kind} · ${whole(s.days)} days, to ${s.last}`], note: of ? rupees(of.net, 0) : traded.has(s.symbol) ? "in this run" : "", tone: of ? tone(of.net) : "", isNow: s.symbol === pane.symbol };
        });
        return { items, total: items.length };
      },
      onPick: (value) => pane.go({ symbol: value }),
    });
  }
  function day(pane, anchor) {
    const nets = new Map((pane.info?.groups.day || []).map((g) => [g.name, g])), ran = new Set(pane.info ? pane.info.days : []);
    picker.show(anchor, {
      label: "Day", hint: "2026-03, Tue, Mar …",
      async load(words) {
        const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
        const items = [...pane.days].reverse().filter((d) => wanted.every((w) => `${d} ${dayWords(d)}`.toLowerCase().includes(w))).map((d) => {
          const of = nets.get(d);
          return { value: d, lines: [dayWords(d)], note: of ? `${whole(of.trades)} trades, ${rupees(of.net, 0)}` : ran.has(d) ? "no trade" : "", tone: of ? tone(of.net) : "muted", isNow: d === pane.day };
        });
        return { items, total: items.length };
      },
      onPick: (value) => pane.go({ day: value }),
    });
  }
  return { run, symbol, day };
})();
