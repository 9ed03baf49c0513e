"""What the core functions share: their table's row, their error, decimal arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from ..model import Value
from ..values import DIGITS, EXPONENT_MAX, settle

CONTEXT = Context(prec=DIGITS, Emax=EXPONENT_MAX, Emin=-6143, traps=[InvalidOperation, DivisionByZero, Overflow])
"""34 digits, half-even; never the thread's own context, which a user may have changed."""


class FunctionError(Exception):
    """Raised by a function for arguments that it cannot take; becomes ``expression.<code>``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table: ``parameters`` are ``name:type``, blank-separated; ``?`` optional, ``*`` many, ``|`` or."""

    name: str
    parameters: str
    result: str
    call: Callable[..., Value]
    doc: str
    examples: tuple[tuple[str, str], ...] = ()
    sized: bool = False


def whole(value: Value, what: str) -> int:
    """``value`` as an ``int``, or an error that names ``what``."""
    if type(value) is not int:
        raise FunctionError("type", f"expected a whole number as {what}, got {value}")
    return value


def exact(value: Decimal) -> int | Decimal:
    """The result of an arithmetic operation as a value."""
    return settle(value)


def check_size(size: int, limit: int) -> None:
    """Refuses a result of more than ``limit`` characters or items."""
    if size > limit:
        raise FunctionError("size", f"expected a result of at most {limit:,} characters or items, got {size:,}")
