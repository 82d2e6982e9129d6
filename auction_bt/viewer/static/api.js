"use strict";
// Questions to the viewer. One that is asked anew before its answer came answers null the first time: nobody waits for it any more.

class ApiError extends Error {
  constructor(message, status) { super(message); this.status = status; }
}

const api = (() => {
  const running = new Map();

  async function get(path, parameters = {}, slot = null) {
    const given = Object.entries(parameters).filter(([, v]) => v !== null && v !== undefined && v !== "");
    const query = new URLSearchParams(given).toString(), control = new AbortController();
    if (slot) { running.get(slot)?.abort(); running.set(slot, control); }
    try {
      const answer = await fetch(`/api/${path}${query ? "?" + query : ""}`, { signal: control.signal });
      const body = await answer.json().catch((error) => { if (error.name === "AbortError") throw error; return {}; });
      if (!answer.ok) throw new ApiError(body.error || `the viewer answered ${answer.status}`, answer.status);
      return control.signal.aborted ? null : body;
    } catch (error) {
      if (error.name === "AbortError") return null;
      throw error instanceof ApiError ? error : new ApiError("the viewer does not answer: is it still running?", 0);
    } finally {
      if (slot && running.get(slot) === control) running.delete(slot);
    }
  }
  return { get };
})();
