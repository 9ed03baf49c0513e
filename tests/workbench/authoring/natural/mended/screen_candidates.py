"""HR: screen several candidates at a time and rank them."""

from armillary import call, collect, each, task, workflow
from pydantic import BaseModel


class Candidate(BaseModel):
    name: str
    cv: str
    years: int


class Score(BaseModel):
    points: int


@workflow
def screen(candidates: list[Candidate], threshold: int = 60) -> list[str]:
    experienced = [c for c in candidates if c.years >= 3]
    for candidate in each(experienced, parallel=5):
        score = call("screening/score", cv=candidate.cv, reply=Score)
        scores = collect({"name": candidate.name, "points": score.points})
    invited = [s["name"] for s in scores if s["points"] >= threshold]
    if len(invited) == 0:
        return []
    task("Invite", roles=["recruiter"], payload={"names": sorted(invited), "count": len(invited)})
    return invited
