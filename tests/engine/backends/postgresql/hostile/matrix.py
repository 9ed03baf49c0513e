"""The hostile matrix: a real server, real processes, and everything that goes wrong around them. ``make matrix``.

Each condition is applied while clients start and pay orders and workers ship them; then the account is drawn up: see
:mod:`.ledger`. ``ARMILLARY_MATRIX_SEED`` chooses what is left to chance; ``ARMILLARY_POSTGRESQL_BIN`` the server."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.operations import DeadLetterQuery

from ..conftest import pair, standby_of
from .cable import NoCableError, cable
from .ledger import PATIENCE, Ledger
from .proxy import Proxy

pytestmark = [pytest.mark.require("postgresql"), pytest.mark.timeout(300)]
SEED = int(os.environ.get("ARMILLARY_MATRIX_SEED", "1"))
_schemas = itertools.count()
OURS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'armillary'"


@pytest.fixture(scope="module")
def server(servers: Callable[[str], Any]) -> Iterator[Any]:
    with servers("postgresql").own_server() as own:
        yield own


@pytest.fixture
def operate(server: Any) -> Iterator[Callable[..., Any]]:
    """Runs a statement as the superuser; what was set for the whole server is taken back at the end."""

    def run(statement: str, *given: Any) -> Any:
        with psycopg.connect(server.url, autocommit=True) as operator:
            cursor = operator.execute(statement.encode(), given)  # type: ignore[arg-type]
            if statement.startswith("ALTER SYSTEM"):
                operator.execute("SELECT pg_reload_conf()")
            return cursor.fetchall() if cursor.description else None

    yield run
    run("ALTER SYSTEM RESET ALL")


Make = Callable[..., Ledger]


@pytest.fixture
def ledger(server: Any, tmp_path: Path) -> Iterator[Make]:
    made: list[Ledger] = []

    def make(
        *, port: int | None = None, host: str = "127.0.0.1", hosts: str = "", more: str = "", **options: Any
    ) -> Ledger:
        here = f"127.0.0.1:{server.port}"
        direct = f"{server.url.replace(here, hosts or here)}?schema=matrix_{next(_schemas)}"
        direct += "&target_session_attrs=read-write" if hosts else ""
        url = direct if port is None else direct.replace(f"{here}/", f"{host}:{port}/")
        url += more
        made.append(Ledger(url, tmp_path, direct=direct, seed=SEED, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_workers_killed_at_random(ledger: Make) -> None:
    books = ledger()
    books.work(3)
    books.load()
    for _ in range(6):
        books.more(books.random.randint(1, 20))
        victim = books.random.choice([worker for worker in books.workers if worker.process.poll() is None])
        victim.end(kill=True)
        books.work(1)
    books.settle()


def test_a_worker_that_is_frozen_past_its_leases_and_thaws(ledger: Make) -> None:
    books = ledger()
    books.work(2)
    books.load()
    books.more(10)
    frozen = books.workers[0].process
    os.kill(frozen.pid, 19)  # SIGSTOP
    books.more(10)
    pause(6)
    os.kill(frozen.pid, 18)  # SIGCONT
    books.more(10)
    books.settle()


def test_workers_whose_clocks_are_wrong(ledger: Make) -> None:
    books = ledger()
    books.work(skews=(-3_600.0, 3_600.0, 0.0))
    books.load()
    books.more(60)
    books.settle()


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_connection_is_ended_again_and_again(ledger: Make, operate: Callable[..., Any]) -> None:
    books = ledger()
    books.work(2)
    books.load()
    ended = 0
    for _ in range(8):
        books.more(books.random.randint(5, 15))
        ended += operate(OURS)[0][0]
    assert ended >= 24
    books.settle()


def test_the_network_is_slow_and_cut(server: Any, ledger: Make) -> None:
    proxy = Proxy(server.port)
    with contextlib.closing(proxy):
        books = ledger(port=proxy.port)
        books.work(2)
        books.load()
        broken = 0
        for turn in range(4):
            books.more(10)
            proxy.delay = 0.02
            books.more(3)
            broken += proxy.cut()
            proxy.down = turn % 2 == 1
            pause(0.5)
            proxy.heal()
        assert broken >= 4
        books.settle()


@pytest.mark.parametrize("what", ["mute", "deaf"])
def test_the_network_loses_answers_or_questions(server: Any, ledger: Make, what: str) -> None:
    """Whether what was sent has been done, nobody knows."""
    proxy = Proxy(server.port)
    with contextlib.closing(proxy):
        books = ledger(port=proxy.port)
        books.work(2)
        books.load()
        for _ in range(5):
            books.more(10)
            setattr(proxy, what, True)
            pause(books.random.uniform(0.05, 0.5))
            proxy.heal()
        books.settle()


def test_the_network_swallows_connections_and_tells_nobody(server: Any, ledger: Make) -> None:
    """Black holes: each side goes on to believe in its connection, until an answer has taken too long; the server ends
    what was left in a transaction."""
    proxy = Proxy(server.port)
    with contextlib.closing(proxy):
        books = ledger(port=proxy.port, seldom=5.0, more="&answer=8")
        books.work(2)
        books.load()
        swallowed = 0
        for _ in range(3):
            books.more(10)
            swallowed += proxy.swallow()
            pause(books.random.uniform(0, 6))
        assert swallowed >= 6
        books.more(10)
        books.settle()


def test_the_cable_is_pulled(server: Any, ledger: Make) -> None:
    """Packets vanish, both ways. Only the probes of the system tell the connection that listens; with those of the URL
    it takes some five seconds, else half a minute."""
    probes = "&keepalives_idle=2&keepalives_interval=1&keepalives_count=2&tcp_user_timeout=4000"
    with contextlib.ExitStack() as stack:
        try:
            laid = stack.enter_context(cable())
        except NoCableError as error:
            pytest.skip(f"needs a network namespace: {error}")
        proxy = stack.enter_context(contextlib.closing(Proxy(server.port, laid.here)))
        books = ledger(port=proxy.port, host=laid.here, more=probes)
        books.work(2, prefix=laid.prefix)
        books.load(1)  # nobody works meanwhile: this leaves thousands of orders all the same
        for _ in range(2):
            books.more(10)
            laid.pull()
            pause(books.random.uniform(6, 9))
            laid.plug()
        books.more(10)
        books.settle()


def test_no_connection_is_left(server: Any, ledger: Make) -> None:
    """Others take all places of the server: ours come back when there are some."""
    books = ledger()
    books.work(2)
    books.load(8)
    books.more(20)
    others: list[psycopg.Connection[Any]] = []

    def take_all() -> bool:
        operator.execute(OURS)
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                others.append(psycopg.connect(server.url))
        return books.refused["store.busy"] > 3

    with psycopg.connect(server.url, autocommit=True) as operator, contextlib.ExitStack() as stack:
        stack.callback(lambda: [one.close() for one in others])
        _until(take_all)
        assert len(others) > 20
    books.more(20)
    books.settle()


@pytest.mark.parametrize("setting", ["idle_in_transaction_session_timeout = '2ms'", "idle_session_timeout = '300ms'"])
def test_the_server_ends_what_is_idle(ledger: Make, operate: Callable[..., Any], setting: str) -> None:
    books = ledger()
    books.work(2)
    operate(f"ALTER SYSTEM SET {setting}")
    books.load()
    books.more(60)
    operate("ALTER SYSTEM RESET ALL")
    books.more(10)
    books.settle()


# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_with_messages_due(server: Any, ledger: Make, mode: str) -> None:
    books = ledger()
    books.work(2)
    books.load()
    for _ in range(2):
        books.more(15)
        server.stop(mode)
        pause(0.5)  # timers fall due meanwhile
        server.start()
    books.more(15)
    books.settle()


def test_a_stand_by_takes_over_twice(ledger: Make, servers: Callable[[str], Any]) -> None:
    """What was acknowledged is on the synchronous stand-by. The first server comes back as a stand-by of the second,
    and takes over again."""
    postgresql = servers("postgresql")
    with contextlib.ExitStack() as stack:
        first, second = stack.enter_context(pair(postgresql))
        books = ledger(hosts=f"127.0.0.1:{first.port},127.0.0.1:{second.port}")
        books.work(2)
        books.load()
        books.more(20)
        first.stop("immediate")
        pause(0.5)  # timers fall due meanwhile
        second.promote()
        books.more(20)
        first = stack.enter_context(standby_of(second, postgresql, port=first.port))
        books.more(20)
        second.stop("immediate")
        first.promote()
        books.more(20)
        books.settle()


def test_dead_letters_outlive_a_restart_and_go_on(server: Any, ledger: Make) -> None:
    books = ledger()
    runtime = books.runtime
    asks = m.Definition("Asks", (m.Timer("wait", after=m.Const("PT0.05S")), m.Complete("done", m.Const(1))))
    runtime.deploy(asks)
    stuck = [runtime.start("Asks").id for _ in range(25)]
    for id in stuck:  # as a defect leaves them: five deliveries, and nothing came of them
        _bury(runtime, id)
    assert len(runtime.dead_letters(DeadLetterQuery(limit=100))) == 25
    books.work(2)
    books.load()
    books.more(20)
    server.stop("immediate")
    server.start()
    books.more(20)
    letters = runtime.dead_letters(DeadLetterQuery(limit=100))
    assert {letter.instance for letter in letters} == set(stuck)
    for letter in letters:
        runtime.replay_dead_letter(letter.id)
    for id in stuck:
        books._ended(id)
    assert runtime.dead_letters() == []
    books.started |= {}
    for id in stuck:
        _forget(runtime, id)
    books.settle()


def _bury(runtime: LocalRuntime, id: str) -> None:
    from armillary_engine.mutation import Return

    store = runtime.engine.store
    while True:
        (letter,) = [one for one in store.letters(state=None, limit=1_000) if one.message.instance == id]
        if letter.state == "dead":
            return
        for claim in store.claim(100, store.owner, until=store.clock.now() + 1_000_000):
            back = Return(claim.letter.seq, claim.letter.deliveries, store.clock.now(), error="a defect", dead=True)
            store.give_back([back])


def _forget(runtime: LocalRuntime, id: str) -> None:
    assert list(runtime.engine.store.retention.forget([id])) == [id]


def test_the_server_is_read_only_for_a_while(ledger: Make, operate: Callable[..., Any]) -> None:
    books = ledger()
    books.work(2)
    books.load()
    for _ in range(2):
        books.more(15)
        operate("ALTER SYSTEM SET default_transaction_read_only = on")
        _until(lambda: books.refused["store.read-only"] > 3)
        operate("ALTER SYSTEM RESET ALL")
    books.more(15)
    books.settle()


def test_the_disk_is_full_for_a_while(server: Any, ledger: Make, operate: Callable[..., Any], tmp_path: Path) -> None:
    """The tables lie in a tablespace on a small disk, which something else fills."""
    disk = server.folder.parent / f"disk-{next(_schemas)}"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m,mode=0777", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs a small disk: the right to mount one")
    try:
        shutil.chown(disk, "postgres" if server._user is None else server._user.pw_name)
        operate(f"CREATE TABLESPACE small LOCATION '{disk}'")
        operate("ALTER DATABASE postgres SET default_tablespace = small")
        books = ledger()
        operate("ALTER DATABASE postgres RESET default_tablespace")
        books.work(2)
        books.load()
        for _ in range(2):
            books.more(15)
            before = books.refused["store.full"]
            ballast = disk / "ballast"
            with contextlib.suppress(OSError), ballast.open("wb") as filler:
                while True:
                    filler.write(bytes(1 << 12))
                    filler.flush()
            _until(lambda seen=before: books.refused["store.full"] > seen + 3)
            ballast.unlink()
        books.more(15)
        books.settle()
        schema = books.runtime.url.rpartition("=")[2]
        operate(f'DROP SCHEMA "{schema}" CASCADE')
        operate("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE * 50)):
        if holds():
            return
        pause(0.02)
    raise AssertionError("it was never felt")


def test_transactions_fail_to_serialize(ledger: Make, operate: Callable[..., Any]) -> None:
    """Under the strictest isolation PostgreSQL refuses some of what runs side by side; all of it is tried again."""
    operate("ALTER SYSTEM SET default_transaction_isolation = 'serializable'")
    books = ledger()
    books.work(3)
    books.load(6)
    books.more(60)
    books.settle()


def test_an_old_transaction_stays_open_under_load(server: Any, ledger: Make) -> None:
    books = ledger()
    with psycopg.connect(server.url) as idle:
        idle.execute("SELECT txid_current()")
        books.work(2)
        books.load()
        books.more(80)
    books.settle()


def test_all_at_once(server: Any, ledger: Make, operate: Callable[..., Any]) -> None:
    """Cuts, kills, ended connections and a crash of the server, in an order left to chance."""
    proxy = Proxy(server.port)
    with contextlib.closing(proxy):
        books = ledger(port=proxy.port)
        books.work(3)
        books.load()

        def kill() -> None:
            living = [worker for worker in books.workers if worker.process.poll() is None]
            books.random.choice(living).end(kill=True)
            books.work(1)

        def crash() -> None:
            server.stop("immediate")
            server.start()

        def cut() -> None:
            proxy.cut()

        def mute() -> None:
            proxy.mute = True
            pause(0.2)
            proxy.heal()

        acts = [kill, kill, crash, cut, cut, mute, lambda: operate(OURS)]
        books.random.shuffle(acts)
        for act in acts:
            books.more(books.random.randint(3, 12))
            act()
        books.more(10)
        books.settle()
