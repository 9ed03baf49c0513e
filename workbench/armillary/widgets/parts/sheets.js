// A picture as sheets that lie on one another: each is an <svg> of the same size with some of the edges or of the nodes. What
// changes on one sheet is laid out and painted without a look at the others, which in one <svg> of thousands takes longest.
import { SVG } from "./dom.js";

const SHEET = 100;
const OF_A_SHEET = ["width", "height", "viewBox"];
const places = new WeakMap();

/** An element with the picture's id, class and attributes in the place of its `<svg>`, whose content it takes over. */
export function inSheets(svg) {
  const root = document.createElement("div");
  for (const { name, value } of [...svg.attributes]) if (!OF_A_SHEET.includes(name) && !name.startsWith("xmlns")) root.setAttribute(name, value);
  const sheet = (kind, content = []) => {
    const made = document.createElementNS(SVG, "svg");
    made.setAttribute("class", `armillary-live-sheet armillary-live-sheet-${kind}`);
    made.setAttribute("role", "presentation");
    for (const name of OF_A_SHEET) if (svg.hasAttribute(name)) made.setAttribute(name, svg.getAttribute(name));
    made.append(...content);
    root.append(made);
    return made;
  };
  const [edges, nodes] = [".armillary-edge[data-source]", ".armillary-node[data-node]"].map((found) => [...svg.children].filter((part) => part.matches(found)));
  const drawn = new Set([...edges, ...nodes]);
  const rest = [...svg.children].filter((part) => !drawn.has(part));
  sheet("ground", rest.filter((part) => !part.matches(".armillary-legend")));
  const parts = inParts(edges);
  const below = parts.map(() => sheet("edges"));
  parts.forEach((part, number) => {
    const above = sheet("edges");
    for (const edge of part) {
      places.set(edge, { below: below[number], above });
      lift(edge, edge.dataset.taken === "true");
    }
  });
  inParts(nodes).forEach((part) => sheet("nodes", part));
  sheet("top", rest.filter((part) => part.matches(".armillary-legend")));
  root.style.width = `${svg.getAttribute("width")}px`;
  root.style.height = `${svg.getAttribute("height")}px`;
  return root;
}

const inParts = (list) => Array.from({ length: Math.ceil(list.length / SHEET) }, (_, number) => list.slice(number * SHEET, (number + 1) * SHEET));

/** Edges may share a lane: what was taken is drawn over what was not. False where an edge is on no sheet. */
export function lift(edge, taken) {
  const place = places.get(edge);
  if (!place) return false;
  const to = taken ? place.above : place.below;
  if (edge.parentNode !== to) to.append(edge);
  return true;
}

/** The sheet above all others, for what is not part of the picture. */
export const topOf = (root) => root.querySelector(".armillary-live-sheet-top") ?? root;
