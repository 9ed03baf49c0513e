"""``@function``: a pure Python function that expressions may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from armillary_engine.definition.expressions.functions import user_function

F = TypeVar("F", bound=Callable[..., Any])


def function(*, major: int, name: str | None = None) -> Callable[[F], F]:
    """Makes a function callable in workflows, as ``name@major``. It must be pure: equal arguments, equal results.

    Its entry for the registry is its attribute ``__armillary_function__``.
    """

    def mark(call: F) -> F:
        call.__armillary_function__ = user_function(call, major=major, name=name)  # type: ignore[attr-defined]
        return call

    return mark
