"""An instance's history as one document, and what may be asked of such a document without an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from armillary_engine.definition.codec import dumps, from_document, loads, to_document
from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.runtime import Changed, EventView, InstanceState, InstanceView, Runtime, TaskView

from .handles import Instance, all_events
from .sources import keep, sources_of
from .widgets.past import Moment, moment

if TYPE_CHECKING:
    from armillary_renderers.render import Picture

FORMAT = "armillary.history/1"
_DEPTH = 1_000
_TIMES = ("started", "updated", "ended")
_HINT = "export one: instance.export('history.json'), or armillary instances export ID -o history.json"


class Recording:
    """An instance as its exported history tells it: ``arm.replay(…)`` gives one, and no engine is needed to look at it.

    As the last line of a notebook cell it is the live view's picture with a scrubber over all that happened.
    """

    recorded = True

    def __init__(
        self,
        view: InstanceView,
        definition: Definition,
        events: Sequence[EventView],
        children: Iterable[Recording] = (),
    ) -> None:
        self.view = view
        self.definition_of_it = definition
        self.events = list(events)
        """Everything that happened, oldest first."""
        self.children = {child.id: child for child in children}
        """The subworkflows that it started, by id."""

    @property
    def id(self) -> str:
        """The instance's id."""
        return self.view.id

    @property
    def runtime(self) -> Recording:
        """Itself: the live view asks it what it asks an engine."""
        return self

    def __len__(self) -> int:
        return len(self.events)

    def at(self, number: int) -> Moment:
        """The instance after event ``number`` (0: before the first)."""
        return moment(self.definition_of_it, self.view, self.events, number)

    def picture(self, number: int | None = None, **options: Any) -> Picture:
        """The diagram as it stood after event ``number``, or at the end; ``options`` are those of ``arm.render``."""
        from armillary_renderers.render import render

        last = self.events[-1].number if self.events else 0
        return render(self.definition_of_it, overlay=self.at(last if number is None else number).overlay, **options)

    @property
    def document(self) -> dict[str, Any]:
        """The whole as plain data (``armillary.history/1``)."""
        from .authoring.origins import without_source

        return {
            "format": FORMAT,
            "instance": _plain(self.view),
            "definition": to_document(without_source(self.definition_of_it)),
            "events": [_plain(event, "instance") for event in self.events],
            "children": [child.document for child in self.children.values()],
            "sources": sources_of(self.view.digest, self.definition_of_it),
        }

    def save(self, path: str | Path) -> Path:
        """Writes the document; gives the path. Raises :class:`ArmillaryError` (``history.file``)."""
        target = Path(path)
        try:
            target.write_bytes(dumps(self.document) + b"\n")
        except OSError as error:
            message = f"expected a file that can be written, got {target} ({error.strerror or error})"
            raise ArmillaryError("history.file", message, hint="make its folder, or name another place") from None
        return target

    def __repr__(self) -> str:
        return f"<Recording of {self.view.workflow} {self.id}: {len(self.events)} events, {self.view.status}>"

    def _repr_mimebundle_(self, **_: Any) -> Any:
        from .display import instance_bundle

        return instance_bundle(self)

    # ── what the live view asks ──────────────────────────────────────────────────────────────────────────────────────

    def instance(self, id: str) -> InstanceView:
        """This instance, or one that it started."""
        return self._find(id).view

    def instance_state(self, id: str) -> InstanceState:
        """Its values at the end."""
        found = self._find(id)
        last = found.at(found.events[-1].number if found.events else 0)
        given = found.events[0].data.get("input") if found.events else None
        return InstanceState(found.view.revision, given, last.state, last.output)

    def history(self, id: str, *, after: int = 0, limit: int = 1000) -> Sequence[EventView]:
        """The events after number ``after``."""
        return [event for event in self._find(id).events if event.number > after][:limit]

    def definition(self, name: str, version: str = "*") -> Definition:
        """A workflow that ran in it."""
        return self._definition(lambda found: found.view.workflow == name, name)

    def definition_by_digest(self, digest: str) -> Definition:
        """A workflow that ran in it."""
        return self._definition(lambda found: found.view.digest == digest, digest)

    def tasks(self, query: Any = None) -> Sequence[TaskView]:
        """None: there is nobody to complete one."""
        return ()

    def subscribe(
        self, listener: Callable[[Changed], None], *, instance: str | None = None, at_once: bool = False
    ) -> _Nothing:  # fmt: skip
        """Nothing will happen."""
        return _Nothing()

    def _all(self) -> Iterable[Recording]:
        yield self
        for child in self.children.values():
            yield from child._all()

    def _find(self, id: str) -> Recording:
        for found in self._all():
            if found.id == id:
                return found
        raise ArmillaryError("instance.unknown", f"expected an instance of this history, got {id!r}")

    def _definition(self, fits: Callable[[Recording], bool], name: str) -> Definition:
        for found in self._all():
            if fits(found):
                return found.definition_of_it
        raise ArmillaryError("definition.unknown", f"expected a workflow that ran in this history, got {name!r}")


