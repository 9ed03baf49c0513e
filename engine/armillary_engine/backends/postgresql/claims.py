"""Claiming on PostgreSQL: one statement each, which many workers may run at a time.

``FOR UPDATE SKIP LOCKED`` lets each pass by what another one is just taking. Parameters: ``now`` may be null; then it
is the server's clock at the start of the statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...messages import TIMER, timer
from ...mutation import Claim
from ...rows import CallRow, InstanceRow, Stored
from ..sql.commit import TIMES_OUT
from ..sql.outside import instance_of, letter_of
from ..sql.session import columns
from .binary import BIG, BIGS, BLOB, TEXT, TEXTS
from .exchange import Named, StoreConnection
from .session import qualified

NOW = "COALESCE(%(now)s::bigint, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)"
KINDS = {"now": BIG, "n": BIG, "until": BIG, "owner": TEXT, "without": TEXTS, "services": TEXTS, "places": BIGS,
         "body": BLOB}  # fmt: skip
BODY = timer("", 0, "timeout", 0).body
CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

# No claimed message of the instance, none that comes before this one, and no call that is overdue since before it.
# Each ``OFFSET 0`` and ``|| ''`` keeps a plan that was made on empty tables from going through all of them: see
# :mod:`.parts`.
# A claim is not waited for on the disk: if a crash of the server undoes it, the message is claimed again, and of two
# holders one commits, since commits compare revisions.
_FIRST_IN_LINE = f"""NOT EXISTS (
        SELECT 1 FROM messages o WHERE o.instance = m.instance AND o.seq <> m.seq AND o.state || '' = 'ready' AND (
            (o.owner IS NOT NULL AND o.ready > {NOW}) OR (o.ready <= {NOW} AND (
                o.control > m.control OR (o.control = m.control AND (
                    o.arrived < m.arrived OR (o.arrived = m.arrived AND o.seq < m.seq)))))) OFFSET 0)
    AND (m.control = 1 OR NOT EXISTS (
        SELECT 1 FROM calls x WHERE x.instance = m.instance
            AND {TIMES_OUT.format("x")} <= m.arrived OFFSET 0))"""
# From each definition that has something free to the next, by the index of both: each has its share of ``n``, and what
# it leaves goes to what was ready first. Compared as rows, so that no other index will do.
_FREE = "m.state = 'ready' AND m.owner IS NULL"
_SHARES = f"""definition (digest, ready) AS (
    (SELECT m.digest, m.ready FROM messages m WHERE {_FREE} ORDER BY m.digest, m.ready LIMIT 1)
    UNION ALL SELECT n.digest, n.ready FROM definition d CROSS JOIN LATERAL (
        SELECT m.digest, m.ready FROM messages m WHERE {_FREE} AND m.digest > d.digest
        ORDER BY m.digest, m.ready LIMIT 1) n
), due AS MATERIALIZED (
    SELECT m.digest, m.ready FROM definition m WHERE m.ready <= {NOW} {{definitions}} ORDER BY m.ready LIMIT %(n)s
), share AS MATERIALIZED (
    SELECT h.seq, h.ready FROM due d CROSS JOIN LATERAL (
        SELECT m.seq, m.ready FROM messages m WHERE {_FREE} AND (m.digest, m.ready) >= (d.digest, d.ready)
            AND (m.digest, m.ready) <= (d.digest, {NOW}) {{instances}} AND {_FIRST_IN_LINE}
        ORDER BY m.digest, m.ready LIMIT GREATEST(1, %(n)s / (SELECT count(*) FROM due)) FOR UPDATE SKIP LOCKED) h
), """


def _claim(
    shares: str = "", others: str = "", left: str = "%(n)s", taken: str = "first"
) -> str:  # fmt: skip
    return f"""WITH RECURSIVE moment AS MATERIALIZED (
    SELECT {NOW} AS now, set_config('synchronous_commit', 'off', true)
), {shares}first AS MATERIALIZED (
    SELECT m.seq, m.ready FROM messages m WHERE m.state = 'ready' AND m.ready <= {NOW} AND {_FIRST_IN_LINE}
    {{without}} {others} ORDER BY m.ready LIMIT {left} FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE messages m SET owner = %(owner)s, ready = %(until)s, deliveries = m.deliveries + 1,
        failures = m.failures + 1
    FROM (SELECT f.ready, l.at FROM {taken} f
        CROSS JOIN LATERAL (SELECT y.ctid AS at FROM messages y WHERE y.seq = f.seq OFFSET 0) l) f WHERE m.ctid = f.at
    RETURNING m.seq, m.instance, m.kind, m.body, m.serial, m.control, m.arrived, m.state, m.deliveries, m.failures,
        m.error, f.ready AS was_ready
) SELECT moment.now, m.seq, m.instance, m.kind, m.body, m.serial, m.control, m.arrived, m.state, m.deliveries,
    m.failures, m.error, i.snapshot, {columns(InstanceRow, "i.")}
    FROM leased m CROSS JOIN LATERAL (SELECT * FROM instances y WHERE y.id = m.instance OFFSET 0) i CROSS JOIN moment
    ORDER BY m.was_ready, m.seq"""


CLAIM = _claim()
FAIR = _claim(
    _SHARES, "AND m.seq <> ALL(ARRAY(SELECT seq FROM share))", "%(n)s - (SELECT count(*) FROM share)",
    "(SELECT seq, ready FROM share UNION ALL SELECT seq, ready FROM first)",
)  # fmt: skip
"""For a backlog: no definition waits for another one's."""

