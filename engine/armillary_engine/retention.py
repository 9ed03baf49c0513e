"""Retention: what is over is removed after a while, and long histories are trimmed, so that neither slows what lives.

::

    policy = RetentionPolicy(ended=timedelta(days=90), history=timedelta(days=30), settled=timedelta(days=90))
    run_retention(store, policy, dry_run=True)

In batches, each a short transaction; one job at a time, whoever starts it. An instance is removed with its history,
tasks and key: the same key may then start a new one. What stays: whatever lives, or is below or above something that
does, or has an undecided dead letter; and an instance that was continued, until all of its chain may go.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from .backend import Backend
from .check import recorded
from .definition.model import Value
from .definition.problems import ArmillaryError
from .definition.values import dumps
from .interpreter.replay import CHECKPOINT, replay
from .rows import EventRow
from .upkeep import Surveyed

JOB = "retention"
LEASE = 60_000_000
"""Microseconds after which the lock of a job that died is free."""
ENDED = frozenset({"completed", "failed", "cancelled"})
PAGE = 500


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Each part is off where it is ``None``.

    ``ended``: instances that ended longer ago, in one of ``statuses``, are removed. ``history``: events that are older
    are put together in one checkpoint; the last ``keep_events`` of each instance always stay, and the state can
    still be proved from the checkpoint on. ``settled``: signals that were taken or told and whose time to live is
    over, and decisions about dead letters, are removed when they are older."""

    ended: timedelta | None = None
    statuses: frozenset[str] = field(default=ENDED)
    history: timedelta | None = None
    keep_events: int = 100
    settled: timedelta | None = None

    def __post_init__(self) -> None:
        wrong = sorted(self.statuses - ENDED)
        if wrong:
            message = f"expected statuses of instances that are over, got {', '.join(wrong)}"
            raise ArmillaryError("retention.policy", message, hint=f"choose among {', '.join(sorted(ENDED))}")
        ages = [age for age in (self.ended, self.history, self.settled) if age is not None]
        if any(age < timedelta() for age in ages) or self.keep_events < 1:
            raise ArmillaryError("retention.policy", "expected ages of 0 or more, and 1 event or more to keep")


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """How much went; of a dry run, how much would. ``trimmed``: instances whose history was, by ``events`` in all."""

    instances: int = 0
    trimmed: int = 0
    events: int = 0
    settled: int = 0
    dry_run: bool = False


def run_retention(
    store: Backend, policy: RetentionPolicy, *, dry_run: bool = False, batch: int = PAGE
) -> RetentionReport:
    """Does what ``policy`` says, ``batch`` instances at a time. Raises ``retention.running`` where another job is at
    work."""
    owner = f"{store.owner}-{secrets.token_hex(4)}"
    if not store.retention.lock(JOB, owner, until=store.clock.now() + LEASE):
        message = "expected to be the only retention of this store, got another one at work"
        raise ArmillaryError(
            "retention.running", message, hint="wait until it has ended; a dead one's lock ends by itself"
        )
    try:
        return _Job(store, policy, owner, dry_run, batch).run()
    finally:
        store.retention.unlock(JOB, owner)


class _Job:
    def __init__(self, store: Backend, policy: RetentionPolicy, owner: str, dry_run: bool, batch: int) -> None:
        self._store = store
        self._policy = policy
        self._owner = owner
        self._dry = dry_run
        self._batch = batch
        self._report = RetentionReport(dry_run=dry_run)
        self._began = store.clock.now()

    def run(self) -> RetentionReport:
        if self._policy.ended is not None or self._policy.history is not None:
            self._instances()
        if self._policy.settled is not None:
            self._settled(self._before(self._policy.settled))
        return self._report

    def _before(self, age: timedelta | None) -> int:
        """The moment before which something is that old; of what is off, the beginning of time."""
        return 0 if age is None else self._began - age // timedelta(microseconds=1)

    def _hold(self) -> None:
        """Each batch begins with it: a job that was frozen must not go on beside the one that took over."""
        if not self._store.retention.lock(JOB, self._owner, until=self._store.clock.now() + LEASE):
            raise ArmillaryError("retention.running", "expected to be the only retention, got another one at work")

    def _add(self, **more: int) -> None:
        report = self._report
        self._report = replace(report, **{name: getattr(report, name) + n for name, n in more.items()})

    def _instances(self) -> None:
        ended, history = self._before(self._policy.ended), self._before(self._policy.history)
        after = 0
        while page := self._page(ended, after):
            self._hold()
            after = page[-1].position
            going = [one.instance for one in page if one.removable]
            self._remove(going)
            for one in page:
                if not one.removable and one.started < history and one.events > self._policy.keep_events:
                    self._trim(one, history)
            if page[-1].started >= max(ended, history):
                return  # instances are stored in order of their start: what comes is younger

    def _page(self, ended: int, after: int) -> Sequence[Surveyed]:
        statuses = self._policy.statuses
        return self._store.retention.survey(before=ended, statuses=statuses, after=after, n=self._batch)

    def _remove(self, instances: Sequence[str]) -> None:
        if self._dry:
            self._add(instances=len(instances))
        elif instances:
            self._add(instances=len(self._store.retention.forget(instances)))

    def _trim(self, one: Surveyed, before: int) -> None:
        """Puts the state as it was at the last old event in the place of all events up to it."""
        last, checkpoint = one.events - self._policy.keep_events, None
        state: dict[str, Value] = {}
        gone = -1
        while page := self._store.history(one.instance, after=checkpoint.number if checkpoint else 0, limit=PAGE):
            old = [event for event in page if event.number <= last and event.at < before]
            if old:
                state = replay((recorded(event) for event in old), state)
                checkpoint, gone = old[-1], gone + len(old)
            if len(old) < len(page):
                break
        if checkpoint is None or gone < 1:
            return
        data = dumps({"events": checkpoint.number, "state": state}).decode()
        put = EventRow(checkpoint.number, CHECKPOINT, checkpoint.at, 0, None, data)
        self._add(trimmed=1, events=gone if self._dry else self._store.retention.trim(one.instance, put))

    def _settled(self, before: int) -> None:
        if self._dry:
            self._add(settled=self._store.retention.settled(before))
            return
        while gone := self._store.retention.forget_settled(before, self._batch):
            self._add(settled=gone)
            self._hold()
