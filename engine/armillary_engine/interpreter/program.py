"""Programs: definitions prepared for running, once per digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..definition import model
from ..definition.codec import identity
from ..definition.expressions import CORE, Functions
from ..definition.model import Body, Definition, Step
from ..definition.problems import ArmillaryError
from .compiler import Compiler, SchemaCheck, bodies_of, functions_in, steps_in
from .node import Node
from .steps import BEHAVIOURS


class MissingFunction(ArmillaryError):  # noqa: N818
    """Functions that a definition calls and this worker lacks; it leaves the definition's instances unclaimed.
    ``names`` lists them."""

    def __init__(self, workflow: str, names: Iterable[str]) -> None:
        self.names = tuple(sorted(names))
        listed = ", ".join(repr(name) for name in self.names)
        hint = "register them, or start a worker that has them"
        super().__init__("function.missing", f"{workflow} waits for function {listed}", hint=hint)


@dataclass(frozen=True, slots=True)
class Program:
    """A definition, ready to run. It may be shared between threads."""

    definition: Definition
    name: str
    version: str
    digest: str
    nodes: Mapping[str, Node[Any]]
    """Step id → step."""
    first: str | None
    """The first step of the body."""
    input: SchemaCheck | None
    output: SchemaCheck | None
    reads: frozenset[str]
    """The root names that its expressions read."""
    services: frozenset[str]
    """The services that it calls."""
    functions_needed: frozenset[str]
    """The functions that it calls."""
    workflows: frozenset[str]
    """The workflows that it starts."""


def prepare(definition: Definition, functions: Functions = CORE) -> Program:
    """Prepares a valid definition. Raises :class:`MissingFunction` when it calls one that ``functions`` lacks."""
    needed = functions_in(definition.body)
    if missing := needed - functions.keys():
        raise MissingFunction(definition.name, missing)
    compiler = Compiler(functions)
    nodes: dict[str, Node[Any]] = {}
    first = _prepare_body(definition.body, compiler, nodes, after=None, scoped=False, local=False)
    named = identity(definition)
    started = (s.workflow for s in steps_in(definition.body) if isinstance(s, model.Subworkflow | model.ContinueWith))
    return Program(
        definition=definition,
        name=named.name,
        version=named.version,
        digest=named.digest,
        nodes=nodes,
        first=first,
        input=compiler.schema(definition.input or None),
        output=compiler.schema(definition.output),
        reads=frozenset(compiler.reads),
        services=frozenset(compiler.services),
        functions_needed=needed,
        workflows=frozenset(started),
    )


def _prepare_body(
    body: Body, compiler: Compiler, nodes: dict[str, Node[Any]], *, after: str | None, scoped: bool, local: bool
) -> str | None:
    """Prepares the steps of a body; ``after`` follows its last one. Gives its first one."""
    following = after
    for step in reversed(body):
        nodes[step.id] = _prepare_step(step, compiler, nodes, after=following, scoped=scoped, local=local)
        following = step.id
    return body[0].id if body else None


def _prepare_step(
    step: Step, compiler: Compiler, nodes: dict[str, Node[Any]], *, after: str | None, scoped: bool, local: bool
) -> Node[Any]:
    behaviour = BEHAVIOURS[step.kind]
    # A decision leaves no frame: what follows it follows the last step of each of its bodies.
    following = after if isinstance(step, model.Decision) else None
    bodies = []
    for index, body in enumerate(bodies_of(step)):
        names, kept = _scope(step, index)
        bodies.append(
            _prepare_body(
                body, compiler, nodes, after=following, scoped=scoped or names, local=local or kept
            )
        )  # fmt: skip
    return Node(
        step=step,
        plan=behaviour.plan(step, compiler),
        behaviour=behaviour,
        after=after,
        bodies=tuple(bodies),
        scoped=scoped,
        local=local,
    )


def _scope(step: Step, index: int) -> tuple[bool, bool]:
    """Whether a body of ``step`` has names of its own, and whether it keeps what is assigned in it."""
    match step:
        case model.Each(parallel=parallel):
            return True, parallel > 1
        case model.Try(handlers=handlers):
            return index > 0, index > len(handlers)
        case _:
            return False, False
