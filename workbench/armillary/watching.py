"""All instances of a workflow at a glance: where they stand, on the workflow's picture."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError

from .operating import Retried, retry_each
from .tables import Table
from .widgets.census import Census, Elsewhere, Row
from .words import clip

if TYPE_CHECKING:
    from armillary_engine.runtime import Runtime
    from armillary_renderers.render import Picture

HEADINGS = ("step", "standing", "blocked", "failed", "why")


class Watch:
    """The instances of one version of a workflow that are on their way or failed. As the last line of a cell it is a
    live view."""

    def __init__(self, runtime: Runtime, definition: Definition, before: Definition | None = None) -> None:
        self.runtime = runtime
        self.definition = definition
        self.before = before
        """What its changes are told against."""

    @property
    def steps(self) -> Table[Row]:
        """How many instances stand at each step now, how many of them are blocked, and how many failed there."""
        return _table(self._census())

    @property
    def elsewhere(self) -> Table[Elsewhere]:
        """How many instances are on other versions of the workflow: a step of the same name may mean something else
        there, so that they are not counted by step here."""
        found = self._census().elsewhere()
        cells = [[other.version, *map(str, (other.standing, other.blocked, other.failed))] for other in found]
        return Table(found, ("version", *HEADINGS[1:4]), rows=cells, empty="no instance is on another version")

    def retry_failed(self, step: str | None = None, *, by: str | None = None) -> Retried:
        """Retries all instances of this version that failed, or that failed at ``step``, and says what became of it.
        One that is refused stops none of the others."""
        return retry_each(self.runtime, self._census().failed(step), by)

    def picture(self, **options: Any) -> Picture:
        """The picture with those counts as it is now; ``options`` are those of ``arm.render``."""
        from armillary_renderers.render import render

        return render(self.definition, overlay=self._census().standing(), **options)

    def _census(self) -> Census:
        census = Census(self.runtime, self.definition)
        census.read()
        return census

    def __repr__(self) -> str:
        census = self._census()
        others = sum(other.standing + other.failed for other in census.elsewhere())
        more = f"; {others:,} on other versions" if others else ""
        return f"<Watch on {self.definition.name} {census.version}{more}>\n{_table(census)!r}"

    def _repr_mimebundle_(self, **_: Any) -> Any:
        if not find_spec("anywidget"):
            return self.picture()._repr_mimebundle_()
        from .widgets.live import model_of
        from .widgets.overview import Overview

        name = f"{self.definition.name} {id(self.definition)}"
        return model_of(
            self.runtime, name, lambda: Overview(self.runtime, self.definition, self.before)
        )._repr_mimebundle_()


def _table(census: Census) -> Table[Row]:
    rows = census.rows()
    cells = [[row.step, *map(str, (row.standing, row.blocked, row.failed)), clip(row.trouble, 60)] for row in rows]
    return Table(rows, HEADINGS, rows=cells, empty="no instance is on its way")


def watch(runtime: Runtime, name: str, version: str = "*", against: Definition | None = None) -> Watch:
    """The instances of a deployed workflow, on the picture of its newest ``version``; ``against``: without it, what was
    deployed before that one."""
    shown = runtime.definition(name, version)
    return Watch(runtime, shown, against or _before(runtime, shown))


def _before(runtime: Runtime, shown: Definition) -> Definition | None:
    found = [runtime.definition_by_digest(view.digest) for view in runtime.definitions(shown.name)]
    older = found[: found.index(shown)] if shown in found else []
    try:
        return older[-1]
    except (IndexError, ArmillaryError):
        return None
