"""One seed: a storm of work and faults, then calm, and everything must come to its end."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from ...backend import Hint
from ...definition.codec import dumps_definition, identity
from ...definition.expressions import CORE
from ...interpreter import Program, prepare
from ...rows import DefinitionRow, LetterRecord
from ..clock import BEGINNING
from .definitions import FUNCTIONS, make_definitions
from .faults import Coverage
from .stores import Disk, MemoryDisk
from .story import Violation
from .world import SECOND, World

FAMILY = 8
"""So many seeds in a row have the same definitions: preparing them takes longer than a run."""
STORM = 420
"""Events of a run before it heals, at most."""
CALM = 40_000
"""Events after that, at most, until all is at rest."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one seed gave. ``failure``: which rule was broken."""

    seed: int
    failure: str | None
    slices: int
    instances: int
    faults: int
    operations: int
    acknowledged: int
    events: int
    coverage: Coverage
    story: str


@lru_cache(maxsize=4)
def _family(number: int) -> tuple[list[DefinitionRow], dict[str, Program]]:
    rows, programs = [], {}
    for definition in make_definitions(Random(number)):
        named = identity(definition)
        document = dumps_definition(definition)
        rows.append(DefinitionRow(named.name, named.version, named.digest, document, BEGINNING))
        programs[named.digest] = prepare(definition, {**CORE, **FUNCTIONS})
    return rows, programs


