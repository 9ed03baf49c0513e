"""Restate: one-step handlers, and signals to parked workflows. ``serve`` is the service that the server calls;
``measure`` the clients, which speak to the server's ingress. Run by ``benchmarks/peers`` in a Python that has the SDK;
``measure`` prints one line of JSON.

    python restate_peer.py serve PORT
    python restate_peer.py measure INGRESS SECONDS CLIENTS"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
import uuid
from typing import Any

import restate
from client_loop import run


def serve(port: int) -> None:
    """The service, by HTTP/2."""
    import asyncio

    import hypercorn.asyncio
    import hypercorn.config

    flow = restate.Workflow("OneStep")
    parked = restate.Workflow("Paid")

    @flow.main()
    async def run(ctx: restate.WorkflowContext, given: dict[str, str]) -> int:
        rated = await ctx.run_typed("quote", lambda: {"premium": 12_500})
        return rated["premium"]

    @parked.main(name="run")
    async def wait(ctx: restate.WorkflowContext) -> int:
        return (await ctx.promise("paid").value())["n"]

    @parked.handler()
    async def pay(ctx: restate.WorkflowSharedContext, given: dict[str, int]) -> None:
        await ctx.promise("paid").resolve(given)

    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.errorlog = None
    asyncio.run(hypercorn.asyncio.serve(restate.app([flow, parked]), config))


class Client:
    """Requests to the ingress, on a connection of each thread."""

    def __init__(self, ingress: str) -> None:
        self._ingress = ingress
        self._local = threading.local()

    def post(self, path: str, body: Any = None) -> Any:
        """Raises what goes wrong."""
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._ingress, timeout=60)
        data = None if body is None else json.dumps(body)
        headers = {} if data is None else {"content-type": "application/json"}
        self._local.connection.request("POST", path, data, headers)
        answer = self._local.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text!r}")
        return json.loads(text) if text else None

    def get(self, path: str) -> Any:
        """Waits for the end of a workflow."""
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._ingress, timeout=60)
        self._local.connection.request("GET", path)
        answer = self._local.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text!r}")
        return json.loads(text)


def measure(ingress: str, seconds: float, clients: int) -> None:
    """Measures both."""
    client = Client(ingress)

    def step() -> float:
        start = time.perf_counter()
        assert client.post(f"/OneStep/{uuid.uuid4().hex}/run", {"policy": "P-1", "pad": "x" * 900}) == 12_500
        return time.perf_counter() - start

    def signal() -> float:
        key = uuid.uuid4().hex
        client.post(f"/Paid/{key}/run/send")
        time.sleep(0.05)  # it is parked by then
        start = time.perf_counter()
        client.post(f"/Paid/{key}/pay", {"n": 1})
        assert client.get(f"/restate/workflow/Paid/{key}/attach") == 1
        return time.perf_counter() - start

    for _ in range(5):
        step()
    found = {
        "one-step": run(seconds, clients, step),
        "signals, 1 at a time": run(seconds, 1, signal),
        "signals": run(seconds, clients, signal),
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        measure(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
