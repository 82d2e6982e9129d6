"use strict";
// A row of tabs and their panels. `panels`: [name, label, element]; `onShow(name)` is called when one comes to sight.

class Tabs {
  constructor(list, panels, onShow) {
    this.panels = panels;
    this.onShow = onShow;
    this.buttons = new Map();
    for (const [name, label, panel] of panels) {
      const tab = button(label);
      tab.id = `tab-${panel.id}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => this.show(name));
      this.buttons.set(name, tab);
      list.append(tab);
    }
    list.addEventListener("keydown", (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!step) return;
      e.preventDefault();
      e.stopPropagation(); // elsewhere the arrows move the scrubber
      const names = panels.map(([name]) => name).filter((name) => !this.buttons.get(name).hidden), next = names[(names.indexOf(this.now) + step + names.length) % names.length];
      this.show(next);
      this.buttons.get(next).focus();
    });
  }
  show(name) {
    if (!this.buttons.has(name) || this.buttons.get(name).hidden) name = this.panels[0][0];
    this.now = name;
    for (const [key, , panel] of this.panels) {
      const isNow = key === name, tab = this.buttons.get(key);
      panel.hidden = !isNow;
      tab.setAttribute("aria-selected", isNow);
      tab.tabIndex = isNow ? 0 : -1;
    }
    this.onShow(name);
  }
  label(name, text) { this.buttons.get(name).textContent = text; }
  setHidden(name, isHidden) {
    this.buttons.get(name).hidden = isHidden;
    if (isHidden && this.now === name) this.show(this.panels[0][0]);
  }
}
