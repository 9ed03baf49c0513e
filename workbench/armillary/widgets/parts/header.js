// Who this is and where it stands.
import { createActions } from "./actions.js";
import { h, moment, text } from "./dom.js";

const STATUS = {
  running: ["▶", "Running"], waiting: ["◔", "Waiting"], suspended: ["⏸", "Suspended"],
  completed: ["✓", "Completed"], failed: ["✕", "Failed"], cancelled: ["⊘", "Cancelled"],
};

export const statusWord = (status) => (STATUS[status] ?? ["", status])[1];

/** The header. `select(step)`: a person chose a step in it; `act(verb, arguments, handlers)`: asked for something to be done. */
export function createHeader(select, act) {
  const icon = h("span", { class: "armillary-live-badge-icon", "aria-hidden": "true" });
  const word = h("span", {});
  const badge = h("span", { class: "armillary-live-badge" }, icon, word);
  const title = h("h3", {});
  const facts = h("p", { class: "armillary-live-facts" });
  const where = h("p", { class: "armillary-live-where" });
  const notices = h("div", { class: "armillary-live-notices" });
  const link = h("p", { class: "armillary-live-notice armillary-live-notice-quiet", role: "status", hidden: true });
  const announcer = h("p", { class: "armillary-live-announcer", role: "status", "aria-live": "polite" });
  const actions = createActions(act);
  const element = h("header", { class: "armillary-live-header" },
    h("div", { class: "armillary-live-title" }, badge, title, where, actions.bar), facts, actions.panel, notices, link, announcer);
  let [told, shown] = [null, ""];

  return {
    element,
    /** `past`: this is how it was, not how it is; `able`: something can be done. */
    update(header, past, able) {
      actions.update(header, able && !past);
      const now = JSON.stringify({ ...header, revision: 0, updated: null });
      if (now === shown) return; // What is replaced is laid out anew, and what was chosen in it is lost.
      shown = now;
      const [symbol, name] = STATUS[header.status] ?? ["", header.status];
      icon.textContent = symbol;
      word.textContent = name;
      badge.dataset.status = header.status;
      title.replaceChildren(text(header.title || header.workflow));
      facts.replaceChildren(...headerFacts(header));
      where.replaceChildren(...(header.ended ? [] : header.standing.flatMap(({ step, text: why, tone }, index) => [
        index ? ", " : "at ", h("button", { type: "button", class: "armillary-live-step", on: { click: () => select(step) } }, text(step)),
        why && tone !== "bad" ? h("span", { class: "armillary-live-why" }, " ", text(why)) : ""])));
      notices.replaceChildren(...noticesOf(header));
      const line = `${name}${header.ended || !header.standing.length ? "" : ` at ${header.standing.map(({ step }) => step).join(", ")}`}${header.blocked ? `. Blocked: ${header.blocked}` : ""}`;
      if (told !== null && told !== line && !past) announcer.textContent = line;
      told = line;
    },
    connection(alive, since) {
      link.hidden = alive;
      link.replaceChildren(...(alive ? [] : ["No kernel is following this instance: this is how it stood at ", since ? moment(since) : "that time",
        ". Nothing is lost; run the cell again to go on."]));
    },
  };
}

function headerFacts(header) {
  const copy = h("button", { type: "button", class: "armillary-live-id", title: "Copy the id", "aria-label": `Copy the id ${header.id}` }, text(header.id));
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(header.id).catch(() => {});
    copy.dataset.copied = "true";
    setTimeout(() => { delete copy.dataset.copied; }, 1200);
  });
  return [
    header.reference !== null ? h("span", { class: "armillary-live-reference" }, "Reference ", h("b", {}, text(header.reference))) : null,
    h("span", {}, text(header.workflow), " ", h("span", { class: "armillary-live-version" }, text(header.version))),
    header.started ? h("span", {}, "started ", moment(header.started)) : null,
    header.ended ? h("span", {}, "ended ", moment(header.ended)) : null,
    copy,
  ].filter(Boolean);
}

function noticesOf(header) {
  const notices = [];
  const notice = (...content) => notices.push(h("p", { class: "armillary-live-notice armillary-live-notice-warning" }, ...content));
  if (header.status === "suspended") notice(h("b", {}, "Held: "), "nothing advances until it is resumed. Answers are kept.");
  for (const { step, text: why, tone } of header.ended ? [] : header.standing) if (tone === "bad") notice(h("b", {}, text(step)), ": ", text(why));
  if (header.blocked) {
    notice(h("b", {}, "Blocked: "), text(header.blocked), ". It goes on by itself as soon as that is there.");
  }
  if (header.error) {
    notices.push(h("div", { class: "armillary-live-notice armillary-live-notice-error" }, h("b", {}, "Failed"),
      header.error.step ? [" at ", text(header.error.step)] : null, ": ", text(header.error.message), " ", h("code", {}, header.error.code),
      header.error.source ? h("pre", { class: "armillary-live-source" }, text(header.error.source)) : null,
      h("p", {}, text(header.error.remedy))));
  }
  return notices;
}
