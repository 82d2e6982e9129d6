"use strict";
// Every key of the page. `acts`: key → what it does.

function listenToKeys(acts) {
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || picker.isOpen() || by("help").open) return;
    const target = e.target, isText = target.tagName === "SELECT" || target.tagName === "TEXTAREA" || (target.tagName === "INPUT" && !["range", "checkbox"].includes(target.type));
    if (isText) { if (e.key === "Escape") target.blur(); return; }
    // What has the focus is pressed by the space bar.
    if (e.key === " " && target.closest?.("button, a, summary, input[type=checkbox]")) return;
    const act = acts[e.key];
    if (act) { e.preventDefault(); act(e); }
  });
  // A button clicked with the mouse gives the keyboard back: space plays, and does not press it again.
  document.addEventListener("click", (e) => { if (e.detail > 0 && !by("help").open) e.target.closest?.("button, select, input[type=checkbox]")?.blur(); });
  document.addEventListener("change", (e) => { if (e.target.tagName === "SELECT") e.target.blur(); });
}

// The bar between chart and tables, to be dragged or moved with the arrows.
function listenToSplit(bar, onMoved) {
  const root = document.documentElement, least = 120, most = () => innerHeight - 320;
  function set(height) {
    const px = Math.round(Math.max(least, Math.min(most(), height)));
    root.style.setProperty("--below", px + "px");
    bar.setAttribute("aria-valuenow", px);
    bar.setAttribute("aria-valuemin", least);
    bar.setAttribute("aria-valuemax", most());
    return px;
  }
  let now = set(state.liked("below", Math.min(300, innerHeight * 0.32)));
  bar.addEventListener("pointerdown", (e) => {
    const from = e.clientY, was = now;
    bar.setPointerCapture(e.pointerId);
    const move = (m) => { now = set(was + from - m.clientY); };
    bar.addEventListener("pointermove", move);
    bar.addEventListener("pointerup", () => { bar.removeEventListener("pointermove", move); state.like("below", now); onMoved(); }, { once: true });
  });
  bar.addEventListener("keydown", (e) => {
    const step = { ArrowUp: 24, ArrowDown: -24 }[e.key];
    if (!step) return;
    e.preventDefault();
    e.stopPropagation();
    now = set(now + step);
    state.like("below", now);
  });
}
