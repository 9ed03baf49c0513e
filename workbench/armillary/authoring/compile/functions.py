"""Which function of the registry a Python callable means, and what to say about those that mean none."""

from __future__ import annotations

import builtins
import datetime
import math
import random
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from armillary_engine.definition.expressions.conversion import METHODS as TEXT_METHODS
from armillary_engine.definition.expressions.functions import CORE, Function
from armillary_engine.definition.model import Expression
from armillary_engine.definition.suggest import did_you_mean

from .. import functions as offered
from ..fragment import Fragment
from .ids import kebab

Arguments = tuple[Expression, ...]


@dataclass(frozen=True)
class Method:
    """A method of Python's own types, as a function: where its object stands among the arguments."""

    name: str
    place: Callable[[Expression, Arguments], Arguments]


def _first(owner: Expression, arguments: Arguments) -> Arguments:
    return (owner, *arguments)


def _second(owner: Expression, arguments: Arguments) -> Arguments:
    return (*arguments[:1], owner, *arguments[1:])


METHODS: dict[str, Method] = {
    name: Method(name, _second if name == "join" else _first) for name in sorted(TEXT_METHODS)
}

_BY_OBJECT: dict[int, str] = {id(getattr(builtins, name)): name for name in CORE if hasattr(builtins, name)}
_BY_OBJECT |= {id(getattr(offered, name)): name for name in CORE if hasattr(offered, name)}
_BY_OBJECT |= {id(math.floor): "floor", id(math.ceil): "ceil", id(Decimal): "number"}

CONCAT = offered.concat
AS_TEXT = offered.as_text
"""Takes a date as the text that it is: compares by characters, not by time."""
NOW = "the time changes between runs; write now (from armillary), which is the same for a whole slice"
TODAY = "the day changes between runs; write date_of(now): date_of is in armillary.functions, now in armillary"
CHANCE = "chance changes between runs; ask a service for it: call(…)"
ADVICE: dict[Any, str] = {
    builtins.print: "a workflow prints nothing; write a comment for a note, or call a service",
    builtins.input: "to ask a person write task(…)",
    builtins.open: "files are read by a service: call(…)",
    builtins.float: "leave out float(…): numbers are decimals already; for a text write number(x)",
    builtins.bool: "write a comparison: x != 0, x is not None, len(x) > 0",
    builtins.list: "leave out list(…) around a list; for keys write x.keys(), for characters of a text ask a service",
    builtins.tuple: "leave out tuple(…) around a list",
    builtins.set: "write unique(items)",
    builtins.next: "write next((x for x in items if …), None)",
    builtins.map: "write a comprehension: [f(x) for x in items]",
    builtins.filter: "write a comprehension: [x for x in items if …]",
    builtins.isinstance: "values have the types of their models; compare with None or with a value",
    builtins.hasattr: 'write get(value, "name") is not None',
    builtins.getattr: 'write get(value, "name", default)',
    builtins.repr: "write str(x)",
    builtins.divmod: "write x // y and x % y",
    builtins.pow: "write x ** y",
    time.time: NOW,
    time.sleep: 'write sleep("30s") (from armillary)',
    uuid.uuid4: "write instance.id (from armillary), or ask a service",
    random.random: CHANCE,
    random.randint: CHANCE,
    random.choice: CHANCE,
}


def is_fragment(value: object) -> bool:
    """Whether a value was marked ``@fragment``."""
    return isinstance(value, Fragment)


def user_function(value: object) -> Function | None:
    """The registry's entry behind a Python function of the author's, if it was made one."""
    found = getattr(value, "__armillary_function__", value)
    return found if isinstance(found, Function) else None


def named(value: object) -> str | None:
    """The registry's name of a callable, by object; ``None`` if it has none."""
    own = user_function(value)
    return own.name if own is not None else _BY_OBJECT.get(id(value))


def names() -> list[str]:
    """The names of the core functions."""
    return list(CORE)


def entry(name: str) -> Function | None:
    """A core function by name."""
    return CORE.get(name)


def arity(name: str) -> tuple[int, int | None] | None:
    """Least and greatest number of arguments; ``None`` when the function is not known here."""
    function = CORE.get(name)
    return None if function is None else (function.least, function.most)


def parameters(name: str) -> list[str]:
    """The names of a function's parameters that may be given by keyword."""
    function = CORE.get(name)
    if function is None or function.most is None:
        return []
    return [PYTHON_NAMES.get((name, one.name), one.name) for one in function.parameters]


PYTHON_NAMES = {("round", "places"): "ndigits", ("split", "separator"): "sep"}
"""A parameter that Python calls otherwise."""


def usage(name: str) -> str:
    """How a function is written, for a hint."""
    function = CORE.get(name)
    return f"write {function.signature}" if function is not None else ""


def advice(value: Any, text: str) -> tuple[str, str]:
    """Why a callable can't be called in a workflow, and what to write instead."""
    try:
        known = ADVICE.get(value)
    except TypeError:
        known = None
    if text.endswith("date.today"):
        return f"{text}() has no meaning in a workflow", TODAY
    if known is None and getattr(value, "__self__", None) in (datetime.datetime, datetime.date, time):
        known = NOW
    if known is None and getattr(value, "__name__", "") in ("now", "today", "utcnow") and "." in text:
        known = NOW
    if known is not None:
        return f"{text}() has no meaning in a workflow", known
    name = getattr(value, "__name__", text)
    near = did_you_mean(name, CORE) if isinstance(value, type(len)) else ""
    where = "mark it @fragment if it holds steps, @function(major=1) if it is pure; otherwise call it as a service"
    return f"{text}() is no function that a workflow can call", near or where


_SPEC = re.compile(r"(0?[1-9][0-9]?)?,?(\.[0-9]{1,2})?[fd%]?", re.ASCII)


def format_problem(spec: str) -> str | None:
    """What is wrong with the part after ``:`` in an f-string; ``None`` if nothing is."""
    return None if spec and _SPEC.fullmatch(spec) else f"expected a format such as :.2f, got :{spec}"


def snake(text: str) -> str:
    """``ReviewQuote`` → ``review_quote``."""
    name = kebab(text).replace("-", "_")
    return name if name.isidentifier() else re.sub(r"\W", "", name)
