"""Dunning: three letters at growing intervals, then a lawyer; paid at any time ends it."""

from datetime import timedelta
from decimal import Decimal

from armillary import branch, business_reference, call, now, parallel, sleep, subworkflow, wait_for_signal, workflow
from pydantic import BaseModel

LEVELS = (("reminder", 14, "0"), ("first notice", 10, "5.00"), ("last notice", 7, "15.00"))


class Invoice(BaseModel):
    number: str
    customer: str
    amount: Decimal


@workflow
def collect_debt(invoice: Invoice):
    business_reference(invoice.number)
    owed = invoice.amount
    for title, days, fee in LEVELS:
        owed += Decimal(fee)
        call("letters/send", to=invoice.customer, title=title, amount=owed, until=now + timedelta(days=days))
        payment = None
        with parallel(join="any"):
            with branch("paid"):
                payment = wait_for_signal("payment", match=invoice.number)
            with branch("late"):
                sleep(timedelta(days=days))
        if payment is None:
            continue
        owed -= payment.amount
        if owed <= 0:
            return {"paid": True, "credit": abs(owed)}
    return subworkflow("LegalAction", invoice=invoice, owed=owed)
