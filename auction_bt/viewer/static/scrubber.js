"use strict";
// Which bar of those shown is the last one known; it can be dragged, stepped and played.

class Scrubber {
  constructor(root, onCut) {
    const of = (name) => root.querySelector(name);
    this.range = of(".cut");
    this.playButton = of(".play");
    this.speed = of(".speed");
    this.endButton = of(".end");
    this.known = of(".known");
    this.onCut = onCut;
    this.wanted = 0;
    this.isPlaying = false;
    this.apply = oncePerFrame(() => this.onCut(this.wanted));
    this.range.addEventListener("input", () => { this.stop(); this.to(+this.range.value); });
    this.playButton.addEventListener("click", () => this.turn());
    this.endButton.addEventListener("click", () => { this.stop(); this.toEnd(); });
    this.speed.value = state.liked("speed", "5");
    this.speed.addEventListener("change", () => state.like("speed", this.speed.value));
  }
  get last() { return +this.range.max; }
  get isAtEnd() { return this.wanted >= this.last; }
  // What is there; tells nobody.
  set(count, cut) {
    this.range.max = Math.max(0, count - 1);
    this.range.disabled = this.playButton.disabled = this.endButton.disabled = count === 0;
    this.wanted = cut;
    this.draw();
  }
  to(cut) {
    this.wanted = Math.min(this.last, Math.max(0, cut));
    this.draw();
    this.apply();
  }
  step(bars) { this.stop(); this.to(this.wanted + bars); }
  toEnd() { this.to(this.last); }
  draw() {
    this.range.value = this.wanted;
    this.endButton.setAttribute("aria-pressed", this.isAtEnd);
  }
  turn() { if (this.isPlaying) this.stop(); else this.play(); }
  play() {
    if (this.range.disabled) return;
    if (this.isAtEnd) this.to(0);
    this.isPlaying = true;
    this.face();
    let before = performance.now(), due = 0;
    const frame = (now) => {
      if (!this.isPlaying) return;
      due += Math.min(500, now - before) / 1e3 * +this.speed.value;
      before = now;
      const bars = Math.floor(due);
      if (bars) { due -= bars; this.to(this.wanted + bars); }
      if (this.isAtEnd) this.stop(); else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }
  stop() { if (this.isPlaying) { this.isPlaying = false; this.face(); } }
  face() {
    this.playButton.textContent = this.isPlaying ? "❚❚" : "▶";
    this.playButton.setAttribute("aria-label", this.isPlaying ? "pause" : "play");
  }
  tell(parts, clock) {
    this.known.replaceChildren(...parts);
    this.range.setAttribute("aria-valuetext", clock);
  }
}
