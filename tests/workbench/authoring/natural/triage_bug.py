"""match on structures, guards, tuples, alternatives."""

from armillary import call, task, workflow


@workflow
def triage_bug(report: dict, reporter: str):
    """Sort an incoming bug report.

    Nobody is paged at night for a typo.
    """
    severity = report.get("severity", "unknown").lower()
    component = report.get("component")

    match (severity, component):
        case ("critical", "payments" | "login"):
            team = "on-call"
        case ("critical", _):
            team = "platform"
        case (_, None):
            answer = task("FindComponent", roles=["triage"], payload=report)
            team = answer["team"]
        case _ if "security" in report.get("labels", []):
            team = "security"
        case _:
            team = component

    words = [w for w in report["title"].split() if len(w) > 3]
    similar = call("tracker/search", words=words[:5])
    if similar and (duplicate := similar[0])["score"] > 0.9:
        call("tracker/close", id=report["id"], duplicate_of=duplicate["id"])
        return None
    ticket = call("tracker/assign", id=report["id"], team=team, priority=1 if severity == "critical" else 3)
    return ticket["url"]
