"""Draws the gallery and writes its page: python docs/gallery/make.py"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from armillary_engine.definition import model as m
from armillary_engine.definition.problems import Problem
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import Overlay, StepState
from armillary_renderers.project.overlays import diagnostics, difference, heat_map
from armillary_renderers.render import Picture, render
from armillary_renderers.svg.theme import THEMES

HERE = Path(__file__).parent
CLAIM = GALLERY["settle-claim"]
TICKET = GALLERY["route-ticket"]
NOTHING = m.Object({})


def work(step: str) -> m.Call:
    return m.Call(step, m.Address("rating", "quote"), NOTHING)


def guarded() -> m.Try:
    handlers = (m.Handler(("timeout",), (m.Set("estimate", {"price": m.Const(100)}),)), m.Handler(("*",), ()))
    return m.Try("try", (work("ask"), work("book")), handlers, (work("cancel"),))


KINDS: dict[str, m.Step] = {
    "set": m.Set("set", {"total": m.Const(1)}),
    "reference": m.Reference("reference", m.Get("claim.id")),
    "call": m.Call("call", m.Address("rating", "quote"), NOTHING, retry=m.RetryPolicy(3), timeout="PT5M"),
    "task": m.Task("task", "ReviewQuote", roles=("underwriter",), escalate=m.Escalation("P2D", ("lead",))),
    "decision": m.Decision("decision", (m.Branch(m.Get("urgent"), (work("express"),)),), (work("post"),)),
    "repeat, tested before": m.Repeat("repeat", (work("ask"),), test=m.Get("open")),
    "repeat, tested after": m.Repeat("repeat", (work("ask"),), until=m.Get("closed")),
    "each": m.Each("each", m.Get("orders"), "order", (work("pack"),), parallel=4),
    "fork, with its join": m.Fork("fork", (m.ForkBranch("mail", (work("a"),)), m.ForkBranch("post", (work("b"),))), 1),
    "timer": m.Timer("timer", after=m.Const("PT5M")),
    "signal": m.Signal("signal", "payment-received", match=m.Get("claim.id"), timeout="P14D"),
    "subworkflow": m.Subworkflow("sub", "IssuePolicy", NOTHING),
    "continue with": m.ContinueWith("go", "RenewPolicy", NOTHING),
    "try, with handlers and compensation": guarded(),
    "leave and next": m.Repeat(
        "repeat",
        (
            m.Decision(
                "kind",
                (m.Branch(m.Get("last"), (m.Leave("leave"),)), m.Branch(m.Get("odd"), (m.Next("next"),))),
                (work("ask"),),
            ),
        ),
        test=m.Get("open"),
    ),
    "complete": m.Complete("complete", m.Object({"result": m.Const("paid")})),
    "fail": m.Fail("fail", m.Const("claim.declined"), m.Const("Declined")),
}


def kinds() -> Iterator[tuple[str, Picture]]:
    for name, step in KINDS.items():
        yield name, render(m.Definition("Example", (step,)), title=name)


def themes() -> Iterator[tuple[str, Picture]]:
    for theme in THEMES:
        yield theme, render(TICKET, theme=theme)


def details() -> Iterator[tuple[str, Picture]]:
    for detail in ("outline", "normal", "full"):
        yield detail, render(GALLERY["review-document"], detail=detail)


def directions() -> Iterator[tuple[str, Picture]]:
    for direction in ("down", "right", "left"):
        yield direction, render(GALLERY["poll-job"], direction=direction)


def overlays() -> Iterator[tuple[str, Picture]]:
    live = {
        "claim-id": StepState("done", 1),
        "cover": StepState("done", 1, retries=2, took="PT4S"),
        "covered": StepState("done", 1),
        "open": StepState("running", 1),
        "assess": StepState("waiting", 2, due="2026-03-04T12:00:00+00:00"),
    }
    path = [":start", "claim-id", "cover", "covered", "open", "assess"]
    taken = frozenset(pairwise(path))
    yield "an instance", render(CLAIM, overlay=Overlay(live, taken, now="2026-03-02T09:00:00+00:00"), legend=True)
    picture = render(CLAIM)
    counts = {"claim-id": 900, "cover": 900, "covered": 900, "refuse": 60, "not-covered": 60, "open": 1900}
    counts |= {"assess": 1060, "incomplete": 1060, "ask": 220, "large": 840, "approve": 130, "settle": 840}
    counts |= {"pay": 840, "letter": 840, "received": 838, "settled": 815}
    flows = {
        (edge.source, edge.target): min(counts.get(edge.source, 840), counts.get(edge.target, 840))
        for edge in picture.diagram.edges
    }
    yield "counts of many instances", render(CLAIM, overlay=heat_map(counts, flows), legend=True)
    problems = [
        Problem("x", "no worker offers mail/refusal", step="refuse"),
        Problem("y", "the branch can never be taken", severity="warning", step="large"),
    ]
    yield "problems", render(CLAIM, overlay=diagnostics(problems))
    changes = [
        {"kind": "added", "step": "approve"},
        {"kind": "changed", "step": "cover"},
        {"kind": "renamed", "step": "letter", "before": "note"},
    ]
    yield "what changed since the last version", render(CLAIM, overlay=difference(changes), legend=True)


def nesting() -> Iterator[tuple[str, Picture]]:
    yield "a loop and a fork collapsed", render(CLAIM, collapsed=["open", "settle"])
    child = m.Subworkflow("render-film", "PollJob", NOTHING)
    body = (m.Task("cut", "CutScene", roles=("editor",)), child, work("publish"))
    yield "a child workflow expanded", render(m.Definition("Film", body), expanded={"render-film": GALLERY["poll-job"]})


SECTIONS = {
    "Every kind of step": kinds,
    "Definitions": lambda: ((name, render(definition)) for name, definition in GALLERY.items()),
    "Themes": themes,
    "Levels of detail": details,
    "Reading directions": directions,
    "Overlays": overlays,
    "Collapsed and expanded": nesting,
}


def files() -> dict[Path, str]:
    """The page and its pictures."""
    page = ["# Gallery", "", "Drawn by `python docs/gallery/make.py`; each picture is an SVG file of its own.", ""]
    made: dict[Path, str] = {}
    for title, pictures in SECTIONS.items():
        page += [f"## {title}", ""]
        for name, picture in pictures():
            file = HERE / (f"{title.split()[-1]}-{name}".lower().replace(",", "").replace(" ", "-") + ".svg")
            made[file] = picture.svg + "\n"
            page += [f"### {name[0].upper()}{name[1:]}", "", f"![{name}]({file.name})", ""]
    made[HERE / "index.md"] = "\n".join(page).rstrip() + "\n"
    return made


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
