"""The suite that every store must pass. A store's own test file is this, with another factory::

    import pytest
    from armillary_engine.testing import conformance

    @pytest.mark.parametrize("case", conformance.CASES, ids=conformance.name)
    def test_contract(case, tmp_path):
        conformance.run(case, lambda clock: open_backend(f"sqlite:///{tmp_path}/store.sqlite", clock=clock), hold)

``hold(store)`` is a context in which the next transaction of that opening stays open just before its commit; it gives
an event that is set when it does. The factory opens *the same* store each time it is called; a second opening stands
for a second process. For readable failures, ``pytest.register_assert_rewrite("armillary_engine.testing.conformance")``
in a ``conftest.py``, before it is imported.
"""

from . import (
    calls,
    commits,
    failing,
    hostile,
    leases,
    retention,
    signals,
    signals_at_once,
    tasks,
    timeouts,
    upkeep,
    values,
)
from .harness import CASES, Bench, Case, name, run

__all__ = [
    "CASES", "Bench", "Case", "calls", "commits", "failing", "hostile", "leases", "name", "retention", "run", "signals",
    "signals_at_once", "tasks", "timeouts", "upkeep", "values",
]  # fmt: skip
