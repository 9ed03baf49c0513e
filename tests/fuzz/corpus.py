# ruff: noqa: E501 - tables of odd things read better on one line
"""What the fuzzer starts from, and how it breaks it: expressions, documents, YAML and workflow functions."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import armillary.authoring as arm
from armillary.authoring import load_workflows
from armillary.authoring.yaml_writer import write_yaml
from armillary_engine.definition.codec import dumps_definition
from armillary_engine.definition.expressions import CORE

AUTHORING = Path(__file__).parents[1] / "workbench" / "authoring"
Edit = Callable[[str, Random], str]

# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CHARACTERS = "abcxyz_019 .,:;()[]{}'\"\\+-*/%<>=!&|^~@#$?`\n\t\0éß日😀\u202e\ud800\u00b2"


def mutated(text: str, random: Random) -> str:
    """A text with a few characters changed, doubled, moved or lost."""
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(text))
        to = min(len(text), at + random.randint(0, 6))
        piece = text[at:to]
        piece = random.choice(["", piece * 2, piece[::-1], random.choice(_CHARACTERS), random.choice(TOKENS)])
        text = text[:at] + piece + text[to:]
    return text


def mutated_bytes(data: bytes, random: Random) -> bytes:
    """Bytes of which a few are changed, doubled or lost."""
    found = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, max(len(found) - 1, 0))
        found[at : at + random.randint(0, 4)] = random.choice(
            [b"", b"\xff", b"{", b'"', b"1e999", b"[" * 200, b"\0", b"\xed\xa0\x80"]
        )
    return bytes(found)


def shuffled_lines(text: str, random: Random) -> str:
    """A text of which lines are exchanged, doubled, lost or moved to the side."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 3)):
        one, other = random.randrange(len(lines)), random.randrange(len(lines))
        match random.randrange(4):
            case 0:
                lines[one], lines[other] = lines[other], lines[one]
            case 1:
                lines.insert(one, lines[other])
            case 2:
                lines[one] = " " * random.randint(0, 12) + lines[one].lstrip()
            case _ if len(lines) > 1:
                del lines[one]
    return "\n".join(lines)


def other_expression(text: str, random: Random) -> str:
    """YAML in which a member has another expression, or another kind of YAML's values."""
    lines = text.split("\n")
    places = [index for index, line in enumerate(lines) if ": " in line]
    if places:
        index = random.choice(places)
        odd = ["*x", "&x 1", "!!python/object:os.system 1", "!!binary aGk=", "2020-01-01", ".inf", "0x1F", "0o7", "1_000", "~",
               "yes", "|-\n  a\n  b", ">", "? x", "[1, {a: 2}]", "<<", "!!set {a, b}", "1:30", "!!float 1", "1e400", "-0.0"]  # fmt: skip
        value = expression(random, 2) if random.random() < 0.6 else random.choice(odd)
        lines[index] = f"{lines[index].partition(': ')[0]}: {value}"
    return "\n".join(lines)


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────

TOKENS = (
    *["(", ")", "[", "]", "{", "}", ",", ".", ":", "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "=", ":=", "|", "&", "^", "~", "@", "->", ";", "!", "#", "\\", "`"], *"'\"",
    *["and", "or", "not", "in", "is", "if", "else", "for", "lambda", "None", "True", "False", "async", "await", "yield", "match", "import", "input", "x", "quote", "now", "error"],
    *["0", "1", "1.50", "1e3", "1e999", "0x1f", "1_000", ".5", "5.", "1j", "00", "12345678901234567890123456789012345", "'a'", '"b"', "f'{x}'", "f'{x:,}'", "b'x'"],
    *["f'{x!r}'", "f'{f\"{x}\"}'", "...", "\n", "\t", "é", "日", "😀", "risk@1", "len", "upper", "money", "get", "round", "sum", "date_add", "²"],
)  # fmt: skip
_NAMES = ("input", "input.amount", "input.items", "input.none", "quote", "quote.premium", "quote.text", "quote.due", "x",
          "now", "instance.id", "missing", "quote.missing", "error", "müller", "item")  # fmt: skip
_LITERALS = ("0", "1", "-1", "2.50", "1e6", "1e-9", "9999999999999999999999999999999999", "1e6144", "'text'", '"it\'s"',
             "''", "True", "False", "None", "'2026-02-28'", "'PT1H'", "'P1M'", "'2026-02-30T00:00:00Z'", "'日本'", "[]", "{}")  # fmt: skip
_OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "and",
    "or",
    "is",
    "is not",
)


def expression(random: Random, depth: int) -> str:
    """Text of an expression, well formed but not well typed."""
    if depth <= 0 or random.random() < 0.15:
        return random.choice(random.choice([_NAMES, _LITERALS]))
    make = random.choice(_FORMS)
    return make(lambda: expression(random, depth - 1), random)


