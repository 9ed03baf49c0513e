"""An invoice against its order: tolerance, three-way match, comments on steps."""

from datetime import datetime, timedelta
from decimal import Decimal

from armillary import call, step, task, workflow
from pydantic import BaseModel


class Position(BaseModel):
    article: str
    quantity: int
    price: Decimal


class Invoice(BaseModel):
    number: str
    order: str
    positions: list[Position]
    received: datetime


TOLERANCE = Decimal("0.02")


@workflow
def check_invoice(invoice: Invoice):
    # The order as purchasing knows it; never the copy that the supplier sent.
    order = call("erp/order", id=invoice.order)
    receipts = call("erp/receipts", order=invoice.order)["positions"]

    differences = []
    for position in invoice.positions:
        ordered = next((p for p in order["positions"] if p["article"] == position.article), None)
        if ordered is None:
            differences.append(f"{position.article} was never ordered")
            continue
        if abs(position.price - ordered["price"]) > ordered["price"] * TOLERANCE:
            differences.append(f"{position.article}: {position.price} instead of {ordered['price']}")
        arrived = sum(r["quantity"] for r in receipts if r["article"] == position.article)
        if arrived < position.quantity:
            differences.append(f"{position.article}: only {arrived} of {position.quantity} arrived")

    # A person looks at everything that does not match.
    if differences:
        due = invoice.received + timedelta(days=5)
        verdict = task("CheckInvoice", roles=["accounting"], payload={"differences": differences}, due=due)
        if verdict["decision"] == "return":
            return {"paid": False, "why": "; ".join(differences)}

    amount = sum((p.price * p.quantity for p in invoice.positions), start=Decimal(0))
    call("erp/pay", invoice=invoice.number, amount=amount, discount=amount * 3 // 100 if datetime.now() < invoice.received + timedelta(days=10) else 0)
    return {"paid": True, "amount": amount}
