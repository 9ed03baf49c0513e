"""Everything that the language has, in one insurance claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Literal

from armillary.authoring import (
    Check,
    Escalation,
    Failure,
    Retry,
    Timeout,
    branch,
    business_reference,
    call,
    collect,
    compensate,
    continue_with,
    each,
    fail,
    fragment,
    instance,
    loop,
    now,
    parallel,
    sleep,
    sleep_until,
    step,
    subworkflow,
    task,
    wait_for_signal,
    workflow,
)
from armillary.authoring.functions import days_between, money
from pydantic import BaseModel, Field
from typing_extensions import TypedDict


class Severity(Enum):
    SMALL = "small"
    LARGE = "large"


class Damage(TypedDict):
    part: str
    estimate: Decimal


@dataclass
class Claim:
    claim_id: str
    email: str
    reported: datetime
    damages: list[Damage] = field(default_factory=list)
    severity: Severity = Severity.SMALL
    channel: Literal["web", "phone"] = "web"


class Price(BaseModel):
    part: str
    amount: Decimal = Field(ge=0)


class Decision(BaseModel):
    accepted: bool
    amount: Decimal = Decimal("0")
    remarks: str = ""


class Paid(BaseModel):
    reference: str


LIMIT = Decimal("2500.00")
CAREFUL = Retry(max_attempts=4, backoff="2s", jitter=0.1, on=["service.unavailable"])


@fragment
def with_margin(amount: Decimal) -> Decimal:
    """Ten percent more."""
    return amount * Decimal("1.10")


@fragment
def decided(claim: Claim, amount: Decimal, role: str) -> Decision:
    # Asks until somebody writes why.
    decision = task("Decide", roles=[role], payload={"claim": claim, "amount": amount}, answer=Decision)
    while not decision.accepted and decision.remarks == "":
        decision = task("GiveReason", roles=[role], payload=decision, answer=Decision)
    return decision


@workflow(version="2.0.0", start=["agent"], view=["agent", "auditor"], operate=["ops"])
def handle_claim(claim: Claim) -> Decision:
    """Handle a claim.

    From the report to the payment.
    """
    business_reference(claim.claim_id, email=claim.email)
    estimate = sum((damage["estimate"] for damage in claim.damages), Decimal(0))
    if days_between(claim.reported, now) > 30:
        fail("claim.late", f"claim {claim.claim_id} was reported late")

    prices: list[Decimal] = []
    # Every part has a price of its own.
    for damage in each(claim.damages, parallel=4):
        try:
            price = call("parts/price", part=damage["part"], reply=Price, retry=CAREFUL, timeout="5m")
        except Timeout:
            price = task("FindPrice", roles=["clerk"], payload={"part": damage["part"]}, answer=Price)
        prices = collect(price.amount)
    total = sum(prices, Decimal(0))

    match claim.severity:
        case Severity.SMALL:
            decision = decided(claim, with_margin(total), "clerk")
        case Severity.LARGE if total > LIMIT or estimate > LIMIT:
            decision = decided(claim, with_margin(total), "expert")
        case _:
            decision = Decision(accepted=True, amount=total)
    if not decision.accepted:
        return decision

    with parallel(join="any"):
        with branch("letter"):
            call("print/letter", claim=claim.claim_id)
        with branch("mail"):
            call("mail/send", to=claim.email, text=f"You get {money(decision.amount)} ({decision.amount:,.2f})")
            sleep(timedelta(hours=1))

    step("pay", title="Pay", note="Undone when the customer calls it off.")
    payment = call("bank/pay", arguments={"id": instance.id, "amount": decision.amount}, reply=Paid)
    with compensate():
        call("bank/reverse", reference=payment.reference)

    tries = 0
    confirmed = "no"
    while loop(until=lambda: confirmed == "yes" or tries > 3, max=10):  # noqa: B023 - tested after each turn
        step("count")
        tries += 1
        try:
            confirmed = wait_for_signal("confirmed", match=claim.claim_id, timeout="14d", payload=str)
        except Timeout:
            step("not-yet")
            confirmed = "no"
            continue
        if confirmed == "called-off":
            break

    checked = task(
        "CheckFile",
        title=f"Check {claim.claim_id}",
        roles=["auditor"],
        answer=Decision,
        check=[Check(lambda answer: answer.amount < 0, "the amount is below zero")],
        due="3d",
        escalate=Escalation(after="2d", roles=["lead"]),
        priority=2,
    )
    try:
        archived = subworkflow("ArchiveClaim", claim=claim, version="^1.0", output=Paid, timeout="1d")
        call("archive/seal", reference=archived.reference)
    except Failure("child.archive.full") as error:
        fail("archive.full", error.message)
    except (Failure, Timeout):
        raise
    sleep_until(now + timedelta(days=30))
    step("close")
    if checked.accepted:
        continue_with("CloseClaim", claim=claim.claim_id, checked=True)
    return decision
