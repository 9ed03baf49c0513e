"""A process that lives, rests, is frozen and dies: the real runtime and loop, without a thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from ...backend import Backend, Hint
from ...definition.expressions import CORE
from ...definition.problems import ArmillaryError
from ...interpreter import Program
from ...interpreter.triggers import Failed, Trigger
from ...local import LocalRuntime
from ...mutation import Consumes, Mutation, Taken
from ...rows import CallRow, Stored
from ...runtime import Request
from ...transport import Accepted, Answer, Reply
from ...worker.calls import CallPool, Returned, key_of
from ...worker.loop import Loop
from .definitions import FUNCTIONS, SERVICES
from .gate import Gate

if TYPE_CHECKING:
    from .world import World


class SimulatedPool(CallPool):
    """Handlers return when the world says so."""

    def __init__(
        self, returned: Callable[[Returned], None], process: Process, beat: Callable[[CallRow], None]
    ) -> None:  # fmt: skip
        super().__init__(returned, clock=process.world, beat=beat)
        self._process = process

    def call(self, call: CallRow) -> None:
        with self._lock:
            self._flying[key_of(call)] = call
        self._process.world.network.sent(self._process, call)

    def finish(self, call: CallRow) -> None:
        """The handler of ``call`` returns."""
        self._send(call)

    def beat(self, call: CallRow) -> None:
        """The handler of ``call`` says that it lives."""
        self._beat(call)

    def places(self) -> list[str]:
        """The services with a free place; asking leaves no trace."""
        left = self._left()
        return [name for name, service in self._services.items() if left > 0 and service.busy < service.limit]


class Process:
    """One opening of the store. ``owner`` may be the name that an earlier one had. It is its own wake and transport."""

    def __init__(
        self, world: World, name: str, owner: str, number: int, programs: Mapping[str, Program], limit: int | None,
        lacks: str | None = None,
    ) -> None:  # fmt: skip
        self.world = world
        self.name = name
        self.owner = owner
        self.number = number
        self.up = True
        self.frozen = 0
        self.in_turn = False
        self.resting = False
        self.until: int | None = None
        """Until when it rests, by its clock."""
        self.token = 0
        self.deferred: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self.blind_since: int | None = None
        """Since a hint to it was lost it cannot know what there is to do, until it looks again."""
        self.misses_chores: int | None = None
        """The same for what is due beside the slices, for which it does not ask each time it looks."""
        self.heard: Callable[[Hint], None] | None = None
        self.gate = Gate(world.disk.open(owner), self, world)
        self.runtime = LocalRuntime("simulated://", store=cast(Backend, self.gate), work=False)
        self.engine = self.runtime.engine
        self.lacks = lacks
        """A service, or ``functions``: this process does not have it yet."""
        self._every = programs
        self._limit = limit
        self._know(programs)
        self._next, self.engine.slicer.next = self.engine.slicer.next, self._slice  # type: ignore[method-assign]
        self.runtime._starts._new_id = world.new_id
        self.pool = SimulatedPool(self.engine.inbox.put, self, self.engine.attempts.beat)
        self.engine.pool = self.engine.attempts.pool = self.pool
        self.loop = Loop(self.engine)
        for service in SERVICES:
            if service != lacks:
                self.runtime.register_service(service, self, concurrency=limit)
        if lacks != "functions":
            self.engine.programs._functions = {**CORE, **FUNCTIONS}

    def __str__(self) -> str:
        return f"{self.name}.{self.number}"

    def _know(self, programs: Mapping[str, Program]) -> None:
        """Preparing programs is not what is simulated."""
        able = self.lacks != "functions"
        known = {digest: one for digest, one in programs.items() if able or not one.functions_needed & set(FUNCTIONS)}
        self.engine.programs._programs.update(known)

    def _slice(self, stored: Stored, trigger: Trigger, consumes: Consumes) -> Mutation:
        if isinstance(consumes, Taken) and self.world.poisons(consumes.seq):
            raise ArmillaryError("simulator.poison", "expected a trigger that can be taken, got one that cannot")
        return self._next(stored, trigger, consumes)

    def get_what_it_lacks(self) -> None:
        """Registers the service, or the functions, that instances wait for."""
        lacks, self.lacks = self.lacks, None
        if lacks is None or not self.up:
            return
        self.world.story.tell("%s gets %s", self, "its functions" if lacks == "functions" else f"the service {lacks}")
        if lacks == "functions":
            self.runtime.register_functions(FUNCTIONS)
            self._know(self._every)
        else:
            self.runtime.register_service(lacks, self, concurrency=self._limit)

    @property
    def flag(self) -> bool:
        """Whether the loop is to wake up."""
        return self.engine.pulse.flag.is_set()

    def miss(self, happened: int) -> None:
        """Something happened, and it was not told."""
        self.blind_since = self.misses_chores = happened

    def looks(self) -> int:
        """How often it has looked into the store."""
        return int(self.engine.telemetry.counts().get("look", 0))

    # ── the wake ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def notify(self, hint: Hint) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        if not self.gate.over:
            self.gate._expect_alive()
            self.world.network.notified(self, hint)

    def listen(self, heard: Callable[[Hint], None]) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        self.heard = heard

    def close(self) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        self.heard = None

    # ── the transport ────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, request: Request) -> Answer:
        """See :class:`armillary_engine.transport.Transport`."""
        return self.world.services.answer(request)


class Services:
    """What the services do: they answer a key always alike, when they answer."""

    def __init__(self) -> None:
        self.outcome = "reply"
        self.requests: dict[str, object] = {}
        self.broken: list[str] = []

    def answer(self, request: Request) -> Answer:
        """The answer that the world has decided on."""
        before = self.requests.setdefault(request.idempotency_key, request.arguments)
        if before != request.arguments:
            now = request.arguments
            self.broken.append(f"{request.idempotency_key} was sent with {before!r}, and then with {now!r}")
        match self.outcome:
            case "busy":
                return Failed("failure.busy", "not now")
            case "refused":
                return Failed("failure.refused", "never")
            case "odd":
                return Reply("not what was asked for")
            case "later":
                return Accepted()
            case _:
                return Reply({"n": answer_of(request.idempotency_key)})


def answer_of(key: str) -> int:
    """What a service answers to a request with this idempotency key."""
    return sum(key.encode()) % 97
