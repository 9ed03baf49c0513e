"""Gate: with 10,000 waiting instances an idle engine executes no statement for a minute of real time.

The instances wait for a signal, each with a time-out in a day, on SQLite; a schedule is due in a day too. Every
statement of every connection of the process is counted.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from armillary_engine.backends import sqlite as store
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.operations import Every

INSTANCES = 10_000
SECONDS = 60.0
WAITING = m.Definition("Waiting", (m.Signal("paid", "paid", match=m.Const("never"), timeout="P1D"),))


def main() -> int:
    """Prints what was counted; gives 1 where a statement was executed."""
    statements: list[str] = []
    counting = False

    def traced(*given: Any, **named: Any) -> sqlite3.Connection:
        connection = plain(*given, **named)
        connection.set_trace_callback(lambda text: statements.append(text) if counting else None)
        return connection

    plain, store.connect = store.connect, traced
    with tempfile.TemporaryDirectory() as folder, LocalRuntime(f"sqlite:///{Path(folder)}/idle.sqlite") as runtime:
        runtime.deploy(WAITING)
        for _ in range(INSTANCES):
            runtime.start("Waiting")
        runtime.schedule("daily", "Waiting", Every(interval=86_400))
        while runtime.engine.pulse.work:
            time.sleep(0.1)
        time.sleep(1)
        counting = True
        used = time.process_time()
        time.sleep(SECONDS)
        counting, used = False, time.process_time() - used
    print(
        f"idle for {SECONDS:.0f} s with {INSTANCES:,} waiting instances: {len(statements)} statements, {used:.3f} s CPU"
    )
    for text in statements[:10]:
        print(f"  {text[:100]}")
    return 1 if statements else 0


if __name__ == "__main__":
    sys.exit(main())
