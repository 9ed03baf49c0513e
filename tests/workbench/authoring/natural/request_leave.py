"""HR: leave days."""

from datetime import date, timedelta

from armillary import Check, call, task, workflow
from pydantic import BaseModel


class Leave(BaseModel):
    employee: str
    start: date
    end: date


class Verdict(BaseModel):
    granted: bool
    reason: str = ""


@workflow
def request_leave(leave: Leave) -> bool:
    days = (leave.end - leave.start).days + 1
    balance = call("hr/balance", employee=leave.employee)
    if days > balance:
        return False
    verdict = task(
        "GrantLeave",
        roles=["manager"],
        due=leave.start - timedelta(days=7),
        answer=Verdict,
        check=[Check(lambda answer: not answer.granted and answer.reason == "", "give a reason")],
    )
    if verdict.granted:
        call("hr/book", employee=leave.employee, days=days)
    return verdict.granted
