"""Rule 11: the right source, wherever a function comes from."""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import sys
from collections.abc import Iterator
from textwrap import dedent

import pytest
from armillary.authoring import AuthoringError, SourceError, Workflow, call, workflow
from armillary.authoring.source import fingerprint, nested

FLOW = """
from armillary.authoring import call, workflow

def later():
    return workflow(flow)

def flow(x: int):
    y = call("a/b", x=x)
    return y
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module and imports it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(text: str, name: str = "flow_module"):
        path = tmp_path / f"{name}.py"
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        importlib.invalidate_caches()
        sys.modules.pop(name, None)
        return importlib.import_module(name), path

    return write


def test_a_file(module):
    flow, path = module(FLOW)
    found = flow.later()
    assert found.source_map["b"].file == str(path)
    assert found.source_map["b"].line == 7


def test_a_file_that_was_edited_after_import(module):
    flow, path = module(FLOW)
    path.write_text(path.read_text().replace("a/b", "a/c"))
    with pytest.raises(SourceError) as caught:
        flow.later()
    (problem,) = caught.value.problems
    assert problem.code == "authoring.source-changed"
    assert "import it again" in problem.hint


def test_a_file_that_moved_the_function_but_left_it_as_it_is(module):
    flow, path = module(FLOW)
    path.write_text("# a comment\n\n" + path.read_text())
    assert flow.later().source_map["b"].line == 9


def test_a_reloaded_module(module):
    flow, path = module(FLOW)
    path.write_text(path.read_text().replace("a/b", "a/changed"))
    importlib.reload(flow)
    assert list(flow.later().source_map) == ["changed", "complete"]


def test_a_nested_function():
    def make(service: str, limit: int) -> Workflow:
        @workflow
        def inner(x: int):
            return call("a/b", x=x, limit=limit, service=service)

        return inner

    flow = make("s", 3)
    assert flow.captured == {"limit": 3, "service": "s"}
    assert flow.digest != make("s", 4).digest


def test_two_functions_of_one_name():
    @workflow
    def flow():
        return 1

    first = flow

    @workflow
    def flow():
        return 2

    assert first.digest != flow.digest
    assert first.source_map["complete"].line < flow.source_map["complete"].line


def test_a_function_in_a_class(module):
    flow, _ = module(
        """
        from armillary.authoring import call, workflow

        class Flows:
            @workflow
            def flow(x: int):
                return call("a/b", x=x)
        """
    )
    assert list(flow.Flows.flow.source_map) == ["b", "complete"]


@pytest.mark.parametrize(
    ("above", "below", "parameters", "code"),
    [
        ("", "", "self, x: int", "input.self"),
        ("@classmethod", "", "cls, x: int", "decorator.other"),
        ("@staticmethod", "", "x: int", "decorator.other"),
        ("@functools.lru_cache", "", "x: int", "decorator.other"),
    ],
)
def test_methods_and_other_decorators_are_refused(module, above, below, parameters, code):
    with pytest.raises(AuthoringError) as caught:
        module(
            f"""
            import functools
            from armillary.authoring import call, workflow

            class Flows:
                {above}
                @workflow
                {below}
                def flow({parameters}):
                    return 1
            """
        )
    assert code in [problem.code for problem in caught.value.problems]


def test_a_decorator_below(module):
    """Whatever it returns is decorated; here it returns the function itself."""
    with pytest.raises(AuthoringError) as caught:
        module(
            """
            from armillary.authoring import workflow

            def same(function):
                return function

            @workflow
            @same
            def flow():
                return 1
            """
        )
    assert "@same" in str(caught.value)


def test_text_run_by_exec():
    with pytest.raises(SourceError) as caught:
        exec("@workflow\ndef flow():\n    return 1\n", {"workflow": workflow})
    assert caught.value.problems[0].code == "authoring.no-source"
    assert "exec()" in str(caught.value)


def test_text_run_by_exec_where_python_knows_another_text_by_its_name(monkeypatch):
    monkeypatch.setitem(linecache.cache, "<string>", (9, None, ["import os\n"], "<string>"))  # as `python -c` does
    with pytest.raises(SourceError) as caught:
        exec("@workflow\ndef flow():\n    return 1\n", {"workflow": workflow})
    assert caught.value.problems[0].code == "authoring.no-source"


def test_a_set_in_another_order_is_the_same_source():
    """A set that is read from a ``.pyc`` may have its members in another order: 0 and 8 fall on one place."""
    forth, back = (compile(f"def f(x):\n    return x in {text}\n", "f", "exec") for text in ("{0, 8}", "{8, 0}"))
    (one, *_), (other, *_) = nested(forth), nested(back)
    assert repr(one.co_consts) != repr(other.co_consts)
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(next(nested(compile("def f(x):\n    return x in {0, 9}\n", "f", "exec"))))


def test_a_bare_prompt():
    with pytest.raises(SourceError, match="bare Python prompt"):
        exec(compile("@workflow\ndef flow():\n    return 1\n", "<stdin>", "exec"), {"workflow": workflow})


# ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────

CELL = "@workflow\ndef flow(x: int):\n    y = call('a/b', x=x)\n    return y\n"


@pytest.fixture
def shell() -> Iterator[object]:
    """An IPython shell of its own, with the language imported."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.run_cell("from armillary.authoring import workflow, call", store_history=True)
    yield shell
    InteractiveShell.clear_instance()


