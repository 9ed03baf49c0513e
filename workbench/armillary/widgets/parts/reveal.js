// What schemas mark as sensitive is shown when a person asks for it, and in this view only: no notebook keeps it.
import { refusal, waiting } from "./actions.js";
import { h } from "./dom.js";

/** A button that asks for what is masked, and hides it again. `ask(handlers)` sends; `show(values)` draws them, `null`: the masks. */
export function createReveal(ask, show) {
  const status = h("span", { class: "armillary-live-sending", role: "status" });
  const button = h("button", { type: "button", class: "armillary-live-quiet armillary-live-reveal", "aria-pressed": "false", title: "Show what is masked, here only", on: { click } }, "Reveal");
  const element = h("p", { class: "armillary-live-facts", hidden: true }, button, status);
  let open = false;

  function set(values) {
    open = values !== null;
    button.textContent = open ? "Hide" : "Reveal";
    button.setAttribute("aria-pressed", String(open));
    show(values);
  }

  function click() {
    if (open) return set(null);
    const handlers = waiting([button], status, (reply) => status.replaceChildren(...refusal(reply).flat().filter(Boolean)));
    ask({
      received: handlers.received,
      done(reply) {
        handlers.done(reply);
        if (reply.ok && !element.hidden) set(reply.values);
      },
    });
  }

  return {
    element,
    /** Whether there is something to reveal now. What was shown is masked again: it may be another value. */
    offer(able) {
      element.hidden = !able;
      if (open) set(null);
    },
  };
}
