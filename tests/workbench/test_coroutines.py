"""The workbench from an event loop."""

from __future__ import annotations

import asyncio
from typing import Any

import armillary as arm
import pytest
from armillary import Workbench

from .approval import approve_application, ask_once

APPLICATION = {"policy_id": "P-1", "amount": "12000.50"}


def test_from_start_to_end(bench: Workbench) -> None:
    bench.service("rating", lambda request: {"premium": request.arguments["amount"] + 500})

    async def work() -> arm.Instance:
        instance = await bench.start_async(approve_application, APPLICATION, key="P-1")  # which deploys it
        assert await instance.wait_async(timeout=20) is instance
        await asyncio.to_thread(instance.tasks[0].complete, {"answer": "approve"}, by="ann")
        return await instance.wait_async("ended", timeout=20)

    instance = asyncio.run(work())
    assert (instance.status, instance.reference) == ("completed", "P-1")
    assert instance == bench.start(approve_application, key="P-1")


def test_several_at_once(bench: Workbench) -> None:
    bench.deploy(ask_once)

    async def work() -> list[arm.Instance]:
        started = [bench.start_async("AskOnce", key=key) for key in ("K", "L", "K")]
        return await asyncio.gather(*[one.wait_async(timeout=20) for one in await asyncio.gather(*started)])

    first, other, same = asyncio.run(work())
    assert first == same != other
    assert len(bench.instances("AskOnce")) == 2


def test_whoever_waits_in_vain_is_told_where_it_stands(bench: Workbench) -> None:
    async def work(until: Any, timeout: float | None) -> None:
        instance = await bench.start_async(ask_once)
        await instance.wait_async(until, timeout)

    with pytest.raises(TimeoutError, match="waiting at ask"):
        asyncio.run(work("ended", 0.01))
    with pytest.raises(arm.ArmillaryError) as caught:
        asyncio.run(work("never", None))
    assert caught.value.code == "wait.until"


def test_a_closed_workbench(bench: Workbench) -> None:
    bench.close()
    with pytest.raises(arm.ArmillaryError) as caught:
        asyncio.run(bench.start_async("AskOnce"))
    assert caught.value.code == "workbench.closed"
