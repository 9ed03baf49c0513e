"""``armillary instances …``"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import click

from .output import (
    AGE,
    Refused,
    by_option,
    duration,
    json_option,
    opened,
    page_options,
    print_fields,
    print_json,
    print_table,
    read_json,
    reveal_option,
    url_option,
    write,
)

if TYPE_CHECKING:
    from armillary_engine.runtime import Caller, InstanceView, Runtime

_STATUSES = ["running", "waiting", "suspended", "completed", "failed", "cancelled"]
_TAKEN_SECONDS = 5.0


@click.group()
def instances() -> None:
    """What runs and what ran."""


@instances.command()
@click.argument("workflow")
@click.option("--input", "input_text", default="{}", metavar="JSON|@FILE", help="What it starts with.")
@click.option("--version", default="*", metavar="RANGE", help="The highest deployed version in it, such as ^1.2.")
@click.option("--key", metavar="TEXT", help="The same key for the same workflow is the same instance.")
@click.option("--id", "id_", metavar="ID", help="Its own id; refused when it is taken.")
@click.option("--delay", metavar="DURATION", help=f"Begin so much later. {AGE}")
@by_option("Who starts it.")
@json_option
@url_option
def start(
    workflow: str, input_text: str, version: str, key: str | None, id_: str | None, delay: str | None, by: str | None,
    as_json: bool, url: str | None,
) -> None:  # fmt: skip
    """Start an instance of a deployed WORKFLOW, and leave it to whoever works on the store."""
    from armillary_engine.runtime import Caller

    value, later = read_json(input_text, option="--input"), duration(delay)
    seconds = None if later is None else later.total_seconds()
    with opened(url) as runtime:
        view = runtime.start(workflow, value, version=version, key=key, id=id_, delay=seconds, caller=Caller(by))
    if as_json:
        print_json(view)
    else:
        click.echo(f"{view.id}  {view.workflow} {view.version}: {view.status}")


@instances.command("list")
@click.option("--workflow", metavar="NAME", help="Only instances of this workflow.")
@click.option("--version", metavar="VERSION", help="Only instances on this version.")
@click.option("--status", multiple=True, type=click.Choice(_STATUSES), help="Only with this status; may be repeated.")
@click.option("--reference", metavar="TEXT", help="Only with this business reference.")
@click.option("--step", metavar="ID", help="Only those that stand at this step.")
@click.option("--key", metavar="TEXT", help="Only the one that was started under this key.")
@click.option("--older", metavar="AGE", help=f"Only those that were started longer ago. {AGE}")
@page_options
@json_option
@url_option
def list_instances(
    workflow: str | None, version: str | None, status: tuple[str, ...], reference: str | None, step: str | None,
    key: str | None, older: str | None, after: str | None, limit: int, as_json: bool, url: str | None,
) -> None:  # fmt: skip
    """Instances, newest first."""
    from armillary_engine.runtime import InstanceQuery

    from ..handles import INSTANCE_HEADINGS, instance_row

    age = duration(older)
    query = InstanceQuery(
        workflow=workflow, version=version, status=frozenset(status) or None, reference=reference, step=step, key=key,
        started_before=None if age is None else datetime.now(UTC) - age, after=after, limit=limit,
    )  # fmt: skip
    with opened(url) as runtime:
        views = runtime.instances(query)
    if as_json:
        print_json(list(views))
    else:
        print_table(INSTANCE_HEADINGS, [instance_row(view) for view in views], empty="no instances")


@instances.command("show")
@click.argument("id")
@reveal_option
@json_option
@url_option
def show_instance(id: str, reveal: bool, as_json: bool, url: str | None) -> None:
    """Where an instance stands, its values, and its open tasks."""
    from armillary_engine.runtime import TaskQuery

    from ..authoring.origins import failed_at
    from ..words import moment, quoted, standing, to_json

    with opened(url) as runtime:
        view, state = runtime.instance(id), runtime.instance_state(id, reveal=reveal)
        tasks = runtime.tasks(TaskQuery(instance=id))
        lines = quoted(failed_at(view.digest, view.error, runtime.definition_by_digest))
    if as_json:
        print_json({"instance": view, "values": state, "tasks": list(tasks)})
        return

    print_fields(
        [
            ("instance", view.id),
            ("workflow", f"{view.workflow} {view.version}"),
            ("stands", standing(view)),
            ("failed at", dedent("\n".join(lines))),
            ("reference", view.reference or ""),
            ("key", view.key or ""),
            ("parent", view.parent or ""),
            ("continued from", view.previous or ""),
            ("continued as", view.next or ""),
            ("started", moment(view.started)),
            ("ended", moment(view.ended)),
            ("input", to_json(state.input, indent=2)),
            ("state", to_json(state.state, indent=2)),
            ("output", "" if state.output is None else to_json(state.output, indent=2)),
            ("open tasks", "\n".join(f"{task.id}  {task.name}: {task.title}" for task in tasks)),
        ]
    )


@instances.command("history")
@click.argument("id")
@json_option
@url_option
def show_history(id: str, as_json: bool, url: str | None) -> None:
    """Everything that happened to an instance, oldest first."""
    from ..handles import EVENT_HEADINGS, all_events, event_row

    with opened(url) as runtime:
        runtime.instance(id)
        events = list(all_events(runtime, id))
    if as_json:
        print_json(events)
    else:
        print_table(EVENT_HEADINGS, [event_row(event) for event in events], empty="no events")


@instances.command("export")
@click.argument("id")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT", help="Write to this file."
)
@url_option
def export_history(id: str, output: Path | None, url: str | None) -> None:
    """An instance's definition and history as JSON, for arm.replay(FILE) on any machine."""
    from armillary_engine.definition.codec import dumps

    from ..recording import record

    with opened(url) as runtime:
        document = record(runtime, id).document
    write(dumps(document).decode() + "\n", output)


