// Open tasks: what a person is asked, and the form that answers it.
import { refusal, waiting } from "./actions.js";
import { h, moment, text, uniqueId } from "./dom.js";
import { controlAt, createField, jsonField } from "./fields.js";
import { createReveal } from "./reveal.js";
import { isCollection, masked, reading } from "./values.js";

const PATIENCE = 800;

/** The list of open tasks. A form keeps what was typed while its task stays open. `act(verb, task, arguments, handlers)`. */
export function createTasks(act, select) {
  const element = h("div", { class: "armillary-live-tasks" });
  const none = h("p", { class: "armillary-live-none" });
  const cards = new Map();
  element.append(none);
  return {
    element,
    update(tasks, header) {
      const open = new Set(tasks.map((task) => task.id));
      for (const [id, card] of cards) {
        if (open.has(id)) continue;
        if (card.element.contains(document.activeElement)) element.closest(".armillary-live")?.focus({ preventScroll: true });
        card.element.remove();
        cards.delete(id);
      }
      for (const task of tasks) {
        if (!cards.has(task.id)) {
          const card = createCard(task, act, select);
          cards.set(task.id, card);
          element.append(card.element);
        }
        cards.get(task.id).update(task);
      }
      none.hidden = tasks.length > 0;
      none.textContent = header.ended ? "No task is open: the instance has ended." : "No task is open: nobody is asked for anything.";
    },
    connected(alive) {
      for (const card of cards.values()) card.connected(alive);
    },
  };
}

function createCard(task, act, select) {
  const [titleId] = [uniqueId("task")];
  const facts = h("p", { class: "armillary-live-facts" });
  const answer = task.form ? createAnswer(task.form) : null;
  const problems = h("div", { class: "armillary-live-problems", role: "alert", hidden: true });
  const status = h("p", { class: "armillary-live-sending", role: "status" });
  const button = h("button", { type: "submit", class: "armillary-live-primary" }, "Complete task");
  const form = h("form", { novalidate: true, "aria-labelledby": titleId },
    answer?.element, problems, h("div", { class: "armillary-live-actions" }, button, answer?.toggle, status));
  const owner = createOwner(task.id, act);
  const title = h("h4", { id: titleId });
  const shown = h("div");
  const reveal = createReveal((handlers) => act("reveal", task.id, {}, handlers), (values) => read(values ?? task));
  const element = h("article", { class: "armillary-live-task", data: { task: task.id } }, title, facts, owner.element, shown, reveal.element, form);
  const hides = masked(task.payload) || masked({ type: "text", text: task.title });
  let [sending, alive] = [false, true];

  function read(values) {
    title.replaceChildren(text(values.title || task.name));
    shown.replaceChildren(...[payload(values.payload)].filter(Boolean));
  }

  const enable = () => { button.disabled = sending || !alive; };
  read(task);
  reveal.offer(hides);

  form.addEventListener("keydown", (event) => {
    event.stopPropagation(); // The notebook has commands on single keys.
    const plain = event.target.tagName === "TEXTAREA" && !event.target.classList.contains("armillary-live-json");
    if (event.key === "Enter" && ((plain && !event.shiftKey) || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (sending || !alive) return;
    show(problems, []);
    if (answer && !answer.check()) return focusInvalid(form);
    sending = true;
    enable();
    status.textContent = "Sending …";
    const busy = setTimeout(() => {
      status.textContent = "The kernel is busy with a cell. Your answer was sent; it is taken as soon as the cell ends.";
    }, PATIENCE);
    act("complete", task.id, { answer: answer ? answer.read() : "null" }, {
      received() { clearTimeout(busy); status.textContent = "Completing …"; },
      done(reply) {
        clearTimeout(busy);
        sending = false;
        enable();
        status.textContent = reply.ok ? "Completed." : "";
        if (!reply.ok) refuse(reply, answer, problems, form);
      },
    });
  });

  return {
    element,
    update(next) {
      facts.replaceChildren(...taskFacts(next, select), owner.opener);
      owner.update(next);
    },
    connected(value) {
      alive = value;
      enable();
      button.title = alive ? "" : "No kernel is connected";
      owner.opener.hidden = !alive;
      reveal.offer(hides && alive);
    },
  };
}

/** Who is to do a task: a button that opens the choice of somebody else. */
function createOwner(task, act) {
  const to = h("input", { type: "text", class: "armillary-live-input", "aria-label": "Who is to do it", placeholder: "Name" });
  const hand = h("button", { type: "submit", class: "armillary-live-deed" }, "Hand over");
  const release = h("button", { type: "button", class: "armillary-live-deed", title: "Give it back to all who may do it", on: { click: () => send("release", {}) } }, "Release");
  const status = h("span", { class: "armillary-live-sending", role: "status" });
  const element = h("form", { class: "armillary-live-question", hidden: true, novalidate: true, "aria-label": "Who is to do it" }, to, hand, release, status);
  const opener = h("button", { type: "button", class: "armillary-live-quiet", "aria-expanded": "false", on: { click: () => open(element.hidden) } }, "Assign …");

  function open(value) {
    element.hidden = !value;
    opener.setAttribute("aria-expanded", String(value));
    if (value) to.focus();
  }

  function send(verb, told) {
    act(verb, task, told, waiting([hand, release], status, (reply) => status.replaceChildren(...refusal(reply).flat().filter(Boolean))));
  }

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (to.value.trim()) send("reassign", { to: to.value.trim() });
    else to.focus();
  });
  element.addEventListener("keydown", (event) => {
    event.stopPropagation(); // The notebook has commands on single keys.
    if (event.key === "Escape") { open(false); opener.focus(); }
  });
  let assignee;
  return {
    element, opener,
    update(next) {
      release.hidden = !next.assignee;
      if (assignee !== undefined && assignee !== next.assignee) open(false);
      assignee = next.assignee;
    },
  };
}

