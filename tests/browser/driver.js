// What the tests do in a JupyterLab page, on the notebook that is in front. `window.jupyterapp` is JupyterLab's own.
window.driver = {
  get panel() { return window.jupyterapp?.shell?.currentWidget; },
  get kernel() { return this.panel?.sessionContext?.session?.kernel; },
  get cells() { return this.panel.content.widgets; },

  ready() {
    return this.panel?.sessionContext?.isReady && this.kernel?.status === "idle" && this.kernel.connectionStatus === "connected";
  },
  ids() { return this.cells.map((cell) => cell.model.id); },
  isCode(index) { return this.cells[index].model.type === "code"; },
  outputs(index) { return this.cells[index].model.outputs.toJSON(); },
  write(index, source) { this.cells[index].model.sharedModel.setSource(source); },
  writeAll(sources) { sources.forEach((source, index) => { this.clear(index); this.write(index, source); }); },
  clear(index) { this.cells[index].model.clearExecution(); },

  start(index) {
    const { content } = this.panel;
    content.deselectAll();
    content.activeCellIndex = index;
    this.cells[index].model.executionCount = null;
    void window.jupyterapp.commands.execute("notebook:run-cell");
  },
  ended(index) { return this.cells[index].model.executionCount !== null; },
  error(index) {
    const found = this.outputs(index).find((output) => output.output_type === "error");
    return found ? found.traceback.join("\n") : null;
  },
  text(index) {
    return this.outputs(index).map((output) => output.text ?? output.data?.["text/plain"] ?? "").flat().join("");
  },

  /** Runs code beside the notebook's cells; gives what it prints. */
  async execute(code) {
    let text = "";
    const future = this.kernel.requestExecute({ code, silent: false, store_history: false });
    future.onIOPub = (message) => { if (message.header.msg_type === "stream") text += message.content.text; };
    await future.done;
    return text;
  },
  save() { return window.jupyterapp.commands.execute("docmanager:save"); },
  useTheme(theme) { return window.jupyterapp.commands.execute("apputils:change-theme", { theme }); },
  shutDown() { return this.panel.sessionContext.shutdown(); },
  restart() { return this.kernel.restart(); },

  /** As an older JupyterLab does it: messages of widgets wait for the running cell. */
  disableSubshells() {
    for (const comm of this.kernel._comms.values()) comm.commsOverSubshells = "disabled";
  },
};
