// The live view of all instances of a workflow: an anywidget module. Counts lie over the picture; the table says the same.
import { createDiagram } from "./diagram.js";
import { h, text, uniqueId } from "./dom.js";
import { createRetry } from "./retry.js";
import { createStore } from "./store.js";

const number = (count) => count.toLocaleString();

function createOverview(store, element) {
  let selected = null;
  const title = h("h3", {});
  const facts = h("p", { class: "armillary-live-facts" });
  const modes = h("div", { class: "armillary-live-segments armillary-live-modes", role: "radiogroup", "aria-label": "What lies over the picture" });
  const link = h("p", { class: "armillary-live-notice armillary-live-notice-quiet", role: "status", hidden: true }, "No kernel is following: this is how it was. Run the cell again to go on.");
  const deeds = h("div", { class: "armillary-live-deeds", role: "group", "aria-label": "Actions" });
  const retry = createRetry((step, handlers) => store.order({ kind: "retry-failed", step }, handlers));
  const header = h("header", { class: "armillary-live-header" }, h("div", { class: "armillary-live-title" }, title, deeds), facts, retry.element, modes, link);
  const diagram = createDiagram(uniqueId("copy"), (step) => choose(step === selected ? null : step), () => {});
  const table = h("div", { class: "armillary-live-table" });
  const others = h("div", { class: "armillary-live-table armillary-live-elsewhere", hidden: true });
  const chosen = h("section", { class: "armillary-live-chosen", "aria-label": "Chosen step", hidden: true });
  const root = h("section", { class: "armillary-live armillary-live-overview", tabindex: -1, "aria-label": "All instances of a workflow" }, header,
    h("div", { class: "armillary-live-body" }, diagram.element, h("div", { class: "armillary-live-side" }, chosen, table, others)));
  const group = uniqueId("mode");

  function choose(step) {
    selected = step;
    diagram.select(step);
    chosen.hidden = step === null;
    if (step === null) return;
    diagram.reveal(step);
    list(step);
  }

  /** The instances at a step, those in trouble first. */
  function list(step) {
    store.ask({ kind: "list", step }, ({ places }) => {
      if (step !== selected) return;
      const rows = places.map((place) => h("li", {},
        h("button", { type: "button", class: "armillary-live-id", title: "Copy the id", "aria-label": `Copy the id ${place.id}`, on: { click: () => navigator.clipboard?.writeText(place.id) } }, text(place.id)),
        place.reference ? [" ", h("b", {}, text(place.reference))] : null, ` ${place.status}`, place.trouble ? [": ", text(place.trouble)] : null));
      chosen.replaceChildren(
        h("div", { class: "armillary-live-chosen-head" }, h("h4", {}, text(diagram.about(step).label)),
          h("button", { type: "button", class: "armillary-live-quiet", "aria-label": "Choose no step (Escape)", title: "Choose no step (Escape)", on: { click: () => choose(null) } }, "✕")),
        rows.length ? h("ol", { class: "armillary-live-places" }, rows) : h("p", { class: "armillary-live-none" }, "No instance stands here."),
        failedAt(step) && store.alive ? h("p", {}, retry.button(step, failedAt(step), "Retry what failed here …")) : "",
        h("p", { class: "armillary-live-hint" }, "bench.instance(\"…\") opens one of them, and says what can be done."));
    });
  }

  const failedAt = (step) => store.data.rows.find((row) => row.step === step)?.failed ?? 0;

  /** What can be done, as long as a kernel follows. */
  function offer() {
    const failed = store.alive ? store.data.statuses.failed ?? 0 : 0;
    if (Number(deeds.dataset.failed ?? 0) === failed) return; // What is replaced loses the focus.
    deeds.dataset.failed = failed;
    deeds.replaceChildren(...(failed ? [retry.button(null, failed, "Retry all that failed …")] : []));
  }

  function tellOthers({ elsewhere, workflow }) {
    others.hidden = elsewhere.length === 0;
    others.replaceChildren(h("h4", {}, "On other versions, not counted on this picture"), h("table", {},
      h("thead", {}, h("tr", {}, ["Version", "Standing", "Blocked", "Failed"].map((word) => h("th", { scope: "col" }, word)))),
      h("tbody", {}, elsewhere.map((other) => h("tr", {}, h("th", { scope: "row" }, text(other.version)), ...cells(other))))),
    h("p", { class: "armillary-live-hint" }, `bench.watch(${JSON.stringify(workflow)}, version="…") draws another.`));
  }

  const cells = (row) => ["standing", "blocked", "failed"].map((name) => h("td", { class: row[name] ? `armillary-live-cell-${name}` : null }, row[name] ? number(row[name]) : "·"));

  function tell() {
    const { data } = store;
    offer();
    tellOthers(data);
    title.replaceChildren(text(data.title));
    const statuses = Object.entries(data.statuses).map(([status, count]) => h("span", { class: `armillary-live-status-${status}` }, h("b", {}, number(count)), ` ${status}`));
    const gone = Object.entries(data.gone).map(([status, count]) => h("span", {}, `${number(count)} ${status} since you look`));
    facts.replaceChildren(h("span", {}, text(data.workflow), " ", text(data.version)), ...(statuses.length ? statuses : [h("span", {}, "no instance is on its way")]), ...gone);
    for (const input of modes.querySelectorAll("input")) input.checked = input.value === data.mode;
    const head = ["Step", "Standing", "Blocked", "Failed"].map((word) => h("th", { scope: "col" }, word));
    table.replaceChildren(data.rows.length === 0 ? h("p", { class: "armillary-live-none" }, "No instance is on its way, and none failed.") : h("table", {},
      h("thead", {}, h("tr", {}, head)), h("tbody", {}, data.rows.map((row) => h("tr", {},
        h("th", { scope: "row" }, h("button", { type: "button", class: "armillary-live-step", on: { click: () => choose(row.step) } }, text(row.step))),
        ...cells(row))))));
    root.dataset.sequence = data.sequence;
    root.dataset.mode = data.mode;
  }

  function draw() {
    modes.replaceChildren(...store.data.modes.map(([name, words]) => h("label", {},
      h("input", { type: "radio", name: group, value: name, on: { change: () => store.send({ kind: "mode", mode: name }) } }), text(words))));
    modes.addEventListener("keydown", (event) => event.stopPropagation()); // The notebook has commands on single keys.
    diagram.show(store.picture);
    tell();
  }

  function hear(kind, message) {
    if (kind === "snapshot") draw();
    else if (kind === "change") {
      diagram.change(message.overlay);
      tell();
      if (selected !== null) list(selected);
    } else {
      link.hidden = store.alive;
      offer();
      root.classList.toggle("armillary-live-still", !store.alive);
    }
    if (kind !== "connection") root.dispatchEvent(new CustomEvent("armillary:shown", { bubbles: true, detail: store.keepsake }));
  }

  element.replaceChildren(root);
  draw();
  requestAnimationFrame(() => hear("connection"));
  const unsubscribe = store.subscribe(hear);
  return () => {
    unsubscribe();
    diagram.close();
    root.remove();
  };
}

const merge = (data, { overlay, kind, ...change }) => ({ ...data, ...change });

export default () => {
  let store = null;
  return {
    initialize({ model }) {
      store = createStore(model, merge, ({ caption, sequence }) => ({ caption, revision: sequence }));
      return () => store.close();
    },
    render({ el }) {
      return createOverview(store, el);
    },
  };
};
