"""Which versions there are is remembered, and what another process deploys or disables is seen all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime

pytestmark = pytest.mark.require("postgresql")


def flow(version: str) -> m.Definition:
    return m.Definition("Flow", (m.Task("look", f"Look ({version})"),), version=version)


def parent() -> m.Definition:
    return m.Definition("Parent", (m.Subworkflow("child", "Flow", m.Const({})),), version="1.0.0")


def test_a_start_takes_the_version_that_another_process_has_just_deployed(postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    with LocalRuntime(url, work=False) as here, LocalRuntime(url, work=False) as there:
        here.deploy(flow("1.0.0"))
        assert there.start("Flow").version == "1.0.0"
        for number in range(1, 20):
            here.deploy(flow(f"1.{number}.0"))
            assert there.start("Flow").version == f"1.{number}.0"
        assert there.start("Flow", version="1.3.0").version == "1.3.0"


def test_a_version_that_another_process_disabled_starts_nothing(postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    with LocalRuntime(url, work=False) as here, LocalRuntime(url, work=False) as there:
        here.deploy(flow("1.0.0"))
        here.deploy(flow("2.0.0"))
        assert there.start("Flow").version == "2.0.0"
        here.disable("Flow", "2.0.0")
        assert there.start("Flow").version == "1.0.0"
        here.disable("Flow", "1.0.0")
        with pytest.raises(ArmillaryError, match="deploy") as refused:
            there.start("Flow")
        assert refused.value.code == "definition.unknown"
        assert {one.version for one in here.instances()} == {"1.0.0", "2.0.0"}


def test_a_child_is_on_the_version_that_is_deployed_now(postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    with LocalRuntime(url, work=False) as here, LocalRuntime(url, work=False) as there:
        here.deploy_all([flow("1.0.0"), parent()])
        for version in ("1.0.0", "1.1.0"):
            here.deploy(flow(version))
            begun = there.start("Parent")
            (child,) = [one for one in here.instances() if one.parent == begun.id]
            assert child.version == version


def test_what_does_not_change_is_asked_once(postgresql_store: Callable[[], str]) -> None:
    with LocalRuntime(postgresql_store(), work=False) as runtime:
        runtime.deploy(flow("1.0.0"))
        asked = []
        store = runtime.engine.store
        read = store._catalogue._read  # type: ignore[attr-defined]
        store._catalogue._read = lambda name: asked.append(name) or read(name)  # type: ignore[attr-defined]
        for _ in range(3):
            runtime.start("Flow")
        assert len(asked) <= 1
        assert store._committing.alone == 0  # type: ignore[attr-defined]
