"""Segments, percentages, waiting, an A/B test."""

from armillary import branch, call, parallel, sleep, task, workflow


@workflow(title="Run a campaign", view=["marketing"])
def run_campaign(segment: str, subject_a: str, subject_b: str, share: int = 10):
    segment_2 = call("crm/segment", name=segment)
    people = segment_2["people"]
    size = len(people) * share // 100
    group_a, group_b, rest = people[:size], people[size : 2 * size], people[2 * size :]

    with parallel():
        with branch("a"):
            call("mail/send", to=[p["email"] for p in group_a], subject=subject_a)
            sleep("1d")
            opened = call("mail/opened", subject=subject_a)
            opened_a = opened["count"]
        with branch("b"):
            call("mail/send", to=[p["email"] for p in group_b], subject=subject_b)
            sleep("1d")
            opened_2 = call("mail/opened", subject=subject_b)
            opened_b = opened_2["count"]

    rate_a, rate_b = opened_a / max(size, 1), opened_b / max(size, 1)
    winner = subject_a if rate_a >= rate_b else subject_b
    if abs(rate_a - rate_b) < 0.01:
        choose_subject = task("ChooseSubject", roles=["marketing"], payload={"a": f"{rate_a:.1%}", "b": f"{rate_b:.1%}"})
        winner = choose_subject["subject"]

    for batch in [rest[i : i + 500] for i in range(0, len(rest), 500)]:
        call("mail/send", to=[p["email"] for p in batch], subject=winner)
        sleep("1h")
    return {"winner": winner, "sent": len(people)}