CLAIM_CALLS = f"""WITH due AS MATERIALIZED (
    SELECT c.instance, c.serial, c.ready FROM unnest(%(services)s::text[], %(places)s) AS s(name, places)
    CROSS JOIN LATERAL (SELECT x.instance, x.serial, x.ready FROM calls x
        WHERE x.state = 'ready' AND x.service = s.name AND x.ready <= {NOW}
        ORDER BY x.ready LIMIT s.places FOR UPDATE SKIP LOCKED) c
    ORDER BY c.ready LIMIT %(n)s
), leased AS (
    UPDATE calls c SET owner = %(owner)s, ready = %(until)s, fence = c.fence + 1, deliveries = c.deliveries + 1
    FROM (SELECT d.ready, l.at FROM due d CROSS JOIN LATERAL (
        SELECT y.ctid AS at FROM calls y WHERE y.instance = d.instance AND y.serial = d.serial OFFSET 0) l) d
    WHERE c.ctid = d.at
    RETURNING {columns(CallRow, "c.")}, d.ready AS was_ready
) SELECT {columns(CallRow)} FROM leased ORDER BY was_ready"""

# Whoever holds an instance or a call just now is passed by: the next look finds it as they left it. As with a claim,
# nobody waits for the disk: what a crash undoes is overdue still.
TIME_OUT = f"""WITH moment AS MATERIALIZED (
    SELECT {NOW} AS now, set_config('synchronous_commit', 'off', true)
), over AS MATERIALIZED (
    SELECT c.instance, c.serial, i.status, i.digest FROM moment CROSS JOIN (
        SELECT x.instance, x.serial FROM calls x WHERE x.timeout <= {NOW}
        ORDER BY x.timeout LIMIT %(n)s FOR UPDATE SKIP LOCKED) c
    CROSS JOIN LATERAL (SELECT y.status, y.digest FROM instances y WHERE y.id = c.instance FOR SHARE SKIP LOCKED) i
), found AS MATERIALIZED (
    SELECT o.*, l.at, l.timeout FROM over o CROSS JOIN LATERAL (SELECT y.ctid AS at, y.timeout FROM calls y
        WHERE y.instance = o.instance AND y.serial = o.serial OFFSET 0) l
), told AS (
    UPDATE calls c SET timeout = NULL FROM found f WHERE c.ctid = f.at AND c.timeout IS NOT NULL
    RETURNING f.instance, f.serial, f.status, f.digest, f.timeout
), sent AS (
    INSERT INTO messages (instance, kind, serial, control, body, arrived, state, ready, digest, deliveries, failures)
    SELECT instance, '{TIMER}', serial, 0, %(body)s, timeout,
        CASE WHEN status = 'suspended' THEN 'held' ELSE 'ready' END, timeout, digest, 0, 0
    FROM told ORDER BY timeout RETURNING 1
) SELECT count(*) FROM sent"""

