"""Programs by digest, prepared once; and which definitions this worker cannot run for want of a function."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec

from ..backend import Reads
from ..definition.codec import load_definition_bytes
from ..definition.expressions import CORE, Functions
from ..definition.model import SCHEMA, Definition
from ..definition.problems import ArmillaryError
from ..definition.versions import highest, is_draft
from ..interpreter import MissingFunction, Program, Resolved, prepare

KEPT = 512
"""So many programs are kept ready."""
UNREADABLE = 500
"""So many instances of a definition are left unclaimed one by one."""
FAMILY, NUMBER = SCHEMA.rsplit("/", 1)


class NewerDefinition(ArmillaryError):  # noqa: N818
    """A definition in a schema that only a newer release reads; this worker leaves its instances unclaimed."""


LACKING = (MissingFunction, NewerDefinition)
"""What a worker cannot run, and another one may: never a failure of the instance."""


class _Head(msgspec.Struct):
    """The part of a document that says how to read it."""

    schema: str = ""


class Programs:
    """The definitions of a store, as this worker runs them."""

    def __init__(self, store: Reads, functions: Functions = CORE) -> None:
        self._store = store
        self._functions: Functions = functions
        self._programs: dict[str, Program] = {}
        self._lacking: dict[str, ArmillaryError] = {}
        self._unreadable: dict[str, int] = {}
        self._resolved: dict[tuple[str, str], tuple[Sequence[tuple[str, str]], Resolved | None]] = {}
        self._lock = threading.Lock()

    def get(self, digest: str) -> Program:
        """Raises one of :data:`LACKING`, and remembers the definition as one that this worker lacks something for."""
        program = self._programs.get(digest)
        if program is not None:
            return program
        try:
            program = prepare(self.definition(digest), self._functions)
        except LACKING as missing:
            self.lacks(digest, missing)
            raise
        with self._lock:
            if len(self._programs) >= KEPT:
                self._programs.pop(next(iter(self._programs)))
            self._programs[digest] = program
        return program

    def definition(self, digest: str) -> Definition:
        """The definition of this digest. Raises ``definition.unknown``, ``definition.newer``."""
        row = self._store.definition(digest)
        if row is None:
            raise ArmillaryError("definition.unknown", f"expected a deployed definition, got the digest {digest[:12]}…")
        schema = msgspec.json.decode(row.document, type=_Head).schema
        family, _, number = schema.rpartition("/")
        if family == FAMILY and number.isdecimal() and int(number) > int(NUMBER):
            message = f"expected a definition in the schema {SCHEMA} or older, got {row.name} {row.version} in {schema}"
            hint = "upgrade Armillary here, or leave its instances to a worker that is newer"
            raise NewerDefinition("definition.newer", message, hint=hint)
        return load_definition_bytes(row.document)

    @property
    def functions(self) -> Functions:
        """The functions that definitions may call here."""
        return self._functions

    # ── what is lacking ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def lacking(self) -> frozenset[str]:
        """Digests of definitions, and ids of instances, that this worker leaves unclaimed."""
        return frozenset(self._lacking)

    def lacks(self, digest: str, why: ArmillaryError) -> None:
        """This worker leaves the instances of a definition to others."""
        with self._lock:
            self._lacking[digest] = why

    def cannot_read(self, instance: str, digest: str, why: ArmillaryError) -> None:
        """This worker leaves one instance to others, as a newer release has written it. Its snapshot will not be older
        again, so it is not tried again: the process that can read it is another one. Of a definition that has very many
        of them, it leaves all."""
        with self._lock:
            self._unreadable[digest] = self._unreadable.get(digest, 0) + 1
            self._lacking[instance if self._unreadable[digest] <= UNREADABLE else digest] = why

    def why_blocked(self, digest: str, instance: str) -> str | None:
        """What this worker lacks for an instance of a definition, in words."""
        try:
            self.get(digest)
        except MissingFunction as missing:
            names = ", ".join(repr(name) for name in missing.names)
            return f"waiting for function {names}"
        except ArmillaryError as error:
            return error.message
        why = self._lacking.get(instance) or self._lacking.get(digest)
        return why.message if why else None

    def register(self, functions: Functions) -> None:
        """Adds functions; what waited for them is looked at again."""
        with self._lock:
            self._functions = {**self._functions, **functions}
            self._programs.clear()
            self._lacking.clear()
            self._unreadable.clear()

    # ── names and versions ───────────────────────────────────────────────────────────────────────────────────────────

    def resolve(self, name: str, wanted: str, *, fresh: bool = False) -> Resolved | None:
        """The catalogue: the highest enabled version in the range; of drafts the newest. It may be out of date unless
        ``fresh``: then whoever commits an instance that was begun by it hears of a conflict."""
        found = None if fresh else self._resolve(name, wanted, self._store.known_versions(name))
        return found or self._resolve(name, wanted, self._store.versions(name))

    def _resolve(self, name: str, wanted: str, versions: Sequence[tuple[str, str]]) -> Resolved | None:
        known = self._resolved.get((name, wanted))
        if known is not None and known[0] == versions:
            return known[1]
        found = self._choose(versions, wanted)
        if len(self._resolved) >= KEPT:
            self._resolved.clear()
        self._resolved[name, wanted] = (versions, found)
        return found

    def _choose(self, versions: Sequence[tuple[str, str]], wanted: str) -> Resolved | None:
        digests = dict(reversed(versions))
        best = highest(wanted, digests)
        if best is None:
            return None
        if is_draft(best) and wanted != best:
            best = next(version for version, _ in versions if is_draft(version))
        return Resolved(best, digests[best])
