"""Expressions: text and back, meaning (against Python's own where it is the same), bounds, and what goes wrong."""

from __future__ import annotations

import contextlib
import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import pytest
from armillary_engine.definition.codec import expression_from_json, expression_to_json
from armillary_engine.definition.expressions import (
    CORE,
    Budget,
    ExpressionFailure,
    ExpressionSyntaxError,
    Function,
    UnknownFunctionError,
    check,
    compile_expression,
    functions_of,
    parse,
    paths_of,
    roots_of,
    text,
    user_function,
)
from armillary_engine.definition.model import Const, Expression, Format, Get, Op, Value
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.values import dumps, normalize
from armillary_engine.testing.strategies import expressions, numbers, texts, values
from hypothesis import given, settings
from hypothesis import strategies as st


def value_of(source: str, **roots: Any) -> Any:
    return compile_expression(parse(source))({name: normalize(value) for name, value in roots.items()})


def assert_code(error: ArmillaryError, *codes: str) -> None:
    assert error.code.startswith("expression.")
    assert not codes or error.code.removeprefix("expression.") in codes


@given(texts(), st.sampled_from([2**31, 2**63, 2**64, 10**33]), st.sampled_from([-1, 1]), st.integers(-1, 1))
def test_whole_numbers_beyond_those_of_the_machine_are_values_or_failures(
    given_text: str, size: int, sign: int, near: int
) -> None:
    for source in ("pad_left(s, n)", 'pad_right(s, n, "-")', "s[n:]", "s[:n]", "range(n, n + 2)", "round(1.5, n)"):
        with contextlib.suppress(ExpressionFailure):
            value_of(source, s=given_text, n=sign * size + near)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(expressions())
@settings(max_examples=200)
def test_text_and_json_read_back_as_the_same(expression: Expression) -> None:
    assert parse(text(expression)) == expression
    assert expression_from_json(expression_to_json(expression)) == expression


@pytest.mark.parametrize(
    "source",
    [
        "a.b + 1.5 * -c",
        "-2 ** 2",
        "(-2) ** 2",
        "not (a and b) or c",
        "x is None",
        "x is not None",
        "xs[0].name",
        'a["b"].c',
        "items[1:]",
        "items[:-1]",
        'f"Policy {a.b:,} and {c:.2f} {{}}"',
        "f\"{get(a, 'b')}\"",
        "[x.price * 2 for x in xs if x.ok]",
        "a * (risk@2(x))",
        "risk@2(x) * a",
        '{"a": 1, "b": [1, {"c": None}]}',
        "a if b else c if d else e",
        "(a if b else c) if d else e",
        "a - (b - c)",
        "a - b - c",
        "2 ** -1",
        "1e+40",
        "0.1234567890123456789012345678901234",
        "a and (b and c)",
        "not a == b",
        "-(a + b)",
        "x not in [1, 2]",
        "(a or b)[0]",
        '"it\'s"',
        '"a\\nb"',
        "(a < b) == True",
        "f\"{f'{a}'}\"",
        "[[y for y in x] for x in z]",
    ],
)
def test_text_stays(source: str) -> None:
    assert text(parse(source)) == source


@pytest.mark.parametrize(
    ("source", "canonical"),
    [
        ("a < b <= c", "a < b and b <= c"),
        ("(a, b)", "[a, b]"),
        ("x.upper()", "upper(x)"),
        ("1.50", "1.5"),
        ('", ".join(xs)', 'join(xs, ", ")'),
        ("any(x > 1 for x in xs)", "any([x > 1 for x in xs])"),
        ("1e0", "1"),
        ("[x for x in xs if a if b]", "[x for x in xs if a and b]"),
        ("'a'", '"a"'),
        ("a[\n0\n]", "a[0]"),
        ("f\"{1}{'a'}b\"", 'f"{1}ab"'),
        ("0x10", "16"),
        ("1_000.50", "1000.5"),
        ("--1", "1"),
        ("a==None", "a is None"),
    ],
)
def test_other_spellings(source: str, canonical: str) -> None:
    assert text(parse(source)) == canonical


