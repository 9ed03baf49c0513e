"""``@workflow``: from a Python function to a definition."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import FunctionType
from typing import Any, NoReturn, overload

from armillary_engine.definition.codec import Identity, from_document, identity, to_document
from armillary_engine.definition.model import Access, Definition, Value
from armillary_engine.definition.problems import ArmillaryError, Problem, Span
from armillary_engine.definition.versions import parse_version

from .compile import compile_function
from .errors import AuthoringError, report
from .origins import remember
from .source import find_source, interactive_shell, is_decompiled


@dataclass(frozen=True, eq=False, repr=False)
class Workflow:
    """A compiled workflow. It is data: it pickles as its document, draws itself in a notebook, and can't be called.

    ``captured``: constants from around the function, by the name that was written. ``source_map``: step id → where the
    step was written. ``problems``: warnings.
    """

    definition: Definition
    captured: Mapping[str, Value] = field(default_factory=dict)
    source_map: Mapping[str, Span] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @cached_property
    def _identity(self) -> Identity:
        return identity(self.definition)

    @property
    def name(self) -> str:
        """The workflow's name, such as ``ApproveApplication``."""
        return self.definition.name

    @property
    def version(self) -> str:
        """``1.2.0``; a draft's is ``0.0.0+`` and the beginning of its digest."""
        return self._identity.version

    @property
    def digest(self) -> str:
        """SHA-256 of what the definition means, in hexadecimal."""
        return self._identity.digest

    @property
    def document(self) -> dict[str, Any]:
        """The canonical document (``armillary.workflow/1``)."""
        return to_document(self.definition)

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise ArmillaryError(
            "workflow.called",
            f"{self.name} is a compiled workflow and can't be called",
            hint=f'start it: bench.deploy(it), then bench.start("{self.name}", …)',
        )

    def __repr__(self) -> str:
        return f"<Workflow {self.name} {self.version}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Workflow):
            return NotImplemented
        return (self.name, self.version, self.digest) == (other.name, other.version, other.digest)

    def __hash__(self) -> int:
        return hash((self.name, self.version, self.digest))

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Workflow], tuple[dict[str, Any]]]:
        return workflow_from_document, (self.document,)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        try:
            from armillary.display import definition_bundle
        except ImportError:
            return {"text/plain": repr(self)}
        return definition_bundle(self)


def workflow_from_document(document: Mapping[str, Any]) -> Workflow:
    """A canonical document as a workflow, without a source."""
    return Workflow(from_document(document))


@overload
def workflow(function: Callable[..., Any], /) -> Workflow: ...
@overload
def workflow(
    *,
    version: str | None = None,
    name: str | None = None,
    start: Sequence[str] = (),
    view: Sequence[str] = (),
    operate: Sequence[str] = (),
    title: str | None = None,
    description: str | None = None,
) -> Callable[[Callable[..., Any]], Workflow]: ...
def workflow(
    function: Callable[..., Any] | None = None,
    /,
    *,
    version: str | None = None,
    name: str | None = None,
    start: Sequence[str] = (),
    view: Sequence[str] = (),
    operate: Sequence[str] = (),
    title: str | None = None,
    description: str | None = None,
) -> Workflow | Callable[[Callable[..., Any]], Workflow]:
    """Compiles a function to a definition; the function itself never runs.

    Without ``version`` the workflow is a draft. ``name`` is the function's in PascalCase unless given. ``start``,
    ``view`` and ``operate`` list the roles that may; ``title`` and ``description`` are the docstring's unless given.
    Raises :class:`AuthoringError` with every problem of the function.
    """
    access = Access(roles("start", start), roles("view", view), roles("operate", operate))
    if version is not None:
        parse_version(version)
    caller = dict(sys._getframe(1).f_locals)

    def decorate(function: Callable[..., Any]) -> Workflow:
        return compile_workflow(
            function, name=name, version=version, access=access, caller=caller, texts=(title, description)
        )

    return decorate if function is None else decorate(function)


def roles(option: str, given: Iterable[str]) -> tuple[str, ...]:
    """A list of roles, checked."""
    found = (given,) if isinstance(given, str) else tuple(given)
    if isinstance(given, str) or not all(isinstance(role, str) for role in found):
        message = f"expected {option}= to be a list of roles, got {given!r}"
        raise ArmillaryError("workflow.roles", message, hint=f'write {option}=["agent"]')
    return found


def compile_workflow(
    function: Callable[..., Any],
    *,
    name: str | None,
    version: str | None,
    access: Access,
    caller: Mapping[str, object],
    texts: tuple[str | None, str | None] = (None, None),
) -> Workflow:
    """Finds the source of a function and compiles it."""
    plain = plain_function(function)
    try:
        compiled = compile_function(
            plain,
            find_source(plain),
            name=name or pascal(plain.__name__),
            version=version,
            access=access,
            caller=caller,
            allowed=frozenset({id(workflow)}),
            texts=texts,
        )
    except AuthoringError as error:
        raise error.with_traceback(None) from None
    if not is_decompiled(plain.__code__.co_filename):
        remember(compiled.origin)
    show(compiled.problems)
    return Workflow(compiled.definition, compiled.captured, compiled.source_map, compiled.problems)


def plain_function(function: object) -> FunctionType:
    """A plain function, or an error that says what was decorated instead."""
    hint = "put @workflow directly above a plain def"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        hint = "leave out async: every step waits by itself"
        raise ArmillaryError("workflow.kind", "expected a plain function, got an async one", hint=hint)
    if not isinstance(function, FunctionType):
        what = f"a {type(function).__name__}"
        raise ArmillaryError("workflow.kind", f"expected a function, got {what}", hint=hint)
    if function.__name__ == "<lambda>":
        raise ArmillaryError("workflow.kind", "expected a function, got a lambda", hint=hint)
    return function


def pascal(name: str) -> str:
    """``approve_application`` → ``ApproveApplication``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name


def show(problems: Iterable[Problem]) -> None:
    """In a notebook, warnings appear under the cell."""
    warnings = [report(problem) for problem in problems if problem.severity == "warning"]
    if warnings and interactive_shell() is not None:
        sys.stderr.write("\n\n".join(["Warning", *warnings]) + "\n")
