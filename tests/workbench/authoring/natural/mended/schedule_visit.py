"""A visit of a technician: signals, reminders, rescheduling."""

from datetime import datetime, timedelta

from armillary import Timeout, call, sleep_until, wait_for_signal, workflow
from armillary.functions import day, hour, minute, month, year
from pydantic import BaseModel


class Visit(BaseModel):
    customer: str
    phone: str
    at: datetime
    notes: list[str] = []


@workflow
def schedule_visit(visit: Visit):
    at = visit.at
    for _ in range(3):
        call("sms/send", to=visit.phone, text=f"We come on {day(at)}.{month(at)}.{year(at)} at {hour(at)}:{minute(at):02d}. Reply YES or NO.")
        try:
            reply = wait_for_signal("sms-reply", match=visit.phone, timeout="24h")
        except Timeout:
            break
        if reply.text.upper().startswith("Y"):
            break
        at = at + timedelta(days=7)
    sleep_until(at - timedelta(hours=2))
    technician = call("dispatch/assign", customer=visit.customer, notes="\n".join(visit.notes))
    return technician.name
