"""Python syntax trees → expressions; also for whoever reads whole functions, through :class:`Reading`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from ..expression_json import MAX_EXPRESSION_DEPTH, constant, format_of, is_identifier, negated
from ..model import Const, Expression, Fn, Get, If, ListOf, Map, Object, Op, Value
from ..values import JsonValueError, normalize, number
from .analysis import measure

MAX_NODES = 10_000

Convert = Callable[[ast.expr], Expression]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the parts that depend on where an expression stands are read.

    ``name`` gives what a bare name means (``None``: the path of that name); ``call`` gives what a call means before the
    functions are tried (``None``: it is one of them); ``source`` gives a literal's own text, ``None`` if it is unknown;
    ``fault`` takes note of what has no meaning, with a message and a hint.
    """

    fault: Callable[[ast.AST, str, str], None]
    source: Callable[[ast.expr], str | None]
    name: Callable[[ast.Name], Expression | None] = lambda _: None
    call: Callable[[ast.Call, Convert], Expression | None] = lambda _call, _convert: None


_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
    ast.NotIn: "not in", ast.Is: "==", ast.IsNot: "!=",
}  # fmt: skip
METHODS = frozenset({
    "upper", "lower", "strip", "split", "join", "replace", "startswith", "endswith", "get", "keys", "values",
})  # fmt: skip
"""Methods of Python's own types that mean the function of the same name, with the object as first argument."""
_REFUSED = {
    ast.Lambda: "write a comprehension, such as [x.price for x in items]",
    ast.NamedExpr: "assign the name in a statement of its own first",
    ast.DictComp: "write a list comprehension, or set the members one by one",
    ast.SetComp: "write unique([… for x in items])",
    ast.Set: "write a list, [a, b]",
    ast.Starred: "write the items one by one, or join lists with +",
    ast.Await: "leave `await` out; a step waits by itself",
    ast.Yield: "leave `yield` out",
    ast.YieldFrom: "leave `yield from` out",
}


def convert(node: ast.expr, reading: Reading) -> Expression:
    """A syntax tree as an expression in normal form; ``reading.fault`` hears of what has no meaning."""
    expression = _Conversion(reading).convert(node)
    depth, size = measure(expression)
    if depth > MAX_EXPRESSION_DEPTH or size > MAX_NODES:
        reading.fault(node, f"expected at most {MAX_EXPRESSION_DEPTH} nested expressions and {MAX_NODES:,} in all, "
                      f"got {depth} and {size:,}", "assign parts of it to names first")  # fmt: skip
        return Const(None)
    return expression


