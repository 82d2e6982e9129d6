"use strict";
// One symbol's bars up to a cut: what was known when bar `cut` had ended, and nothing that came later.

const RIGHT_ROOM = 0.22; // of the bars shown, left free for the profile
const FEW_BARS = 60;
const STEPS = 5; // further than so many bars on, all is set anew

class DayChart {
  constructor(element, { onTrade, onHover, onView }) {
    const L = LightweightCharts;
    this.overlay = new LiveOverlay();
    this.chart = L.createChart(element, { ...FIXED, timeScale: { ...FIXED.timeScale, shiftVisibleRangeOnNewBar: false, lockVisibleTimeRangeOnResize: true }, rightPriceScale: { scaleMargins: { top: 0.08, bottom: 0.06 } } });
    this.candles = this.chart.addSeries(L.CandlestickSeries, { borderVisible: false, priceLineStyle: 1 });
    const line = (options) => this.chart.addSeries(L.LineSeries, { ...STILL, ...options });
    this.lines = { poc: line({ lineWidth: 2 }), vah: line({}), val: line({}) };
    this.sessions = { poc: line({ lineStyle: 1 }), vah: line({ lineStyle: 1 }), val: line({ lineStyle: 1 }) };
    this.candles.attachPrimitive(this.overlay);
    this.columns = null;
    this.cut = -1;
    this.isBare = this.isDim = false;
    this.chart.subscribeClick((p) => { const found = p.point && this.columns ? this.overlay.near(p.point) : null; if (found) onTrade(found.id); });
    this.chart.subscribeCrosshairMove((p) => onHover(this.columns && p.point && p.logical !== undefined && p.logical >= 0 && p.logical <= this.cut ? p.logical : null));
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => { this.bare(); onView(); });
    this.theme();
  }
  theme() {
    const c = (this.overlay.colours = colours());
    this.chart.applyOptions(coloursOf(c));
    this.dim(this.isDim);
    this.sessions.poc.applyOptions({ color: c.poc });
    for (const name of ["vah", "val"]) this.sessions[name].applyOptions({ color: c.value });
    this.paint();
    this.overlay.requestUpdate();
  }
  paint() {
    const c = this.overlay.colours, up = this.isBare ? "transparent" : c.up, down = this.isBare ? "transparent" : c.down;
    this.candles.applyOptions({ upColor: up, downColor: down, wickUpColor: c.up, wickDownColor: c.down, priceLineColor: c.muted });
  }
  // Beside the levels a trade was decided on, those that developed step back.
  dim(isDim) {
    const c = this.overlay.colours, shade = isDim ? "59" : "";
    this.isDim = isDim;
    this.lines.poc.applyOptions({ color: c.poc + shade });
    for (const name of ["vah", "val"]) this.lines[name].applyOptions({ color: c.value + shade });
  }
  // Bodies would show through the cells of a footprint.
  bare() {
    const now = Boolean(this.overlay.footprint) && Footprint.isReadable(this.chart);
    if (now !== this.isBare) { this.isBare = now; this.paint(); }
  }
  clear() {
    this.columns = this.overlay.bars = null;
    this.cut = -1;
    for (const series of [this.candles, ...Object.values(this.lines), ...Object.values(this.sessions)]) series.setData([]);
    this.overlay.requestUpdate();
  }
  set(columns, cut, isKept) {
    const range = isKept ? this.range() : null, isFollowed = range && cut > this.cut && this.cut >= range.from && this.cut <= range.to, format = { type: "custom", formatter: (price) => number(price, columns.decimals), minMove: columns.tick };
    this.columns = columns;
    this.overlay.bars = columns;
    this.overlay.decimals = columns.decimals;
    for (const series of [this.candles, ...Object.values(this.lines), ...Object.values(this.sessions)]) series.applyOptions({ priceFormat: format });
    this.setAll(cut);
    // Who looks at the whole day sees the whole of it as it grows; who looks at bars long past is not pulled away.
    if (range && !this.isNear(range, this.fitted)) { this.look(range); if (isFollowed) this.keepInView(); } else this.fit();
  }
  price(ticks) { return +(ticks * this.columns.tick).toFixed(this.columns.decimals); }
  candle(i) {
    const b = this.columns;
    return { time: b.t[i] + IST_S, open: this.price(b.o[i]), high: this.price(b.h[i]), low: this.price(b.l[i]), close: this.price(b.c[i]) };
  }
  each(call) {
    const b = this.columns, price = (ticks) => this.price(ticks);
    for (const name of ["poc", "vah", "val"]) {
      call(this.lines[name], (i) => levelPoint(b.t, i, b[name], price));
      call(this.sessions[name], (i) => levelPoint(b.t, i, b.session[name], price));
    }
    call(this.candles, (i) => this.candle(i));
  }
  setAll(cut) {
    this.cut = this.overlay.cut = cut;
    this.each((series, point) => series.setData(Array.from({ length: cut + 1 }, (_, i) => point(i))));
  }
  cutTo(cut) {
    if (cut === this.cut) return;
    const range = this.range(), from = this.cut;
    if (cut > from && cut - from <= STEPS) {
      for (let i = from + 1; i <= cut; i++) this.each((series, point) => series.update(point(i)));
      this.cut = this.overlay.cut = cut;
    } else this.setAll(cut);
    this.look(range);
    this.keepInView();
  }
  range() { return this.chart.timeScale().getVisibleLogicalRange(); }
  look(range) {
    if (range && !this.isNear(this.range(), range)) this.chart.timeScale().setVisibleLogicalRange(range);
  }
  isNear(a, b) { return Boolean(a && b) && Math.abs(a.from - b.from) < 0.1 && Math.abs(a.to - b.to) < 0.1; }
  fit() {
    this.fitted = { from: -6, to: Math.max(FEW_BARS, this.columns.t.length) * (1 + RIGHT_ROOM) };
    this.look(this.fitted);
  }
  keepInView() {
    const range = this.range();
    if (!range) return;
    const wide = range.to - range.from, room = wide * 0.16;
    let shift = 0;
    if (this.cut > range.to - room) shift = this.cut - (range.to - room);
    else if (this.cut < range.from + 1) shift = this.cut - (range.from + wide / 2);
    if (shift) this.look({ from: range.from + shift, to: range.to + shift });
  }
  focus(from, to) {
    const room = Math.max(30, Math.round((to - from) * 0.6)), begin = Math.max(-5, from - room - 40);
    const end = Math.max(begin + 90, to + room);
    this.look({ from: begin, to: end + (end - begin) * RIGHT_ROOM });
  }
  // As many bars as can hold cells, the last of them at the right.
  widen() {
    const bars = Math.max(3, Math.floor(this.chart.timeScale().width() / (CELL_BAR_PX + 18))), to = this.cut + 0.22 * bars;
    this.look({ from: to - bars, to });
  }
  showSessions(isShown) { for (const series of Object.values(this.sessions)) series.applyOptions({ visible: isShown }); }
  setFootprint(footprint) { this.overlay.footprint = footprint; this.bare(); this.overlay.requestUpdate(); }
  redraw() { this.overlay.requestUpdate(); }
}
