// What can be done with the instance as it stands: hold it, take it up, retry it, cancel it.
import { h, text, uniqueId } from "./dom.js";

const BY_STATUS = { running: ["suspend", "cancel"], waiting: ["suspend", "cancel"], suspended: ["resume", "cancel"], failed: ["retry"] };
const WORDS = {
  suspend: ["Suspend", "Hold it: answers are kept, and nothing advances until it is resumed"],
  resume: ["Resume", "Let it go on"], retry: ["Retry", "Take it up again at the step that failed"],
  cancel: ["Cancel …", "End it, with its open tasks, calls and subworkflows"],
};

/** Runs one request at a time: `button` is disabled and `status` tells until it is answered. Gives handlers for `act`. */
export function waiting(buttons, status, refused) {
  const busy = setTimeout(() => { status.textContent = "The kernel is busy with a cell; it is done as soon as the cell ends."; }, 800);
  const over = () => { clearTimeout(busy); status.textContent = ""; };
  for (const button of buttons) button.disabled = true;
  return {
    received: over,
    done(reply) {
      over();
      for (const button of buttons) button.disabled = false;
      if (!reply.ok) refused(reply);
    },
  };
}

/** Why something was refused, as a notice's content. */
export const refusal = (reply) => [text(reply.message), reply.hint ? [" ", text(reply.hint)] : null, " ", h("code", {}, reply.code)];

/** The buttons, and below them the question that cancelling asks first. `act(verb, arguments, handlers)` does it. */
export function createActions(act) {
  const bar = h("div", { class: "armillary-live-deeds", role: "group", "aria-label": "Actions" });
  const status = h("span", { class: "armillary-live-sending", role: "status" });
  const problem = h("p", { class: "armillary-live-notice armillary-live-notice-error", role: "alert", hidden: true });
  const undo = h("input", { type: "checkbox", id: uniqueId("undo") });
  const undoing = h("label", { for: undo.id }, undo, " undo first what it did");
  const reason = h("input", { type: "text", class: "armillary-live-input", "aria-label": "Reason", placeholder: "Reason (optional)" });
  const sure = h("button", { type: "submit", class: "armillary-live-deed armillary-live-deed-grave" }, "Cancel the instance");
  const keep = h("button", { type: "button", class: "armillary-live-deed", on: { click: () => ask(false) } }, "Keep it");
  const question = h("form", { class: "armillary-live-question", hidden: true, "aria-label": "Cancel the instance", novalidate: true },
    h("span", {}, "It ends for good; its open tasks, calls and subworkflows end with it."), undoing, reason, sure, keep);
  const panel = h("div", { class: "armillary-live-deeds-more" }, question, problem);
  let shown = "";

  function ask(open) {
    question.hidden = !open;
    problem.hidden = true;
    if (open) reason.focus();
    else bar.querySelector("button")?.focus();
  }

  function send(verb, told) {
    problem.hidden = true;
    act(verb, told, waiting([...bar.children, sure].filter((one) => one.tagName === "BUTTON"), status, (reply) => {
      problem.replaceChildren(...refusal(reply).flat().filter(Boolean));
      problem.hidden = false;
    }));
  }

  question.addEventListener("submit", (event) => {
    event.preventDefault();
    send("cancel", { compensate: undo.checked, reason: reason.value.trim() });
    question.hidden = true;
  });
  for (const element of [bar, question]) element.addEventListener("keydown", (event) => {
    event.stopPropagation(); // The notebook has commands on single keys.
    if (event.key === "Escape" && !question.hidden) ask(false);
  });

  return {
    bar, panel,
    /** The buttons for a status; none where `able` is false: no kernel follows it, or it is shown as it was. */
    update(header, able) {
      const verbs = able ? (BY_STATUS[header.status] ?? []).filter((verb) => verb !== "retry" || header.retriable) : [];
      undoing.hidden = !header.compensates;
      if (verbs.join() === shown) return;
      shown = verbs.join();
      if (!verbs.includes("cancel")) question.hidden = true;
      bar.replaceChildren(status, ...verbs.map((verb) => h("button", {
        type: "button", class: `armillary-live-deed${verb === "retry" || verb === "resume" ? " armillary-live-deed-on" : ""}`, title: WORDS[verb][1],
        on: { click: () => (verb === "cancel" ? ask(question.hidden) : send(verb, verb === "suspend" ? { reason: "" } : {})) },
      }, WORDS[verb][0])));
    },
  };
}
