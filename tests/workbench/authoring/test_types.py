"""The stubs are typed: what mypy, pyright and an editor's completion know of values inside a workflow function."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from armillary.completion import members_at, teach

FILE = Path(__file__).parent / "typed.py"
WANTED = {
    number: found[1]
    for number, line in enumerate(FILE.read_text(encoding="utf-8").splitlines(), 1)
    if (found := re.search(r"reveal_type\(.*\)  # (.+)$", line))
}
MODULE = re.compile(r"\b(?:[a-z_]\w*\.)+")
CELL = """\
@workflow
def approve(application: Application):
    quote = call("rating/quote", policy=application.policy_id, reply=Quote)
    review = task("Review", roles=["lead"], answer=Review)
    for line in quote.lines:
        {}
"""


def plain(type_: str) -> str:
    """A type's name without its modules, and without what a checker adds to it."""
    return MODULE.sub("", type_.replace("builtins.", "").rstrip("?")).strip('"')


@pytest.mark.timeout(300)
def test_mypy_knows_them() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-incremental", str(FILE)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = re.findall(r':(\d+): note: Revealed type is "(.+)"', run.stdout)
    assert {int(line): plain(type_) for line, type_ in told} == WANTED
    assert "error:" not in run.stdout


@pytest.mark.timeout(300)
def test_pyright_knows_them() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", str(FILE)], capture_output=True, text=True, check=False,
        env={**__import__("os").environ, "PYRIGHT_PYTHON_GLOBAL_NODE": "0", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )  # fmt: skip
    found = json.loads(run.stdout)["generalDiagnostics"]
    told = {one["range"]["start"]["line"] + 1: re.search(r'is "(.+)"$', one["message"]) for one in found}
    assert {line: plain(type_[1]) for line, type_ in told.items() if type_} == WANTED
    assert [one["message"] for one in found if one["severity"] == "error"] == []


@pytest.fixture(scope="module")
def shell():
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    head = FILE.read_text(encoding="utf-8").split("@workflow", 1)[0].replace("from typing_extensions", "from typing")
    shell.run_cell(head).raise_error()
    teach(shell)
    yield shell
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("written", "offered"),
    [
        ("application.", "policy_id"), ("quote.", "premium"), ("quote.premium.quan", "quantize"),
        ("review.", "approved"), ("line.", "price"), ("call", "call"), ("wait_", "wait_for_signal"),
    ],
)  # fmt: skip
def test_completion_in_a_cell(shell, written: str, offered: str) -> None:
    """As a kernel answers JupyterLab: IPython's completer, which asks jedi."""
    from IPython.core.completer import provisionalcompleter

    code = CELL.format(written)
    shell.Completer.use_jedi = True
    shell.Completer.jedi_compute_type_timeout = 10_000
    with provisionalcompleter():
        found = [one.text for one in shell.Completer.completions(code, code.index(written) + len(written))]
    assert offered in [text.rpartition(".")[2] for text in found]


@pytest.mark.parametrize(
    ("written", "offered"),
    [
        ("quote.lines[0].", ["name", "price"]), ("quote.lines[0].pr", ["price"]), ("nothing.", []),
        ("quote.nothing.", []), ("(1 + ", []), ('paid = wait_for_signal("p", payload=Payment); paid.', []),
    ],
)  # fmt: skip
def test_members_of_what_is_written(shell, written: str, offered: list[str]) -> None:
    code = CELL.format(written)
    assert members_at(code, code.index(written) + len(written), shell.user_ns) == offered


def test_nothing_is_offered_outside_of_a_workflow(shell) -> None:
    code = CELL.format("quote.").replace("@workflow", "@dataclass")
    assert members_at(code, code.index("quote.\n") + 6, shell.user_ns) == []
