"""What Python writes with braces and keys, and the functions of the registry that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from armillary_engine.definition.expression_json import is_identifier
from armillary_engine.definition.expressions.printing import quoted
from armillary_engine.definition.model import Const, Expression, Fn, ListOf, Object

Show = Callable[[Expression], str]


def merged(parts: Sequence[Expression], show: Show) -> str | None:
    """``{**a, "x": 1, key: 2}`` for ``merge(a, {"x": 1}, dict([[key, 2]]))``; ``None`` where it would read back as
    something else."""
    pieces: list[str] = []
    for index, part in enumerate(parts):
        match part:
            case Object(members):
                if not members or (index and isinstance(parts[index - 1], Object)):
                    return None
                pieces += [f"{quoted(key)}: {show(value)}" for key, value in members.items()]
            case Fn("dict", (ListOf((ListOf((key, value)),)),)) if not isinstance(key, Const):
                pieces.append(f"{show(key)}: {show(value)}")
            case _:
                pieces.append(f"**{show(part)}")
    return "{" + ", ".join(pieces) + "}"


def made(pairs: Expression, show: Show) -> str | None:
    """``{key: value for …}`` and ``{key: value}`` for ``dict`` of pairs."""
    match pairs:
        case ListOf((ListOf((key, value)),)) if not isinstance(key, Const):
            return f"{{{show(key)}: {show(value)}}}"
    return None


@dataclass(frozen=True)
class Ordered:
    """Items in the order of members; ``backwards`` as ``reverse=True`` means it."""

    items: Expression
    members: tuple[str, ...]
    backwards: bool

    @classmethod
    def of(cls, expression: Expression) -> Ordered | None:
        """What ``sorted(items, key=…, reverse=…)`` compiles to."""
        match expression:
            case Fn("reversed", (Fn("sort_by") as inner,)):
                found = cls.of(inner)
                match found:
                    case Ordered(Fn("reversed", (items,)), members, False):
                        return cls(items, members, backwards=True)
                return None
            case Fn("sort_by", (items, Const(str() as member))):
                inner_found = cls.of(items) if isinstance(items, Fn) and items.fn == "sort_by" else None
                if inner_found is None:
                    return cls(items, (member,), backwards=False)
                return cls(inner_found.items, (member, *inner_found.members), backwards=False)
        return None

    def key(self, item: str) -> str:
        """``lambda item: (item.price, item["gross-price"])``."""
        read = [f"{item}.{one}" if is_identifier(one) else f"{item}[{quoted(one)}]" for one in self.members]
        return f"lambda {item}: {read[0]}" if len(read) == 1 else f"lambda {item}: ({', '.join(read)})"
