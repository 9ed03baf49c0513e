// What happened, newest last, for all steps or for the selected one.
import { clock, day, h, text } from "./dom.js";
import { reading } from "./values.js";

const NEAR = 24;

/** The list of events. `select(step)` is called when a person chooses a step in it, `go(number)` an event. */
export function createHistory(select, go) {
  const list = h("ol", { class: "armillary-live-history", tabindex: 0, "aria-label": "History, newest last" });
  const filter = h("p", { class: "armillary-live-filter", hidden: true });
  const earlier = h("p", { class: "armillary-live-none", hidden: true });
  const none = h("p", { class: "armillary-live-none" });
  const element = h("div", {}, filter, earlier, list, none);
  let [lastDay, chosen, count, standing] = ["", null, 0, null];

  function append(row) {
    if (day(row.at) !== lastDay) {
      lastDay = day(row.at);
      list.append(h("li", { class: "armillary-live-day" }, lastDay));
    }
    count += 1;
    list.append(h("li", { class: `armillary-live-event armillary-live-tone-${row.tone}`, data: { step: row.step ?? "", number: row.number } },
      h("button", { type: "button", class: "armillary-live-when", title: "Show this moment", "aria-label": `Show the moment after event ${row.number}`, on: { click: () => go(row.number) } }, clock(row.at)), h("span", { class: "armillary-live-dot", "aria-hidden": "true" }),
      h("div", { class: "armillary-live-what" },
        h("p", {}, row.step ? stepButton(row.step, select) : h("b", {}, "Instance"), " ", text(row.text)), details(row))));
  }

  function apply() {
    let shown = 0;
    for (const item of list.children) {
      item.hidden = chosen !== null && item.dataset.step !== chosen;
      if (!item.hidden) shown += 1;
    }
    none.hidden = shown > 0;
    none.textContent = chosen === null ? "Nothing has happened yet." : "This step has not been reached.";
  }

  function stand() {
    for (const item of list.children) {
      const number = Number(item.dataset.number);
      item.classList.toggle("armillary-live-later", standing !== null && number > standing);
      if (standing !== null && number === standing) {
        item.setAttribute("aria-current", "true");
        const [top, bottom] = [item.offsetTop - list.scrollTop, item.offsetTop + item.offsetHeight - list.scrollTop];
        if (top < 0 || bottom > list.clientHeight) list.scrollTop = item.offsetTop - list.clientHeight / 2;
      } else item.removeAttribute("aria-current");
    }
  }

  return {
    element,
    get count() { return count; },
    /** Marks the event after which the view stands; `null`: the present. */
    stand(number) { standing = number; stand(); },
    replace(rows, older) {
      list.replaceChildren();
      [lastDay, count] = ["", older];
      rows.forEach(append);
      earlier.hidden = older === 0;
      earlier.textContent = `${older.toLocaleString()} earlier events are not shown here.`;
      apply();
      list.scrollTop = list.scrollHeight;
    },
    add(rows) {
      if (rows.length === 0) return;
      const follows = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
      rows.forEach(append);
      apply();
      if (standing !== null) stand();
      else if (follows) list.scrollTop = list.scrollHeight;
    },
    filter(step) {
      chosen = step;
      filter.hidden = step === null;
      filter.replaceChildren(...(step === null ? [] : ["Only ", h("b", {}, text(step)), " ",
        h("button", { type: "button", class: "armillary-live-quiet", on: { click: () => select(null) } }, "Show all")]));
      apply();
      if (standing === null) list.scrollTop = list.scrollHeight;
      else stand();
    },
  };
}

function stepButton(step, select) {
  return h("button", { type: "button", class: "armillary-live-step", on: { click: () => select(step) } }, text(step));
}

function details(row) {
  if (row.patch.length === 0 && row.detail.length === 0) return null;
  const changes = row.patch.map(([path, node]) => h("div", { class: "armillary-live-pair" },
    h("dt", {}, text(path)), h("dd", {}, node === null ? h("i", {}, "removed") : reading(node))));
  const facts = row.detail.map(([name, node]) => h("div", { class: "armillary-live-pair" }, h("dt", {}, text(name)), h("dd", {}, reading(node))));
  const label = row.patch.length ? `changed ${row.patch.map(([path]) => path).join(", ")}` : "details";
  return h("details", {}, h("summary", {}, text(label)), h("dl", { class: "armillary-live-reading" }, changes, facts));
}
