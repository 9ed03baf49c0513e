"""Core functions on lists and objects."""

from __future__ import annotations

from ..expression_json import kind_of
from ..model import Value
from ..values import dumps
from .core import Entry, FunctionError, check_size, whole
from .core_numbers import comparable
from .core_text import measure_value


def _get(base: Value, key: Value, default: Value = None) -> Value:
    if type(base) is dict and type(key) is str:
        return base.get(key, default)
    if type(base) is list and type(key) is int:
        return base[key] if -len(base) <= key < len(base) else default
    if base is None:
        return default
    raise FunctionError("type", f"expected an object and a name, or a list and an index, got {kind_of(base)}")


def _range(*args: Value) -> Value:
    *given, limit = args
    if len(given) == 3 and given[2] == 0:
        raise FunctionError("value", "expected a step other than 0, got 0")
    turns = range(*(whole(end, "a bound") for end in given))
    check_size(len(turns) if abs(turns.start) < 10**15 and abs(turns.stop) < 10**15 else 10**15, whole(limit, "limit"))
    return list(turns)


def _booleans(items: list[Value]) -> list[Value]:
    for item in items:
        if type(item) is not bool:
            raise FunctionError("type", f"expected a list of booleans, got one with {kind_of(item)}")
    return items


def _contains(base: Value, item: Value) -> bool:
    if type(base) is str:
        if type(item) is not str:
            raise FunctionError("type", f"expected text to look for in a text, got {kind_of(item)}")
        return item in base
    if type(base) is dict:
        return type(item) is str and item in base
    if type(base) is list:
        wanted = dumps(item)
        return any(dumps(member) == wanted for member in base)
    raise FunctionError("type", f"expected a list, an object or a text to look in, got {kind_of(base)}")


def _unique(items: list[Value], limit: int) -> Value:
    check_size(measure_value(items, limit), limit)
    first: dict[bytes, Value] = {}
    for item in items:
        first.setdefault(dumps(item), item)
    return list(first.values())


def _sort_by(items: list[Value], member: str) -> Value:
    keys = []
    for item in items:
        if type(item) is not dict or member not in item:
            raise FunctionError("type", f"expected a list of objects with {member!r}, got one without")
        keys.append(item[member])
    comparable(keys)
    order = sorted(range(len(items)), key=keys.__getitem__)
    return [items[index] for index in order]


def _end(items: Value, index: int) -> Value:
    if not items:
        raise FunctionError("value", "expected at least one item, got none")
    return items[index]  # type: ignore[index]


def _flatten(items: list[Value], limit: int) -> Value:
    flat: list[Value] = []
    for item in items:
        if type(item) is not list:
            raise FunctionError("type", f"expected a list of lists, got one with {kind_of(item)}")
        check_size(len(flat) + len(item), limit)
        flat.extend(item)
    return flat


def _merge(*objects: dict[str, Value]) -> Value:
    merged: dict[str, Value] = {}
    for item in objects:
        merged.update(item)
    return merged


def _zip(*args: Value) -> Value:
    *lists, limit = args
    taken: list[list[Value]] = lists  # type: ignore[assignment]
    turns = min(map(len, taken))
    check_size(turns * (len(taken) + 1), whole(limit, "limit"))
    return [list(row) for row in zip(*taken, strict=False)]


def _enumerate(items: list[Value], *rest: Value) -> Value:
    *given, limit = rest
    check_size(3 * len(items), whole(limit, "limit"))
    return [[index, item] for index, item in enumerate(items, whole(given[0], "a start") if given else 0)]


def _dict(pairs: list[Value]) -> Value:
    made: dict[str, Value] = {}
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2:
            raise FunctionError("type", "expected a list of pairs [key, value], got one with something else")
        if type(pair[0]) is not str:
            raise FunctionError("type", f"expected text as the key of a member, got {kind_of(pair[0])}")
        made[pair[0]] = pair[1]
    return made


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


