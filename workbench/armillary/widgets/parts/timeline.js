// Time travel: a scrubber over the history, and playing it at a speed.
import { clock, h, icon, text } from "./dom.js";

const SPEEDS = [0.5, 1, 2, 5, 10, 50];
const [SHORTEST, LONGEST] = [250, 1000];
const [PLAY, PAUSE, BACK, ON] = ["M5 3L12.5 8L5 13Z", "M5 3V13M11 3V13", "M11 3.5L6.5 8L11 12.5M4 3.5V12.5", "M5 3.5L9.5 8L5 12.5M12 3.5V12.5"];
const TONES = { bad: "--bad", busy: "--waiting", good: "--good" };

/** The bar. `travel(number)` asks for the moment after an event, `travel(null)` for the present; `recorded`: there is no present. */
export function createTimeline(travel, recorded) {
  const play = h("button", { type: "button", class: "armillary-live-play", title: "Play the history (Space)", "aria-label": "Play the history", on: { click: () => (playing ? pause() : start()) } }, icon(PLAY));
  const back = h("button", { type: "button", title: "One event back (←)", "aria-label": "One event back", on: { click: () => { pause(); go(at() - 1); } } }, icon(BACK));
  const on = h("button", { type: "button", title: "One event on (→)", "aria-label": "One event on", on: { click: () => { pause(); go(at() + 1); } } }, icon(ON));
  const range = h("input", { type: "range", class: "armillary-live-scrubber", min: 0, max: 0, step: 1, "aria-label": "Moment of the history" });
  const marks = h("canvas", { class: "armillary-live-marks", "aria-hidden": "true" });
  const words = h("span", { class: "armillary-live-moment" });
  const speed = h("select", { "aria-label": "Speed", title: "Speed; pauses of more than a second are shortened" }, SPEEDS.map((times) => h("option", { value: times, selected: times === 1 }, `${times}×`)));
  const live = h("button", { type: "button", class: "armillary-live-now", "aria-pressed": "true", title: "Back to the present", on: { click: () => { pause(); now(); } } }, recorded ? "End" : "Live");
  const element = h("div", { class: "armillary-live-timeline", role: "group", "aria-label": "Time travel" },
    h("span", { class: "armillary-live-keys" }, back, play, on), h("span", { class: "armillary-live-track" }, marks, range), words, speed, live);
  let [rows, total, position, playing, timer] = [[], 0, null, false, 0];
  let shown = "";

  const at = () => position ?? total;
  const rowOf = (number) => (rows.length && number >= rows[0].number ? rows[number - rows[0].number] : null);

  function tell() {
    const now = JSON.stringify([at(), total, position === null, rowOf(at())?.at]);
    if (now === shown) return;
    shown = now;
    range.max = total;
    range.value = at();
    range.style.setProperty("--part", `${total ? (at() / total) * 100 : 100}%`);
    const row = rowOf(at());
    words.replaceChildren(h("b", {}, `${at().toLocaleString()} / ${total.toLocaleString()}`), ...(row ? [" ", clock(row.at), " ", text(row.step ?? "instance")] : []));
    range.setAttribute("aria-valuetext", `event ${at()} of ${total}${row ? `: ${row.step ?? "instance"} ${row.text}` : at() === 0 ? ": before the start" : ""}`);
    live.setAttribute("aria-pressed", String(position === null));
    element.classList.toggle("armillary-live-past", position !== null);
    back.disabled = at() <= 0;
    on.disabled = position === null || at() >= total;
    play.disabled = total === 0;
  }

  function go(number) {
    const next = Math.max(0, Math.min(total, number));
    if (next === total) return now();
    position = next;
    tell();
    travel(position);
  }

  function now() {
    position = null;
    tell();
    travel(null);
  }

  /** How long the history rests between two events, shortened. */
  function pauseAfter(number) {
    const [one, two] = [rowOf(number), rowOf(number + 1)];
    const real = one && two ? Date.parse(two.at) - Date.parse(one.at) : SHORTEST;
    return Math.min(LONGEST, Math.max(SHORTEST, real)) / Number(speed.value);
  }

  function start() {
    if (at() >= total) { position = 0; travel(0); }
    playing = true;
    label();
    tell();
    timer = setTimeout(step, pauseAfter(at()));
  }

  function step() {
    go(at() + 1);
    if (at() >= total) return pause();
    timer = setTimeout(step, pauseAfter(at()));
  }

  function pause() {
    clearTimeout(timer);
    playing = false;
    label();
  }

  function label() {
    play.replaceChildren(icon(playing ? PAUSE : PLAY));
    play.setAttribute("aria-label", playing ? "Pause" : "Play the history");
  }

  /** Failures, waits and ends as ticks over the track. */
  function mark() {
    const [wide, high] = [Math.max(1, marks.clientWidth), Math.max(1, marks.clientHeight)];
    const ratio = window.devicePixelRatio || 1;
    [marks.width, marks.height] = [wide * ratio, high * ratio];
    const [pen, style] = [marks.getContext("2d"), getComputedStyle(element)];
    pen.scale(ratio, ratio);
    for (const tone of ["busy", "good", "bad"]) {
      pen.fillStyle = style.getPropertyValue(TONES[tone]);
      for (const row of rows) if (row.tone === tone) pen.fillRect((row.number / total) * (wide - 2), 0, 2, high);
    }
  }
  const sized = new ResizeObserver(mark);
  sized.observe(marks);

  range.addEventListener("input", () => { pause(); go(Number(range.value)); });
  element.addEventListener("keydown", (event) => {
    event.stopPropagation(); // The notebook has commands on single keys.
    if (event.key !== " " || event.target !== range) return;
    event.preventDefault();
    if (playing) pause();
    else start();
  });

  return {
    element,
    /** What has happened by now. */
    update(nextRows, nextTotal) {
      const more = nextTotal !== total || nextRows[0] !== rows[0];
      [rows, total] = [nextRows, nextTotal];
      if (more) mark();
      tell();
    },
    go(number) { pause(); go(number); },
    close() { pause(); sized.disconnect(); },
  };
}
