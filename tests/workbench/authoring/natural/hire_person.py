"""Interviews with scores; statistics by hand."""

from dataclasses import dataclass
from statistics import mean

from armillary import call, task, workflow


@dataclass
class Score:
    technical: int
    social: int
    comment: str = ""


@dataclass
class Candidate:
    name: str
    email: str
    interviewers: list[str]


@workflow
def hire_person(candidate: Candidate, threshold: float = 3.5):
    scores: list[Score] = []
    for interviewer in candidate.interviewers:
        score = task("Interview", assignee=interviewer, payload={"candidate": candidate.name}, answer=Score)
        scores.append(score)
        if score.technical <= 1:
            break

    technical = [s.technical for s in scores]
    average = mean(technical)
    if min(technical) >= 3 and average >= threshold:
        decision = "hire"
    elif any(s.social >= 4 for s in scores) and max(technical) > 2:
        decision = "discuss"
    else:
        decision = "reject"

    if decision == "discuss":
        opinion = task("Discuss", roles=["hiring"], payload={"scores": scores, "comments": [s.comment for s in scores if s.comment]})
        decision = "hire" if opinion.hire else "reject"

    subject = {"hire": "Welcome", "reject": "Thank you"}[decision]
    call("mail/send", to=candidate.email, subject=subject)
    return decision