# What is later includes the ends of leases: a message that waits for a claimed one waits for that.
DUE = f"""SELECT MIN(moment), {NOW} FROM (
    (SELECT m.ready AS moment FROM messages m WHERE m.state = 'ready' AND m.ready <= {NOW} AND NOT EXISTS (
        SELECT 1 FROM messages o
        WHERE o.instance = m.instance AND o.state || '' = 'ready' AND o.owner IS NOT NULL AND o.ready > {NOW} OFFSET 0)
        {{without}} ORDER BY m.ready LIMIT 1)
    UNION ALL (SELECT m.ready FROM messages m WHERE m.state = 'ready' AND m.ready > {NOW} {{without}}
        ORDER BY m.ready LIMIT 1)
    UNION ALL (SELECT c.ready FROM unnest(%(services)s::text[]) AS s(name) CROSS JOIN LATERAL (
        SELECT x.ready FROM calls x WHERE x.state = 'ready' AND x.service = s.name ORDER BY x.ready LIMIT 1) c)
    UNION ALL (SELECT c.timeout FROM calls c WHERE c.timeout IS NOT NULL ORDER BY c.timeout LIMIT 1)
) moments"""


class Claims:
    """The statements of one schema."""

    def __init__(self, schema: str) -> None:
        self._texts = {
            (text, lacks): Named(qualified(lacking(text, lacks=lacks), schema), KINDS)
            for text in (CLAIM, FAIR, DUE)
            for lacks in (False, True)
        }
        self._calls = Named(qualified(CLAIM_CALLS, schema), KINDS)
        self._over = Named(qualified(TIME_OUT, schema), KINDS)
        self._backlog = False

    def claim(
        self, run: StoreConnection, n: int, owner: str, now: int | None, until: int, without: Collection[str]
    ) -> Sequence[Claim]:  # fmt: skip
        """See :meth:`armillary_engine.backend.Writes.claim`."""
        given = {"n": n, "owner": owner, "until": until, "now": now, "without": sorted(without)}
        rows = self._texts[FAIR if self._backlog else CLAIM, bool(without)].rows(run, given)
        self._backlog = len(rows) == n
        return [Claim(letter_of(row[1:12]), Stored(instance_of(row[13:]), row[12]), row[0]) for row in rows]

    def claim_calls(
        self, run: StoreConnection, owner: str, now: int | None, until: int, services: Mapping[str, int], n: int
    ) -> Sequence[CallRow]:  # fmt: skip
        """See :meth:`armillary_engine.backend.Writes.claim_calls`."""
        places = {name: min(places, n) for name, places in services.items() if places > 0}
        if not places:
            return []
        given = {"owner": owner, "until": until, "now": now, "n": n, "services": [*places],
                 "places": [*places.values()]}  # fmt: skip
        return [CallRow(*row) for row in self._calls.rows(run, given)]

    def time_out(self, run: StoreConnection, now: int | None, n: int) -> int:
        """See :meth:`armillary_engine.backend.Writes.time_out`."""
        ((found,),) = self._over.rows(run, {"n": n, "now": now, "body": BODY})
        return int(found)

    def due(
        self, run: StoreConnection, now: int | None, services: Collection[str], without: Collection[str]
    ) -> tuple[int | None, int]:  # fmt: skip
        """See :meth:`armillary_engine.backend.Reads.due`; and the server's clock."""
        given = {"now": now, "services": sorted(services), "without": sorted(without)}
        ((due, at),) = self._texts[DUE, bool(without)].rows(run, given)
        return due, at


def lacking(text: str, *, lacks: bool) -> str:
    """A statement for a worker that lacks something for definitions or instances, or for one that lacks nothing."""
    definitions = "AND m.digest <> ALL(%(without)s)" if lacks else ""
    instances = "AND m.instance <> ALL(%(without)s)" if lacks else ""
    text = text.replace("{definitions}", definitions).replace("{instances}", instances)
    return text.replace("{without}", f"{definitions} {instances}".rstrip())