def test_numbers_come_from_the_source_not_from_binary() -> None:
    assert parse("0.1000000000000000055511151231257827") == Const(Decimal("0.1000000000000000055511151231257827"))
    assert parse("müller.größe + 0.30000000000000004441").args[1] == Const(Decimal("0.30000000000000004441"))  # type: ignore[union-attr]
    assert parse('f"{1.25 + x}"') == Format((Op("+", (Const(Decimal("1.25")), Get("x"))),))


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("lambda x: x", "write a comprehension"),
        ("a & b", "write `and` and `or`"),
        ("x.foo()", "the methods are"),
        ("f(a=1)", "write the value alone"),
        ("a is b", "write == or !="),
        ("{**a}", "write merge(a, b)"),
        ("xs[::2]", "write reversed"),
        ("f'{x!r}'", "leave !r"),
        ("(a := 1)", "assign the name in a statement"),
        ("{a for a in b}", "write unique"),
        ("a @ b", "put name@major"),
        ("[x for x in y for z in x]", "write one `for`"),
    ],
)
def test_what_has_no_meaning_says_what_to_write(source: str, hint: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse(source)
    assert caught.value.code == "expression.syntax"
    assert caught.value.hint.startswith(hint)


def test_all_syntax_problems_at_once_with_places() -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse("ä + (lambda: 1) + b.foo()")
    spans = [problem.span for problem in caught.value.problems]
    assert [(span.line, span.column, span.end_column) for span in spans if span] == [(1, 5, 14), (1, 18, 25)]


@given(st.text(max_size=60) | st.text("()[]{}+-*/%.,:'\"\\fab01 @<>=!notinrel\n#", max_size=60))
@settings(max_examples=200)
def test_any_text_is_an_expression_or_a_clear_error(source: str) -> None:
    try:
        expression = parse(source)
    except ArmillaryError as error:
        assert_code(error)
    else:
        assert parse(text(expression)) == expression


@pytest.mark.parametrize(
    "source",
    [
        "(" * 150 + "1" + ")" * 150,
        "-" * 60_000 + "x",
        "not " * 9_000 + "x",
        "+".join("a" * 300),
        "a" + ".b" * 20_000,
        "a<" * 5_000 + "a",
        "1" * 5_000,
        "[" * 199 + "]" * 199,
        "a < (" * 90 + "a" + " < b) < c" * 90,
    ],
)
def test_huge_texts_are_refused_quickly(source: str) -> None:
    try:
        parse(source)
    except ArmillaryError as error:
        assert_code(error, "too-deep", "too-large", "syntax")


# ── meaning ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_ROOTS = {"a": 7, "b": -3, "c": Decimal("2.5"), "s": "policy", "t": "Claim", "yes": True, "no": False, "xs": [3, 1, 2]}
_DECIMALS = Context(prec=34, rounding=ROUND_HALF_EVEN, Emax=6144, Emin=-6143)


def _sources() -> st.SearchStrategy[str]:
    number = st.sampled_from(["a", "b", "1", "2", "10", "0", "-4", "len(s)", "xs[0]", "sum(xs)", "max(xs)", "abs(b)"])
    truth = st.sampled_from(["yes", "no", "True", "a > b", "s == t", "a in xs", '"o" in s', "a != c"])
    words = st.sampled_from(["s", "t", '"x"', "s[1:3]", "s.upper()", 't.replace("a", "b")', 'f"{a}-{s}"', "s[-1]"])

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        op = st.sampled_from(["+", "-", "*", "//", "%"])
        return st.one_of(
            st.builds("({} {} {})".format, inner, op, inner),
            st.builds("(-{})".format, inner),
            st.builds("({} if {} else {})".format, inner, truth, inner),
            st.builds("sum([x * {} for x in xs if x > {}])".format, inner, number),
            st.builds("len({} * 2)".format, words),
        )

    numeric = st.recursive(number, larger, max_leaves=6)
    compared = st.builds("{} {} {}".format, numeric, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), numeric)
    logic = st.recursive(
        st.one_of(truth, compared.map("({})".format)),
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner), inner.map("(not {})".format)
        ),
        max_leaves=6,
    )
    return st.one_of(
        numeric, logic, st.builds("{} + {}".format, words, words), st.builds("{} < {}".format, words, words)
    )


