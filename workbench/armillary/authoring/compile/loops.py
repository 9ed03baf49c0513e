"""``while`` and ``for``."""

from __future__ import annotations

import ast

from armillary_engine.definition.model import (
    Body,
    Const,
    Each,
    Expression,
    Repeat,
    Step,
)

from . import assignments, blocks, statements, vocabulary
from .context import BROKEN, Context
from .expressions import expression
from .ids import kebab, named
from .options import Options, constant_text, read
from .policies import deferred
from .turns import Turn, turn

LOOP_OPTIONS = ("until", "max", "id")


EACH_OPTIONS = ("parallel", "collect", "result", "id")


def repeat(context: Context, node: ast.While) -> Step:
    """``while``."""
    no_else(context, node, "while")
    if vocabulary.verb_of(context, node.test) == "loop":
        return loop(context, node)
    test = blocks.condition(context, node.test)
    key = context.mark(node, named("while", test))
    context.marks[-1].span = blocks.header(context, node, node.test)
    return Repeat(key, loop_body(context, node.body, key), test=test)


def loop(context: Context, node: ast.While) -> Step:
    """``while loop(condition, max=10)`` or ``while loop(until=…, max=10)``."""
    assert isinstance(node.test, ast.Call)
    options = read(context, node.test, "loop", known=LOOP_OPTIONS, positional=0, optional=1)
    until = deferred(context, options.named["until"]) if options.has("until") else None
    test = blocks.condition(context, options.first) if options.first is not None else None
    if until is not None and test is not None:
        context.refuse(
            node.test, "loop.both", "a loop has a condition before it or until= after it, not both", "keep one"
        )
        until = None
    if until is None and test is None:
        test = Const(True)
    shown = test if until is None else until
    key = context.mark(node, named("while" if until is None else "until", *([shown] if shown else [])), options.id())
    context.marks[-1].span = blocks.header(context, node, node.test)
    maximum = options.count("max", None)
    return Repeat(key, loop_body(context, node.body, key), test=test, until=until, max=maximum)


def loop_body(context: Context, body: list[ast.stmt], key: str) -> Body:
    """The steps of a loop, where ``break`` and ``continue`` may stand."""
    with context.inside(label=key, loop="loop"):
        return statements.body(context, body)


def no_else(context: Context, node: ast.While | ast.For, word: str) -> None:
    """Refuses ``else`` after a loop."""
    if node.orelse:
        loop_lines = f"    {word} …:\n        …  # and before `break`: found = True"
        hint = f"write instead:\n    found = False\n{loop_lines}\n    if not found:"
        context.refuse(node.orelse[0], "loop.else", f"{word} … else has no meaning here", hint)


def each(context: Context, node: ast.For) -> Step:
    """``for item in items`` and ``for item in each(items, parallel=4)``; ``names = collect(x)`` ends the body."""
    no_else(context, node, "for")
    options = None
    if vocabulary.verb_of(context, node.iter) == "each":
        assert isinstance(node.iter, ast.Call)
        options = read(context, node.iter, "each", known=EACH_OPTIONS)
    source = options.first if options is not None else node.iter
    given = turn(context, node.target, source, "for.target") if source is not None else Turn(BROKEN, "_", {})
    items, name = given.items, given.item
    key = context.mark(
        node, named("for", items) if name == "_" else f"for-{kebab(name)}", options.id() if options else None
    )
    context.marks[-1].span = blocks.header(context, node, node.iter)
    body, gathered = node.body, collected(context, node.body)
    with context.inside(given.bound, label=key, loop="loop"):
        context.bound_origins[name] = items
        steps = statements.body(context, body[:-1] if gathered else body)
        gather = collect_option(context, options)
        if gathered is not None:
            gather = collect_statement(context, gathered, gather)
    collect, result = gather
    parallel = (options.count("parallel", 1) if options else 1) or 1
    return Each(key, items, name, steps, parallel=parallel, collect=collect, result=result)


def collected(context: Context, body: list[ast.stmt]) -> ast.Assign | None:
    """``names = collect(…)`` at the end of a body."""
    last = body[-1]
    if isinstance(last, ast.Assign) and vocabulary.verb_of(context, last.value) == "collect":
        return last
    return None


def is_declaration(context: Context, node: ast.stmt, following: list[ast.stmt]) -> bool:
    """Whether ``prices: list[Decimal] = []`` only declares what the ``for`` directly after it collects."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.List(elts=[])):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.List(elts=[])):
            pass
        case _:
            return False
    loop = following[0] if following else None
    gathered = collected(context, loop.body) if isinstance(loop, ast.For) else None
    if loop is None or gathered is None:
        return False
    uses = [inner for inner in ast.walk(loop) if isinstance(inner, ast.Name) and inner.id == name]
    return len(uses) == 1 and uses[0] in gathered.targets


Gathered = tuple[Expression | None, str | None]


def collect_option(context: Context, options: Options | None) -> Gathered:
    """``collect=`` and ``result=`` of ``each()``."""
    if options is None or not (options.has("collect") or options.has("result")):
        return None, None
    collect = deferred(context, options.named["collect"]) if options.has("collect") else None
    result = None
    if options.has("result"):
        node = options.named["result"]
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        result = constant_text(context, node, "result=") if is_text else assignments.target_path(context, node)
    if result:
        context.assign(result, None)
    return collect, result


def collect_statement(context: Context, node: ast.Assign, before: Gathered) -> Gathered:
    """``prices = collect(price)``."""
    assert isinstance(node.value, ast.Call)
    context.statement = node
    if before != (None, None):
        context.refuse(node, "each.collect", "collect() and collect= say the same thing", "keep one of them")
    options = read(context, node.value, "collect", known=())
    if len(node.targets) > 1:
        context.refuse(node, "assign.several", "expected one name before = collect(…)", "keep one")
    path = assignments.target_path(context, node.targets[0])
    value = expression(context, options.first) if options.first is not None else BROKEN
    if path is not None:
        context.assign(path, None)
    return value, path
