"""The workflow that these tests run: a quote, a review where it is high."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from armillary import Retry, business_reference, call, task, wait_for_signal, workflow
from pydantic import BaseModel


class Application(BaseModel):
    policy_id: str
    amount: Decimal


class Quote(BaseModel):
    premium: Decimal


class Review(BaseModel):
    answer: Literal["approve", "decline"]
    remarks: str = ""


class Outcome(BaseModel):
    result: str
    premium: Decimal


@workflow
def approve_application(application: Application) -> Outcome:
    """Approve an application."""
    business_reference(application.policy_id)
    quote = call("rating/quote", policy=application.policy_id, amount=application.amount, reply=Quote)
    if quote.premium > 10_000:
        review = task("ReviewQuote", roles=["underwriter"], payload={"quote": quote}, answer=Review)
        return Outcome(result=review.answer, premium=quote.premium)
    return Outcome(result="approve", premium=quote.premium)


@workflow
def ask_once() -> Review:
    """One question."""
    return task("Ask", title="What do you say?", roles=["clerk"], answer=Review)


class Payment(BaseModel):
    amount: Decimal


@workflow
def await_payment(policy: str) -> Decimal:
    """Wait for the money."""
    payment = wait_for_signal("payment-received", match=policy, payload=Payment)
    return payment.amount


@workflow
def ask_two_services(number: int) -> int:
    """Ask one service, and then another that needs two attempts."""
    call("registry/claims", number=number)
    return call("rating/quote", number=number, reply=int, retry=Retry(max_attempts=2, backoff="10ms"))
