// A JupyterLab extension as one plain script: the module container that JupyterLab asks for, written by hand, so that
// nothing has to be built. Lab's own modules come from the scope that it shares with its extensions.
//
// It shows outputs of type application/vnd.armillary.diagram+json, before the renderer of widgets (rank −20 wins over
// −10): the live view where its model is there, and else the picture that the notebook was saved with.
(() => {
  "use strict";
  const TYPE = "application/vnd.armillary.diagram+json";
  const WIDGET = "application/vnd.jupyter.widget-view+json";
  const RANK = -20;
  const SETTLED = 1500;
  let scope = null;

  /** The newest version of a module that JupyterLab shares. */
  async function shared(name) {
    const versions = Object.entries(scope[name] ?? {});
    if (versions.length === 0) throw new Error(`expected JupyterLab to share ${name}, and it does not`);
    const key = (version) => version.split(/[.+-]/).map((part) => part.padStart(8, "0")).join();
    versions.sort(([one], [other]) => (key(one) < key(other) ? 1 : -1));
    return (await versions[0][1].get())();
  }

  /**
   * The picture. As an image where the notebook is not trusted: then neither a script nor a style of it reaches the page.
   */
  function drawing({ svg, caption }, trusted) {
    const root = new DOMParser().parseFromString(String(svg ?? ""), "image/svg+xml").documentElement;
    if (root.nodeName !== "svg") return document.createTextNode("");
    root.dataset.theme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
    root.style.maxWidth = "100%";
    root.style.height = "auto";
    if (trusted) return document.importNode(root, true);
    const image = document.createElement("img");
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(root))}`;
    image.alt = `Workflow diagram. ${caption ?? ""}`;
    image.style.maxWidth = "100%";
    return image;
  }

  /**
   * Resolves when a notebook's widgets can be drawn. Until its widget manager is there, the notebook has the renderer that
   * all notebooks share, and that one waits for a manager which it is only given as a direct part of an output.
   */
  function managed(rendermime, everywhere) {
    if (rendermime.getFactory(WIDGET) !== everywhere.getFactory(WIDGET)) return Promise.resolve();
    return new Promise((resolve) => {
      const add = rendermime.addFactory;
      rendermime.addFactory = function addFactory(factory, rank) {
        add.call(this, factory, rank);
        if (factory.mimeTypes.includes(WIDGET)) resolve();
      };
    });
  }

  function renderer(Panel, Widget, rendermime, ready, open) {
    return class Output extends Panel {
      constructor() {
        super();
        this.addClass("armillary-output");
        this._still = new Widget();
        this._inner = null;
        this._known = "";
        this.addWidget(this._still);
        this.node.addEventListener("armillary:shown", (event) => this._shown(event));
        this.node.addEventListener("armillary:source", (event) => open(event.detail));
        this._themes = new MutationObserver(() => this._draw());
        this._themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
      }

      dispose() {
        clearTimeout(this._timer);
        this._themes?.disconnect();
        super.dispose();
      }

      async renderModel(model) {
        this._model = model;
        this._draw();
        const view = model.data[WIDGET]?.model_id ?? "";
        if (!model.trusted || view === "" || view === this._known) return;
        this._known = view;
        // The rest is not waited for: what an output shows in the meantime is the picture.
        void ready.then(() => this._follow(model, view));
      }

      async _follow(model, view) {
        if (this.isDisposed || view !== this._known) return;
        this._inner?.dispose();
        this._still.show();
        this._inner = rendermime.createRenderer(WIDGET);
        this._inner.hide();
        this.addWidget(this._inner);
        await this._inner.renderModel(model);
      }

      _draw() {
        const data = this._model?.data[TYPE];
        if (!data || this._still.isHidden) return;
        const caption = document.createElement("figcaption");
        caption.textContent = `${data.caption ?? ""}${data.at ? ` · as of ${new Date(data.at).toLocaleString()}` : ""}`;
        caption.style.cssText = "color: var(--jp-ui-font-color2); font: 12px/1.6 var(--jp-ui-font-family)";
        const figure = document.createElement("figure");
        figure.className = "armillary-static";
        figure.style.margin = "0";
        figure.append(drawing(data, this._model.trusted), caption);
        this._still.node.replaceChildren(figure, ...beside(data.forms, this._still.node));
      }

      /** The live view is there; once it has been still for a moment, its picture becomes the one that is saved. */
      _shown(event) {
        if (this._inner?.isHidden) {
          this._inner.show();
          this._still.hide();
        }
        clearTimeout(this._timer);
        this._timer = setTimeout(() => {
          const before = this._model.data;
          const now = { ...before[TYPE], ...event.detail() };
          if (this.isDisposed || now.revision === before[TYPE].revision) return;
          this._model.setData({ data: { ...before, [TYPE]: now, "text/html": page(now) } });
        }, SETTLED);
      }
    };
  }

  /** The other forms of a definition, to unfold side by side; what is unfolded stays so when it is drawn again. */
  function beside(forms, before) {
    if (!Array.isArray(forms) || forms.length === 0) return [];
    const open = new Set([...before.querySelectorAll("details[open]")].map((part) => part.dataset.form));
    const row = document.createElement("div");
    row.className = "armillary-forms";
    row.style.cssText = "display: flex; gap: 4px 24px; align-items: flex-start; margin-top: 8px";
    for (const { name, text } of forms) {
      const part = document.createElement("details");
      const head = document.createElement("summary");
      const body = document.createElement("pre");
      part.dataset.form = String(name);
      part.open = open.has(part.dataset.form);
      part.style.cssText = "flex: 0 1 auto; min-width: 0; color: var(--jp-content-font-color1)";
      head.textContent = String(name);
      head.style.cssText = "cursor: pointer; font: 12px/1.6 var(--jp-ui-font-family)";
      body.textContent = String(text);
      body.style.cssText =
        "max-height: 36em; overflow: auto; margin: 4px 0 0; padding: 8px 12px; border: 1px solid var(--jp-border-color2);" +
        "background: var(--jp-layout-color1); font: var(--jp-code-font-size)/1.4 var(--jp-code-font-family)";
      part.append(head, body);
      row.append(part);
    }
    return [row];
  }

  /** The same for readers without this extension. */
  function page({ svg, caption }) {
    const text = document.createElement("p");
    text.textContent = caption;
    return `<figure style="margin:0;overflow-x:auto">${svg}</figure>${text.outerHTML}`;
  }

  /** To where a step was written: a cell by the number of its run, or a file below the server's folder. */
  async function goTo(app, notebook, { file, line }) {
    const run = /^In \[(\d+)\]$/.exec(file);
    let editor = null;
    if (run) {
      const cells = notebook.content.widgets;
      const index = cells.findIndex((cell) => cell.model.executionCount === Number(run[1]));
      if (index < 0) return;
      notebook.content.activeCellIndex = index;
      await notebook.content.scrollToItem(index);
      editor = cells[index].editor;
    } else {
      const folder = notebook.context.path.split("/").slice(0, -1);
      const opened = await app.commands.execute("docmanager:open", { path: [...folder, file.split("/").at(-1)].join("/") }).catch(() => null);
      await opened?.context?.ready;
      editor = opened?.content?.editor ?? null;
    }
    if (editor === null) return;
    editor.setSelection({ start: { line: line - 1, column: 0 }, end: { line, column: 0 } });
    editor.revealPosition({ line: line - 1, column: 0 });
    editor.focus();
  }

  async function plugin() {
    const [{ INotebookTracker }, { IRenderMimeRegistry }, { Panel, Widget }] = await Promise.all(
      [shared("@jupyterlab/notebook"), shared("@jupyterlab/rendermime"), shared("@lumino/widgets")]);
    return {
      id: "armillary:diagrams",
      description: "Shows workflow diagrams of notebooks with and without a kernel.",
      autoStart: true,
      requires: [INotebookTracker, IRenderMimeRegistry],
      activate(app, tracker, everywhere) {
        const equip = (notebook) => {
          const { rendermime } = notebook.content;
          const open = (place) => goTo(app, notebook, place);
          const Output = renderer(Panel, Widget, rendermime, managed(rendermime, everywhere), open);
          rendermime.addFactory({ safe: true, mimeTypes: [TYPE], createRenderer: () => new Output() }, RANK);
        };
        tracker.forEach(equip);
        tracker.widgetAdded.connect((_, notebook) => equip(notebook));
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB.armillary = {
    init(given) { scope = given; },
    async get(name) {
      if (name !== "./extension") throw new Error(`expected ./extension, got ${name}`);
      const found = await plugin();
      return () => ({ __esModule: true, default: found });
    },
  };
})();
