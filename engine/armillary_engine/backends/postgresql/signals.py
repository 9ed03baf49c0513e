"""Sending a signal on PostgreSQL, so that it and a wait that opens at the same moment never miss each other.

Whoever opens a wait and whoever sends take the same advisory lock of the transaction: by name and key, or by name and
chain. The statement after it sees what the other one has committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...messages import signal_body
from ...mutation import Mutation
from ...rows import InstanceRow, SignalRow, Stored
from ..sql.outside import CHAIN_OF, instance_of
from ..sql.session import columns
from .binary import BIG, BLOB, TEXT, array
from .claims import NOW
from .exchange import Named, StoreConnection, exchange, rows
from .riding import HANDED_OVER, WORK, Riding
from .session import in_dialect, lock_name, qualified

LOCKS = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(? AS text[])) AS name"
RAW_LOCKS = LOCKS.replace("?", "$1").encode()
KINDS = {
    "id": TEXT, "name": TEXT, "key": TEXT, "chain": TEXT, "instance": TEXT, "mode": TEXT, "payload": TEXT,
    "created": BIG, "expires": BIG, "limit": BIG, "now": BIG, "body": BLOB,
}  # fmt: skip

# The instance before the wait: a commit locks them in this order. ``+ 0`` keeps the index of what lives out of it: a
# plan that was made on empty tables would go through all of that.
SEND = f"""WITH found AS MATERIALIZED (
    SELECT w.seq, w.instance, w.serial, i.status, i.digest FROM waits w JOIN instances i ON i.id = w.instance
    WHERE w.name = %(name)s AND {{matches}} AND i.ended + 0 IS NULL
        AND NOT EXISTS (SELECT 1 FROM signals s WHERE s.id = %(id)s)
    ORDER BY w.seq LIMIT %(limit)s FOR SHARE OF i FOR UPDATE OF w
), kept AS (
    INSERT INTO signals (id, name, key, chain, instance, mode, payload_json, created, expires, kept, takers_json)
    SELECT %(id)s, %(name)s, %(key)s, %(chain)s, %(instance)s, %(mode)s, %(payload)s, %(created)s, %(expires)s,
        CASE WHEN %(mode)s = 'one' AND NOT EXISTS (SELECT 1 FROM found) THEN 1 ELSE 0 END,
        (SELECT '[' || COALESCE(string_agg(to_json(instance || '/' || serial)::text, ',' ORDER BY seq), '') || ']'
            FROM found)
    ON CONFLICT (id) DO NOTHING RETURNING 1
), gone AS (
    DELETE FROM waits w USING found f WHERE w.seq = f.seq AND EXISTS (SELECT 1 FROM kept)
    RETURNING f.seq, f.instance, f.serial, f.status, f.digest
), sent AS (
    INSERT INTO messages (instance, kind, serial, control, body, arrived, state, ready, digest, deliveries, failures)
    SELECT g.instance, 'signal', g.serial, 0, %(body)s, {NOW},
        CASE WHEN g.status = 'suspended' THEN 'held' ELSE 'ready' END, {NOW}, g.digest, 0, 0 FROM gone g ORDER BY g.seq
) SELECT instance FROM gone ORDER BY seq"""
SEND_BY_KEY = SEND.replace("{matches}", "w.key = %(key)s")
SEND_BY_CHAIN = SEND.replace("{matches}", "w.chain = %(chain)s")

MET = f"""SELECT w.serial, i.snapshot, {columns(InstanceRow, "i.")} FROM (
    SELECT y.instance, y.serial FROM waits y WHERE y.name = %(name)s AND {{matches}} ORDER BY y.seq + 0 LIMIT 1) w
    CROSS JOIN LATERAL (SELECT * FROM instances y WHERE y.id = w.instance OFFSET 0) i"""
MET_BY_KEY = MET.replace("{matches}", "y.key = %(key)s")
MET_BY_CHAIN = MET.replace("{matches}", "y.chain = (SELECT z.chain FROM instances z WHERE z.id = %(instance)s)")


class Signals:
    """The statements of one schema."""

    def __init__(self, schema: str, riding: Riding) -> None:
        self._schema = schema
        self._riding = riding
        self._by_key = Named(qualified(SEND_BY_KEY, schema), KINDS)
        self._by_chain = Named(qualified(SEND_BY_CHAIN, schema), KINDS)
        self._met_by_key = Named(qualified(MET_BY_KEY, schema), KINDS)
        self._met_by_chain = Named(qualified(MET_BY_CHAIN, schema), KINDS)

    def would_meet(self, connection: StoreConnection, signal: SignalRow) -> tuple[Stored, int] | None:
        """See :meth:`armillary_engine.backend.Reads.would_meet`."""
        met = self._met_by_key if signal.instance is None else self._met_by_chain
        given = {"name": signal.name, "key": signal.key, "instance": signal.instance}
        for row in met.rows(connection, given):
            return Stored(instance_of(row[2:]), row[1]), row[0]
        return None

    def send(self, connection: StoreConnection, signal: SignalRow, now: int | None) -> Sequence[str]:
        """See :meth:`armillary_engine.backend.Writes.store_signal`."""
        chain = None
        if signal.instance is not None:
            found = connection.execute(in_dialect(CHAIN_OF, self._schema), (signal.instance,), prepare=True).fetchone()
            chain = found[0] if found else None
        given: dict[str, Any] = {
            "id": signal.id, "name": signal.name, "key": signal.key, "chain": chain, "instance": signal.instance,
            "mode": signal.mode, "payload": signal.payload_json, "created": signal.created,
            "expires": signal.expires, "limit": None if signal.mode == "all" else 1, "now": now,
            "body": signal_body(signal.id, signal.name, signal.payload_json),
        }  # fmt: skip
        send = self._by_key if signal.instance is None else self._by_chain
        locks = (RAW_LOCKS, [array(TEXT, [self._lock(signal, chain)])])
        behind = self._riding.behind(HANDED_OVER, WORK, id=signal.id)
        _, sent, *told = exchange(connection, [locks, send.command(given)], behind)
        handed = tuple(row[0] for row in rows(connection, sent))
        if handed:
            self._riding.went(WORK, told)
        return handed

    def _lock(self, signal: SignalRow, chain: str | None) -> str:
        if signal.instance is None:
            return lock_name(self._schema, "key", signal.name, signal.key or "")
        return lock_name(self._schema, "chain", signal.name, chain or "")

    def locks(self, mutations: Iterable[Mutation]) -> list[str]:
        """The locks of all waits that ``mutations`` open, in the order in which they are taken."""
        found = set()
        for mutation in mutations:
            for wait in mutation.waits:
                found.add(lock_name(self._schema, "chain", wait.name, mutation.row.chain))
                if wait.key is not None:
                    found.add(lock_name(self._schema, "key", wait.name, wait.key))
        return sorted(found)
