"""E-commerce: reserve, charge, ship, or give everything back."""

from dataclasses import dataclass, field
from decimal import Decimal

from armillary import Failure, Retry, Timeout, call, fail, wait_for_signal, workflow


@dataclass
class OrderLine:
    sku: str
    quantity: int
    price: Decimal


@dataclass
class Order:
    id: str
    email: str
    lines: list[OrderLine] = field(default_factory=list)
    coupon: str | None = None


FREE_SHIPPING_FROM = Decimal("49.90")
PATIENT = Retry(max_attempts=5, backoff="1s", max_backoff="1m")


@workflow(version="2.0.0")
def process_order(order: Order) -> dict:
    """Process an order."""
    total = sum(line.quantity * line.price for line in order.lines)
    if order.coupon is not None and order.coupon.startswith("SAVE"):
        total = total * Decimal("0.9")
    if total < FREE_SHIPPING_FROM:
        total += Decimal("4.90")
    try:
        for line in order.lines:
            call("stock/reserve", sku=line.sku, quantity=line.quantity, retry=PATIENT)
        charge = call("payments/charge", amount=round(total, 2), email=order.email)
    except Timeout:
        fail("order.timeout", "the payment provider did not answer")
    except Failure as problem:
        for line in order.lines:
            call("stock/release", sku=line.sku)
        fail("order.refused", f"{problem.code}: {problem.message}")
    shipped = wait_for_signal("shipped", match=order.id, timeout="30d")
    return {"charge": charge["id"], "tracking": shipped["tracking"], "total": total}
