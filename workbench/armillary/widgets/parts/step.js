// The step that a person chose: what it is, where it was written, and whether it can be collapsed or expanded.
import { h, text } from "./dom.js";

const AROUND = 3;

/** `fold(step, open)` and `leave()` are called by buttons; `pick(step)` by a line of the source. */
export function createStep(fold, leave, pick) {
  const element = h("section", { class: "armillary-live-chosen", "aria-label": "Chosen step", hidden: true });

  function listing(step, sources) {
    const [file, first, last] = sources.steps[step];
    const { name, lines } = sources.files[file];
    const shown = lines.filter(([number]) => number >= first - AROUND && number <= last + AROUND);
    const owner = (number) => Object.keys(sources.steps).find((id) => sources.steps[id][0] === file && sources.steps[id][1] === number);
    const rows = shown.map(([number, line]) => {
      const here = number >= first && number <= last;
      const other = here ? undefined : owner(number);
      const row = h("span", { class: `armillary-live-line${here ? " armillary-live-line-here" : ""}`, "aria-current": here ? "true" : null },
        h("span", { class: "armillary-live-line-number", "aria-hidden": "true" }, number), h("bdi", { dir: "ltr" }, line || " "));
      if (other === undefined) return row;
      row.classList.add("armillary-live-line-step");
      row.addEventListener("click", () => pick(other));
      return row;
    });
    const place = h("button", { type: "button", class: "armillary-live-quiet", title: "Go to this line", on: { click: () => place.dispatchEvent(new CustomEvent("armillary:source", { bubbles: true, detail: { file: name, line: first } })) } }, text(`${name.split("/").at(-1)}, line ${first}`));
    return [place, h("pre", { class: "armillary-live-source", tabindex: 0, "aria-label": `Source of ${step}` }, rows)];
  }

  return {
    element,
    /** `about`: the node's data; `way`: `collapse`, `expand` or nothing. */
    show(step, about, way, sources) {
      element.hidden = step === null;
      if (step === null) return;
      const [place, code] = sources?.steps[step] ? listing(step, sources) : [null, null];
      element.replaceChildren(
        h("div", { class: "armillary-live-chosen-head" },
          h("h4", {}, text(about.label ?? step)),
          h("button", { type: "button", class: "armillary-live-quiet", "aria-label": "Choose no step (Escape)", title: "Choose no step (Escape)", on: { click: leave } }, "✕")),
        h("p", { class: "armillary-live-facts" }, h("code", {}, text(step)), about.state ? h("span", {}, about.state.replace("-", " ")) : null, place,
          way ? h("button", { type: "button", class: "armillary-live-quiet", on: { click: () => fold(step, way === "expand") } }, way === "expand" ? "Expand" : "Collapse") : null),
        ...(code ? [code] : []));
    },
  };
}