function taskFacts(task, select) {
  const step = h("button", { type: "button", class: "armillary-live-step", on: { click: () => select(task.step) } }, text(task.step));
  const who = task.assignee
    ? ["taken by ", h("b", {}, text(task.assignee))]
    : task.roles.length ? ["for ", h("b", {}, text(task.roles.join(", ")))] : ["for anybody"];
  return [step, h("span", {}, who), h("span", {}, "since ", moment(task.created)),
    task.due ? h("span", {}, "due ", moment(task.due)) : null,
    task.priority ? h("span", {}, `priority ${task.priority}`) : null].filter(Boolean);
}

function payload(node) {
  if (node.type === "null" || (isCollection(node) && (node.items ?? node.members).length === 0)) return null;
  return h("div", { class: "armillary-live-payload" }, reading(node));
}

/** The fields, and the same answer as JSON text where a person prefers that. */
function createAnswer(field) {
  const control = createField(field, "");
  if (field.kind === "json") return { element: control.element, toggle: null, read: control.read, check: control.check, at: (pointer) => controlAt(control, pointer) };
  const raw = jsonField({ ...field, label: "Answer", default: null, required: true }, "");
  const toggle = h("button", { type: "button", class: "armillary-live-quiet", "aria-pressed": "false" }, "Edit as JSON");
  raw.element.hidden = true;
  const asText = () => !raw.element.hidden;
  toggle.addEventListener("click", () => {
    if (!asText()) raw.write(control.read() ?? "");
    raw.element.hidden = !raw.element.hidden;
    control.element.hidden = asText();
    toggle.setAttribute("aria-pressed", String(asText()));
    toggle.textContent = asText() ? "Back to the form" : "Edit as JSON";
  });
  return {
    element: h("div", {}, control.element, raw.element),
    toggle,
    read: () => (asText() ? raw.read() : control.read()) ?? "null",
    check: () => (asText() ? raw.check() : control.check()),
    at: (pointer) => (asText() ? raw : controlAt(control, pointer)),
  };
}

function refuse(reply, answer, problems, form) {
  const rest = [];
  for (const problem of reply.problems) {
    const target = answer && problem.pointer ? answer.at(problem.pointer) : null;
    if (target?.pointer) target.fail(problem.message);
    else rest.push(problem.message);
  }
  const placed = reply.problems.length > 0 && rest.length === 0;
  show(problems, placed ? [] : rest.length ? rest : [reply.message], reply);
  focusInvalid(form);
}

function show(box, lines, reply) {
  box.hidden = lines.length === 0;
  box.replaceChildren(...lines.map((line) => h("p", {}, text(line))));
  if (lines.length && reply) {
    box.append(h("p", { class: "armillary-live-hint" }, reply.hint ? text(reply.hint) : null, h("code", {}, reply.code)));
  }
}

function focusInvalid(form) {
  const wrong = form.querySelector('[aria-invalid="true"]');
  (wrong?.matches("input,textarea,select") ? wrong : wrong?.querySelector("input,textarea,select"))?.focus();
}
