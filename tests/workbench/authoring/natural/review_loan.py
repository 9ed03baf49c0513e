"""A loan with early returns, nested conditions, and a second opinion."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from armillary import call, task, workflow

MIN_SCORE = 600
RATES = ((Decimal("10000"), Decimal("0.059")), (Decimal("50000"), Decimal("0.049")), (None, Decimal("0.042")))


@dataclass
class Applicant:
    name: str
    born: date
    income: Decimal
    debts: list[Decimal] = field(default_factory=list)


@dataclass
class Loan:
    applicant: Applicant
    amount: Decimal
    months: int = 48


@workflow
def review_loan(loan: Loan):
    applicant = loan.applicant
    age = (date.today() - applicant.born).days // 365
    if age < 18:
        return {"result": "refused", "reason": "too young"}

    burden = sum(applicant.debts) + loan.amount / loan.months
    if burden > applicant.income * Decimal("0.4"):
        return {"result": "refused", "reason": f"monthly burden of {burden:,.2f} is too high"}

    if (score := call("bureau/score", name=applicant.name, born=applicant.born)["score"]) < MIN_SCORE:
        first = task("ReviewLoan", roles=["credit"], payload={"loan": loan, "score": score})
        second = task("ReviewLoan", roles=["credit"], payload={"loan": loan, "score": score})
        if not (first["approve"] and second["approve"]):
            return {"result": "refused", "reason": "score"}

    for limit, rate in RATES:
        if limit is None or loan.amount <= limit:
            break
    interest = (loan.amount * rate / 12).quantize(Decimal("0.01"))
    first_due = date.today() + timedelta(days=30)
    return {"result": "granted", "interest": interest, "first_due": first_due.isoformat()}
