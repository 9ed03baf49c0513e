"""Definition → readable Python, or YAML, that means the same: compiling it gives the same digest.

The Python is written, compiled again, and written with more ids until every step has its own; so what is returned is
known to compile to the same definition.
"""

from __future__ import annotations

import inspect
import linecache
import warnings
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from armillary_engine.definition.codec import dumps, identity, to_document
from armillary_engine.definition.expression_json import is_identifier
from armillary_engine.definition.model import Body, Definition
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.validate import validate
from armillary_engine.definition.versions import is_draft

from ..compile.functions import snake
from ..origins import without_source
from ..source import DECOMPILED
from ..workflow import Workflow
from ..workflow import pascal as pascal_of
from .expressions import Printer
from .literals import WIDTH, literal
from .names import Naming, names_in
from .python import Writer
from .schemas import Types
from .signature import assigned, handlers, listed, may_be_parameters, returned, signed

_FILES = count()
AS_YAML = 'write it as YAML: decompile(definition, to="yaml")'


@dataclass(frozen=True)
class Style:
    """``plain``: schemas are written as they are, not as models. ``dated``: any value may be a date, so it is compared
    as text explicitly. ``parameters``: each member of the input is a parameter."""

    plain: bool = False
    dated: bool = False
    parameters: bool = False


STYLES = (
    Style(parameters=True),
    Style(parameters=True, dated=True),
    Style(),
    Style(dated=True),
    Style(plain=True),
    Style(plain=True, dated=True),
)
"""From the most readable on; the first that means the same is taken."""


class DecompileError(ArmillaryError):
    """A definition that has no Python (``decompile.*``)."""


def decompile(definition: Definition | Workflow, to: Literal["python", "yaml"] = "python") -> str:
    """Source text that means ``definition``: its digest, titles and notes are the same.

    Raises :class:`DecompileError` for a definition that cannot be written, such as one with errors.
    """
    found = definition.definition if isinstance(definition, Workflow) else definition
    if to == "yaml":
        from ..yaml_writer import write_yaml

        return write_yaml(without_source(found))
    reason: Exception | None = None
    for style in STYLES:
        if style.parameters and not may_be_parameters(found):
            continue
        try:
            return agreed(found, style)
        except ArmillaryError as error:
            reason = error
    wrong = [problem for problem in validate(found) if problem.severity == "error"]
    if wrong:
        message = f"expected a definition without errors, got one at {wrong[0].pointer or '/'}: {wrong[0].message}"
    else:
        message = f"expected a definition that can be written in Python, got: {getattr(reason, 'message', reason)}"
    raise DecompileError("decompile.unwritable", message, hint=AS_YAML)


def agreed(definition: Definition, style: Style) -> str:
    """Python that compiles to ``definition``; ids are written where they would be derived differently."""
    wanted = ids_of(definition.body)
    named: frozenset[str] = frozenset()
    while True:
        source = write(definition, named, style)
        workflow = compiled(source)
        got = ids_of(workflow.definition.body)
        doubtful = {problem.step for problem in workflow.problems if problem.code == "id.ambiguous"}
        more = {one for one, other in zip(wanted, got, strict=True) if one != other or other in doubtful} - named
        if not more:
            break
        named |= more
    if identity(workflow.definition).digest != identity(definition).digest:
        where = difference(to_document(definition), to_document(workflow.definition))
        message = f"expected the same definition, got another at {where}"
        raise DecompileError("decompile.different", message, hint=AS_YAML)
    return source


