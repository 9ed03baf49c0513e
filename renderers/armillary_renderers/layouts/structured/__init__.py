"""The default layout: recursion over the block tree, linear in the number of steps.

1. :mod:`.plans` says what a measured block is: its extents left and right of its axis, its height, its lanes;
   :mod:`.jumps` which way early exits get out of it.
2. :mod:`.measure` measures bottom up.
3. :mod:`.place` gives coordinates top down; :mod:`.route` draws each edge as soon as both of its ends are known.
4. :mod:`.wrap`, if asked for, continues a long flow in further columns; :mod:`.finish` turns it the way it is read.

A structured definition needs no search: the main line is straight, other branches stand beside it in columns of their
own, loop-backs and early exits run in lanes that were reserved when their block was measured. The rules, and what
cannot be drawn without a crossing, are in docs/explanation/layout.
"""

from __future__ import annotations

from armillary_renderers.collector import paused
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.diagram.placed import Placed
from armillary_renderers.layout import Options
from armillary_renderers.layouts.structured.finish import finish
from armillary_renderers.layouts.structured.measure import Measurer
from armillary_renderers.layouts.structured.place import Placer
from armillary_renderers.layouts.structured.plans import spacing
from armillary_renderers.layouts.structured.wrap import wrap


@paused()
def layout(diagram: Diagram, options: Options) -> Placed:
    """Place a measured diagram. Overlaps are 0, crossings too where :mod:`.jumps` foresees none."""
    space = spacing(options)
    measurer = Measurer(diagram, space)
    plan = measurer.sequence(diagram.root)
    placer = Placer(measurer)
    if options.wrap:
        placer.sequence(plan, 0, 0)
        columns = wrap(placer, plan, options.wrap)
    else:
        placer.sequence(plan, plan.left + space.margin, space.margin)
        columns = ()
    return finish(diagram, placer, plan, options, columns)
