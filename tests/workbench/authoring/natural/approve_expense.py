"""Approval up the hierarchy, by amount."""

from decimal import Decimal
from enum import StrEnum
from typing import Literal

from armillary import call, task, workflow
from pydantic import BaseModel


class Grade(StrEnum):
    TEAM = "team"
    DEPARTMENT = "department"
    BOARD = "board"


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


def grade_for(amount: Decimal) -> Grade:
    if amount < 500:
        return Grade.TEAM
    elif amount < 5_000:
        return Grade.DEPARTMENT
    return Grade.BOARD


@workflow
def approve_expense(report: Report):
    total = Decimal(0)
    for receipt in report.receipts:
        if receipt.currency != "EUR":
            rate = call("rates/of", currency=receipt.currency).rate
            total += receipt.amount * rate
        else:
            total += receipt.amount

    while True:
        review = task("ReviewExpense", roles=[grade_for(total)], payload={"report": report, "total": total}, answer=Verdict)
        match review.verdict:
            case "approve":
                call("payroll/reimburse", employee=report.employee, amount=round(total, 2))
                return "paid"
            case "reject":
                call("mail/send", to=report.employee, text=review.remarks or "Rejected.")
                return "rejected"
            case _:
                task("Explain", assignee=report.employee, payload={"question": review.remarks.strip()})