def difference(one: Any, other: Any, pointer: str = "") -> str:
    """Where two documents begin to differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key != "meta" and dumps(one.get(key)) != dumps(other.get(key)):
                return difference(one.get(key), other.get(key), f"{pointer}/{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            if dumps(a) != dumps(b):
                return difference(a, b, f"{pointer}/{index}")
    return f"{pointer}: {str(one)[:200]} became {str(other)[:200]}"


def ids_of(body: Body) -> list[str]:
    """Every id, in document order."""
    from armillary_engine.definition.fields import FIELDS, Holds

    found: list[str] = []
    for step in body:
        found.append(step.id)
        for row in FIELDS[type(step)]:
            value = getattr(step, row.attribute)
            if row.holds is Holds.BODY and value is not None:
                found += ids_of(value)
            elif row.holds is Holds.OBJECTS:
                for item in value or ():
                    found += ids_of(getattr(item, "body", ()))
    return found


def compiled(source: str) -> Workflow:
    """Runs decompiled source, which defines models and one workflow."""
    file = f"{DECOMPILED}{next(_FILES)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "decompiled"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, file, "exec", dont_inherit=True), namespace)
    except ArmillaryError:
        raise
    except Exception as error:
        message = f"expected Python that runs, got {type(error).__name__}: {error}"
        raise DecompileError("decompile.invalid", message, hint=AS_YAML) from error
    finally:
        linecache.cache.pop(file, None)
    return next(value for value in reversed(namespace.values()) if isinstance(value, Workflow))


# ── the module ───────────────────────────────────────────────────────────────────────────────────────────────────────


def write(definition: Definition, named: frozenset[str], style: Style) -> str:
    """The module's text."""
    used = names_in(definition)
    naming = Naming(set(used - {"input", "now", "instance", "error", "answer"}))
    types = Types(naming, plain=style.plain)
    if any(handler.name and "error" in names_in(handler.body) for handler in handlers(definition.body)):
        naming.verb("error")
    parameter, parameters = "", []
    if style.parameters:
        parameters = listed(definition, types, naming)
    elif definition.input or "input" in used:
        input_type = types.of(definition.input, "Input")
        wanted = snake(input_type) if is_identifier(input_type) else "input"
        parameter = naming.fresh(wanted if wanted not in ("input", "now", "instance", "error", "answer") else "input")
        parameters = [f"{parameter}: {input_type}"]
    output = types.of(definition.output, "Output") if definition.output is not None else ""
    printer = Printer(naming, parameter, style.dated, frozenset(assigned(definition.body)))
    writer = Writer(naming, printer, types, definition.meta.steps, named, frozenset(returned(definition, named)))
    body = writer.body(definition.body)
    name = naming.fresh(snake(definition.name) if is_identifier(snake(definition.name)) else "flow")
    signature = signed(name, parameters, f" -> {output}:" if output else ":")
    lines = [*decorator(definition, name, naming), *signature]
    lines += [f"    {line}".rstrip() for line in [*docstring(definition), *body]]
    text = "\n".join(lines)
    return (
        "\n\n\n".join(["\n".join(heading(naming, "\n".join([*types.blocks, text]))), *types.blocks, *own(naming), text])
        + "\n"
    )


def decorator(definition: Definition, name: str, naming: Naming) -> list[str]:
    """``@workflow(…)``, over several lines when it is long."""
    options = []
    if definition.version is not None and not is_draft(definition.version):
        options.append(f"version={literal(definition.version)}")
    if pascal_of(name) != definition.name:
        options.append(f"name={literal(definition.name)}")
    for role in ("start", "view", "operate"):
        if getattr(definition.access, role):
            options.append(f"{role}={literal(getattr(definition.access, role))}")
    if not docstring(definition):
        meta = definition.meta
        options += [
            f"{key}={literal(value)}"
            for key, value in (("title", meta.title), ("description", meta.description))
            if value
        ]
    verb = naming.verb("workflow")
    whole = f"@{verb}({', '.join(options)})" if options else f"@{verb}"
    return [whole] if len(whole) <= WIDTH else [f"@{verb}(", *(f"    {option}," for option in options), ")"]


def docstring(definition: Definition) -> list[str]:
    """The title and the description as a docstring, where they read back from one."""
    title, description = definition.meta.title, definition.meta.description
    if not title:
        return []
    lines = [title, *(["", *description.split("\n")] if description else [])]
    text = "\n".join(lines)
    plain = (
        all(line.isprintable() and line == line.rstrip() for line in lines) and '"""' not in text and "\\" not in text
    )
    if not plain or inspect.cleandoc(text) != text or text[-1] == '"' or text != text.strip() or "\t" in text:
        return []
    if not description:
        return [f'"""{title}"""']
    return [f'"""{title}', *lines[1:], '"""']


def heading(naming: Naming, text: str) -> list[str]:
    """The imports that are used."""
    modules: dict[str, set[str]] = {}
    lines = []
    for line in sorted(naming.imports):
        _, module, _, names = (line.split(" ", 3) + [""] * 3)[:4]
        if line.startswith("from "):
            modules.setdefault(module, set()).update(names.split(", "))
        else:
            lines.append(line)
    verbs = {name for name in naming.verbs if name in text}
    modules["armillary.authoring"] = verbs | ({"function"} if naming.own else set())
    modules["armillary.authoring.functions"] = {name for name in naming.functions if f"{name}(" in text}
    return [*lines, *(imported(module, sorted(names)) for module, names in modules.items() if names)]


def imported(module: str, names: list[str]) -> str:
    """``from module import a, b``, a line each when they are many."""
    line = f"from {module} import {', '.join(names)}"
    return (
        line if len(line) <= WIDTH else f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
    )


def own(naming: Naming) -> list[str]:
    """Stands in for the author's own functions, of which a definition has only the names."""
    return [
        f"@function(major={major}, name={literal(name)})\ndef {called}(*values):\n    ..."
        for (name, _, major), called in ((full.partition("@"), called) for full, called in naming.own.items())
    ]


__all__ = ["DecompileError", "decompile"]
