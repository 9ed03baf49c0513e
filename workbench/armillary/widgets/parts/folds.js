// The handles that collapse and expand what a picture shows: on frames, on nodes that stand for many steps, on subworkflows.
import { SVG } from "./dom.js";
import { topOf } from "./sheets.js";

const RADIUS = 8;

const make = (tag, attributes) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

/** Draws a handle for each of `folds` (`{step: "collapse" | "expand"}`) on a picture; `fold(step, open)` is called by a click. */
export function drawFolds(svg, graph, folds, fold) {
  svg.querySelector(".armillary-folds")?.remove();
  const layer = make("g", { class: "armillary-folds" });
  for (const [step, way] of Object.entries(folds)) {
    const framed = graph.frames.includes(step);
    const id = framed ? step : graph.ofStep(step);
    const box = id && graph.boxOf(id);
    if (!box) continue;
    const sloped = ["decision", "repeat"].includes(graph.nodeOf(id)?.dataset.kind);
    const [x, y] = framed ? [box.x + box.width - 14, box.y + 14] : sloped ? [box.x + box.width * 0.78, box.y + box.height * 0.14] : [box.x + box.width - 4, box.y + box.height - 2];
    const handle = make("g", { class: "armillary-fold", "data-fold": step, "data-way": way, transform: `translate(${x} ${y})`, role: "button", "aria-label": `${way === "expand" ? "Expand" : "Collapse"} ${step}` });
    const title = make("title", {});
    title.textContent = way === "expand" ? "Expand" : "Collapse";
    handle.append(title, make("circle", { r: RADIUS }), make("path", { d: way === "expand" ? "M-4 0H4M0 -4V4" : "M-4 0H4" }));
    handle.addEventListener("click", (event) => { event.stopPropagation(); fold(step, way === "expand"); });
    layer.append(handle);
  }
  topOf(svg).append(layer);
}
