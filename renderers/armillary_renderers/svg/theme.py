"""Colours and the style sheet of one picture.

Every selector begins with the picture's own id, so two pictures on one page never style each other. Colours are written
out (no custom properties), because rasterizers know neither ``var()`` nor media queries and must still draw the theme.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Theme = Literal["auto", "light", "dark", "high-contrast", "print"]
THEMES: tuple[Theme, ...] = ("auto", "light", "dark", "high-contrast", "print")
FONTS = "'Helvetica Neue',Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif"

FAMILIES: dict[str, tuple[str, ...]] = {
    "call": ("call", "subworkflow", "continue_with"),
    "task": ("task",),
    "choice": ("decision", "repeat"),
    "parallel": ("fork", "join", "each"),
    "wait": ("timer", "signal"),
    "data": ("set", "reference", "leave", "next", "collapsed"),
    "good": ("complete",),
    "bad": ("fail", "catch"),
}
LEVELS = 5
"""Of a heat map; the level of what never happened is 0."""
CHANGE_COLOURS = {
    "added": "done",
    "removed": "failed",
    "changed": "waiting",
    "moved": "running",
    "renamed": "cancelled",
}
STATES = ("running", "waiting", "done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Tint:
    """The colours of one family of kinds."""

    fill: str
    line: str
    accent: str


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of one theme."""

    surface: str
    text: str
    muted: str
    edge: str
    taken: str
    failure: str
    frame: str
    frame_line: str
    pill: str
    tints: dict[str, Tint]
    states: dict[str, str]
    heat: tuple[str, ...]
    """Fills from nothing to most; texts stay readable on each."""
    on_state: str = "#ffffff"
    width: str = "1.25"
    extra: dict[str, str] = field(default_factory=dict)


LIGHT = Palette(
    surface="#ffffff",
    text="#1c2430",
    muted="#5a6675",
    edge="#7d8998",
    taken="#1f6f4a",
    failure="#b4412f",
    frame="#f5f7f9",
    frame_line="#d5dbe2",
    pill="#ffffff",
    tints={
        "call": Tint("#eef4fc", "#9dbbe3", "#2b62ad"),
        "task": Tint("#fdf4e3", "#e0bd79", "#9a6208"),
        "choice": Tint("#f4f1fb", "#b9abe0", "#6246a8"),
        "parallel": Tint("#eaf6f5", "#92c8c3", "#1b7a72"),
        "wait": Tint("#fbf0f6", "#deaac9", "#a03c78"),
        "data": Tint("#f3f5f7", "#c3ccd6", "#5a6675"),
        "good": Tint("#ebf6ee", "#97cba7", "#237a41"),
        "bad": Tint("#fcefec", "#e5aba0", "#b4412f"),
    },
    states={
        "running": "#1d62c4",
        "waiting": "#975a00",
        "done": "#1f7a45",
        "failed": "#bb2d1e",
        "cancelled": "#5a6675",
    },
    heat=("#ffffff", "#fdf1e4", "#fbdfc2", "#f8c795", "#f4ac66", "#ee9140"),
)
DARK = Palette(
    surface="#151a21",
    text="#e7ebf0",
    muted="#a3aebb",
    edge="#7b8796",
    taken="#5cc98f",
    failure="#f08a76",
    frame="#1a2029",
    frame_line="#333d4a",
    pill="#151a21",
    tints={
        "call": Tint("#1a2738", "#41628d", "#86b4f0"),
        "task": Tint("#2e2616", "#7d6432", "#ecc06a"),
        "choice": Tint("#252036", "#5f5290", "#b8a4f2"),
        "parallel": Tint("#162b2b", "#35706b", "#6cccc2"),
        "wait": Tint("#2e1d29", "#7e4a69", "#eb9cca"),
        "data": Tint("#212832", "#4a5665", "#a3aebb"),
        "good": Tint("#182b1f", "#3c7550", "#74cf94"),
        "bad": Tint("#321e1b", "#86493e", "#f39b89"),
    },
    states={
        "running": "#3575ce",
        "waiting": "#a3680b",
        "done": "#298551",
        "failed": "#ce4739",
        "cancelled": "#66727f",
    },
    heat=("#151a21", "#2a211a", "#46301d", "#653f1e", "#84501f", "#9a591b"),
)


