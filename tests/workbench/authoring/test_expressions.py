"""Python expressions → the text of the canonical expression."""

from __future__ import annotations

from decimal import Decimal

import pytest

LIMIT = Decimal("100.10")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1_000", "1000"),
        ("0x10", "16"),
        ("1.0", "1"),
        ("1e0", "1"),
        ("0.1", "0.1"),
        ("1.2345678901234567890123456789", "1.2345678901234567890123456789"),
        ("-3", "-3"),
        ("+3", "3"),
        ('Decimal("1.50")', "1.5"),
        ("Decimal(0.1)", "0.1"),
        ("timedelta(days=1, hours=12)", '"P1DT12H"'),
        ("date(2026, 11, 23)", '"2026-11-23"'),
        ("datetime(2026, 11, 23, 10, tzinfo=UTC)", '"2026-11-23T10:00:00Z"'),
        ("Status.OPEN", '"open"'),
        ("Status.OPEN.value", '"open"'),
        ("arm.now", "now"),
        ("instance.id", "instance.id"),
        ("app.policy_id", "input.policy_id"),
        ("app", "input"),
        ('app["policy_id"]', 'input["policy_id"]'),
        ("app.quote.lines[0].price", 'input.quote.lines[0].price'),
        ("app.quote.lines[1:]", "input.quote.lines[1:]"),
        ("app.quote.lines[-1]", "input.quote.lines[-1]"),
        ("app.amount // 3 % 2 ** 2", "input.amount // 3 % 2 ** 2"),
        ("1 < app.amount <= 3", "1 < input.amount and input.amount <= 3"),
        ("app.quote is None", "input.quote is None"),
        ("app.quote is not None", "input.quote is not None"),
        ("app.email in ['a', 'b']", 'input.email in ["a", "b"]'),
        ("app.email not in ('a', 'b')", 'input.email not in ["a", "b"]'),
        ("not (app.amount > 1 or app.amount < 0)", "not (input.amount > 1 or input.amount < 0)"),
        ("1 if app.amount > 1 else 2", "1 if input.amount > 1 else 2"),
        ("[1, *app.quote.lines]", "[1] + input.quote.lines"),
        ('{"a": 1, "b c": app}', '{"a": 1, "b c": input}'),
        ('{**app.quote, "a": 1}', 'merge(input.quote, {"a": 1})'),
        ("f'{app.amount:,.2f} for {app.email!s}'", 'f"{input.amount:,.2f} for {input.email}"'),
        ("f'{app.amount * 1.10}'", 'f"{input.amount * 1.1}"'),
        ("len(app.email)", "len(input.email)"),
        ("app.email.upper().strip()", "strip(upper(input.email))"),
        ('", ".join([app.email])', 'join([input.email], ", ")'),
        ('app.email.get("x", 1)', 'get(input.email, "x", 1)'),
        ("sum(l.price for l in app.quote.lines if l.price > 1 if l.name != '')",
         'sum([l.price for l in input.quote.lines if l.price > 1 and l.name != ""])'),
        ("sorted(app.quote.lines, key=lambda l: l.price)", 'sort_by(input.quote.lines, "price")'),
        ("sorted([2, 1], reverse=True)", "sorted([2, 1], True)"),
        ("Decimal(app.email)", "number(input.email)"),
        ("functions.money(app.amount)", "money(input.amount)"),
        ("now + timedelta(days=3)", 'date_add(now, "P3D")'),
        ("now - timedelta(hours=1)", 'date_subtract(now, "PT1H")'),
        ("app.quote.due < now", "is_before(input.quote.due, now)"),
        ("app.quote.due >= now", "not is_before(input.quote.due, now)"),
        ("functions.as_text(app.quote.due) < '2026'", 'input.quote.due < "2026"'),
        ("Outcome(result='x')", '{"result": "x", "note": None}'),
        ("Person('Ada')", '{"name": "Ada", "age": 18, "tags": []}'),
        ("Item(key='a')", '{"key": "a"}'),
    ],
)  # fmt: skip
def test_expression(value, written, meant):
    assert value(written) == meant


def test_captured_constants_are_inlined_and_listed(compiled):
    flow = compiled(
        """
        @workflow
        def flow(app: Application):
            x = LIMIT + ONE.real
            y = [DAY, WORDS, Status.CLOSED]
        """,
        LIMIT=LIMIT,
        ONE=type("One", (), {"real": 1}),
        DAY=__import__("datetime").date(2026, 1, 2),
        WORDS=("a", "b"),
    )
    assert flow.captured == {
        "LIMIT": LIMIT, "ONE.real": 1, "DAY": "2026-01-02", "WORDS": ["a", "b"], "Status.CLOSED": "closed",
    }  # fmt: skip
    assert flow.document["body"][0]["assign"]["x"]["args"] == [{"const": Decimal("100.1")}, {"const": 1}]


def test_numbers_come_from_the_source_text(compiled):
    flow = compiled("@workflow\ndef flow():\n    x = 0.1234567890123456789012345678901234\n")
    assert flow.document["body"][0]["assign"]["x"] == {"const": Decimal("0.1234567890123456789012345678901234")}


def test_a_local_name_hides_one_outside(value):
    assert value("[LIMIT for LIMIT in app.quote.lines]", LIMIT=3) == "[LIMIT for LIMIT in input.quote.lines]"


def test_a_function_of_the_authors_own_is_named_with_its_major_version(compiled):
    from armillary.authoring import function

    @function(major=2)
    def risk(amount: Decimal) -> Decimal:
        return amount / 2

    flow = compiled("@workflow\ndef flow(app: Application):\n    x = risk(app.amount)\n", risk=risk)
    assert flow.document["body"][0]["assign"]["x"] == {"fn": "risk@2", "args": [{"get": "input.amount"}]}
    assert risk(Decimal(4)) == 2
