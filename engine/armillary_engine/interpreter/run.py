"""The working state of one slice: what the steps read and change. A snapshot goes in; a slice comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..definition.durations import instant_text
from ..definition.expressions import Evaluator
from ..definition.model import Value
from .commands import CloseWait, Command, Event, Patch
from .node import Node
from .snapshot import ENDED, Compensating, Error, Frame, Place, Registration, Snapshot, Status, Wait

if TYPE_CHECKING:
    from .program import Program

STEP_LIMIT = 1_000
"""Step entries in one slice."""
PATCH_LIMIT = 1024 * 1024
"""Bytes of patch in one slice."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the catalogue found for a workflow's name and range: the highest deployed and enabled version."""

    version: str
    digest: str


Catalogue = Callable[[str, str], Resolved | None]
"""``(name, range)`` → the version that an instance started now would be on."""


class Run:
    """One slice at work. Steps append to ``events``, ``commands`` and ``ready``, and replace ``frames``."""

    __slots__ = (
        "before", "catalogue", "commands", "compensating", "compensations", "continuing", "entries", "error", "events",
        "failed", "frames", "input", "instance", "next", "now", "output", "parts", "patched", "program", "ready",
        "reference", "roots", "serial", "size", "started", "state", "status",
    )  # fmt: skip

    def __init__(self, program: Program, snapshot: Snapshot, now: int, catalogue: Catalogue) -> None:
        self.program, self.before, self.now, self.catalogue = program, snapshot, now, catalogue
        self.instance = snapshot.instance
        self.serial = snapshot.serial
        self.status: Status = snapshot.status
        self.started = snapshot.started
        self.input = snapshot.input
        self.state = dict(snapshot.state)
        self.reference = snapshot.reference
        self.parts: Mapping[str, Any] = snapshot.parts
        self.frames: dict[int, Frame] = {frame.visit: frame for frame in snapshot.frames}
        self.ready: list[Place] = list(snapshot.ready)
        self.continuing = snapshot.continuing
        self.compensations: list[Registration] = list(snapshot.compensations)
        self.compensating: Compensating | None = snapshot.compensating
        self.error: Error | None = snapshot.error
        self.failed: Place | None = snapshot.failed
        self.output = snapshot.output
        self.next: str | None = snapshot.chain.next
        self.size = snapshot.size
        self.events: list[Event] = []
        self.commands: list[Command] = []
        self.entries = 0
        self.patched = 0
        self.roots: dict[str, Any] = {}
        self.refresh_roots()

    # ── what expressions see ─────────────────────────────────────────────────────────────────────────────────────────

    def refresh_roots(self) -> None:
        """Makes the roots that every expression sees: the state, and the reserved names."""
        self.roots = {**self.state, **self.reserved()}

    def reserved(self) -> dict[str, Any]:
        """``input`` and, where the program reads them, ``instance`` and ``now``."""
        roots: dict[str, Any] = {"input": self.input}
        if "now" in self.program.reads:
            roots["now"] = instant_text(self.now)
        if "instance" in self.program.reads:
            started = instant_text(self.now if self.started is None else self.started)
            roots["instance"] = {"id": self.instance, "reference": self.reference, "started": started}
        return roots

    def roots_at(self, parent: int, branch: int) -> dict[str, Any]:
        """The roots in body ``branch`` of visit ``parent``: local names hide outer ones."""
        layers: list[Mapping[str, Any]] = []
        base: Mapping[str, Any] = self.roots
        while parent:
            owner = self.frames[parent]
            layers += [turn.names for turn in owner.turns if turn.index == branch]
            if owner.names is not None:
                layers.append(owner.names)
            if owner.sealed:
                base = self.reserved()
                break
            parent, branch = owner.parent, owner.branch
        roots = dict(base)
        for layer in reversed(layers):
            roots.update(layer)
        return roots

    def evaluate(self, expression: Evaluator, node: Node[Any], frame: Frame) -> Any:
        """The value of an expression where ``frame`` stands."""
        return expression(self.roots_at(frame.parent, frame.branch) if node.scoped else self.roots)

    # ── what steps do ────────────────────────────────────────────────────────────────────────────────────────────────

    def record(self, type: str, frame: Frame, data: Mapping[str, Value] = {}, patch: Patch = ()) -> None:
        """Appends an event of a visit."""
        self.events.append(Event(type, frame.visit, frame.step, data, patch))

    def proceed(self, node: Node[Any], frame: Frame) -> None:
        """The visit is over; what follows it is next."""
        self.ready.append(Place(node.after, frame.parent, frame.branch))

    def begin(self, node: Node[Any], frame: Frame, branch: int, body: int = 0) -> None:
        """Body ``body`` of the visit is next, as its branch or turn ``branch``."""
        self.ready.append(Place(node.bodies[body], frame.visit, branch))

    def wait(self, frame: Frame, wait: Wait, data: Mapping[str, Value]) -> None:
        """The visit waits from now on."""
        self.frames[frame.visit] = Frame(frame.step, frame.visit, frame.parent, frame.branch, wait)
        self.events.append(Event("step.waiting", frame.visit, frame.step, data))

    def close(self, frame: Frame) -> None:
        """The wait got what it waited for."""
        assert frame.wait is not None
        del self.frames[frame.visit]
        self.commands.append(CloseWait(frame.visit, "done", frame.wait.kind))

    def is_dormant(self, frame: Frame) -> bool:
        """Whether a visit that waits is to be entered again, and has nothing open until then."""
        return frame.wait is None and self.program.nodes[frame.step].behaviour.resume is not None

    @property
    def ended(self) -> bool:
        """Whether the instance is over."""
        return self.status in ENDED
