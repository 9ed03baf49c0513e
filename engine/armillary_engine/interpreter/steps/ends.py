"""``complete`` and ``fail``: the ends that an author writes."""

from __future__ import annotations

from dataclasses import dataclass

from ...definition import model
from ...definition.expressions import Evaluator
from ...definition.model import Value
from ..compiler import Compiler, problems_text
from ..ending import complete
from ..failures import StepFailure
from ..node import Behaviour, Node
from ..run import Run
from ..snapshot import Frame
from .values import as_text, check_payload


def _plan_complete(step: model.Complete, compiler: Compiler) -> Evaluator:
    return compiler.expression(step.output)


def _enter_complete(run: Run, node: Node[Evaluator], frame: Frame) -> None:
    output = checked_output(run, run.evaluate(node.plan, node, frame))
    run.record("step.done", frame)
    complete(run, frame, output)


def checked_output(run: Run, value: Value) -> Value:
    """The output with its schema's defaults. Raises ``StepFailure``."""
    check_payload(value, "an output")
    if run.program.output is None:
        return value
    output, problems = run.program.output(value)
    if problems:
        message = f"the output does not fit the workflow's schema: {problems_text(problems)}"
        raise StepFailure("failure.output-invalid", message)
    return output


COMPLETE = Behaviour(_plan_complete, _enter_complete)


@dataclass(frozen=True, slots=True)
class FailPlan:
    """A ``fail``, prepared."""

    code: Evaluator
    message: Evaluator


def _plan_fail(step: model.Fail, compiler: Compiler) -> FailPlan:
    return FailPlan(compiler.expression(step.code), compiler.expression(step.message))


CODE_LIMIT = 200
"""Characters of a failure's code."""


def _enter_fail(run: Run, node: Node[FailPlan], frame: Frame) -> None:
    code = as_text(run.evaluate(node.plan.code, node, frame), "a failure's code")
    message = as_text(run.evaluate(node.plan.message, node, frame), "a failure's message")
    if len(code) > CODE_LIMIT or not all(part.strip() for part in code.split(".")):
        raise StepFailure("expression.type", f"expected a failure's code like 'quote.rejected', got {code[:60]!r}")
    raise StepFailure(code, message)


FAIL = Behaviour(_plan_fail, _enter_fail)
