"""What `__all__` of the packages promises is there, described, and about as much as one can remember."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import pytest

PROMISES = ("armillary", "armillary_renderers")


def promised() -> Iterator[tuple[str, str]]:
    for package in PROMISES:
        yield from ((package, name) for name in getattr(importlib.import_module(package), "__all__", ()))


@pytest.mark.parametrize(("package", "name"), list(promised()))
def test_a_promised_name_is_there_and_described(package: str, name: str) -> None:
    value = getattr(importlib.import_module(package), name)
    if inspect.ismodule(value) or not (inspect.isclass(value) or inspect.isfunction(value)):
        return
    assert inspect.getdoc(value), f"{package}.{name} has no docstring"
    if inspect.isclass(value) and value.__module__.startswith("armillary"):
        assert [member for member, found in own_members(value) if not inspect.getdoc(found)] == []


def own_members(value: type) -> Iterator[tuple[str, object]]:
    for name, member in vars(value).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def test_something_is_promised() -> None:
    assert {"Workbench", "workflow", "call", "task", "render"} <= {name for _, name in promised()}
