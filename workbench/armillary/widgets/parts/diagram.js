// The pane with the picture: pan, zoom, overview, search, and the keyboard along the edges.
import { h, icon, uniqueId } from "./dom.js";
import { drawFolds } from "./folds.js";
import { readGraph } from "./graph.js";
import { createLegend } from "./legend.js";
import { createMinimap } from "./minimap.js";
import { applyChanges, copyOf, tickAll } from "./picture.js";
import { createSearch } from "./search.js";
import { inSheets } from "./sheets.js";
import { createViewport } from "./viewport.js";

const [PAN, SECOND] = [80, 1000];
const TOOLS = {
  find: "M7 2.5A4.5 4.5 0 1 0 7 11.5A4.5 4.5 0 0 0 7 2.5M10.4 10.4L14 14",
  map: "M2 3.5L6 2L10 3.5L14 2V12.5L10 14L6 12.5L2 14ZM6 2V12.5M10 3.5V14",
  legend: "M2.5 4H5M7.5 4H13.5M2.5 8H5M7.5 8H13.5M2.5 12H5M7.5 12H13.5", smaller: "M3 8H13", larger: "M3 8H13M8 3V13",
  whole: "M2 6V2H6M10 2H14V6M14 10V14H10M6 14H2V10",
  width: "M2 3V13M14 3V13M4.5 8H11.5M6.5 5.8L4.3 8L6.5 10.2M9.5 5.8L11.7 8L9.5 10.2",
};
const KEYS = "Arrow keys follow the edges. Enter chooses a step, F collapses or expands it. Plus, minus and 0 zoom, Shift and an arrow key move the picture, slash searches.";

