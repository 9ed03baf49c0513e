"""``armillary simulate``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from armillary_engine.definition.problems import ArmillaryError

from .output import Found, Refused, json_option, print_json, read_json
from .scripts import script_of
from .services import handler_of
from .sources import load

if TYPE_CHECKING:
    from ..testing import Run


@click.command(short_help="Run a workflow on a virtual clock against a script.")
@click.argument("source", metavar="DEFINITION")
@click.option("--input", "input_text", default="{}", metavar="JSON|@FILE", help="What the workflow starts with.")
@click.option("--script", metavar="FILE", help="What the world does: JSON or YAML, a list of entries; - for JSON here.")
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME=FILE.py:FUNCTION",
    help="Answer all calls to the service NAME with FUNCTION(request); may be repeated.",
)
@click.option("--with", "others", multiple=True, metavar="DEFINITION", help="A workflow that it starts; repeatable.")
@click.option("--until", metavar="DURATION", help="End after so much of its time, such as 30d.")
@json_option
def simulate(
    source: str,
    input_text: str,
    script: str | None,
    services: tuple[str, ...],
    others: tuple[str, ...],
    until: str | None,
    as_json: bool,
) -> None:
    """Run a workflow on a virtual clock against a script of what the world does, and print its history.

    Nothing is stored and nothing waits: a year passes in a moment. A script is a list such as [{"call":
    "rating/quote", "reply": {"premium": 12500}, "after": "3s"}, {"task": "Review", "answer": {}, "after": "2d"},
    {"signal": "payment-received", "match": "P-1", "payload": {}, "at": "14d"}]; in place of "reply" stands "fail":
    CODE or "silent": true. Ends with 1 where the workflow fails or does what the script does not expect.
    """
    from ..testing import ScriptError, run, serve

    value = read_json(input_text, option="--input")
    entries: list[Any] = [*script_of(script), *(serve(*handler_of(text)) for text in services)]
    try:
        outcome = run(load(source), entries, input=value, others=map(load, others), until=until)
    except ScriptError as error:
        _tell(error.run, as_json)
        click.echo(f"armillary: {error.message}  [{error.code}]", err=True)
        raise Found from None
    except ArmillaryError as error:
        if error.code.startswith("input."):
            raise Refused(error) from None
        raise
    _tell(outcome, as_json)
    if outcome.status in ("failed", "cancelled"):
        raise Found


def _tell(outcome: Run, as_json: bool) -> None:
    if as_json:
        print_json(_data(outcome))
        return
    from ..tables import printable
    from ..testing.outcome import span
    from ..words import standing, to_json

    click.echo(outcome.story)
    view = outcome.view
    click.echo("\n" + printable(f"{view.workflow} {view.version} · {standing(view)} · after {span(outcome.elapsed)}"))
    for line in outcome.source:
        click.echo(printable(line))
    if outcome.status == "completed":
        click.echo(to_json(outcome.shown.output, indent=2))


def _data(outcome: Run) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "output": outcome.shown.output,
        "state": outcome.shown.state,
        "error": outcome.error,
        "seconds": outcome.elapsed.total_seconds(),
        "steps": list(outcome.steps),
        "calls": [
            {"call": call.name, "arguments": call.shown, "attempt": call.attempt, "step": call.step}
            for call in outcome.calls
        ],
        "tasks": list(outcome.tasks),
        "history": list(outcome.history),
        "unused": list(outcome.unused),
    }
