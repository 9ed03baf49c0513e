// All of a picture in a corner, with a frame around the part that is seen.
import { h } from "./dom.js";

const [WIDTH, HEIGHT] = [168, 116];
const COLOURS = { running: "--running", waiting: "--waiting", done: "--good", failed: "--bad", cancelled: "--quiet" };
const BY = 60;
const LAZY = 120; // milliseconds: a stream of changes paints it now and then

/** `view` is the viewport. The map shows itself only where the picture does not fit the pane. */
export function createMinimap(view) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const frame = h("div", { class: "armillary-live-map-frame", "aria-hidden": "true" });
  const element = h("div", {
    class: "armillary-live-map", tabindex: 0, role: "group", hidden: true,
    "aria-label": "Overview. The arrow keys move the picture", title: "Overview: drag to move",
  }, canvas, frame);
  let [graph, natural, scale, wanted] = [null, { width: 1, height: 1 }, 1, true];
  let drawing = 0;

  const wide = () => Math.max(24, natural.width * scale);
  const high = () => Math.max(24, natural.height * scale);

  function paint() {
    drawing = 0;
    if (!graph || element.hidden) return;
    const ratio = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [Math.round(wide() * ratio), Math.round(high() * ratio)];
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(element);
    const colours = new Map();
    const colour = (name) => { if (!colours.has(name)) colours.set(name, style.getPropertyValue(name)); return colours.get(name); };
    pen.setTransform(scale * ratio, 0, 0, scale * ratio, 0, 0);
    pen.strokeStyle = colour("--line-strong");
    pen.lineWidth = 1 / scale;
    for (const id of graph.frames) { const box = graph.boxOf(id); if (box) pen.strokeRect(box.x, box.y, box.width, box.height); }
    for (const id of graph.order) {
      const box = graph.boxOf(id);
      if (!box) continue;
      pen.fillStyle = colour(COLOURS[graph.nodeOf(id).dataset.state] ?? "--line-strong");
      pen.fillRect(box.x, box.y, Math.max(box.width, 1.5 / scale), Math.max(box.height, 1.5 / scale));
    }
  }

  const point = (event) => { const box = canvas.getBoundingClientRect(); return { x: (event.clientX - box.left) / scale, y: (event.clientY - box.top) / scale }; };
  element.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    element.setPointerCapture(event.pointerId);
    view().center(point(event));
  });
  element.addEventListener("pointermove", (event) => { if (element.hasPointerCapture(event.pointerId)) view().center(point(event)); });
  element.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-BY, 0], ArrowRight: [BY, 0], ArrowUp: [0, -BY], ArrowDown: [0, BY] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    view().pan(...by);
  });

  return {
    element,
    show(nextGraph, nextNatural) {
      [graph, natural] = [nextGraph, nextNatural];
      scale = Math.min(WIDTH / natural.width, HEIGHT / natural.height);
      [canvas.style.width, canvas.style.height] = [`${wide()}px`, `${high()}px`]; // It is painted later.
      this.refresh();
    },
    /** The colours of nodes may have changed. */
    refresh() { drawing ||= setTimeout(paint, LAZY); },
    /** The viewport moved. */
    follow() {
      const seen = view().window;
      const fits = seen.width >= natural.width && seen.height >= natural.height;
      const hidden = fits || !wanted;
      if (element.hidden !== hidden) { element.hidden = hidden; if (!hidden) this.refresh(); }
      const [left, top] = [Math.max(0, seen.x), Math.max(0, seen.y)];
      const [right, bottom] = [Math.min(natural.width, seen.x + seen.width), Math.min(natural.height, seen.y + seen.height)];
      frame.style.transform = `translate(${left * scale}px, ${top * scale}px)`;
      frame.style.width = `${Math.max(4, (right - left) * scale)}px`;
      frame.style.height = `${Math.max(4, (bottom - top) * scale)}px`;
    },
    toggle() { wanted = !wanted; this.follow(); return wanted; },
    close() { clearTimeout(drawing); },
  };
}