/** `suffix` makes its ids unique on the page. `select(step)`: a person chose a node; `fold(step, open)`: asked for more or less. */
export function createDiagram(suffix, select, fold) {
  const stage = h("div", { class: "armillary-live-stage" });
  const hint = h("p", { id: uniqueId("keys"), class: "armillary-live-announcer" }, KEYS);
  const spoken = h("p", { class: "armillary-live-announcer", role: "status", "aria-live": "polite" });
  const pane = h("div", { class: "armillary-live-canvas", role: "application", "aria-label": "Diagram", "aria-describedby": hint.id }, stage);
  const view = createViewport(pane, stage, moved);
  const map = createMinimap(() => view);
  const search = createSearch((question) => graph?.search(question) ?? [], showFound, (id) => focusOn(id ?? current));
  const level = h("button", { type: "button", title: "Actual size (1)", "aria-label": "Actual size", class: "armillary-live-level", on: { click: () => view.zoomTo(1) } });
  const tools = h("div", { class: "armillary-live-tools", role: "toolbar", "aria-label": "Diagram" },
    tool("find", "Find a step (/)", () => search.open()), tool("map", "Overview (M)", (event) => toggleMap(event.currentTarget), "true"),
    tool("legend", "Legend (L)", () => toggleLegend(), "false"),
    tool("smaller", "Smaller (−)", view.smaller), level, tool("larger", "Larger (+)", view.larger),
    tool("whole", "Show all of it (0)", () => view.fit("whole")), tool("width", "Fit the width (W)", () => view.fit("width")));
  const legend = createLegend();
  const element = h("div", { class: "armillary-live-diagram" }, pane, map.element, search.element, legend.element, tools, hint, spoken);
  let [svg, graph, natural, folds] = [null, null, { width: 0, height: 0 }, {}];
  let [current, ticking, ready, stands] = [null, 0, false, null];

  function tool(name, title, action, pressed = null) {
    return h("button", { type: "button", title, "aria-label": title.replace(/ \(.*/, ""), "aria-pressed": pressed, on: { click: action } }, icon(TOOLS[name]));
  }

  function toggleMap(button) { button.setAttribute("aria-pressed", String(map.toggle())); }

  function toggleLegend() { tools.children[2].setAttribute("aria-pressed", String(legend.toggle(svg))); }

  function moved() {
    level.textContent = `${Math.round(view.scale * 100)} %`;
    map.follow();
  }

  /** JupyterLab's theme, where there is one; else the picture follows the system by itself. */
  function theme() {
    const light = document.body.dataset.jpThemeLight;
    if (svg && light !== undefined) svg.setAttribute("data-theme", light === "false" ? "dark" : "light");
    map.refresh();
  }

  /** What needs the picture to be laid out: done when it is seen first. */
  function prepare() {
    if (ready || !svg || !pane.clientWidth) return;
    ready = true;
    drawFolds(svg, graph, folds, fold);
    map.show(graph, natural);
  }

  const observer = new ResizeObserver(() => { prepare(); view.refit(); });
  observer.observe(pane);
  const themes = new MutationObserver(theme);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });

  const nodeAt = (event) => event.target.closest?.(".armillary-node[data-node]");
  pane.addEventListener("click", (event) => {
    const node = nodeAt(event);
    if (!node) return;
    setCurrent(node.dataset.node);
    if (node.dataset.step) select(node.dataset.step);
  });
  pane.addEventListener("dblclick", (event) => { const step = nodeAt(event)?.dataset.step; if (folds[step]) fold(step, folds[step] === "expand"); });
  pane.addEventListener("focusin", (event) => {
    const node = nodeAt(event);
    if (!node) return;
    setCurrent(node.dataset.node);
    const box = node.matches(":focus-visible") && graph.boxOf(node.dataset.node);
    if (box) view.reveal(box);
  });

  /** One node at a time is in the order of the Tab key; the arrow keys do the rest. */
  function setCurrent(id) {
    if (current !== null) graph.nodeOf(current)?.setAttribute("tabindex", "-1");
    current = id;
    graph.nodeOf(id)?.setAttribute("tabindex", "0");
  }

  function focusOn(id) {
    if (id === null || !graph.nodeOf(id)) return;
    setCurrent(id);
    graph.nodeOf(id).focus({ preventScroll: true });
    const box = graph.boxOf(id);
    if (box) view.reveal(box);
  }

  function walk(key) {
    const step = graph.walk(current, key);
    for (const edge of svg.querySelectorAll(".armillary-walked")) edge.classList.remove("armillary-walked");
    if (!step) return;
    step.edge?.element.classList.add("armillary-walked");
    if (step.edge?.label) spoken.textContent = `by ${step.edge.label}`;
    focusOn(step.node);
  }

  const commands = {
    "+": view.larger, "=": view.larger, "-": view.smaller, 0: () => view.fit("whole"), 1: () => view.zoomTo(1), w: () => view.fit("width"),
    "/": search.open, m: () => toggleMap(tools.children[1]), l: toggleLegend,
    f: () => { const step = graph.nodeOf(current)?.dataset.step; const around = folds[step] ? step : frameAround(current); if (around) fold(around, folds[around] === "expand"); },
    Home: () => focusOn(graph.order[0]), End: () => focusOn(graph.order.at(-1)),
  };
  pane.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = event.key.startsWith("Arrow");
    const step = nodeAt(event)?.dataset.step;
    const by = { ArrowLeft: [-PAN, 0], ArrowRight: [PAN, 0], ArrowUp: [0, -PAN], ArrowDown: [0, PAN] }[event.key];
    if (arrow && event.shiftKey) view.pan(...by);
    else if (arrow) walk(event.key);
    else if (event.key === "Escape") select(null);
    else if (event.key === "Enter" || event.key === " ") { if (step) select(step); }
    else if (commands[event.key.length === 1 ? event.key.toLowerCase() : event.key]) commands[event.key.length === 1 ? event.key.toLowerCase() : event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation(); // The notebook has commands on single keys.
  });

  /** The smallest frame that a node stands in and that can be collapsed. */
  function frameAround(id) {
    const box = graph.boxOf(id);
    const holds = (frame) => { const around = graph.boxOf(frame); return around && box && box.x >= around.x && box.y >= around.y && box.x + box.width <= around.x + around.width && box.y + box.height <= around.y + around.height; };
    const inside = graph.frames.filter((frame) => folds[frame] && holds(frame));
    return inside.reduce((found, frame) => (!found || graph.boxOf(frame).height < graph.boxOf(found).height ? frame : found), null);
  }

  function showFound(id, all) {
    for (const node of svg.querySelectorAll(".armillary-found")) node.classList.remove("armillary-found", "armillary-found-now");
    for (const other of all) graph.nodeOf(other).classList.add("armillary-found");
    svg.classList.toggle("armillary-searched", all.length > 0);
    if (id === null) return;
    graph.nodeOf(id).classList.add("armillary-found-now");
    const box = graph.boxOf(id);
    if (box) view.reveal(box, true);
  }

  /** Countdowns are counted here, once a second, while there are any; at a moment of the past they stand still. */
  function count() {
    clearTimeout(ticking);
    if (tickAll(svg, stands ?? Date.now()) && stands === null) ticking = setTimeout(count, SECOND);
  }

  return {
    element,
    /** Shows a picture; what can be folded in it; `around`: the step that stays where it was. */
    show(template, nextFolds = {}, around = null) {
      const id = around !== null && graph ? graph.frames.includes(around) ? around : graph.ofStep(around) : null;
      const box = id && ready ? graph.boxOf(id) : null;
      const screen = box ? view.screen(box) : null;
      const focused = stage.contains(document.activeElement);
      const copy = copyOf(template, suffix);
      const { width = 0, height = 0 } = copy.viewBox?.baseVal ?? {};
      natural = { width, height };
      svg = inSheets(copy);
      folds = nextFolds;
      graph = readGraph(svg);
      ready = false;
      for (const node of svg.querySelectorAll(".armillary-node[data-node]")) node.setAttribute("tabindex", "-1");
      view.size(natural.width, natural.height);
      element.style.setProperty("--natural-height", `${natural.height + 24}px`);
      theme();
      stage.replaceChildren(svg);
      setCurrent(graph.nodeOf(current) ? current : graph.order[0] ?? null);
      prepare();
      view.refit();
      const next = around !== null ? graph.frames.includes(around) ? around : graph.ofStep(around) : null;
      if (screen && next && graph.boxOf(next)) view.hold(graph.boxOf(next), screen);
      search.refresh();
      legend.update(svg);
      count();
      if (focused) graph.nodeOf(current)?.focus({ preventScroll: true });
    },
    /** Applies a change of state; `moment`: the time that countdowns count from, `null` for now. */
    change(overlay, moment = null) {
      stands = moment;
      applyChanges(svg, overlay);
      if (overlay.steps || overlay.heat) map.refresh();
      legend.update(svg);
      count();
    },
    select(step) {
      for (const node of svg.querySelectorAll(".armillary-selected")) node.classList.remove("armillary-selected");
      if (step !== null) for (const node of svg.querySelectorAll(`.armillary-node[data-step="${CSS.escape(step)}"]`)) node.classList.add("armillary-selected");
    },
    /** Moves the picture, never the page, to a step that stands outside of what is seen. */
    reveal(step) {
      const id = step && graph.ofStep(step);
      const box = id && graph.boxOf(id);
      if (box) view.reveal(box);
    },
    /** The label and the state of a step: of its node, or of its frame. */
    about(step) {
      const frame = svg.querySelector(`.armillary-group[data-group="${CSS.escape(step)}"]`);
      const node = svg.querySelector(`.armillary-node[data-step="${CSS.escape(step)}"]`);
      return { label: node?.dataset.label ?? frame?.querySelector("text")?.textContent ?? step, state: (node ?? frame)?.dataset.state };
    },
    close() {
      clearTimeout(ticking);
      view.close();
      map.close();
      observer.disconnect();
      themes.disconnect();
    },
  };
}