def _call(part: Callable[[], str], random: Random) -> str:
    name = random.choice(list(CORE))
    function = CORE[name]
    most = len(function.parameters) if function.most is None else function.most
    count = random.randint(function.least, max(function.least, most)) + random.choice([0, 0, 0, 0, 1, -1])
    return f"{name}({', '.join(part() for _ in range(max(count, 0)))})"


_FORMS: tuple[Callable[[Callable[[], str], Random], str], ...] = (
    lambda part, random: f"({part()} {random.choice(_OPERATORS)} {part()})",
    lambda part, random: f"{part()} {random.choice(_OPERATORS)} {part()}",
    lambda part, random: f"({part()} {random.choice(['<', '<=', '>', '>=', '=='])} {part()} {random.choice(['<', '<='])} {part()})",
    lambda part, random: random.choice(["-", "not ", "+"]) + part(),
    lambda part, _: f"({part()} if {part()} else {part()})",
    lambda part, random: f"[{', '.join(part() for _ in range(random.randint(0, 3)))}]",
    lambda part, random: "{" + ", ".join(f"{random.choice(_LITERALS)}: {part()}" for _ in range(random.randint(0, 3))) + "}",
    lambda part, _: f"[{part()} for item in {part()}]",
    lambda part, _: f"[{part()} for item in input.items if {part()}]",
    lambda part, _: f"sum(item.price for item in {part()})",
    lambda part, _: f"{part()}[{part()}]",
    lambda part, random: f"{part()}[{random.choice([part(), ''])}:{random.choice([part(), ''])}]",
    lambda part, random: f"{part()}.{random.choice(['premium', 'upper()', 'strip()', 'split()', 'amount', 'x', 'y'])}",
    lambda part, random: 'f"a {' + part().replace('"', "'") + random.choice(["", ":.2f", ":,", ":>3", "!r"]) + '}"',
    _call, _call, _call,
)  # fmt: skip

# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _flows() -> list[Any]:
    files = [*(AUTHORING / "examples").glob("*.py"), *(AUTHORING / "natural" / "mended").glob("*.py")]
    return [flow for file in sorted(files) for flow in load_workflows(file)]


@cache
def documents() -> list[Any]:
    """Canonical documents as JSON data."""
    import json

    return [json.loads(dumps_definition(flow.definition)) for flow in _flows()]


@cache
def yamls() -> list[str]:
    """The same as YAML."""
    return [write_yaml(flow.definition) for flow in _flows()]


