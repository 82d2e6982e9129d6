"use strict";
// What lies on the candles of the viewer, beside what lies on those of the report: levels to the right edge, open trades, one marked bar.

const LABEL_PX = 15;

class LiveOverlay extends Overlay {
  constructor() {
    super();
    this.frozen = false; // the chosen trade's profile and levels instead of those of the cut
    this.mark = null; // a decision: { index, words, levels }
    this.sheetLabels = [];
    this.sheet = []; // levels of other days: { name, ticks, tone }
    this.footprint = null;
    this.decimals = 2;
  }
  paneViews() {
    const view = (zOrder, draw) => ({ zOrder: () => zOrder, renderer: () => ({ draw: (target) => target.useBitmapCoordinateSpace((scope) => this.bars && draw(scope)) }) });
    return [
      view("bottom", (s) => { this.drawBand(s); this.drawProfile(s); this.drawSheet(s); }),
      view("top", (s) => { if (this.footprint) this.footprint.draw(this, s); this.drawMark(s); this.drawTrades(s); this.drawOpen(s); this.drawLevels(s); this.drawLabels(s, this.sheetLabels, false); }),
    ];
  }
  hitTest(x, y) {
    return this.bars && this.near({ x, y }) ? { externalId: "trade", cursorStyle: "pointer", zOrder: "top" } : null;
  }
  // The chosen trade's stop, targets and levels are worth a longer axis.
  autoscaleInfo() {
    if (!this.bars || !(this.frozen && this.chosen || this.mark)) return null;
    const prices = this.levelsShown().map((l) => l.ticks * this.bars.tick);
    return prices.length ? { priceRange: { minValue: Math.min(...prices), maxValue: Math.max(...prices) } } : null;
  }
  levelsShown() {
    const c = this.colours, rows = (from, names) => names.map(([name, ticks, colour]) => ({ name, ticks, colour, from })).filter((l) => l.ticks !== null && l.ticks !== undefined);
    if (this.frozen && this.chosen) {
      const t = this.chosen;
      return rows(Math.max(0, t.entryIndex - 60), [["POC", t.poc, c.poc], ["VAH", t.vah, c.value], ["VAL", t.val, c.value], ["stop", t.stop, c.lost], ...(t.targets || []).map((p, i) => [`target ${i + 1}`, p, c.won])]);
    }
    if (this.mark) {
      const m = this.mark;
      return rows(Math.max(0, m.index - 60), [["POC", m.poc, c.poc], ["VAH", m.vah, c.value], ["VAL", m.val, c.value], ["stop", m.stop, c.lost]]);
    }
    const at = this.cut;
    return rows(at, [["POC", this.bars.poc[at], c.poc], ["VAH", this.bars.vah[at], c.value], ["VAL", this.bars.val[at], c.value]]);
  }
  priceWords(ticks) { return number(ticks * this.bars.tick, this.decimals); }
  drawFrozen() {}
  drawLevels(scope) {
    const { context: g, bitmapSize } = scope, k = scope.verticalPixelRatio, labels = [];
    const isAtEntry = this.frozen && this.chosen, isDashed = isAtEntry || this.mark;
    for (const level of this.levelsShown()) {
      const y = this.y(level.ticks, scope), x = Math.max(0, this.x(level.from, scope));
      if (y < 0 || y > bitmapSize.height) continue;
      g.strokeStyle = level.colour;
      g.lineWidth = (level.name === "POC" ? 2 : 1) * k;
      g.globalAlpha = 0.8;
      g.setLineDash(isDashed ? [5 * k, 4 * k] : [2 * k, 3 * k]);
      g.beginPath(); g.moveTo(x, y); g.lineTo(bitmapSize.width, y); g.stroke();
      labels.push({ y, text: `${level.name} ${this.priceWords(level.ticks)}`, colour: level.colour });
    }
    g.setLineDash([]);
    g.globalAlpha = 1;
    this.drawLabels(scope, labels, true);
  }
  drawSheet(scope) {
    const { context: g, bitmapSize } = scope, k = scope.verticalPixelRatio, labels = [];
    for (const level of this.sheet) {
      const y = this.y(level.ticks, scope);
      if (!(y > 0 && y < bitmapSize.height)) continue;
      g.strokeStyle = this.colours[level.tone];
      g.lineWidth = k;
      g.globalAlpha = 0.75;
      g.setLineDash([8 * k, 3 * k, 2 * k, 3 * k]);
      g.beginPath(); g.moveTo(0, y); g.lineTo(bitmapSize.width, y); g.stroke();
      labels.push({ y, text: level.name, colour: this.colours[level.tone] });
    }
    g.setLineDash([]);
    g.globalAlpha = 1;
    this.sheetLabels = labels; // drawn above the candles
  }
  // Labels that would lie on one another are moved apart.
  drawLabels(scope, labels, isRight) {
    const { context: g, bitmapSize } = scope, k = scope.verticalPixelRatio, gap = LABEL_PX * k;
    labels.sort((a, b) => a.y - b.y);
    for (let i = 1; i < labels.length; i++) labels[i].at = Math.max(labels[i].y, (labels[i - 1].at ?? labels[i - 1].y) + gap);
    let floor = bitmapSize.height - BAND_PX * k - gap / 2;
    for (let i = labels.length - 1; i >= 0; i--) { labels[i].at = Math.min(labels[i].at ?? labels[i].y, floor); floor = labels[i].at - gap; }
    g.font = `${11 * k}px system-ui, sans-serif`;
    g.textBaseline = "middle";
    for (const { text, at, colour } of labels) {
      const width = g.measureText(text).width + 8 * k, x = isRight ? bitmapSize.width - width - 2 * k : 2 * k;
      g.fillStyle = this.colours.panel;
      g.globalAlpha = 0.88;
      g.fillRect(x, at - gap / 2, width, gap - k);
      g.globalAlpha = 1;
      g.fillStyle = colour;
      g.fillText(text, x + 4 * k, at);
    }
    g.textBaseline = "alphabetic";
  }
  drawOpen(scope) {
    const { context: g } = scope, k = scope.verticalPixelRatio, [first, last] = this.visible();
    g.font = `600 ${11 * k}px system-ui, sans-serif`;
    for (const t of this.trades) {
      if (!t.isOpen || t.entryIndex > last || t.exitIndex < first) continue;
      const x = this.x(t.exitIndex, scope), y = this.y(t.exit, scope);
      g.strokeStyle = g.fillStyle = this.colours.accent;
      g.lineWidth = 1.5 * k;
      g.beginPath(); g.arc(x, y, 4 * k, 0, 2 * Math.PI); g.stroke();
      g.fillText(`open ${t.isLong ? "long" : "short"}`, x + 8 * k, y - 8 * k);
    }
  }
  drawMark(scope) {
    if (!this.mark || this.mark.index > this.cut) return;
    const { context: g, bitmapSize } = scope, k = scope.verticalPixelRatio, x = this.x(this.mark.index, scope), c = this.colours;
    g.strokeStyle = c.muted;
    g.lineWidth = k;
    g.setLineDash([3 * k, 3 * k]);
    g.beginPath(); g.moveTo(x, 0); g.lineTo(x, bitmapSize.height); g.stroke();
    g.setLineDash([]);
    g.font = `600 ${12 * k}px system-ui, sans-serif`;
    const width = g.measureText(this.mark.words).width + 12 * k, left = Math.max(0, Math.min(x + 6 * k, bitmapSize.width - width));
    g.fillStyle = c.panel;
    g.fillRect(left, 28 * k, width, 20 * k);
    g.fillStyle = c.ink;
    g.fillText(this.mark.words, left + 6 * k, 42 * k);
  }
}
