"use strict";
// The line to the server: what is new, and whether the line, the store and the journal are there.

const LONGEST_WAIT_MS = 10000;
const CHECK_MS = 15000;

class Live {
  // `page`: onJournal(runs), onStore(), onStatus(status), onBack(), onQuiet().
  constructor(page) {
    this.page = page;
    this.source = null;
    this.wait = 500;
    this.wasAway = false;
    this.isBroken = false;
    this.version = null;
    this.status = null;
    this.heard = 0;
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.pause(); else { this.connect(); page.onBack(); } });
    addEventListener("online", () => this.connect());
    // Heartbeats are not told to a script: a line that says nothing for long is asked about.
    setInterval(() => { if (!document.hidden && performance.now() - this.heard > CHECK_MS) { this.check(); page.onQuiet(); } }, CHECK_MS / 3);
    this.connect();
  }
  connect() {
    this.pause();
    if (document.hidden) return;
    const source = (this.source = new EventSource("/api/events"));
    const on = (name, call) => source.addEventListener(name, (e) => { this.heard = performance.now(); call(JSON.parse(e.data)); });
    on("hello", ({ version }) => {
      // An upgraded server has an upgraded page.
      if (this.version && version !== this.version) { location.reload(); return; }
      this.version = version;
      this.wait = 500;
      const wasBroken = this.isBroken;
      this.isBroken = false;
      this.check();
      this.tell();
      if (wasBroken) this.page.onBack();
    });
    on("journal", ({ runs }) => this.page.onJournal(runs));
    on("store", () => this.page.onStore());
    on("status", (status) => this.take(status));
    source.onerror = () => { if (this.source === source) this.again(); };
  }
  pause() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.timer);
  }
  // Not the browser's own retry: it gives up for good when the answer is an error.
  again() {
    this.pause();
    this.isBroken = true;
    this.tell();
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
  }
  async check() {
    try {
      this.take(await api.get("status"));
      this.heard = performance.now();
    } catch { if (this.source && this.source.readyState !== EventSource.CONNECTING) this.again(); }
  }
  take(status) {
    this.status = status;
    this.page.onStatus(status);
    const isAway = this.away().length > 0, isBack = this.wasAway && !isAway;
    this.wasAway = isAway;
    this.tell();
    if (isBack) this.page.onBack();
  }
  away() { return this.status ? ["store", "journal"].filter((name) => this.status[name].ok === false) : []; }
  tell() {
    const away = this.away(), dot = by("live"), banner = by("banner");
    const words = this.isBroken ? "reconnecting…" : away.length ? `${away.join(" and ")} away` : this.version ? "live" : "connecting…";
    dot.className = `live ${this.isBroken ? "broken" : away.length ? "away" : this.version ? "on" : ""}`;
    by("live-words").textContent = words;
    banner.hidden = !this.isBroken && !away.length;
    banner.textContent = this.isBroken ? "The viewer does not answer. What you see is what was last known; the page tries to reach it again." : `The ${away.join(" and the ")} ${away.length > 1 ? "do" : "does"} not answer: ${away.map((name) => this.status[name].error).join("; ")}. What you see is what was last known; the page goes on by itself.`;
  }
}
