"""The core functions of workflows: ``from armillary.functions import money, days_between``.

In a workflow they are part of an expression; called anywhere else they do the same with Python values.
"""

from .authoring.functions import *  # noqa: F403 - all of them, and nothing else
