// One store for each model: the newest state that the kernel told, for all views of it on this page.
import { applyChanges, parsePicture } from "./picture.js";

const ANSWERED = 10_000;

/**
 * `subscribe(listener)` hears `("snapshot" | "change" | "connection", message)`; what it gives ends that. `merge(data, change)`
 * gives the state after a change, `kept(data)` what a notebook keeps beside the picture.
 */
export function createStore(model, merge, kept) {
  const listeners = new Set();
  const requests = new Map();
  const views = new Set();
  const asked = new Map();
  let data = model.get("snapshot");
  let picture = drawn(data);
  let alive = true;
  let answering = 0;

  const tell = (kind, message) => { for (const listener of [...listeners]) listener(kind, message); };

  function take(message) {
    switch (message.kind) {
      case "snapshot":
        data = message;
        picture = drawn(data);
        break;
      case "change":
        if (message.sequence <= data.sequence) return;
        if (message.sequence !== data.sequence + 1) return model.send({ kind: "sync", sequence: data.sequence });
        data = merge(data, message);
        applyChanges(picture, message.overlay);
        break;
      case "moment":
        asked.get(message.request)?.(message);
        asked.delete(message.request);
        return;
      case "received":
        return requests.get(message.request)?.received();
      case "reply":
        requests.get(message.request)?.done(message);
        requests.delete(message.request);
        return;
      default:
        return;
    }
    connect(true);
    acknowledge();
    tell(message.kind, message);
  }

  function connect(value) {
    if (alive === value) return;
    alive = value;
    tell("connection");
  }

  /** A page that answers is there; one that does not is not followed any more after a while. */
  function acknowledge() {
    answering ||= setTimeout(() => {
      answering = 0;
      for (const name of views) model.send({ kind: "seen", view: name });
    }, ANSWERED);
  }

  /** Asks for something to be done; `handlers` hear how it goes. */
  function order(question, handlers) {
    const request = Math.random().toString(36).slice(2);
    requests.set(request, handlers);
    model.send({ ...question, request });
  }

  const goneOrBack = (event) => {
    for (const name of views) {
      model.send(event.type === "pagehide" ? { kind: "closed", view: name } : { kind: "opened", view: name, sequence: data.sequence });
    }
  };
  /** It may have been frozen or cut off for so long that it was given up. */
  const awake = () => { if (document.visibilityState === "visible") goneOrBack({ type: "pageshow" }); };

  model.on("msg:custom", take);
  model.on("comm_live_update", () => connect(model.comm_live ?? false));
  model.on("destroy", () => connect(false));
  window.addEventListener("pagehide", goneOrBack);
  window.addEventListener("pageshow", goneOrBack);
  document.addEventListener("visibilitychange", awake);
  window.addEventListener("online", awake);

  return {
    get data() { return data; },
    /** The diagram as it is now; for copying. */
    get picture() { return picture; },
    get alive() { return alive; },
    /** What a notebook keeps for the time without a kernel. */
    keepsake: () => ({ svg: new XMLSerializer().serializeToString(picture), ...kept(data) }),
    subscribe(listener) {
      const name = crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
      listeners.add(listener);
      views.add(name);
      model.send({ kind: "opened", view: name, sequence: data.sequence });
      return () => {
        listeners.delete(listener);
        views.delete(name);
        model.send({ kind: "closed", view: name });
      };
    },
    /** Asks for something to be done with a task, or with the instance itself (`task`: `null`). */
    act(verb, task, told, handlers) {
      order({ kind: "act", verb, ...(task === null ? {} : { task }), arguments: told }, handlers);
    },
    order,
    /** Asks for what is answered once, to `then`. */
    ask(question, then) {
      const request = Math.random().toString(36).slice(2);
      asked.set(request, then);
      model.send({ ...question, request });
    },
    send(message) { model.send(message); },
    close() {
      clearTimeout(answering);
      window.removeEventListener("pagehide", goneOrBack);
      window.removeEventListener("pageshow", goneOrBack);
      document.removeEventListener("visibilitychange", awake);
      window.removeEventListener("online", awake);
      connect(false);
    },
  };
}

/** The picture of a snapshot; what lies over it comes apart where the picture is drawn bare. */
function drawn(data) {
  const picture = parsePicture(data.svg);
  if (data.overlay) applyChanges(picture, data.overlay);
  return picture;
}
