"""TLS that is checked, against a real server that asks for it: Debian's, for the wheel's is built without TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.backends.postgresql.preparing import schema_of, upgrade
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError

from ...local.conftest import House, done, get

pytestmark = pytest.mark.require("postgresql", "postgresql-debian", "openssl")
RULES = """
local all postgres trust
hostssl all ann all scram-sha-256
host all postgres 127.0.0.1/32 trust
"""
PAID = m.Definition("Paid", (m.Signal("paid", "paid", match=get("input.order"), result="paid"), done("paid")))


@dataclass
class Site:
    """A server whose certificate says ``localhost``; ``ann`` is let in with TLS and her password only."""

    server: Any
    root: Path
    stranger: Path

    def url(self, host: str = "localhost", **options: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://ann:s3cret@{host}:{self.server.port}/postgres?{query}"

    def asked(self, statement: str) -> list[Any]:
        with psycopg.connect(self.server.url, autocommit=True) as operator:
            return operator.execute(statement.encode()).fetchall()


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for ``localhost`` that vouches for itself, and its key."""
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


@pytest.fixture(scope="module")
def site(servers: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    module = servers("postgresql")
    folder = tmp_path_factory.mktemp("tls")
    (own, key), (stranger, _) = certificate(folder, "own"), certificate(folder, "stranger")
    with module.own_server(binaries=Path(module.system_programs())) as server:
        with psycopg.connect(server.url, autocommit=True) as operator:
            operator.execute("CREATE ROLE ann LOGIN PASSWORD 's3cret'")
            operator.execute("GRANT CREATE ON DATABASE postgres TO ann")
            operator.execute("ALTER SYSTEM SET ssl = on")
        server.stop()
        server.install("server.crt", own.read_text())
        server.install("server.key", key.read_text())
        server.install("pg_hba.conf", RULES)
        server.start()
        yield Site(server, own, stranger)


def test_all_that_a_store_says_goes_by_tls_that_is_checked(site: Site) -> None:
    house = House(site.url(sslmode="verify-full", sslrootcert=str(site.root), schema="told"))
    try:
        worker, client = house.open(), house.open(work=False)
        worker.deploy(PAID)
        started = client.start("Paid", {"order": "O"}).id
        client.signal("paid", 7, match="O")
        assert house.until(worker, started).status == "completed"
        ours = site.asked("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'ann'")
        assert len(ours) >= 4, "two stores, each with a connection that listens and one that works"
        assert {ssl for (ssl,) in ours} == {True}
        assert worker.engine.telemetry.counts()["wake.heard"] > 0
    finally:
        house.close()


REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "a certificate that a stranger vouches for": ({"sslmode": "verify-full", "sslrootcert": "stranger"}, "store.tls",
                                                  "certificate verify failed"),
    "a certificate of another host": ({"host": "127.0.0.1", "sslmode": "verify-full", "sslrootcert": "root"},
                                      "store.tls", "127.0.0.1"),
    "no root to check by": ({"sslmode": "verify-full", "sslrootcert": "/no/such/file"}, "store.tls", "/no/such/file"),
    "a client without TLS": ({"sslmode": "disable"}, "store.denied", "no encryption"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("act", [open_backend, upgrade, schema_of], ids=["open", "upgrade", "status"])
def test_what_cannot_be_trusted_is_refused(site: Site, case: str, act: Callable[[str], object]) -> None:
    options, code, named = REFUSED[case]
    files = {"root": str(site.root), "stranger": str(site.stranger)}
    with pytest.raises(ArmillaryError) as caught:
        act(site.url(**{name: files.get(value, value) for name, value in options.items()}))
    assert (caught.value.code, named in str(caught.value)) == (code, True), caught.value
    assert "s3cret" not in f"{caught.value}\n{caught.value.hint}"


def test_the_other_host_is_trusted_where_its_name_is_not_asked_for(site: Site) -> None:
    """So it is the name that was refused."""
    assert schema_of(site.url("127.0.0.1", sslmode="verify-ca", sslrootcert=str(site.root), schema="none")) == 0
