"""Every code of what an author is told while a definition is written: what it means, and how it is put right.

``docs/reference/diagnostics.md`` is made from this, from the diagnostics of a definition, and from the failures of
expressions, which the engine knows.
"""

from __future__ import annotations

from collections.abc import Mapping

from armillary_engine.definition.problems import Severity
from armillary_engine.definition.validate.diagnostics import DIAGNOSTICS, FAILURES, VALUES, DiagnosticInfo

_TABLE: tuple[tuple[str, str, str], ...] = (
    # names and assignments
    ("assign.bound", "A name that the block around it gives is assigned.", "Use another name."),
    ("assign.count", "There are more or fewer values than names before `=`.", "Write as many values as names."),
    ("assign.index", "An item of a list is assigned.", "`xs = [*xs[:i], new, *xs[i + 1:]]`"),
    ("assign.outside", "A name from outside the function is assigned.", "Use a name of the workflow's own."),
    ("assign.parameter", "A parameter is assigned: the input never changes.", "Assign to another name."),
    ("assign.several", "What a step gives is assigned to several names at once.",
     "Assign it to one name, and the others from that."),
    ("assign.target", "Something that is no name and no member of one stands before `=`.", "Assign to a name."),
    ("name.kind", "A function or a class stands where a value has to.", "Call it, or write a value."),
    ("name.loop", "The name of a `for` is used after the loop, where it means nothing.",
     "Assign it to another name inside the loop."),
    ("name.unknown", "Nothing has this name.", "Correct it, assign it before, or import it above the function."),
    ("name.unset", "A variable around the function has no value yet.", "Assign it before the function."),
    ("captured.kind", "A value from around the function may change, or is no JSON value.",
     "Write it inside the workflow, pass it in as input, or make it a tuple."),
    # how steps are called
    ("id.ambiguous", "Two steps would have the same id, and were told apart by a number.",
     'Write the id: `call("rating/quote", id="second-quote")`.'),
    ("id.twice", "A step is named by `step()` and by `id=`.", "Keep one of the two."),
    ("step.nothing", "`step()` names a statement that makes no step, or none follows.", "Move it, or remove it."),
    ("step.twice", "Two `step()` stand above one statement.", "Keep one of them."),
    # verbs
    ("call.address", "A call's address is not `service/operation`.", '`call("rating/quote")`'),
    ("verb.outside", "A verb or a fragment is called outside of a workflow.", "Call it in a `@workflow` function."),
    ("verb.place", "A verb stands inside an expression, or where it means nothing.",
     "Give it a line of its own: `quote = call(…)`."),
    ("verb.value", "A verb is used as a value, or its value is taken where it has none.", "Call it on its own line."),
    # options
    ("option.arguments", "`arguments=` is joined with keywords, and is no dict that is written out.",
     "Write all of them in one place."),
    ("option.check", "`check=` holds something that is no `Check`.",
     '`check=[Check(lambda answer: answer.amount > 0, "…")]`'),
    ("option.count", "An option has to be a whole number of at least 1.", "`parallel=4`"),
    ("option.duration", "A duration is none, or is not known before the instance runs.", '`timeout="30s"`'),
    ("option.escalate", "`escalate=` is no `Escalation`.", '`escalate=Escalation(after="2d", roles=["lead"])`'),
    ("option.join", '`join=` is not `"all"`, `"any"` or a number.', '`parallel(join="any")`'),
    ("option.labels", "`labels=` is no dict of texts.", '`step("a", labels={"0": "too high"})`'),
    ("option.layout", "`layout=` is no dict of values that are known now.",
     '`step("a", layout={"direction": "right"})`'),
    ("option.missing", "An argument that a verb needs is not there.", "Write it; the hint shows how."),
    ("option.number", "An option is no number within its bounds.", "Write such a number."),
    ("option.parts", "`parts=` is no dict.", '`business_reference(key, parts={"policy": policy_id})`'),
    ("option.positional", "An argument stands without its keyword.", "`call(\"a/b\", amount=amount)`"),
    ("option.retry", "`retry=` is no `Retry`.", "`retry=Retry(max_attempts=3)`"),
    ("option.star", "`*` or `**` stands among arguments.", "Write them out, or `arguments=…` for a whole object."),
    ("option.text", "A text has to be known before the instance runs.", "Write it out."),
    ("option.texts", "A list of texts has to be known before the instance runs.", '`roles=["agent"]`'),
    ("option.unknown", "A verb has no such option.", "Correct its name."),
    ("lambda.parameters", "A lambda has other parameters than it is given.", "`lambda answer: answer.amount > 0`"),
    # expressions
    ("condition.boolean", "A condition, or a part of `and`, `or` and `not`, is neither true nor false.",
     "Compare it: `len(xs) > 0`; for a default, `x if x is not None else 0`."),
    ("constant.arguments", "`date(…)`, `Decimal(…)` or the like takes values that are known now.",
     "Write literals, or use functions of `armillary.functions`."),
    ("constant.time-zone", "A date and time has no time zone.", "`datetime(2026, 1, 31, tzinfo=UTC)`"),
    ("comprehension.target", "Something that is no name stands after the `for` of a comprehension.",
     "Write names, and take parts of them."),
    ("format.conversion", "`!r` or `!a` stands in an f-string.", "Leave it out."),
    ("format.spec", "A format is none that numbers or columns have.", "`f\"{amount:,.2f}\"`, `f\"{name:<10}\"`"),
    ("function.arguments", "A function takes more or fewer arguments.", "See the expression reference."),
    ("function.key", "A list is sorted by something that is no member of its items.",
     "`sorted(lines, key=lambda line: line.price)`"),
    ("function.keyword", "A function has no such keyword.", "Give the arguments in their order."),
    ("function.unknown", "This function or method is none that a workflow can call.",
     "Use a core function, mark your own with `@function(major=1)` or `@fragment`, or ask a service."),
    ("function.value", "A value is called.", "Leave out the parentheses, or call a function."),
    ("literal.bytes", "Bytes are no JSON value.", "Write text."),
    ("literal.complex", "A complex number is no JSON value.", "Write a number."),
    ("literal.ellipsis", "`...` is no value.", "Write the value, or `None`."),
    ("literal.number", "A number has more than 34 digits.", "Round it, or keep it as text."),
    ("object.key", "A key of a dict is no text.", 'Write it as text: `{"1": …}`.'),
    ("object.spread", "`**` stands among the members of a model.", "Write the members out."),
    ("object.twice", "A key is written twice.", "Keep one of them."),
    ("operator.dates", "Dates are subtracted where a number has to stand.",
     "`days_between(start, end)`, `(end - start).days`"),
    ("operator.is", "`is` compares with something else than `None`, `True` and `False`.", "Write `==`."),
    ("operator.unknown", "There is no such operator.", "For booleans write `and`, `or` and `not`."),
    ("slice.stride", "A slice has a third part.", "Leave it out."),
    ("statement.value", "A value stands alone, which does nothing.", "Assign it; for a note write a comment."),
    # statements
    ("branch.place", "`branch()` stands outside of `with parallel():`.", "Move it inside."),
    ("branch.twice", "Two branches have the same label.", "Tell them apart."),
    ("compensate.id", "`compensate(id=…)` belongs to a `try`, which has the id.", 'Write `step("id")` above `try`.'),
    ("compensate.place", "Nothing stands before `with compensate():` that it could undo.", "Move it below the step."),
    ("compensate.twice", "A `try` is undone in two places.", "Join the two blocks."),
    ("except.kind", "`except` names something else than `Timeout`, `Failure` or `Exception`.",
     '`except Failure("rating.refused") as failure:`'),
    ("for.target", "Something that is no name stands after `for`.", "Write names, and take parts of them."),
    ("jump.fork", "`break` or `continue` would leave a branch of `parallel()`.", "Let the branch end by itself."),
    ("loop.both", "A loop has a condition before it and `until=` after it.", "Keep one of them."),
    ("loop.else", "A loop has an `else`.", "Keep in a name whether it was left, and ask that after the loop."),
    ("match.empty", "`match` has nothing but `case _:`.", "Write the statements without it."),
    ("match.pattern", "A case takes a value apart.", '`case "a" | "b":`; after `match a, b:` also `case "x", _:`'),
    ("parallel.body", "Something else than `with branch(…):` stands in `with parallel():`.",
     "Put it into a branch, or outside."),
    ("raise.bare", "`raise` stands alone outside of `except`.", '`fail("dotted.code", "message")`'),
    ("raise.kind", "Something else than a `Failure` is raised.", '`fail("dotted.code", "message")`'),
    ("try.else", "`else` of a `try` has no meaning.", "Write it at the end of the `try` body."),
    ("try.finally", "`finally` has no meaning.", "Write it in `except Failure:` before `raise`, and after the `try`."),
    ("with.as", "`with parallel() as x` has no value.", "Leave out `as`."),
    ("with.kind", "`with` opens something else than `parallel()` and `compensate()`.", "Open it in a service."),
    ("syntax.assert", "`assert` has no meaning.", '`if not …: fail("dotted.code", "…")`'),
    ("syntax.class", "A class is defined inside a workflow.", "Define it above the function."),
    ("syntax.del", "`del` has no meaning.", "Assign `None`."),
    ("syntax.function", "A function is defined inside a workflow.", "Define it outside, marked `@fragment`."),
    ("syntax.global", "`global` has no meaning.", "Assign to a name of the workflow's own."),
    ("syntax.import", "An import stands inside a workflow.", "Move it above the function."),
    ("syntax.lambda", "A lambda stands where it has no meaning.", "Write the expression itself."),
    ("syntax.nonlocal", "`nonlocal` has no meaning.", "Assign to a name of the workflow's own."),
    ("syntax.other", "A form of Python that is newer than this release.", "Write it another way."),
    ("syntax.set", "A set is no JSON value.", "Write a list; `unique([…])` leaves out repetitions."),
    ("syntax.star", "`*` stands where it has no meaning.", "Write the items out."),
    ("syntax.try-star", "`except*` has no meaning.", "Write `except`."),
    ("syntax.type", "A type is defined inside a workflow.", "Define it above the function."),
    ("syntax.walrus", "`:=` stands in an expression.", "Assign on the line before."),
    ("syntax.yield", "A workflow has no `yield`.", "`call`, `task` and `wait_for_signal` talk to the outside."),
    # models
    ("member.missing", "A model is made without a member that it needs.", "Add it."),
    ("member.unknown", "A model has no such member.", "Correct its name, or add it to the model."),
    ("model.alias", "A field of a model has an alias.", "Give the field the alias's name."),
    ("model.arguments", "The members of a model are given without their names.", "`Outcome(result=…)`"),
    ("model.schema", "A type has no JSON Schema.", "Use a pydantic model, a dataclass, a TypedDict or plain types."),
    ("model.type", "A model option is no type.", "`reply=Quote`"),
    ("model.typed-dict", "`typing.TypedDict` can't be read on Python 3.11.",
     "`from typing_extensions import TypedDict`"),
    # the function
    ("decorator.other", "Another decorator stands at a `@workflow`.", "Remove it: the function never runs."),
    ("fragment.arguments", "A fragment takes other arguments.", "Pass what its `def` asks for."),
    ("fragment.kind", "`@fragment` stands above something that is no function.", "Put it directly above a `def`."),
    ("fragment.recursive", "A fragment calls itself.", "Write a loop, or a subworkflow."),
    ("fragment.return", "A fragment returns before its end.", "Move the `return` to its last line."),
    ("function.invalid", "A function can't be one of expressions.", "Take its parameters by position."),
    ("input.default", "A default is no constant, or stands at the whole input.",
     "Write it out; give the defaults of a model to its members."),
    ("input.self", "A workflow is a method.", "Move it out of the class."),
    ("input.star", "A workflow takes `*args` or `**kwargs`.", "Write every parameter out, or use a model."),
    ("workflow.called", "A compiled workflow is called.", 'bench.deploy(flow), then `bench.start("Flow", …)`'),
    ("workflow.kind", "`@workflow` stands above something that is no plain function.",
     "Put it directly above a `def`, without `async`."),
    ("workflow.roles", "`start=`, `view=` or `operate=` is no list of roles.", '`start=["agent"]`'),
    ("authoring.no-source", "The source of a function can't be found.", "Write it in a file or in a cell."),
    ("authoring.source-changed", "The source was edited after it was run.", "Run the cell, or import the file, again."),
    ("definition.invalid", "A definition has errors; they are listed.", "Mend each of them."),
    ("definitions.invalid", "Several definitions have errors; they are listed.",
     "Mend each of them, or deploy the others in the mode `warn`."),
    ("authoring.invalid", "A function does not compile; the problems are listed.", "Mend each of them."),
    # files and texts
    ("load.encoding", "A file is not UTF-8.", "Save it as UTF-8."),
    ("load.file", "A file can't be read.", "Check the path."),
    ("load.import", "A Python file can't be imported.", "Mend what the message names; importing a file runs it."),
    ("load.kind", "A file is neither Python nor YAML nor JSON.", "Name it `.py`, `.yaml` or `.json`."),
    ("load.none", "A file holds no workflow, or none of this name.", "Put `@workflow` above a function."),
    ("load.several", "A file holds several workflows.", "Name one: `flows.py:approve`."),
    ("load.timeout", "A Python file takes too long to import.", "Leave work to functions that are not run then."),
    ("python.syntax", "A text is no Python.", "Mend the syntax."),
    ("yaml.syntax", "A text is no YAML.", "Mend the syntax."),
    ("decompile.different", "What a definition decompiles to means something else. This is a mistake of ours.",
     "Take the YAML, and tell us."),
    ("decompile.invalid", "What a definition decompiles to does not run. This is a mistake of ours.",
     "Take the YAML, and tell us."),
    ("decompile.unwritable", "A definition has no Python, such as one with errors.",
     'Mend its errors, or `decompile(flow, to="yaml")`.'),
    # the builder
    ("builder.function", "A function is none of the registry.", "Name a core function, or one marked `@function`."),
    ("builder.iteration", "A value is gone through that is not known yet.", "`with build.each(items) as item:`"),
    ("builder.otherwise", "`otherwise` stands before any `when`.", "Write `when` first."),
    ("builder.truth", "A value is asked whether it is true before it is known.", "`&`, `|`, `~` and `build.when(…)`"),
)  # fmt: skip

_WARNINGS = frozenset({"id.ambiguous"})


def _severity(code: str) -> Severity:
    return "warning" if code in _WARNINGS else "error"


AUTHORING: Mapping[str, DiagnosticInfo] = {
    code: DiagnosticInfo(code, _severity(code), summary, fix) for code, summary, fix in _TABLE
}
"""Code → what it means, of what the compiler and its neighbours say."""
EVERY: Mapping[str, DiagnosticInfo] = {**DIAGNOSTICS, **FAILURES, **VALUES, **AUTHORING}
"""Every code that an author meets."""