def _plain(surface: str, ink: str, width: str, states: dict[str, str], frame: str) -> Palette:
    tint = Tint(surface, ink, ink)
    return Palette(
        surface=surface,
        text=ink,
        muted=ink,
        edge=ink,
        taken=ink,
        failure=ink,
        frame=frame,
        frame_line=ink,
        pill=surface,
        tints=dict.fromkeys(FAMILIES, tint),
        states=states,
        heat=(surface,) * (LEVELS + 1),
        on_state=surface,
        width=width,
    )


HIGH_CONTRAST = _plain("#ffffff", "#000000", "2", dict.fromkeys(STATES, "#000000"), "#ffffff")
PRINT = _plain("#ffffff", "#222222", "1", dict.fromkeys(STATES, "#222222"), "#f7f7f7")
_PALETTES = {"light": LIGHT, "dark": DARK, "high-contrast": HIGH_CONTRAST, "print": PRINT}


@lru_cache(maxsize=256)
def style_sheet(identity: str, theme: Theme) -> str:
    """``auto`` follows ``prefers-color-scheme``; ``data-theme="light"`` or ``"dark"`` on the root overrules it."""
    root = f"#{identity}"
    rules = [*_structure(root), *_motion(root)]
    if theme != "auto":
        return "\n".join([*rules, *_colours(root, _PALETTES[theme])])
    dark = _colours(f"{root}:not([data-theme=light])", DARK)
    rules += _colours(root, LIGHT)
    rules += ["@media (prefers-color-scheme: dark){", *dark, "}"]
    rules += _colours(f"{root}[data-theme=dark]", DARK)
    return "\n".join(rules)


def _noted(root: str) -> str:
    """The selectors of what an overlay writes beside a node."""
    return ",".join(f"{root} .armillary-{role}" for role in ("visits", "retries", "clock", "change"))


def _structure(root: str) -> list[str]:
    rules = [
        f"{root}{{font-family:{FONTS};font-size:13px}}",
        f"{root} .armillary-title{{font-weight:600}}",
        f"{root} .armillary-detail,{root} .armillary-fact{{font-size:11px}}",
        f"{root} .armillary-label{{font-size:12px}}",
        f"{root} .armillary-line{{fill:none;stroke-width:1.5;stroke-linejoin:round}}",
        f"{root} .armillary-edge[data-kind=failure] .armillary-line{{stroke-dasharray:5 4}}",
        f"{root} .armillary-edge[data-kind=compensation] .armillary-line{{stroke-dasharray:2 4}}",
        f"{root}[data-live=true] .armillary-line{{stroke-width:1.25}}",
        f"{root} .armillary-edge[data-taken=true][data-taken] .armillary-line{{stroke-width:3}}",
        f"{root} .armillary-icon{{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}}",
        f"{root} .armillary-states{{font-size:11px;font-weight:600;stroke-width:1.75}}",
        f"{root} .armillary-states use{{display:none}}",
        f"{_noted(root)}{{font-size:11px;font-weight:600;stroke-width:4;paint-order:stroke}}",
        f"{root} .armillary-node{{outline:none}}",
        f"{root} .armillary-node:focus-visible .armillary-shape{{stroke-width:3}}",
        f"{root}[data-live=true] .armillary-node[data-state=not-reached]{{opacity:.66}}",
        f"{root} .armillary-node[data-state=cancelled] .armillary-shape{{stroke-dasharray:5 3}}",
        f"{root} .armillary-node[data-state=waiting] .armillary-shape{{stroke-width:2}}",
        f"{root} .armillary-node[data-state=running] .armillary-shape{{stroke-width:2.5}}",
        f"{root} .armillary-node[data-state=failed] .armillary-shape{{stroke-width:2.5}}",
        f"{root} .armillary-problem{{display:none}}",
        f"{root} .armillary-problem[data-severity]{{display:inline}}",
        f"{root} .armillary-node[data-change=removed] .armillary-shape{{stroke-dasharray:5 3}}",
        f"{root} .armillary-node[data-change] .armillary-shape{{stroke-width:2.5}}",
        f"{root}[data-live=true] .armillary-node[data-heat][data-heat]{{opacity:1}}",
        f"{root}[data-live=true] .armillary-node[data-change][data-change]{{opacity:1}}",
        f"{root}[data-live=true] .armillary-node[data-problem][data-problem]{{opacity:1}}",
    ]
    for heat in range(LEVELS + 1):
        wide = ("1", "1.5", "2.5", "3.5", "4.5", "6")[heat]
        rules.append(f"{root} .armillary-edge[data-heat='{heat}'][data-taken] .armillary-line{{stroke-width:{wide}}}")
    rules += [
        f"{root} .armillary-node[data-state={state}] .armillary-state-{state}{{display:inline}}" for state in STATES
    ]
    return rules


