# ruff: noqa: F821 - reveal_type is a checker's own word
"""What type checkers say of the words of the language; read by ``test_types``, never run."""

from dataclasses import dataclass
from decimal import Decimal

from armillary import (
    Check,
    Failure,
    Timeout,
    business_reference,
    call,
    collect,
    continue_with,
    each,
    fail,
    instance,
    now,
    subworkflow,
    task,
    wait_for_signal,
    workflow,
)
from pydantic import BaseModel
from typing_extensions import TypedDict


class Line(BaseModel):
    name: str
    price: Decimal


class Quote(BaseModel):
    premium: Decimal
    lines: list[Line] = []


@dataclass
class Review:
    approved: bool
    remarks: str = ""


class Payment(TypedDict):
    amount: Decimal


class Application(BaseModel):
    policy_id: str


@workflow
def typed(application: Application) -> str:
    business_reference(application.policy_id)
    quote = call("rating/quote", policy=application.policy_id, reply=Quote)
    reveal_type(quote)  # Quote
    reveal_type(quote.premium)  # Decimal
    quotes = call("rating/all", reply=list[Quote])
    reveal_type(quotes)  # list[Quote]
    anything = call("rating/other", policy=application.policy_id)
    reveal_type(anything)  # Any
    review = task("Review", roles=["lead"], answer=Review, check=[Check(lambda answer: answer.approved, "no")])
    reveal_type(review.approved)  # bool
    reveal_type(task("Look", roles=["lead"]))  # Any
    payment = wait_for_signal("paid", match=application.policy_id, payload=Payment)
    reveal_type(payment["amount"])  # Decimal
    for line in each(quote.lines, parallel=4):
        reveal_type(line)  # Line
        prices = collect(line.price)
        reveal_type(prices)  # list[Decimal]
    first = quote.lines[0]
    reveal_type(first.price)  # Decimal
    outcome = subworkflow("Child", output=Review, policy=application.policy_id)
    reveal_type(outcome.remarks)  # str
    reveal_type(now.year)  # int
    reveal_type(instance.id)  # str
    try:
        call("a/b")
    except (Timeout, Failure) as failure:
        reveal_type(failure.code)  # str
    if quote.premium > 3:
        fail("too.much", "no")
    continue_with("Next", policy=application.policy_id)


reveal_type(typed)  # Workflow