class _Conversion:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.depth = 0
        self.bound: list[str] = []

    def fault(self, node: ast.AST, message: str, hint: str = "") -> Expression:
        self.reading.fault(node, message, hint)
        return Const(None)

    def convert(self, node: ast.expr) -> Expression:
        if self.depth > MAX_EXPRESSION_DEPTH:
            return self.fault(node, f"expected at most {MAX_EXPRESSION_DEPTH} nested expressions, got more",
                              "assign parts of it to names first")  # fmt: skip
        self.depth += 1
        try:
            return self.form(node)
        finally:
            self.depth -= 1

    def form(self, node: ast.expr) -> Expression:
        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.Name(id=name):
                known = None if name in self.bound else self.reading.name(node)
                return Get(name) if known is None else known
            case ast.Attribute():
                return self.member(node)
            case ast.Subscript():
                return self.subscript(node)
            case ast.BinOp():
                return self.binary(node)
            case ast.UnaryOp():
                return self.unary(node)
            case ast.BoolOp(op=op, values=values):
                return Op("and" if isinstance(op, ast.And) else "or", self.each(values))
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return If(self.convert(test), self.convert(body), self.convert(orelse))
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return ListOf(self.each(items))
            case ast.Dict():
                return self.object(node)
            case ast.JoinedStr():
                return self.format(node)
            case ast.ListComp() | ast.GeneratorExp():
                return self.comprehension(node)
            case ast.Call():
                return self.call(node)
        hint = _REFUSED.get(type(node), "")
        return self.fault(node, f"expected an expression of the workflow language, got {_named(node)}", hint)

    def each(self, nodes: list[ast.expr]) -> tuple[Expression, ...]:
        return tuple(self.convert(node) for node in nodes)

    def constant(self, node: ast.Constant) -> Expression:
        value = node.value
        try:
            match value:
                case None | bool() | str() | int():
                    return constant(normalize(value))
                case float():
                    return Const(self.decimal(node, value))
        except JsonValueError as problem:
            return self.fault(node, problem.reason, problem.hint)
        hint = "keep bytes as base64 text" if isinstance(value, bytes) else ""
        return self.fault(node, f"expected text, a number, True, False or None, got {type(value).__name__}", hint)

    def decimal(self, node: ast.Constant, value: float) -> Value:
        """The literal's own digits. Inside an f-string, older Pythons misplace them: then a text of the nearest binary
        number is as exact up to 15 digits, and more are refused."""
        source = (self.reading.source(node) or "").replace("_", "")
        try:
            if float(source) == value and source[:1] not in "+- ":
                return number(source)
        except ValueError:
            pass
        shown = repr(value)
        if len(shown.partition("e")[0].replace(".", "").strip("0")) > 15:
            message = "expected a number of at most 15 digits inside an f-string, got more"
            raise JsonValueError("value.number", message, hint="assign the number to a name first")
        return number(shown)

    def member(self, node: ast.Attribute) -> Expression:
        base = self.convert(node.value)
        if not is_identifier(node.attr):
            return self.fault(node, f"expected a member's name, got {node.attr!r}")
        if isinstance(base, Get):
            return Get(f"{base.path}.{node.attr}")
        return Op("index", (base, Const(node.attr)))

    def subscript(self, node: ast.Subscript) -> Expression:
        base = self.convert(node.value)
        if not isinstance(node.slice, ast.Slice):
            return Op("index", (base, self.convert(node.slice)))
        if node.slice.step is not None:
            hint = "write reversed(items), or a comprehension"
            return self.fault(node, "expected a slice of two parts, got a step", hint)
        bounds = (Const(None) if end is None else self.convert(end) for end in (node.slice.lower, node.slice.upper))
        return Op("slice", (base, *bounds))

    def binary(self, node: ast.BinOp) -> Expression:
        if isinstance(node.op, ast.MatMult):
            return self.user_function(node)
        op = _BINARY.get(type(node.op))
        if op is None:
            return self.fault(node, f"expected + - * / // % or **, got {_named(node.op)}",
                              "write `and` and `or` for booleans")  # fmt: skip
        return Op(op, (self.convert(node.left), self.convert(node.right)))

    def user_function(self, node: ast.BinOp) -> Expression:
        match node:
            case ast.BinOp(
                left=ast.Name(id=name), right=ast.Call(func=ast.Constant(value=int(major)), args=args, keywords=[])
            ) if type(major) is int and 0 <= major < 1_000_000:
                return Fn(f"{name}@{major}", self.each(args))
        return self.fault(node, "expected a function such as risk@2(x), got another use of @",
                          "put name@major(…) in parentheses of its own")  # fmt: skip

    def unary(self, node: ast.UnaryOp) -> Expression:
        match node.op:
            case ast.Not():
                return Op("not", (self.convert(node.operand),))
            case ast.USub():
                return negated(self.convert(node.operand))
        return self.fault(node, f"expected - or not, got {_named(node.op)}", "leave it out")

    def comparison(self, node: ast.Compare) -> Expression:
        terms = [self.convert(term) for term in (node.left, *node.comparators)]
        pairs: list[Expression] = []
        for index, operator in enumerate(node.ops):
            if isinstance(operator, (ast.Is, ast.IsNot)) and terms[index + 1] != Const(None):
                self.fault(node, "expected `is None` or `is not None`, got another `is`", "write == or !=")
            pairs.append(Op(_COMPARE[type(operator)], (terms[index], terms[index + 1])))
        return pairs[0] if len(pairs) == 1 else Op("and", tuple(pairs))

    def object(self, node: ast.Dict) -> Expression:
        members: dict[str, Expression] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                hint = "write merge(a, b)" if key is None else "write the key as text"
                got = "**" if key is None else _named(key)
                self.fault(key or value, f"expected a text literal as key, got {got}", hint)
                continue
            if key.value in members:
                self.fault(key, f"expected each key once, got {key.value!r} again")
            name = self.convert(key)
            if isinstance(name, Const):
                members[str(name.value)] = self.convert(value)
        return Object(members)

    def format(self, node: ast.JoinedStr) -> Expression:
        parts: list[str | Expression] = []
        for part in node.values:
            match part:
                case ast.Constant(value=str()):
                    literal = self.convert(part)
                    parts.append(str(literal.value) if isinstance(literal, Const) else "")
                case ast.FormattedValue(conversion=-1):
                    parts.append(self.hole(part))
                case _:
                    self.fault(part, "expected a plain hole in an f-string, got a conversion", "leave !r, !s, = out")
        return format_of(parts)

    def hole(self, node: ast.FormattedValue) -> Expression:
        value = self.convert(node.value)
        match node.format_spec:
            case None | ast.JoinedStr(values=[]):
                return value
            case ast.JoinedStr(values=[ast.Constant(value=str(spec))]):
                return Fn("format_number", (value, Const(spec)))
        return self.fault(node, "expected a fixed format such as :.2f, got a computed one")

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Expression:
        turn = node.generators[0]
        if len(node.generators) > 1 or turn.is_async or not isinstance(turn.target, ast.Name):
            return self.fault(node, "expected `for name in items`, got another comprehension",
                              "write one `for` and one name; flatten([[…] …]) joins lists of lists")  # fmt: skip
        name = turn.target.id
        items = self.convert(turn.iter)
        self.bound.append(name)
        tests = self.each(turn.ifs)
        to = self.convert(node.elt)
        self.bound.pop()
        where = None if not tests else tests[0] if len(tests) == 1 else Op("and", tests)
        return Map(items, name, to, where)

    def call(self, node: ast.Call) -> Expression:
        given = self.reading.call(node, self.convert)
        if given is not None:
            return given
        if node.keywords:
            return self.fault(node, f"expected arguments by position, got {node.keywords[0].arg or '**'}=…",
                              "write the value alone")  # fmt: skip
        match node.func:
            case ast.Name(id="concat"):
                return format_of(list(self.each(node.args)))
            case ast.Name(id=name):
                return Fn(name, self.each(node.args))
            case ast.Attribute(value=base, attr=name) if name in METHODS:
                args = (self.convert(base), *self.each(node.args))
                return Fn(name, args[::-1] if name == "join" and len(args) == 2 else args)
            case ast.Attribute(attr=name):
                return self.fault(node, f"expected a function, got the method {name!r}",
                                  f"the methods are {', '.join(sorted(METHODS))}")  # fmt: skip
        return self.fault(node, "expected a function's name, got another call")


def _named(node: ast.AST) -> str:
    return _WORDS.get(type(node), type(node).__name__)


_WORDS: dict[type[ast.AST], str] = {
    ast.Lambda: "a lambda", ast.NamedExpr: "an assignment (:=)", ast.DictComp: "a dict comprehension",
    ast.SetComp: "a set comprehension", ast.Set: "a set", ast.Starred: "a starred item", ast.Await: "await",
    ast.Yield: "yield", ast.YieldFrom: "yield from", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@", ast.Invert: "~", ast.UAdd: "+", ast.Name: "a name",
    ast.Constant: "another constant", ast.Slice: "a slice",
}  # fmt: skip
