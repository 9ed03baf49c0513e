"""Insurance: a motor claim from first notice to payment."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from armillary import Failure, Timeout, call, fail, task, workflow

REPORT_WITHIN = timedelta(days=30)


@dataclass
class Damage:
    part: str
    estimate: Decimal


@dataclass
class Claim:
    number: str
    policy: str
    cover: str
    happened_on: date
    reported_on: date
    damages: list[Damage]


@workflow
def assess_claim(claim: Claim) -> Decimal:
    """Assess a motor claim."""
    if claim.reported_on - claim.happened_on > REPORT_WITHIN:
        fail("claim.late", f"claim {claim.number} was reported too late")

    total = sum(damage.estimate for damage in claim.damages)
    worst = max(claim.damages, key=lambda damage: damage.estimate)

    try:
        report = call("surveyors/inspect", claim=claim.number, parts=[d.part for d in claim.damages], timeout="10d")
        total = min(total, report.amount)
    except Timeout:
        answer = task("EstimateByHand", roles=["adjuster"], payload={"claim": claim, "worst": worst.part})
        total = answer.amount
    except Failure as e:
        call("log/write", text=f"{e.code}: {e.message}")

    excess = {"standard": Decimal("500"), "reduced": Decimal("250")}[claim.cover]
    payout = max(total - excess, Decimal(0)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    if payout == 0:
        return Decimal(0)
    call("payments/pay", claim=claim.number, amount=payout)
    return payout
