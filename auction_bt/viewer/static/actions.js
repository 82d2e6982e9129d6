"use strict";
// Halt, resume, flatten: a word to the bot that runs, and what came of it.

class Actions {
  constructor() {
    this.box = by("actions");
    this.said = by("action-said");
    this.token = document.querySelector("meta[name=csrf]").content;
    for (const button of this.box.querySelectorAll("button")) button.addEventListener("click", () => this.ask(button.dataset.what));
  }
  // Shown as long as a bot runs here.
  show(isRunning) { this.box.hidden = !isRunning; }
  async ask(what) {
    if (what === "flatten" && !confirm("Leave every open trade of the bot at market, and open no more until you resume?")) return;
    this.busy(true);
    try {
      const answer = await fetch("/api/actions", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": this.token }, body: JSON.stringify({ what }) });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.error || `the viewer answered ${answer.status}`);
      this.tell(`${what}: told the bot…`);
      this.tell(`${what}: ${await this.wait(body.name)}`);
    } catch (error) { this.tell(`${what}: ${error.message}`); } finally { this.busy(false); }
  }
  async wait(name) {
    for (let tries = 0; tries < 160; tries++) {
      const { text } = await api.get(`actions/${name}`);
      if (text) return text;
      await new Promise((done) => setTimeout(done, 500));
    }
    throw new Error("the bot has not said what came of it: look at its terminal and at the broker's own page");
  }
  tell(text) { this.said.textContent = text; }
  busy(is) { for (const button of this.box.querySelectorAll("button")) button.disabled = is; }
}