@given(_sources())
@settings(max_examples=200)
def test_means_what_python_means(source: str) -> None:
    try:
        expected = eval(source, dict(_ROOTS))
    except ZeroDivisionError:
        with pytest.raises(ExpressionFailure) as caught:
            value_of(source, **_ROOTS)
        assert caught.value.code == "expression.division-by-zero"
        return
    found = value_of(source, **_ROOTS)
    assert found == expected
    assert type(found) is type(expected)


@given(numbers(), numbers(), st.sampled_from(["+", "-", "*", "/"]))
@settings(max_examples=200)
def test_arithmetic_is_that_of_34_digit_decimals(x: int | Decimal, y: int | Decimal, op: str) -> None:
    compute = {"+": _DECIMALS.add, "-": _DECIMALS.subtract, "*": _DECIMALS.multiply, "/": _DECIMALS.divide}[op]
    _DECIMALS.clear_flags()
    if op == "/" and y == 0:
        return
    expected = compute(x, y)
    try:
        found = value_of(f"x {op} y", x=x, y=y)
    except ExpressionFailure as failure:
        assert_code(failure, "number")
        assert expected.adjusted() >= 34  # whole numbers that are no longer exact, or out of range
    else:
        assert found == expected
        assert dumps(found) == dumps(normalize(found))


@given(numbers(), numbers().filter(bool))
@settings(max_examples=200)
def test_floor_division_and_rest_fit_together(x: int | Decimal, y: int | Decimal) -> None:
    try:
        quotient, rest = value_of("x // y", x=x, y=y), value_of("x % y", x=x, y=y)
    except ExpressionFailure as failure:
        assert_code(failure, "number")
        return
    exact = Context(prec=500, Emax=999_999, Emin=-999_999)
    whole = exact.divide(x, y).to_integral_value("ROUND_FLOOR")
    assert quotient == whole
    assert rest == 0 or (rest < 0) == (y < 0)
    assert abs(rest) <= abs(y)


