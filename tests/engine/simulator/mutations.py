"""Defects, each put into the engine or the store in memory, that the simulation must find.

A defect is a function that patches one thing; :data:`MUTATIONS` is the kept list. What a defect drops is in its name.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from armillary_engine import hints
from armillary_engine.backends import memory, memory_reads
from armillary_engine.backends.memory import MemoryBackend
from armillary_engine.backends.memory_reads import MemoryReads
from armillary_engine.backends.memory_tables import Tables
from armillary_engine.backends.memory_upkeep import MemoryUpkeep
from armillary_engine.interpreter import control, ending
from armillary_engine.interpreter.commands import CancelChild, End
from armillary_engine.interpreter.steps import scopes
from armillary_engine.mutation import Answered, Met, Replied, Taken
from armillary_engine.worker import engine
from armillary_engine.worker import mutations as building
from armillary_engine.worker.attempts import Attempts
from armillary_engine.worker.batches import Batch
from armillary_engine.worker.calls import CallPool
from armillary_engine.worker.chores import Chores
from armillary_engine.worker.engine import Engine
from armillary_engine.worker.inbox import Inbox
from armillary_engine.worker.loop import Loop, Rest
from armillary_engine.worker.pulse import Pulse
from armillary_engine.worker.schedules import Schedules
from armillary_engine.worker.starts import Starts
from armillary_engine.worker.tasks import TaskDesk
from armillary_engine.worker.triggers import Triggers
from msgspec.structs import replace

interpreting = sys.modules["armillary_engine.interpreter.interpret"]
"""The module: its package gives the function of the same name."""
Mutation = Callable[[pytest.MonkeyPatch], None]
MUTATIONS: dict[str, Mutation] = {}


def mutation(make: Mutation) -> Mutation:
    """Adds a defect to the list."""
    MUTATIONS[make.__name__.replace("_", " ")] = make
    return make


def nothing(*_parts: Any, **_named: Any) -> None:
    """What is done instead of what should be done."""


# ── what the commit looks at first ───────────────────────────────────────────────────────────────────────────────────


@mutation
def the_revision_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend._stale

    def stale(self: MemoryBackend, change: Any) -> Any:
        found = kept(self, change)
        return None if found is not None and found.kind == "conflict" else found

    patch.setattr(MemoryBackend, "_stale", stale)


def _consumable(patch: pytest.MonkeyPatch, kind: type[Taken | Replied | Answered | Met], table: str) -> None:
    kept = MemoryBackend._consumable

    def consumable(self: MemoryBackend, instance: str, consumes: Any) -> bool:
        if not isinstance(consumes, kind):
            return kept(self, instance, consumes)
        key = consumes.seq if isinstance(consumes, Taken) else (instance, consumes.serial)
        return key in getattr(self.tables, table)

    patch.setattr(MemoryBackend, "_consumable", consumable)


@mutation
def the_fence_of_messages_is_ignored(patch: pytest.MonkeyPatch) -> None:
    """Alone it does no harm, as the revision is compared, too: so that is not."""
    _consumable(patch, Taken, "letters")
    the_revision_is_not_compared(patch)


@mutation
def the_fence_does_not_grow(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend.claim

    def claim(self: MemoryBackend, *parts: Any, **named: Any) -> Any:
        claims = []
        for one in kept(self, *parts, **named):
            letter = replace(one.letter, deliveries=1)
            self.tables.letters[letter.seq] = letter
            claims.append(replace(one, letter=letter))
        return claims

    patch.setattr(MemoryBackend, "claim", claim)


@mutation
def an_answered_call_can_be_answered_again(patch: pytest.MonkeyPatch) -> None:
    _consumable(patch, Replied, "calls")
    the_revision_is_not_compared(patch)


@mutation
def a_completed_task_can_be_completed_again(patch: pytest.MonkeyPatch) -> None:
    """The desk looks before it asks the store, too: so it does not."""
    _consumable(patch, Answered, "tasks")
    patch.setattr(TaskDesk, "_expect_open", nothing)


@mutation
def a_key_starts_more_than_once(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend._taken

    def taken(self: MemoryBackend, change: Any) -> Any:
        return kept(self, replace(change, row=replace(change.row, key=None)))

    patch.setattr(MemoryBackend, "_taken", taken)
    patch.setattr(MemoryReads, "by_key", nothing)


@mutation
def what_is_stored_does_not_come_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryBackend, "_others_first", lambda self, stored: False)


# ── each statement of the commit: dropped, or a transaction of its own ───────────────────────────────────────────────


def _dropped(statement: str) -> Mutation:
    return lambda patch: patch.setattr(MemoryBackend, statement, nothing)


def _alone(statement: str) -> Mutation:
    """The statement, and those before it, are committed before the others."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        kept = getattr(MemoryBackend, statement)

        def done(self: Any, *parts: Any) -> None:
            kept(self, *parts)
            self.save()

        patch.setattr(MemoryBackend, statement, done)

    return apply


