"""Snapshots ⇄ bytes: canonical JSON, the same for ever; older forms are upgraded on reading.

A snapshot of form ``n`` is brought to ``n + 1`` by ``UPGRADES[n]``, on plain JSON; fixtures of every form are kept in
the tests. A newer form than this code knows is refused with ``snapshot.newer``; the worker leaves it to a newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..definition.problems import ArmillaryError
from ..definition.values import dumps, loads, number
from .snapshot import SCHEMA, Snapshot

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

UPGRADES: Mapping[int, Upgrade] = {}
"""Form number → what makes the next form of it."""

_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")
_SIZES = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Snapshot, float_hook=number)


class SnapshotError(ArmillaryError):
    """Bytes that are no snapshot this code can read: ``snapshot.newer`` or ``snapshot.corrupt``."""


def encode(snapshot: Snapshot) -> bytes:
    """Canonical bytes: fields in their fixed order without their defaults, members of values sorted."""
    return _ENCODER.encode(snapshot)


def size(value: Any) -> int:
    """Bytes of a value in a snapshot."""
    return len(_SIZES.encode(value))


def decode(data: bytes, *, upgrades: Mapping[int, Upgrade] = UPGRADES) -> Snapshot:
    """Bytes of this form or an older one → snapshot. Raises :class:`SnapshotError`."""
    try:
        snapshot = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, ArmillaryError, RecursionError):
        return _decode_other(data, upgrades)
    return snapshot if snapshot.schema == SCHEMA else _decode_other(data, upgrades)


def _decode_other(data: bytes, upgrades: Mapping[int, Upgrade]) -> Snapshot:
    try:
        document = loads(data, depth=10_000)
    except ArmillaryError as error:
        raise _corrupt(error.message) from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(document, dict) or type(schema) is not int or schema < 0:
        raise _corrupt("no form number")
    if schema > SCHEMA:
        hint = "upgrade Armillary here, or leave this instance to a worker that is newer"
        raise SnapshotError("snapshot.newer", f"expected a snapshot of form {SCHEMA} or older, got {schema}", hint=hint)
    while schema < SCHEMA:
        if schema not in upgrades:
            raise _corrupt(f"form {schema} never existed")
        document = upgrades[schema](document)
        schema += 1
    try:
        return _DECODER.decode(dumps({**document, "schema": SCHEMA}))
    except msgspec.DecodeError as error:
        raise _corrupt(str(error)) from None


def _corrupt(what: str) -> SnapshotError:
    hint = "restore the store from a backup, or rebuild the snapshot from the history: armillary db check"
    return SnapshotError("snapshot.corrupt", f"expected a snapshot, got bytes that are none ({what})", hint=hint)
