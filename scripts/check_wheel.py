"""Checks an installed wheel from outside the checkout, in an environment without Jupyter (see .ci/run)."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import importlib.util
import subprocess
import sys
from pathlib import Path

PROGRAM = """\
from armillary import workflow

@workflow
def Smoke(amount: int):
    if amount > 10:
        verdict = "large"
    else:
        verdict = "small"
    return verdict
"""


def main() -> None:
    """Raises SystemExit with a sentence where something that the wheel promises is not there."""
    for name in ("armillary_engine", "armillary_renderers", "armillary"):
        spec = importlib.util.find_spec(name)
        expect(spec is not None and "site-packages" in str(spec.origin), f"{name} installed from the wheel")
        __import__(name)
    jupyter = sorted(name for name in sys.modules if name.split(".")[0] in ("IPython", "ipykernel", "ipywidgets"))
    expect(not jupyter, f"an import without Jupyter, got {jupyter}")
    expect(importlib.util.find_spec("jupyterlab") is None, "an environment without jupyterlab")
    package = importlib.resources.files("armillary")
    expect((package / "notebooks" / "00_first_workflow.ipynb").is_file(), "the guided notebook inside the wheel")
    extension = [file for file in importlib.metadata.files("armillary") or () if file.name == "remoteEntry.js"]
    expect(len(extension) == 1, f"the extension for JupyterLab once, got {[str(file) for file in extension]}")
    expect(
        "share/jupyter/labextensions/armillary" in extension[0].as_posix(), f"it where Jupyter looks, got {extension}"
    )
    groups = {point.name for point in importlib.metadata.entry_points(group="armillary.backends")}
    expect({"memory", "sqlite"} <= groups, f"the backends memory and sqlite as entry points, got {sorted(groups)}")
    command_line()
    print("the wheel holds what it promises")


def command_line() -> None:
    """Compiles, renders and runs a small workflow with the installed command; `lab` must refuse in one sentence."""
    Path("smoke.py").write_text(PROGRAM)
    compiled = armillary("compile", "smoke.py:Smoke", "-o", "smoke.json")
    expect(compiled.returncode == 0, f"`armillary compile` to succeed, got {compiled.stderr}")
    rendered = armillary("render", "smoke.json", "-o", "smoke.svg")
    expect(rendered.returncode == 0 and Path("smoke.svg").read_text().count("<svg"), f"an SVG, got {rendered.stderr}")
    ran = armillary("run", "smoke.json", "--input", '{"amount": 12}', "--url", "sqlite:///smoke.sqlite")
    expect(ran.returncode == 0 and "large" in ran.stdout, f"the outcome `large`, got {ran.stdout}{ran.stderr}")
    lab = armillary("lab")
    expect(lab.returncode != 0 and "armillary[lab]" in lab.stderr, f"how to get JupyterLab, got {lab.stderr}")


def armillary(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the installed `armillary` command."""
    program = Path(sys.executable).with_name("armillary")
    return subprocess.run(
        [str(program), *arguments], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )


def expect(held: object, what: str) -> None:
    """Stops with a sentence where something does not hold."""
    if not held:
        sys.exit(f"the wheel: expected {what}")


if __name__ == "__main__":
    main()
