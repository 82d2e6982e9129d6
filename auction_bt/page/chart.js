"use strict";
// Candles with levels, regime, profile and trades. `auctionChart(element)` returns what `report.js` steers; it knows no page.

const IST_S = 19800; // the axis reads times as UTC: shown is IST, kept is the true time
const PROFILE_ROWS = 120;
const PROFILE_WIDTH = 0.2; // of the pane
const BAND_PX = 7;
const NEAR_PX = 14;

function colours() {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (_, name) => style.getPropertyValue("--" + name).trim() });
}

const FIXED = {
  autoSize: true,
  layout: { attributionLogo: false, fontSize: 12 },
  timeScale: { timeVisible: true, secondsVisible: false, minBarSpacing: 0.02, rightOffset: 4, enableConflation: true },
  crosshair: { mode: 0 },
  handleScroll: { vertTouchDrag: false },
};

// Apart from the fixed ones: a time scale that is told its offset again jumps to it.
function coloursOf(c) {
  return {
    layout: { background: { color: c.panel }, textColor: c.muted },
    grid: { vertLines: { color: c.line }, horzLines: { color: c.line } },
    rightPriceScale: { borderColor: c.line },
    timeScale: { borderColor: c.line },
  };
}

// The last index whose value is at most `value`; -1 where there is none.
function lastAtMost(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1; else high = middle;
  }
  return low - 1;
}

