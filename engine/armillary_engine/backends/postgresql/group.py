"""Group commit: what several threads want to commit at the same moment shares a transaction, and its fsync.

Whoever comes while nobody commits does so at once: a lone commit is never held back. Whoever comes meanwhile waits, and
one of those who wait commits for all of them. So the batches adapt to what there is to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from ...mutation import Mutation, Outcome

BATCH = 64
"""Mutations in a transaction, at most; one call's stay together."""
LANES = 2
"""Transactions at a time: while one waits for the disk, another one is being written."""
MANY = 8
"""So many mutations must wait for a second one: what a transaction costs is its statements, and not the rows in
them."""


class _Job:
    """One call of commit."""

    __slots__ = ("done", "error", "mutations", "outcomes", "turn")

    def __init__(self, mutations: Sequence[Mutation]) -> None:
        self.mutations = mutations
        self.outcomes: Sequence[Outcome] = ()
        self.error: BaseException | None = None
        self.done = False
        # Taken until it is done, or until its thread is to lead. Cheaper than an Event; only its thread waits for it.
        self.turn = threading.Lock()

    def size(self) -> int:
        return len(self.mutations)


Commit = Callable[[Sequence[Sequence[Mutation]]], Sequence[Sequence[Outcome] | BaseException]]


class Group:
    """``commit`` is given the mutations of several calls, of distinct instances, and says what became of each."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._lock = threading.Lock()
        self._waiting: list[_Job] = []
        self._lanes = 0

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        """Commits, with whatever else waits."""
        job = _Job(mutations)
        with self._lock:
            self._waiting.append(job)
            leads = self._lanes == 0 or (self._lanes < LANES and sum(map(_Job.size, self._waiting)) >= MANY)
            if leads:
                self._lanes += 1
            else:
                job.turn.acquire()
        if not leads:
            job.turn.acquire()
        if not job.done:
            self._lead(job)
        if job.error is not None:
            raise job.error
        return job.outcomes

    def _lead(self, own: _Job) -> None:
        """Commits batches until its own job is done, then lets one who waits go on."""
        batch: list[_Job] = []
        while not own.done:
            batch = self._take(own)
            try:
                found = self._commit([job.mutations for job in batch])
            except BaseException as error:
                found = [error] * len(batch)
                self._finish(batch, found)
                if not isinstance(error, Exception):
                    self._hand_on()
                    raise
                continue
            self._finish(batch, found)
        self._hand_on()

    def _take(self, own: _Job) -> list[_Job]:
        """The leader's own job, and others of instances that no other job of it has."""
        with self._lock:
            if own in self._waiting:
                self._waiting.remove(own)
            batch, left, size = [own], list[_Job](), len(own.mutations)
            ids = {mutation.row.id for mutation in own.mutations}
            for job in self._waiting:
                named = {mutation.row.id for mutation in job.mutations}
                if size + len(named) <= BATCH and ids.isdisjoint(named):
                    batch.append(job)
                    ids |= named
                    size += len(named)
                else:
                    left.append(job)
            self._waiting = left
            return batch

    def _finish(self, batch: list[_Job], found: Sequence[Sequence[Outcome] | BaseException]) -> None:
        for job, result in zip(batch, found, strict=True):
            if isinstance(result, BaseException):
                job.error = result
            else:
                job.outcomes = result
            job.done = True
            if job.turn.locked():
                job.turn.release()

    def _hand_on(self) -> None:
        with self._lock:
            if self._waiting:
                following = self._waiting.pop(0)
                following.turn.release()  # it leads now, in this lane
            else:
                self._lanes -= 1
