"""Both sides sign, in any order; a reminder for the one who is late."""

from datetime import datetime, timezone

from armillary import Escalation, branch, call, instance, now, parallel, task, workflow
from pydantic import BaseModel


class Party(BaseModel):
    name: str
    email: str | None = None


class Contract(BaseModel):
    title: str
    parties: list[Party]


class Signature(BaseModel):
    signed: bool
    at: datetime | None = None


@workflow(version="1.0.0")
def sign_contract(contract: Contract) -> dict[str, bool]:
    """Have a contract signed."""
    first, second = contract.parties[0], contract.parties[1]
    with parallel():
        with branch("first"):
            mine = task("Sign", assignee=first.name, answer=Signature, timeout="30d")
        with branch("second"):
            theirs = task("Sign", assignee=second.name, answer=Signature, timeout="30d")
    both = mine.signed and theirs.signed
    for party in contract.parties:
        if party.email:
            call("mail/send", to=party.email, text="signed" if both else "refused", reference=instance.id, when=now)
    return {party.name: both for party in contract.parties}
