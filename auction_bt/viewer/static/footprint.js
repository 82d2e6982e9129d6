"use strict";
// Bought and sold at each price of a bar, drawn in cells where bars are wide enough to be read.

const CELL_BAR_PX = 60;
const CELL_ROW_PX = 14;

class Footprint {
  // `found` as /api/footprint has it.
  constructor(found) {
    this.found = found;
    this.place = new Map(found.t.map((t, i) => [t, i]));
  }
  static isReadable(chart) { return chart.timeScale().options().barSpacing >= CELL_BAR_PX; }

  // Cells of one bar: prices closer than a line of text are put together.
  cells(time, group) {
    const i = this.place.get(time);
    if (i === undefined) return [];
    const { at, k, buy, sell, neither } = this.found, rows = new Map();
    for (let j = at[i]; j < at[i + 1]; j++) {
      const row = Math.floor(k[j] / group), cell = rows.get(row) || { row, buy: 0, sell: 0, all: 0 };
      cell.buy += buy[j];
      cell.sell += sell[j];
      cell.all += buy[j] + sell[j] + neither[j];
      rows.set(row, cell);
    }
    return [...rows.values()];
  }
  draw(overlay, scope) {
    if (!Footprint.isReadable(overlay.chart)) return;
    const { context: g } = scope, k = scope.verticalPixelRatio, c = overlay.colours, bars = overlay.bars, [first, last] = overlay.visible();
    const spacing = overlay.chart.timeScale().options().barSpacing * scope.horizontalPixelRatio, width = spacing * 0.94;
    const tickPx = Math.abs(overlay.y(1, scope) - overlay.y(0, scope)), group = Math.max(1, Math.ceil(CELL_ROW_PX * k / tickPx)), height = tickPx * group;
    const size = Math.min(11, Math.max(8, spacing / scope.horizontalPixelRatio / 8)) * k;
    for (let i = Math.max(0, first); i <= last; i++) {
      const cells = this.cells(bars.t[i], group), x = overlay.x(i, scope);
      if (!cells.length) continue;
      const most = Math.max(...cells.map((cell) => cell.all)), strongest = Math.max(1, ...cells.map((cell) => Math.abs(cell.buy - cell.sell)));
      let delta = 0, lowest = -Infinity;
      g.textBaseline = "middle";
      g.font = `${size}px system-ui, sans-serif`;
      for (const cell of cells) {
        const top = overlay.y((cell.row + 1) * group - 0.5, scope), more = cell.buy - cell.sell;
        delta += more;
        lowest = Math.max(lowest, top + height);
        g.fillStyle = c.panel;
        g.fillRect(x - width / 2, top, width, height);
        g.fillStyle = more > 0 ? c.won : more < 0 ? c.lost : c.muted;
        g.globalAlpha = 0.08 + 0.3 * Math.abs(more) / strongest;
        g.fillRect(x - width / 2, top, width, height - k);
        g.globalAlpha = 1;
        if (cell.all === most) { g.strokeStyle = c.poc; g.lineWidth = 1.5 * k; g.strokeRect(x - width / 2 + k, top + k, width - 2 * k, height - 3 * k); }
        g.fillStyle = c.ink;
        g.textAlign = "right";
        g.fillText(compact(cell.sell), x - 5 * k, top + height / 2);
        g.textAlign = "center";
        g.fillStyle = c.muted;
        g.fillText("×", x, top + height / 2);
        g.fillStyle = c.ink;
        g.textAlign = "left";
        g.fillText(compact(cell.buy), x + 5 * k, top + height / 2);
      }
      g.textAlign = "center";
      g.font = `600 ${size}px system-ui, sans-serif`;
      g.fillStyle = delta > 0 ? c.won : delta < 0 ? c.lost : c.muted;
      g.fillText(`Δ ${delta > 0 ? "+" : delta < 0 ? "−" : ""}${compact(Math.abs(delta))}`, x, lowest + 9 * k);
      g.textAlign = "left";
      g.textBaseline = "alphabetic";
    }
  }
}
