"""An approval chain that depends on the amount."""

from decimal import Decimal

from armillary import Escalation, business_reference, call, fail, task, workflow
from pydantic import BaseModel


class Expense(BaseModel):
    number: str
    employee: str
    manager: str
    amount: Decimal
    purpose: str = ""


class Decision(BaseModel):
    approved: bool
    comment: str = ""


@workflow(version="1.0.0", start=["employee"])
def approve_expense(expense: Expense) -> Decision:
    """Approve an expense."""
    business_reference(expense.number)
    if expense.amount <= 50:
        call("payroll/reimburse", employee=expense.employee, amount=expense.amount)
        return Decision(approved=True, comment="paid at once")
    approvers = [expense.manager]
    if expense.amount > 1_000:
        approvers.append("head-of-department")
    if expense.amount > 10_000:
        approvers += ["chief-financial-officer"]
    for approver in approvers:
        decision = task(
            "ApproveExpense",
            title=f"Expense {expense.number}: {expense.amount:,.2f}",
            assignee=approver,
            payload={"expense": expense},
            answer=Decision,
            escalate=Escalation(after="3d", roles=["finance"]),
        )
        if not decision.approved:
            call("mail/send", to=expense.employee, text=f"Refused: {decision.comment or 'no reason given'}")
            return decision
    payment = call("payroll/reimburse", employee=expense.employee, amount=expense.amount)
    if payment is None:
        fail("expense.unpaid", f"nothing was paid for {expense.number}")
    return Decision(approved=True)
