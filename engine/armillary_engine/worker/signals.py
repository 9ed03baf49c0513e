"""Sending signals, and saying what became of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Literal, cast

from ..caller import ANYBODY
from ..clock import as_datetime
from ..definition.codec import dumps, loads, normalize
from ..definition.problems import ArmillaryError
from ..ids import check_text, new_id
from ..interpreter.triggers import SignalArrived, split_token
from ..mutation import Met
from ..operations import SignalExplanation, SignalStatus, SignalView, SignalWaitView
from ..queries import SignalQuery
from ..rows import SentSignal, SignalRow, SignalWait
from ..runtime import Caller
from .engine import Engine
from .masking import Masking, Waits

SIGNAL_LIFE = timedelta(days=30)
LONGEST = 366 * 86_400
"""Seconds that a signal may be kept at most."""
PAYLOAD_LIMIT = 256 * 1024
NAME_LIMIT = 500
"""Characters of a name, and of an id."""
NEAR = 20
EVERYTHING = SignalQuery()


class SignalDesk:
    """``note`` hears when a signal that is kept is over."""

    def __init__(self, engine: Engine, masking: Masking, note: Callable[[int], None]) -> None:
        self._engine = engine
        self._masking = masking
        self._note = note
        self._counting = threading.Lock()
        self._sending = 0

    def send(
        self, name: str, payload: Any = None, *, instance: str | None = None, match: Any = None, id: str | None = None,
        mode: Literal["one", "all"] = "one", ttl: float | None = None, caller: Caller = ANYBODY,
    ) -> str:  # fmt: skip
        """See :meth:`armillary_engine.runtime.Runtime.signal`."""
        life = _life(ttl)
        check_text(name, "a name", code="signal.invalid", at_most=NAME_LIMIT)
        if id is not None:
            check_text(id, "an id", code="signal.invalid", at_most=NAME_LIMIT)
        if mode not in ("one", "all"):
            raise ArmillaryError("signal.invalid", f"expected mode to be one or all, got {mode!r}")
        store = self._engine.store
        if instance is not None and store.instance(instance) is None:
            hint = "list the instances"
            raise ArmillaryError("instance.unknown", f"expected the id of an instance, got {instance!r}", hint=hint)
        now = store.clock.now()
        row = SignalRow(
            id=new_id(now) if id is None else id,
            name=name,
            payload_json=dumps(normalize(payload, limit=PAYLOAD_LIMIT)).decode(),
            created=now,
            expires=now + life,
            key=None if instance is not None else dumps(normalize(match)).decode(),
            instance=instance,
            mode=mode,
        )
        self.store(row)
        return row.id

    def store(self, row: SignalRow) -> Sequence[str]:
        """Stores a signal, and tells who sleeps. The instances that it went to. Of several that are sent at a time the
        others are taken together, by a worker."""
        with self._counting:
            self._sending += 1
            alone = self._sending == 1
        try:
            taken = self._take(row) if alone and row.mode == "one" else None
            return self._store(row) if taken is None else (taken,)
        finally:
            with self._counting:
                self._sending -= 1

    def _take(self, row: SignalRow) -> str | None:
        """Where nothing comes before it, a signal is stored in one commit with the slice that it starts: the instance.
        No worker is woken for it, and no message stored, claimed and removed."""
        found = self._engine.store.would_meet(row)
        if found is None:
            return None
        stored, serial = found
        trigger = SignalArrived(serial, row.id, row.name, loads(row.payload_json, depth=1_000))
        chain = None if row.instance is None else stored.row.chain
        outcome = self._engine.take(stored, trigger, Met(serial, row, chain))
        return stored.row.id if outcome is not None and outcome.kind == "committed" else None

    def _store(self, row: SignalRow) -> Sequence[str]:
        try:
            handed = self._engine.store.store_signal(row)
        except BaseException:  # it may have been stored all the same, and kept
            self._engine.tell((), work=True)
            if row.mode == "one":
                self._note(row.expires)
            raise
        if handed:
            self._engine.tell((), work=True)
        elif row.mode == "one":
            kept = self._engine.store.upkeep.signals(SignalQuery(id=row.id))
            # The first of this id says until when.
            self._note(kept[0].row.expires if kept else row.expires)
        return handed

    # ── what became of them ──────────────────────────────────────────────────────────────────────────────────────────

    def listed(self, query: SignalQuery = EVERYTHING) -> Sequence[SignalView]:
        """See :meth:`armillary_engine.runtime.Runtime.signals`."""
        known = self._masking.waits()
        return [_view(sent, known) for sent in self._engine.store.upkeep.signals(query)]

    def explain(self, id: str) -> SignalExplanation:
        """See :meth:`armillary_engine.runtime.Runtime.explain`."""
        found = self._engine.store.upkeep.signals(SignalQuery(id=id))
        if not found:
            hint = "list the signals: each stands there under the id that it was sent with"
            raise ArmillaryError("signal.unknown", f"expected the id of a signal, got {id!r}", hint=hint)
        sent, known = found[0], self._masking.waits()
        view = _view(sent, known)
        near = self._engine.store.upkeep.waits(view.name, NEAR) if view.status in ("kept", "unmatched") else ()
        waits = [_wait(*one, known) for one in near]
        if view.status == "unmatched" or (view.status == "kept" and sent.row.expires <= self._engine.clock.now()):
            return SignalExplanation(view, _over(sent, view, near), tuple(waits))
        return SignalExplanation(view, self._reason(view, waits), tuple(waits))

    def _reason(self, view: SignalView, waits: Sequence[SignalWaitView]) -> str:
        what = f"an instance's wait for {view.name!r}"
        if view.takers:
            stuck = "".join(self._stuck(token) for token in view.takers[:NEAR])
            return f"it matched {what} by name and {_by(view)}: {', '.join(view.takers)}{stuck}"
        if view.status == "taken":
            return f"it matched {what} by name and {_by(view)}"
        if view.status == "told":
            return "mode `all` tells the waits that are open at that moment, and none was; it is not kept"
        until = f"it is kept until {view.expires.isoformat()}"
        if view.instance is not None:
            return f"{self._addressee(view.instance)} has no open wait for {view.name!r}; {until}"
        if not waits:
            return f"no open wait has the name {view.name!r}; {until}"
        keys = ", ".join("only by instance" if one.addressed else _json(one.match) for one in waits)
        return f"open waits for {view.name!r} match other values ({keys}) than its {_json(view.match)}; {until}"

    def _stuck(self, token: str) -> str:
        """Why a wait that it was handed to has not gone on yet."""
        instance, serial = split_token(token)
        found = self._engine.store.instance(instance)
        if found is None or ("message", serial) not in self._engine.store.pending(instance):
            return ""
        if found.dead is not None:
            return f"; {instance} has a dead letter: show those of the instance"
        when = "when it is resumed" if found.row.status == "suspended" else "next"
        return f"; {instance} goes on with it {when}"

    def _addressee(self, instance: str) -> str:
        """The living member of its chain, which is who a signal to any of them reaches."""
        found = self._engine.store.instance(instance)
        if found is None:
            return f"the instance {instance}, which is not in the store,"
        while found.row.next is not None and (after := self._engine.store.instance(found.row.next)) is not None:
            found = after
        went_on = "" if found.row.id == instance else f", which went on as {found.row.id}"
        over = "" if found.row.ended is None else f", which is {found.row.status}"
        return f"the instance {instance}{went_on}{over}{',' if went_on or over else ''}"


def _over(sent: SentSignal, view: SignalView, near: Sequence[tuple[str, SignalWait]]) -> str:
    """Nobody has taken it in time. A wait that opened later may be just what it was for."""
    ended = f"no wait took it before its time to live ended at {view.expires.isoformat()}"
    if sent.state == "decided":
        return f"{ended}; it was a dead letter until somebody decided about it: show the dead letter signal-{view.id}"
    if sent.state == "kept":
        return f"{ended}; it is about to be a dead letter"
    later = [
        f"{instance}/{wait.serial}" for instance, wait in near if wait.key is not None and wait.key == sent.row.key
    ]
    again = f"; {later[0]} waits for the like of it: replay it" if later else ""
    return f"{ended}; it is a dead letter now{again}"


def _life(ttl: float | None) -> int:
    """In microseconds. Raises ``signal.invalid``."""
    seconds = SIGNAL_LIFE.total_seconds() if ttl is None else ttl
    if not 0 < seconds <= LONGEST:
        hint = "leave it out for 30 days"
        raise ArmillaryError("signal.invalid", f"expected ttl to be seconds, a year at most, got {ttl!r}", hint=hint)
    return max(1, round(seconds * 1_000_000))


def _by(view: SignalView) -> str:
    return "address" if view.instance is not None else f"match ({_json(view.match)})"


def _json(value: Any) -> str:
    return dumps(value).decode()


def _wait(instance: str, wait: SignalWait, known: Waits) -> SignalWaitView:
    match = None if wait.key is None else known.match(wait.name, loads(wait.key))
    return SignalWaitView(f"{instance}/{wait.serial}", wait.name, match, wait.key is None)


def _view(sent: SentSignal, known: Waits) -> SignalView:
    """A signal as people see it."""
    row = sent.row
    status: SignalStatus = "unmatched" if sent.state == "decided" else sent.state
    return SignalView(
        id=row.id,
        name=row.name,
        status=status,
        match=None if row.key is None else known.match(row.name, loads(row.key)),
        instance=row.instance,
        mode=row.mode,
        payload=known.payload(row.name, loads(row.payload_json, depth=1_000)),
        created=as_datetime(row.created),
        expires=as_datetime(row.expires),
        takers=tuple(cast(list[str], loads(sent.takers_json))),
    )
