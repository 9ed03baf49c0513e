"""``armillary tasks …``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .instances import taken, tell_standing
from .output import (
    by_option,
    json_option,
    opened,
    page_options,
    print_fields,
    print_json,
    print_table,
    read_json,
    reveal_option,
    url_option,
)

if TYPE_CHECKING:
    from armillary_engine.runtime import TaskView


@click.group()
def tasks() -> None:
    """What waits for a person."""


@tasks.command("list")
@click.option("--instance", metavar="ID", help="Only of this instance and its subworkflows.")
@click.option("--name", metavar="NAME", help="Only tasks of this name.")
@click.option("--role", metavar="ROLE", help="Only for this role.")
@click.option("--assignee", metavar="NAME", help="Only claimed by this person.")
@click.option("--all", "every", is_flag=True, help="Tasks that are over, too.")
@page_options
@json_option
@url_option
def list_tasks(
    instance: str | None,
    name: str | None,
    role: str | None,
    assignee: str | None,
    every: bool,
    after: str | None,
    limit: int,
    as_json: bool,
    url: str | None,
) -> None:
    """Open tasks, oldest first."""
    from armillary_engine.runtime import TaskQuery

    from ..handles import TASK_HEADINGS, task_row

    status = None if every else "open"
    query = TaskQuery(
        instance=instance, name=name, role=role, assignee=assignee, status=status, after=after, limit=limit
    )  # fmt: skip
    with opened(url) as runtime:
        views = runtime.tasks(query)
    if as_json:
        print_json(list(views))
    else:
        print_table(TASK_HEADINGS, [task_row(view) for view in views], empty="no tasks" if every else "no open tasks")


@tasks.command("show")
@click.argument("id")
@reveal_option
@json_option
@url_option
def show_task(id: str, reveal: bool, as_json: bool, url: str | None) -> None:
    """A task: what it shows, and what an answer has to look like."""
    with opened(url) as runtime:
        view = runtime.task(id, reveal=reveal)
    _tell(view, as_json)


@tasks.command()
@click.argument("id")
@click.option("--by", required=True, metavar="NAME", help="Who takes it.")
@json_option
@url_option
def claim(id: str, by: str, as_json: bool, url: str | None) -> None:
    """Take a task, so that nobody else does."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.claim_task(id, caller=Caller(by))
    _tell_line(view, as_json)


@tasks.command()
@click.argument("id")
@by_option("Who gives it back.")
@json_option
@url_option
def release(id: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Give a claimed task back to all who may do it."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.release_task(id, caller=Caller(by))
    _tell_line(view, as_json)


@tasks.command()
@click.argument("id")
@click.argument("to")
@by_option("Who hands it over.")
@json_option
@url_option
def reassign(id: str, to: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Hand a task over to the person TO."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.reassign_task(id, to, caller=Caller(by))
    _tell_line(view, as_json)


@tasks.command()
@click.argument("id")
@click.option("--answer", default="null", metavar="JSON|@FILE", help="The answer; see `armillary tasks show ID`.")
@by_option("Who answers.")
@json_option
@url_option
def complete(id: str, answer: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Answer a task; its instance goes on."""
    from armillary_engine.runtime import Caller

    value = read_json(answer, option="--answer")
    with opened(url, work=True) as runtime:
        instance = runtime.task(id).instance
        view = taken(runtime, instance, lambda: runtime.complete_task(id, value, caller=Caller(by)))
    tell_standing(view, as_json)


@tasks.command()
@click.argument("id")
@click.argument("to")
@click.option("--by", required=True, metavar="NAME", help="Who holds it now.")
@json_option
@url_option
def delegate(id: str, to: str, by: str, as_json: bool, url: str | None) -> None:
    """Hand a task that one holds oneself to the person TO."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.delegate_task(id, to, caller=Caller(by))
    _tell_line(view, as_json)


@tasks.command()
@click.argument("id")
@click.argument("text")
@by_option("Who says it.")
@json_option
@url_option
def comment(id: str, text: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Add a remark to a task, open or over."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        event = runtime.comment_task(id, text, caller=Caller(by))
    if as_json:
        print_json(event)
    else:
        click.echo(f"{id}  commented")


@tasks.command("history")
@click.argument("id")
@json_option
@url_option
def show_task_history(id: str, as_json: bool, url: str | None) -> None:
    """What happened to a task, oldest first."""
    from ..handles import TASK_EVENT_HEADINGS, task_event_row

    with opened(url) as runtime:
        events = runtime.task_events(id)
    if as_json:
        print_json(list(events))
    else:
        print_table(TASK_EVENT_HEADINGS, [task_event_row(event) for event in events], empty="no events")


def _tell_line(view: TaskView, as_json: bool) -> None:
    from ..words import task_standing

    if as_json:
        print_json(view)
    else:
        click.echo(f"{view.id}  {view.name}  {task_standing(view)}")


def _tell(view: TaskView, as_json: bool) -> None:
    from ..words import moment, task_standing, to_json

    if as_json:
        print_json(view)
        return
    print_fields(
        [
            ("task", view.id),
            ("name", view.name),
            ("title", view.title),
            ("status", task_standing(view)),
            ("for", ", ".join(view.roles)),
            ("instance", view.instance),
            ("created", moment(view.created)),
            ("due", moment(view.due)),
            ("ended", moment(view.ended)),
            ("shows", "" if view.payload is None else to_json(view.payload, indent=2)),
            ("answer", "" if view.status == "open" else to_json(view.answer, indent=2)),
            ("answer has to fit", to_json(view.answer_schema, indent=2) if view.answer_schema else ""),
        ]
    )
