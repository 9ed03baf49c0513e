"""``@fragment``: a function whose statements are put in wherever it is called."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar, cast

from armillary_engine.definition.problems import ArmillaryError

F = TypeVar("F", bound=Callable[..., Any])


class Fragment:
    """A marked function; workflows that call it get its steps."""

    def __init__(self, function: FunctionType, caller: Mapping[str, object]) -> None:
        self.function = function
        self.caller = caller
        functools.update_wrapper(cast(Any, self), function)

    def __call__(self, *arguments: object, **options: object) -> Any:
        raise ArmillaryError(
            "verb.outside",
            f"{self.function.__name__}() is a fragment and was called outside a @workflow function",
            hint="call it inside a workflow, where its steps are put in; for a plain function leave out @fragment",
        )

    def __repr__(self) -> str:
        return f"<fragment {self.function.__name__}>"


def fragment(function: F) -> F:
    """Marks a function whose steps (or whose one expression) are put in where a workflow calls it."""
    if not isinstance(function, FunctionType):
        hint = "put @fragment directly above a def"
        raise ArmillaryError("fragment.kind", f"expected a function, got {type(function).__name__}", hint=hint)
    return cast(F, Fragment(function, dict(sys._getframe(1).f_locals)))