// What lies on the candles: one primitive draws it all, in the order of its layers.
class Overlay {
  constructor() {
    this.bars = null;
    this.cut = Infinity; // the last bar that is known
    this.trades = [];
    this.chosen = null;
    this.profile = null;
    this.colours = colours();
  }
  attached({ chart, series, requestUpdate }) { Object.assign(this, { chart, series, requestUpdate }); }
  updateAllViews() {}
  paneViews() {
    const view = (zOrder, draw) => ({ zOrder: () => zOrder, renderer: () => ({ draw: (target) => target.useBitmapCoordinateSpace((scope) => this.bars && draw(scope)) }) });
    return [view("bottom", (s) => { this.drawBand(s); this.drawProfile(s); }), view("top", (s) => this.drawTrades(s))];
  }
  y(ticks, scope) { return this.series.priceToCoordinate(ticks * this.bars.tick) * scope.verticalPixelRatio; }
  x(index, scope) {
    const x = this.chart.timeScale().logicalToCoordinate(index);
    return x === null ? null : x * scope.horizontalPixelRatio;
  }
  visible() {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (!range) return [0, -1];
    return [Math.max(0, Math.floor(range.from)), Math.min(this.bars.t.length - 1, this.cut, Math.ceil(range.to))];
  }
  drawBand(scope) {
    const { context: g, bitmapSize } = scope, [first, last] = this.visible(), c = this.colours;
    const names = { "-1": c.bear, 0: c.balanced, 1: c.bull, 2: c.transition };
    const height = BAND_PX * scope.verticalPixelRatio, half = this.chart.timeScale().options().barSpacing * scope.horizontalPixelRatio / 2;
    for (let i = first; i <= last;) {
      const regime = this.bars.regime[i];
      let end = i;
      while (end < last && this.bars.regime[end + 1] === regime) end++;
      if (regime !== null) {
        const from = this.x(i, scope) - half, to = this.x(end, scope) + half;
        g.fillStyle = names[regime];
        g.fillRect(from, bitmapSize.height - height, Math.max(1, to - from), height);
      }
      i = end + 1;
    }
  }
  drawProfile(scope) {
    const { context: g, bitmapSize } = scope, c = this.colours;
    const shown = this.profile || this.visibleProfile();
    if (!shown || !shown.v.length) return;
    const most = Math.max(...shown.v);
    if (!most) return;
    const width = bitmapSize.width * PROFILE_WIDTH, levels = shown.levels;
    const a = this.y(shown.low, scope), b = this.y(shown.low + shown.step * shown.v.length, scope);
    const row = (b - a) / shown.v.length, gap = Math.abs(row) > 4 ? 1 : 0;
    for (let i = 0; i < shown.v.length; i++) {
      if (!shown.v[i]) continue;
      const at = shown.low + i * shown.step, inside = levels && at >= levels.val && at <= levels.vah;
      const isPeak = levels ? at <= levels.poc && levels.poc < at + shown.step : shown.v[i] === most;
      g.globalAlpha = isPeak ? 0.85 : inside || !levels ? 0.5 : 0.25;
      g.fillStyle = isPeak ? c.poc : c.rows;
      const length = width * shown.v[i] / most;
      g.fillRect(bitmapSize.width - length, a + row * (i + 0.5) - Math.abs(row) / 2, length, Math.max(1, Math.abs(row) - gap));
    }
    g.globalAlpha = 1;
  }
  // Volume at price of what is on the screen, each candle's spread evenly over its range.
  visibleProfile() {
    const [first, last] = this.visible(), key = first + ":" + last, bars = this.bars;
    if (this.cached && this.cached.key === key && this.cached.bars === bars) return this.cached;
    if (last < first) return null;
    let low = Infinity, high = -Infinity;
    for (let i = first; i <= last; i++) { low = Math.min(low, bars.l[i]); high = Math.max(high, bars.h[i]); }
    const step = Math.max(1, Math.ceil((high - low + 1) / PROFILE_ROWS)), v = new Array(Math.floor((high - low) / step) + 1).fill(0);
    for (let i = first; i <= last; i++) {
      const from = Math.floor((bars.l[i] - low) / step), to = Math.floor((bars.h[i] - low) / step), share = bars.v[i] / (to - from + 1);
      for (let r = from; r <= to; r++) v[r] += share;
    }
    this.cached = { key, bars, low, step, v, levels: null };
    return this.cached;
  }
  drawTrades(scope) {
    const { context: g } = scope, c = this.colours, [first, last] = this.visible(), k = scope.verticalPixelRatio;
    const seen = this.trades.filter((t) => t.entryIndex <= last && t.exitIndex >= first);
    const size = (seen.length > 150 ? 3 : 6) * k;
    g.lineWidth = k;
    for (const t of seen) {
      const isChosen = t === this.chosen;
      if (this.chosen && !isChosen) g.globalAlpha = 0.3;
      const x = this.x(t.entryIndex, scope), y = this.y(t.entry, scope), x2 = this.x(t.exitIndex, scope), y2 = this.y(t.exit, scope);
      g.strokeStyle = g.fillStyle = t.isOpen ? c.accent : t.net > 0 ? c.won : c.lost;
      g.lineWidth = (isChosen ? 2.5 : 1.5) * k;
      g.setLineDash(t.isOpen ? [4 * k, 4 * k] : []);
      g.beginPath(); g.moveTo(x, y); g.lineTo(x2, y2); g.stroke();
      g.setLineDash([]);
      const s = isChosen ? size * 1.5 : size, up = t.isLong ? 1 : -1;
      g.beginPath(); g.moveTo(x, y); g.lineTo(x - s, y + up * 2 * s); g.lineTo(x + s, y + up * 2 * s); g.closePath(); g.fill();
      if (!t.isOpen) g.fillRect(x2 - s / 2, y2 - s / 2, s, s);
      g.globalAlpha = 1;
    }
    if (this.chosen) this.drawFrozen(scope, this.chosen);
  }
  drawFrozen(scope, t) {
    const { context: g } = scope, c = this.colours, k = scope.verticalPixelRatio;
    const from = this.x(Math.max(0, t.entryIndex - 60), scope), to = this.x(t.exitIndex, scope) + 6 * k;
    g.font = `${11 * k}px system-ui, sans-serif`;
    for (const [name, ticks, colour] of [["POC", t.poc, c.poc], ["VAH", t.vah, c.value], ["VAL", t.val, c.value], ["stop", t.stop, c.lost]]) {
      if (ticks === null) continue;
      const y = this.y(ticks, scope);
      g.strokeStyle = g.fillStyle = colour;
      g.lineWidth = 1.5 * k;
      g.setLineDash([5 * k, 4 * k]);
      g.beginPath(); g.moveTo(from, y); g.lineTo(to, y); g.stroke();
      g.setLineDash([]);
      g.fillText(name, to + 4 * k, y + 4 * k);
    }
  }
  near(point) {
    const plain = { horizontalPixelRatio: 1, verticalPixelRatio: 1 };
    let best = null, distance = NEAR_PX;
    for (const t of this.trades) {
      for (const [index, ticks] of [[t.entryIndex, t.entry], [t.exitIndex, t.exit]]) {
        const x = this.x(index, plain);
        const d = x === null ? Infinity : Math.hypot(x - point.x, this.y(ticks, plain) - point.y);
        if (d < distance) { best = t; distance = d; }
      }
    }
    return best;
  }
}

const STILL = { lineType: 1, lineWidth: 1, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false, autoscaleInfoProvider: () => null };

// One point of a level's line: it is broken where there was no level before, and between days.
function levelPoint(t, i, ticks, price) {
  if (ticks[i] === null) return { time: t[i] + IST_S };
  const isBroken = i === 0 || ticks[i - 1] === null || dayOf(t[i]) !== dayOf(t[i - 1]);
  return { time: t[i] + IST_S, value: price(ticks[i]), ...(isBroken ? { color: "transparent" } : {}) };
}

