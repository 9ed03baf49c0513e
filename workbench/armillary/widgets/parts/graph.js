// What a picture shows, read from its elements: boxes, the way along its edges, and what a search finds.
import { indexOf } from "./picture.js";

/** The graph of a picture that is on the page. */
export function readGraph(svg) {
  const { nodes, steps } = indexOf(svg);
  const across = svg.dataset.direction === "down" ? "x" : "y";
  const order = [...nodes.keys()];
  const boxes = new Map();
  const frames = new Map();
  for (const frame of svg.querySelectorAll(".armillary-group")) frames.set(frame.dataset.group, frame);
  const [out, into] = [new Map(), new Map()];
  let trail = [];

  function boxOf(id) {
    if (!boxes.has(id)) {
      const shape = (nodes.get(id) ?? frames.get(id))?.querySelector(".armillary-shape, .armillary-frame");
      const box = shape?.getBBox();
      if (!box || !box.width) return null; // Not laid out: nobody sees it.
      boxes.set(id, { x: box.x, y: box.y, width: box.width, height: box.height });
    }
    return boxes.get(id);
  }

  const middle = (id) => { const box = boxOf(id); return { x: box.x + box.width / 2, y: box.y + box.height / 2 }; };

  /** An edge may end at a frame: then it is one of the first node in it, or comes from its last. */
  function end(id, last) {
    if (nodes.has(id)) return id;
    const frame = boxOf(id);
    const inside = order.filter((node) => {
      const box = boxOf(node);
      return frame && box && box.x >= frame.x && box.y >= frame.y && box.x + box.width <= frame.x + frame.width && box.y + box.height <= frame.y + frame.height;
    });
    return last ? inside.at(-1) : inside[0];
  }

  function connect() {
    if (out.size) return;
    for (const element of svg.querySelectorAll(".armillary-edge[data-source]")) {
      const { source, target, kind } = element.dataset;
      const edge = { element, kind, source: end(source, kind === "flow"), target: end(target, false), label: element.querySelector(".armillary-label")?.textContent ?? "" };
      if (!edge.source || !edge.target) continue;
      for (const [map, id] of [[out, edge.source], [into, edge.target]]) map.set(id, [...(map.get(id) ?? []), edge]);
    }
  }

  /** Of several ways the one that the instance took, else the first that goes on; back edges last. */
  function best(edges = []) {
    const rank = (edge) => (edge.element.dataset.taken === "true" ? 0 : 1) + (edge.kind === "back" ? 4 : 0) + (edge.kind === "failure" ? 2 : 0);
    return edges.reduce((found, edge) => (found === null || rank(edge) < rank(found) ? edge : found), null);
  }

  function beside(id, step) {
    const [here, along] = [middle(id), across === "x" ? "y" : "x"];
    const arrived = trail.at(-1)?.target === id ? trail.at(-1).source : best(into.get(id))?.source;
    const siblings = [...new Set((out.get(arrived) ?? []).map((edge) => edge.target))].filter((node) => node !== id);
    const ahead = (node) => (middle(node)[across] - here[across]) * step > 1;
    const near = (node) => Math.abs(middle(node)[across] - here[across]) + Math.abs(middle(node)[along] - here[along]);
    const box = boxOf(id);
    const level = (node) => Math.abs(middle(node)[along] - here[along]) <= 2 * (across === "x" ? box.height : box.width);
    for (const candidates of [siblings.filter(ahead), order.filter((node) => node !== id && ahead(node) && level(node))]) {
      if (candidates.length) return candidates.reduce((found, node) => (near(node) < near(found) ? node : found));
    }
    return null;
  }

  return {
    boxOf, order,
    get frames() { return [...frames.keys()]; },
    nodeOf: (id) => nodes.get(id),
    /** The node that stands for a step, or the first one in its frame. */
    ofStep(step) {
      const found = steps.get(step)?.[0];
      return found && (found.dataset.node ?? end(found.dataset.group, false));
    },
    /** Where an arrow key leads from a node: `{node, edge}`, or `null`. Down follows an edge where the flow runs down. */
    walk(id, key) {
      connect();
      const forward = { down: "ArrowDown", right: "ArrowRight", left: "ArrowLeft" }[svg.dataset.direction] ?? "ArrowDown";
      const opposite = { ArrowDown: "ArrowUp", ArrowRight: "ArrowLeft", ArrowLeft: "ArrowRight" }[forward];
      if (key === forward) {
        const edge = best(out.get(id));
        if (!edge) return null;
        trail.push(edge);
        return { node: edge.target, edge };
      }
      if (key === opposite) {
        const edge = trail.at(-1)?.target === id ? trail.pop() : best(into.get(id));
        return edge && { node: edge.source, edge };
      }
      const node = beside(id, key === "ArrowRight" || key === "ArrowDown" ? 1 : -1);
      if (node === null) return null;
      const edge = (into.get(node) ?? []).find((other) => other.source === (trail.at(-1)?.source ?? best(into.get(id))?.source)) ?? null;
      if (edge) trail = [...trail.slice(0, -1), edge];
      return { node, edge };
    },
    /** The nodes whose texts or id hold all words of a question, in reading order. */
    search(question) {
      const words = question.toLowerCase().split(/\s+/).filter(Boolean);
      if (words.length === 0) return [];
      return order.filter((id) => {
        const element = nodes.get(id);
        if (element.dataset.step === undefined) return false;
        const all = `${id} ${element.dataset.label ?? ""} ${element.getAttribute("aria-label") ?? ""} ${element.querySelector("title")?.textContent ?? ""}`.toLowerCase();
        return words.every((word) => all.includes(word));
      });
    },
  };
}
