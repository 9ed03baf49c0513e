"""The command line. ``main`` is what the program ``armillary`` runs.

Exit codes: 0 fine · 1 found problems · 2 used wrongly · 3 the runtime refused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click
from armillary_engine.definition.problems import ArmillaryError

from .database import database
from .dead_letters import dead_letters
from .definitions import definitions
from .documents import compile_command, decompile_command, diff_command, render_command, validate_command
from .instances import instances
from .lab import lab
from .output import Found, Refused, complain
from .retention import retention
from .run import run
from .schedules import schedules
from .signals import signals
from .simulate import simulate
from .tasks import tasks
from .worker import worker

_FINE, _PROBLEMS, _USED_WRONGLY, _REFUSED, _INTERRUPTED = 0, 1, 2, 3, 130

_WRONG_USES = ("url.", "lab.", "layout.", "render.", "script.", "duration.", "load.kind", "load.file", "load.none",
               "load.several")  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="armillary", prog_name="armillary")
def armillary() -> None:
    """Durable workflows: compile, draw and run them, and look after what runs.

    A store is named by --url or ARMILLARY_URL: sqlite:///path or postgresql://…. Without one it is the SQLite file that
    notebooks use, too.

    Exit codes: 0 fine, 1 found problems, 2 used wrongly, 3 the runtime refused.
    """


for command in (
    compile_command,
    decompile_command,
    diff_command,
    validate_command,
    render_command,
    run,
    simulate,
    worker,
    instances,
    tasks,
    signals,
    schedules,
    dead_letters,
    definitions,
    retention,
    database,
    lab,
):
    armillary.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and leaves the process with its exit code."""
    sys.exit(call(sys.argv[1:] if arguments is None else arguments))


def call(arguments: Sequence[str]) -> int:
    """Runs one command; gives its exit code. Errors are told on stderr."""
    try:
        code = armillary.main(args=list(arguments), prog_name="armillary", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return _USED_WRONGLY
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return _INTERRUPTED
    except Found:
        return _PROBLEMS
    except Refused as refused:
        complain(refused.error)
        return _REFUSED
    except ArmillaryError as error:
        complain(error)
        return _USED_WRONGLY if error.code.startswith(_WRONG_USES) else _PROBLEMS
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FINE
    return code if isinstance(code, int) else _FINE
