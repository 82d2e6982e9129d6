"use strict";
// The chosen trade in words: why it was taken, what became of it, what it cost.

const CHARGES = { brokerage: "brokerage", stt: "STT", transaction: "exchange transaction", ipft: "IPFT", sebi: "SEBI fee", stamp: "stamp duty", gst: "GST", dp: "depository", square_off: "square-off", other: "other" };
const chargeWord = (kind) => CHARGES[kind] || kind.replaceAll("_", " ");

const story = (() => {
  const box = () => by("story-panel");

  function facts(rows) {
    const table = make("table", undefined, "facts"), body = table.createTBody();
    for (const [name, value, className] of rows) { const r = body.insertRow(), th = make("th", name); th.scope = "row"; r.append(th, make("td", value, className)); }
    return table;
  }
  function more(title, content, isOpen) {
    const details = make("details");
    details.open = Boolean(isOpen);
    details.append(make("summary", title), content);
    return details;
  }
  function evidence(found) { return facts(Object.entries(found).map(([name, value]) => [name.replaceAll("_", " "), typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : Math.abs(value) >= 1000 ? 2 : 4) : value ?? DASH])); }

  function nothing() {
    box().replaceChildren(make("p", "Choose a trade, in the chart or in the table, or press j: it is told here line by line, and the chart shows the profile as it stood when it was decided on. Esc returns.", "muted"));
  }
  function trade(found) {
    const t = found.trade, isOpen = !t.exit_ts, price = (v) => number(v, found.decimals), own = t.symbol === t.signal_symbol;
    const head = make("div", undefined, "verdict-head"), title = make("h3", `Trade ${whole(t.number)}: ${t.side} ${shortSymbol(t.symbol)}`);
    head.append(title, isOpen ? make("span", "open", "badge") : make("b", rupees(t.pnl_net), `figure ${tone(t.pnl_net)}`));
    const rows = [
      ["in", `${istNs(t.entry_ts)} at ${price(t.entry_price)}, qty ${whole(t.qty)}`],
      ["out", isOpen ? "still open" : `${istNs(t.exit_ts)} at ${price(t.exit_price)}, by ${t.reason}`],
      ["setup", `${t.setup || DASH} in a ${t.regime || DASH} regime`],
      ["stop, targets", `${price(t.stop)}; ${found.targets.length ? found.targets.map(([p, q]) => `${price(p)} for ${whole(q)}`).join(", ") : DASH}`],
      ["gross, charges", isOpen ? `${DASH}, ${rupees(t.charges)} so far` : `${rupees(t.pnl_gross)} − ${rupees(t.charges)}`],
      ["R", isOpen ? DASH : signed(t.r_multiple), isOpen ? "" : tone(t.r_multiple)],
      ["MAE, MFE", `${price(t.mae)} against, ${price(t.mfe)} in favour`],
    ];
    if (!own) rows.splice(2, 0, ["read from", shortSymbol(t.signal_symbol)]);
    const list = make("ol");
    for (const line of found.story) list.append(make("li", line.trim()));
    const note = found.profile ? "The chart's profile is the one it was decided on, without the bar decided on. Esc returns to the profile as it develops." : `No profile at entry: ${found.profile_reason || "it is not known"}.`;
    const costs = Object.entries(t.costs || {}).filter(([, v]) => v).map(([kind, v]) => [chargeWord(kind), rupees(v), "figure-small"]);
    box().replaceChildren(head, facts(rows), make("p", note, "muted small"), list, ...(costs.length ? [more(`Charges ${rupees(t.charges)}`, facts(costs))] : []), ...(found.evidence ? [more("Evidence", evidence(found.evidence))] : []));
  }
  function decision(d) {
    const head = make("div", undefined, "verdict-head");
    head.append(make("h3", `Refused: ${d.side} ${d.setup}, ${shortSymbol(d.symbol)}`));
    const rows = [["bar's end", istNs(d.ts)], ["reason", d.reason || DASH], ["meaning", d.meaning || DASH], ["opened by", d.mend || DASH], ["regime", d.regime || DASH], ["POC, VAH, VAL", [d.poc, d.vah, d.val].map((v) => number(v)).join(", ")], ["stop", number(d.stop)], ["qty", d.qty ? whole(d.qty) : DASH]];
    box().replaceChildren(head, facts(rows), ...(d.evidence ? [more("Evidence", evidence(d.evidence), true)] : []));
  }
  function failed(message) { box().replaceChildren(make("p", message, "lost")); }
  return { nothing, trade, decision, failed, facts, more };
})();
