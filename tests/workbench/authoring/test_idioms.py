"""Python's own ways of writing a value mean in a workflow what they mean in Python."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from statistics import mean

import pytest
from armillary.authoring.decompiler import compiled as run
from armillary.authoring.decompiler import decompile
from armillary_engine.definition.expressions import compile_expression
from armillary_engine.definition.expressions.printing import text
from armillary_engine.definition.model import Set
from armillary_engine.definition.values import normalize
from hypothesis import given
from hypothesis import strategies as st

PARAMETERS = (
    "xs: list[int], words: list[str], rows: list[dict], prices: dict[str, int], amount: Decimal, day: date, "
    "at: datetime"
)
IDIOMS = (
    "[i * x for i, x in enumerate(xs)]",
    "[i * x for i, x in enumerate(xs, start=1)]",
    "[f'{word}{x}' for word, x in zip(words, xs)]",
    "[a + b for (a, b), c in zip(zip(xs, xs), words)]",
    "{key: value + 1 for key, value in prices.items() if value > 2}",
    "{word: len(word) for word in words}",
    "dict(zip(words, xs))",
    "{**prices, 'total': sum(prices.values())}",
    "{words[0]: xs, 'n': 1} if len(words) > 0 else {}",
    "[x * y for x in xs for y in xs if x < y]",
    "sorted(rows, key=lambda row: row['n'])",
    "sorted(rows, key=lambda row: row['n'], reverse=True)",
    "sorted(rows, key=lambda row: (row['n'], row['s']))",
    "sorted(rows, key=lambda row: (row['s'], row['n']), reverse=True)",
    "max(rows, key=lambda row: row['n']) if len(rows) > 0 else None",
    "min(rows, key=lambda row: row['n']) if len(rows) > 0 else None",
    "next((x for x in xs if x > 3), None)",
    "sum(xs, start=10)",
    "sum((x * x for x in xs), start=0)",
    "mean(xs) if len(xs) > 0 else 0",
    "list(range(0, 20, 7))",
    "list(reversed(xs))",
    "[xs[i : i + 2] for i in range(0, len(xs), 2)]",
    "'many' if len(xs) not in {0, 1, 2} else 'few'",
    "amount.quantize(Decimal('0.01'))",
    "amount.quantize(Decimal('0.1'), rounding=ROUND_HALF_UP)",
    "(day - date(2026, 1, 1)).days",
    "(at - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()",
    "at - datetime(2026, 1, 1, tzinfo=UTC) > timedelta(days=10)",
    "[f'{x:>5}|{x:<4}|{x:*>6}' for x in xs]",
    "f'{amount:>12,.2f}'",
    "round(amount, ndigits=1)",
    "','.join(words).split(sep=',')",
)
ROWS = st.lists(st.fixed_dictionaries({"n": st.integers(0, 3), "s": st.sampled_from("abc")}), max_size=6)
WORDS = st.lists(st.text("abc", min_size=1, max_size=3), max_size=5)


def of(value: object) -> object:
    """A value as the engine knows it."""
    if isinstance(value, dict):
        return {key: of(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [of(inner) for inner in value]
    return normalize(value)


@pytest.fixture(scope="module")
def idioms(compile_module):
    """Each idiom's expression, once from its own source and once from what it decompiles to."""
    found = {}
    for source in IDIOMS:
        flow = compile_module(f"@workflow\ndef flow({PARAMETERS}):\n    x = {source}\n")
        assert run(decompile(flow)).digest == flow.digest
        (step,) = flow.definition.body
        assert isinstance(step, Set)
        found[source] = compile_expression(step.assign["x"])
    return found


DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@given(
    xs=st.lists(st.integers(-5, 9), max_size=5), words=WORDS, rows=ROWS, day=DAYS, hours=st.integers(0, 10_000),
    prices=st.dictionaries(st.text("xyz", min_size=1, max_size=2), st.integers(0, 5), max_size=4),
    amount=st.decimals(-10_000, 10_000, places=3),
)  # fmt: skip
def test_they_give_what_python_gives(idioms, hours, **values):
    values["at"] = datetime(2025, 12, 1, tzinfo=UTC) + timedelta(hours=hours)
    names = {"Decimal": Decimal, "ROUND_HALF_UP": ROUND_HALF_UP, "mean": mean, "date": date, "UTC": UTC}
    names |= {"datetime": datetime, "timedelta": timedelta}
    for source, evaluate in idioms.items():
        expected = eval(source, {**names, **values})
        if source.startswith("mean"):
            expected = Context(prec=34).divide(Decimal(sum(values["xs"])), Decimal(max(len(values["xs"]), 1)))
        elif "total_seconds" in source:
            expected = Decimal(str(expected))
        assert evaluate({"input": of(values)}) == of(expected), source


def test_a_part_of_an_item_has_the_members_of_its_model(refusal):
    error = refusal(
        "for i, line in enumerate(app.quote.lines):\n    x = line.nam\n"
        "for a, b in zip([1], app.quote.lines):\n    y = b.prize"
    )
    assert [(problem.code, problem.hint) for problem in error.problems] == [
        ("member.unknown", "did you mean 'name'?"),
        ("member.unknown", "did you mean 'price'?"),
    ]


def test_what_is_said_of_a_part_uses_its_name(refusal):
    error = refusal("for a, b in zip([1], ['x']):\n    if b:\n        y = a")
    (problem,) = [one for one in error.problems if one.code == "expression.type"]
    assert problem.message.endswith("got text from `b`")
    assert problem.hint == 'compare it: b != ""'


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ('x = {}\nx[app.email] = 1', 'merge(x, dict([[input.email, 1]]))'),
        ('x = {}\nx["a b"] = 1', 'merge(x, {"a b": 1})'),
        ('x = {}\nx[app.email] += 1', 'merge(x, dict([[input.email, x[input.email] + 1]]))'),
        (
            'x = {}\nx.setdefault(app.email, []).append(2)',
            'merge(x, dict([[input.email, get(x, input.email, []) + [2]]]))',
        ),
        ('x = {}\nx[app.email].append(2)', 'merge(x, dict([[input.email, x[input.email] + [2]]]))'),
    ],
)  # fmt: skip
def test_a_member_of_any_key_is_assigned(steps, body, after):
    *_, last = steps(body)
    assert text(last.assign["x"]) == after


def test_a_name_with_a_star_takes_the_rest(steps):
    *_, last = steps("xs = [1, 2, 3, 4]\na, *b, c = xs")
    assert {name: text(value) for name, value in last.assign.items()} == {"a": "xs[0]", "b": "xs[1:-1]", "c": "xs[-1]"}
    *_, last = steps("xs = [1, 2, 3, 4]\na, *b = xs")
    assert text(last.assign["b"]) == "xs[1:]"


def test_cases_of_several_values(steps):
    (step,) = steps(
        'match app.email, app.amount:\n    case "a", 1 | 2:\n        x = 1\n'
        '    case ("b", _) | (_, 3):\n        x = 2\n'
        "    case _, None if app.amount > 1:\n        x = 3\n    case _:\n        x = 4"
    )
    assert [text(branch.when) for branch in step.branches] == [
        'input.email == "a" and input.amount in [1, 2]',
        'input.email == "b" or input.amount == 3',
        "input.amount is None and input.amount > 1",
    ]