ENTRIES = (
    Entry("len", "value:text|list|object", "number", len, "The number of characters, items or members.",
          (('len("abc")', "3"),)),
    Entry("get", "base:any key:any default:any?", "any", _get,
          "The member or item; the default (null) where there is none, or where base is null.",
          (('get({"a": 1}, "b", 0)', "0"),)),
    Entry("coalesce", "values:any*", "any", _coalesce, "The first that is not null.", (("coalesce(None, 2)", "2"),)),
    Entry("keys", "object:object", "list", lambda o: sorted(o), "The names of the members, sorted.",
          (('keys({"b": 1, "a": 2})', '["a", "b"]'),)),
    Entry("values", "object:object", "list", lambda o: [o[key] for key in sorted(o)],
          "The values of the members, sorted by name.", (('values({"b": 1, "a": 2})', "[2, 1]"),)),
    Entry("entries", "object:object", "list", lambda o: [{"key": key, "value": o[key]} for key in sorted(o)],
          "The members as objects of key and value, sorted by key.",
          (('entries({"a": 2})', '[{"key": "a", "value": 2}]'),)),
    Entry("merge", "objects:object*", "object", _merge, "All members; of equal names the last.",
          (('merge({"a": 1}, {"a": 2})', '{"a": 2}'),)),
    Entry("dict", "pairs:list", "object", _dict,
          "The members that a list of `[key, value]` pairs names; of equal keys the last.",
          (('dict([["a", 1], ["b", 2]])', '{"a": 1, "b": 2}'),)),
    Entry("any", "items:list", "boolean", lambda items: any(_booleans(items)), "Whether one is true.",
          (("any([False, True])", "True"),)),
    Entry("all", "items:list", "boolean", lambda items: all(_booleans(items)), "Whether all are true.",
          (("all([])", "True"),)),
    Entry("contains", "base:any item:any", "boolean", _contains, "Whether the list, object or text has it.",
          (("contains([1, 2], 2)", "True"),)),
    Entry("sorted", "items:list descending:boolean?", "list",
          lambda items, descending=False: sorted(comparable(items), reverse=descending),
          "Numbers, or texts by code point, in order.", (("sorted([2, 1])", "[1, 2]"),)),
    Entry("sort_by", "items:list member:text", "list", _sort_by, "Objects in the order of one member.",
          (('sort_by([{"a": 2}, {"a": 1}], "a")', '[{"a": 1}, {"a": 2}]'),)),
    Entry("reversed", "items:list", "list", lambda items: items[::-1], "In the opposite order.",
          (("reversed([1, 2])", "[2, 1]"),)),
    Entry("unique", "items:list", "list", _unique, "Without repetitions; the first of each stays.",
          (("unique([1, 2, 1])", "[1, 2]"),), sized=True),
    Entry("flatten", "items:list", "list", _flatten, "A list of lists as one list.",
          (("flatten([[1], [2, 3]])", "[1, 2, 3]"),), sized=True),
    Entry("first", "items:list", "any", lambda items: _end(items, 0), "The first item.", (("first([1, 2])", "1"),)),
    Entry("last", "items:list", "any", lambda items: _end(items, -1), "The last item.", (("last([1, 2])", "2"),)),
    Entry("zip", "lists:list*", "list", _zip, "Lists of the first items, of the second, and so on, up to the shortest.",
          (('zip(["a", "b"], [1, 2])', '[["a", 1], ["b", 2]]'),), sized=True),
    Entry("enumerate", "items:list start:number?", "list", _enumerate,
          "Each item with its number, counted from start (0).", (('enumerate(["a", "b"], 1)', '[[1, "a"], [2, "b"]]'),),
          sized=True),
    Entry("range", "start_or_stop:number stop:number? step:number?", "list", _range,
          "The whole numbers from start (0) up to, without, stop, each a step (1) after the one before.",
          (("range(3)", "[0, 1, 2]"), ("range(0, 10, 4)", "[0, 4, 8]")), sized=True),
)  # fmt: skip
