// Pan and zoom. The picture keeps its size; the stage it stands on is moved and scaled by a transform, which the browser
// does without laying out or painting the picture again.

const [SMALLEST, LARGEST, STEP] = [0.05, 4, 1.25];
const [READABLE, MARGIN, FAR] = [0.55, 12, 0.3];
const [SETTLED, GLIDE, DRAGGED] = [180, 220, 4];
const LINE = 32;

/** The camera over `stage` in `pane`. `moved()` is called after each frame in which it moved. */
export function createViewport(pane, stage, moved) {
  let [width, height] = [0, 0];
  let [x, y, scale] = [0, 0, 1];
  let [asked, settling, frame, gliding] = ["width", 0, 0, 0];
  let fitted = false;
  const pointers = new Map();
  let [dragging, pinch] = [false, null];
  let swallow = false;

  function draw() {
    frame = 0;
    stage.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    stage.classList.toggle("armillary-live-far", scale < FAR); // Texts that nobody can read cost the most to paint.
    moved();
  }

  /**
   * While it is moved, the stage is a layer of its own, so that nothing is painted but what comes into view. Not while it
   * is scaled: a layer keeps its resolution, and would be painted in far more pixels than are seen.
   */
  function touch(scaled) {
    stage.style.willChange = scaled ? "" : "transform";
    clearTimeout(settling);
    settling = setTimeout(() => { stage.style.willChange = ""; }, SETTLED);
    frame ||= requestAnimationFrame(draw);
  }

  /** What does not fill the pane is centred, the rest has no gap at its sides. */
  function clamp(at, size, room) {
    if (size + 2 * MARGIN <= room) return (room - size) / 2;
    return Math.min(MARGIN, Math.max(room - size - MARGIN, at));
  }

  function place(nextX, nextY, nextScale = scale) {
    const before = scale;
    scale = Math.min(LARGEST, Math.max(smallest(), nextScale));
    x = clamp(nextX, width * scale, pane.clientWidth);
    y = clamp(nextY, height * scale, pane.clientHeight);
    touch(before !== scale);
  }

  const whole = () => Math.min((pane.clientWidth - 2 * MARGIN) / width, (pane.clientHeight - 2 * MARGIN) / height);
  const smallest = () => Math.min(1, Math.max(SMALLEST / 4, Math.min(SMALLEST * 5, whole() || 1)));

  function zoomTo(next, point = { x: pane.clientWidth / 2, y: pane.clientHeight / 2 }) {
    stop();
    asked = null;
    const to = Math.min(LARGEST, Math.max(smallest(), next));
    place(point.x - (point.x - x) * (to / scale), point.y - (point.y - y) * (to / scale), to);
  }

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const stop = () => { cancelAnimationFrame(gliding); gliding = 0; };

  function glide(toX, toY, toScale = scale) {
    stop();
    toScale = Math.min(LARGEST, Math.max(smallest(), toScale));
    [toX, toY] = [clamp(toX, width * toScale, pane.clientWidth), clamp(toY, height * toScale, pane.clientHeight)];
    if (calm()) return place(toX, toY, toScale);
    const [fromX, fromY, fromScale, began] = [x, y, scale, performance.now()];
    const next = (now) => {
      const part = Math.min(1, Math.max(0, (now - began) / GLIDE));
      const eased = 1 - (1 - part) ** 3;
      [x, y, scale] = [fromX + (toX - fromX) * eased, fromY + (toY - fromY) * eased, fromScale + (toScale - fromScale) * eased];
      touch(fromScale !== toScale);
      gliding = part < 1 ? requestAnimationFrame(next) : 0;
    };
    gliding = requestAnimationFrame(next);
  }

  /** `width`: readable, as wide as the pane; `whole`: all of it. It holds until somebody zooms. */
  function fit(mode) {
    asked = mode;
    if (!pane.clientWidth || !width) return;
    fitted = true;
    stop();
    if (mode === "whole") return place(0, 0, Math.min(1, whole()));
    const to = Math.min(1, Math.max(READABLE, (pane.clientWidth - 2 * MARGIN) / width));
    place((pane.clientWidth - width * to) / 2, MARGIN, to);
  }

  const at = (event) => { const box = pane.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };

  pane.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      return zoomTo(scale * Math.exp(-event.deltaY * (event.deltaMode ? LINE : 1) / 240), at(event));
    }
    const unit = event.deltaMode === 1 ? LINE : event.deltaMode === 2 ? pane.clientHeight : 1;
    const before = [x, y];
    stop();
    place(x - (event.shiftKey ? event.deltaY : event.deltaX) * unit, y - (event.shiftKey ? 0 : event.deltaY) * unit);
    if (before[0] !== x || before[1] !== y) event.preventDefault(); // At its end, the page scrolls on.
  }, { passive: false });

  pane.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    swallow = false;
    pointers.set(event.pointerId, at(event));
    pinch = null;
    stop();
  });
  pane.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    if (pointers.size === 1) {
      if (!dragging && Math.hypot(now.x - before.x, now.y - before.y) < DRAGGED) return;
      if (!dragging) pane.setPointerCapture(event.pointerId);
      dragging = true;
      pane.classList.add("armillary-live-dragging");
      place(x + now.x - before.x, y + now.y - before.y);
    }
    pointers.set(event.pointerId, now);
    if (pointers.size !== 2) return;
    const [one, two] = [...pointers.values()];
    const [apart, middle] = [Math.hypot(one.x - two.x, one.y - two.y), { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 }];
    if (pinch) zoomTo(scale * (apart / pinch), middle);
    pinch = apart;
    dragging = true;
  });
  const released = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    swallow = dragging;
    dragging = false;
    pinch = null;
    pane.classList.remove("armillary-live-dragging");
  };
  pane.addEventListener("pointerup", released);
  pane.addEventListener("pointercancel", released);
  // The click at the end of a drag chooses nothing.
  pane.addEventListener("click", (event) => { if (swallow) event.stopImmediatePropagation(); swallow = false; }, true);

  return {
    get scale() { return scale; },
    /** The part of the picture that is seen, in its own pixels. */
    get window() { return { x: -x / scale, y: -y / scale, width: pane.clientWidth / scale, height: pane.clientHeight / scale }; },
    size(nextWidth, nextHeight) { [width, height] = [nextWidth, nextHeight]; },
    refit() { if (asked) fit(asked); else place(x, y); },
    fit, zoomTo,
    larger: () => zoomTo(scale * STEP),
    smaller: () => zoomTo(scale / STEP),
    pan(right, down) { stop(); place(x - right, y - down); },
    /** Brings a point of the picture to the middle. */
    center(point) { stop(); place(pane.clientWidth / 2 - point.x * scale, pane.clientHeight / 2 - point.y * scale); },
    /** Glides until a box of the picture is seen; stays where it is if it is seen already. */
    reveal(box, always = false) {
      if (!pane.clientWidth) return;
      if (!fitted) fit(asked ?? "width"); // Whoever reveals something first must not leave it at actual size.
      const [left, top, right, bottom] = [x + box.x * scale, y + box.y * scale, x + (box.x + box.width) * scale, y + (box.y + box.height) * scale];
      const seen = left >= 0 && top >= 0 && right <= pane.clientWidth && bottom <= pane.clientHeight;
      if (seen && !always) return;
      asked = null;
      const to = always ? Math.max(scale, READABLE) : scale;
      glide(pane.clientWidth / 2 - (box.x + box.width / 2) * to, pane.clientHeight / 2 - (box.y + box.height / 2) * to, to);
    },
    /** Moves the picture so that a point of it stands where `screen` says; for a picture that was drawn anew. */
    hold(point, screen) { place(screen.x - point.x * scale, screen.y - point.y * scale); },
    screen: (point) => ({ x: x + point.x * scale, y: y + point.y * scale }),
    close() { stop(); cancelAnimationFrame(frame); clearTimeout(settling); },
  };
}
