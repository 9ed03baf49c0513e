// A form's fields. Each control: {element, pointer, read() → JSON text or undefined, check() → whether it can be sent,
// fail(message), children}. JSON text keeps numbers as they were typed.
import { h, text, uniqueId } from "./dom.js";

const INTEGER = /^-?(0|[1-9]\d*)$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const SEGMENTS = 4;

/** The control for one field at a JSON pointer. */
export function createField(field, pointer) {
  switch (field.kind) {
    case "object": return objectField(field, pointer);
    case "list": return listField(field, pointer);
    case "boolean": return choiceField({ ...field, choices: [{ label: "Yes", value: "true" }, { label: "No", value: "false" }] }, pointer);
    case "choice": return choiceField(field, pointer);
    case "constant": return { element: h("span", { hidden: true }), pointer, children: [], read: () => field.default, check: () => true, fail: () => {} };
    case "json": return jsonField(field, pointer);
    default: return inputField(field, pointer);
  }
}

/** Label, description, error line and the control between them. */
function frame(field, pointer, control, { group = false } = {}) {
  const [id, describe, alert] = [uniqueId("field"), uniqueId("hint"), uniqueId("error")];
  const label = field.label || field.name;
  const hint = hintOf(field);
  const error = h("p", { class: "armillary-live-field-error", id: alert, role: "alert" });
  const mark = field.required && field.kind !== "list" ? h("span", { class: "armillary-live-required", "aria-hidden": "true" }, "*") : null;
  const optional = !field.required ? h("span", { class: "armillary-live-optional" }, "optional") : null;
  const about = hint ? h("p", { class: "armillary-live-hint", id: describe }, text(hint)) : null;
  const caption = label ? [text(label), mark, optional] : [];
  control.setAttribute("aria-describedby", `${hint ? describe : ""} ${alert}`.trim());
  let element;
  if (group) {
    element = h("fieldset", { class: "armillary-live-field" }, label ? h("legend", {}, caption) : null, about, control, error);
  } else {
    control.id = id;
    element = h("div", { class: "armillary-live-field" }, label ? h("label", { for: id }, caption) : null, control, about, error);
  }
  if (!label) control.setAttribute("aria-label", "Answer");
  element.dataset.pointer = pointer;
  return {
    element,
    fail(message) {
      error.textContent = message;
      element.classList.toggle("armillary-live-invalid", message !== "");
      control.setAttribute("aria-invalid", String(message !== ""));
    },
  };
}

function hintOf(field) {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = field.limits;
  const low = minimum ?? (exclusiveMinimum && `more than ${exclusiveMinimum}`);
  const high = maximum ?? (exclusiveMaximum && `less than ${exclusiveMaximum}`);
  const range = low && high ? `${low} to ${high}` : low ? (minimum ? `at least ${low}` : low) : high ? (maximum ? `at most ${high}` : high) : "";
  return [field.description, range].filter(Boolean).join(" · ");
}

function inputField(field, pointer) {
  const types = { date: "date", "date-time": "datetime-local", time: "time" };
  const number = field.kind === "integer" || field.kind === "number";
  const plain = field.kind === "string" && !field.limits.pattern && !field.limits.format && !(Number(field.limits.maxLength) <= 80);
  const input = plain
    ? h("textarea", { rows: 1, class: "armillary-live-input" })
    : h("input", {
      class: "armillary-live-input", type: types[field.kind] ?? (field.limits.format === "email" ? "email" : "text"),
      inputmode: number ? (field.kind === "integer" ? "numeric" : "decimal") : null, autocomplete: "off",
      step: field.kind === "date-time" || field.kind === "time" ? 1 : null,
    });
  if (field.required) input.setAttribute("aria-required", "true");
  if (field.default !== null) input.value = shownDefault(field);
  const { element, fail } = frame(field, pointer, input);
  input.addEventListener("input", () => fail(""));
  return {
    element, pointer, fail, children: [], focus: () => input.focus(),
    read() {
      const typed = number ? input.value.trim() : input.value;
      if (typed === "") return field.required && field.nullable ? "null" : undefined;
      if (number) return typed;
      return JSON.stringify(field.kind === "date-time" ? withZone(typed) : field.kind === "time" ? seconds(typed) : typed);
    },
    check() {
      const typed = input.value.trim();
      const wrong = typed === ""
        ? (input.validity?.badInput ? "expected a complete date" : field.required && !field.nullable ? "needed: fill this in" : "")
        : field.kind === "integer" && !INTEGER.test(typed) ? `expected a whole number like 12500, got “${typed}”`
        : field.kind === "number" && !NUMBER.test(typed) ? `expected a number like 12500.50, got “${typed}”` : "";
      fail(wrong);
      return wrong === "";
    },
  };
}

