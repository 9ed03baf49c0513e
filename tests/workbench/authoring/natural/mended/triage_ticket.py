"""A support desk with match."""

from enum import Enum

from armillary import call, task, workflow
from pydantic import BaseModel


class Severity(Enum):
    LOW = "low"
    HIGH = "high"
    CRITICAL = "critical"


class Ticket(BaseModel):
    id: int
    text: str
    severity: Severity = Severity.LOW
    tags: list[str] = []


class Answer(BaseModel):
    text: str
    solved: bool


@workflow
def triage(ticket: Ticket) -> str:
    """Triage a ticket."""
    match ticket.severity:
        case Severity.CRITICAL:
            call("pager/alert", ticket=ticket.id)
            queue = "on-call"
        case Severity.HIGH:
            queue = "second-line"
        case _:
            queue = "first-line"
    if "billing" in ticket.tags or "invoice" in ticket.text.lower():
        queue = "finance"
    solved = False
    rounds = 0
    while not solved and rounds < 5:
        answer = task("AnswerTicket", assignee=queue, payload={"ticket": ticket}, answer=Answer)
        call("mail/send", text=answer.text)
        solved = answer.solved
        rounds += 1
    return "solved" if solved else "given up"
