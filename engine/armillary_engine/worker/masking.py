"""What is sensitive in what a store holds: by the definitions that its instances are on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..backend import Reads
from ..definition import model
from ..definition.marks import MASK, Marks, any_in, masked, union
from ..definition.model import Definition, Value
from ..definition.problems import ArmillaryError
from ..definition.sensitive import NOTHING, Kin, Sensitive, sensitive_of
from ..interpreter.compiler import steps_in
from .programs import Programs

KEPT = 4096
"""So many instances' definitions are remembered."""


class Waits:
    """What is sensitive in the signals of a name, and in what they have to equal."""

    def __init__(self) -> None:
        self._marks: dict[str, tuple[Marks, Marks]] = {}

    def add(self, name: str, payload: Marks, match: Marks) -> None:
        """A wait for signals of that name."""
        before = self._marks.get(name, (False, False))
        self._marks[name] = (union(before[0], payload), union(before[1], match))

    def payload(self, name: str | None, value: Value) -> Value:
        """What a signal carries."""
        return masked(value, self._marks.get(name or "", (False, False))[0])

    def match(self, name: str, value: Value) -> Value:
        """What it has to equal."""
        return masked(value, any_in(self._marks.get(name, (False, False))[1]))


class Masking:
    """Knows by digest what is sensitive, with regard to the workflows that a definition starts."""

    def __init__(self, store: Reads, programs: Programs) -> None:
        self._store = store
        self._programs = programs
        self._definitions: dict[str, Definition | None] = {}
        self._versions: dict[str, set[str]] = {}
        self._known: dict[str, tuple[frozenset[str], Sensitive]] = {}
        self._digests: dict[str, str] = {}
        self._started: dict[str, frozenset[str]] = {}

    # ── of definitions ───────────────────────────────────────────────────────────────────────────────────────────────

    def of(self, digest: str) -> Sensitive:
        """What is sensitive in instances of a definition."""
        family = frozenset(self._family(digest))
        known = self._known.get(digest)
        if known is None or known[0] != family:
            self._learn(family)
            known = self._known[digest] = (family, self._known[digest][1])
        return known[1]

    def at_hand(self, digest: str) -> bool:
        """Whether :meth:`of` needs no look into the store for it: it is known, and starts nothing."""
        known = self._known.get(digest)
        return known is not None and known[0] == {digest}

    def of_instance(self, id: str | None) -> Sensitive:
        """What is sensitive in an instance; nothing, where there is none."""
        digest = None if id is None else self._digest(id)
        return NOTHING if digest is None else self.of(digest)

    def _digest(self, id: str) -> str | None:
        digest = self._digests.get(id)
        if digest is None and (stored := self._store.read([id]).get(id)) is not None:
            if len(self._digests) >= KEPT:
                self._digests.clear()
            digest = self._digests[id] = stored.row.digest
        return digest

    def _family(self, digest: str) -> Iterator[str]:
        """A definition, and all versions of all that it may start."""
        seen, ahead = {digest}, [digest]
        while ahead:
            one = ahead.pop()
            yield one
            fresh = {found for name in self._starts(one) for found in self._all_versions(name)} - seen
            seen |= fresh
            ahead += sorted(fresh)

    def _starts(self, digest: str) -> frozenset[str]:
        found = self._started.get(digest)
        if found is None:
            definition = self._definition(digest)
            if definition is None:
                return frozenset()
            steps = steps_in(definition.body)
            others = (step.workflow for step in steps if isinstance(step, model.Subworkflow | model.ContinueWith))
            found = self._started[digest] = frozenset(others)
        return found

    def _all_versions(self, name: str) -> set[str]:
        """Those that are enabled now, and those that were when this was asked first, or later."""
        if name not in self._versions:
            self._versions[name] = {row.digest for row, _ in self._store.definitions(name)}
        self._versions[name] |= {digest for _, digest in self._store.versions(name)}
        return self._versions[name]

    def _definition(self, digest: str) -> Definition | None:
        """``None``: of a newer release, whose schemas are not known here."""
        if digest not in self._definitions:
            try:
                self._definitions[digest] = self._programs.definition(digest)
            except ArmillaryError:
                return None
        return self._definitions[digest]

    def _learn(self, family: frozenset[str]) -> None:
        """Each one's output depends on those of the others: until none changes any more."""
        found = dict.fromkeys(family, NOTHING)
        while found != (found := {digest: self._judged(digest, self._kin(found)) for digest in family}):
            pass
        for digest, one in found.items():
            self._known[digest] = (family, one)

    def _kin(self, found: Mapping[str, Sensitive]) -> dict[str, Kin]:
        """What is known so far of workflows, by name: of any version."""
        kin: dict[str, Kin] = {}
        for digest, one in found.items():
            definition = self._definition(digest)
            if definition is not None:
                kin[definition.name] = _both(kin.get(definition.name, Kin()), one.kin)
        return kin

    def _judged(self, digest: str, kin: Mapping[str, Kin]) -> Sensitive:
        definition = self._definition(digest)
        if definition is None:
            return Sensitive(unknown=True)
        return sensitive_of(definition, lambda name: kin.get(name, Kin()))

    # ── of what is on its way ────────────────────────────────────────────────────────────────────────────────────────

    def trigger(self, kind: str, instance: str | None, body: Any) -> Value:
        """The body of a stored message. Which step it is for may be known no longer, so all of its kind count."""
        hidden = self.of_instance(instance)
        match kind:
            case "start":
                return masked(body, hidden.name("input"))
            case "call":
                return [body[0], masked(body[1], hidden.any_field("reply")), _failure(body[2], hidden)]
            case "task":
                return [masked(body[0], hidden.any_field("answer")), body[1]]
            case "signal":
                return {**body, "payload": self.waits().payload(body["name"], body["payload"])}
            case "child":
                return [*body[:2], masked(body[2], hidden.any_field("child")), _failure(body[3], hidden)]
            case _:
                plain: Value = body
                return plain

    def waits(self) -> Waits:
        """What waits for signals, in all definitions: a signal follows its instance's chain from one to another."""
        found = Waits()
        for row, _ in self._store.definitions():
            definition, hidden = self._definition(row.digest), self.of(row.digest)
            for step in steps_in(definition.body) if definition is not None else ():
                if isinstance(step, model.Signal):
                    found.add(step.name, hidden.field(step.id, "signal"), hidden.field(step.id, "match"))
        return found

    def input(self, workflow: str, value: Value) -> Value:
        """What a workflow is to be started with, in whichever version."""
        found: Marks = False
        for digest in self._all_versions(workflow):
            found = union(found, self.of(digest).name("input"))
        return masked(value, found)

    def error(self, instance: str | None, text: str | None) -> str | None:
        """What went wrong in the engine with an instance: its kind alone, where the words might tell a value."""
        if text is None or not self.of_instance(instance):
            return text
        kind, _, words = text.partition(": ")
        return f"{kind}: {MASK}" if words and kind.isidentifier() else MASK


def _both(one: Kin, other: Kin) -> Kin:
    return Kin(union(one.output, other.output), one.tells or other.tells, one.codes or other.codes)


def _failure(failed: Any, hidden: Sensitive) -> Value:
    """``[code, message, details]``: the code alone, where the rest might tell a value."""
    if failed is None or not (hidden.told or hidden.unknown):
        plain: Value = failed
        return plain
    return [MASK if hidden.kin.codes else failed[0], MASK, None if failed[2] is None else MASK]
