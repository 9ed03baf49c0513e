"""``armillary schedules …``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .output import AGE, by_option, duration, json_option, opened, print_json, print_table, read_json, url_option

if TYPE_CHECKING:
    from armillary_engine.operations import Missed, ScheduleView


@click.group()
def schedules() -> None:
    """Instances that are started again and again."""


@schedules.command()
@click.argument("id")
@click.argument("workflow")
@click.option("--cron", metavar="LINE", help="Five fields, or six with seconds: '0 9 * * 1-5'.")
@click.option("--timezone", default="UTC", show_default=True, metavar="NAME", help="Whose clock the cron line means.")
@click.option("--every", metavar="DURATION", help=f"Instead of a cron line. {AGE}")
@click.option("--input", "input_text", default="{}", metavar="JSON|@FILE", help="What each instance starts with.")
@click.option("--version", default="*", metavar="RANGE", help="The highest deployed version in it, at each start.")
@click.option(
    "--missed", type=click.Choice(["skip", "once", "all"]), default="once", show_default=True,
    help="What becomes of moments that nobody was awake for.",
)  # fmt: skip
@by_option("Who makes it.")
@json_option
@url_option
def create(
    id: str, workflow: str, cron: str | None, timezone: str, every: str | None, input_text: str, version: str,
    missed: Missed, by: str | None, as_json: bool, url: str | None,
) -> None:  # fmt: skip
    """Start a deployed WORKFLOW again and again; an ID that exists is replaced."""
    from armillary_engine.operations import Every
    from armillary_engine.runtime import Caller

    value, interval = read_json(input_text, option="--input"), duration(every)
    when = Every(cron=cron, timezone=timezone, interval=None if interval is None else interval.total_seconds())
    with opened(url) as runtime:
        view = runtime.schedule(id, workflow, when, input=value, version=version, missed=missed, caller=Caller(by))
    _tell([view], as_json, one=True)


@schedules.command("list")
@json_option
@url_option
def list_schedules(as_json: bool, url: str | None) -> None:
    """All schedules, with their next moment."""
    with opened(url) as runtime:
        views = runtime.schedules()
    _tell(list(views), as_json)


@schedules.command()
@click.argument("id")
@by_option("Who pauses it.")
@json_option
@url_option
def pause(id: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Start nothing until it is resumed."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.pause_schedule(id, caller=Caller(by))
    _tell([view], as_json, one=True)


@schedules.command()
@click.argument("id")
@by_option("Who resumes it.")
@json_option
@url_option
def resume(id: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Go on with the next moment from now."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.resume_schedule(id, caller=Caller(by))
    _tell([view], as_json, one=True)


@schedules.command()
@click.argument("id")
@by_option("Who deletes it.")
@url_option
def delete(id: str, by: str | None, url: str | None) -> None:
    """End a schedule; instances that it has started go on."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        runtime.delete_schedule(id, caller=Caller(by))
    click.echo(f"deleted {id}")


def _tell(views: list[ScheduleView], as_json: bool, *, one: bool = False) -> None:
    from ..operating import SCHEDULE_HEADINGS, schedule_row

    if as_json:
        print_json(views[0] if one else views)
    else:
        print_table(SCHEDULE_HEADINGS, [schedule_row(view) for view in views], empty="no schedules")
