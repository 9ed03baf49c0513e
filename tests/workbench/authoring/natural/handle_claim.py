"""Insurance: a claim with documents, an estimate and a payment."""

from datetime import date
from decimal import Decimal
from typing import Literal

from armillary import Timeout, branch, business_reference, call, continue_with, parallel, task, wait_for_signal, workflow
from pydantic import BaseModel, Field


class Claim(BaseModel):
    number: str
    policy: str
    happened: date
    kind: Literal["fire", "water", "theft"]
    estimate: Decimal = Field(ge=0)


class Assessment(BaseModel):
    covered: bool
    amount: Decimal
    fraud_score: int = 0


class Result(BaseModel):
    paid: Decimal
    reason: str | None = None


@workflow(version="1.0.0", start=["agent"], view=["agent", "auditor"])
def handle_claim(claim: Claim) -> Result:
    """Handle a claim."""
    business_reference(claim.number, policy=claim.policy)
    policy = call("policies/get", id=claim.policy)
    if not (policy["from"] <= claim.happened <= policy["to"]):
        return Result(paid=0, reason="not insured on that day")
    try:
        documents = wait_for_signal("documents", match=claim.number, timeout="60d")
    except Timeout:
        return Result(paid=0, reason="no documents")
    with parallel():
        with branch("adjuster"):
            assessment = task("Assess", roles=["adjuster"], payload={"docs": documents}, answer=Assessment)
        with branch("fraud"):
            score = call("fraud/score", claim=claim)
    if score > 80 or assessment.fraud_score > 80:
        continue_with("InvestigateFraud", claim=claim, score=max(score, assessment.fraud_score))
    if not assessment.covered:
        return Result(paid=0, reason="not covered")
    paid = min(assessment.amount, policy["limit"]) - policy["deductible"]
    # Nothing is paid below the deductible.
    if paid <= 0:
        return Result(paid=0, reason="below the deductible")
    call("payments/pay", to=policy["holder"], amount=paid)
    return Result(paid=paid)
