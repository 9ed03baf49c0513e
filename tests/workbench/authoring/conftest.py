"""Compiling source text as if it stood in a file called ``flow.py``."""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from statistics import mean
from textwrap import dedent
from typing import Any, Literal

import armillary.authoring as arm
import pytest
from armillary.authoring import AuthoringError, Workflow
from armillary_engine.definition.expressions.printing import text as printed
from armillary_engine.definition.model import Definition, Step
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

GOLDEN = Path(__file__).parent / "golden"


class Status(Enum):
    OPEN = "open"
    CLOSED = "closed"


class Line(BaseModel):
    name: str
    price: Decimal


class Quote(BaseModel):
    """What a policy costs."""

    premium: Decimal
    accepted: bool = False
    lines: list[Line] = []
    due: datetime | None = None


class Application(BaseModel):
    policy_id: str
    email: str = ""
    amount: Decimal = Decimal("0")
    status: Status = Status.OPEN
    quote: Quote | None = None


class Outcome(BaseModel):
    result: str
    note: str | None = None


@dataclass
class Person:
    name: str
    age: int = 18
    tags: list[str] = field(default_factory=list)


class Item(TypedDict):
    key: str


NAMES: dict[str, Any] = {name: getattr(arm, name) for name in arm.__all__} | {
    "Any": Any, "Application": Application, "BaseModel": BaseModel, "Decimal": Decimal, "Enum": Enum, "Field": Field,
    "Item": Item, "Line": Line, "Literal": Literal, "Outcome": Outcome, "Person": Person, "Quote": Quote,
    "Status": Status, "TypedDict": TypedDict, "UTC": UTC, "arm": arm, "date": date, "datetime": datetime,
    "timedelta": timedelta,
}  # fmt: skip

Compile = Callable[..., Workflow]


def compile_text(text: str, /, **names: Any) -> Workflow:
    """The last workflow of some source, in which the language, the usual models and ``names`` are known."""
    source = dedent(text).lstrip("\n")
    linecache.cache["flow.py"] = (len(source), None, source.splitlines(keepends=True), "flow.py")
    namespace = {**NAMES, **names, "__name__": "flow"}
    exec(compile(source, "flow.py", "exec", dont_inherit=True), namespace)
    return [value for value in namespace.values() if isinstance(value, Workflow)][-1]


@pytest.fixture
def compiled() -> Compile:
    return compile_text


@pytest.fixture(scope="module")
def compile_module() -> Compile:
    return partial(compile_text, mean=mean, ROUND_HALF_UP=ROUND_HALF_UP)


@pytest.fixture
def steps() -> Callable[..., list[Step]]:
    """The steps of a body of statements."""
    return lambda body, **names: list(body_of(body, **names).body)


def body_of(body: str, /, *, parameters: str = "app: Application", **names: Any) -> Definition:
    lines = "\n".join("    " + line for line in dedent(body).strip("\n").splitlines())
    return compile_text(f"@workflow\ndef flow({parameters}):\n{lines}\n", **names).definition


@pytest.fixture
def value() -> Callable[..., str]:
    """The text of what an expression compiles to."""

    def compile_value(expression: str, **names: Any) -> str:
        step = body_of(f"x = {expression}", **names).body[-1]
        return printed(next(iter(step.assign.values())))  # type: ignore[union-attr]

    return compile_value


@pytest.fixture
def refusal() -> Callable[..., AuthoringError]:
    """The error of a body of statements that does not compile."""

    def refuse(body: str, **names: Any) -> AuthoringError:
        with pytest.raises(AuthoringError) as caught:
            body_of(body, **names)
        return caught.value

    return refuse


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with the one that was read and approved; ``ARMILLARY_UPDATE_GOLDEN=1`` writes it anew."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.txt"
        if os.environ.get("ARMILLARY_UPDATE_GOLDEN"):
            path.write_text(text + "\n", encoding="utf-8")
        assert text + "\n" == path.read_text(encoding="utf-8")

    return compare
