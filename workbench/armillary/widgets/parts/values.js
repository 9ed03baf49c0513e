// Values as the kernel sends them: tagged nodes in which a number is text.
import { h, text } from "./dom.js";

const PREVIEW = 60;

/** One line about a node: a scalar itself, or what a collection holds. */
export function preview(node) {
  switch (node.type) {
    case "null": return "none";
    case "boolean": return node.value ? "yes" : "no";
    case "number": return node.text;
    case "text": return node.text.length > PREVIEW ? `${node.text.slice(0, PREVIEW)}…` : node.text;
    case "list": return count(size(node, "items"), "item");
    default: return size(node, "members") === 0 ? "empty" : shorten(node.members.map(([key]) => key).join(", "));
  }
}

const MASK = "•••";

/** Whether something of a node is hidden. */
export const masked = (node) => (isCollection(node) ? entries(node).some(([, child]) => masked(child)) : node.type === "text" && node.text.includes(MASK));

export const isCollection = (node) => node.type === "list" || node.type === "object";

/** `[key, child]` of a collection. */
export function entries(node) {
  return node.type === "list" ? node.items.map((item, index) => [String(index), item]) : node.members;
}

/** A scalar as an element; collections only by their preview. */
export function scalar(node) {
  if (node.type === "text" && node.text === "") return h("span", { class: "armillary-live-value armillary-live-value-null" }, "empty");
  const value = node.type === "text" ? node.text : preview(node);
  const element = text(value, `armillary-live-value armillary-live-value-${node.type}`);
  if (node.more) element.append(h("span", { class: "armillary-live-more" }, ` … ${node.more.toLocaleString()} more characters`));
  return element;
}

/** A payload for reading: names and values, collections indented. */
export function reading(node) {
  if (!isCollection(node)) return scalar(node);
  const items = entries(node).map(([key, child]) =>
    h("div", { class: isCollection(child) ? "armillary-live-pair armillary-live-pair-deep" : "armillary-live-pair" },
      h("dt", {}, text(node.type === "list" ? `${Number(key) + 1}.` : key)), h("dd", {}, reading(child))));
  if (items.length === 0) return scalar(node);
  return h("dl", { class: "armillary-live-reading" }, items, more(node));
}

export function more(node) {
  return node.more ? h("div", { class: "armillary-live-more" }, `… ${count(node.more, "more")}`) : null;
}

/** JSON text of a node, for editing. */
export function jsonText(node, indent = "") {
  const inner = `${indent}  `;
  switch (node.type) {
    case "null": return "null";
    case "boolean": return String(node.value);
    case "number": return node.text;
    case "text": return JSON.stringify(node.text);
    case "list": return node.items.length ? `[\n${node.items.map((item) => inner + jsonText(item, inner)).join(",\n")}\n${indent}]` : "[]";
    default: return node.members.length
      ? `{\n${node.members.map(([key, child]) => `${inner}${JSON.stringify(key)}: ${jsonText(child, inner)}`).join(",\n")}\n${indent}}`
      : "{}";
  }
}

const size = (node, member) => node[member].length + (node.more ?? 0);
const count = (number, word) => `${number.toLocaleString()} ${word}${number === 1 || word === "more" ? "" : "s"}`;
const shorten = (line) => (line.length > PREVIEW ? `${line.slice(0, PREVIEW)}…` : line);
