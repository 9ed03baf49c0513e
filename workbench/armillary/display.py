"""How things look in a notebook: bundles that stay readable without a kernel, in exports and on GitHub."""

from __future__ import annotations

import html
import sys
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from armillary_engine.definition.codec import identity
from armillary_engine.definition.problems import ArmillaryError

from .completion import teach
from .definitions import as_definition, validate
from .handles import Instance, all_events

if TYPE_CHECKING:
    from armillary_engine.definition.model import Definition
    from armillary_renderers.render import Picture

    from .recording import Recording

DIAGRAM = "application/vnd.armillary.diagram+json"
"""What a renderer for JupyterLab may show instead of all else."""

Bundle = dict[str, Any]
"""MIME type → data; IPython's protocol ``_repr_mimebundle_``."""


def render(workflow: Any, **options: Any) -> Picture:
    """A picture of a workflow, a definition, a file's definition, or an instance with the state that it is in.

    It draws itself in a notebook; ``.svg`` is its text and ``.save(path)`` writes it. What is wrong with the definition
    is marked on its steps. ``options`` are those of :func:`armillary_renderers.render.render`.
    """
    from armillary_renderers.render import render as draw

    if isinstance(workflow, Instance):
        return _picture_of(workflow, workflow.runtime.definition_by_digest(workflow.view.digest), **options)
    definition = as_definition(workflow)
    options.setdefault("problems", validate(definition))
    return draw(definition, **options)


def definition_bundle(workflow: Any, **_: Any) -> Bundle:
    """What a workflow or a definition shows as: its picture, in forms for whoever opens the notebook."""
    definition = as_definition(workflow)
    picture, who = render(definition), identity(definition)
    bundle, written = dict(picture._repr_mimebundle_()), forms(definition)
    bundle["text/html"] += beside(written)
    bundle[DIAGRAM] = {
        "schema": "armillary.diagram/1",
        "svg": picture.svg,
        "caption": f"{who.name} {who.version}",
        "definition": {"name": who.name, "version": who.version, "digest": who.digest},
        "forms": [{"name": name, "text": text} for name, text in written.items()],
    }
    if (png := _png(picture)) is not None:
        bundle["image/png"] = png
    return bundle


MOST_STEPS = 300
"""Steps of a definition beyond which its other forms are not shown with it: nobody reads them in an output."""


def forms(definition: Definition) -> dict[str, str]:
    """What a definition is in Python, in YAML and as its canonical document, by these names; the Python is left out
    where there is none."""
    from armillary_engine.definition.codec import to_document
    from armillary_engine.definition.validate.walk import places

    from .authoring import decompile
    from .authoring.origins import without_source
    from .words import to_json

    if sum(1 for _ in places(definition)) > MOST_STEPS:
        return {}
    written: dict[str, str] = {}
    with suppress(ArmillaryError):
        written["Python"] = decompile(definition)
    written["YAML"] = decompile(definition, to="yaml")
    return written | {"Canonical": to_json(to_document(without_source(definition)), indent=2)}


def beside(written: Mapping[str, str]) -> str:
    """Texts that unfold side by side, as HTML that needs neither script nor style sheet: a notebook that is not trusted
    keeps it, and so does an export."""
    parts = "".join(
        f'<details style="flex:0 1 auto;min-width:0"><summary style="cursor:pointer">{name}</summary>'
        f'<pre style="max-height:36em;overflow:auto;font-size:12px;line-height:1.4">{html.escape(text)}</pre></details>'
        for name, text in written.items()
    )
    row = "display:flex;gap:4px 24px;align-items:flex-start;font:12px sans-serif;margin-top:8px"
    return f'<div style="{row}">{parts}</div>' if parts else ""


def _png(picture: Picture) -> str | None:
    """For previews that show no SVG, such as GitHub's; only where something is installed that can make one."""
    from armillary_renderers.raster import rasterize

    try:
        return b64encode(rasterize(picture.svg, "png")).decode()
    except ArmillaryError:
        return None


def instance_bundle(instance: Instance | Recording) -> Bundle | tuple[Bundle, Bundle] | None:
    """What an instance shows as: the live view where widgets are installed, otherwise its picture as it is now."""
    if find_spec("anywidget"):
        from .widgets.live import view as live

        return live(instance)._repr_mimebundle_()
    from .widgets.static import bundle

    definition = instance.runtime.definition_by_digest(instance.view.digest)
    picture = _picture_of(instance, definition) if isinstance(instance, Instance) else instance.picture()
    return bundle(picture.svg, instance.view, definition)


def _picture_of(instance: Instance, definition: Definition, **options: Any) -> Picture:
    from armillary_renderers.render import render as draw

    from .widgets.picture import overlay_of

    events = list(all_events(instance.runtime, instance.id))
    return draw(definition, overlay=overlay_of(definition, events, instance.status), **options)


def teach_ipython() -> None:
    """Lets IPython draw plain definitions, which know nothing of notebooks, and what a broken cell did compile to.

    Nothing happens outside of IPython."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        formatter = shell.display_formatter.mimebundle_formatter
        formatter.for_type_by_name("armillary_engine.definition.model", "Definition", definition_bundle)
        shell.events.register("post_run_cell", _show_broken)
        teach(shell)


def _show_broken(result: Any) -> None:
    """Below the errors of a cell, the picture of its workflow with markers where they are, if it has one."""
    error = result.error_in_exec
    definition = getattr(error, "definition", None)
    if isinstance(error, ArmillaryError) and definition is not None:
        display = import_module("IPython.display").display
        display(render(definition, problems=error.problems))
