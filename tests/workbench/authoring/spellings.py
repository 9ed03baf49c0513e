# ruff: noqa: E501, ISC004 - a spelling on a line
"""Every construct of the language with its Python and its YAML spelling: tested, and shown in the language reference."""

from __future__ import annotations

from typing import NamedTuple


class Spelling(NamedTuple):
    """``field`` of a step of ``kind``; ``python`` is one or more statements, ``yaml`` the field's line in the step."""

    kind: str
    field: str
    python: str
    yaml: str


SPELLINGS = tuple(
    Spelling(*row)
    for row in (
        ("set", "assign", "total = app.amount + 1", "assign: {total: input.amount + 1}"),
        ("reference", "key", "business_reference(app.policy_id)", "key: input.policy_id"),
        ("reference", "parts", "business_reference(app.policy_id, mail=app.email)", "parts: {mail: input.email}"),
        ("call", "to", 'call("rating/quote")', "to: rating/quote"),
        ("call", "arguments", 'call("rating/quote", policy=app.policy_id)', "arguments: {policy: input.policy_id}"),
        ("call", "arguments", 'call("rating/quote", arguments={"id": 1, "x y": 2})', "arguments: {id: 1, x y: 2}"),
        ("call", "reply", 'quote = call("rating/quote", reply=Line)', "reply: {title: Line, type: object, …}"),
        ("call", "result", 'quote = call("rating/quote")', "result: quote"),
        ("call", "timeout", 'call("rating/quote", timeout="2h")', "timeout: 2h"),
        ("call", "attempt_timeout", 'call("rating/quote", attempt_timeout="5s")', "attempt_timeout: 5s"),
        ("call", "retry", 'call("rating/quote", retry=Retry(max_attempts=3))', "retry: {attempts: 3}"),
        ("call", "retry", 'call("a/b", retry=Retry(backoff="2s", factor=1.5))', "retry: {backoff: 2s, factor: 1.5}"),
        ("call", "retry", 'call("a/b", retry=Retry(max_backoff="1m", jitter=0.1))', "retry: {max: 1m, jitter: 0.1}"),
        ("call", "retry", 'call("a/b", retry=Retry(on=["timeout"]))', "retry: {on: [timeout]}"),
        ("call", "heartbeat", 'call("rating/quote", heartbeat="10s")', "heartbeat: 10s"),
        ("task", "name", 'task("Review")', "name: Review"),
        ("task", "title", 'task("Review", title=f"Review {app.policy_id}")', 'title: f"Review {input.policy_id}"'),
        ("task", "roles", 'task("Review", roles=["clerk"])', "roles: [clerk]"),
        ("task", "assignee", 'task("Review", assignee=app.email)', "assignee: input.email"),
        ("task", "payload", 'task("Review", payload={"amount": app.amount})', "payload: {amount: input.amount}"),
        ("task", "answer", 'task("Review", answer=Line)', "answer: {title: Line, type: object, …}"),
        ("task", "check", 'task("R", check=[Check(lambda answer: answer.x > 1, "no")])',
         "check: [{when: answer.x > 1, message: '\"no\"'}]"),
        ("task", "result", 'answer = task("Review")', "result: answer"),
        ("task", "due", 'task("Review", due="3d")', "due: '\"P3D\"'"),
        ("task", "escalate", 'task("R", escalate=Escalation(after="2d", roles=["lead"]))',
         "escalate: {after: 2d, roles: [lead]}"),
        ("task", "timeout", 'task("Review", timeout="9d")', "timeout: 9d"),
        ("task", "priority", 'task("Review", priority=3)', "priority: 3"),
        ("decision", "branches", 'if app.amount > 3:\n    sleep("1s")',
         "branches: [{when: input.amount > 3, body: […]}]"),
        ("decision", "otherwise", 'if app.amount > 3:\n    sleep("1s")\nelse:\n    sleep("2s")', "otherwise: […]"),
        ("repeat", "while", 'n = 0\nwhile n < 3:\n    n += 1', "while: n < 3"),
        ("repeat", "until", 'n = 0\nwhile loop(until=n > 3):\n    n += 1', "until: n > 3"),
        ("repeat", "max", 'n = 0\nwhile loop(n < 3, max=10):\n    n += 1', "max: 10"),
        ("repeat", "body", 'n = 0\nwhile n < 3:\n    n += 1', "body: […]"),
        ("each", "items", 'for line in app.quote.lines:\n    call("a/b", x=line.name)', "items: input.quote.lines"),
        ("each", "as", 'for line in app.quote.lines:\n    call("a/b", x=line.name)', "as: line"),
        ("each", "body", 'for line in app.quote.lines:\n    call("a/b", x=line.name)', "body: […]"),
        ("each", "parallel", 'for line in each(app.quote.lines, parallel=4):\n    call("a/b")', "parallel: 4"),
        ("each", "collect", "for line in app.quote.lines:\n    prices = collect(line.price)", "collect: line.price"),
        ("each", "result", "for line in app.quote.lines:\n    prices = collect(line.price)", "result: prices"),
        ("fork", "branches", 'with parallel():\n    with branch("mail"):\n        call("mail/send")',
         "branches: [{label: mail, body: […]}]"),
        ("fork", "join", 'with parallel(join="any"):\n    with branch("mail"):\n        call("mail/send")', "join: any"),
        ("timer", "after", 'sleep("2h")', "after: '\"PT2H\"'"),
        ("timer", "at", "sleep_until(now + timedelta(days=3))", 'at: date_add(now, "P3D")'),
        ("signal", "name", 'wait_for_signal("paid")', "name: paid"),
        ("signal", "match", 'wait_for_signal("paid", match=app.policy_id)', "match: input.policy_id"),
        ("signal", "payload", 'wait_for_signal("paid", payload=Line)', "payload: {title: Line, type: object, …}"),
        ("signal", "result", 'payment = wait_for_signal("paid")', "result: payment"),
        ("signal", "timeout", 'wait_for_signal("paid", timeout="14d")', "timeout: 14d"),
        ("subworkflow", "workflow", 'subworkflow("IssuePolicy")', "workflow: IssuePolicy"),
        ("subworkflow", "version", 'subworkflow("IssuePolicy", version="^1.2")', "version: ^1.2"),
        ("subworkflow", "input", 'subworkflow("IssuePolicy", policy=app.policy_id)', "input: {policy: input.policy_id}"),
        ("subworkflow", "result", 'issued = subworkflow("IssuePolicy")', "result: issued"),
        ("subworkflow", "timeout", 'subworkflow("IssuePolicy", timeout="1h")', "timeout: 1h"),
        ("continue_with", "workflow", 'continue_with("IssuePolicy")', "workflow: IssuePolicy"),
        ("continue_with", "version", 'continue_with("IssuePolicy", version="^1.2")', "version: ^1.2"),
        ("continue_with", "input", 'continue_with("IssuePolicy", arguments=app)', "input: input"),
        ("try", "body", 'try:\n    call("a/b")\nexcept Timeout:\n    pass', "body: […]"),
        ("try", "handlers", 'try:\n    call("a/b")\nexcept Failure("b.down") as e:\n    note = e.message',
         "handlers: [{catch: [b.down], as: e, body: […]}]"),
        ("try", "compensate", 'call("hotel/book")\nwith compensate():\n    call("hotel/cancel")', "compensate: […]"),
        ("complete", "output", "return app.amount", "output: input.amount"),
        ("fail", "code", 'fail("claim.late", "too late")', "code: '\"claim.late\"'"),
        ("fail", "message", 'fail("claim.late", "too late")', "message: '\"too late\"'"),
    )
)  # fmt: skip


