"""DBOS on PostgreSQL: one-step workflows, and signals to parked ones. Run by ``benchmarks/peers`` in a Python that has
it; prints one line of JSON.

    python dbos_peer.py URL SECONDS CLIENTS"""

from __future__ import annotations

import json
import sys
import time
import uuid

from client_loop import run
from dbos import DBOS, DBOSConfig, SetWorkflowID


@DBOS.step()
def rating(policy: str) -> dict[str, int]:
    """The service."""
    return {"premium": 12_500}


@DBOS.workflow()
def one_step(policy: str, pad: str) -> int:
    """One call."""
    return rating(policy)["premium"]


@DBOS.workflow()
def paid() -> int:
    """Parked until it is told."""
    return DBOS.recv("paid", timeout_seconds=60)["n"]


def step() -> float:
    """Started and completed."""
    start = time.perf_counter()
    with SetWorkflowID(str(uuid.uuid4())):
        assert DBOS.start_workflow(one_step, "P-1", "x" * 900).get_result() == 12_500
    return time.perf_counter() - start


def signal() -> float:
    """From sending to the end of the resumed workflow."""
    handle = DBOS.start_workflow(paid)
    time.sleep(0.05)  # it is parked by then
    start = time.perf_counter()
    DBOS.send(handle.workflow_id, {"n": 1}, "paid")
    assert handle.get_result() == 1
    return time.perf_counter() - start


def main() -> None:
    """Measures both."""
    url, seconds, clients = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    config: DBOSConfig = {"name": "bench", "system_database_url": url, "log_level": "ERROR"}
    DBOS(config=config)
    DBOS.launch()
    step()
    found = {
        "one-step": run(seconds, clients, step),
        "signals, 1 at a time": run(seconds, 1, signal),
        "signals": run(seconds, clients, signal),
    }
    print(json.dumps(found), flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    main()
