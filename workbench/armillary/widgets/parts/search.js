// Find steps by what stands on them.
import { h } from "./dom.js";

/** A search field. `find(question)` gives ids in order; `show(id, all)` shows one of them; `leave(id)` ends the search. */
export function createSearch(find, show, leave) {
  const input = h("input", { type: "search", class: "armillary-live-query", placeholder: "Find a step", "aria-label": "Find a step", autocomplete: "off", spellcheck: "false" });
  const count = h("span", { class: "armillary-live-found-count", role: "status" });
  const previous = button("↑", "Previous match", () => go(-1));
  const next = button("↓", "Next match", () => go(1));
  const element = h("div", { class: "armillary-live-search", role: "search", hidden: true }, input, count, previous, next, button("✕", "Close the search", () => close()));
  let [found, index] = [[], 0];

  function button(label, title, action) {
    return h("button", { type: "button", title, "aria-label": title, on: { click: action } }, label);
  }

  function tell() {
    const asked = input.value.trim() !== "";
    count.textContent = !asked ? "" : found.length === 0 ? "no step" : `${index + 1} of ${found.length.toLocaleString()}`;
    previous.disabled = next.disabled = found.length < 2;
    show(found[index] ?? null, found);
  }

  function go(by) {
    if (found.length === 0) return;
    index = (index + by + found.length) % found.length;
    tell();
  }

  function close() {
    const last = found[index] ?? null;
    element.hidden = true;
    [found, index, input.value] = [[], 0, ""];
    show(null, []);
    leave(last);
  }

  input.addEventListener("input", () => { [found, index] = [find(input.value), 0]; tell(); });
  element.addEventListener("keydown", (event) => {
    event.stopPropagation(); // The notebook has commands on single keys.
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && event.target === input) go(event.shiftKey ? -1 : 1);
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target === input) go(event.key === "ArrowDown" ? 1 : -1);
    else return;
    event.preventDefault();
  });

  return {
    element,
    open() { element.hidden = false; input.focus(); input.select(); },
    /** The picture was drawn anew. */
    refresh() { if (!element.hidden) { found = find(input.value); index = Math.min(index, Math.max(0, found.length - 1)); tell(); } },
  };
}