class Whole(NamedTuple):
    """What belongs to the whole definition, or to any step: ``python`` is a whole function; ``yaml`` are lines of the
    document, each by its JSON pointer."""

    title: str
    python: str
    yaml: dict[str, str]


WHOLE = tuple(
    Whole(*row)
    for row in (
        ("name and draft", "@workflow\ndef approve_claim():\n    sleep(\"1s\")", {"/name": "ApproveClaim"}),
        ("name, version", '@workflow(name="Approve", version="1.2.0")\ndef approve_claim():\n    sleep("1s")',
         {"/name": "Approve", "/version": "1.2.0"}),
        ("access", '@workflow(start=["agent"], view=["agent", "auditor"], operate=["ops"])\ndef flow():\n    sleep("1s")',
         {"/access": "{start: [agent], view: [agent, auditor], operate: [ops]}"}),
        ("input: a model", "@workflow\ndef flow(line: Line):\n    total = line.price * 2",
         {"/body/0/assign": "{total: input.price * 2}"}),
        ("input: parameters", "@workflow\ndef flow(name: str, amount: Decimal = Decimal(\"1.50\")):\n    total = amount * 2",
         {"/input/required": "[name]", "/body/0/assign": "{total: input.amount * 2}"}),
        ("output", "@workflow\ndef flow(line: Line) -> Line:\n    return line", {"/output/title": "Line", "/body/0/output": "input"}),
        ("title, description", '@workflow\ndef flow():\n    """Approve it.\n\n    Asks the lead first.\n    """\n    sleep("1s")',
         {"/meta/title": "Approve it.", "/meta/description": "Asks the lead first."}),
        ("id", '@workflow\ndef flow():\n    call("rating/quote", id="ask-for-quote")', {"/body/0/id": "ask-for-quote"}),
        ("id, title, note of a step",
         '@workflow\ndef flow():\n    # Rates change at midnight.\n    step("ask", title="Ask for a quote")\n    call("rating/quote")',
         {"/body/0/id": "ask", "/meta/steps/ask": "{title: Ask for a quote, note: Rates change at midnight.}"}),
        ("labels and layout",
         '@workflow\ndef flow(app: Application):\n    step("dear", labels={"0": "expensive"}, layout={"direction": "right"})\n'
         '    if app.amount > 100:\n        call("mail/lead")',
         {"/meta/steps/dear": "{labels: {'0': expensive}, layout: {direction: right}}"}),
        ("leave", '@workflow\ndef flow(app: Application):\n    while True:\n        answer = call("job/poll")\n'
         "        if answer.done:\n            break", {"/body/0/body/1/branches/0/body/0/kind": "leave"}),
        ("next", '@workflow\ndef flow(app: Application):\n    for line in app.quote.lines:\n        if line.price == 0:\n'
         '            continue\n        call("shop/order", name=line.name)',
         {"/body/0/body/0/branches/0/body/0/kind": "next"}),
        ("match", '@workflow\ndef flow(app: Application):\n    match app.email:\n        case "a@x" | "b@x":\n'
         '            call("mail/us")\n        case _:\n            call("mail/them")',
         {"/body/0/branches/0/when": "input.email in ['a@x', 'b@x']"}),
        ("fragment", '@fragment\ndef tell(address: str):\n    call("mail/send", to=address)\n\n'
         "@workflow\ndef flow(app: Application):\n    tell(app.email)", {"/body/0/arguments": "{to: input.email}"}),
        ("function", "@function(major=2)\ndef risk(amount: Decimal) -> Decimal:\n    return amount * 2\n\n"
         "@workflow\ndef flow(app: Application):\n    high = risk(app.amount) > 9",
         {"/body/0/assign": "{high: risk@2(input.amount) > 9}"}),
        ("captured constant", 'LIMIT = Decimal("99.50")\n\n@workflow\ndef flow(app: Application):\n    high = app.amount > LIMIT',
         {"/body/0/assign": "{high: input.amount > 99.5}"}),
    )
)  # fmt: skip