function auctionChart(element, onTrade) {
  const L = LightweightCharts, overlay = new Overlay(), chart = L.createChart(element, FIXED);
  const candles = chart.addSeries(L.CandlestickSeries, { priceLineVisible: false, lastValueVisible: false, borderVisible: false });
  const lines = { poc: chart.addSeries(L.LineSeries, { ...STILL, lineWidth: 2 }), vah: chart.addSeries(L.LineSeries, STILL), val: chart.addSeries(L.LineSeries, STILL) };
  let all = null;
  candles.attachPrimitive(overlay);
  chart.subscribeClick((param) => { const found = param.point && overlay.bars ? overlay.near(param.point) : null; if (found) onTrade(found.number); });

  function theme() {
    const c = (overlay.colours = colours());
    chart.applyOptions(coloursOf(c));
    candles.applyOptions({ upColor: c.up, downColor: c.down, wickUpColor: c.up, wickDownColor: c.down });
    lines.poc.applyOptions({ color: c.poc });
    for (const name of ["vah", "val"]) lines[name].applyOptions({ color: c.value });
    overlay.requestUpdate();
  }
  // Show bars [from, to) of a symbol's columns and the trades among them.
  function show(symbol, from, to, trades) {
    all = symbol;
    const bars = { tick: symbol.tick };
    for (const name of ["t", "o", "h", "l", "c", "v", "regime"]) bars[name] = symbol[name].slice(from, to);
    const price = (ticks) => +(ticks * symbol.tick).toFixed(symbol.decimals), format = { type: "price", precision: symbol.decimals, minMove: symbol.tick };
    candles.applyOptions({ priceFormat: format });
    overlay.bars = bars;
    overlay.profile = overlay.chosen = null;
    overlay.trades = trades.filter((t) => t.entryIndexAll < to && t.exitIndexAll >= from)
      .map((t) => ({ ...t, entryIndex: t.entryIndexAll - from, exitIndex: t.exitIndexAll - from }));
    candles.setData(bars.t.map((t, i) => ({ time: t + IST_S, open: price(bars.o[i]), high: price(bars.h[i]), low: price(bars.l[i]), close: price(bars.c[i]) })));
    for (const [name, line] of Object.entries(lines)) {
      line.applyOptions({ priceFormat: format });
      const ticks = symbol[name].slice(from, to);
      line.setData(bars.t.map((_, i) => levelPoint(bars.t, i, ticks, price)));
    }
    chart.timeScale().fitContent();
  }
  function choose(number) {
    overlay.chosen = overlay.trades.find((t) => t.number === number) || null;
    const t = overlay.chosen;
    overlay.profile = t && t.profile ? { ...t.profile, levels: { poc: t.poc, vah: t.vah, val: t.val } } : null;
    if (t) {
      const room = Math.max(40, Math.round((t.exitIndex - t.entryIndex) * 0.6));
      const from = Math.max(-5, t.entryIndex - room - 40);
      chart.timeScale().setVisibleLogicalRange({ from, to: Math.max(from + 90, t.exitIndex + room) });
    }
    overlay.requestUpdate();
  }
  theme();
  return { chart, show, choose, theme, profile: () => overlay.profile, seen: () => overlay.trades.length, symbol: () => all };
}

function dayOf(seconds) { return Math.floor((seconds + IST_S) / 86400); }

// `equity` may come later, and again: `set` shows it.
function equityChart(element, equity) {
  const L = LightweightCharts, chart = L.createChart(element, FIXED);
  const value = chart.addSeries(L.LineSeries, { lineWidth: 2, priceLineVisible: false, priceFormat: { type: "custom", formatter: (v) => Math.round(v).toLocaleString("en-IN"), minMove: 1 } });
  const fall = chart.addSeries(L.HistogramSeries, { priceScaleId: "fall", priceLineVisible: false, lastValueVisible: false });
  chart.priceScale("fall").applyOptions({ scaleMargins: { top: 0.7, bottom: 0 } });
  value.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.34 } });
  function theme() {
    const c = colours();
    chart.applyOptions(coloursOf(c));
    value.applyOptions({ color: c.accent });
    fall.applyOptions({ color: c.down });
  }
  function set(found) {
    value.setData(found.t.map((t, i) => ({ time: t + IST_S, value: found.value[i] })));
    fall.setData(found.t.map((t, i) => ({ time: t + IST_S, value: found.fall[i] })));
    chart.timeScale().fitContent();
  }
  theme();
  if (equity) set(equity);
  return { chart, theme, set };
}
