// Where a view stands in the history: in the present, which changes by itself, or at a moment of the past.

/** The values after a change of them. */
export function grown(tree, change) {
  const changed = new Map(change.set);
  const gone = new Set(change.removed);
  const state = tree.state.filter(([name]) => !gone.has(name)).map(([name, node]) => [name, changed.get(name) ?? node]);
  const known = new Set(state.map(([name]) => name));
  return { ...tree, state: [...state, ...change.set.filter(([name]) => !known.has(name))], output: change.output ?? tree.output };
}

/** `arrive(moment)` is told each moment that was reached, as `{number, header, tree, overlay}`. One request at a time. */
export function createPast(store, arrive) {
  let [here, wanted, asking, drawing] = [null, null, false, 0];

  const last = () => store.data.history.at(-1)?.number ?? 0;

  function ask() {
    if (asking || wanted === null || wanted === here?.number) return;
    asking = true;
    const from = here ?? { number: last(), tree: store.data.tree };
    const picture = drawing;
    store.ask({ kind: "seek", before: from.number, number: wanted }, (message) => {
      if (picture !== drawing) return; // What it tells became different of a picture that is gone.
      asking = false;
      here = { number: message.number, header: message.header, tree: grown(from.tree, message.tree) };
      arrive({ ...here, overlay: message.overlay });
      ask();
    });
  }

  return {
    /** The moment that is shown; `null`: the present. */
    get here() { return here; },
    get travelling() { return wanted !== null; },
    /** To the moment after an event; the newest wish wins. */
    go(number) { wanted = number; ask(); },
    /** The picture was drawn anew, as it is now: the way to the moment begins there. */
    again() { drawing += 1; here = null; asking = false; ask(); },
    present() { drawing += 1; [here, wanted, asking] = [null, null, false]; },
  };
}
