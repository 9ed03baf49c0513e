"""IT: a canary deployment with roll-back."""

from armillary import call, fail, fragment, sleep, task, workflow

STEPS = (5, 25, 50, 100)
ERROR_LIMIT = 0.01


@fragment
def shift(version: str, percent: int) -> None:
    call("router/shift", version=version, percent=percent)
    sleep("10m")


@workflow(version="1.0.0", operate=["release-manager"])
def deploy_release(version: str, previous: str) -> str:
    """Deploy a release."""
    go = task("Go", roles=["release-manager"], title=f"Deploy {version}?")
    if not go["yes"]:
        return "not deployed"
    for percent in STEPS:
        shift(version, percent)
        metrics = call("metrics/errors", version=version)
        if metrics["errors"] / metrics["requests"] > ERROR_LIMIT:
            shift(previous, 100)
            fail("release.bad", f"{version} rolled back at {percent} %")
    return f"{version} is live"
