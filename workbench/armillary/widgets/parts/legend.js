// What the colours, badges and marks of a picture mean: those that are seen on it now.
import { h, SVG } from "./dom.js";

const MARKS = { error: "an error, or a failure", warning: "a warning, or what holds up" };
const CHANGED = { added: "+ added", removed: "− removed", changed: "~ changed", moved: "↕ moved", renamed: "= renamed" };

/** The legend; `update(svg)` reads what is in use. Hidden until it is asked for. */
export function createLegend() {
  const rows = h("ul", {});
  const element = h("div", { class: "armillary-live-legend", role: "region", "aria-label": "Legend", hidden: true }, rows);

  /** A swatch in the colours and lines of a node that is on the picture. */
  function sample(node) {
    const { fill, stroke, strokeWidth, strokeDasharray } = getComputedStyle(node.querySelector(".armillary-shape"));
    const drawing = document.createElementNS(SVG, "svg");
    const shape = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ width: 26, height: 16, viewBox: "0 0 26 16", "aria-hidden": "true" })) drawing.setAttribute(name, value);
    for (const [name, value] of Object.entries({ x: 3, y: 3, width: 20, height: 10, rx: 3, fill, stroke, "stroke-width": strokeWidth, "stroke-dasharray": strokeDasharray })) shape.setAttribute(name, value);
    drawing.append(shape);
    return drawing;
  }

  /** By value of an attribute: a node that has it. */
  const used = (svg, name) => [...new Map([...svg.querySelectorAll(`.armillary-node[${name}]`)].map((node) => [node.getAttribute(name), node]))].sort();

  return {
    element,
    toggle(svg) { element.hidden = !element.hidden; this.update(svg); return !element.hidden; },
    update(svg) {
      if (element.hidden) return;
      const item = (node, words) => h("li", {}, sample(node), words);
      const counts = [...svg.querySelectorAll(".armillary-node[data-heat] .armillary-visits")].map((one) => Number(one.textContent.replaceAll(",", "")));
      const most = Math.max(0, ...counts);
      rows.replaceChildren(
        ...(svg.dataset.live === "true" ? used(svg, "data-state").map(([state, node]) => item(node, state.replace("-", " "))) : []),
        ...used(svg, "data-heat").map(([level, node]) => item(node, level === "0" ? "none" : `up to ${Math.ceil((most * level) / 5).toLocaleString()}`)),
        ...used(svg, "data-change").map(([change, node]) => item(node, CHANGED[change])),
        ...used(svg, "data-problem").map(([severity]) => h("li", {}, h("span", { class: `armillary-live-mark armillary-live-mark-${severity}`, "aria-hidden": "true" }, "!"), MARKS[severity] ?? severity)));
      if (!rows.children.length) rows.append(h("li", {}, "Nothing lies over the picture."));
    },
  };
}
