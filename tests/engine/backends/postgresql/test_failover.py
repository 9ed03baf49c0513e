"""A stand-by takes over: a store that names both servers follows the one that may be written to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime

from ...local.conftest import House, done, get
from .conftest import pair

pytestmark = pytest.mark.require("postgresql")

T = TypeVar("T")
PAID = m.Definition(
    "Paid",
    (
        m.Signal("paid", "paid", match=get("input.order"), result="paid"),
        m.Timer("pack", after=m.Const("PT1S")),
        done("paid"),
    ),
    version="1.0.0",
)
ORDERS = 20
AWAY = ("store.lost", "store.unavailable")
TRIES = 100_000


def again(act: Callable[[], T]) -> T:
    """Repeats a request under its own key until it is told that it is done, as every caller must."""
    for _ in range(TRIES):
        try:
            return act()
        except ArmillaryError as error:
            if error.code not in AWAY:
                raise
    raise AssertionError("no request got through")


def test_a_store_of_two_hosts_follows_a_failover(servers: Callable[[str], Any]) -> None:
    with pair(servers("postgresql")) as (primary, standby):
        for option, code in ("", "store.read-only"), ("?target_session_attrs=read-write", "store.unavailable"):
            with pytest.raises(ArmillaryError, match="read-only") as caught:
                open_backend(f"{standby.url}{option}")
            assert caught.value.code == code, "a stand-by alone is refused"
            assert "stand-by" in caught.value.message
            assert "promote" in str(caught.value.hint)
        LocalRuntime(f"{primary.url}?schema=there", work=False).close()
        with pytest.raises(ArmillaryError, match="stand-by") as caught:
            LocalRuntime(f"{standby.url}?schema=there")
        assert caught.value.code == "store.read-only", "also where there is a store to look at"
        hosts = f"127.0.0.1:{standby.port},127.0.0.1:{primary.port}"
        house = House(f"postgresql://postgres@{hosts}/postgres?schema=pair&target_session_attrs=read-write")
        try:
            worker, client = house.open(), house.open(work=False)
            worker.deploy(PAID)
            started = [client.start("Paid", {"order": str(n)}, key=str(n)).id for n in range(ORDERS)]
            for number in range(ORDERS // 2):  # their timers are pending when the primary goes
                client.signal("paid", number, match=str(number), id=str(number))
            primary.stop("immediate")
            with pytest.raises(ArmillaryError) as caught:
                client.start("Paid", {"order": "late"}, key="late")
            assert caught.value.code in AWAY
            standby.promote()
            for number, instance in enumerate(started):
                found = again(partial(client.start, "Paid", {"order": str(number)}, key=str(number)))
                assert found.id == instance, "what was acknowledged is there"
            for number in range(ORDERS // 2, ORDERS):
                again(partial(client.signal, "paid", number, match=str(number), id=str(number)))
            for number, instance in enumerate(started):
                assert house.until(worker, instance).status == "completed"
                assert worker.instance_state(instance).output == number
        finally:
            house.close()
