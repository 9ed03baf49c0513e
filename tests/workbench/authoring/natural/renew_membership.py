"""A membership that renews itself every year until it is cancelled: continue_with, dates, rounding."""

from datetime import date
from decimal import Decimal

from armillary import Failure, Retry, call, continue_with, sleep_until, task, workflow

PRICES = {"basic": Decimal("19.99"), "plus": Decimal("39.99")}


def discounted(price: Decimal, years: int) -> Decimal:
    """Five per cent for each year, at most a quarter."""
    percent = min(years * 5, 25)
    return round(price * (100 - percent) / 100, 2)


@workflow
def renew_membership(member_id: str, plan: str, since: date, years: int = 0):
    if plan not in PRICES:
        raise ValueError(f"unknown plan {plan!r}")
    price = discounted(PRICES[plan], years)
    try:
        call("billing/charge", member=member_id, amount=price, retry=Retry(max_attempts=5, backoff="1d"), timeout="10d")
    except Failure("card.expired"):
        task("RenewCard", assignee=member_id)
        call("billing/charge", member=member_id, amount=price)
    renewal = since.replace(year=since.year + years + 1)
    sleep_until(renewal)
    member = call("members/get", id=member_id)
    if member["cancelled"]:
        return years + 1
    continue_with("RenewMembership", member_id=member_id, plan=member["plan"], since=since, years=years + 1)
