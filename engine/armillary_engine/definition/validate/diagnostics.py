"""Every diagnostic: what it means and how it is put right. ``docs/reference/diagnostics.md`` is made from this, and
from what the workbench says of the source that an author writes."""

from __future__ import annotations

from dataclasses import dataclass

from ..expressions.failure import FAILURES as _EXPRESSION
from ..problems import Severity


@dataclass(frozen=True, slots=True)
class DiagnosticInfo:
    """``fix`` shows a definition with the problem put right, or says in a sentence how."""

    code: str
    severity: Severity
    summary: str
    fix: str


_TABLE: tuple[tuple[str, Severity, str, str], ...] = (
    # shape
    ("definition.too-deep", "error", "Bodies are nested more than 50 deep.", "Move inner steps into a subworkflow."),
    ("definition.too-large", "error", "The document has more than 16 MiB.", "Move parts into subworkflows."),
    ("shape.arguments", "error", "An operator or form of expression has the wrong number of parts.",
     '`{"op": "<", "args": [a, b]}` takes two.'),
    ("shape.duplicate-member", "error", "A member of a JSON object is written twice.", "Keep one of them."),
    ("shape.expression", "error", "Something else stands where an expression has to.",
     'A constant is `{"const": 1}`, a name `{"get": "quote.premium"}`.'),
    ("shape.id", "error", "A step has no id, or one that is empty, too long or not printable.",
     '`"id": "ask-for-quote"`'),
    ("shape.kind", "error", "There is no such kind of step.", '`"kind": "call"`'),
    ("shape.missing-field", "error", "A field that is needed is not there.", "Add the field."),
    ("shape.path", "error", "A path, name or function name is not made of identifiers.",
     '`quote.premium`; other keys by index: `quote["gross-premium"]`.'),
    ("shape.schema", "error", "The document does not say which form it has.", '`"schema": "armillary.workflow/1"`'),
    ("shape.text", "error", "A text that is needed is empty.", "Write the name, operation or label."),
    ("shape.type", "error", "A field holds another type of value than it should.", "Write the type that is expected."),
    ("shape.unknown-field", "error", "There is no such field; it is refused so that no typing error is lost.",
     "Correct its name, or remove it."),
    ("duration.invalid", "error", "A text is no duration.", "`30s`, `2h30m`, `14d`, or ISO 8601: `PT30S`."),
    ("datetime.invalid", "error", "A text is no date and time.", "`2026-11-23T10:00:00Z`"),
    ("version.invalid", "error", "A text is no semantic version.", "`1.2.0`"),
    ("version.range", "error", "A text is no range of versions.", "`*`, `1.x`, `^1.2`, `>=1.2 <2`"),
    ("value.not-json", "error", "A constant or schema holds something that JSON does not have.", "Use plain values."),
    ("value.number", "error", "A number has more than 34 digits, or is not finite.", "Round it, or keep it as text."),
    ("value.text", "error", "A text holds U+0000 or an unpaired surrogate.", "Remove it."),
    ("value.key", "error", "A key of an object is no text.", "Write it as text."),
    ("value.too-deep", "error", "Lists and objects are nested more than 100 deep.", "Make it flatter."),
    # ids and names
    ("id.duplicate", "error", "Two steps have the same id.", "Give one of them another id, with `id=`."),
    ("id.unknown", "warning", "The metadata speaks of a step that there is not.", "Remove it, or correct the id."),
    ("name.unassigned", "error", "A name is read where it may not have been assigned.",
     "Assign it before the ways part, or on each of them."),
    ("name.reserved", "error", "A step assigns `input`, `instance`, `error` or `now`, which the engine gives.",
     "Assign to another name."),
    ("name.local", "error", "A step assigns the name that the loop or handler around it gives.",
     "Assign to another name."),
    ("name.shadowed", "warning", "A loop or handler gives a name that is assigned outside too, and hides it.",
     "Choose another name."),
    ("set.overlap", "error", "One step assigns a path and a part of it.", "Assign them in two steps."),
    ("set.empty", "warning", "A `set` assigns nothing.", "Remove it."),
    # flow
    ("flow.unreachable", "warning", "No way reaches the step.", "Remove it, or what ends the way before it."),
    ("flow.not-in-loop", "error", "`leave` or `next` (`break`, `continue`) has no loop around it within its branch.",
     "Let the branch end normally."),
    ("flow.continue-in-parallel", "error", "`continue_with` stands inside a fork or a parallel each.",
     "Continue after the branches have joined."),
    ("flow.ends-in-compensation", "error", "A compensation ends or continues the instance, which is ending already.",
     "Leave it out; `fail` is allowed."),
    ("decision.no-branches", "error", "A decision has no branch.", "Add one."),
    ("decision.falls-through", "info", "No branch may hold, and there is no `otherwise`.",
     "Write an `else`, if something is to happen then."),
    ("loop.form", "error", "A loop has both `while` and `until`, or neither.", "Write one of them."),
    ("loop.endless", "error", "A loop can neither end nor wait: nothing in it changes what its condition reads.",
     "Assign what the condition reads, wait for something, or leave the loop."),
    ("each.collect", "warning", "`collect` and `result` of an each stand alone.", "Write both, or neither."),
    ("timer.form", "error", "A timer has both `after` and `at`, or neither.", "Write one of them."),
    ("fork.no-branches", "error", "A fork has no branch.", "Add some."),
    ("fork.join", "error", "A fork waits for more branches than it has.", "Write `all`, `any` or a smaller number."),
    ("fork.label", "warning", "Two branches of a fork have the same label.", "Tell them apart."),
    ("parallel.conflict", "error", "A branch writes a name that a sibling reads or writes.",
     "Give each branch a name of its own, and bring them together after the join."),
    ("parallel.outer-write", "error", "The body of a parallel each assigns a name from outside.",
     "Use `collect` and `result`, or `parallel=1`."),
    ("handler.no-codes", "error", "A handler catches nothing.", 'Write `"*"` to catch all failures.'),
    ("handler.dead", "warning", "An earlier handler catches all that this one would.",
     "Put the more specific handler first."),
    ("code.invalid", "error", "A failure code is not dotted words.", "`rating.refused`"),
    ("call.attempt-timeout", "warning", "One attempt of a call may take longer than the whole call.",
     "Make `timeout` longer, or `attempt_timeout` shorter."),
    # expressions
    ("expression.too-deep", "error", "Expressions are nested more than 100 deep.", "Assign parts to names first."),
    ("expression.unknown-operator", "error", "There is no such operator.", '`{"op": "<=", "args": […]}`'),
    ("expression.unknown-function", "error", "There is no such function here.",
     "Correct the name, or register the function."),
    ("expression.arguments", "error", "A function is called with too few or too many arguments.",
     "See the expression reference."),
    ("expression.unknown-member", "error", "A member is read that the schema of the value does not have.",
     "Correct the name, or add the member to the schema."),
    ("expression.type", "error", "An operator, function or field gets a type that it cannot take.",
     'Convert it, or compare it: `len(items) > 0`, `f"{amount}"`.'),
    # schemas and other workflows
    ("schema.invalid", "error", "A JSON Schema is none.", "See https://json-schema.org/draft/2020-12"),
    ("workflow.unknown", "error", "No workflow of this name is deployed.", "Deploy it first, or correct the name."),
    ("workflow.version-unknown", "error", "No deployed version lies in the range.",
     "Deploy one, or widen the range."),
)  # fmt: skip

