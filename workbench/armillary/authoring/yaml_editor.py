"""Changing a YAML file without losing what its author wrote around the data: comments, order, spellings."""

from __future__ import annotations

from io import StringIO
from typing import Any

from armillary_engine.definition.model import Definition
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from .yaml_reader import read_yaml, yaml
from .yaml_writer import printer, write_yaml


def update_yaml(text: str, definition: Definition, *, file: str = "<text>") -> str:
    """``text`` changed so that it means ``definition``: what means the same as before stays as it is written, with its
    comments; steps are found again by their ids. Raises :class:`DefinitionError` when ``text`` is no definition."""
    before = yaml().load(write_yaml(read_yaml(text, file=file)))
    after = yaml().load(write_yaml(definition))
    stream = StringIO()
    printer().dump(merged(yaml().load(text), before, after), stream)
    changed = stream.getvalue()
    return changed if read_yaml(changed) == read_yaml(write_yaml(definition)) else write_yaml(definition)


def merged(written: Any, before: Any, after: Any) -> Any:
    """What is written, where it meant ``before``, so that it means ``after``."""
    if before == after:
        return written
    if isinstance(written, CommentedMap) and isinstance(before, dict) and isinstance(after, dict):
        return _mapping(written, before, after)
    if isinstance(written, CommentedSeq) and isinstance(before, list) and isinstance(after, list):
        return _sequence(written, before, after)
    return after


def _mapping(written: CommentedMap, before: dict[str, Any], after: dict[str, Any]) -> CommentedMap:
    for key in [key for key in written if key in before and key not in after]:
        del written[key]
    for place, (key, value) in enumerate(after.items()):
        if key in written:
            written[key] = merged(written[key], before.get(key), value)
        elif key not in before or before[key] != value:
            written.insert(min(place, len(written)), key, value)
    return written


def _sequence(written: CommentedSeq, before: list[Any], after: list[Any]) -> CommentedSeq:
    """Items with an id are found again by it, others by their place; comments move with their items."""
    places = {_key(item, place): place for place, item in enumerate(before)}
    comments = dict(written.ca.items)
    items: list[Any] = []
    moved: dict[int, Any] = {}
    for place, item in enumerate(after):
        old = places.get(_key(item, place))
        if old is None or old >= len(written):
            items.append(item)
            continue
        items.append(merged(written[old], before[old], item))
        if old in comments:
            moved[place] = comments[old]
    del written[:]
    written.extend(items)
    written.ca.items.clear()
    written.ca.items.update(moved)
    return written


def _key(item: Any, place: int) -> object:
    return item["id"] if isinstance(item, dict) and "id" in item else place