function shownDefault(field) {
  if (field.default === "null") return "";
  if (field.kind === "integer" || field.kind === "number") return field.default.replace(/^"|"$/g, "");
  const value = JSON.parse(field.default);
  if (field.kind !== "date-time") return String(value);
  const local = new Date(value);
  if (Number.isNaN(local.valueOf())) return "";
  return new Date(local.valueOf() - local.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** A local date and time with the reader's offset: `2026-03-01T12:00:00+01:00`. */
function withZone(local) {
  const offset = -new Date(local).getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  return `${local.length === 16 ? `${local}:00` : local}${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
}

const seconds = (time) => (time.length === 5 ? `${time}:00` : time);

function choiceField(field, pointer) {
  const empty = !field.required || field.nullable;
  const listed = field.choices.filter((choice) => choice.value !== "null" || !empty);
  const parts = listed.length <= SEGMENTS ? segments(field, listed, empty) : select(field, listed);
  const { element, fail } = frame(field, pointer, parts.control, { group: listed.length <= SEGMENTS });
  parts.control.addEventListener("change", () => fail(""));
  return {
    element, pointer, fail, children: [], focus: parts.focus,
    read() {
      const value = parts.value();
      return value === "" ? (field.required && field.nullable ? "null" : undefined) : value;
    },
    check() {
      const missing = parts.value() === "" && !empty;
      fail(missing ? "needed: choose one" : "");
      return !missing;
    },
  };
}

function segments(field, listed, empty) {
  const name = uniqueId("choice");
  const offered = empty ? [...listed, { label: "—", value: "" }] : listed;
  const inputs = offered.map((choice) => h("input", {
    type: "radio", name, value: choice.value, checked: choice.value === (field.default ?? (empty ? "" : null)),
    "aria-label": choice.value === "" ? "no answer" : null,
  }));
  const control = h("div", { class: "armillary-live-segments", role: "radiogroup" },
    offered.map((choice, index) => h("label", {}, inputs[index], text(choice.label))));
  return { control, value: () => inputs.find((input) => input.checked)?.value ?? "", focus: () => inputs[0].focus() };
}

function select(field, listed) {
  const control = h("select", { class: "armillary-live-input" },
    h("option", { value: "" }, field.required ? "choose …" : "—"),
    listed.map((choice) => h("option", { value: choice.value, selected: choice.value === field.default }, choice.label)));
  return { control, value: () => control.value, focus: () => control.focus() };
}

function objectField(field, pointer) {
  const children = field.fields.map((member) => createField(member, `${pointer}/${escapePointer(member.name)}`));
  const box = h("div", { class: "armillary-live-members" }, children.map((child) => child.element));
  const root = pointer === "";
  const error = h("p", { class: "armillary-live-field-error", role: "alert" });
  const element = root
    ? h("div", { data: { pointer } }, box)
    : h("fieldset", { class: "armillary-live-field armillary-live-nested", data: { pointer } },
      h("legend", {}, text(field.label || field.name), field.required ? null : h("span", { class: "armillary-live-optional" }, "optional")),
      field.description ? h("p", { class: "armillary-live-hint" }, text(field.description)) : null, box, error);
  const filled = () => children.some((child, index) => child.read() !== undefined && field.fields[index].kind !== "constant");
  const sent = () => root || field.required || filled();
  return {
    element, pointer, children, focus: () => children[0]?.focus?.(),
    fail: (message) => { error.textContent = message; },
    read() {
      if (!sent()) return undefined;
      const members = children.map((child, index) => [field.fields[index].name, child.read()]).filter(([, value]) => value !== undefined);
      return `{${members.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")}}`;
    },
    check: () => !sent() || children.map((child) => child.check()).every(Boolean),
  };
}

function listField(field, pointer) {
  const rows = h("div", { class: "armillary-live-items", role: "group" });
  const children = [];
  const add = h("button", { type: "button", class: "armillary-live-quiet" }, "＋ Add");
  const { element, fail } = frame(field, pointer, rows, { group: true });
  rows.after(add);
  function append(preset) {
    const child = createField({ ...field.item, default: preset ?? field.item.default, label: "", required: true }, `${pointer}/${children.length}`);
    const remove = h("button", { type: "button", class: "armillary-live-quiet", "aria-label": "Remove this item", title: "Remove" }, "✕");
    const row = h("div", { class: "armillary-live-item" }, child.element, remove);
    remove.addEventListener("click", () => {
      children.splice(children.indexOf(child), 1);
      row.remove();
      children.forEach((other, index) => { other.pointer = other.element.dataset.pointer = `${pointer}/${index}`; });
      add.focus();
    });
    children.push(child);
    rows.append(row);
    return child;
  }
  add.addEventListener("click", () => append(null).focus?.());
  for (const text of field.defaults) append(text);
  return {
    element, pointer, children, fail, focus: () => add.focus(),
    read: () => (children.length === 0 && !field.required ? undefined : `[${children.map((child) => child.read() ?? "null").join(", ")}]`),
    check: () => children.map((child) => child.check()).every(Boolean),
  };
}

/** A field for JSON text: what the form cannot offer, or what a person prefers. */
export function jsonField(field, pointer) {
  const input = h("textarea", { rows: 4, class: "armillary-live-input armillary-live-json", spellcheck: "false" });
  input.value = field.default ?? "";
  const { element, fail } = frame({ ...field, description: field.description || "as JSON" }, pointer, input);
  input.addEventListener("input", () => fail(""));
  return {
    element, pointer, fail, children: [], focus: () => input.focus(), write: (value) => { input.value = value; },
    read: () => (input.value.trim() === "" ? undefined : input.value.trim()),
    check() {
      let wrong = "";
      if (input.value.trim() === "") wrong = field.required ? "needed: write a JSON value" : "";
      else try { JSON.parse(input.value); } catch (error) { wrong = `expected JSON, ${error.message}`; }
      fail(wrong);
      return wrong === "";
    },
  };
}

/** The control whose pointer is the longest that leads to `pointer`. */
export function controlAt(control, pointer) {
  for (const child of control.children) {
    if (pointer === child.pointer || pointer.startsWith(`${child.pointer}/`)) return controlAt(child, pointer);
  }
  return control;
}

const escapePointer = (name) => name.replace(/~/g, "~0").replace(/\//g, "~1");