def run(shell, text: str) -> Workflow:
    shell.run_cell(text, store_history=True).raise_error()
    flow = shell.user_ns["flow"]
    assert isinstance(flow, Workflow)
    return flow


def test_a_cell(shell):
    assert run(shell, CELL).source_map["b"].file == "In [2]"


def test_a_cell_that_is_run_again(shell):
    first = run(shell, CELL)
    again = run(shell, CELL)
    changed = run(shell, CELL.replace("a/b", "a/c"))
    assert (first.digest == again.digest, again.source_map["b"].file) == (True, "In [3]")
    assert (changed.digest == first.digest, changed.source_map["c"].file) == (False, "In [4]")


@pytest.mark.parametrize(
    "first", ["import armillary as arm", "import armillary as arm, asyncio", "if True:\n    import armillary as arm"]
)
@pytest.mark.parametrize("magic", ["", "%%time\n", "%%capture\n"])
def test_a_cell_that_imports_the_language_itself(shell, first, magic):
    """The first thing that anybody writes. Python calls what it has seen imported by other instructions."""
    text = "@arm.workflow\ndef flow(x: int):\n    y = arm.call('a/b', x=x)\n    return y\n"
    flow = run(shell, f"{magic}{first}\n{text}")
    assert flow.source_map["b"].text.strip() == "y = arm.call('a/b', x=x)"
    assert run(shell, text).digest == flow.digest


@pytest.mark.parametrize("magic", ["%%time\n", "%%time\n\n", "%%capture\n"])
def test_a_cell_with_a_magic(shell, magic, capsys):
    span = run(shell, magic + CELL).source_map["b"]
    if magic.startswith("%%time"):
        assert (span.file, span.line) == ("In [2]", 3 + magic.count("\n"))


def test_future_annotations_of_an_earlier_cell(shell):
    shell.run_cell("from __future__ import annotations", store_history=True).raise_error()
    assert run(shell, CELL).definition.input["properties"]["x"] == {"type": "integer"}


def test_a_broken_cell_shows_its_errors_and_no_traceback(shell, capsys):
    result = shell.run_cell(CELL.replace("y = call", "z = 1 + call"), store_history=True)
    shown = capsys.readouterr().out
    assert isinstance(result.error_in_exec, AuthoringError)
    assert shown.startswith("Flow does not compile: 2 problems\n\nIn [2], line 3\n    z = 1 + call('a/b', x=x)\n")
    assert "Traceback" not in shown
    assert "armillary/" not in shown


def test_warnings_are_shown_under_a_cell(shell, capsys):
    run(shell, "@workflow\ndef flow():\n    call('a/b')\n    call('b/b')\n")
    assert "id.ambiguous" in capsys.readouterr().err
