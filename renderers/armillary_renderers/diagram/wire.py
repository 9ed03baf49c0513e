"""A diagram as a JSON document and back, and the JSON Schema of that document."""

from __future__ import annotations

from typing import Any

from armillary_renderers.diagram import model as m

_BLOCKS: dict[str, type[m.Block]] = {
    "leaf": m.Leaf,
    "sequence": m.Sequence,
    "branching": m.Branching,
    "loop": m.Loop,
    "guard": m.Guard,
    "nested": m.Nested,
}


def encode(diagram: m.Diagram) -> dict[str, Any]:
    """The document of a diagram."""
    return {
        "format": m.FORMAT,
        "name": diagram.name,
        "title": diagram.title,
        "description": diagram.description,
        "nodes": [_plain(node) for node in diagram.nodes],
        "edges": [_plain(edge) for edge in diagram.edges],
        "groups": [_plain(group) for group in diagram.groups],
        "root": _block(diagram.root),
        "problems": {key: [_plain(mark) for mark in marks] for key, marks in diagram.problems.items()},
    }


def decode(document: dict[str, Any]) -> m.Diagram:
    """The diagram of a document that :func:`encode` made."""
    root = _decode_block(document["root"])
    assert isinstance(root, m.Sequence)
    return m.Diagram(
        name=document["name"],
        title=document["title"],
        description=document["description"],
        nodes=tuple(_node(row) for row in document["nodes"]),
        edges=tuple(m.Edge(**_tuples(row)) for row in document["edges"]),
        groups=tuple(m.Group(**_tuples(row)) for row in document["groups"]),
        root=root,
        problems={key: tuple(m.Mark(**mark) for mark in marks) for key, marks in document["problems"].items()},
    )


def _plain(value: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in value.__dataclass_fields__:
        item = getattr(value, name)
        if item is None or item == () or (item == "" and name not in ("source", "target", "title")):
            continue
        row[name] = [_plain(part) if isinstance(part, m.Badge) else part for part in item] if _many(item) else item
    return row


def _many(item: object) -> bool:
    return isinstance(item, tuple)


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _node(row: dict[str, Any]) -> m.Node:
    fields = _tuples(row)
    fields["badges"] = tuple(m.Badge(**badge) for badge in row.get("badges", ()))
    return m.Node(**fields)


def _block(block: m.Block) -> dict[str, Any]:
    match block:
        case m.Leaf(node, leaving):
            return {"block": "leaf", "node": node, "exit": leaving}
        case m.Sequence(items):
            return {"block": "sequence", "items": [_block(item) for item in items]}
        case m.Branching(node, arms, main, join):
            rows = [{"slot": arm.slot, "body": _block(arm.body)} for arm in arms]
            return {"block": "branching", "node": node, "arms": rows, "main": main, "join": join}
        case m.Loop(node, body, before, group):
            return {"block": "loop", "node": node, "body": _block(body), "before": before, "group": group}
        case m.Nested(step, body):
            return {"block": "nested", "step": step, "body": _block(body)}
        case m.Guard(step, body, sources, handler, compensation, group):
            return {
                "block": "guard",
                "step": step,
                "body": _block(body),
                "sources": list(sources),
                "handler": None if handler is None else _block(handler),
                "compensation": None if compensation is None else _block(compensation),
                "group": group,
            }


def _decode_block(row: dict[str, Any]) -> m.Block:
    fields = {key: value for key, value in row.items() if key != "block"}
    kind = _BLOCKS[row["block"]]
    for key in ("body", "handler", "compensation"):
        if fields.get(key) is not None:
            fields[key] = _decode_block(fields[key])
    if "items" in fields:
        fields["items"] = tuple(_decode_block(item) for item in fields["items"])
    if "arms" in fields:
        fields["arms"] = tuple(m.Arm(arm["slot"], _decode_block(arm["body"])) for arm in row["arms"])  # type: ignore[arg-type]
    if "sources" in fields:
        fields["sources"] = tuple(fields["sources"])
    return kind(**fields)
