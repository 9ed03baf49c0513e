"""The application that the reference begins with."""

from decimal import Decimal

from armillary.authoring import (
    Retry,
    Timeout,
    branch,
    business_reference,
    call,
    continue_with,
    parallel,
    task,
    wait_for_signal,
    workflow,
)
from pydantic import BaseModel


class Application(BaseModel):
    policy_id: str
    email: str
    amount: Decimal


class Quote(BaseModel):
    premium: Decimal
    accepted: bool = False


class Review(BaseModel):
    remarks: str = ""


class Payment(BaseModel):
    amount: Decimal


class Outcome(BaseModel):
    result: str


@workflow(version="1.2.0", start=["agent"])  # noqa: RET503 - continue_with() ends it
def approve_application(application: Application) -> Outcome:
    """Approve an application."""
    business_reference(application.policy_id)
    try:
        quote = call(
            "rating/quote",
            policy=application.policy_id,
            timeout="30s",
            retry=Retry(max_attempts=3, backoff="2s"),
            reply=Quote,
        )
    except Timeout:
        task("InvestigateRating", roles=["ops"])
        return Outcome(result="timed-out")
    while quote.premium > 10_000 and not quote.accepted:
        review = task("ReviewQuote", roles=["underwriter"], payload={"quote": quote}, answer=Review)
        quote = call("rating/requote", policy=application.policy_id, remarks=review.remarks, reply=Quote)
    with parallel():
        with branch("documents"):
            call("print/documents", policy=application.policy_id)
        with branch("notify"):
            call("mail/send", to=application.email, text=f"Your premium is {quote.premium:,}")
    payment = wait_for_signal("payment-received", match=application.policy_id, timeout="14d", payload=Payment)
    continue_with("IssuePolicy", policy=application.policy_id, paid=payment.amount)
