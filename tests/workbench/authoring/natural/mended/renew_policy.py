"""Insurance: renew every year."""

from datetime import timedelta
from decimal import Decimal

from armillary import Failure, Timeout, call, continue_with, function, sleep_until, workflow
from pydantic import BaseModel


class Policy(BaseModel):
    id: str
    premium: Decimal
    ends: str
    years: int = 0


@function(major=1)
def with_bonus(premium: Decimal, years: int) -> Decimal:
    return premium * (1 - Decimal("0.05") * years)


@workflow(name="RenewPolicy")
def renew(policy: Policy) -> None:
    sleep_until(policy.ends - timedelta(days=30))
    premium = with_bonus(policy.premium, policy.years)
    try:
        call("billing/collect", policy=policy.id, amount=premium)
    except (Timeout, Failure):
        call("policies/cancel", arguments={"id": policy.id})
        return
    continue_with("RenewPolicy", arguments={**policy, "years": policy.years + 1})
