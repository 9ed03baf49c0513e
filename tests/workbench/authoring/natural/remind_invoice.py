"""Dunning: remind until paid."""

from datetime import timedelta

from armillary import Timeout, call, now, subworkflow, wait_for_signal, workflow


@workflow
def collect_invoice(invoice: str, amount: float, email: str):
    reminders = 0
    paid = 0
    while paid < amount:
        try:
            payment = wait_for_signal("payment", match=invoice, timeout=timedelta(days=14))
            paid += payment["amount"]
        except Timeout:
            reminders += 1
            if reminders > 3:
                subworkflow("DebtCollection", invoice=invoice, since=now)
                return
            call("mail/send", to=email, subject=f"Reminder {reminders}", open=f"{amount - paid:.2f}")
