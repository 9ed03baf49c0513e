// The state as a tree that can be walked with the arrow keys (WAI-ARIA tree pattern).
import { h, text } from "./dom.js";
import { entries, isCollection, more, preview, scalar } from "./values.js";

const SMALL = 8;

/** A tree of named roots. `update(roots, changed)` shows new values and lights up those named in `changed`. Small roots start open. */
export function createTree(label) {
  const open = new Set();
  const list = h("ul", { class: "armillary-live-tree", role: "tree", "aria-label": label });
  const met = new Set();
  let roots = [];
  let current = null;

  function item(path, key, node, level, changed) {
    const deep = isCollection(node) && entries(node).length > 0;
    const expanded = deep && open.has(path);
    const row = h("div", { class: "armillary-live-tree-row", style: `--level:${level}` },
      h("span", { class: "armillary-live-twisty", "aria-hidden": "true" }, deep ? "▸" : ""),
      text(key, "armillary-live-key"),
      deep ? h("span", { class: "armillary-live-preview" }, text(preview(node))) : scalar(node));
    const element = h("li", {
      role: "treeitem", tabindex: -1, "aria-level": level + 1, "aria-expanded": deep ? String(expanded) : null,
      class: changed ? "armillary-live-changed" : null, data: { path },
    }, row);
    if (expanded) {
      element.append(h("ul", { role: "group" },
        entries(node).map(([name, child]) => item(`${path}/${name}`, name, child, level + 1, false)), more(node)));
    }
    return element;
  }

  function draw(changed = new Set()) {
    const hadFocus = list.contains(document.activeElement);
    list.replaceChildren(...roots.map(([name, node]) => item(`/${name}`, name, node, 0, changed.has(name))));
    if (roots.length === 0) list.append(h("li", { class: "armillary-live-none", role: "none" }, "Nothing yet"));
    const target = find(current) ?? visible()[0];
    if (target) target.tabIndex = 0;
    if (hadFocus && target) target.focus();
  }

  const visible = () => [...list.querySelectorAll('[role="treeitem"]')];
  const find = (path) => visible().find((element) => element.dataset.path === path);

  function go(element) {
    if (!element) return;
    for (const other of visible()) other.tabIndex = -1;
    current = element.dataset.path;
    element.tabIndex = 0;
    element.focus();
  }

  function toggle(element, wanted) {
    const state = element.getAttribute("aria-expanded");
    if (state === null || (wanted !== undefined && String(wanted) === state)) return false;
    const path = element.dataset.path;
    if (state === "true") open.delete(path);
    else open.add(path);
    current = path;
    draw();
    find(path)?.focus();
    return true;
  }

  list.addEventListener("click", (event) => {
    const element = event.target.closest('[role="treeitem"]');
    if (!element || String(document.getSelection() ?? "") !== "") return;
    if (!toggle(element)) go(element);
  });

  list.addEventListener("keydown", (event) => {
    const element = event.target.closest('[role="treeitem"]');
    if (!element) return;
    const all = visible();
    const index = all.indexOf(element);
    const moves = {
      ArrowDown: () => go(all[index + 1]),
      ArrowUp: () => go(all[index - 1]),
      Home: () => go(all[0]),
      End: () => go(all[all.length - 1]),
      ArrowRight: () => { if (!toggle(element, true) && element.hasAttribute("aria-expanded")) go(all[index + 1]); },
      ArrowLeft: () => { if (!toggle(element, false)) go(element.parentElement.closest('[role="treeitem"]')); },
      Enter: () => toggle(element),
      " ": () => toggle(element),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    moves[event.key]();
  });

  return {
    element: list,
    update(next, changed) {
      roots = next;
      for (const [name, node] of roots) {
        if (!met.has(name) && isCollection(node) && entries(node).length <= SMALL) open.add(`/${name}`);
        met.add(name);
      }
      draw(changed);
    },
  };
}
