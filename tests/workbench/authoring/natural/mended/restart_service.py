"""IT operations: poll a health check with growing pauses."""

from armillary import call, fail, sleep, task, workflow


@workflow
def restart_service(service: str, host: str) -> None:
    call("ansible/restart", service=service, host=host)
    delay = 1
    found = False
    for attempt in range(1, 8):
        health = call("monitor/health", service=service, host=host)
        if health.get("status") == "up":
            found = True
            break
        sleep(f"PT{delay}S")
        delay *= 2
    if not found:
        task("LookAtHost", roles=["on-call"], payload={"host": host})
        fail("service.down", f"{service} on {host} did not come up")
