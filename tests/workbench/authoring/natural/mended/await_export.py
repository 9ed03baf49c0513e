"""Polling with back-off until a job is done."""

from armillary import call, collect, fail, sleep, workflow

MAX_TRIES = 12


@workflow
def await_export(dataset: str, formats: list[str] = ["csv", "parquet"]):
    jobs = {}
    for fmt in formats:
        start = call("exports/start", dataset=dataset, format=fmt)
        jobs[fmt] = start["job"]

    delay = 5
    found = False
    for attempt in range(1, MAX_TRIES + 1):
        for job in jobs.values():
            state = call("exports/state", job=job)
            states = collect(state)
        if all(s["state"] == "done" for s in states):
            found = True
            break
        if any(s["state"] == "failed" for s in states):
            failed = [s["job"] for s in states if s["state"] == "failed"]
            fail("export.failed", ", ".join(failed))
        sleep(f"{delay}s")
        delay = min(delay * 2, 300)
    if not found:
        fail("export.timeout", f"{dataset} was not exported after {MAX_TRIES} tries")

    return {fmt: f"/exports/{job}.{fmt}" for fmt, job in jobs.items()}
