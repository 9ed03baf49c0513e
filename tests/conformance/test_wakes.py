"""Every wake driver on the exported suite."""

from __future__ import annotations

import itertools
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from armillary_engine.backend import Hint, Wake
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.testing import wakes
from armillary_engine.wakes import local_socket
from armillary_engine.wakes.file_watch import FileWatchWake
from armillary_engine.wakes.inprocess import InProcessWake
from armillary_engine.wakes.local_socket import LocalSocketWake

each_case = pytest.mark.parametrize("case", wakes.CASES, ids=wakes.name)
each_case_that_disturbs_nothing = pytest.mark.parametrize(
    "case", [case for case in wakes.CASES if wakes.applies(case, disturb=False)], ids=wakes.name
)
_channels = itertools.count()


@each_case_that_disturbs_nothing
def test_within_a_process(case: wakes.Case) -> None:
    peers: list[InProcessWake] = []
    wakes.run(case, lambda owner: InProcessWake(peers))


@each_case_that_disturbs_nothing
def test_local_sockets(case: wakes.Case, tmp_path: Path) -> None:
    wakes.run(case, lambda owner: LocalSocketWake(tmp_path, owner))


@each_case_that_disturbs_nothing
@pytest.mark.parametrize("opened", [local_socket.OPENED, Path("/nowhere")], ids=["by what is open", "by a link"])
def test_local_sockets_in_a_folder_whose_path_is_too_long_for_them(
    case: wakes.Case, opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, used = tmp_path / ("long" * 30), list[Path]()
    folder.mkdir()
    monkeypatch.setattr(local_socket, "OPENED", opened)
    with tempfile.TemporaryDirectory() as links:
        monkeypatch.setattr(tempfile, "tempdir", links)

        def factory(owner: str) -> Wake:
            wake = LocalSocketWake(folder, owner)
            used.extend(Path(links).iterdir())
            return wake

        wakes.run(case, factory)
        assert bool(used) == (not opened.is_dir())
        assert [*Path(links).iterdir(), *folder.iterdir()] == []


@pytest.mark.parametrize("silent", [True, False], ids=["found in the silence", "found by whoever commits next"])
def test_what_a_dead_peer_left_untold_is_looked_for(
    silent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as died:
        died.bind(str(tmp_path / "died.sock"))  # and never takes its leave
    monkeypatch.setattr(local_socket, "SELDOM", 0.02 if silent else 3600.0)
    ears = [wakes.Ear(LocalSocketWake(tmp_path, owner)) for owner in ("one", "two")]
    try:
        if not silent:
            ears[0].wake.notify(Hint(work=False))
        for ear in ears:
            ear.until(lambda got: any(hint.work and wakes.ANY in hint.changed for hint in got))
        assert not (tmp_path / "died.sock").exists()
    finally:
        for ear in ears:
            ear.wake.close()


@each_case_that_disturbs_nothing
def test_a_watched_file(case: wakes.Case, tmp_path: Path) -> None:
    wakes.run(case, lambda owner: FileWatchWake(tmp_path, owner), named=False)


@pytest.mark.require("postgresql")
@each_case
def test_postgresql(case: wakes.Case, postgresql_store: Callable[[], str], postgresql_server: str) -> None:
    url = postgresql_store()
    stores: list[Any] = []

    def factory(owner: str) -> Wake:
        stores.append(open_backend(url))
        stores[-1].owner = owner
        return stores[-1].open_wake()

    def disturb() -> None:
        with psycopg.connect(postgresql_server, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'armillary'"
            )

    try:
        wakes.run(case, factory, disturb=disturb)
    finally:
        for store in stores:
            store.close()


@pytest.fixture(scope="module")
def redis_server(request: pytest.FixtureRequest) -> Iterator[Any]:
    with request.getfixturevalue("servers")("redis").own_server() as server:
        yield server


@pytest.mark.require("redis")
@each_case
def test_redis(case: wakes.Case, redis_server: Any) -> None:
    from armillary_engine.wakes.redis import open_wake

    channel = f"test-{next(_channels)}"

    def disturb() -> None:
        redis_server.kill()
        redis_server.start()

    wakes.run(case, lambda owner: open_wake(redis_server.url, channel=channel, owner=owner), disturb=disturb)
