"""The JSON Schemas of a diagram (``armillary.diagram/1``), as :meth:`.model.Diagram.to_json` writes it, and of a placed
one (``armillary.placed/1``), as :meth:`.placed.Placed.to_json` does. Both are published in docs/reference."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_PIXELS = {"type": "integer", "minimum": 0}


def _record(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _block(name: str, required: str, **properties: Any) -> dict[str, Any]:
    return _record(f"block {required}", block={"const": name}, **properties)


_ANY_BLOCK = {"$ref": "#/$defs/block"}
_OPTIONAL_BLOCK = {"anyOf": [_ANY_BLOCK, {"type": "null"}]}
_OPTIONAL_TEXT = {"type": ["string", "null"]}
_MARK = _record("severity message", severity={"enum": ["error", "warning"]}, message=_TEXT)
_EDGE_KINDS = ["flow", "branch", "exit", "back", "leave", "next", "failure", "compensation"]

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Armillary diagram",
    **_record(
        "format name title nodes edges groups root",
        format={"const": "armillary.diagram/1"},
        name=_TEXT,
        title=_TEXT,
        description=_TEXT,
        nodes={"type": "array", "items": {"$ref": "#/$defs/node"}},
        edges={"type": "array", "items": {"$ref": "#/$defs/edge"}},
        groups={"type": "array", "items": {"$ref": "#/$defs/group"}},
        root=_ANY_BLOCK,
        problems={"type": "object", "additionalProperties": {"type": "array", "items": _MARK}},
    ),
    "$defs": {
        "node": _record(
            "id kind title",
            id=_TEXT,
            kind=_TEXT,
            title=_TEXT,
            step=_TEXT,
            subtitle=_TEXT,
            details=_TEXTS,
            badges={"type": "array", "items": _record("kind text", kind=_TEXT, text=_TEXT)},
            note=_TEXT,
            width=_PIXELS,
            height=_PIXELS,
            title_lines=_TEXTS,
            detail_lines=_TEXTS,
        ),
        "edge": _record(
            "source target kind",
            source=_TEXT,
            target=_TEXT,
            slot=_TEXT,
            kind={"enum": _EDGE_KINDS},
            label=_TEXT,
            back={"type": "boolean"},
            label_lines=_TEXTS,
            label_width=_PIXELS,
            label_height=_PIXELS,
        ),
        "group": _record("id kind title members", id=_TEXT, kind=_TEXT, title=_TEXT, members=_TEXTS, parent=_TEXT),
        "block": {
            "oneOf": [
                _block("leaf", "node exit", node=_TEXT, exit={"enum": ["on", "leave", "next", "end"]}),
                _block("sequence", "items", items={"type": "array", "items": _ANY_BLOCK}),
                _block(
                    "branching",
                    "node arms main",
                    node=_TEXT,
                    arms={"type": "array", "items": _record("slot body", slot=_TEXT, body=_ANY_BLOCK)},
                    main=_PIXELS,
                    join=_OPTIONAL_TEXT,
                ),
                _block(
                    "loop",
                    "node body before group",
                    node=_TEXT,
                    body=_ANY_BLOCK,
                    before={"type": "boolean"},
                    group=_TEXT,
                ),
                _block("nested", "step body", step=_TEXT, body=_ANY_BLOCK),
                _block(
                    "guard",
                    "step body",
                    step=_TEXT,
                    body=_ANY_BLOCK,
                    sources=_TEXTS,
                    handler=_OPTIONAL_BLOCK,
                    compensation=_OPTIONAL_BLOCK,
                    group=_OPTIONAL_TEXT,
                ),
            ]
        },
    },
}


def _numbers(count: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "integer"}, "minItems": count, "maxItems": count}


_POINTS = {"type": "array", "items": _numbers(2), "minItems": 2}
_BOX = {**_numbers(4), "description": "left, top, width, height"}

PLACED: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Armillary placed diagram",
    **_record(
        "format width height direction layout columns nodes edges groups",
        format={"const": "armillary.placed/1"},
        width=_PIXELS,
        height=_PIXELS,
        direction={"enum": ["down", "right", "left"]},
        layout=_TEXT,
        columns={"type": "array", "items": {"type": "integer"}},
        nodes={"type": "array", "items": _record("id box", id=_TEXT, box=_BOX)},
        edges={
            "type": "array",
            "items": _record(
                "id source target kind back points",
                id=_TEXT,
                source=_TEXT,
                target=_TEXT,
                kind={"enum": _EDGE_KINDS},
                back={"type": "boolean"},
                points=_POINTS,
                label=_BOX,
            ),
        },
        groups={"type": "array", "items": _record("id box members", id=_TEXT, box=_BOX, members=_TEXTS)},
    ),
}
