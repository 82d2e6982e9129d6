"use strict";
// A list to choose from by typing: under a button, one at a time on the page.

const picker = (() => {
  let open = null;

  function close(isBack) {
    if (!open) return;
    const { box, anchor } = open;
    open = null;
    box.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (isBack) anchor.focus();
  }

  // `load(words, offset)` answers { items: [{ value, lines: [text, text], note, tone, isNow }], total }; more are asked for at the list's end.
  function show(anchor, { label, hint, load, onPick }) {
    if (open && open.anchor === anchor) { close(true); return; }
    close(false);
    const box = make("div", "", "picker"), input = make("input"), list = make("ul");
    let items = [], total = 0, at = -1, asked = 0, isLoading = false;
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", label);
    Object.assign(input, { type: "search", placeholder: hint, autocomplete: "off", spellcheck: false });
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-controls", "picker-list");
    input.setAttribute("aria-label", label);
    list.id = "picker-list";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", label);
    box.append(input, list);
    document.body.append(box);
    anchor.setAttribute("aria-expanded", "true");
    open = { box, anchor };
    place(box, anchor);

    function choose(i) { const item = items[i]; if (item) { close(true); onPick(item.value); } }
    function mark(i) {
      at = Math.max(0, Math.min(items.length - 1, i));
      for (const [n, row] of [...list.querySelectorAll("[role=option]")].entries()) {
        row.classList.toggle("at", n === at);
        if (n === at) { input.setAttribute("aria-activedescendant", row.id); row.scrollIntoView({ block: "nearest" }); }
      }
    }
    function row(item, n) {
      const line = make("li"), first = make("span", item.lines[0], "first");
      line.id = `picker-${n}`;
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", Boolean(item.isNow));
      line.append(first);
      if (item.note) line.append(make("span", item.note, `note ${item.tone || ""}`));
      if (item.lines[1]) line.append(make("span", item.lines[1], "second muted"));
      line.addEventListener("click", () => choose(n));
      return line;
    }
    async function ask(isMore) {
      if (isMore && (isLoading || items.length >= total)) return;
      const turn = ++asked;
      isLoading = true;
      try {
        const found = await load(input.value.trim(), isMore ? items.length : 0);
        if (turn !== asked || !open || open.box !== box || !found) return;
        const before = isMore ? items.length : 0;
        items = isMore ? [...items, ...found.items] : found.items;
        total = found.total;
        const rows = found.items.map((item, i) => row(item, before + i));
        if (isMore) list.append(...rows); else list.replaceChildren(...(rows.length ? rows : [make("li", "Nothing is called that.", "none muted")]));
        if (!isMore) mark(Math.max(0, items.findIndex((item) => item.isNow)));
      } catch (error) {
        if (open && open.box === box) list.replaceChildren(make("li", error.message, "none lost"));
      } finally { if (turn === asked) isLoading = false; }
    }
    list.addEventListener("scroll", () => { if (list.scrollTop + list.clientHeight > list.scrollHeight - 80) ask(true); });
    input.addEventListener("input", () => ask(false));
    box.addEventListener("keydown", (e) => {
      const act = { ArrowDown: () => mark(at + 1), ArrowUp: () => mark(at - 1), PageDown: () => mark(at + 8), PageUp: () => mark(at - 8), Enter: () => choose(at), Escape: () => close(true), Tab: () => close(true) }[e.key];
      e.stopPropagation();
      if (act) { e.preventDefault(); act(); }
    });
    input.focus();
    ask(false);
  }
  function place(box, anchor) {
    const at = anchor.getBoundingClientRect(), width = Math.min(440, innerWidth - 16);
    box.style.width = `${width}px`;
    box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    box.style.top = `${at.bottom + 4 + scrollY}px`;
    box.style.maxHeight = `${Math.max(200, Math.min(440, innerHeight - at.bottom - 16))}px`;
  }
  document.addEventListener("pointerdown", (e) => { if (open && !open.box.contains(e.target) && !open.anchor.contains(e.target)) close(false); });
  return { show, close, isOpen: () => Boolean(open) };
})();
