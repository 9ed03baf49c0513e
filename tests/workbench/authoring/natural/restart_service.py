"""IT operations: poll a health check with growing pauses."""

from armillary import call, fail, sleep, task, workflow


@workflow
def restart_service(service: str, host: str) -> None:
    call("ansible/restart", service=service, host=host)
    delay = 1
    for attempt in range(1, 8):
        health = call("monitor/health", service=service, host=host)
        if health.get("status") == "up":
            break
        sleep(f"PT{delay}S")
        delay *= 2
    else:
        task("LookAtHost", roles=["on-call"], payload={"host": host, "attempts": attempt})
        fail("service.down", f"{service} on {host} did not come up")
