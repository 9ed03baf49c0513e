# ruff: noqa: E501 - tables of odd things read better on one line
"""What is fuzzed: each target makes a case from a random generator, and runs it."""

from __future__ import annotations

import ast
import io
import json
import linecache
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import corpus
from armillary.authoring import decompile
from armillary.authoring.decompiler import compiled as compiled_text
from armillary.authoring.workflow import Workflow
from armillary.authoring.yaml_reader import read_yaml
from armillary.authoring.yaml_writer import write_yaml
from armillary_engine.definition.codec import (
    dumps_definition,
    from_document,
    identity,
    load_definition_bytes,
    to_document,
)
from armillary_engine.definition.expression_json import expression_from_json, expression_to_json
from armillary_engine.definition.expressions import Budget, ExpressionFailure, check, compile_expression, parse, text
from armillary_engine.definition.model import Definition
from armillary_engine.definition.validate import validate
from armillary_engine.definition.values import dumps, normalize


@dataclass(frozen=True)
class Target:
    """``make`` gives a case; ``run`` says in a word what came of it, or raises."""

    make: Callable[[Random], Any]
    run: Callable[[Any, Random], str]


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────

_ROOTS: dict[str, Any] = normalize({
    "input": {"amount": Decimal("12.5"), "items": [{"price": 1, "sold": True}, {"price": 2, "sold": False}], "none": None},
    "quote": {"premium": 12_500, "text": "Ärger 日本", "due": "2026-02-28T10:00:00Z"},
    "x": 3, "now": "2026-11-26T09:30:00Z", "instance": {"id": "i-1", "reference": None, "started": "2026-11-01T00:00:00Z"},
})  # fmt: skip
_BUDGET = Budget(steps=20_000, size=20_000)


def expression_text(random: Random) -> str:
    """Tokens in a likely order, now and then broken."""
    if random.random() < 0.25:
        return "".join(random.choice(corpus.TOKENS) + random.choice(["", " "]) for _ in range(random.randint(1, 14)))
    made = corpus.expression(random, random.randint(1, 5))
    return corpus.mutated(made, random) if random.random() < 0.4 else made


def run_expression(case: str, _random: Random) -> str:
    """Text → tree → text → tree; the tree as JSON and back; checked; evaluated."""
    tree = parse(case)
    shown = text(tree)
    assert parse(shown) == tree, f"{shown!r} is another tree"
    assert text(parse(shown)) == shown
    assert expression_from_json(json.loads(json.dumps(expression_to_json(tree), default=float))) is not None
    assert expression_from_json(expression_to_json(tree)) == tree
    check(tree)
    return evaluated(tree)


def evaluated(tree: Any) -> str:
    """A value within its limits, or a failure that says where."""
    try:
        value = compile_expression(tree, budget=_BUDGET)(dict(_ROOTS))
    except ExpressionFailure as failed:
        assert failed.code.startswith("expression.")  # noqa: PT017 - what a failure looks like is the point
        assert len(str(failed)) < 3_000, "a message that nobody reads"  # noqa: PT017
        return failed.code.partition(".")[2]
    assert normalize(value) == value
    dumps(value)
    return "evaluated"


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────


def document_bytes(random: Random) -> bytes:
    """A document with parts exchanged, removed or broken, or with broken bytes."""
    document = corpus.changed_document(deepcopy(random.choice(corpus.documents())), random)
    data = json.dumps(document, ensure_ascii=random.random() < 0.5, default=str).encode("utf-8", "surrogatepass")
    return corpus.mutated_bytes(data, random) if random.random() < 0.4 else data


def run_document(case: bytes, random: Random) -> str:
    """Read, validated, written."""
    return known(load_definition_bytes(case), random)


def known(definition: Definition, random: Random) -> str:
    """A definition that was read: it can be validated, and comes back with its digest from its document."""
    problems = validate(definition)
    assert from_document(to_document(definition)) == definition
    assert load_definition_bytes(dumps_definition(definition)) == definition
    if any(problem.severity == "error" for problem in problems):
        return "read, with errors"
    if random.random() < 0.1:
        assert identity(read_yaml(write_yaml(definition))).digest == identity(definition).digest
        assert identity(compiled_text(decompile(definition)).definition).digest == identity(definition).digest
    return "valid"


def yaml_text(random: Random) -> str:
    """A document as YAML, with broken characters, lines exchanged, or expressions of any kind."""
    made = random.choice(corpus.yamls())
    for _ in range(random.randint(0, 3)):
        made = random.choice([corpus.mutated, corpus.shuffled_lines, corpus.other_expression])(made, random)
    return made


def run_yaml(case: str, random: Random) -> str:
    """Read, validated, written."""
    return known(read_yaml(case), random)


# ── Python ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def python_source(random: Random) -> str:
    """A workflow function with parts of others in it."""
    return corpus.changed_source(random)


def run_python(case: str, random: Random) -> str:
    """Compiled; what compiles is valid and comes back."""
    tree = ast.parse(case)
    assert len(tree.body) == 1
    file = "fuzzed.py"
    linecache.cache[file] = (len(case), None, case.splitlines(keepends=True), file)
    namespace = dict(corpus.namespace())
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            code = compile(case, file, "exec", dont_inherit=True)
        except SyntaxError:
            return "no Python"
        exec(code, namespace)
    flow = namespace["flow"]
    assert isinstance(flow, Workflow)
    errors = [problem for problem in validate(flow.definition) if problem.severity == "error"]
    assert {problem.code for problem in errors} <= {"expression.unknown-function"}, (
        "validation says more than compiling"
    )
    if random.random() < 0.3:
        assert identity(compiled_text(decompile(flow)).definition).digest == flow.digest
        assert identity(read_yaml(write_yaml(flow.definition))).digest == flow.digest
    return "compiled"


@cache
def _targets() -> dict[str, Target]:
    return {
        "expression": Target(expression_text, run_expression),
        "document": Target(document_bytes, run_document),
        "yaml": Target(yaml_text, run_yaml),
        "python": Target(python_source, run_python),
    }


TARGETS = _targets()
"""By name."""
