"use strict";
// Before all else, so that a dark page does not flash.

const theme = (() => {
  const root = document.documentElement, calls = [];
  function set(name) { root.dataset.theme = name; for (const call of calls) call(); }
  let kept = null;
  try { kept = localStorage.getItem("auction_bt.theme"); } catch { /* a browser may keep nothing */ }
  set(kept === "dark" || kept === "light" ? kept : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  return {
    now: () => root.dataset.theme,
    onChange: (call) => calls.push(call),
    turn() {
      const next = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("auction_bt.theme", next); } catch { /* as above */ }
      set(next);
    },
  };
})();
