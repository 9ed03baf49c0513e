"""Deterministic simulation: the real interpreter, worker and backends on one thread, driven by a seed through faults.

``simulate(seed)`` runs one seed. ``python -m armillary_engine.testing.simulator SEED`` tells its story.
"""

from .faults import POINTS, Coverage
from .run import Result, simulate
from .stores import MemoryDisk, SqliteDisk

__all__ = ["POINTS", "Coverage", "MemoryDisk", "Result", "SqliteDisk", "simulate"]