for _name in ("consume", "close", "project", "open", "send"):
    MUTATIONS[f"the statement {_name} is dropped"] = _dropped(f"_{_name}")
for _name in ("consume", "close", "project", "open"):
    MUTATIONS[f"the commit ends after the statement {_name} and begins again"] = _alone(f"_{_name}")


def _without(patch: pytest.MonkeyPatch, statement: str, **fields: Any) -> None:
    """A statement of the commit does not see some parts of the mutation."""
    kept = getattr(MemoryBackend, statement)

    def done(self: MemoryBackend, change: Any) -> None:
        kept(self, replace(change, **fields))

    patch.setattr(MemoryBackend, statement, done)


@mutation
def history_is_not_written(patch: pytest.MonkeyPatch) -> None:
    _without(patch, "_project", events=())


@mutation
def waits_for_signals_are_not_opened(patch: pytest.MonkeyPatch) -> None:
    _without(patch, "_open", waits=())


@mutation
def retries_are_not_stored(patch: pytest.MonkeyPatch) -> None:
    _without(patch, "_open", retries=())


@mutation
def deadlines_are_not_stored(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend._send

    def send(self: MemoryBackend, change: Any) -> None:
        kept(self, replace(change, messages=tuple(one for one in change.messages if one.kind != "timer")))

    patch.setattr(MemoryBackend, "_send", send)


@mutation
def deadlines_outlive_their_wait(patch: pytest.MonkeyPatch) -> None:
    kept, remove = MemoryBackend._close, Tables.remove_letter

    def close(self: MemoryBackend, change: Any) -> None:
        def others(tables: Tables, seq: int) -> None:
            if tables.letters[seq].message.kind != "timer":
                remove(tables, seq)

        with pytest.MonkeyPatch.context() as within:
            within.setattr(Tables, "remove_letter", others)
            kept(self, change)

    patch.setattr(MemoryBackend, "_close", close)


@mutation
def an_instance_that_is_suspended_goes_on(patch: pytest.MonkeyPatch) -> None:
    _without(patch, "_project", holds=None)


@mutation
def calls_of_a_suspended_instance_are_sent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tables, "calls_of", lambda self, instance: [])


