"""The two statements that commit mutations, put together from parts: one for each table and kind of change.

Rows come as parameters: each value one where a mutation is alone, else each column an array. A statement is prepared
for each shape, that is which parts it has and in which form their rows come."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ...messages import TIMER
from ...rows import CallRow, EventRow, InstanceRow, SignalRow, TaskEventRow, TaskRow
from ..sql.commit import CHANGING, TIMES_OUT
from ..sql.session import names
from .binary import BIG, BLOB, BOOL, TEXT, Kind, array, scalar
from .catalogue import LISTED
from .session import qualified

MOMENT = "COALESCE($1::bigint, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)"
_BIG = frozenset({
    "started", "updated", "revision", "events", "parent_serial", "ended", "number", "at", "serial", "deadline",
    "attempt_timeout", "attempt", "ready", "fence", "deliveries", "heartbeat", "created", "priority", "due", "control",
    "seq", "expected", "expires", "timeout",
})  # fmt: skip
_KINDS = {"resting": BOOL, "direct": BOOL, "snapshot": BLOB, "body": BLOB}
FEW, MANY = 4, 48
"""So many rows, at most, are written out in the statement for a lone mutation; and are picked from arrays one by one,
which takes longer with each row. From there on the server makes a table of each array, which takes long at once."""
PICKED, UNNESTED = 0, -1
"""Forms of rows; a positive one is a number of rows that are written out."""

# Rows are found from the parameters, by index, and never the other way round: a plan that was made while a table was
# empty would go through all of it. A lateral subquery that is not merged (``OFFSET 0``) leaves no other way.
LOCKED = ("instance", "expected", "direct")
LOCK = """SELECT 1 / (count(*) = {count})::int FROM {rows}
    CROSS JOIN LATERAL (SELECT 1 FROM instances i WHERE i.id = u.instance
        AND CASE WHEN u.expected IS NULL THEN i.next IS NULL AND i.status = 'waiting'
            ELSE i.revision = u.expected AND (NOT u.direct OR i.status <> 'suspended') END
        FOR UPDATE) AS locked"""


def kind_of(name: str) -> Kind:
    """The type of a column, by its name: one name has one type in all tables."""
    return BIG if name in _BIG else _KINDS.get(name, TEXT)


def _insert(table: str, columns: Sequence[str], more: str = "", values: str = "") -> str:
    listed = ", ".join(columns)
    return f"INSERT INTO {table} ({listed}{more}) SELECT {listed}{values} FROM {{rows}}"


_INSTANCE = ("snapshot", *names(InstanceRow))
_UPDATE = ("snapshot", *CHANGING, "id")
_EVENT = ("instance", *names(EventRow))
_MESSAGE = ("instance", "kind", "serial", "control", "body", "ready", "digest")
_SIGNAL = (*names(SignalRow), "chain", "takers_json")
_OF_INSTANCE = "y.instance = u.instance AND y.serial = u.serial"


def _found(table: str, condition: str) -> str:
    """The rows of the arrays with the place of each row ``y`` of a table that meets the condition."""
    return f"""SELECT u.*, l.at FROM {{rows}}
        CROSS JOIN LATERAL (SELECT y.ctid AS at FROM {table} y WHERE {condition} OFFSET 0) l"""


class Part:
    """What is done to one table, for as many rows as there are. ``found``: at the places that this finds, in ``u``;
    ``check``: one for each row."""

    def __init__(self, name: str, columns: Sequence[str], text: str, *, found: str = "", check: bool = False) -> None:
        self.name = name
        self.columns = columns
        self.text = text
        self.found = found
        self.check = check


def _removing(name: str, columns: Sequence[str], table: str, condition: str, *, check: bool = False) -> Part:
    text = f"DELETE FROM {table} x USING {{found}} u WHERE x.ctid = u.at"
    return Part(name, columns, text, found=_found(table, condition), check=check)


PARTS = [
    Part("instances", _INSTANCE, _insert("instances", _INSTANCE)),
    Part(  # they are locked: nobody changes them
        "updates", _UPDATE,
        f"""UPDATE instances i SET {', '.join(f'{n} = u.{n}' for n in _UPDATE[:-1])}
        FROM ({_found("instances", "y.id = u.id")}) u WHERE i.ctid = u.at""",
    ),
    Part("events", _EVENT, _insert("history", _EVENT)),
    _removing(
        "taken", ("seq", "fence", "instance"), "messages",
        "y.seq = u.seq AND y.deliveries = u.fence AND y.instance = u.instance", check=True,
    ),
    _removing(
        "replied", ("instance", "serial", "fence"), "calls",
        f"{_OF_INSTANCE} AND y.fence = u.fence AND y.state <> 'answered'", check=True,
    ),
    _removing("met", ("instance", "serial"), "waits", _OF_INSTANCE, check=True),
    Part("signals", _SIGNAL, _insert("signals", _SIGNAL, ", kept", ", 0")),
    _removing("closed_calls", ("instance", "serial"), "calls", _OF_INSTANCE),
    _removing("closed_waits", ("instance", "serial"), "waits", _OF_INSTANCE),
    # What a trigger has consumed is removed as such: no row is removed by two parts, so that they can be counted.
    _removing(
        "closed_timers", ("instance", "serial", "seq"), "messages",
        f"{_OF_INSTANCE} AND y.kind = '{TIMER}' AND y.seq <> u.seq",
    ),
    _removing(
        "ended_messages", ("instance", "seq"), "messages",
        "y.instance = u.instance AND y.state <> 'dead' AND y.seq <> u.seq",
    ),
    Part("calls", names(CallRow), _insert("calls", names(CallRow))),
    Part("tasks", names(TaskRow), _insert("tasks", names(TaskRow))),
    Part("task_events", names(TaskEventRow), _insert("task_events", names(TaskEventRow))),
    Part(
        "waits", ("instance", "serial", "chain", "name", "key"),
        _insert("waits", ("instance", "serial", "chain", "name", "key")),
    ),
    Part(
        "messages", _MESSAGE,
        f"""INSERT INTO messages ({', '.join(_MESSAGE)}, arrived, state, deliveries, failures)
        SELECT instance, kind, serial, control, body, COALESCE(ready, {MOMENT}),
            COALESCE(digest, (SELECT y.digest FROM instances y WHERE y.id = u.instance)), COALESCE(ready, {MOMENT}),
            'ready', 0, 0 FROM {{rows}}""",
    ),
    Part("direct", ("instance",), ""),
    Part("catalogue", ("name", "listed"), ""),
]  # fmt: skip
_BY_NAME = {part.name: part for part in PARTS}

# What must not be there, by the part whose rows it is about.
_NONE = {
    "direct": f"""NOT EXISTS (SELECT 1 FROM {{rows}} CROSS JOIN LATERAL (SELECT 1 FROM messages y
        WHERE y.instance = u.instance AND y.state || '' = 'ready' AND (y.ready <= {MOMENT} OR y.owner IS NOT NULL)
        LIMIT 1) l)
        AND NOT EXISTS (SELECT 1 FROM {{rows}} CROSS JOIN LATERAL (SELECT 1 FROM calls y
        WHERE y.instance = u.instance AND {TIMES_OUT.format("y")} <= {MOMENT} LIMIT 1) l)""",
    "waits": """NOT EXISTS (SELECT 1 FROM {rows} CROSS JOIN LATERAL (SELECT 1 FROM signals s
        WHERE s.kept = 1 AND s.name = u.name AND s.key = u.key LIMIT 1) l)
        AND NOT EXISTS (SELECT 1 FROM {rows} CROSS JOIN LATERAL (SELECT 1 FROM signals s
        WHERE s.kept = 1 AND s.name = u.name AND s.chain = u.chain LIMIT 1) l)""",
    "catalogue": f"""NOT EXISTS (SELECT 1 FROM {{rows}} WHERE u.listed IS DISTINCT FROM
        (SELECT {LISTED} FROM definitions d WHERE d.name = u.name AND d.enabled))""",
}


def form_of(count: int, *, alone: bool) -> int:
    """In which form so many rows come."""
    if alone and count <= FEW:
        return count
    return PICKED if count <= MANY else UNNESTED


def values(columns: Sequence[str], rows: Sequence[tuple[Any, ...]], form: int) -> list[bytes | None]:
    """The parameters for rows."""
    kinds = _kinds(columns)
    if form > 0:
        return [scalar(kind, value) for row in rows for kind, value in zip(kinds, row, strict=True)]
    return [array(kind, column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]


@lru_cache(maxsize=64)
def _kinds(columns: Sequence[str]) -> tuple[Kind, ...]:
    return tuple(kind_of(column) for column in columns)


def _rows(columns: Sequence[str], number: int, form: int) -> str:
    """A table ``u`` of the parameters from ``$number`` on."""
    types = [kind.name for kind in _kinds(columns)]
    named = ", ".join(columns)
    if form > 0:
        marks = iter(range(number, number + form * len(columns)))
        listed = [", ".join(f"${next(marks)}::{one}" for one in types) for _ in range(form)]
        return f"(VALUES ({'), ('.join(listed)})) AS u({named})"
    marked = [f"${mark}::{one}[]" for mark, one in enumerate(types, number)]
    if form == UNNESTED:
        return f"unnest({', '.join(marked)}) AS u({named})"
    picked = ", ".join(f"({mark})[n] AS {column}" for mark, column in zip(marked, columns, strict=True))
    return f"(SELECT {picked} FROM generate_series(1, cardinality({marked[0]})) AS n) AS u"


def _count(columns: Sequence[str], number: int, form: int) -> str:
    return str(form) if form > 0 else f"cardinality(${number}::{kind_of(columns[0]).name}[])"


Shape = tuple[tuple[str, int], ...]
"""The names of parts, and the form of the rows of each."""


@lru_cache(maxsize=512)
def statement(shape: Shape, schema: str) -> bytes:
    """The statement that does the parts; its parameters are the moment and their values, in order."""
    bodies, checks, number = [], [], 2
    for name, form in shape:
        part = _BY_NAME[name]
        rows = _rows(part.columns, number, form)
        found = part.found.replace("{rows}", rows)
        if found and not part.check:
            # Whoever changes such a row just now has moved it: the place that was found holds nothing any more.
            bodies.append(f"{name}_at AS MATERIALIZED ({found})")
            checks.append(f"(SELECT count(*) FROM {name}_) = (SELECT count(*) FROM {name}_at)")
            found = f"{name}_at"
        elif found:
            checks.append(f"(SELECT count(*) FROM {name}_) = {_count(part.columns, number, form)}")
            found = f"({found})"
        if part.text:
            text = part.text.replace("{rows}", rows).replace("{found}", found)
            bodies.append(f"{name}_ AS ({text}{' RETURNING 1' if part.found else ''})")
        if name in _NONE:
            checks.append(_NONE[name].replace("{rows}", rows))
        number += len(part.columns) * max(form, 1)
    condition = " AND ".join(checks) or "true"
    return qualified(f"WITH {', '.join(bodies)} SELECT 1 / ({condition})::int, $1::bigint", schema).encode()


@lru_cache(maxsize=64)
def lock(form: int, schema: str) -> bytes:
    """The statement that locks instances, and compares what is expected of them."""
    text = LOCK.replace("{rows}", _rows(LOCKED, 1, form)).replace("{count}", _count(LOCKED, 1, form))
    return qualified(text, schema).encode()
