// Taking up again all that failed: asks first, and says afterwards what it did.
import { refusal, waiting } from "./actions.js";
import { h, text } from "./dom.js";

/** `send(step, handlers)` does it, for a step or (`null`) for all of them. `button(step, count, words)` is what asks for it. */
export function createRetry(send) {
  const words = h("span", {});
  const sure = h("button", { type: "submit", class: "armillary-live-deed armillary-live-deed-on" });
  const leave = h("button", { type: "button", class: "armillary-live-deed", on: { click: () => ask(null) } }, "Leave them");
  const question = h("form", { class: "armillary-live-question", hidden: true, "aria-label": "Retry what failed", novalidate: true }, words, sure, leave);
  const status = h("span", { class: "armillary-live-sending", role: "status" });
  const told = h("p", { class: "armillary-live-notice armillary-live-notice-quiet", role: "status", hidden: true });
  const problem = h("p", { class: "armillary-live-notice armillary-live-notice-error", role: "alert", hidden: true });
  const element = h("div", { class: "armillary-live-deeds-more" }, question, status, told, problem);
  let asked = null;

  function ask(what) {
    asked?.from.focus();
    asked = what;
    question.hidden = what === null;
    told.hidden = problem.hidden = true;
    if (what === null) return;
    const many = what.count === 1 ? "the instance that failed" : `the ${what.count.toLocaleString()} instances that failed`;
    words.replaceChildren(`Take up ${many}`, ...(what.step === null ? [] : [" at ", h("b", {}, text(what.step))]),
      " again, each at the step that failed? Calls that failed are made again.");
    sure.textContent = `Retry ${what.count.toLocaleString()}`;
    sure.focus();
  }

  question.addEventListener("submit", (event) => {
    event.preventDefault();
    const { step } = asked;
    const handlers = waiting([sure, leave], status, (reply) => { problem.replaceChildren(...refusal(reply).flat().filter(Boolean)); problem.hidden = false; });
    send(step, { received: handlers.received, done(reply) {
      handlers.done(reply);
      ask(null);
      problem.hidden = reply.ok;
      told.hidden = !reply.ok;
      if (reply.ok) told.replaceChildren(text(reply.message));
    } });
  });
  question.addEventListener("keydown", (event) => {
    event.stopPropagation(); // The notebook has commands on single keys.
    if (event.key === "Escape") ask(null);
  });

  return {
    element,
    button: (step, count, label) => h("button", { type: "button", class: "armillary-live-deed", on: { click: (event) => ask({ step, count, from: event.currentTarget }) } }, label),
  };
}
