"""Validation: everything that is wrong with a definition, at once, without running it.

Problems of shape come first, and alone when there are any, since the rest relies on the shape. Each code has an entry
in :data:`DIAGNOSTICS`.
"""

from __future__ import annotations

from ..codec import to_document
from ..expressions.functions import CORE, Functions
from ..model import Definition
from ..problems import DefinitionError, Problem
from ..reading import read_definition
from ..values import JsonValueError
from .diagnostics import DIAGNOSTICS, DiagnosticInfo
from .names import Flow
from .structure import check_ids, check_step
from .types import Catalogue, Types, check_schemas, check_workflows
from .walk import EffectsOf, places

__all__ = ["DIAGNOSTICS", "Catalogue", "DiagnosticInfo", "require_valid", "validate"]


def validate(definition: Definition, functions: Functions = CORE, catalogue: Catalogue | None = None) -> list[Problem]:
    """All problems of ``definition``, in the order of the document. ``functions``: those that expressions may call;
    ``catalogue``: the workflows that are deployed (``None``: not checked)."""
    try:
        _, shape = read_definition(to_document(definition))
    except JsonValueError as problem:
        shape = list(problem.problems)
    if shape:
        return shape
    effects, all_places = EffectsOf(), list(places(definition))
    found = list(check_ids(definition, all_places))
    for place in all_places:
        found += check_step(place, effects)
    found += Flow(definition, effects).run()
    found += Types(definition, functions).run()
    found += check_schemas(definition, all_places)
    if catalogue is not None:
        found += check_workflows(all_places, catalogue)
    order = {place.step.id: index for index, place in reversed(list(enumerate(all_places)))}
    return sorted(found, key=lambda problem: order.get(problem.step or "", -1))


def require_valid(
    definition: Definition, functions: Functions = CORE, catalogue: Catalogue | None = None
) -> list[Problem]:
    """The warnings and notes of ``definition``. Raises :class:`DefinitionError` when it has an error."""
    found = validate(definition, functions, catalogue)
    if any(problem.severity == "error" for problem in found):
        raise DefinitionError(definition.name, found)
    return found
