"""Dead letters: triggers that came to nothing again and again, and signals that no wait took in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from msgspec.structs import replace

from ..caller import ANYBODY
from ..clock import as_datetime
from ..definition.codec import loads
from ..definition.model import Value
from ..definition.problems import ArmillaryError
from ..operations import DeadLetterQuery, DeadLetterView
from ..queries import SignalQuery
from ..rows import Letter, LetterRecord, SentSignal, SignalRow
from ..runtime import Caller
from .access import check_reason, expect_operator
from .engine import Engine
from .masking import Masking
from .signals import SignalDesk

MANY = 10_000
"""More dead letters than this nobody looks through: the first are shown."""
DEAD = DeadLetterQuery()


class LetterDesk:
    """What operators do with dead letters."""

    def __init__(self, engine: Engine, masking: Masking, signals: SignalDesk) -> None:
        self._engine = engine
        self._masking = masking
        self._signals = signals

    def listed(self, query: DeadLetterQuery = DEAD) -> Sequence[DeadLetterView]:
        """See :meth:`armillary_engine.runtime.Runtime.dead_letters`."""
        views = sorted((self._view(one) for one in self._all()), key=lambda view: (view.arrived, view.id))
        if query.after is not None:  # before they are chosen: whoever goes on may have decided about it since
            ids = [view.id for view in views]
            views = views[ids.index(query.after) + 1 :] if query.after in ids else []
        views = [view for view in views if query.instance in (None, view.instance)]
        return [view for view in views if query.status in (None, view.status)][: query.limit]

    def _all(self) -> list[LetterRecord | Letter | SentSignal]:
        store = self._engine.store
        found: list[LetterRecord | Letter | SentSignal] = list(store.letters(limit=MANY))
        found += store.upkeep.signals(SignalQuery(status="unmatched", limit=MANY))
        found += store.upkeep.records(limit=MANY)
        return found

    def show(self, id: str) -> DeadLetterView:
        """See :meth:`armillary_engine.runtime.Runtime.dead_letter`."""
        return self._view(self._find(id))

    def _find(self, id: str) -> LetterRecord | Letter | SentSignal:
        store, (kind, _, name) = self._engine.store, id.partition("-")
        found: list[LetterRecord | Letter | SentSignal] = []
        if kind == "message" and name.isascii() and name.isdigit() and len(name) < 19:
            found += store.letters(after=int(name) - 1, limit=1)
        elif kind == "signal":
            found += store.upkeep.signals(SignalQuery(id=name, status="unmatched"))
        for one in (*found, *store.upkeep.records(limit=MANY)):
            if _id(one) == id:
                return one
        hint = "list the dead letters"
        raise ArmillaryError("dead-letter.unknown", f"expected the id of a dead letter, got {id!r}", hint=hint)

    def replay(self, id: str, *, caller: Caller = ANYBODY) -> DeadLetterView:
        """See :meth:`armillary_engine.runtime.Runtime.replay_dead_letter`."""
        found = self._open(id, caller)
        record = self._record(found, "replayed", caller)
        if isinstance(found, SentSignal):
            # Its id follows from the old one's: whoever dies in between may do it again, and it is sent once.
            record = replace(record, replayed_as=self._again(found.row))
        return self._decide(record)

    def _again(self, row: SignalRow) -> str:
        now = self._engine.clock.now()
        life = row.expires - row.created  # as its sender had it
        self._signals.store(replace(row, id=f"{row.id}~replayed", created=now, expires=now + life))
        return f"{row.id}~replayed"

    def drop(self, id: str, *, reason: str = "", caller: Caller = ANYBODY) -> DeadLetterView:
        """See :meth:`armillary_engine.runtime.Runtime.drop_dead_letter`."""
        check_reason(reason)
        record = self._record(self._open(id, caller), "dropped", caller)
        return self._decide(
            replace(record, error=f"{record.error or ''} (dropped: {reason})" if reason else record.error)
        )

    def _open(self, id: str, caller: Caller) -> Letter | SentSignal:
        found = self._find(id)
        if isinstance(found, LetterRecord):
            raise self._decided(id, found.status)
        instance = found.message.instance if isinstance(found, Letter) else found.row.instance
        known = None if instance is None else self._engine.store.instance(instance)
        expect_operator(self._engine.programs, known.row.digest if known else None, caller, f"decide about {id!r}")
        return found

    def _decide(self, record: LetterRecord) -> DeadLetterView:
        try:
            decided = self._engine.store.upkeep.decide(record)
        finally:  # whoever is interrupted does not know whether a message is ready now
            self._engine.tell([(record.instance, 0)] if record.instance else (), work=True)
        if decided == "gone":
            raise self._decided(record.letter, "decided about")
        if decided == "needed":
            what = f"expected a dead letter that {record.instance} can do without, got {record.letter!r}"
            message = f"{what}, and nothing else will ever resume what waits for it"
            raise ArmillaryError("dead-letter.needed", message, hint="replay it, or cancel the instance first")
        return self._view(decided)

    def _decided(self, id: str, how: str) -> ArmillaryError:
        hint = "show it: it says by whom and when"
        return ArmillaryError("dead-letter.decided", f"expected a dead letter, got {id!r}, which was {how}", hint=hint)

    def _record(
        self, found: Letter | SentSignal, status: Literal["replayed", "dropped"], caller: Caller
    ) -> LetterRecord:  # fmt: skip
        now = self._engine.clock.now()
        if isinstance(found, Letter):
            sent = found.message
            return LetterRecord(
                _id(found), status, sent.kind, sent.instance, None, sent.body, found.arrived, found.failures,
                found.error, now, caller.name,
            )  # fmt: skip
        row = found.row
        return LetterRecord(
            _id(found), status, "signal", row.instance, row.name, row.payload_json.encode(), row.expires, 0,
            "no wait took it in time", now, caller.name,
        )  # fmt: skip

    def _view(self, found: LetterRecord | Letter | SentSignal) -> DeadLetterView:
        """A dead letter as people see it: without what a schema marks as sensitive."""
        match found:
            case LetterRecord():
                unmatched = found.letter.startswith("signal-")
                body = self._shown(found.kind, found.instance, found.body, unmatched=found.name if unmatched else None)
                return DeadLetterView(
                    found.letter, "unmatched" if unmatched else "poison", found.kind, found.instance, found.name,
                    as_datetime(found.arrived), found.attempts, self._masking.error(found.instance, found.error), body,
                    found.status,
                    as_datetime(found.decided), found.decided_by, found.replayed_as,
                )  # fmt: skip
            case Letter(message=sent):
                return DeadLetterView(
                    _id(found), "poison", sent.kind, sent.instance, None, as_datetime(found.arrived), found.failures,
                    self._masking.error(sent.instance, found.error), self._shown(sent.kind, sent.instance, sent.body),
                )  # fmt: skip
            case SentSignal(row=row):
                body = self._shown("signal", row.instance, row.payload_json, unmatched=row.name)
                return DeadLetterView(
                    _id(found), "unmatched", "signal", row.instance, row.name, as_datetime(row.expires), 0,
                    "no wait took it in time", body,
                )  # fmt: skip

    def _shown(self, kind: str, instance: str | None, body: bytes | str, *, unmatched: str | None = None) -> Value:
        """``unmatched``: the name of a signal that reached no instance; its body is its payload alone."""
        value = cast(Any, loads(body, depth=1_000))
        if unmatched is not None:
            return self._masking.waits().payload(unmatched, value)
        return self._masking.trigger(kind, instance, value)


def _id(found: LetterRecord | Letter | SentSignal) -> str:
    match found:
        case LetterRecord(letter=letter):
            return letter
        case Letter(seq=seq):
            return f"message-{seq}"
        case SentSignal(row=row):
            return f"signal-{row.id}"
