// The SVG that the kernel drew, and the attribute changes that bring it up to date. Nothing here moves or draws anything.
import { SVG } from "./dom.js";
import { lift } from "./sheets.js";

/** The kernel's SVG as an element; without what could act, though the renderer writes nothing of the kind. */
export function parsePicture(source) {
  const svg = new DOMParser().parseFromString(source, "image/svg+xml").documentElement;
  if (svg.nodeName !== "svg") return document.createElementNS(SVG, "svg");
  for (const element of [...svg.querySelectorAll("script, foreignObject, iframe, object, embed")]) element.remove();
  for (const element of [svg, ...svg.querySelectorAll("*")]) {
    for (const { name, value } of [...element.attributes]) {
      if (/^on/i.test(name) || (/href$/i.test(name) && !value.startsWith("#"))) element.removeAttribute(name);
    }
  }
  return document.importNode(svg, true);
}

/** A copy whose ids belong to it alone: two copies on one page must not share markers and clips. */
export function copyOf(template, suffix) {
  const svg = template.cloneNode(true);
  const ids = new Set([svg, ...svg.querySelectorAll("[id]")].map((element) => element.id));
  for (const style of svg.querySelectorAll("style")) {
    style.textContent = style.textContent.replaceAll(`#${svg.id}`, `#${svg.id}${suffix}`);
  }
  for (const element of [svg, ...svg.querySelectorAll("*")]) {
    for (const attribute of element.attributes) {
      if (attribute.name === "id") attribute.value += suffix;
      else if (attribute.value.startsWith("#") && ids.has(attribute.value.slice(1))) attribute.value += suffix;
      else if (attribute.name === "aria-labelledby" || attribute.name === "aria-describedby") {
        attribute.value = attribute.value.split(" ").map((id) => (ids.has(id) ? id + suffix : id)).join(" ");
      } else if (attribute.value.includes("url(#")) {
        attribute.value = attribute.value.replace(/url\(#([^)]+)\)/g, (all, id) => (ids.has(id) ? `url(#${id}${suffix})` : all));
      }
    }
  }
  return svg;
}

const indices = new WeakMap();

/** The elements of a picture by what they stand for; read once, since a change of state may concern thousands. */
export function indexOf(svg) {
  let index = indices.get(svg);
  if (index) return index;
  const clocks = new Set(svg.querySelectorAll(".armillary-clock[data-due], .armillary-clock[data-told]"));
  index = { nodes: new Map(), steps: new Map(), edges: new Map(), joins: new Map(), clocks, last: null };
  const put = (map, key, element) => { if (map.has(key)) map.get(key).push(element); else map.set(key, [element]); };
  for (const node of svg.querySelectorAll(".armillary-node[data-node]")) {
    index.nodes.set(node.dataset.node, node);
    if (node.dataset.step !== undefined) put(index.steps, node.dataset.step, node);
  }
  for (const frame of svg.querySelectorAll(".armillary-group")) put(index.steps, frame.dataset.group, frame);
  for (const edge of svg.querySelectorAll(".armillary-edge[data-source]")) {
    put(index.edges, pairKey(edge.dataset.source, edge.dataset.target), edge);
    const join = index.nodes.get(edge.dataset.target);
    if (join?.dataset.kind === "join") put(index.joins, join, edge);
    index.last = edge;
  }
  indices.set(svg, index);
  return index;
}

const pairKey = (source, target) => JSON.stringify([source, target]);

/** Applies one delta of the overlay to a picture: attributes and texts, never a place or a shape. */
export function applyChanges(svg, overlay) {
  const index = indexOf(svg);
  const told = new Set();
  for (const [step, found] of Object.entries(overlay.steps ?? {})) {
    for (const element of index.steps.get(step) ?? []) { showState(index, element, found); told.add(element); }
  }
  for (const [pairs, taken] of [[overlay.untaken ?? [], false], [overlay.taken ?? [], true]]) {
    for (const [source, target] of pairs) {
      for (const edge of index.edges.get(pairKey(source, target)) ?? []) {
        edge.setAttribute("data-taken", String(taken));
        if (!lift(edge, taken) && taken) raise(index, edge);
      }
    }
  }
  if (overlay.taken || overlay.untaken) { // A join stands for no step: the way goes on from it, or not yet.
    for (const [join, edges] of index.joins) join.setAttribute("data-state", edges.some((edge) => edge.dataset.taken === "true") ? "done" : "not-reached");
  }
  if (overlay.live !== undefined) svg.setAttribute("data-live", String(overlay.live));
  if (overlay.flows) showFlows(index, overlay.flows);
  for (const [name, show] of [["heat", showCount], ["changes", showChange], ["problems", showProblems]]) {
    if (!overlay[name]) continue;
    const most = name === "heat" ? Math.max(0, ...Object.values(overlay.heat)) : 0;
    for (const [id, node] of index.nodes) if (node.dataset.step !== undefined || name === "problems") { show(node, overlay[name][id], most); told.add(node); }
  }
  for (const element of told) describeNode(element);
}

function showState(index, element, found) {
  element.setAttribute("data-state", found.state);
  const facts = factsOf(element);
  facts.visits = found.visits > 1 ? `${found.visits} times` : "";
  facts.times = found.visits > 1 ? `×${found.visits}` : "";
  showNumber(element);
  facts.retries = found.retries ? `${found.retries} ${found.retries === 1 ? "retry" : "retries"}` : "";
  setText(element.querySelector(".armillary-retries"), facts.retries);
  const clock = element.querySelector(".armillary-clock");
  if (!clock) return;
  facts.took = clock.dataset.told = found.took ? durationWords(found.took) : "";
  if (found.due) clock.dataset.due = found.due;
  else delete clock.dataset.due;
  index.clocks.add(clock);
}

const LEVELS = 5;
const level = (count, most) => (count > 0 ? Math.min(LEVELS, Math.ceil((count * LEVELS) / Math.max(1, most))) : 0);

function setOrRemove(element, name, value) {
  if (value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function showCount(node, count = 0, most) {
  setOrRemove(node, "data-heat", most ? String(level(count, most)) : undefined);
  factsOf(node).number = most ? (count ? count.toLocaleString("en") : "") : undefined;
  factsOf(node).count = most ? `entered ${count} times` : "";
  showNumber(node);
}

/** The count of a heat map, else how often the instance was here. */
function showNumber(node) {
  const { number, times } = factsOf(node);
  setText(node.querySelector(".armillary-visits"), number ?? times ?? "");
}

function showFlows(index, flows) {
  const counts = new Map(flows.map(([source, target, count]) => [pairKey(source, target), count]));
  const most = Math.max(0, ...counts.values());
  for (const [key, edges] of index.edges) for (const edge of edges) setOrRemove(edge, "data-heat", most ? String(level(counts.get(key) ?? 0, most)) : undefined);
}

const SIGNS = { added: "+", removed: "−", changed: "~", moved: "↕", renamed: "=" };

function showChange(node, change) {
  setOrRemove(node, "data-change", change);
  setText(node.querySelector(".armillary-change"), change ? `${SIGNS[change]} ${change}` : "");
  factsOf(node).change = change ?? "";
}

function showProblems(node, marks = []) {
  setOrRemove(node, "data-problem", marks[0]?.severity);
  const marker = node.querySelector(".armillary-problem");
  if (marker) setOrRemove(marker, "data-severity", marks[0]?.severity);
  const facts = factsOf(node);
  facts.problems = marks.map(({ severity, message }) => `${severity}: ${message}`).join(", ");
  let title = node.querySelector(":scope > title");
  facts.title ??= title?.textContent ?? "";
  const words = [facts.title, ...marks.map(({ message }) => message)].filter(Boolean).join("\n");
  if (words && !title) node.prepend((title = document.createElementNS(SVG, "title")));
  setText(title, words);
  if (!words) title?.remove();
}

const facts = new WeakMap();

/** What an overlay told of a node, in the words of its label. */
function factsOf(element) {
  if (!facts.has(element)) facts.set(element, {});
  return facts.get(element);
}

function describeNode(element) {
  const label = element.getAttribute("data-label");
  if (label === null) return;
  const { problems, visits, retries, took, count, change } = factsOf(element);
  element.setAttribute("aria-label", [label, problems, element.dataset.state.replace("-", " "), visits, retries, took, count, change].filter(Boolean).join(", "));
}

const setText = (element, words) => { if (element && element.textContent !== words) element.textContent = words; };

/** Brings the clocks of a picture up to date that count down or were changed; gives how many count down. `now`: milliseconds. */
export function tickAll(svg, now) {
  const { clocks } = indexOf(svg);
  for (const clock of clocks) {
    tick(clock, now);
    if (!clock.dataset.due) clocks.delete(clock);
  }
  return clocks.size;
}

function tick(clock, now) {
  const { told = "", due } = clock.dataset;
  if (!due) return setText(clock, told);
  const seconds = Math.trunc((Date.parse(due) - now) / 1000);
  const left = `${secondsWords(Math.abs(seconds))} ${seconds >= 0 ? "left" : "late"}`;
  return setText(clock, told ? `${told} · ${left}` : left);
}

/** `P1DT2H` as `1 d 2 h`, as the renderer writes it. */
function durationWords(iso) {
  const units = { D: "d", H: "h", S: "s" };
  return [...iso.matchAll(/(\d+)([DHMS])/g)].map(([, number, unit]) => `${number} ${unit === "M" ? "min" : units[unit]}`).join(" ");
}

function secondsWords(seconds) {
  const parts = [["d", Math.floor(seconds / 86400)], ["h", Math.floor(seconds / 3600) % 24], ["min", Math.floor(seconds / 60) % 60], ["s", seconds % 60]];
  const first = parts.findIndex(([, number]) => number > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([, number]) => number > 0).map(([unit, number]) => `${number} ${unit}`).join(" ");
}

/** Edges may share a lane: what was taken is drawn over what was not. Nodes stay above all edges. */
function raise(index, edge) {
  if (edge === index.last) return;
  index.last.after(edge);
  index.last = edge;
}
