"""What is committed together: replies of services, of distinct instances, and what several threads want to begin.

A batch is made, sent, heard of, and finished: another one is sent before anybody is told."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..backend import Begun
from ..definition.problems import ArmillaryError
from ..messages import message
from ..mutation import Delivery, Mutation, Outcome, Replied
from ..rows import Stored
from .calls import Returned
from .wanted import Wanted

if TYPE_CHECKING:
    from .engine import Engine

OWN_FAULTS = ("store.too-large", "store.text")
"""Failures of a store that are those of what was to be put into it."""


def of_the_store(error: Exception) -> bool:
    """Whether the store failed, and not what was to be put into it."""
    return isinstance(error, ArmillaryError) and error.code.startswith("store.") and error.code not in OWN_FAULTS


def commit_alone(engine: Engine, wanted: Wanted) -> None:
    """Whoever wants it hears what becomes of it."""
    try:
        mutation = wanted.make()
        (outcome,) = engine.commit([mutation])
        wanted.finish((mutation, outcome))
    except Exception as error:  # noqa: BLE001 - its to see
        wanted.fail(error)


class Batch:
    """``replies`` by their instance; ``known``: what this engine has committed of these itself, and nobody else since,
    as far as it knows; ``wanted``: beginnings."""

    def __init__(
        self, engine: Engine, replies: Mapping[str, Returned], known: Mapping[str, Stored], wanted: Sequence[Wanted]
    ) -> None:
        self._engine = engine
        self._replies = replies
        self._known = known
        self._wanted = wanted
        self._made: dict[str, Wanted] = {}
        self._mutations: list[Mutation] = []
        self._kept: list[Returned] = []
        self._sent: Begun | None = None
        self._heard: Sequence[Outcome] | Exception = ()
        self._at = 0.0
        self.took = 0.0
        """Seconds from when it was sent until it was heard of."""
        self.again: list[Returned] = []
        """Replies that met somebody else's commit, or a failure: they are to be tried again."""

    @property
    def instances(self) -> set[str]:
        """Of which nobody is told yet."""
        return set(self._replies)

    @property
    def size(self) -> int:
        """How many replies and beginnings it has."""
        return len(self._replies) + len(self._wanted)

    # ── begin ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def make(self) -> None:
        """Makes what is to be committed. Raises what the store raises: then it is over."""
        try:
            self._accept([one for one in self._replies.values() if one.trigger is None])
            answers = {key: one for key, one in self._replies.items() if one.trigger is not None}
            self._engine.attempts.answering(answers, True)
            self._slice(answers)
            self._make()
        except Exception as error:  # noqa: BLE001 - whoever waits hears of it, and so does the loop
            self._fail(error)

    def send(self) -> None:
        """Sends what was made. Raises what the store raises: then it is over."""
        try:
            if self._mutations:
                self._at = time.perf_counter()
                self._sent = self._engine.begin(self._mutations)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def _make(self) -> None:
        """What could be made, by its instance; of several with one id the first."""
        for one in self._wanted:
            mutation = one.prepare()
            if mutation is None:
                continue
            if mutation.row.id in self._made:
                self._engine.release(mutation)
            else:
                self._made[mutation.row.id] = one
                self._mutations.append(mutation)

    def _slice(self, replies: Mapping[str, Returned]) -> None:
        """The slices that replies start; those that start none are kept."""
        unknown = [instance for instance in replies if instance not in self._known]
        stored = {**self._known, **self._engine.store.read(unknown)} if unknown else self._known
        for instance, returned in replies.items():
            if instance in stored and returned.trigger is not None:
                consumes = Replied(returned.call.serial, returned.call.fence)
                made = self._engine.slicer.attempt(stored[instance], returned.trigger, consumes)
                if made is not None:
                    self._mutations.append(made)
                    continue
            self._kept.append(returned)

    def _accept(self, accepted: Sequence[Returned]) -> None:
        """These will be answered later. One that was answered or closed meanwhile is none of ours any more."""
        for one in accepted:
            call = one.call
            if self._engine.store.upkeep.accept_call(call.instance, call.serial, call.fence):
                self._engine.telemetry.count("call.accepted")
        if accepted:
            self._engine.tell([(one.call.instance, 0) for one in accepted], work=False)

    def ready(self, seconds: float) -> bool:
        """Whether what became of it is known, or is within so many seconds."""
        return self._sent is None or self._sent.ready(seconds)

    def hear(self) -> None:
        """Waits, once, for what became of it; nobody is told yet."""
        sent, self._sent = self._sent, None
        if sent is None:
            return
        try:
            self._heard = sent.outcomes()
        except Exception as error:  # noqa: BLE001 - as above, when it is finished
            self._heard = error
        self.took = time.perf_counter() - self._at

    # ── finish ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def finish(self) -> None:
        """Tells whoever waits for it what became of it. Raises what the store has raised."""
        self._engine.attempts.answering(self._replies, False)
        try:
            if self._mutations:
                self._settle(self._engine.finish(self._mutations, self._outcomes))
            self._keep(self._kept)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)
        for one in self._wanted:  # of the same id as another one
            if not one.over:
                commit_alone(self._engine, one)

    def _outcomes(self) -> Sequence[Outcome]:
        if isinstance(self._heard, Exception):
            raise self._heard
        return self._heard

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        for mutation, outcome in zip(self._mutations, outcomes, strict=True):
            if (wanted := self._made.get(mutation.row.id)) is not None:
                wanted.finish((mutation, outcome))
                continue
            returned = self._replies[mutation.row.id]
            if outcome.kind == "conflict":
                self.again.append(returned)
            elif outcome.kind == "behind":
                self._kept.append(returned)
            elif outcome.kind != "committed":
                self._engine.tell([(mutation.row.id, 0)], work=False)
                self._engine.pulse.beat()  # somebody else holds the call, and may die with it: the store knows when

    def _fail(self, error: Exception) -> None:
        """The services have answered all the same. What was to be begun may have been, where the store failed: it must
        not be made again, under another id."""
        self.again, self._mutations, self._kept = list(self._replies.values()), [], []
        left = [one for one in self._wanted if not one.over]
        if left and not of_the_store(error):
            for one in left:  # one of these is at fault
                commit_alone(self._engine, one)
            return
        for one in left:
            one.fail(error)
        raise error

    def _keep(self, replies: Sequence[Returned]) -> None:
        """Stores replies that must wait, as messages."""
        if replies:
            outcomes = self._engine.deliver([
                Delivery(message(one.call.instance, one.trigger), Replied(one.call.serial, one.call.fence))
                for one in replies if one.trigger is not None
            ])  # fmt: skip
            lost = [(one.instance, 0) for one in outcomes if one.kind != "committed"]
            if lost:  # whoever waits for one of these did not look while its reply was here
                self._engine.tell(lost, work=False)