def simulate(
    seed: int, *, disk: Callable[[World], Disk] = MemoryDisk, faulty: bool = True, story: bool = False
) -> Result:  # fmt: skip
    """Runs one seed; the same seed gives the same run. ``faulty=False``: nothing goes wrong. ``story``: told in the
    result even when nothing failed."""
    rows, programs = _family(seed // FAMILY)
    with _listening() as stumbles:
        world = World(seed, rows, programs, disk, faulty=faulty)
        failure = None
        try:
            _plan(world, [row.name for row in rows])
            _storm(world, stumbles)
            _calm(world, stumbles)
            world.watch.at_the_end()
            world.expect_places()
            _acknowledged(world)
        except Violation as violation:
            failure = str(violation)
        except Exception:  # noqa: BLE001 - whatever it is, the seed failed
            failure = traceback.format_exc()
        finally:
            world.close()
    people = world.people
    if failure is not None:
        world.story.tell("BROKEN: %s", failure)
    return Result(
        seed=seed, failure=failure, slices=world.watch.slices, instances=len(world.watch.instances),
        faults=sum(world.coverage.actions.values()), operations=len(people.operations),
        acknowledged=len(people.operations) - people.unanswered, events=world.happened, coverage=world.coverage,
        story=world.story.text() if story or failure is not None else "",
    )  # fmt: skip


class Stumbles(logging.Handler):
    """Hears what the engine logs with a traceback: it stumbled, and no fault that was meant to be can do that."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.first: logging.LogRecord | None = None

    def emit(self, record: logging.LogRecord) -> None:
        error = getattr(record.exc_info[1], "original", None) if record.exc_info else None
        if error is not None and not getattr(error, "code", "").startswith("store.") and self.first is None:
            self.first = record


@contextmanager
def _listening() -> Iterator[Stumbles]:
    """What the engine logs is heard, and not printed."""
    log, stumbles = logging.getLogger("armillary_engine"), Stumbles()
    before = log.level, log.propagate
    log.addHandler(stumbles)
    log.setLevel(logging.ERROR)
    log.propagate = False
    try:
        yield stumbles
    finally:
        log.removeHandler(stumbles)
        log.setLevel(before[0])
        log.propagate = before[1]


def _plan(world: World, names: list[str]) -> None:
    """What people will do anyway."""
    random = world.random
    starts = random.randint(2, 4)
    ids = [f"i{number}" for number in range(starts)]
    for number in range(starts):
        name = names[-1] if random.random() < 0.6 else random.choice(names)
        world.people.start(int(random.random() * 20 * SECOND), name, number)
    for _ in range(random.randint(1, 4)):
        world.people.stray_signal(int(random.random() * 120 * SECOND), ids)
    if random.random() < 0.5:
        world.people.trouble(int(10 ** random.uniform(6, 8.3)), random.choice(ids))
    if random.random() < 0.3:
        world.people.recur(int(random.random() * 30 * SECOND), random.choice(names))
    if random.random() < 0.3:
        world.people.decide(int(10 ** random.uniform(7, 8.3)))
    for _ in range(random.randrange(3) if world.faults.likely else 0):
        world.at(int(10 ** random.uniform(5, 8.5)), _shake, world)


def _shake(world: World) -> None:
    """Something happens that no step of the path is to blame for."""
    random = world.random
    if not world.faults.likely:
        return
    draw = random.random()
    up = [process for process in world.processes if process.up and not process.frozen]
    if draw < 0.4:
        world.coverage.actions["forward" if draw < 0.25 else "back"] += 1
        world.jump(forward=draw < 0.25)
    elif up and draw < 0.7:
        world.stop(random.choice(up))
    elif up:
        world.coverage.actions["crash"] += 1
        world.crash(random.choice(up), "all of a sudden")


def _step(world: World, stumbles: Stumbles) -> None:
    world.happen()
    if stumbles.first is not None:
        told = stumbles.first
        trace = "".join(traceback.format_exception(told.exc_info[1])) if told.exc_info else ""
        raise Violation(f"the engine stumbled: {told.getMessage()}\n{trace}")


def _storm(world: World, stumbles: Stumbles) -> None:
    while world.happened < STORM and world.next_event() is not None:
        _step(world, stumbles)


def _calm(world: World, stumbles: Stumbles) -> None:
    """Faults cease, everybody comes back, every hint arrives; then whoever waits is answered, until nobody does."""
    world.faults.likely = 0.0
    world.story.tell("── from here on nothing goes wrong ──")
    for process in world.processes:
        process.get_what_it_lacks()
    _wake_all(world)
    last = world.happened + CALM
    while world.happened < last:
        while world.next_event() is not None and world.happened < last:
            _step(world, stumbles)
        if world.next_event() is None and not _answer_all(world):
            return
    raise Violation(f"not at rest after {CALM} more events")


def _wake_all(world: World) -> None:
    for process in world.processes:
        if process.up:
            process.blind_since = None
            world.at(1_000, world.network.tell_again, process, Hint())
            if process.misses_chores is not None:  # it may have asked just now: then not until others have been silent
                world.at(SECOND, world.network.tell_again, process, Hint())


def _answer_all(world: World) -> bool:
    """Answers whatever is waited for, and has dead letters tried again. Whether there was anything."""
    any_ = False
    for letter in world.watch.store.letters(state="dead"):
        world.story.tell("message %s, given up after %s deliveries, is tried again", letter.seq, letter.deliveries)
        sent = letter.message
        world.watch.store.upkeep.decide(
            LetterRecord(
                f"message-{letter.seq}", "replayed", sent.kind, sent.instance, None, sent.body, letter.arrived,
                letter.failures, letter.error, world.now(),
            )
        )  # fmt: skip
        any_ = True
    if any_:
        _wake_all(world)
    for id, seen in list(world.watch.instances.items()):
        if seen.ended:
            continue
        if seen.snapshot.status == "suspended":
            world.people.operate(SECOND, "resume", id)
            any_ = True
            continue
        for frame in seen.snapshot.frames:
            if frame.wait is not None and frame.wait.kind == "task":
                world.people.answer(SECOND, id, frame.visit, well=True)
                any_ = True
            elif frame.wait is not None and frame.wait.kind == "call":
                any_ = world.people.answer_accepted(id, frame.visit) or any_
            elif frame.wait is not None and frame.wait.kind == "signal":
                world.people.satisfy(SECOND, id, world.watch.waits[id, frame.visit])
                any_ = True
    return any_


def _acknowledged(world: World) -> None:
    people = world.people
    total = len(people.operations)
    if people.unanswered * 20 > total:
        raise Violation(f"only {total - people.unanswered} of {total} operations were acknowledged")
