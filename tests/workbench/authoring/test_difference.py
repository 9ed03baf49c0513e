"""The difference of two definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from armillary.authoring import diff
from armillary_engine.definition.codec import dumps, identity
from armillary_engine.definition.fields import FIELDS, Holds
from armillary_engine.definition.model import Body, Const, Definition, Set
from armillary_engine.definition.validate.walk import bodies, places
from armillary_engine.testing.strategies import definitions
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

BASE = """
@workflow
def flow(app: Application):
    call("a/one", x=app.amount)
    if app.amount > 3:
        call("a/two")
        call("a/three")
    call("a/four")
"""

RENAMED = "step 'other' renamed from 'four' (its content is the same)"
ARGUMENTS = """step 'one' arguments: {"object":{"x":{"get":"input.amount"}}} → {"object":{"x":{"const":1}}}"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ('    call("a/four")\n', "", ["step 'four' removed"]),
        ('call("a/four")', 'call("a/four")\n    call("a/five")', ["step 'five' added"]),
        ('call("a/four")', 'call("a/four", id="other")', [RENAMED]),
        ("x=app.amount", "x=1", [ARGUMENTS]),
        ("amount > 3", "amount > 4", None),
        ('        call("a/two")\n        call("a/three")\n', '        call("a/three")\n        call("a/two")\n',
         ["step 'three' moved from position 2 of if-amount/branches/0 to position 1 of if-amount/branches/0"]),
        ("app: Application", "*, amount: Decimal", None),
    ],
)  # fmt: skip
def test_difference(compiled, old, new, expected):
    changed = BASE.replace(old, new, 1) if old else BASE
    if "*, amount" in changed:
        changed = changed.replace("app.amount", "amount")
    found = diff(compiled(BASE), compiled(changed))
    if expected is not None:
        assert str(found).splitlines() == (expected or ["no difference"])
        assert bool(found) == bool(expected)
    elif "> 4" in changed:
        assert [(change.kind, change.step, change.field) for change in found.changes] == [
            ("changed", "if-amount", "branches")
        ]
    else:
        assert found.changes[0].kind == "input.shape"


def test_what_moves_out_of_a_block(compiled):
    moved = BASE.replace('        call("a/three")\n    call("a/four")', '    call("a/three")\n    call("a/four")')
    (change,) = diff(compiled(BASE), compiled(moved)).changes
    assert (change.kind, change.step, change.after) == ("moved", "three", "position 3 of the workflow")


# ── any definition, and one edit of it ───────────────────────────────────────────────────────────────────────────────

Edit = Callable[[Body], Body]


def bodies_of(body: Body) -> list[Body]:
    """Every body, from the outside inwards."""
    return [body, *(one for step in body for _, inner in bodies(step) for one in bodies_of(inner))]


def edited(body: Body, number: int, edit: Edit) -> tuple[Body, int]:
    """The body in which the body of this number is edited, and what is left of the number."""
    if number == 0:
        return edit(body), -1
    number -= 1
    steps = []
    for step in body:
        for row in FIELDS[type(step)]:
            value = getattr(step, row.attribute)
            if row.holds is Holds.BODY and value is not None and number >= 0:
                inner, number = edited(value, number, edit)
                step = replace(step, **{row.attribute: inner})
            elif row.holds is Holds.OBJECTS and value and hasattr(value[0], "body"):
                parts = []
                for one in value:
                    inner, number = edited(one.body, number, edit) if number >= 0 else (one.body, number)
                    parts.append(replace(one, body=inner))
                step = replace(step, **{row.attribute: tuple(parts)})
        steps.append(step)
    return tuple(steps), number


def in_some_body(data: st.DataObject, definition: Definition, edit: Edit, least: int) -> Definition:
    """An edit of one of the bodies that have so many steps."""
    numbers = [number for number, body in enumerate(bodies_of(definition.body)) if len(body) >= least]
    assume(numbers)
    body, left = edited(definition.body, data.draw(st.sampled_from(numbers)), edit)
    assert left == -1
    return replace(definition, body=body)


def told(one: Definition, other: Definition) -> list[tuple[str, str | None]]:
    return [(change.kind, change.step) for change in diff(one, other).changes]


