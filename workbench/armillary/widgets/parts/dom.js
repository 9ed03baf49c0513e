// Elements without markup: every text that comes from outside becomes a text node or an attribute, never HTML.

export const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `props`: `class`, `data` and `on` (maps), and attributes by name; `null`, `undefined` and `false` leave one
 * out. Children are nodes or texts; `null` is skipped.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A drawing of 16 × 16, in strokes of the text's colour. */
export function icon(path) {
  const [svg, line] = ["svg", "path"].map((tag) => document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries({ viewBox: "0 0 16 16", width: 15, height: 15, "aria-hidden": "true", fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round", "stroke-linejoin": "round" })) svg.setAttribute(name, value);
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Text of a stranger, isolated from the direction of what is around it. */
export function text(content, className = "") {
  return h("bdi", { class: className || null, dir: "auto" }, content);
}

let counter = 0;

/** An id that no other element of the page has. */
export function uniqueId(prefix) {
  counter += 1;
  return `armillary-${prefix}-${counter}-${Math.random().toString(36).slice(2, 8)}`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false,
});
const DAY = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hour12: false });

/** A time of day in the reader's zone, with the full moment as its tooltip. */
export function clock(iso) {
  const moment = new Date(iso);
  return h("time", { datetime: iso, title: MOMENT.format(moment) }, CLOCK.format(moment));
}

export const day = (iso) => DAY.format(new Date(iso));
export const moment = (iso) => h("time", { datetime: iso, title: iso }, MOMENT.format(new Date(iso)));

/** `review-quote` and `ReviewQuote` as words: `Review quote`. */
export function words(name) {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[-_]+/g, " ").trim().toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