@mutation
def what_comes_while_an_instance_is_suspended_is_taken(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend._store

    def store(self: MemoryBackend, message: Any) -> Any:
        outcome = kept(self, message)
        for seq, letter in list(self.tables.letters.items()):
            self.tables.letters[seq] = replace(letter, state="ready") if letter.state == "held" else letter
        return outcome

    patch.setattr(MemoryBackend, "_store", store)


@mutation
def the_row_does_not_say_who_goes_on(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft._projection
    patch.setattr(building._Draft, "_projection", lambda self, done: replace(kept(self, done), next=None))


@mutation
def nothing_is_swept_when_an_instance_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tables, "end", nothing)


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@mutation
def a_signal_is_taken_again_under_the_same_id(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend.store_signal

    def store_signal(self: MemoryBackend, signal: Any) -> Any:
        self.tables.signals.pop(signal.id, None)
        return kept(self, signal)

    patch.setattr(MemoryBackend, "store_signal", store_signal)


@mutation
def early_signals_are_not_kept(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend.store_signal

    def store_signal(self: MemoryBackend, signal: Any) -> Any:
        went_to = kept(self, signal)
        self.tables.signals[signal.id] = replace(self.tables.signals[signal.id], kept=False)
        return went_to

    patch.setattr(MemoryBackend, "store_signal", store_signal)


@mutation
def a_signal_taken_at_once_passes_by_stored_triggers(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend._stale

    def stale(self: MemoryBackend, change: Any) -> Any:
        found = kept(self, change)
        passes = isinstance(change.consumes, Met) and found is not None and found.kind == "behind"
        return None if passes else found

    patch.setattr(MemoryBackend, "_stale", stale)


@mutation
def a_signal_taken_at_once_is_not_stored(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend._consume

    def consume(self: MemoryBackend, instance: str, consumes: Any) -> None:
        kept(self, instance, consumes)
        if isinstance(consumes, Met):
            del self.tables.signals[consumes.signal.id]

    patch.setattr(MemoryBackend, "_consume", consume)


@mutation
def a_signal_taken_at_once_may_be_known(patch: pytest.MonkeyPatch) -> None:
    _consumable(patch, Met, "waits")


@mutation
def a_signal_that_was_not_taken_is_not_put_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryBackend, "_put_back", nothing)


@mutation
def a_signal_for_one_goes_to_all(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend._offer

    def offer(self: MemoryBackend, signal: Any, chain: Any) -> Any:
        return kept(self, replace(signal, mode="all"), chain)

    patch.setattr(MemoryBackend, "_offer", offer)


# ── leases and order ─────────────────────────────────────────────────────────────────────────────────────────────────


@mutation
def a_lease_never_ends(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend.claim

    def claim(self: MemoryBackend, n: int, owner: str, *, until: int, **named: Any) -> Any:
        return kept(self, n, owner, until=2**60, **named)

    patch.setattr(MemoryBackend, "claim", claim)


@mutation
def a_lease_of_a_call_never_ends(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend.claim_calls

    def claim_calls(self: MemoryBackend, owner: str, *, until: int, **named: Any) -> Any:
        return kept(self, owner, until=2**60, **named)

    patch.setattr(MemoryBackend, "claim_calls", claim_calls)


@mutation
def a_call_is_timed_out_as_of_another_moment(patch: pytest.MonkeyPatch) -> None:
    kept = memory.timer
    patch.setattr(memory, "timer", lambda instance, serial, purpose, at: kept(instance, serial, purpose, at + 1))


@mutation
def no_call_is_timed_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryBackend, "time_out", lambda self, n: 0)


@mutation
def what_comes_after_a_time_out_does_not_wait_for_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tables, "overdue", lambda self, now: {})


@mutation
def nobody_hears_when_calls_time_out(patch: pytest.MonkeyPatch) -> None:
    def deadlines_of(mutation: Any) -> list[int]:
        return hints.deadlines_of(replace(mutation, calls=()))

    patch.setattr(engine, "deadlines_of", deadlines_of)


@mutation
def the_time_out_of_a_call_that_is_over_stays(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend._close

    def close(self: MemoryBackend, mutation: Any) -> None:
        timers = [one for one in self.tables.letters_of(mutation.row.id) if one.message.body == b'"timeout"']
        kept(self, mutation)
        for one in timers:
            if one.seq not in self.tables.letters and mutation.row.ended is None:
                self.tables.put_letter(one, eligible=one.arrived)

    patch.setattr(MemoryBackend, "_close", close)


@mutation
def the_last_message_is_the_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory_reads, "_order", lambda letter: (not letter.message.control, -letter.arrived, -letter.seq))


@mutation
def control_does_not_pass_before_the_others(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory_reads, "_order", lambda letter: (False, letter.arrived, letter.seq))


@mutation
def deadlines_come_a_moment_early(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryBackend.first_in_line
    patch.setattr(MemoryBackend, "first_in_line", lambda self, now, without: kept(self, now + 5_000_000, without))


@mutation
def a_cancel_does_not_follow_the_chain(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tables, "pass_on", nothing)
    patch.setattr(Tables, "living", lambda self, instance: instance)


# ── the worker: being told, looking, sleeping ────────────────────────────────────────────────────────────────────────


@mutation
def the_flag_is_cleared_after_the_claim(patch: pytest.MonkeyPatch) -> None:
    kept = Loop.turn

    def turn(self: Loop) -> Rest | None:
        rest = kept(self)
        self._engine.pulse.flag.clear()
        return rest

    patch.setattr(Loop, "turn", turn)


@mutation
def the_note_that_there_is_work_is_taken_back_after_the_look(patch: pytest.MonkeyPatch) -> None:
    kept = Engine._look

    def look(self: Engine) -> bool:
        did = kept(self)
        if not did:
            self.pulse.work = False
            self.pulse.flag.clear()
        return did

    patch.setattr(Engine, "_look", look)


@mutation
def an_earlier_deadline_wakes_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pulse, "_wake_before", nothing)


@mutation
def the_next_deadline_is_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    kept = Pulse.note
    patch.setattr(Engine, "_heard", lambda self, hint: self.pulse.beat() if hint.work else None)
    patch.setattr(Pulse, "note", lambda self, due: None if self.due is None else kept(self, due))


@mutation
def others_are_not_told(patch: pytest.MonkeyPatch) -> None:
    def tell(self: Engine, changed: Any, *, work: bool, due: int | None = None) -> None:
        if work:
            self.pulse.beat()

    patch.setattr(Engine, "tell", tell)


@mutation
def others_are_not_told_of_deadlines(patch: pytest.MonkeyPatch) -> None:
    kept = Engine.tell
    patch.setattr(Engine, "tell", lambda self, changed, *, work, due=None: kept(self, changed, work=work))


@mutation
def what_failed_once_is_set_aside(patch: pytest.MonkeyPatch) -> None:
    kept = Triggers._failed
    patch.setattr(Triggers, "_failed", lambda self, *parts: replace(kept(self, *parts), dead=True))


@mutation
def what_failed_is_tried_again_at_once(patch: pytest.MonkeyPatch) -> None:
    kept = Triggers._failed
    patch.setattr(Triggers, "_failed", lambda self, *parts: replace(kept(self, *parts), ready=self._engine.clock.now()))


@mutation
def a_reply_that_must_wait_is_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Batch, "_keep", nothing)


@mutation
def a_reply_that_met_another_commit_is_dropped(patch: pytest.MonkeyPatch) -> None:
    kept = Batch._settle

    def settle(self: Batch, outcomes: Any) -> None:
        kept(self, outcomes)
        self.again = []

    patch.setattr(Batch, "_settle", settle)


@mutation
def a_batch_is_forgotten_when_the_one_before_it_fails(patch: pytest.MonkeyPatch) -> None:
    def settle(self: Inbox) -> bool:
        begun, did = deque(self._begin()), False
        while begun:
            begun[0].hear()
            begun.extend(self._begin(begun[0]))
            self._end(begun.popleft())
            did = True
        return did

    patch.setattr(Inbox, "_settle", settle)


@mutation
def places_of_the_pool_do_not_come_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CallPool, "_release", nothing)


# ── beside the slices: calls answered later, heartbeats, schedules, signals whose time is over ───────────────────────


@mutation
def an_accepted_call_is_sent_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryUpkeep, "accept_call", lambda self, instance, serial, fence: True)


@mutation
def heartbeats_are_not_heard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Attempts, "beat", nothing)


@mutation
def a_due_run_is_not_started(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Schedules, "_start", lambda self, row, moment: "nobody")


@mutation
def a_run_has_no_key(patch: pytest.MonkeyPatch) -> None:
    kept = Starts.start
    patch.setattr(Starts, "start", lambda self, *parts, **named: kept(self, *parts, **{**named, "key": None}))


@mutation
def a_schedule_goes_on_before_its_run_is_started(patch: pytest.MonkeyPatch) -> None:
    kept = Schedules._run

    def run(self: Schedules, row: Any, due: int, now: int) -> None:
        self._put(replace(row, revision=row.revision + 1, next=due + 3600_000_000))
        kept(self, replace(row, revision=row.revision + 1), due, now)

    patch.setattr(Schedules, "_run", run)


@mutation
def the_revision_of_a_schedule_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    def put(self: MemoryUpkeep, schedule: Any) -> bool:
        self._store.tables.schedules[schedule.id] = schedule
        return True

    patch.setattr(MemoryUpkeep, "put_schedule", put)


@mutation
def others_are_not_told_of_chores(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Chores, "note", lambda self, moment: self._engine.pulse.note(moment))


@mutation
def chores_are_not_looked_for_before_sleeping(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Chores, "look", lambda self, due: due)


@mutation
def a_signal_is_set_aside_too_soon(patch: pytest.MonkeyPatch) -> None:
    def expire(self: MemoryUpkeep, n: int) -> list[str]:
        tables, soon = self._store.tables, self._clock().now() + 10_000_000
        over = [one for one in tables.signals.values() if one.kept and one.row.expires <= soon][:n]
        for one in over:
            tables.signals[one.row.id] = replace(one, kept=False, over="unmatched")
        return [one.row.id for one in over]

    patch.setattr(MemoryUpkeep, "expire_signals", expire)


@mutation
def a_signal_that_was_set_aside_is_still_handed_out(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryUpkeep.expire_signals

    def expire(self: MemoryUpkeep, n: int) -> Any:
        over = kept(self, n)
        for id in over:
            row = self._store.tables.signals[id].row
            self._store.tables.signals[id] = replace(
                self._store.tables.signals[id], kept=True, row=replace(row, expires=2**62)
            )
        return over

    patch.setattr(MemoryUpkeep, "expire_signals", expire)


@mutation
def a_dead_letter_is_decided_about_twice(patch: pytest.MonkeyPatch) -> None:
    """It stays where it is."""
    patch.setattr(MemoryUpkeep, "decide", lambda self, record: record)


@mutation
def whatever_an_instance_needs_is_dropped(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks whether a dead letter alone can resume its instance, or a wait of it."""
    patch.setattr(MemoryUpkeep, "_needed", lambda self, letter: False)


@mutation
def a_replayed_message_is_not_sent(patch: pytest.MonkeyPatch) -> None:
    kept = MemoryUpkeep.decide

    def decide(self: MemoryUpkeep, record: Any) -> Any:
        return kept(self, replace(record, status="dropped") if record.letter.startswith("message-") else record)

    patch.setattr(MemoryUpkeep, "decide", decide)
    patch.setattr(MemoryUpkeep, "_needed", lambda self, letter: False)


@mutation
def a_signal_whose_letter_is_dead_stays_with_its_closed_wait(patch: pytest.MonkeyPatch) -> None:
    letters, kept = Tables.letters_of, MemoryBackend._close

    def close(self: MemoryBackend, change: Any) -> None:
        with pytest.MonkeyPatch.context() as within:
            within.setattr(Tables, "letters_of", lambda it, id: [o for o in letters(it, id) if o.state != "dead"])
            kept(self, change)

    patch.setattr(MemoryBackend, "_close", close)


# ── mutations ────────────────────────────────────────────────────────────────────────────────────────────────────────


@mutation
def children_are_not_cancelled(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft.take
    patch.setattr(building._Draft, "take", lambda self, one: None if isinstance(one, CancelChild) else kept(self, one))


@mutation
def parents_do_not_hear_of_the_end(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft._messages
    patch.setattr(building._Draft, "_messages", lambda self: [one for one in kept(self) if one.kind != "child"])


@mutation
def a_parent_hears_that_its_child_completed_however_it_ended(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft.take

    def take(self: building._Draft, one: Any) -> None:
        kept(self, replace(one, status="completed") if isinstance(one, End) else one)

    patch.setattr(building._Draft, "take", take)


@mutation
def a_parent_does_not_hear_what_its_child_gives(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft.take

    def take(self: building._Draft, one: Any) -> None:
        kept(self, replace(one, output=None) if isinstance(one, End) else one)

    patch.setattr(building._Draft, "take", take)


@mutation
def who_ends_does_not_close_what_is_open(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft.mutation

    def mutation(self: building._Draft, done: Any, consumes: Any, expected: Any) -> Any:
        if self.ending is not None:
            serial = consumes.serial if isinstance(consumes, Replied | Answered) else None
            self.closes = [one for one in self.closes if one.serial == serial]
        return kept(self, done, consumes, expected)

    patch.setattr(building._Draft, "mutation", mutation)


@mutation
def deadlines_of_escalations_are_not_stored(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft._messages

    def messages(self: building._Draft) -> list[Any]:
        return [one for one in kept(self) if one.body != b'"escalate"']

    patch.setattr(building._Draft, "_messages", messages)


@mutation
def deadlines_are_stored_late(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft._messages

    def messages(self: building._Draft) -> list[Any]:
        return [replace(one, ready=one.ready + 1) if one.kind == "timer" else one for one in kept(self)]

    patch.setattr(building._Draft, "_messages", messages)


@mutation
def time_outs_of_calls_are_stored_late(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft._call
    patch.setattr(
        building._Draft, "_call", lambda self, call: replace(row := kept(self, call), timeout=row.deadline + 1)
    )


@mutation
def history_has_no_patches(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft._events
    patch.setattr(
        building._Draft, "_events", lambda self, done: tuple(replace(one, patch_json="[]") for one in kept(self, done))
    )


@mutation
def waits_are_not_closed(patch: pytest.MonkeyPatch) -> None:
    kept = building._Draft.mutation
    patch.setattr(building._Draft, "mutation", lambda self, *parts: replace(kept(self, *parts), closes=()))


# ── the interpreter ──────────────────────────────────────────────────────────────────────────────────────────────────


@mutation
def the_token_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    kept = interpreting._deliver_answer

    def deliver(run: Any, trigger: Any) -> Any:
        if trigger.serial not in run.frames:
            open_ = [frame.visit for frame in run.frames.values() if frame.wait is not None]
            trigger = replace(trigger, serial=open_[0]) if open_ else trigger
        return kept(run, trigger)

    for kind, deliverer in list(interpreting.DELIVER.items()):
        if deliverer is kept:
            patch.setitem(interpreting.DELIVER, kind, deliver)


@mutation
def the_serial_goes_back(patch: pytest.MonkeyPatch) -> None:
    kept = interpreting._snapshot

    def snapshot(run: Any) -> Any:
        run.serial = max((frame.visit for frame in run.frames.values()), default=0)
        return kept(run)

    patch.setattr(interpreting, "_snapshot", snapshot)


@mutation
def a_stale_trigger_is_not_ignored(patch: pytest.MonkeyPatch) -> None:
    """A trigger whose wait is gone lets the oldest step that stands still go on."""
    kept = interpreting._record_stale

    def record(run: Any, trigger: Any, reason: str) -> None:
        kept(run, trigger, reason)
        frame = next((frame for frame in run.frames.values() if frame.wait is not None), None)
        if frame is not None:
            run.record("step.done", frame)

    patch.setattr(interpreting, "_record_stale", record)


@mutation
def what_was_done_first_is_undone_first(patch: pytest.MonkeyPatch) -> None:
    kept = ending.next_compensation

    def begin(run: Any) -> None:
        run.compensations.reverse()
        kept(run)
        run.compensations.reverse()

    patch.setattr(ending, "next_compensation", begin)
    patch.setattr(scopes, "next_compensation", begin)


@mutation
def who_fails_undoes_nothing(patch: pytest.MonkeyPatch) -> None:
    kept = ending._fail_uncaught

    def fail(run: Any, place: Any, error: Any) -> None:
        run.compensations.clear()
        kept(run, place, error)

    patch.setattr(ending, "_fail_uncaught", fail)


@mutation
def who_is_cancelled_undoes_what_it_did_unasked(patch: pytest.MonkeyPatch) -> None:
    kept = ending.cancel

    def cancel(run: Any, *, compensating: bool, **named: Any) -> None:
        kept(run, compensating=True, **named)

    patch.setattr(control, "cancel", cancel)


@mutation
def who_is_cancelled_undoes_nothing(patch: pytest.MonkeyPatch) -> None:
    kept = ending.cancel

    def cancel(run: Any, *, compensating: bool, **named: Any) -> None:
        kept(run, compensating=False, **named)

    patch.setattr(control, "cancel", cancel)