NEW = Set("\N{SNOWMAN} new", {"only_here": Const("\N{SNOWMAN}")})
THOROUGH = settings(suppress_health_check=list(HealthCheck), deadline=None)


@given(definitions(), definitions())
@settings(suppress_health_check=list(HealthCheck), max_examples=25)
def test_a_definition_differs_from_another_only(one, other):
    assert not diff(one, one)
    assert str(diff(one, other))


@given(definitions(), definitions())
@THOROUGH
def test_backwards_it_is_the_inverse(one, other):
    there, back = diff(one, other), diff(other, one)
    assert {change.step for change in there.of("added")} == {change.step for change in back.of("removed")}
    assert {change.step for change in there.of("removed")} == {change.step for change in back.of("added")}
    renamed = {(change.before, change.after) for change in there.of("renamed")}
    assert renamed == {(change.after, change.before) for change in back.of("renamed")}
    names = dict(renamed)
    changed = {(change.step, change.field, dumps(change.before), dumps(change.after)) for change in there.of("changed")}
    assert changed == {
        (names.get(change.step, change.step), change.field, dumps(change.after), dumps(change.before))
        for change in back.of("changed")
    }
    assert len(there.of("moved")) == len(back.of("moved"))
    for kind in ("name", "version", "output", "access", "input", "input.shape"):
        assert len(there.of(kind)) == len(back.of(kind))


@given(definitions(), definitions())
@THOROUGH
def test_it_accounts_for_every_step(one, other):
    """What was there, without what was removed, under its new names, and what was added, is what is there."""
    found = diff(one, other)
    names = {change.before: change.after for change in found.of("renamed")}
    gone = {change.step for change in found.of("removed")}
    kept = {names.get(place.step.id, place.step.id) for place in places(one) if place.step.id not in gone}
    assert kept | {change.step for change in found.of("added")} == {place.step.id for place in places(other)}
    assert bool(found) == (identity(one).digest != identity(other).digest)


@given(definitions(), st.data())
@THOROUGH
def test_a_step_more_and_a_step_less(definition, data):
    def add(body: Body) -> Body:
        at = data.draw(st.integers(0, len(body)))
        return (*body[:at], NEW, *body[at:])

    more = in_some_body(data, definition, add, 0)
    assert told(definition, more) == [("added", NEW.id)]
    assert told(more, definition) == [("removed", NEW.id)]


@given(definitions(), st.data())
@THOROUGH
def test_another_name(definition, data):
    def rename(body: Body) -> Body:
        at = data.draw(st.integers(0, len(body) - 1))
        return (*body[:at], replace(body[at], id=NEW.id), *body[at + 1 :])

    assert told(definition, in_some_body(data, definition, rename, 1)) == [("renamed", NEW.id)]


@given(definitions(), st.data())
@THOROUGH
def test_another_place(definition, data):
    def move(body: Body) -> Body:
        start, end = data.draw(st.lists(st.integers(0, len(body) - 1), min_size=2, max_size=2, unique=True))
        rest = [*body[:start], *body[start + 1 :]]
        return (*rest[:end], body[start], *rest[end:])

    (change,) = told(definition, in_some_body(data, definition, move, 2))
    assert change[0] == "moved"


@given(definitions(), st.data())
@THOROUGH
def test_another_expression(definition, data):
    changed: list[tuple[str, str]] = []

    def change(body: Body) -> Body:
        rows = [
            (at, row)
            for at, step in enumerate(body)
            for row in FIELDS[type(step)]
            if row.holds is Holds.EXPRESSION and getattr(step, row.attribute) is not None
        ]
        assume(rows)
        at, row = data.draw(st.sampled_from(rows))
        changed.append((body[at].id, row.json))
        return (*body[:at], replace(body[at], **{row.attribute: Const("\N{SNOWMAN}")}), *body[at + 1 :])

    found = diff(definition, in_some_body(data, definition, change, 1)).changes
    assert [(one.kind, one.step, one.field) for one in found] == [("changed", *changed[-1])]


@given(definitions())
@THOROUGH
def test_another_input(definition):
    other = replace(definition, input={"type": "object", "title": "\N{SNOWMAN}"})
    (change,) = diff(definition, other).changes
    assert change.kind in ("input", "input.shape")