def _motion(root: str) -> list[str]:
    return [
        "@media (prefers-reduced-motion: no-preference){",
        f"{root} .armillary-node[data-state=running] .armillary-state-running{{",
        "animation:armillary-pulse 1.6s ease-in-out infinite}}",
        "@keyframes armillary-pulse{50%{opacity:.55}}",
    ]


def _colours(root: str, palette: Palette) -> list[str]:
    edge = f"{root} .armillary-edge"
    rules = [
        f"{root} .armillary-surface{{fill:{palette.surface}}}",
        f"{root} text{{fill:{palette.text}}}",
        f"{root} .armillary-detail,{root} .armillary-label,{root} .armillary-group text{{fill:{palette.muted}}}",
        f"{root} .armillary-frame{{fill:{palette.frame};stroke:{palette.frame_line};stroke-width:1}}",
        f"{root} .armillary-line{{stroke:{palette.edge}}}",
        f"{root} .armillary-arrow{{fill:{palette.edge}}}",
        f"{edge}[data-kind=failure] .armillary-line{{stroke:{palette.failure}}}",
        f"{edge}[data-kind=failure] .armillary-arrow{{fill:{palette.failure}}}",
        f"{edge}[data-taken=true] .armillary-line{{stroke:{palette.taken}}}",
        f"{edge}[data-taken=true] .armillary-arrow{{fill:{palette.taken}}}",
        f"{root} .armillary-shape{{stroke-width:{palette.width}}}",
        f"{root} .armillary-node[data-kind=start] .armillary-shape{{fill:{palette.edge};stroke:{palette.edge}}}",
        f"{root} .armillary-node[data-kind=end] .armillary-shape{{fill:{palette.surface};stroke:{palette.edge}}}",
        f"{root} .armillary-node[data-kind=end] .armillary-shape{{stroke-width:4}}",
        f"{root} .armillary-badge{{fill:{palette.pill}}}",
        f"{_noted(root)}{{stroke:{palette.surface}}}",
        f"{root} .armillary-problem{{color:{palette.on_state};stroke:{palette.surface}}}",
        f"{root} .armillary-problem{{fill:{palette.states['failed']}}}",
        f"{root} .armillary-problem[data-severity=warning]{{fill:{palette.states['waiting']}}}",
    ]
    for family, kinds in FAMILIES.items():
        tint = palette.tints[family]
        nodes = [f"{root} .armillary-node[data-kind={kind}]" for kind in kinds]
        shape = ",".join(f"{node} .armillary-shape" for node in nodes)
        icon = ",".join(f"{node} .armillary-icon" for node in nodes)
        badge = ",".join(f"{node} .armillary-badge" for node in nodes)
        rules.append(f"{shape}{{fill:{tint.fill};stroke:{tint.line}}}")
        rules.append(f"{icon}{{stroke:{tint.accent}}}")
        rules.append(f"{badge}{{stroke:{tint.line}}}")
    for heat, fill in enumerate(palette.heat):
        rules.append(f"{root} .armillary-node[data-heat='{heat}'] .armillary-shape{{fill:{fill}}}")
        rules.append(f"{root} .armillary-node[data-heat='{heat}'] .armillary-shape{{stroke-width:{1 + heat / 2:g}}}")
    rules.append(f"{root} .armillary-node[data-heat] .armillary-detail{{fill:{palette.text}}}")
    for change, state in CHANGE_COLOURS.items():
        node, colour = f"{root} .armillary-node[data-change={change}]", palette.states[state]
        rules.append(f"{node} .armillary-shape{{stroke:{colour}}}")
        rules.append(f"{node} .armillary-change{{fill:{colour}}}")
    for state, colour in palette.states.items():
        node = f"{root} .armillary-node[data-state={state}]"
        rules.append(f"{node} .armillary-shape{{stroke:{colour}}}")
        rules.append(f"{root} .armillary-state-{state}{{fill:{colour};color:{palette.on_state}}}")
    rules.append(f"{root} .armillary-node:focus-visible .armillary-shape{{stroke:{palette.states['running']}}}")
    return rules
