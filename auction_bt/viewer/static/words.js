"use strict";
// Small words for the page: elements, numbers as they are written in India, times in IST.

const by = (id) => document.getElementById(id);
const DASH = "–";

function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
}
function button(text, className, label) {
  const found = make("button", text, className);
  found.type = "button";
  if (label) { found.title = label; found.setAttribute("aria-label", label); }
  return found;
}

const isUnknown = (v) => v === null || v === undefined || Number.isNaN(v);
const grouping = new Map(); // making one is slow
function grouped(v, digits) {
  if (!grouping.has(digits)) grouping.set(digits, new Intl.NumberFormat("en-IN", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return grouping.get(digits).format(v);
}
const number = (v, digits = 2) => isUnknown(v) ? DASH : (v < 0 ? "−" : "") + grouped(Math.abs(v), digits);
const whole = (v) => number(v, 0);
const signed = (v, digits = 2) => (v > 0 ? "+" : "") + number(v, digits);
const rupees = (v, digits = 2) => isUnknown(v) ? DASH : (v < 0 ? "−₹" : "₹") + number(Math.abs(v), digits);
const percent = (v, digits = 1) => isUnknown(v) ? DASH : number(100 * v, digits) + " %";
const tone = (v) => v > 0 ? "won" : v < 0 ? "lost" : "";
const compact = (v) => Math.abs(v) < 10000 ? String(v) : Math.abs(v) < 1e5 ? number(v / 1e3, v % 1e3 ? 1 : 0) + "k" : Math.abs(v) < 1e7 ? number(v / 1e5, 2) + "L" : number(v / 1e7, 2) + "Cr";

const SECOND_NS = 1e9;
const isoIst = (seconds) => new Date((seconds + IST_S) * 1e3).toISOString();
const istClock = (seconds) => isoIst(seconds).slice(11, 16);
const istClockNs = (ns) => ns ? isoIst(ns / SECOND_NS).slice(11, 19) : DASH;
const istNs = (ns) => ns ? isoIst(ns / SECOND_NS).slice(0, 19).replace("T", " ") : DASH;
const shortNs = (ns) => { const iso = isoIst(ns / SECOND_NS); return `${+iso.slice(8, 10)} ${MONTHS[+iso.slice(5, 7) - 1]} ${iso.slice(2, 4)}  ${iso.slice(11, 19)}`; };
const dayNs = (ns) => isoIst(ns / SECOND_NS).slice(0, 10);
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"], MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
function dayWords(day) {
  const at = new Date(day + "T00:00:00Z");
  return `${WEEKDAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${day.slice(0, 4)}`;
}
function agoWords(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min ago`;
  return `${whole(Math.floor(s / 86400))} days ago`;
}

const REGIMES = { "-1": "bear", 0: "balanced", 1: "bull", 2: "transition" };
const regimeWord = (v) => REGIMES[v] || DASH;
// An exchange's prefix says little to who trades one exchange: the name does.
const shortSymbol = (symbol) => symbol.replace(/^[A-Z]+_[A-Z]+\|/, "");

// Calls at once, and then at most once in `wait` ms, the last call never lost.
function throttled(wait, call) {
  let timer = null, isAsked = false, last = -Infinity;
  function run() { timer = null; if (isAsked) { isAsked = false; last = performance.now(); call(); } }
  return () => { isAsked = true; if (timer === null) timer = setTimeout(run, Math.max(0, last + wait - performance.now())); };
}
function oncePerFrame(call) {
  let isWaiting = false;
  return () => { if (!isWaiting) { isWaiting = true; requestAnimationFrame(() => { isWaiting = false; call(); }); } };
}
