"""How an evaluation fails, and what keeps it from going on for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..model import Const, Expression, Value
from ..problems import ArmillaryError
from ..values import MAX_DEPTH
from .printing import text

Scope = dict[str, Any]
"""Root names → values; under ``""``, where no name can be, the meter."""
METER = ""
_NAMING = ", in `"


FAILURES: dict[str, tuple[str, str]] = {
    "missing": ("A name or a member is read that is not there.", "`get(value, \"name\", default)` gives a default"),
    "null": ("A member or an item of null is taken.", "`get(value, \"name\", default)` gives a default"),
    "index": ("An index lies outside of a list or a text.", "compare it with `len(items)` first, or `get(items, 0)`"),
    "value": ("A function has no result for a value.", "check the value before, or choose another function"),
    "number": ("A number has no exact form of 34 digits.", "round it before, or keep it as text"),
    "division-by-zero": ("A number is divided by 0.", "`x / y if y != 0 else 0`"),
    "size": ("A value is too large, or is nested too deep.", "take a part of it, or keep it in a service"),
    "budget": ("An expression takes too many steps.", "go through fewer items, or ask a service"),
    "function": ("A function of the author's own raised, or gave no JSON value.",
                 "mend the function: equal arguments have to give an equal JSON value"),
}  # fmt: skip
"""Code after ``expression.`` → what it means when an instance fails with it, and the way out. ``type``, ``arguments``
and ``unknown-function`` are found before an instance runs, where that can be known."""


class ExpressionFailure(ArmillaryError):  # noqa: N818  what an instance fails with, not a mistake of the caller
    """An evaluation that has no value. ``text`` is the sub-expression at fault, ``values`` the values in it by their
    text. :data:`FAILURES` has the codes."""

    def __init__(self, code: str, message: str, *, text: str, values: dict[str, Value], hint: str = "") -> None:
        super().__init__(code, f"{message}{_NAMING}{text}`" if text else message, hint=hint)
        self.text = text
        self.values = values


def failure(
    code: str, message: str, node: Expression, *operands: tuple[Expression, Value], hint: str = ""
) -> ExpressionFailure:
    """A failure of ``node``; ``operands`` are its parts with their values."""
    values = {shortened(text(part)): value for part, value in operands if not isinstance(part, Const)}
    return ExpressionFailure(f"expression.{code}", message, text=shortened(text(node)), values=values, hint=hint)


def expression_in(message: str) -> str | None:
    """The text of the sub-expression that the message of an :class:`ExpressionFailure` names, if it names one."""
    _, found, rest = message.rpartition(_NAMING)
    return rest.partition("`; ")[0].removesuffix("`") if found else None


def shortened(shown: str, limit: int = 200) -> str:
    """A text as a message shows it."""
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


@dataclass(frozen=True, slots=True)
class Budget:
    """What one evaluation may use: steps (an expression, an item, a character looked at), and characters plus items of
    a result."""

    steps: int = 1_000_000
    size: int = 1024 * 1024


class Meter:
    """Counts the steps of one evaluation."""

    __slots__ = ("budget", "left")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.left = budget.steps

    def charge(self, steps: int, node: Expression) -> None:
        """Takes ``steps`` from what is left; fails when there are not enough."""
        self.left -= steps
        if self.left < 0:
            raise failure("budget", f"expected at most {self.budget.steps:,} steps, needed more", node)

    def check_result(self, value: Value, node: Expression) -> None:
        """Refuses a result that is too large or too deep."""
        left, level = self.budget.size, [value]
        for _ in range(MAX_DEPTH + 1):
            inner: list[Any] = []
            for item in level:
                left -= 1
                if type(item) is str:
                    left -= len(item)
                elif type(item) is list:
                    inner += item
                elif type(item) is dict:
                    left -= sum(map(len, item))
                    inner += item.values()
                if left < 0 or len(inner) > left:
                    message = f"expected a result of at most {self.budget.size:,} characters and items"
                    raise failure("size", message, node)
            if not inner:
                return
            level = inner
        raise failure("size", f"expected a result of at most {MAX_DEPTH} lists and objects within one another", node)
