"""The browser's side as one ES module: the parts are plain modules, joined in the order of their imports.

A widget's module reaches the browser as one text, so that its parts cannot import one another there. Each import of a
part stands on one line, and only names are exported.
"""

from __future__ import annotations

import re
from importlib.resources import files

_SHARED = (
    "dom", "values", "tree", "fields", "actions", "reveal", "tasks", "history", "header", "sheets", "picture", "graph",
    "folds", "viewport", "minimap", "search", "legend", "diagram", "timeline", "step", "store", "past",
)  # fmt: skip
PARTS = {
    "live": (*_SHARED, "live"),
    "overview": (
        "dom", "actions", "sheets", "picture", "graph", "folds", "viewport", "minimap", "search", "legend", "diagram",
        "retry", "store", "overview",
    ),
}  # fmt: skip
"""By module: its parts, in the order of their imports."""

_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./\w+\.js\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=function |const |class )", re.MULTILINE)


def module_text(module: str = "live") -> str:
    """An ES module: ``live``, the view of an instance, or ``overview``, that of all instances of a workflow."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _read(f"parts/{name}.js"))) for name in PARTS[module])


def style_text() -> str:
    """Its style sheet."""
    return _read("live.css")


def _read(name: str) -> str:
    return (files("armillary.widgets") / name).read_text(encoding="utf-8")
