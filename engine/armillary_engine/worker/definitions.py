"""The definitions of a store: deploying one or all, and taking one out of use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

from ..caller import ANYBODY
from ..definition.codec import dumps_definition, identity
from ..definition.model import Definition
from ..definition.problems import ArmillaryError, DefinitionError, DefinitionsError, Problem
from ..definition.validate import validate
from ..operations import Unavailable
from ..rows import DefinitionRow
from ..runtime import Caller, DefinitionView
from ..views import definition_view
from .access import expect_operator
from .engine import Engine

log = logging.getLogger(__name__)


class Definitions:
    """What a deployment does with definitions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._unavailable: tuple[Unavailable, ...] = ()

    def deploy(self, definition: Definition, *, caller: Caller = ANYBODY) -> DefinitionView:
        """See :meth:`armillary_engine.runtime.Runtime.deploy`."""
        problems = self._errors(definition)
        if problems:
            raise DefinitionError(definition.name, problems)
        named = identity(definition)
        document = dumps_definition(definition)
        row = DefinitionRow(named.name, named.version, named.digest, document, self._engine.clock.now(), caller.name)
        kept = self._engine.store.deploy(row)
        if kept.digest != named.digest:
            raise _taken(named.name, named.version)
        return next(view for view in self.listed(named.name) if view.digest == named.digest)

    def _errors(self, definition: Definition) -> Sequence[Problem]:
        problems = validate(definition, self._engine.programs.functions)
        return problems if any(problem.severity == "error" for problem in problems) else ()

    def deploy_all(
        self, definitions: Sequence[Definition], *, mode: Literal["strict", "warn"] = "strict",
        caller: Caller = ANYBODY,
    ) -> Sequence[Unavailable]:  # fmt: skip
        """See :meth:`armillary_engine.runtime.Runtime.deploy_all`."""
        digests: dict[tuple[str, str], str] = {}
        bad = {index: problems for index, one in enumerate(definitions) if (problems := self._all_errors(one, digests))}
        found = tuple(Unavailable(definitions[n].name, definitions[n].version, bad[n]) for n in bad)
        if found and mode == "strict":
            raise DefinitionsError((one.name, one.problems) for one in found)
        for one in found:
            log.warning("%s is unavailable: %s", one.name, "; ".join(problem.message for problem in one.problems))
        for index, definition in enumerate(definitions):
            if index not in bad:
                self.deploy(definition, caller=caller)
        self._unavailable = found
        return found

    def _all_errors(self, definition: Definition, digests: dict[tuple[str, str], str]) -> Sequence[Problem]:
        """``digests``: of those before it, by name and version."""
        problems = self._errors(definition)
        if problems:
            return problems
        named = identity(definition)
        stored = (row.digest for row, _ in self._engine.store.definitions(named.name) if row.version == named.version)
        first = next(stored, digests.setdefault((named.name, named.version), named.digest))
        if first == named.digest:
            return ()
        error = _taken(named.name, named.version)
        return (Problem(error.code, error.message, hint=error.hint),)

    def unavailable(self) -> Sequence[Unavailable]:
        """See :meth:`armillary_engine.runtime.Runtime.unavailable`."""
        return self._unavailable

    def listed(self, name: str | None = None) -> Sequence[DefinitionView]:
        """See :meth:`armillary_engine.runtime.Runtime.definitions`."""
        return [definition_view(row, living) for row, living in self._engine.store.definitions(name)]

    def enable(self, name: str, version: str, *, caller: Caller = ANYBODY) -> DefinitionView:
        """See :meth:`armillary_engine.runtime.Runtime.enable`."""
        return self._enable(name, version, caller, enabled=True)

    def disable(self, name: str, version: str, *, caller: Caller = ANYBODY) -> DefinitionView:
        """See :meth:`armillary_engine.runtime.Runtime.disable`."""
        return self._enable(name, version, caller, enabled=False)

    def _enable(self, name: str, version: str, caller: Caller, *, enabled: bool) -> DefinitionView:
        views = self.listed(name)
        for view in views:
            if view.version == version:
                expect_operator(self._engine.programs, view.digest, caller, f"enable or disable {name} {version}")
                self._engine.store.enable(view.digest, enabled)
                return next(one for one in self.listed(name) if one.digest == view.digest)
        known = ", ".join(view.version for view in views) or "none"
        message = f"expected a deployed version of {name!r} ({known}), got {version!r}"
        raise ArmillaryError("definition.unknown", message, hint="name one exact version")


def _taken(name: str, version: str) -> ArmillaryError:
    hint = "give it a new version; instances keep the one they were started on"
    message = f"expected the definition that {name} {version} names, got a changed one"
    return ArmillaryError("definition.version-taken", message, hint=hint)
