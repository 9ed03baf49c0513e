"""The decorator and what it gives."""

from __future__ import annotations

import pickle
import types

import armillary.authoring as arm
import pytest
from armillary.authoring import Workflow, verbs
from armillary_engine.definition.codec import from_document
from armillary_engine.definition.problems import ArmillaryError

FLOW = "@workflow{}\ndef approve_application(app: Application):\n    call('a/b', x=app.amount)\n"


def test_name_version_and_access(compiled):
    flow = compiled(FLOW.format("(version='1.2.0', start=['agent'], view=['agent', 'auditor'], operate=('ops',))"))
    assert (flow.name, flow.version, flow.definition.version) == ("ApproveApplication", "1.2.0", "1.2.0")
    access = flow.definition.access
    assert (access.start, access.view, access.operate) == (("agent",), ("agent", "auditor"), ("ops",))
    assert compiled(FLOW.format("(name='Other')")).name == "Other"


def test_a_draft_has_a_version_of_its_digest(compiled):
    flow = compiled(FLOW.format(""))
    assert flow.definition.version is None
    assert flow.version == "0.0.0+" + flow.digest[:8]


@pytest.mark.parametrize(
    ("options", "code"), [("(version='one')", "version.invalid"), ("(start='agent')", "workflow.roles")]
)
def test_wrong_options(compiled, options, code):
    with pytest.raises(ArmillaryError) as caught:
        compiled(FLOW.format(options))
    assert caught.value.code == code


@pytest.mark.parametrize("thing", [len, 3, lambda: 1, type("C", (), {})])
def test_only_functions_are_decorated(thing):
    with pytest.raises(ArmillaryError) as caught:
        arm.workflow(thing)
    assert caught.value.code == "workflow.kind"


def test_async_functions_are_refused():
    async def flow() -> None: ...

    with pytest.raises(ArmillaryError, match="leave out async"):
        arm.workflow(flow)


def test_it_is_data(compiled):
    flow = compiled(FLOW.format(""))
    again = pickle.loads(pickle.dumps(flow))
    assert again == flow
    assert hash(again) == hash(flow)
    assert isinstance(again, Workflow)
    assert again.document == flow.document
    assert from_document(flow.document) == flow.definition
    assert repr(flow) == f"<Workflow ApproveApplication {flow.version}>"


def test_it_is_not_callable(compiled):
    with pytest.raises(ArmillaryError, match=r"bench\.start"):
        compiled(FLOW.format(""))(1)


@pytest.mark.parametrize("alias", ["call", "arm.call", "ask", "verbs.call"])
def test_verbs_are_known_by_object(compiled, alias):
    flow = compiled(f"@workflow\ndef flow():\n    {alias}('a/b')\n", ask=arm.call, verbs=verbs)
    assert flow.definition.body[0].kind == "call"


def test_a_function_that_happens_to_be_called_call_is_not_the_verb(refusal):
    error = refusal("call('a/b')", call=lambda _: None)
    assert [problem.code for problem in error.problems] == ["function.unknown"]


VERBS = [
    verb
    for name, verb in vars(verbs).items()
    if isinstance(verb, types.FunctionType) and not name.startswith("_") and verb.__module__ == verbs.__name__
    and name not in ("overload", "cast", "dataclass")
]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_a_verb_outside_a_workflow_says_so(verb):
    with pytest.raises(ArmillaryError, match="outside a @workflow function"):
        verb(*["x"] * verb.__code__.co_argcount)


def test_core_functions_work_on_plain_values():
    from decimal import Decimal

    assert arm.functions.money(Decimal("1.005")) == "1.00"
    assert arm.functions.days_between("2026-11-23", "2026-12-01") == 8


def test_every_core_function_can_be_written():
    import builtins

    from armillary.authoring.compile.functions import METHODS
    from armillary_engine.definition.expressions.functions import CORE

    assert [n for n in CORE if not (hasattr(builtins, n) or hasattr(arm.functions, n) or n in METHODS)] == []
