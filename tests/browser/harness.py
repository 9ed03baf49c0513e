"""JupyterLab and Chromium for tests: a server of its own with an empty home, and pages on its notebooks.

Nothing here waits by sleeping: each wait is on a condition in the page or in the server's own files.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

TOKEN = "test"
PATIENCE = 60_000
"""Milliseconds before a wait gives up; a limit for a broken test, not a speed that is asserted."""

DRIVER = Path(__file__).with_name("driver.js")
EXTENSIONS = Path(__file__).parents[2] / "workbench" / "labextension"

_QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Lab:
    """A running JupyterLab on an empty folder."""

    def __init__(self, folder: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder / "notebooks"
        self.home = folder / "home"
        self.folder.mkdir(parents=True)
        self._runtime = self.home / "runtime"
        self._log = (folder / "lab.log").open("wb")
        self._write_settings()
        places = {
            "HOME": self.home, "JUPYTER_CONFIG_DIR": self.home / "config", "JUPYTER_DATA_DIR": self.home / "data",
            "JUPYTER_RUNTIME_DIR": self._runtime, "IPYTHONDIR": self.home / "ipython",
            "XDG_DATA_HOME": self.home / "share",
            "JUPYTERLAB_SETTINGS_DIR": self.home / "settings", "JUPYTERLAB_WORKSPACES_DIR": self.home / "workspaces",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root",
                f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.folder}", "--expose-app-in-browser",
                f"--LabApp.extra_labextensions_path={EXTENSIONS}", "--LabApp.news_url=",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ],
            env={**os.environ, **{name: str(path) for name, path in places.items()}, **(environment or {})},
            stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        self.url = self._wait_for_url()

    def _write_settings(self) -> None:
        quiet = self.home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        quiet.parent.mkdir(parents=True)
        quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))

    def _wait_for_url(self) -> str:
        """The server writes a file with its port when it listens."""
        end = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < end and self._process.poll() is None:
            for path in self._runtime.glob("jpserver-*.json"):
                try:
                    return str(json.loads(path.read_text())["url"])
                except (ValueError, KeyError):
                    continue
            time.sleep(0.05)
        raise RuntimeError(f"expected JupyterLab to start, got its log in {self._log.name}")

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """A notebook of code cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.folder / name
        nbformat.write(notebook, path)
        return path

    def api(self, path: str) -> Any:
        """What the server's REST interface says."""
        request = Request(f"{self.url}api/{path}", headers={"Authorization": f"token {TOKEN}"})
        with urlopen(request) as response:
            return json.load(response)

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._log.close()


@contextmanager
def chromium(path: str | None = None) -> Iterator[Browser]:
    """The machine's Chromium, headless."""
    executable = (
        path or os.environ.get("ARMILLARY_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_QUIET))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def lab_page(browser: Browser, *, width: int = 1280, height: int = 900, **options: Any) -> Iterator[Page]:
    """An empty page in a context of its own (no shared storage)."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(path=DRIVER)
    try:
        yield context.new_page()
    finally:
        context.close()


class Notebook:
    """A notebook that is open in a page."""

    def __init__(self, page: Page, lab: Lab, name: str, *, mode: str = "doc") -> None:
        self.page = page
        self.lab = lab
        place = "doc/tree" if mode == "doc" else "lab/tree"
        page.goto(f"{lab.url}{place}/{name}?token={TOKEN}&reset")
        self.wait_until_ready()

    @property
    def length(self) -> int:
        """How many cells it has."""
        return len(self._ids())

    def index(self, cell: str) -> int:
        """Where the cell with this id stands."""
        return self._ids().index(cell)

    def kernel_process(self) -> int:
        """The process id of its kernel."""
        return int(self.page.evaluate("() => driver.execute('import os; print(os.getpid())')"))

    @property
    def is_ready(self) -> bool:
        """Whether its kernel is there and idle."""
        return bool(self.page.evaluate("() => driver.ready()"))

    def write(self, cells: Sequence[str]) -> None:
        """Writes its cells, and removes their outputs."""
        self.page.evaluate("(cells) => driver.writeAll(cells)", list(cells))

    def set_source(self, cell: int, source: str) -> None:
        """Writes a cell."""
        self.page.evaluate("([index, source]) => driver.write(index, source)", [cell, source])

    def start(self, cell: int) -> None:
        """Runs a cell and does not wait for its end."""
        self.page.evaluate("(index) => driver.start(index)", cell)

    def run(self, cell: int) -> None:
        """Runs a cell to its end; fails with what an error says."""
        self.start(cell)
        self.wait_for_end(cell)

    def run_all(self, *, until: int | None = None) -> None:
        """Runs the cells from the first to ``until`` (not included), each to its end."""
        for index in range(self.length if until is None else until):
            if self.page.evaluate("(index) => driver.isCode(index)", index):
                self.run(index)

    def wait_for_end(self, cell: int) -> None:
        """Until a cell that was started has run to its end."""
        self.page.wait_for_function("(index) => driver.ended(index)", arg=cell)
        error = self.page.evaluate("(index) => driver.error(index)", cell)
        if error:
            raise AssertionError(f"cell {cell}: {error}")

    def text(self, cell: int) -> str:
        """The text outputs of a cell."""
        return str(self.page.evaluate("(index) => driver.text(index)", cell))

    def use_theme(self, name: str) -> None:
        """Changes JupyterLab's theme, as its menu does, and waits until it is there."""
        self.page.evaluate("(theme) => driver.useTheme(theme)", name)

    def save(self) -> None:
        """Writes the file."""
        self.page.evaluate("() => driver.save()")

    def shut_down(self) -> None:
        """Ends its kernel; the page stays."""
        self.page.evaluate("() => driver.shutDown()")

    def restart_kernel(self) -> None:
        """Restarts its kernel and waits until it is ready."""
        self.page.evaluate("() => driver.restart()")
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until a kernel, perhaps a new one, is there and idle."""
        self.page.wait_for_function("() => driver.ready()")

    def wait_until_busy(self) -> None:
        """Until its kernel runs a cell."""
        self.page.wait_for_function("() => driver.kernel.status === 'busy'")

    def _ids(self) -> list[str]:
        return list(self.page.evaluate("() => driver.ids()"))
