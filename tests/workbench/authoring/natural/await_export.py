"""Polling with back-off until a job is done."""

from armillary import call, fail, sleep, workflow

MAX_TRIES = 12


@workflow
def await_export(dataset: str, formats: list[str] = ["csv", "parquet"]):
    jobs = {}
    for fmt in formats:
        jobs[fmt] = call("exports/start", dataset=dataset, format=fmt)["job"]

    delay = 5
    for attempt in range(1, MAX_TRIES + 1):
        states = [call("exports/state", job=job) for job in jobs.values()]
        if all(s["state"] == "done" for s in states):
            break
        if any(s["state"] == "failed" for s in states):
            failed = [s["job"] for s in states if s["state"] == "failed"]
            fail("export.failed", ", ".join(failed))
        sleep(f"{delay}s")
        delay = min(delay * 2, 300)
    else:
        raise TimeoutError(f"{dataset} was not exported after {MAX_TRIES} tries")

    return {fmt: f"/exports/{job}.{fmt}" for fmt, job in jobs.items()}
