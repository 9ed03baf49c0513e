# ruff: noqa: E501 - each case on a line
"""Broken workflows, each with the body of a function; what is said about them is kept in ``golden/``."""

from __future__ import annotations

HEAD = "@workflow\ndef flow(app: Application):\n"

BODIES: dict[str, str] = {
    # rule 3: where verbs may stand
    "verb-in-condition": 'if call("rating/ok", policy=app.policy_id) and app.amount > 3:\n    pass',
    "verb-in-while": 'while not call("rating/ok"):\n    sleep("1s")',
    "verb-in-argument": 'total = len(call("a/list"))',
    "verb-in-f-string": 'text = f"größer {call(\'a/b\')} 日本 {app.amount}"',
    "verb-in-comprehension": 'quotes = [call("rating/quote", line=line) for line in app.quote.lines]',
    "verb-in-walrus": 'if (ok := task("Approve")):\n    pass',
    "verb-in-or": 'x = app.email or call("mail/find")',
    "verb-augmented": 'x = 1\nx += call("a/b")',
    "verb-unpacked": 'a, b = call("a/pair")',
    "verb-as-value": "x = call",
    "block-verb-alone": 'parallel()\nx = loop(True)',
    # names and constants
    "unknown-name": "x = polcy + 1",
    "unknown-function": "x = quantise(app.amount)",
    "captured-list": "x = RATES[0]\ny = TABLE",
    "captured-float": "x = RATE * 2",
    "captured-object": "x = settings.limit\ny = settings",
    "function-without-call": "x = len",
    "not-deterministic": "a = datetime.now()\nb = time.time()\nc = uuid.uuid4()\nd = random.random()",
    "python-that-runs": 'print("x")\nopen("f")\ny = isinstance(app, dict)\nz = requests.get("u")',
    "unknown-method": "x = app.email.uper()\ny = app.email.encode()",
    "wrong-number-of-arguments": "x = round()\ny = len(app.email, 2)",
    # members
    "misspelt-member": "x = app.polcy_id\nquote = call('rating/quote', reply=Quote)\ny = quote.premuim",
    "misspelt-member-of-an-item": "x = [line.prise for line in app.quote.lines]\nfor line in app.quote.lines:\n    y = line.nam",
    "misspelt-member-of-an-answer":
        'task("T", answer=Quote, check=[Check(lambda answer: answer.premum > 1, "no")])',
    "model-arguments": 'x = Outcome(reslt="a")\ny = Outcome("a")',
    # expressions
    "truth-of-a-text": "if app.email:\n    pass",
    "natural-python": "try_ = 1\nok = task('Try').ok\ncheapest = min(app.quote.lines, key=lambda line: line.price)\n"
        "raise ValueError(f'unknown {app.email}')",
    "operators": "x = app.amount & 3\ny = app.email @ 2\nz = ~app.amount\nw = app.email is app.policy_id",
    "conditions": 'x = app.email or "nobody"\nif "text":\n    pass\nwhile 1:\n    pass',
    "literals": "a = b'x'\nb = 2j\nc = ...\nd = {1, 2}\ne = 12345678901234567890123456789012345.5",
    "formats": 'a = f"{app.amount!r}"\nb = f"{app.amount:>10}"\nc = f"{app.amount:{app.email}}"',
    "long-texts": 'a = f"""\n{app.amont}\n  {polcy + 1}"""\nb = ("one "\n     f"two {app.email}"\n     f"{app.mail} {call(app.email)}")',
    "comprehensions": "a = [x for y in app.quote.lines for x in y]\nb = {k.name for k in app.quote.lines}\n"
        "c = [a for a, *b in app.quote.lines]",
    "dates": "x = app.quote.due - now",
    "wide-characters": 'x = "日本語" + polcy\n',
    "tabs": "if app.amount > 1:\n\tx = 1 + polcy",
    # assignments
    "assign-to-parameter": 'app.email = "x"\napp = 1',
    "assign-to-index": 'x = [1]\nx[0] = 2\nfor i in range(3):\n    x[i] += 1\nx.setdefault("a", []).append(1)',
    "objects": 'a = {1: 2, "a": 1, "a": 2}\nb = dict({"a": 1}, b=2)\nc = list(app.email)',
    "called-values": 'a = now()\nb = app()\nc = date.today()',
    "walrus": 'if app.amount > 1 and (line := app.quote.lines[0]).price > 3:\n    x = line\n'
        'if (score := call("a/score")["score"]) < 3:\n    pass',
    "keywords": 'a = zip([1], [2], strict=True)\nb = min(app.quote.lines, default=3)\nc = app.quote.due.replace(year=2027)\n'
        'd = round(app.amount, places=2)',
    "rounding": 'a = app.amount.quantize(2)\nb = app.amount.quantize(Decimal("0.1"), rounding="ROUND_UP")',
    "sorting": 'a = sorted(app.quote.lines, key=len)\nb = sorted(app.quote.lines, key=lambda x: x.name, reverse=app.amount > 1)\n'
        'c = sorted(key=lambda x: x.name)',
    "reserved-names": "now = 1\nerror = 2",
    "unused-values": "app.email\n'a text'\n1 + 1",
    # statements
    "statements": "import os\nglobal x\ndel y\nassert app.amount > 3, 'too low'\ndef f():\n    pass\nclass C:\n    pass",
    "yield-and-await": "x = yield 1",
    "with-a-file": 'with open("f") as f:\n    x = 1',
    "branch-outside": 'with branch("a"):\n    x = 1',
    "parallel-body": 'with parallel():\n    x = 1\n    with branch("a"):\n        y = 1\n    with branch("a"):\n        z = 1',
    "parallel-options": 'with parallel(join="most", jon=1):\n    with branch("a"):\n        pass',
    "break-in-branch": 'while app.amount > 1:\n    with parallel():\n        with branch("a"):\n            break\n        with branch("b"):\n            pass',
    "loop-else": "for x in app.quote.lines:\n    pass\nelse:\n    y = 1",
    "for-target": "for a, *b in app.quote.lines:\n    pass\nfor app.x in app.quote.lines:\n    pass",
    "after-the-loop": "for a, b in zip(app.quote.lines, [1, 2]):\n    if b > 1:\n        break\nx = a.name",
    "loop-options": "while loop(app.amount > 1, until=app.amount, max=0):\n    pass",
    "try-finally": 'try:\n    call("a/b")\nexcept ValueError:\n    pass\nfinally:\n    x = 1',
    "compensate-first": 'with compensate():\n    call("a/b")',
    "raise": 'raise ValueError("x")\n',
    "match-patterns": 'match app:\n    case {"a": 1}:\n        pass\n    case Application(amount=3):\n        pass\n    case other:\n        pass',
    "step-without-statement": 'step("a")\npass\nx = 1\nstep("b")',
    # options
    "call-options": 'call("rating")\ncall(app.email)\ncall("a/b", timeout="3 parsecs", retry=3, reply=3)\ncall()\n'
        'call("a/b", app)\ncall("a/b", **app)',
    "task-options": 'task("T", roles="ops", answr=Quote)\ntask("T", escalate="2d", check=[1], answer=Qote)',
    "retry-options": 'call("a/b", retry=Retry(attempts=3))\ncall("a/b", retry=Retry(max_attempts=0, factor=0.5, jitter=2))',
    "sleep-options": 'sleep(30)\nsleep("soon")\nx = sleep("1s")',
}  # fmt: skip

