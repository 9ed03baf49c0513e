// The live view of an instance: an anywidget module. One store a model, any number of views.
import { createDiagram } from "./diagram.js";
import { h, uniqueId } from "./dom.js";
import { createHeader } from "./header.js";
import { createHistory } from "./history.js";
import { createPast, grown } from "./past.js";
import { createReveal } from "./reveal.js";
import { createStep } from "./step.js";
import { createStore } from "./store.js";
import { createTasks } from "./tasks.js";
import { createTimeline } from "./timeline.js";
import { createTree } from "./tree.js";
import { masked } from "./values.js";

function section(title, body, open) {
  const count = h("span", { class: "armillary-live-count" });
  const element = h("details", { class: "armillary-live-section", open }, h("summary", {}, h("h4", {}, title), count), body);
  return { element, count(number) { count.textContent = number === null ? "" : number.toLocaleString(); } };
}

function createView(store, element) {
  let [selected, folded] = [null, null];
  const { recorded } = store.data;
  const select = (step) => choose(step === selected ? null : step);
  const fold = (step, open) => { folded = step; store.send({ kind: "fold", step, open }); };
  const header = createHeader(select, (verb, told, handlers) => store.act(verb, null, told, handlers));
  const diagram = createDiagram(uniqueId("copy"), select, fold);
  const timeline = createTimeline(travel, recorded);
  const past = createPast(store, arrive);
  const chosen = createStep(fold, () => choose(null), choose);
  const tasks = createTasks(store.act, select);
  const history = createHistory(select, (number) => timeline.go(number));
  const state = createTree("State");
  const given = createTree("Input and output");
  const reveal = createReveal((handlers) => store.act("reveal", null, {}, handlers), (tree) => draw(tree ?? store.data.tree, new Set()));
  const parts = {
    tasks: section("To do", tasks.element, true),
    state: section("State", h("div", {}, state.element, reveal.element), true),
    given: section("Input and output", h("div", {}, given.element), false),
    history: section("History", history.element, true),
  };
  const root = h("section", { class: "armillary-live", tabindex: -1, "aria-label": "Workflow instance" }, header.element,
    h("div", { class: "armillary-live-body" }, diagram.element,
      h("div", { class: "armillary-live-side" }, chosen.element, Object.values(parts).map((part) => part.element))), timeline.element);

  function choose(step) {
    selected = step;
    diagram.select(step);
    history.filter(step);
    describe();
    if (step !== null) diagram.reveal(step);
  }

  const describe = () => chosen.show(selected, selected === null ? {} : diagram.about(selected), store.data.folds[selected] ?? null, store.data.sources);

  /** Header, values and the step that is chosen, as they are now or were at the moment that is shown. */
  function values({ header: who, tree }, changed) {
    header.update(who, past.here !== null, store.alive && !recorded);
    offer();
    draw(tree, changed);
    parts.state.count(tree.state.length || null);
    root.dataset.status = who.status;
    describe();
  }

  function draw(tree, changed) {
    state.update(tree.state, changed);
    given.update([["input", tree.input], ["output", tree.output]], new Set());
  }

  /** The present can be revealed while a kernel is there; the past is told from history, which never knew. */
  function offer() {
    const { tree } = store.data;
    const hides = [tree.input, tree.output, ...tree.state.map(([, node]) => node)].some(masked);
    reveal.offer(hides && store.alive && !recorded && past.here === null);
  }

  function update(changed) {
    const { data } = store;
    if (!past.travelling) values(data, changed);
    root.dataset.revision = data.header.revision;
    tasks.update(data.tasks, data.header);
    parts.tasks.element.classList.toggle("armillary-live-attention", data.tasks.length > 0);
    parts.tasks.count(data.tasks.length || null);
    parts.tasks.element.hidden = recorded || past.travelling;
    parts.history.count(history.count);
    timeline.update(data.history, data.history.at(-1)?.number ?? 0);
  }

  function travel(number) {
    if (number !== null) past.go(number);
    else if (past.travelling) {
      past.present();
      show();
    }
    parts.tasks.element.hidden = recorded || past.travelling;
  }

  function arrive(moment) {
    diagram.change(moment.overlay, Date.parse(moment.header.updated ?? moment.header.started));
    root.dataset.moment = moment.number;
    history.stand(moment.number);
    values(moment, new Set());
    diagram.reveal(store.data.history.find((row) => row.number === moment.number)?.step ?? moment.header.standing[0]?.step);
  }

  /** The picture as it is now. */
  function show() {
    delete root.dataset.moment;
    diagram.show(store.picture, store.data.folds, folded);
    folded = null;
    if (selected !== null) diagram.select(selected);
    history.stand(null);
    update(new Set());
    if (past.travelling) past.again();
  }

  /** Tells whoever holds this view (JupyterLab's extension) that there is something to see, and what to keep of it. */
  function announce() {
    root.dispatchEvent(new CustomEvent("armillary:shown", { bubbles: true, detail: store.keepsake }));
  }

  function hear(kind, message) {
    if (kind === "snapshot") {
      history.replace(store.data.history, store.data.earlier);
      show();
    } else if (kind === "change") {
      if (!past.travelling) diagram.change(message.overlay);
      history.add(message.history);
      update(new Set(message.tree.set.map(([name]) => name)));
    } else {
      header.connection(store.alive || recorded, store.data.header.updated);
      if (!past.travelling) header.update(store.data.header, false, store.alive && !recorded);
      tasks.connected(store.alive);
      offer();
      root.classList.toggle("armillary-live-still", !store.alive);
      return;
    }
    if (!past.travelling) diagram.reveal(store.data.header.standing[0]?.step);
    announce();
  }

  element.replaceChildren(root);
  history.replace(store.data.history, store.data.earlier);
  show();
  hear("connection");
  requestAnimationFrame(() => {
    announce();
    diagram.reveal(store.data.header.standing[0]?.step);
  });
  const unsubscribe = store.subscribe(hear);
  return () => {
    unsubscribe();
    diagram.close();
    timeline.close();
    root.remove();
  };
}

/** The state after a change. */
function merge(data, change) {
  return {
    ...data,
    sequence: change.sequence,
    header: change.header,
    tree: grown(data.tree, change.tree),
    tasks: change.tasks ?? data.tasks,
    history: [...data.history, ...change.history],
  };
}

const kept = ({ header }) => ({ caption: header.caption, status: header.status, revision: header.revision, at: header.updated });

export default () => {
  let store = null;
  return {
    initialize({ model }) {
      store = createStore(model, merge, kept);
      return () => store.close();
    },
    render({ el }) {
      return createView(store, el);
    },
  };
};
