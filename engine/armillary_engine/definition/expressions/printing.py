"""Expression → text: the matching subset of Python's expression grammar, with as few parentheses as will do.

The text reads back as the same expression on every Python from 3.11 on, which is why an f-string whose holes would need
a backslash, a ``#`` or a fourth kind of quotes is printed as ``concat(…)``.
"""

from __future__ import annotations

from decimal import Decimal

from ..expression_json import constant, format_of, is_identifier
from ..model import Const, Expression, Fn, Format, Get, If, ListOf, Map, Object, Op, Value

_TERNARY, _OR, _AND, _NOT, _COMPARE, _SUM, _TERM, _UNARY, _POWER, _PRIMARY, _ATOM = range(1, 12)
_BINARY = {"+": _SUM, "-": _SUM, "*": _TERM, "/": _TERM, "//": _TERM, "%": _TERM}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
_PLAIN_SPEC = frozenset("0123456789.,fd%_")


def text(expression: Expression) -> str:
    """What a person writes for ``expression``; :func:`.parse` reads it back as the same."""
    return _show(expression, _TERNARY, '"')


def _show(expression: Expression, least: int, quote: str) -> str:
    shown, strength = _shown(expression, quote)
    return f"({shown})" if strength < least else shown


def _shown(expression: Expression, quote: str) -> tuple[str, int]:
    match expression:
        case Const(value):
            return _constant(value, quote)
        case Get(path):
            return path, _ATOM
        case Op(op, args):
            return _operation(op, args, quote)
        case If(condition, then, otherwise):
            first, test = _show(then, _OR, quote), _show(condition, _OR, quote)
            return f"{first} if {test} else {_show(otherwise, _TERNARY, quote)}", _TERNARY
        case Object(members):
            pairs = [f"{quoted(key, quote)}: {_show(member, _TERNARY, quote)}" for key, member in members.items()]
            return "{" + ", ".join(pairs) + "}", _ATOM
        case ListOf(items):
            return "[" + ", ".join(_show(item, _TERNARY, quote) for item in items) + "]", _ATOM
        case Format(parts):
            return _format(parts, quote), _ATOM
        case Map(items, name, to, where):
            source, target = _show(items, _OR, quote), _show(to, _TERNARY, quote)
            test = "" if where is None else f" if {_show(where, _OR, quote)}"
            return f"[{target} for {name} in {source}{test}]", _ATOM
        case Fn(fn, args):
            listed = ", ".join(_show(arg, _TERNARY, quote) for arg in args)
            return f"{fn}({listed})", _TERM if "@" in fn else _PRIMARY


def _constant(value: Value, quote: str) -> tuple[str, int]:
    match value:
        case None | bool():
            return str(value), _ATOM
        case int() | Decimal():
            return str(value).lower(), _ATOM if value >= 0 else _UNARY
        case str():
            return quoted(value, quote), _ATOM
        case _:
            return _shown(constant(value), quote)


def _operation(op: str, args: tuple[Expression, ...], quote: str) -> tuple[str, int]:
    if op in _COMPARISONS:
        if op in ("==", "!=") and args[1] == Const(None):
            return f"{_show(args[0], _SUM, quote)} {'is' if op == '==' else 'is not'} None", _COMPARE
        return f"{_show(args[0], _SUM, quote)} {op} {_show(args[1], _SUM, quote)}", _COMPARE
    if op in _BINARY:
        strength = _BINARY[op]
        return f"{_show(args[0], strength, quote)} {op} {_show(args[1], strength + 1, quote)}", strength
    match op:
        case "and" | "or":
            strength = _AND if op == "and" else _OR
            return f" {op} ".join(_show(arg, strength + 1, quote) for arg in args), strength
        case "not":
            return f"not {_show(args[0], _NOT, quote)}", _NOT
        case "neg":
            return f"-{_show(args[0], _UNARY, quote)}", _UNARY
        case "**":
            return f"{_show(args[0], _PRIMARY, quote)} ** {_show(args[1], _UNARY, quote)}", _POWER
        case "slice":
            low, high = ("" if arg == Const(None) else _show(arg, _TERNARY, quote) for arg in args[1:])
            return f"{_show(args[0], _PRIMARY, quote)}[{low}:{high}]", _PRIMARY
        case _:
            return _index(args[0], args[1], quote), _PRIMARY


def _index(base: Expression, key: Expression, quote: str) -> str:
    shown = _show(base, _PRIMARY, quote)
    named = isinstance(key, Const) and isinstance(key.value, str) and is_identifier(key.value)
    if named and isinstance(key, Const) and not isinstance(base, (Get, Const)):
        return f"{shown}.{key.value}"  # after a name it would read as part of the path
    return f"{shown}[{_show(key, _TERNARY, quote)}]"


# ── text literals ────────────────────────────────────────────────────────────────────────────────────────────────────

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(value: str, quote: str = '"') -> str:
    """A text literal; the other quotes where that saves a backslash."""
    other = "'" if quote == '"' else '"'
    if quote in value and other not in value:
        quote = other
    return quote + _escaped(value, quote) + quote


def _escaped(value: str, quote: str) -> str:
    if value.isprintable() and "\\" not in value and quote not in value:
        return value
    return "".join(_escape(character, quote) for character in value)


def _escape(character: str, quote: str) -> str:
    if character == quote:
        return "\\" + character
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _format(parts: tuple[str | Expression, ...], quote: str) -> str:
    whole = format_of(list(parts)).parts
    inner = "'" if quote == '"' else '"'
    shown = [part if isinstance(part, str) else _hole(part, inner) for part in whole]
    holes = [hole for hole, part in zip(shown, whole, strict=True) if not isinstance(part, str)]
    if not any("\\" in hole or "#" in hole for hole in holes):
        for delimiter in (quote, inner, quote * 3, inner * 3):
            if not any(delimiter in hole for hole in holes):
                return _f_string(whole, shown, delimiter)
    listed = [quoted(part, quote) if isinstance(part, str) else _show(part, _TERNARY, quote) for part in whole]
    return f"concat({', '.join(listed)})"


def _f_string(parts: tuple[str | Expression, ...], shown: list[str], delimiter: str) -> str:
    pieces = [
        _escaped(part, delimiter[0]).replace("{", "{{").replace("}", "}}") if isinstance(part, str) else f"{{{hole}}}"
        for part, hole in zip(parts, shown, strict=True)
    ]
    return f"f{delimiter}{''.join(pieces)}{delimiter}"


def _is_plain_spec(spec: str) -> bool:
    return bool(spec) and _PLAIN_SPEC.issuperset(spec)


def _hole(part: Expression, quote: str) -> str:
    spec = ""
    if isinstance(part, Fn) and part.fn == "format_number" and len(part.args) == 2:
        given = part.args[1]
        if isinstance(given, Const) and isinstance(given.value, str) and _is_plain_spec(given.value):
            part, spec = part.args[0], ":" + given.value
    shown = _show(part, _TERNARY, quote)
    if shown[0] == "{":
        shown = " " + shown
    return shown + (" " if shown[-1] == "}" else "") + spec