DIAGNOSTICS: dict[str, DiagnosticInfo] = {row[0]: DiagnosticInfo(*row) for row in _TABLE}
"""Code → what it means."""

_VALUES: tuple[tuple[str, str, str], ...] = (
    ("value.enum", "A value is none of those that the schema lists.", "Choose one of them."),
    ("value.format", "A text is not of the format that the schema names, such as a date.", "Write it in that format."),
    ("value.length", "A text or a list is too short or too long, or its items are not all different.", "Change it."),
    ("value.no-match", "A value fits none of the alternatives, or several.", "Compare it with each of them."),
    ("value.pattern", "A text does not match the schema's pattern.", "Write it in that form."),
    ("value.range", "A number is too small or too large.", "Choose one within the bounds."),
    ("value.required", "A member that is needed is not there.", "Add it."),
    ("value.schema", "A value does not fit the schema.", "See what the message names."),
    ("value.too-large", "A value has more bytes than may be kept.", "Keep it elsewhere, and pass a reference to it."),
    ("value.type", "A value is of another type.", "Write one of the type that is expected."),
    ("value.unknown-member", "An object has a member that the schema does not have.", "Correct its name."),
)
_READING: tuple[tuple[str, str, str], ...] = (
    ("expression.syntax", "A text is no expression.", "See the forms in the expression reference."),
    ("expression.too-large", "A text of an expression is too long.", "Assign parts to names first."),
    ("expression.unknown-name", "An expression that stands alone reads a name that there is not.", "Correct it."),
)

VALUES: dict[str, DiagnosticInfo] = {code: DiagnosticInfo(code, "error", *rest) for code, *rest in _VALUES}
"""Code → what it means, of values that are checked against a schema: an input, an answer, a reply."""
FAILURES: dict[str, DiagnosticInfo] = {
    f"expression.{code}": DiagnosticInfo(f"expression.{code}", "error", summary, f"{way[:1].upper()}{way[1:]}.")
    for code, (summary, way) in _EXPRESSION.items()
} | {code: DiagnosticInfo(code, "error", *rest) for code, *rest in _READING}
"""Code → what it means, of an expression that has no value, or is none."""