FUNCTIONS: dict[str, str] = {
    "star-arguments": "@workflow\ndef flow(*args, **kwargs):\n    pass\n",
    "input-default": "@workflow\ndef flow(app: Application = None):\n    pass\n",
    "parameter-default": "@workflow\ndef flow(a: int = make(), b: list[int] = RATES):\n    pass\n",
    "unknown-annotation": "@workflow\ndef flow(app: 'Aplication') -> 'Outcom':\n    pass\n",
    "no-schema": "@workflow\ndef flow(app: object_type):\n    pass\n",
    "aliases": "@workflow\ndef flow(app: Aliased):\n    pass\n",
    "decorators": "@other\n@workflow\n@other\ndef flow():\n    pass\n",
    "fragments": """
@fragment
def asked(x):
    return call("rating/quote", x=x)

@fragment
def early(x):
    if x > 1:
        return 1
    return 2

@fragment
def endless(x):
    y = endless(x)
    return y

@workflow
def flow():
    x = 1 + asked(2)
    y = asked(1, 2)
    z = early(1)
    endless(1)
""".lstrip(),
    "all-at-once": """
@workflow
def flow(app: Application):
    quote = call("rating/quote", policy=app.polcy_id, reply=Quote)
    if quote.premum > LIMIT and call("rating/ok"):
        print("too much")
    for line in quote.lines:
        total = total + line.prize
    return Outcome(reslt="x")
""".lstrip(),
}
