"""The command line: what it prints, how it ends. 0 fine, 1 found problems, 2 used wrongly, 3 the runtime refused."""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import armillary as arm
import click
import pytest
from armillary.cli import armillary, call
from armillary_engine.definition.codec import identity, to_document
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.runtime import Caller

from .approval import approve_application, ask_once

APPROVAL = f"{Path(__file__).parent / 'approval.py'}"
APPLICATION = '{"policy_id": "P-1", "amount": 12000.50}'
BROKEN = """
from armillary import workflow, task

@workflow
def broken(amount: int):
    import os
    with open("x") as f:
        answer = task("Ask")
    return lambda: answer
"""
HANDLERS = """
def rate(request):
    return {"premium": request.arguments["amount"]}
"""


class Ran:
    """What a command printed, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> "Ran":
        self.code = call(arguments)
        self.out, self.err = self._capsys.readouterr()
        assert self.code == code, f"{self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err
        return self

    @property
    def data(self):
        return json.loads(self.out)


@pytest.fixture
def ran(capsys, monkeypatch) -> Ran:
    monkeypatch.delenv("ARMILLARY_URL", raising=False)
    return Ran(capsys)


@pytest.fixture
def handlers(tmp_path) -> str:
    (tmp_path / "handlers.py").write_text(HANDLERS)
    return f"rating={tmp_path / 'handlers.py'}:rate"


def commands(group: click.Group, *above: str):
    for name, command in group.commands.items():
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


COMMANDS = {" ".join(path): command for path, command in commands(armillary)}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help_and_says_what_each_option_does(ran, path):
    assert ran(*path.split(), "--help").out.startswith(f"Usage: armillary {path}")
    options = [param for param in COMMANDS[path].params if isinstance(param, click.Option)]
    assert [option.name for option in options if not option.help and not isinstance(option.type, click.Choice)] == []


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_compile_gives_the_canonical_document(ran, tmp_path):
    assert ran("compile", f"{APPROVAL}:approve_application").data == to_document(approve_application.definition)
    out = tmp_path / "approve.json"
    assert ran("compile", f"{APPROVAL}:ask_once", "-o", str(out)).out == ""
    assert json.loads(out.read_text())["name"] == "AskOnce"


def test_what_was_compiled_compiles_to_the_same(ran, tmp_path):
    out = tmp_path / "approve.json"
    ran("compile", f"{APPROVAL}:approve_application", "-o", str(out))
    assert ran("compile", str(out)).out == out.read_text()


@pytest.mark.parametrize(("to", "suffix"), [("python", "py"), ("yaml", "yaml")])
def test_what_was_decompiled_compiles_to_the_same_digest(ran, tmp_path, to, suffix):
    out = tmp_path / f"approve.{suffix}"
    ran("decompile", f"{APPROVAL}:approve_application", "--to", to, "-o", str(out))
    assert identity(arm.load_definition(str(out))).digest == approve_application.digest


def test_a_difference_is_told(ran, tmp_path):
    source = f"{APPROVAL}:ask_once"
    assert "no difference" in ran("diff", source, source).out
    changed = tmp_path / "changed.json"
    changed.write_text(ran("compile", source).out.replace("clerk", "chief"))
    assert "chief" in ran("diff", source, str(changed), code=1).out
    assert ran("diff", source, str(changed), "--format", "json", code=1).data[0]["kind"] == "changed"


def test_compile_from_standard_input():
    document = json.dumps(to_document(ask_once.definition))
    done = armillary_process("compile", "-", input=document)
    assert (done.returncode, json.loads(done.stdout)) == (0, json.loads(document))


def test_a_broken_file_gives_all_its_problems_and_1(ran, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    said = ran("compile", f"{tmp_path}/broken.py:broken", code=1).err
    assert "line 6" in said
    assert "line 7" in said
    assert "^" in said


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_validate_tells_problems_in_every_format(ran, tmp_path, form):
    (tmp_path / "broken.py").write_text(BROKEN)
    said = ran("validate", f"{tmp_path}/broken.py", "--format", form, code=1).out
    assert "broken.py" in said
    assert "import" in said
    if form in ("json", "sarif"):
        json.loads(said)


def test_validate_looks_at_all_workflows_of_a_file(ran, tmp_path):
    (tmp_path / "several.py").write_text(Path(APPROVAL).read_text() + BROKEN)
    assert "syntax.import" in ran("validate", f"{tmp_path}/several.py", code=1).out
    assert "no problems" in ran("validate", APPROVAL).out


def test_validate_is_content_with_what_is_right(ran):
    assert "no problems" in ran("validate", f"{APPROVAL}:ask_once").out


def test_a_file_that_is_not_there(ran):
    assert "expected a Python, YAML or JSON file at nowhere.py" in ran("compile", "nowhere.py:flow", code=2).err


def test_a_name_that_is_not_in_the_file(ran):
    said = ran("compile", f"{APPROVAL}:aprove_application", code=2).err
    assert "did you mean 'ApproveApplication'" in said


def test_render_draws(ran, tmp_path):
    source = f"{APPROVAL}:approve_application"
    assert ran("render", source).out.startswith("<svg")
    assert ran("render", source, "--format", "mermaid").out.startswith("flowchart")
    picture = tmp_path / "approve.svg"
    ran("render", source, "-o", str(picture))
    assert picture.read_text() == arm.render(approve_application).svg
    ran("render", source, "-o", str(picture), "--check")
    picture.write_text("other")
    assert "not what would be drawn" in ran("render", source, "-o", str(picture), "--check", code=1).err
    assert picture.read_text() == "other"


def test_render_draws_as_dense_as_asked(ran, tmp_path):
    heights = []
    for density in ("compact", "airy"):
        target = tmp_path / f"{density}.json"
        ran("render", f"{APPROVAL}:approve_application", "--density", density, "-o", str(target))
        heights.append(json.loads(target.read_text())["height"])
    assert heights[0] < heights[1]


def test_render_used_wrongly(ran, tmp_path):
    source = f"{APPROVAL}:ask_once"
    assert "ends in .svg" in ran("render", source, "-o", str(tmp_path / "x.gif"), code=2).err
    assert "expected -o" in ran("render", source, "--check", code=2).err
    assert "structured" in ran("render", source, "--layout", "circular", code=2).err


# ── run ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_run_follows_to_the_next_wait_and_tasks_go_on_from_there(ran, url, handlers):
    source = f"{APPROVAL}:approve_application"
    said = ran("run", source, "--input", APPLICATION, "--service", handlers, "--url", url).out
    assert "quote" in said
    assert "12000.5" in said
    assert "waits for a person (underwriter)" in said
    assert "armillary tasks complete" in said

    (task,) = ran("tasks", "list", "--json", "--url", url).data
    assert task["payload"] == {"quote": {"premium": 12000.5}}
    assert "armillary" not in ran("tasks", "show", task["id"], "--url", url).err
    said = ran("tasks", "complete", task["id"], "--answer", '{"answer": "approve"}', "--by", "ann", "--url", url).out
    assert "completed" in said
    assert "no open tasks" in ran("tasks", "list", "--url", url).out
    assert ran("tasks", "list", "--all", "--json", "--url", url).data[0]["status"] == "completed"


def test_run_gives_the_output_of_what_ends(ran, url, tmp_path):
    (tmp_path / "handlers.py").write_text("def rate(request):\n    return {'premium': 5}\n")
    (tmp_path / "input.json").write_text(APPLICATION)
    service = f"rating={tmp_path}/handlers.py:rate"
    source = f"{APPROVAL}:approve_application"
    said = ran("run", source, "--input", f"@{tmp_path}/input.json", "--service", service, "--url", url, "--json").data
    assert said["instance"]["status"] == "completed"
    assert said["values"]["output"] == {"result": "approve", "premium": 5}


def test_run_of_a_workflow_that_fails_ends_with_1(ran, url, tmp_path):
    (tmp_path / "handlers.py").write_text("def rate(request):\n    raise RuntimeError('out of order')\n")
    service = f"rating={tmp_path}/handlers.py:rate"
    said = ran(
        "run", f"{APPROVAL}:approve_application", "--input", APPLICATION, "--service", service, "--url", url, code=1
    ).out
    assert "out of order" in said


def test_run_without_the_service_says_what_is_missing(ran, url, monkeypatch):
    monkeypatch.setattr(import_module("armillary.cli.run"), "_BLOCKED_SECONDS", 0.1)
    said = ran("run", f"{APPROVAL}:approve_application", "--input", APPLICATION, "--url", url, code=3).err
    assert "waiting for service 'rating'" in said
    assert "--service" in said
    assert "blocked" in ran("instances", "list", "--url", url).out


def test_run_used_wrongly(ran, url, tmp_path):
    source = f"{APPROVAL}:approve_application"
    assert "--input: expected JSON" in ran("run", source, "--input", "{policy", "--url", url, code=2).err
    assert "cannot read" in ran("run", source, "--input", "@nowhere.json", "--url", url, code=2).err
    assert "NAME=FILE.py:FUNCTION" in ran("run", source, "--service", "rating", "--url", url, code=2).err
    (tmp_path / "bad.py").write_text("import nothing_of_that_name\n")
    service = f"rating={tmp_path}/bad.py:rate"
    assert "line 1: ModuleNotFoundError" in ran("run", source, "--service", service, "--url", url, code=2).err
    assert "policy_id" in ran("run", source, "--input", "{}", "--url", url, code=3).err


def test_a_long_flow_may_be_drawn_in_one_column(ran, tmp_path):
    steps = "".join(f"    call('mail/send', id='mail-{number}')\n" for number in range(40))
    (tmp_path / "long.py").write_text(f"from armillary import call, workflow\n\n@workflow\ndef long():\n{steps}")

    def size(*options: str) -> tuple[float, float]:
        placed = ran("render", f"{tmp_path}/long.py", "--format", "json", *options).data
        return placed["width"], placed["height"]

    (narrow, high), (wide, low) = size("--wrap", "0"), size("--wrap", "20")
    assert narrow < wide
    assert high > low
    assert "--wrap" in ran("render", f"{tmp_path}/long.py", "--wrap", "-1", code=2).err


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_file_while_a_workbench_has_it_open(ran, url, bench):
    bench.deploy(ask_once)
    instance = bench.start("AskOnce", key="K").wait(timeout=20)
    assert instance.id in ran("instances", "list", "--url", url).out
    task = instance.tasks[0]
    done = armillary_process("tasks", "complete", task.id, "--answer", '{"answer": "decline"}', "--url", url)
    assert done.returncode == 0, done.stderr
    assert instance.wait(until="ended", timeout=20).output["answer"] == "decline"


def test_instances_are_shown_and_changed(ran, url, bench):
    first = bench.start(ask_once, key="1").wait(timeout=20)
    second = bench.start(ask_once, key="2").wait(timeout=20)
    listed = ran("instances", "list", "--status", "waiting", "--json", "--url", url).data
    assert [view["id"] for view in listed] == [second.id, first.id]
    shown = ran("instances", "show", first.id, "--url", url).out
    assert "AskOnce" in shown
    assert "What do you say?" in shown
    assert "waits for a person" in ran("instances", "history", first.id, "--url", url).out
    assert ran("instances", "history", first.id, "--json", "--url", url).data[0]["type"] == "instance.started"
    exported = ran("instances", "export", first.id, "--url", url).data
    assert (exported["format"], exported["instance"]["id"]) == ("armillary.history/1", first.id)
    assert "suspended" in ran("instances", "suspend", first.id, "--url", url).out
    assert "waiting" in ran("instances", "resume", first.id, "--url", url).out
    assert "cancelled" in ran("instances", "cancel", first.id, "--reason", "withdrawn", "--url", url).out
    assert ran("instances", "list", "--status", "cancelled", "--json", "--url", url).data[0]["id"] == first.id


def test_tasks_are_claimed_released_and_handed_over(ran, url, bench):
    task = bench.start(ask_once).wait(timeout=20).tasks[0]
    assert "claimed by ann" in ran("tasks", "claim", task.id, "--by", "ann", "--url", url).out
    assert "claimed by bob" in ran("tasks", "reassign", task.id, "bob", "--url", url).out
    assert ran("tasks", "release", task.id, "--by", "bob", "--json", "--url", url).data["assignee"] is None


def test_what_the_runtime_refuses_ends_with_3(ran, url, bench):
    task = bench.start(ask_once).wait(timeout=20).tasks[0]
    said = ran("tasks", "complete", task.id, "--answer", '{"answer": "perhaps"}', "--url", url, code=3).err
    assert "[task.answer-invalid]" in said
    assert "[instance.unknown]" in ran("instances", "show", "nobody", "--url", url, code=3).err
    assert "[task.unknown]" in ran("tasks", "show", "nobody/1", "--url", url, code=3).err
    ran("tasks", "complete", task.id, "--answer", '{"answer": "approve"}', "--url", url)
    said = ran("tasks", "complete", task.id, "--answer", '{"answer": "approve"}', "--url", url, code=3).err
    assert "[task.not-open]" in said


def test_definitions_are_deployed_and_listed(ran, url):
    assert "deployed AskOnce 0.0.0+" in ran("definitions", "deploy", f"{APPROVAL}:ask_once", "--url", url).out
    assert "AskOnce" in ran("definitions", "list", "--url", url).out
    assert ran("definitions", "show", "AskOnce", "--url", url).data["name"] == "AskOnce"
    assert "[definition.unknown]" in ran("definitions", "show", "AskTwice", "--url", url, code=3).err


def test_the_store_is_checked(ran, url, bench):
    bench.start(ask_once).wait(timeout=20)
    assert ran("db", "check", "--url", url).out == "no defects\n"


def test_without_a_url_it_is_the_store_of_notebooks(ran, tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "armillary")
    ran("definitions", "deploy", f"{APPROVAL}:ask_once")
    with arm.Workbench() as bench:
        assert [view.name for view in bench.definitions()] == ["AskOnce"]
    monkeypatch.setenv("ARMILLARY_URL", f"sqlite:///{tmp_path}/other.sqlite")
    assert "[store.missing]" in ran("definitions", "list", code=3).err


def test_a_command_that_reads_makes_no_store(ran, url):
    assert "[store.missing]" in ran("instances", "list", "--url", url, code=3).err
    assert not Path(url.removeprefix("sqlite:///")).exists()


def test_a_url_that_cannot_be_used_is_used_wrongly(ran, monkeypatch):
    assert "[url.unavailable]" in ran("instances", "list", "--url", "https://flows.example", code=2).err
    monkeypatch.setenv("ARMILLARY_URL", "claims.sqlite")
    assert "[url.invalid]" in ran("instances", "list", code=2).err


def test_a_file_that_is_no_store_is_refused(ran, tmp_path):
    (tmp_path / "letter.sqlite").write_text("Dear Sir or Madam, " * 500)
    assert "[store.corrupt]" in ran("instances", "list", "--url", f"sqlite:///{tmp_path}/letter.sqlite", code=3).err


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\nb"])
def test_what_a_workflow_says_cannot_take_over_a_terminal(ran, url, bench, hostile):
    bench.service("rating", lambda request: {"premium": 20_000})
    bench.start(approve_application, {"policy_id": f"P{hostile}", "amount": 1}).wait(timeout=20)
    for command in (["instances", "list"], ["tasks", "list"]):
        out = ran(*command, "--url", url).out
        assert "\x1b" not in out
        assert len(out.splitlines()) == 2


def test_no_colour_and_no_stack_without_a_terminal(url):
    done = armillary_process("run", f"{APPROVAL}:ask_once", "--url", url)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


def test_a_terminal_gets_bold_headings_and_no_color_is_respected(ran, url, bench, monkeypatch):
    bench.start(ask_once).wait(timeout=20)
    monkeypatch.setattr("armillary.cli.output.on_terminal", lambda: True)
    assert ran("tasks", "list", "--url", url).out.startswith("\x1b[1mtask")
    monkeypatch.setenv("NO_COLOR", "1")
    assert ran("tasks", "list", "--url", url).out.startswith("task")


def test_output_that_nobody_reads_is_no_error(url):
    with arm.Workbench(url) as bench:
        for number in range(50):
            bench.start(ask_once, key=str(number))
    command = f"{shlex.quote(sys.executable)} -m armillary instances list --url {shlex.quote(url)} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def armillary_process(*arguments: str, input: str | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "ARMILLARY_URL"}
    command = [sys.executable, "-m", "armillary", *arguments]
    return subprocess.run(command, input=input, capture_output=True, text=True, timeout=60, env=environment)


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def store(ran, tmp_path) -> list[str]:
    """``--url`` of a store with an instance that waits for a person."""
    place = ["--url", f"sqlite:///{tmp_path}/store.sqlite"]
    ran("run", f"{APPROVAL}:ask_once", *place)
    return place


def test_a_signal_is_raised_listed_and_explained(ran, store):
    ran("run", f"{APPROVAL}:await_payment", "--input", '{"policy": "P-1"}', *store)
    command = ["signals", "raise", "payment-received", "--match", '"P-2"', "--payload", "{}"]
    sent = ran(*command, "--json", *store).data["id"]
    assert "kept" in ran("signals", "list", *store).out
    assert ran("signals", "list", "--status", "taken", "--json", *store).data == []
    assert "P-1" in ran("signals", "explain", sent, *store).out
    assert ran("signals", "explain", sent, "--json", *store).data["signal"]["id"] == sent
    assert "nobody" in ran("signals", "explain", "nobody", *store, code=3).err
    assert "--match" in ran("signals", "raise", "x", "--match", "P-2", *store, code=2).err


def test_instances_are_started_later_under_an_id_and_found_page_by_page(ran, store):
    ran("definitions", "deploy", f"{APPROVAL}:ask_once", *store)
    (deployed,) = ran("definitions", "list", "--json", *store).data
    name, version = deployed["name"], deployed["version"]
    started = [
        ran(
            "instances", "start", name, "--input", '{"number": 1}', "--id", f"case-{n}", "--delay", "30d",
            "--by", "ann", "--json", *store,
        ).data["id"] for n in range(3)
    ]  # fmt: skip
    assert started == ["case-0", "case-1", "case-2"]
    assert "case-1" in ran("instances", "start", name, "--id", "case-1", *store, code=3).err
    found = ran("instances", "list", "--version", version, "--limit", "2", "--json", *store).data
    assert [one["id"] for one in found] == ["case-2", "case-1"]
    rest = ran("instances", "list", "--version", version, "--after", "case-1", "--json", *store).data
    assert rest[0]["id"] == "case-0"
    assert not {"case-1", "case-2"} & {one["id"] for one in rest}
    for nobody in (["--version", "9.9.9"], ["--older", "1h"], ["--step", "nowhere"], ["--key", "K"]):
        assert ran("instances", "list", *nobody, "--json", *store).data == []
    ran("instances", "list", "--older", "soon", *store, code=2)
    assert "start.delay" in ran("instances", "start", name, "--delay", "200000d", *store, code=3).err


def test_all_that_failed_are_retried_and_one_that_is_refused_stops_none(ran, store, tmp_path, monkeypatch):
    for name in ("Low", "High"):
        end = "body:\n  - id: end\n    kind: fail\n    code: '\"claim.late\"'\n    message: '\"too late\"'\n"
        (tmp_path / f"{name}.yaml").write_text(f"schema: armillary.workflow/1\nname: {name}\n{end}")
        for key in "12":
            ran("run", str(tmp_path / f"{name}.yaml"), "--key", f"{name}-{key}", *store, code=1)
    failed = ["instances", "list", "--status", "failed", "--workflow", "Low", "--json", *store]
    newest, oldest = (one["id"] for one in ran(*failed).data)
    for wrong in ([], [newest, "--all-failed"], [newest, "--step", "end"]):
        assert "--all-failed" in ran("instances", "retry", *wrong, *store, code=2).err
    every = ["instances", "retry", "--all-failed", *store]
    none = {"retried": [], "refused": []}
    assert ran(*every, "--step", "nowhere", "--json").data == none
    assert ran(*every, "--workflow", "Low", "--version", "9.9.9", "--json").data == none
    low = [*every, "--workflow", "Low", "--step", "end", "--json"]
    assert ran(*low).data == {"retried": [oldest, newest], "refused": []}

    retry = LocalRuntime.retry

    def but_one(self: LocalRuntime, id: str, **who: Caller) -> None:
        if id == oldest:
            raise ArmillaryError("instance.not-failed", f"expected one that failed, got {id}")
        retry(self, id, **who)

    monkeypatch.setattr(LocalRuntime, "retry", but_one)
    told = ran(*low, code=3)
    assert told.data["retried"] == [newest]
    assert [(one["id"], one["code"]) for one in told.data["refused"]] == [(oldest, "instance.not-failed")]
    assert "[instance.not-failed]" in told.err
    assert "Retried 3 of 4" in ran(*every, code=3).out


def test_nothing_is_deployed_where_one_has_problems_unless_told_so(ran, url, tmp_path):
    store = ["--url", url]
    unknown = "body:\n  - id: end\n    kind: complete\n    output: nobody.assigned\n"
    (tmp_path / "Bad.yaml").write_text(f"schema: armillary.workflow/1\nname: Bad\n{unknown}")
    (tmp_path / "Worse.yaml").write_text(f"name: Worse\n{unknown}")
    given = (f"{APPROVAL}:ask_once", str(tmp_path / "Bad.yaml"), str(tmp_path / "Worse.yaml"))
    told = ran("definitions", "deploy", *given, *store, code=1).err
    assert "'Bad' has 1 problem" in told
    assert "'Worse' has 1 problem" in told
    assert "store.missing" in ran("definitions", "list", *store, code=3).err
    warned = ran("definitions", "deploy", "--mode", "warn", "--by", "ann", *given, *store, code=1)
    assert "deployed AskOnce" in warned.out
    assert "'Worse' has 1 problem" in warned.err
    (one,) = ran("definitions", "list", "--json", *store).data
    assert (one["name"], one["deployed_by"]) == ("AskOnce", "ann")


def test_the_history_says_who_did_what_and_why(ran, store):
    ran("definitions", "deploy", f"{APPROVAL}:ask_once", *store)
    ran("instances", "start", "AskOnce", "--input", '{"number": 1}', "--id", "case", *store)
    ran("instances", "suspend", "case", "--reason", "audit", "--by", "ann", *store)
    ran("instances", "resume", "case", "--by", "ben", *store)
    ran("instances", "cancel", "case", "--reason", "withdrawn", "--by", "cem", *store)
    told = ran("instances", "history", "case", *store).out
    for words in ("suspended by ann: audit", "resumed by ben", "cancelled by cem: withdrawn"):
        assert words in told


def test_a_signal_is_kept_for_as_long_as_its_sender_says(ran, store):
    ran("signals", "raise", "paid", "--match", "1", "--id", "S-1", "--ttl", "2h", *store)
    (kept,) = ran("signals", "list", "--json", *store).data
    hours = datetime.fromisoformat(kept["expires"]) - datetime.fromisoformat(kept["created"])
    assert hours == timedelta(hours=2)
    ran("signals", "raise", "paid", "--ttl", "400d", *store, code=3)


def test_schedules_are_made_listed_paused_resumed_and_deleted(ran, store):
    assert ran("schedules", "list", *store).out == "no schedules\n"
    nightly = ("schedules", "create", "nightly", "AskOnce")
    refused = ran(*nightly, "--cron", "0 3 * * *", "--every", "1d", *store, code=3).err
    assert "either a cron line or an interval, got both" in refused
    assert "Europe/Wien" in ran(*nightly, "--cron", "0 3 * * *", "--timezone", "Europe/Wien", *store, code=3).err
    made = ran(*nightly, "--cron", "0 3 * * *", "--input", '{"number": 1}', "--missed", "skip", "--json", *store).data
    assert (made["missed"], made["input"]) == ("skip", {"number": 1})
    assert "0 3 * * *" in ran("schedules", "list", *store).out
    assert "every 86400 s" in ran("schedules", "create", "daily", "AskOnce", "--every", "1d", *store).out
    assert ran("schedules", "pause", "nightly", "--json", *store).data["paused"] is True
    assert ran("schedules", "resume", "nightly", "--json", *store).data["paused"] is False
    assert "deleted nightly" in ran("schedules", "delete", "nightly", *store).out
    assert "nightly" in ran("schedules", "pause", "nightly", *store, code=3).err


def test_dead_letters_that_are_not_there(ran, store):
    assert ran("dead-letters", "list", *store).out == "no dead letters\n"
    for verb in ("show", "replay", "drop"):
        assert "message-7" in ran("dead-letters", verb, "message-7", *store, code=3).err


def test_a_version_is_disabled_and_enabled(ran, store):
    version = ran("definitions", "list", "--json", *store).data[0]["version"]
    assert "is disabled" in ran("definitions", "disable", "AskOnce", version, *store).out
    assert ran("definitions", "list", "--json", *store).data[0]["enabled"] is False
    assert ran("definitions", "enable", "AskOnce", version, "--json", *store).data["enabled"] is True
    assert "9.9" in ran("definitions", "disable", "AskOnce", "9.9.9", *store, code=3).err


def test_a_task_is_delegated_and_commented(ran, store):
    task = ran("tasks", "list", "--json", *store).data[0]["id"]
    ran("tasks", "claim", task, "--by", "ann", *store)
    assert "claimed by bob" in ran("tasks", "delegate", task, "bob", "--by", "ann", *store).out
    assert "commented" in ran("tasks", "comment", task, "please", "--by", "ann", *store).out
    history = ran("tasks", "history", task, *store).out
    assert "please" in history
    assert "delegated" in history
    assert "ann" in ran("tasks", "delegate", task, "eve", "--by", "ann", *store, code=3).err


def test_the_schema_of_a_store(ran, store, tmp_path):
    known = ran("db", "status", "--json", *store).data
    assert known["status"] == "current"
    assert "nothing to do" in ran("db", "upgrade", *store).out
    assert ran("db", "upgrade", "--json", *store).data == {"before": known["schema"], "after": known["schema"]}
    (tmp_path / "other.txt").write_text("no store at all, and long enough to look like something else" * 20)
    assert "Traceback" not in ran("db", "status", "--url", f"sqlite:///{tmp_path}/other.txt", code=3).err
    assert "expected a store" in ran("db", "upgrade", "--url", f"sqlite:///{tmp_path}/none", code=3).err
    assert "url.unavailable" in ran("db", "status", "--url", "memory://", code=3).err


def test_a_newer_store_is_told_and_left_alone(ran, store):
    path = store[1].removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert ran("db", "status", "--json", *store, code=1).data["status"] == "newer"
    assert "newer" in ran("db", "upgrade", *store, code=3).err


def test_simulate_prints_the_history(ran, tmp_path):
    script = tmp_path / "script.yaml"
    script.write_text(
        "- call: rating/quote\n  reply: {premium: 12500.10}\n  after: 3s\n"
        "- task: ReviewQuote\n  answer: {answer: approve}\n  after: 2d\n"
    )
    command = ["simulate", f"{APPROVAL}:approve_application", "--input", APPLICATION]
    said = ran(*command, "--script", str(script)).out
    assert "2d 00:00:03" in said
    assert '"premium": 12500.1' in said
    data = ran(*command, "--script", str(script), "--json").data
    assert (data["status"], data["seconds"], data["calls"][0]["call"]) == ("completed", 172_803, "rating/quote")


def test_simulate_tells_what_the_script_does_not_expect(ran, tmp_path, handlers):
    command = ["simulate", f"{APPROVAL}:approve_application", "--input", APPLICATION]
    failed = ran(*command, code=1)
    assert "expected no more calls of 'rating', got rating/quote" in failed.err
    assert "asks rating / quote" in failed.out
    assert "waiting at review-quote" in ran(*command, "--service", handlers).out
    (tmp_path / "script.json").write_text('[{"tusk": 1}]')
    assert "entry 1 of the script" in ran(*command, "--script", str(tmp_path / "script.json"), code=2).err
    assert "cannot read" in ran(*command, "--script", str(tmp_path / "none.yaml"), code=2).err
    (tmp_path / "script.yaml").write_text("- [")
    assert "expected YAML" in ran(*command, "--script", str(tmp_path / "script.yaml"), code=2).err
    assert "duration" in ran(*command, "--service", handlers, "--until", "soon", code=2).err
    assert "policy_id" in ran("simulate", f"{APPROVAL}:approve_application", code=3).err


def test_run_may_answer_calls_from_a_script(ran, url, tmp_path):
    command = ["run", f"{APPROVAL}:approve_application", "--input", APPLICATION, "--url", url, "--script"]
    script = tmp_path / "script.json"
    script.write_text('[{"call": "rating/quote", "reply": {"premium": 5}}]')
    assert '"premium": 5' in ran(*command, str(script)).out
    script.write_text('[{"call": "rating/other", "reply": 1}]')
    assert "expected call rating/other, got rating/quote" in ran(*command, str(script), code=1).out
    script.write_text('[{"call": "rating/quote", "reply": 1}, {"task": "ReviewQuote", "answer": 1}]')
    assert "as entry 2, got another kind" in ran(*command, str(script), code=2).err


def test_a_worker_stops_in_order_when_it_is_told_to(tmp_path, handlers):
    url = f"sqlite:///{tmp_path}/store.sqlite"
    command = [sys.executable, "-m", "armillary", "worker", "--url", url, "--service", handlers]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "working; answers rating\n"
        with arm.Workbench(url) as bench:
            instance = bench.start(approve_application, {"policy_id": "P-1", "amount": 5}).wait("ended", timeout=30)
            assert instance.output["premium"] == 5
        process.send_signal(signal.SIGTERM)
        assert process.stderr.read() == "stopping\nstopped\n"
        assert process.wait(timeout=30) == 0
