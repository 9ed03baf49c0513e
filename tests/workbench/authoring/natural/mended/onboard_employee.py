"""Onboarding: accounts in parallel, a laptop, a first day, a probation."""

from datetime import date, timedelta

from armillary import branch, call, now, parallel, sleep_until, task, workflow
from pydantic import BaseModel


class Employee(BaseModel):
    name: str
    email: str
    department: str
    first_day: date
    needs: list[str] = []


class Review(BaseModel):
    passed: bool


@workflow
def onboard(employee: Employee) -> str:
    """Onboard an employee.

    From the signed contract to the end of the probation.
    """
    with parallel():
        with branch("accounts"):
            for system in ["mail", "chat", "wiki"]:
                call("directory/create", system=system, user=employee.email.lower())
        with branch("laptop"):
            order = call("procurement/order", item="laptop", deliver_to=employee.name)
            while order["status"] != "delivered":
                sleep_until(now + timedelta(days=1))
                order = call("procurement/status", arguments={"id": order["id"]})
        with branch("desk"):
            task("PrepareDesk", roles=["facilities"], payload={"who": employee.name, "needs": employee.needs})
    sleep_until(employee.first_day)
    task("Welcome", roles=["hr"], title="Welcome " + employee.name)
    sleep_until(employee.first_day + timedelta(days=90))
    review = task("ProbationReview", roles=["hr"], answer=Review)
    return "permanent" if review.passed else "left"
