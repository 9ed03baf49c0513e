"""Approval up the hierarchy, by amount."""

from decimal import Decimal
from typing import Literal

from armillary import call, task, workflow
from pydantic import BaseModel


class Receipt(BaseModel):
    shop: str
    amount: Decimal
    currency: str = "EUR"


class Report(BaseModel):
    employee: str
    receipts: list[Receipt]


class Verdict(BaseModel):
    verdict: Literal["approve", "reject", "ask"]
    remarks: str = ""


@workflow
def approve_expense(report: Report):
    total = Decimal(0)
    for receipt in report.receipts:
        if receipt.currency != "EUR":
            of = call("rates/of", currency=receipt.currency)
            rate = of.rate
            total += receipt.amount * rate
        else:
            total += receipt.amount

    while True:
        if total < 500:
            review = task("ReviewExpense", roles=["team"], payload={"report": report, "total": total}, answer=Verdict)
        elif total < 5_000:
            review = task("ReviewExpense", roles=["department"], payload={"report": report, "total": total}, answer=Verdict)
        else:
            review = task("ReviewExpense", roles=["board"], payload={"report": report, "total": total}, answer=Verdict)
        match review.verdict:
            case "approve":
                call("payroll/reimburse", employee=report.employee, amount=round(total, 2))
                return "paid"
            case "reject":
                call("mail/send", to=report.employee, text=review.remarks if review.remarks != "" else "Rejected.")
                return "rejected"
            case _:
                task("Explain", assignee=report.employee, payload={"question": review.remarks.strip()})