def _nodes(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of JSON data."""
    if isinstance(data, dict | list):
        for key in list(data) if isinstance(data, dict) else range(len(data)):
            yield data, key
            yield from _nodes(data[key])


_ATOMS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.5, 10**40, "", "x", "input", "a.b", "PT1H", "*", "\0", "\ud800", "é" * 300, [], {}, [[]],
    {"const": 1}, {"get": "input"}, {"get": "x"}, {"op": "<", "args": []}, {"op": "-", "args": [{"const": 1}]}, {"fn": "len", "args": []},
    {"if": []}, {"format": ["a", "b"]}, {"map": {}}, {"const": {"a": [1]}}, {"object": {"": {"const": 1}}}, {"$ref": "#"},
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}},
    {"pattern": "(a+)+$"}, {"type": "nothing"}, {"enum": []}, {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
)  # fmt: skip


def changed_document(document: Any, random: Random) -> Any:
    """A document with a few parts exchanged, lost, doubled or put one level deeper."""
    for _ in range(random.randint(1, 4)):
        places = list(_nodes(document))
        if not places:
            return random.choice(_ATOMS)
        owner, key = random.choice(places)
        match random.randrange(6):
            case 0:
                owner[key] = deepcopy(random.choice(_ATOMS))
            case 1:
                other, there = random.choice(list(_nodes(random.choice(documents()))))
                owner[key] = deepcopy(other[there])
            case 2:
                del owner[key]
            case 3 if isinstance(owner, list):
                owner.insert(key, deepcopy(owner[key]))
            case 4 if isinstance(owner, dict):
                owner[random.choice(["kind", "body", "when", "x", "", "id", "result", "meta"])] = deepcopy(
                    random.choice(_ATOMS)
                )
            case _:
                owner[key] = random.choice(
                    [[owner[key]], {"body": owner[key]}, {"list": [owner[key]]}, {"$ref": "#/input"}]
                )
    return document


# ── Python ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _modules() -> list[tuple[ast.FunctionDef, dict[str, Any]]]:
    """Workflow functions as they were written, each with what is around it."""
    found = []
    for folder in ("examples", "natural", "natural/mended"):
        for path in sorted((AUTHORING / folder).glob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            flows = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_workflow(node)]
            tree.body = [node for node in tree.body if node not in flows]
            around: dict[str, Any] = {"__name__": f"fuzz_{path.stem}", "__file__": str(path)}
            sys.modules[around["__name__"]] = type(sys)(around["__name__"])
            linecache.getlines(str(path))
            try:
                exec(compile(tree, str(path), "exec", dont_inherit=True), around)
            except Exception:  # noqa: BLE001 - what is refused as it stands
                continue
            vars(sys.modules[around["__name__"]]).update(around)
            found += [(node, around) for node in flows]
    return found


def _is_workflow(node: ast.FunctionDef) -> bool:
    return any("workflow" in ast.unparse(one) for one in node.decorator_list)


@cache
def _parts() -> dict[str, list[ast.AST]]:
    """Expressions and statements of all of them."""
    nodes = [node for function, _ in _modules() for node in ast.walk(function)]
    odd = ast.parse(
        "x = yield\nawait x\nlambda: 1\nx: int = 1\nx: int\nfor a, b in c: pass\nwhile True: pass\nwith a as b, c: pass\n"
        "try: pass\nexcept* ValueError: pass\nmatch x:\n case {'a': [b, *c], **d} if e: pass\n case A(b=1) | None: pass\n"
        "del x[0]\nglobal y\nassert x\nraise\nx = y = z\n(x := 1)\n*a, b = c\nx[0]: int = 2\nasync def f(): pass\nclass C: pass\n"
        "return {**a, 'b': 1}\n{1, 2}\n[*a]\nf(*a, **b)\nx @ y\nx[1:2:3]\nx[...]\n1j\nb'a'\nf'{x!r:>{y}}'\nx if y else z\n"
        "[a for b in c for d in e if f if g]\n{a: b for a in c}\n(a async for a in b)\nprint(x)\nbreak\ncontinue\npass\n"
        "import os\nnonlocal z\nx += call('a/b')\nx.y.z = 1\nx.y = call('a/b')\nstep('a')\nwith parallel(): pass\n"
        "with branch('a'): pass\nwith compensate(): pass\nfor x in each([1], parallel=2): pass\nwhile loop(): pass\n"
        "prices = collect(x)\nsleep(1)\nsleep('1x')\ntask()\ncall()\ncall('a')\nfail()\ncontinue_with('A')\n"
        "subworkflow('A', version='x')\nsleep_until(now)\ntask('T', answer=int, check=[Check(lambda a: a, 'x')])\n"
    )  # fmt: skip
    nodes += [node for node in ast.walk(odd) if not isinstance(node, ast.Module)]
    readable = (ast.Name, ast.Attribute, ast.Subscript, ast.Starred, ast.List, ast.Tuple)
    expressions = [
        n
        for n in nodes
        if isinstance(n, ast.expr) and not (isinstance(n, readable) and not isinstance(n.ctx, ast.Load))
    ]
    return {"expr": list(expressions), "stmt": [n for n in nodes if isinstance(n, ast.stmt)]}


class _Change(ast.NodeTransformer):
    """Replaces the node with a given number by another of its sort."""

    def __init__(self, at: int, random: Random) -> None:
        self.at, self.random, self.seen = at, random, 0

    def visit(self, node: ast.AST) -> Any:
        self.seen += 1
        if self.seen - 1 != self.at:
            return self.generic_visit(node)
        if isinstance(node, ast.stmt):
            other = deepcopy(self.random.choice(_parts()["stmt"]))
            return self.random.choice([other, [other, node], [node, other], [node, deepcopy(node)], ast.Pass()])
        if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return deepcopy(self.random.choice(_parts()["expr"]))
        if isinstance(node, ast.Name):
            return ast.Name(self.random.choice(["x", "now", "input", "error", "total", "call", "len"]), node.ctx)
        return self.generic_visit(node)


_last: list[dict[str, Any]] = [{}]


def changed_source(random: Random) -> str:
    """One workflow function as text, with a few of its parts exchanged for those of others, lost or doubled."""
    base, around = random.choice(_modules())
    function = deepcopy(base)
    for _ in range(random.randint(0, 4)):
        inner = ast.Module(function.body, [])
        count = sum(1 for _ in ast.walk(inner))
        changed = _Change(random.randrange(1, count), random).visit(inner)
        function.body = changed.body or [ast.Pass()]
    function.name = "flow"
    function.decorator_list = [ast.parse("arm.workflow", mode="eval").body]
    _last[0] = {**around, "arm": arm}
    try:
        text = ast.unparse(ast.fix_missing_locations(ast.Module([function], [])))
        ast.parse(text)
    except (ValueError, SyntaxError, TypeError, AttributeError, RecursionError):
        return changed_source(random)
    return _with_comments(text, random)


def _with_comments(text: str, random: Random) -> str:
    lines = []
    for line in text.split("\n"):
        if line.strip() and random.random() < 0.1 and lines and not text.count('"""'):
            lines.append(line[: len(line) - len(line.lstrip())] + random.choice(["# a note", "# 日本", "#", "#: x"]))
        lines.append(line)
    return "\n".join(lines)


def namespace() -> dict[str, Any]:
    """What is around the function that was made last."""
    return _last[0]
