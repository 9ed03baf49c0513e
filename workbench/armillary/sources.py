"""Where the steps of workflows were written, of those that this process compiled or whose history it was given."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import Span

from .authoring.origins import origin_of

if TYPE_CHECKING:
    from .widgets.messages import Sources

KEPT = 200
"""Definitions that are remembered; the ones that were told longest ago are forgotten first."""

_known: OrderedDict[str, Sources] = OrderedDict()


def keep(digest: str, sources: Sources) -> None:
    """From now on the steps of the definition with this digest are known to have been written there."""
    _known[digest] = sources
    _known.move_to_end(digest)
    while len(_known) > KEPT:
        _known.popitem(last=False)


def sources_of(digest: str, definition: Definition | None = None) -> Sources | None:
    """Files, lines and places of the steps; ``None`` where nobody told. ``definition``: the deployed one, which may."""
    origin = origin_of(digest, definition if digest not in _known else None)
    return _known.get(digest) if origin is None else _listing(origin.steps())


def _listing(spans: Mapping[str, Span]) -> Sources:
    lines: dict[str, dict[int, str]] = {}
    for span in spans.values():
        known = lines.setdefault(span.file, {})
        for number, text in enumerate((span.text or "").split("\n"), span.line):
            known.setdefault(number, text)
    names = list(lines)
    return {
        "files": [{"name": name, "lines": sorted(lines[name].items())} for name in names],
        "steps": {
            step: (names.index(span.file), span.line, span.end_line or span.line) for step, span in spans.items()
        },
    }