class _Nothing:
    def close(self) -> None:
        pass


def record(runtime: Runtime, id: str) -> Recording:
    """What a store has of an instance now, and of the subworkflows that it started."""
    view = runtime.instance(id)
    events = list(all_events(runtime, id))
    started = dict.fromkeys(str(event.data["child"]) for event in events if "child" in event.data)
    return Recording(view, runtime.definition_by_digest(view.digest), events, _kept(runtime, started))


def _kept(runtime: Runtime, ids: Iterable[str]) -> Iterable[Recording]:
    for id in ids:
        try:
            yield record(runtime, id)
        except ArmillaryError:  # removed by retention
            continue


def replay(history: Instance | Recording | Mapping[str, Any] | str | Path) -> Recording:
    """What happened to an instance, to be looked at event by event: from an instance (as it is now), or from a history
    that was exported, as a file or as its document. Nothing runs, and no engine is needed.

    ``arm.replay("history.json").at(12).state`` is the state after the twelfth event. Raises :class:`ArmillaryError`
    (``history.file``, ``history.format``).
    """
    if isinstance(history, Recording):
        return history
    if isinstance(history, Instance):
        return record(history.runtime, history.id)
    if isinstance(history, Mapping):
        return _read(history, "this document")
    path = Path(history)
    try:
        document = loads(path.read_bytes(), depth=_DEPTH)
    except OSError as error:
        message = f"expected an exported history, got {path} ({error.strerror or error})"
        raise ArmillaryError("history.file", message, hint=_HINT) from None
    except ArmillaryError as error:
        raise ArmillaryError("history.format", f"{path}: {error.message}", hint=_HINT) from None
    return _read(document, str(path))


def _read(document: Any, name: str) -> Recording:
    found = document.get("format") if isinstance(document, Mapping) else type(document).__name__
    if found != FORMAT:
        raise ArmillaryError("history.format", f"expected {FORMAT} in {name}, got {found!r}", hint=_HINT)
    try:
        view = _view(document["instance"])
        events = [_event(view.id, row) for row in document["events"]]
        children = [_read(child, name) for child in document.get("children", ())]
        definition = from_document(document["definition"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = (
            f"expected a complete history in {name}, got one that cannot be read ({type(error).__name__}: {error})"
        )
        raise ArmillaryError("history.format", message, hint=_HINT) from None
    if document.get("sources") is not None:
        keep(view.digest, document["sources"])
    return Recording(view, definition, events, children)


def _plain(view: InstanceView | EventView, *left_out: str) -> dict[str, Any]:
    """The members that say something, as JSON has them."""
    row = {name: getattr(view, name) for name in view.__struct_fields__ if name not in left_out}
    return {
        name: value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
        for name, value in row.items()
        if value not in (None, {}, (), [])
    }


def _view(row: Mapping[str, Any]) -> InstanceView:
    known = set(InstanceView.__struct_fields__)
    told = {name: value for name, value in row.items() if name in known}
    moments = {name: datetime.fromisoformat(told[name]) for name in _TIMES if name in told}
    return InstanceView(
        **{"steps": (), **told, **moments, **({"steps": tuple(told["steps"])} if "steps" in told else {})}
    )


def _event(instance: str, row: Mapping[str, Any]) -> EventView:
    at = datetime.fromisoformat(cast("str", row["at"]))
    step, data, patch = row.get("step"), row.get("data", {}), row.get("patch", [])
    return EventView(instance, row["number"], row["type"], at, row["serial"], step, data, patch)
