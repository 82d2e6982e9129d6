"use strict";
// The volume at each price of a stretch of bars, moved bar by bar in either direction.

class VolumeRows {
  // `rows` as the API has them: `at`, `k`, `v`, `step`.
  constructor(rows) {
    this.rows = rows;
    this.low = Infinity;
    let high = -Infinity;
    for (const k of rows.k) { if (k < this.low) this.low = k; if (k > high) high = k; }
    this.v = rows.k.length ? new Array(Math.floor((high - this.low) / rows.step) + 1).fill(0) : [];
    this.from = this.to = this.total = 0;
  }
  // Of bars [from, to), counted from the first one that rows are of.
  window(from, to) {
    if (to <= this.from || from >= this.to) this.clear(from);
    while (this.to < to) this.add(this.to++, 1);
    while (this.from > from) this.add(--this.from, 1);
    while (this.to > to) this.add(--this.to, -1);
    while (this.from < from) this.add(this.from++, -1);
    return { low: this.low, step: this.rows.step, v: this.v };
  }
  clear(at) { this.v.fill(0); this.from = this.to = at; this.total = 0; }
  add(bar, sign) {
    const { at, k, v, step } = this.rows;
    for (let i = at[bar]; i < at[bar + 1]; i++) {
      this.v[Math.floor((k[i] - this.low) / step)] += sign * v[i];
      this.total += sign * v[i];
    }
  }
  of(ticks) {
    const i = Math.floor((ticks - this.low) / this.rows.step);
    return i >= 0 && i < this.v.length ? this.v[i] : 0;
  }
}
