"""Onboarding with a checklist and a helper."""

from datetime import date

from armillary import call, each, fragment, task, workflow
from pydantic import BaseModel, Field


class Equipment(BaseModel):
    item: str
    quantity: int = 1


class Joiner(BaseModel):
    first_name: str
    last_name: str
    email: str | None = None
    start: date
    equipment: list[Equipment] = Field(default_factory=list)


def login_of(joiner: Joiner) -> str:
    return f"{joiner.first_name[0]}{joiner.last_name}".lower().replace(" ", "")


@workflow(start=["hr"])
def join_company(joiner: Joiner, buddy: str = "nobody"):
    login = login_of(joiner)
    email = joiner.email or f"{login}@example.com"
    account = call("directory/create", login=login, email=email)

    orders = []
    for equipment in joiner.equipment:
        for number in range(equipment.quantity):
            order = call("purchasing/order", item=equipment.item, number=number + 1)
            orders.append(order.id)

    if buddy != "nobody":
        task("Welcome", assignee=buddy, payload={"joiner": joiner, "orders": orders})

    return {"account": account.id, "orders": orders, "count": len(orders)}
