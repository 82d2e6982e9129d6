"use strict";
// What is shown, kept in the address, so that it can be shared and reloaded; what one likes, kept in the browser.

const state = (() => {
  const PLAIN = ["run", "symbol", "day", "span", "trade", "run2", "symbol2", "day2", "span2", "two", "tab", "side"];
  let written = "";

  function read() {
    const found = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(PLAIN.map((name) => [name, found.get(name)]));
  }
  function write(changes) {
    const now = { ...read(), ...changes }, kept = new URLSearchParams();
    for (const name of PLAIN) if (now[name] !== null && now[name] !== undefined && now[name] !== "") kept.set(name, now[name]);
    written = "#" + kept;
    history.replaceState(null, "", written);
  }
  // Calls when the address was changed by hand or by a link, not by us.
  function onChange(call) { addEventListener("hashchange", () => { if (location.hash !== written) call(read()); }); }
  function liked(name, usual) {
    try { return JSON.parse(localStorage.getItem("auction_bt." + name)) ?? usual; } catch { return usual; }
  }
  function like(name, value) {
    try { localStorage.setItem("auction_bt." + name, JSON.stringify(value)); } catch { /* a browser may keep nothing */ }
  }
  return { read, write, onChange, liked, like };
})();