EXPRESSIONS: tuple[tuple[str, str], ...] = (
    ("12_000.50", "12000.5"), ("'text'", "'\"text\"'"), ("True", "true"), ("None", "null"), ("app.email", "input.email"),
    ("app.quote.lines[0]", "input.quote.lines[0]"), ("app.quote.lines[1:3]", "input.quote.lines[1:3]"),
    ("app.amount * 2 + 1", "input.amount * 2 + 1"), ("-app.amount // 3 % 2", "-input.amount // 3 % 2"),
    ("app.amount ** 2 / 3", "input.amount ** 2 / 3"), ("app.amount >= 10", "input.amount >= 10"),
    ("0 < app.amount <= 10", "0 < input.amount and input.amount <= 10"), ("app.quote is None", "input.quote == None"),
    ("app.email in ['a', 'b']", "input.email in ['a', 'b']"), ("not app.amount == 3", "not input.amount == 3"),
    ("app.amount > 1 and app.amount < 9 or app.email == 'x'", "input.amount > 1 and input.amount < 9 or input.email == 'x'"),
    ("'much' if app.amount > 9 else 'little'", "'\"much\" if input.amount > 9 else \"little\"'"),
    ("[app.email, 'b']", "[input.email, '\"b\"']"), ("{'to': app.email}", "{to: input.email}"),
    ("f'{app.policy_id}: {app.amount:,.2f}'", "'f\"{input.policy_id}: {input.amount:,.2f}\"'"),
    ("[line.price for line in app.quote.lines if line.price > 1]",
     "'[line.price for line in input.quote.lines if line.price > 1]'"),
    ("sum(line.price for line in app.quote.lines)", "sum([line.price for line in input.quote.lines])"),
    ("app.email.upper()", "upper(input.email)"), ("round(app.amount, 2)", "round(input.amount, 2)"),
    ("Outcome(result='paid')", "{result: '\"paid\"', note: null}"), ("now + timedelta(days=3)", 'date_add(now, "P3D")'),
    ("Status.OPEN", "'\"open\"'"),
)  # fmt: skip
"""An expression in Python, and the YAML of what it means."""
