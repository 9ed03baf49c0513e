"""An order as a saga: reserve, charge, ship; undo what was done when a later step fails."""

from decimal import Decimal

from armillary import Failure, call, compensate, workflow
from typing_extensions import TypedDict


class Line(TypedDict):
    sku: str
    quantity: int
    price: Decimal


class Order(TypedDict):
    id: str
    customer: str
    lines: list[Line]
    express: bool


SHIPPING = Decimal("4.90")
FREE_FROM = Decimal("50")


@workflow(version="1.0.0")
def place_order(order: Order) -> dict:
    net = sum(line["price"] * line["quantity"] for line in order["lines"])
    shipping = 0 if net >= FREE_FROM and not order["express"] else SHIPPING
    total = net + shipping

    try:
        reservation = call("stock/reserve", order=order["id"], skus={l["sku"]: l["quantity"] for l in order["lines"]})
        with compensate():
            call("stock/release", reservation=reservation["id"])

        payment = call("payments/charge", customer=order["customer"], amount=total)
        with compensate():
            call("payments/refund", payment=payment["id"])

        parcel = call("shipping/send", order=order["id"], express=order["express"])
    except Failure as failure:
        call("mail/send", to=order["customer"], text=f"Sorry, {failure.message}")
        raise

    return {"order": order["id"], "parcel": parcel["id"], "total": total}
