"""``armillary run``"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from armillary_engine.definition.problems import ArmillaryError

from .output import Found, Refused, json_option, opened, print_json, read_json, styled, url_option
from .scripts import services_of
from .services import handler_of
from .sources import load

if TYPE_CHECKING:
    from armillary_engine.runtime import EventView, InstanceView, Runtime, TaskView

_BLOCKED_SECONDS = 5.0


@click.command()
@click.argument("source", metavar="DEFINITION")
@click.option("--input", "input_text", default="{}", metavar="JSON|@FILE", help="What the workflow starts with.")
@click.option("--key", metavar="TEXT", help="The same key for the same workflow is the same instance.")
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME=FILE.py:FUNCTION",
    help="Answer calls to the service NAME with FUNCTION(request); may be repeated.",
)
@click.option("--script", metavar="FILE", help="Answer calls from a script: JSON or YAML, as for simulate.")
@json_option
@url_option
def run(
    source: str,
    input_text: str,
    key: str | None,
    services: tuple[str, ...],
    script: str | None,
    as_json: bool,
    url: str | None,
) -> None:
    """Start an instance and follow it to its end or its next wait.

    DEFINITION is file.py:name, a YAML or JSON file, or - for standard input. Each event is told as it happens; with
    --json only the instance is printed, at the end. A workflow that fails ends the command with 1; one that needs a
    service that nobody offers, with 3. A script is a list such as [{"call": "rating/quote", "reply": {"premium":
    12500}}, {"call": "rating/quote", "fail": "busy"}]; a call that it does not expect fails.
    """
    from ..authoring.origins import with_source

    definition, value = load(source), read_json(input_text, option="--input")
    handlers = [handler_of(text) for text in services]
    scripted, transport = services_of(script)
    with opened(url, make=True, work=True) as runtime:
        for name in scripted:
            runtime.register_service(name, transport)
        for name, handler in handlers:
            runtime.register_service(name, handler)
        deployed = runtime.deploy(with_source(definition))
        started = runtime.start(deployed.name, value, version=deployed.version, key=key)
        view = _follow(runtime, started, quiet=as_json)
        if as_json:
            print_json({"instance": view, "values": runtime.instance_state(view.id)})
        else:
            _tell_end(runtime, view, url)
    if view.status in ("failed", "cancelled"):
        raise Found
    if view.blocked and not view.resting:
        raise Refused(_nobody(view))


def _follow(runtime: Runtime, started: InstanceView, *, quiet: bool) -> InstanceView:
    """Tells events as they happen until the instance rests or has ended, or nobody takes it on."""
    from ..handles import all_events

    told = 0
    with _listening(runtime, started.id) as changed:
        while True:
            view = runtime.instance(started.id)
            for event in all_events(runtime, started.id, after=told):
                told = event.number
                if not quiet:
                    _tell_event(event, view.workflow)
            if view.resting or view.ended:
                return view
            heard = changed.wait(_BLOCKED_SECONDS if view.blocked else None)
            if view.blocked and not heard:
                return view
            changed.clear()


@contextmanager
def _listening(runtime: Runtime, id: str) -> Iterator[threading.Event]:
    changed = threading.Event()
    subscription = runtime.subscribe(lambda _: changed.set(), instance=id, at_once=True)
    try:
        yield changed
    finally:
        subscription.close()


def _tell_event(event: EventView, workflow: str) -> None:
    from ..tables import printable
    from ..words import changes, event_place, event_text

    text, what = event_text(event), changes(event)
    line = printable(f"{event_place(event) or workflow:<24}  {text}{'   ' + what if what else ''}")
    click.echo(f"{styled(f'{event.at.astimezone():%H:%M:%S}', dim=True)}  {line}")


def _tell_end(runtime: Runtime, view: InstanceView, url: str | None) -> None:
    from armillary_engine.runtime import TaskQuery

    from ..authoring.origins import failed_at
    from ..tables import printable
    from ..words import quoted, standing, to_json

    click.echo("\n" + printable(f"{view.workflow} {view.version} · {view.id} · {standing(view)}"))
    for line in quoted(failed_at(view.digest, view.error, runtime.definition_by_digest)):
        click.echo(printable(line))
    if view.status == "completed":
        click.echo(to_json(runtime.instance_state(view.id).output, indent=2))
    for task in runtime.tasks(TaskQuery(instance=view.id)):
        _tell_task(task, url)


def _tell_task(task: TaskView, url: str | None) -> None:
    from ..tables import printable

    roles = f" ({', '.join(task.roles)})" if task.roles else ""
    click.echo(printable(f"waits for a person{roles}: {task.title or task.name}"))
    place = f" --url {shlex.quote(url)}" if url else ""
    click.echo(f"  armillary tasks show {shlex.quote(task.id)}{place}")
    click.echo(f"  armillary tasks complete {shlex.quote(task.id)} --answer JSON{place}")


def _nobody(view: InstanceView) -> ArmillaryError:
    message = f"expected somebody to take {view.id} on, got nobody: {view.blocked}"
    hint = "offer it with --service NAME=FILE.py:FUNCTION, or in a notebook on the same store: then it goes on there"
    return ArmillaryError("instance.blocked", message, hint=hint)