_reason_option = click.option("--reason", default="", metavar="TEXT", help="Why; it is kept in the history.")


@instances.command()
@click.argument("id")
@click.option("--compensate", is_flag=True, help="Undo what it did, as its workflow says, before it ends.")
@_reason_option
@by_option("Who cancels it.")
@json_option
@url_option
def cancel(id: str, compensate: bool, reason: str, by: str | None, as_json: bool, url: str | None) -> None:
    """End an instance as cancelled."""
    _change(id, url, as_json, by, lambda run, who: run.cancel(id, compensate=compensate, reason=reason, caller=who))


@instances.command()
@click.argument("id")
@_reason_option
@by_option("Who holds it.")
@json_option
@url_option
def suspend(id: str, reason: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Hold an instance: answers are kept, nothing advances."""
    _change(id, url, as_json, by, lambda run, who: run.suspend(id, reason=reason, caller=who))


@instances.command()
@click.argument("id")
@by_option("Who lets it go on.")
@json_option
@url_option
def resume(id: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Let a suspended instance go on."""
    _change(id, url, as_json, by, lambda run, who: run.resume(id, caller=who))


@instances.command()
@click.argument("id", required=False)
@click.option("--all-failed", is_flag=True, help="Instead of one: all that failed, and that the options below allow.")
@click.option("--workflow", metavar="NAME", help="With --all-failed: only instances of this workflow.")
@click.option("--version", metavar="VERSION", help="With --all-failed: only instances on this version.")
@click.option("--step", metavar="ID", help="With --all-failed: only those that failed at this step.")
@by_option("Who takes it up again.")
@json_option
@url_option
def retry(
    id: str | None, all_failed: bool, workflow: str | None, version: str | None, step: str | None, by: str | None,
    as_json: bool, url: str | None,
) -> None:  # fmt: skip
    """Take a failed instance up again at the step that failed, or --all-failed of them.

    Many are left to whoever works on the store. One that is refused stops none of the others; the exit code is then 3.
    """
    if (id is None) is not all_failed:
        raise click.UsageError("expected either the ID of an instance or --all-failed; give one of them")
    if id is not None:
        if (workflow, version, step) != (None, None, None):
            raise click.UsageError(
                "expected --all-failed with --workflow, --version and --step; leave them out for an ID"
            )
        _change(id, url, as_json, by, lambda run, who: run.retry(id, caller=who))
        return
    from armillary_engine.runtime import InstanceQuery

    from ..handles import all_instances
    from ..operating import retry_each
    from ..tables import printable

    query = InstanceQuery(workflow=workflow, version=version, status=frozenset({"failed"}), step=step)
    with opened(url) as runtime:
        retried = retry_each(runtime, reversed([view.id for view in all_instances(runtime, query)]), by)
    if as_json:
        refused = [{"id": id, "code": why.code, "message": why.message} for id, why in retried.refused]
        print_json({"retried": retried.done, "refused": refused})
    else:
        click.echo(printable(repr(retried)))
    for _, why in retried.refused[:1]:
        raise Refused(why)


def _change(id: str, url: str | None, as_json: bool, by: str | None, act: Callable[[Runtime, Caller], object]) -> None:
    from armillary_engine.runtime import Caller

    with opened(url, work=True) as runtime:
        view = taken(runtime, id, lambda: act(runtime, Caller(by)))
    tell_standing(view, as_json)


def tell_standing(view: InstanceView, as_json: bool) -> None:
    """One line on where an instance stands now."""
    from ..tables import printable
    from ..words import standing

    if as_json:
        print_json(view)
    else:
        click.echo(printable(f"{view.id}  {view.workflow}  {standing(view)}"))


def taken(runtime: Runtime, id: str, act: Callable[[], object]) -> InstanceView:
    """Does something to an instance and waits until it has gone on from there, at most a few seconds.

    What was asked is in the store by then: where no worker can take the instance, one will that can."""
    changed = threading.Event()
    before = runtime.instance(id).revision
    subscription = runtime.subscribe(lambda _: changed.set(), instance=id, at_once=True)
    end = time.monotonic() + _TAKEN_SECONDS
    try:
        act()
        while (view := runtime.instance(id)).revision <= before and time.monotonic() < end:
            changed.wait(end - time.monotonic())
            changed.clear()
        while view.status == "running" and not view.blocked and time.monotonic() < end:
            changed.wait(end - time.monotonic())
            changed.clear()
            view = runtime.instance(id)
    finally:
        subscription.close()
    return view