def test_examples_of_the_issue_of_money() -> None:
    assert value_of("100.10 + 200.20") == Decimal("300.3")
    assert value_of("1 / 3") == Decimal("0." + "3" * 34)
    assert value_of("0.1 + 0.2 == 0.3") is True
    assert value_of("money(12000.5, 2)") == "12000.50"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("True == 1", False),
        ("1 == 1.0", True),
        ("[1, True] == [1, 1]", False),
        ("1 in [True]", False),
        ('{"a": [1]} == {"a": [1.0]}', True),
        ("None == False", False),
        ("x is None", True),
        ('"1" == 1', False),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7.5 % -2", Decimal("-0.5")),
        ("2 ** -1", Decimal("0.5")),
        ("0 ** 0", 1),
        ("(-2) ** 3", -8),
        ("2 ** 0.5", Decimal("1.414213562373095048801688724209698")),
        ("1 < 2 < 3", True),
        ('f"{12000.5:,.2f} {True} {x} {1e2}"', "12,000.50 True None 100"),
        ("False and 1 / 0 > 1", False),
        ('get(x, "y", 3)', 3),
        ('"ab" * 3', "ababab"),
        ("[1] + [2]", [1, 2]),
        ('"abc"[-2:]', "bc"),
    ],
)
def test_meaning(source: str, expected: Value) -> None:
    found = value_of(source, x=None)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("source", "code", "values_"),
    [
        ("quote.premum", "missing", {}),
        ("nobody", "missing", {}),
        ("nothing.x", "null", {}),
        ("n.x", "type", {"n": 5}),
        ("n < s", "type", {"n": 5, "s": "x"}),
        ("n + s", "type", {"n": 5, "s": "x"}),
        ("n / 0", "division-by-zero", {"n": 5}),
        ("n and True", "type", {"n": 5}),
        ("not s", "type", {"s": "x"}),
        ("1 if n else 2", "type", {"n": 5}),
        ("xs[9]", "index", {}),
        ("xs[0.5]", "type", {"xs": [1]}),
        ("2 ** 200", "number", {}),
        ("9" * 34 + " + 2", "number", {}),
        ("1e6144 * 10", "number", {}),
        ("upper(n)", "type", {"n": 5}),
        ('number("x")', "value", {}),
        ('"a" * 2000000', "size", {}),
        ("range(3000000)", "size", {}),
        ("[[1 for a in range(2000)] for b in range(2000)]", "budget", {}),
        ("True < False", "type", {}),
        ("[1] < [2]", "type", {}),
        ("(-8) ** 0.5", "number", {}),
        ("first([])", "value", {}),
        ('date_add("soon", "P1D")', "value", {}),
        ("sum([1, True])", "type", {}),
        ("n in 5", "type", {"n": 5}),
    ],
)
def test_failures_name_the_expression_and_the_values(source: str, code: str, values_: dict[str, Value]) -> None:
    with pytest.raises(ExpressionFailure) as caught:
        value_of(source, quote={"premium": 1}, nothing=None, n=5, s="x", xs=[1])
    assert caught.value.code == f"expression.{code}"
    assert caught.value.text
    assert caught.value.values == values_ or values_ == {}
    assert "expected" in caught.value.message


def test_a_failure_names_the_innermost_expression() -> None:
    with pytest.raises(ExpressionFailure) as caught:
        value_of("1 + (2 * (n / 0))", n=1)
    assert caught.value.text == "n / 0"


@given(expressions(), st.dictionaries(st.sampled_from(["amount", "premium", "x", "quote", "policy"]), values(6)))
@settings(max_examples=200)
def test_evaluation_is_total(expression: Expression, roots: dict[str, Any]) -> None:
    functions = {
        **CORE,
        "risk@1": user_function(lambda *_: 1, major=1, name="risk"),
        "score_of@12": user_function(lambda: {"a": 1.5}, major=12, name="score_of"),
    }
    before = dumps(roots)
    try:
        found = compile_expression(expression, functions)(roots)
    except ExpressionFailure as failure:
        assert_code(failure)
    else:
        assert dumps(normalize(found)) == dumps(found)
    assert dumps(roots) == before


def test_budget_is_fresh_for_every_call() -> None:
    run = compile_expression(parse("[x for x in range(300)]"), budget=Budget(steps=1_000))
    for _ in range(20):
        assert len(run({})) == 300


def test_results_that_grow_by_sharing_are_refused() -> None:
    source = "x"
    for depth in range(24):
        source = f"[[y{depth}, y{depth}] for y{depth} in {source}]"
    with pytest.raises(ExpressionFailure) as caught:
        value_of(source, x=[1, 2])
    assert caught.value.code in ("expression.size", "expression.budget")
    with pytest.raises(ExpressionFailure):
        value_of(f"{source} == {source}", x=[1, 2])


def test_user_functions() -> None:
    def risk(amount: Decimal, factor: int = 2) -> float:
        """The risk of an amount."""
        return float(amount) * factor

    def broken() -> object:
        return object()

    functions = {**CORE, "risk@2": user_function(risk, major=2), "broken@1": user_function(broken, major=1)}
    assert compile_expression(parse("risk@2(x) * 2"), functions)({"x": Decimal("1.5")}) == 6
    with pytest.raises(ExpressionFailure, match="to give a JSON value"):
        compile_expression(parse("broken@1()"), functions)({})
    with pytest.raises(ExpressionFailure, match="raised TypeError"):
        compile_expression(parse("risk@2(x)"), functions)({"x": None})
    with pytest.raises(UnknownFunctionError) as caught:
        compile_expression(parse("risk@3(x)"), functions)
    assert caught.value.name == "risk@3"


# ── functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("function", CORE.values(), ids=lambda function: function.name)
def test_documented_examples_are_true(function: Function) -> None:
    assert function.examples
    assert function.doc.endswith(".")
    for source, result in function.examples:
        assert dumps(value_of(source)) == dumps(value_of(result))


@pytest.mark.parametrize("function", CORE.values(), ids=lambda function: function.name)
@given(data=st.data())
@settings(max_examples=15)
def test_functions_are_total(function: Function, data: st.DataObject) -> None:
    count = data.draw(st.integers(function.least, function.most or function.least + 2))
    given_ = [data.draw(st.one_of(values(5), texts(), numbers())) for _ in range(count)]
    call = f"{function.name}({', '.join(f'v{i}' for i in range(count))})"
    try:
        found = value_of(call, **{f"v{i}": value for i, value in enumerate(given_)})
    except ExpressionFailure as failure:
        assert_code(failure)
    else:
        assert dumps(normalize(found)) == dumps(found)


@given(numbers(), st.integers(0, 6))
def test_rounding_is_half_even_whatever_the_thread_does(x: int | Decimal, places: int) -> None:
    try:
        found = value_of(f"round(x, {places})", x=x)
    except ExpressionFailure as failure:
        assert_code(failure, "number")
        return
    exact = Context(prec=500, Emax=999_999, Emin=-999_999)
    assert found == exact.create_decimal(x).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, exact)
    assert not isinstance(found, float)
    assert not math.isnan(found)


# ── analysis ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_names_and_functions() -> None:
    expression = parse("[upper(x.a) + y for x in quote.items if x.ok] + [x.b]")
    assert paths_of(expression) == {"quote.items", "y", "x.b"}
    assert roots_of(expression) == {"quote", "y", "x"}
    assert functions_of(expression) == {"upper"}


QUOTE = {
    "type": "object",
    "properties": {
        "premium": {"type": "number"},
        "name": {"type": "string"},
        "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "$defs": {"Item": {"type": "object", "properties": {"price": {"type": "string", "format": "decimal"}}}},
}


@pytest.mark.parametrize(
    ("source", "code", "pointer"),
    [
        ("quote.premum > 1", "expression.unknown-member", "/args/0"),
        ('quote.premium > "a"', "expression.type", ""),
        ("not quote.premium", "expression.type", "/args/0"),
        ("[i.prise for i in quote.items]", "expression.unknown-member", "/map/to"),
        ("quote.items[0].prise", "expression.unknown-member", "/args/1"),
        ("quote.name + 1", "expression.type", ""),
        ("lenn(1)", "expression.unknown-function", "/fn"),
        ("len()", "expression.arguments", "/args"),
        ("qote", "expression.unknown-name", ""),
        ("1 if quote.name else 2", "expression.type", "/if/0"),
        ("quote.premium.x", "expression.type", ""),
        ('f"{upper(1)}"', "expression.type", "/format/0/args/0"),
    ],
)
def test_check_finds(source: str, code: str, pointer: str) -> None:
    found = check(parse(source), {"quote"}, {"quote": QUOTE})
    assert [(problem.code, problem.pointer) for problem in found] == [(code, pointer)]


@pytest.mark.parametrize(
    "source",
    [
        "quote.premium > 1 and quote.note is None",
        "quote.items[0].price + 1",
        "[i.price * 2 for i in quote.items]",
        "upper(quote.note)",
        "quote.premium == quote.name",
        'quote.items[0]["price"]',
        "[quote for quote in [1]]",
    ],
)
def test_check_lets_pass(source: str) -> None:
    assert check(parse(source), {"quote"}, {"quote": QUOTE}) == []
