"""A stored document keeps the order in which its author wrote it; the digest does not see it."""

from __future__ import annotations

from armillary_engine.definition.codec import dumps_definition, from_document, identity, load_definition_bytes
from armillary_engine.definition.model import Definition, Task
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)


def made(names: list[str]) -> Definition:
    answer = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    step = {"id": "review", "kind": "task", "name": "Review", "answer": answer}
    return from_document({"schema": "armillary.workflow/1", "name": "Order", "body": [step]})


@given(NAMES.flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
def test_the_order_is_kept_and_means_nothing(given_names: tuple[list[str], list[str]]) -> None:
    names, other = given_names
    first, second = made(names), made(other)
    assert identity(first).digest == identity(second).digest
    (step,) = load_definition_bytes(dumps_definition(first)).body
    assert isinstance(step, Task)
    assert step.answer is not None
    assert list(step.answer["properties"]) == names
