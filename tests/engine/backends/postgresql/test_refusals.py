"""Whatever is wrong with a URL, a server or the rights on it is said in one sentence, with a code and what to do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.backends.postgresql.places import place_of
from armillary_engine.backends.postgresql.preparing import SCHEMA, schema_of, upgrade
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime

from ...local.conftest import done, flow, task

pytestmark = pytest.mark.require("postgresql")
RULES = """
hostssl all tls 127.0.0.1/32 scram-sha-256
host all ann 127.0.0.1/32 scram-sha-256
host all postgres 127.0.0.1/32 trust
"""


@dataclass
class Site:
    """A server that lets ``ann`` in by password, and ``tls`` only with TLS, which it has not."""

    server: Any

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def url(self, user: str = "ann:s3cret", database: str = "shop", host: str | None = None, more: str = "") -> str:
        return f"postgresql://{user}@{host or self.host}/{database}{more}"

    def admin(self, *statements: str, database: str = "shop") -> None:
        with psycopg.connect(f"postgresql://postgres@{self.host}/{database}", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def site(servers: Callable[[str], Any]) -> Iterator[Site]:
    with servers("postgresql").own_server() as server:
        (server.folder / "data" / "pg_hba.conf").write_text(RULES)
        found = Site(server)
        found.admin(
            "CREATE ROLE ann LOGIN PASSWORD 's3cret'", "CREATE ROLE tls LOGIN PASSWORD 's3cret'",
            "CREATE DATABASE shop", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0",
            "SELECT pg_reload_conf()", database="postgres",
        )  # fmt: skip
        yield found


def refusal(act: Callable[[], object]) -> ArmillaryError:
    with pytest.raises(ArmillaryError) as caught:
        act()
    error = caught.value
    text = f"{error}\n{error.hint}"
    assert "s3cret" not in text
    assert "wrong-one" not in text
    assert error.hint, "it says what to do"
    assert "\n" not in error.message
    return error


@contextmanager
def listening(says: bytes | None) -> Iterator[str]:
    """Something that is no PostgreSQL: it answers so, or (``None``) never."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                kept.append(client)
                if says is not None:
                    client.sendall(says)

        kept: list[socket.socket] = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for client in kept:
            client.close()


CONNECTING: dict[str, tuple[dict[str, str], str, str]] = {
    "no server": ({"host": "127.0.0.1:1"}, "store.unavailable", "refused"),
    "no such host": ({"host": "no-such-host.invalid"}, "store.unavailable", "no-such-host.invalid"),
    "a wrong password": ({"user": "ann:wrong-one"}, "store.denied", "password"),
    "no password": ({"user": "ann"}, "store.denied", "password"),
    "an unknown user": ({"user": "nobody:s3cret"}, "store.denied", "nobody"),
    "an unknown database": ({"database": "nowhere"}, "store.unknown-database", "nowhere"),
    "TLS that the server has not": ({"more": "?sslmode=require"}, "store.tls", "SSL"),
    "TLS that is to be verified": ({"more": "?sslmode=verify-full&sslrootcert=system"}, "store.tls", "SSL"),
    "TLS that the server asks for": ({"user": "tls:s3cret"}, "store.denied", "no encryption"),
    "an unknown option": ({"more": "?sslmod=require"}, "store.url", "sslmod"),
    "an option's wrong value": ({"more": "?connect_timeout=soon"}, "store.url", "soon"),
    "another wrong value": ({"more": "?sslmode=maybe"}, "store.url", "maybe"),
    "a schema's wrong name": ({"more": "?schema=No-Such"}, "store.url", "No-Such"),
    "a port that is none": ({"host": "127.0.0.1:http"}, "store.url", "http"),
}


@pytest.mark.parametrize("case", CONNECTING)
@pytest.mark.parametrize("act", [open_backend, upgrade, schema_of], ids=["open", "upgrade", "status"])
def test_what_hinders_a_connection_is_named(site: Site, case: str, act: Callable[[str], object]) -> None:
    parts, code, named = CONNECTING[case]
    error = refusal(lambda: act(site.url(**parts)))
    assert (error.code, named in str(error)) == (code, True), error


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 no\r\n\r\n", None], ids=["another service", "silence"])
def test_what_is_no_postgresql_is_no_server(site: Site, says: bytes | None) -> None:
    with listening(says) as host:
        assert refusal(lambda: schema_of(site.url(host=host, more="?connect_timeout=2"))).code == "store.unavailable"


def test_a_database_in_another_encoding_is_refused_before_anything_is_made(site: Site) -> None:
    url = site.url("postgres", "latin")
    for act in (open_backend, upgrade):
        error = refusal(lambda act=act: act(url))
        assert (error.code, "LATIN1" in str(error)) == ("store.encoding", True)
    assert schema_of(url) == 0


def test_each_missing_right_is_named_until_all_are_there(site: Site) -> None:
    """By the steps of an administrator who grants them one by one."""
    own = "?schema=rights"
    url = site.url(more=own)
    assert schema_of(url) == 0, "nothing is there yet, and that takes no right"
    for act in (open_backend, upgrade):
        error = refusal(lambda act=act: act(url))
        assert (error.code, "database shop" in str(error)) == ("store.rights", True)
    assert upgrade(site.url("postgres", more=own)) == (0, SCHEMA)
    for act in (open_backend, upgrade, schema_of):
        assert "schema rights" in str(refusal(lambda act=act: act(url)))
    site.admin("GRANT USAGE ON SCHEMA rights TO ann")
    assert "table alembic_version" in str(refusal(lambda: schema_of(url)))
    site.admin("GRANT SELECT ON ALL TABLES IN SCHEMA rights TO ann")
    assert schema_of(url) == SCHEMA
    assert upgrade(url) == (SCHEMA, SCHEMA), "there is nothing to do, and that takes no right"
    with LocalRuntime(url, work=False) as runtime:
        assert list(runtime.check()) == [], "whoever only looks needs no more"
        assert list(runtime.instances()) == []
        error = refusal(lambda: runtime.deploy(flow(task(), done("review"))))
        assert (error.code, "table definitions" in str(error)) == ("store.rights", True)
    site.admin("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rights TO ann")
    with LocalRuntime(url, work=False) as runtime:
        assert refusal(lambda: runtime.deploy(flow(task(), done("review")))).code == "store.rights"
    site.admin("GRANT USAGE ON ALL SEQUENCES IN SCHEMA rights TO ann")
    with LocalRuntime(url) as runtime:
        runtime.deploy(flow(task(), done("review")))
        runtime.start("Case")


def test_a_server_that_is_read_only_can_be_looked_at(site: Site) -> None:
    """As the database is while an administrator has it so; a stand-by lets nobody listen."""
    url = site.url("postgres", more="?schema=looked&options=-c%20default_transaction_read_only%3Don")
    assert refusal(lambda: open_backend(url)).code == "store.read-only"
    assert refusal(lambda: upgrade(url)).code == "store.read-only"
    upgrade(site.url("postgres", more="?schema=looked"))
    with LocalRuntime(url, work=False) as runtime:
        assert list(runtime.check()) == []
        assert refusal(lambda: runtime.deploy(flow(task(), done("review")))).code == "store.read-only"


def test_tables_that_go_while_the_store_is_open_are_missed_in_a_sentence(site: Site) -> None:
    url = site.url("postgres", more="?schema=gone")
    runtime = LocalRuntime(url, work=False)
    site.admin(f'DROP SCHEMA "{place_of(url).schema}" CASCADE')
    assert refusal(lambda: runtime.instances()).code == "store.changed"
    runtime.close()
